//! Finds encrypted values: equality search over a column that the database cannot read.
//!
//! A blind index stores, beside the ciphertext, a *term*: some bits of an HMAC-SHA-256 of the
//! normalized value, under a key of its own. Equal values have equal terms, so the database
//! finds rows with `WHERE email_index IN (...)`; and since only a few bits are kept, other
//! values have the same term too, so that a term alone tells nobody for sure whose row it is.
//!
//! 1. **Fewer bits than would tell rows apart.** A [`Plan`] chooses how many from the number of
//!    rows: between 2 rows and the square root of all rows share a term. An index with more is
//!    refused, unless [`Plan::insecure_exact`] asks for it.
//! 2. **No index on what has few values.** Of a yes-or-no column the term would be as good as
//!    the value, by frequency alone. Columns with fewer values than 65536, or than the square
//!    root of the rows, are refused alone: put them into a compound index, or make each guess
//!    cost, by [`slow`](IndexBuilder::slow).
//! 3. **A key of its own** ([`IndexKey`]), apart from the keys that encrypt: rotating those
//!    rebuilds no index. Each index has another key, derived from the namespace, the table, the
//!    columns, the name and the version: terms of different indexes cannot be compared.
//! 4. **Versions.** To change the key, the bits or the normalizer, add the index under the next
//!    version to the [`IndexSet`], look up `IN (old, new)`, write the new, rebuild, drop the old.
//! 5. **Look again after opening.** A row that is found is a candidate. Open its value and
//!    compare; the planner says how many will not be it.
//!
//! ```
//! use portcullis::crypto::blind_index::{Column, Distinct, IndexKey, Normalizer, Plan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = IndexKey::generate(); // Once; then IndexKey::parse(&text) at each start.
//! let by_email = key
//!     .index("users", "by_email", [Column::new("email", Normalizer::email(), Distinct::PerRow)])
//!     .plan(Plan::for_rows(1_000_000))
//!     .build()?;
//! assert_eq!(by_email.shape().bits(), 18);
//! assert_eq!(by_email.shape().false_positives().round(), 4.0);
//!
//! let stored = by_email.term("Ann@Example.com")?; // INSERT ... by_email = $1
//! assert_eq!(by_email.term(" ann@example.com")?, stored); // ... WHERE by_email = $1
//! assert_ne!(by_email.term("bob@example.com")?, stored);
//!
//! // Four digits are no secret, whatever they are hashed with.
//! let last_four = Column::new("card", Normalizer::digits().last(4), Distinct::PerRow);
//! let refused = key.index("users", "by_card", [last_four.clone()]);
//! assert!(refused.plan(Plan::for_rows(1_000_000)).build().is_err());
//!
//! // Together with a name they are.
//! let name = Column::new("name", Normalizer::lowercase(), Distinct::Values(20_000));
//! let by_name_and_card = key
//!     .index("users", "by_name_and_card", [name, last_four])
//!     .plan(Plan::for_rows(1_000_000))
//!     .build()?;
//! let term = by_name_and_card.term_of(["Ann Lee", "4242 4242 4242 4242"])?;
//! assert_eq!(term, by_name_and_card.term_of(["ANN LEE", "4242"])?);
//! # Ok(())
//! # }
//! ```
//!
//! # What it gives away
//!
//! To who reads the database and has no key: which rows *may* be equal, and how often a term
//! occurs. Who can also make rows of known values (register with an address) sees their terms
//! and can watch for them. Several indexes over one value add up: tell the plan of each by
//! [`Plan::beside`]. Backups of both versions during a rotation add up as well. To who has the
//! index key: whether a guessed value may be there, at the cost of one HMAC a guess, or one
//! Argon2id for a [slow](IndexBuilder::slow) index. Prefix, range and substring search would
//! give away much more and are not offered.
//!
//! Rows whose value is NULL have no term: store NULL.
//!
//! Normal forms are stable for all characters that Unicode knows today (its stability policy).
//! Of characters that it does not know yet they may change with the version of Rust: such a row
//! is found again after its term is rebuilt.

mod builder;
mod error;
mod index;
mod key;
mod normalize;
mod plan;
mod set;
mod term;

pub use builder::{Column, Distinct, IndexBuilder};
pub use error::{IndexError, TermError};
pub use index::BlindIndex;
pub use key::IndexKey;
pub use normalize::Normalizer;
pub use plan::{Plan, PlanError, Shape};
pub use set::IndexSet;
pub use term::Term;
