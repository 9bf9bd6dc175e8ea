//! Text from users: one form for what looks the same, nothing that cannot be seen, no longer
//! than it may be.
//!
//! [`TextRules`] judge a text, or bring it into form first:
//!
//! 1. Unicode Normalization Form C, so that what is typed alike is stored alike.
//! 2. No control characters; line feeds and tabs where there may be several lines, in which
//!    CR LF and CR become line feeds.
//! 3. No characters that turn the direction of text: they show another text than is there
//!    ("Trojan Source"). The marks U+200E, U+200F and U+061C, which Arabic and Hebrew need at
//!    times, can be allowed.
//! 4. No characters that take no room: zero-width spaces, fillers, tags; joiners only between
//!    letters of scripts that need them, and within emoji.
//! 5. Length in bytes, in characters (Unicode scalar values) and in what readers take for one
//!    character (extended grapheme clusters, UAX #29), each with a bound of its own. Bytes
//!    bound what a database column takes, and one cluster may have thousands of characters.
//!
//! ```
//! use portcullis::input::text::{TextError, TextRules};
//!
//! let name = TextRules::line().max_graphemes(40);
//! assert_eq!(name.clean("Jose\u{301}")?, "José");
//! assert_eq!(name.check("ann\u{202E}nimda"), Err(TextError::Direction));
//! assert_eq!(name.check("two\nlines"), Err(TextError::LineBreak));
//!
//! let family = "👩\u{200D}👩\u{200D}👧";
//! assert!(TextRules::line().max_graphemes(1).check(family).is_ok());
//! # Ok::<(), TextError>(())
//! ```
//!
//! A text that is clean by these rules still has to be encoded for the place it goes to: see
//! `input::encode`.
//!
//! ASVS 5.0: 2.2.1 (validation), 1.1.1 (canonical form before it).

mod error;
mod rules;

pub use error::TextError;
pub use rules::TextRules;
