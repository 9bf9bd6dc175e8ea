//! Which account somebody has who logged in with a provider: against accounts that are taken
//! over by an address of e-mail, or by a browser that somebody left open.
//!
//! 1. An identity is the issuer and the subject, and nothing else (OpenID Connect Core section
//!    5.7; ASVS 5.0 10.3.3 and 10.5.2). Addresses change hands, and a provider may let anybody
//!    write down anybody's: so none ever links, verified or not.
//! 2. Who comes with an identity that no account has gets a new account. Of many that come with
//!    it at once, one account is made.
//! 3. A further identity is linked by who is logged in, and logged in just now:
//!    [`RequireRecent`], 5 minutes unless told otherwise. An identity belongs to one account.
//! 4. An identity is taken off in the same way, and never the last one of an account that has
//!    nothing else to log in by.
//! 5. An account has at most 16 identities.
//! 6. When the records fail, nothing is let in: 503.
//!
//! ```
//! use portcullis::authn::oauth2::linking::{IdentityKey, LinkError, Links, OtherLogin};
//! use portcullis::clock::Clock;
//! use portcullis::principal::{Authentication, Principal};
//! use portcullis::store::Records;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let links = Links::new(Records::memory());
//! let work = IdentityKey::new("https://id.example.com", "user-17")?;
//! let ann = links.find_or_create(&work).await?;
//! assert!(ann.is_new());
//! assert_eq!(links.find_or_create(&work).await?.id(), ann.id());
//!
//! // The same subject of another issuer is somebody else.
//! let other = IdentityKey::new("https://login.example.net", "user-17")?;
//! assert!(links.find(&other).await?.is_none());
//!
//! let just_now = Principal::new(ann.id(), Authentication::new(Clock::system().now()));
//! links.link(&just_now, &other).await?;
//!
//! let long_ago = Principal::new(ann.id(), Authentication::new(Default::default()));
//! let refused = links.unlink(&long_ago, &work, OtherLogin::None).await;
//! assert!(matches!(refused, Err(LinkError::NotFresh { .. })));
//! # Ok(())
//! # }
//! ```
//!
//! The login that brings the second identity is begun by the account that it is for: keep the
//! account in what is kept of the login under way, and link only when the same account is still
//! logged in. Otherwise whoever lures a user to a callback links an identity of their own.
//!
//! Tell the user by mail of each identity that comes or goes (ASVS 5.0 6.3.7).
//!
//! [`RequireRecent`]: crate::authn::RequireRecent

mod error;
mod key;
mod links;
mod record;

pub use error::{IdentityError, LinkError};
pub use key::IdentityKey;
pub use links::{Links, OtherLogin};
pub use record::{Link, LinkedAccount};
