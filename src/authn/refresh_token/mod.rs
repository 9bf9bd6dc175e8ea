//! Refresh tokens, against those who steal one: good once, in families that end when one comes
//! twice.
//!
//! An access token lives for minutes, because nobody looks behind it. What lives for weeks is
//! the refresh token, which is looked up in the [`Store`](crate::store::Store) each time:
//!
//! 1. It is opaque: a tag of the user, a public id and two secrets of 256 bits. The store holds
//!    hashes of the secrets, so who reads the store can use nothing of it.
//! 2. Each use gives another token and uses the old one up, at one moment: of many that bring
//!    one token at once, or within one second, one is served.
//! 3. All tokens of one login are a family. When a used one comes again, however old, one of two
//!    who have it has stolen it: the family ends, and the event `authn_token_reuse` tells (RFC
//!    9700 section 4.14.2, ASVS 5.0 10.4.5). Who has never had a token of the family cannot end
//!    it, for all of them share the first secret.
//! 4. A token lives for 7 days if it is not used, and its family for 30 days in any case
//!    (10.4.8).
//! 5. It stands for a [`Grant`]: who, how and when proved, for which client and scopes. It is
//!    taken from that client only, and where it is bound to a key, with a proof of that key.
//! 6. A user's families are [listed](RefreshTokens::list) and [ended](RefreshTokens::revoke)
//!    one by one, or [all](RefreshTokens::revoke_all) at once, logins under way included
//!    (10.4.9); and all end with the user's [epoch](crate::authn::Epochs), whoever sets it.
//! 7. When the store fails, so does the refresh: 503.
//!
//! **The grace rule.** By default there is none: a client whose answer got lost, or that
//! refreshes in two tabs at once, has to log in again.
//! [`grace_for_lost_answers`](RefreshTokensBuilder::grace_for_lost_answers) allows it: for some
//! seconds after its use the last token, and no older one, gives *the same* successor again.
//! There is one good token all the time, so a thief and the user cannot go on side by side: the
//! first of them that is a turn late ends the family. To make the successor again, the store
//! keeps a random seed: with it and a copy of the token before, the next can be computed. The
//! [strict](RefreshTokensBuilder::strict) profile has no grace.
//!
//! ```
//! use portcullis::authn::refresh_token::{Grant, Presented, Refusal, RefreshTokens};
//! use portcullis::clock::Clock;
//! use portcullis::principal::{Authentication, Method, Principal};
//! use portcullis::store::Store;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = RefreshTokens::new(Store::memory());
//!
//! // After the login:
//! let proof = Authentication::new(Clock::system().now()).with_method(Method::Password);
//! let grant = Grant::of(&Principal::new("user-17", proof)).client("app");
//! let first = tokens.issue(grant).await?;
//!
//! let brought = async |token: &str| tokens.refresh(Presented::new(token).client("app")).await;
//! let second = brought(first.token().expose()).await?;
//! assert_eq!(second.grant().subject(), "user-17");
//!
//! // The first again: somebody has a copy.
//! let error = brought(first.token().expose()).await.unwrap_err();
//! assert_eq!(error.refusal(), Some(Refusal::Reused));
//! assert!(brought(second.token().expose()).await.is_err(), "the family has ended");
//! # Ok(())
//! # }
//! ```
//!
//! With feature `jwt`, `Issuer::token_with` makes the access token that goes with one.
//!
//! Keep the token where no script reads it, as in a cookie that is `HttpOnly` and goes to the
//! path of the refresh alone; or with a native client, in its key chain.

mod builder;
mod error;
mod family;
mod grant;
mod token;
mod tokens;

pub use builder::RefreshTokensBuilder;
pub use error::{ConfigError, RefreshError, Refusal};
pub use grant::Grant;
pub use tokens::{FamilyInfo, NewRefreshToken, Presented, RefreshTokens};
