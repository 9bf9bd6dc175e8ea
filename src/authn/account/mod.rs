//! Accounts, from registration to deletion, and logging in to them: what every service needs,
//! and what is got wrong in most.
//!
//! An [`Account`] is an id, an e-mail address, the hash of a password, and what the application
//! keeps of the user. [`Accounts`] keeps them in [`Records`](crate::store::Records); for a table
//! of users of yours, implement [`Directory`]. [`Login`] checks a password, [`Lifecycle`] does
//! the rest:
//!
//! 1. **Nobody learns who has an account**: not by login, registration, a reset or a change of
//!    address, not by the answer and not by its time. The mailbox is told instead. (ASVS 5.0
//!    6.3.8)
//! 2. An address counts once a link that was sent there came back, with the password that it was
//!    registered with: whoever registers another's address gets in by nobody's link, and keeps
//!    nobody out. What is the same address stands at [`Email`].
//! 3. A password is changed by the old one (6.2.3), and reset by a link that is good once (6.4.1,
//!    6.4.3). Either ends all other logins: sessions, refresh tokens, remembered browsers
//!    (7.4.3). A reset ends API keys as well. The second factor stays.
//! 4. An address is changed when both the old and the new one have confirmed it.
//! 5. Disabling and deletion end every session, token and key, API keys too (7.4.2). A login
//!    that is under way at that moment ends as well, where it asks for the user's epoch as
//!    sessions do.
//! 6. The user is told of each by a notice (6.3.7), and so of changes of the second factor. A change that nobody can be told of, for the
//!    outbox is full, is not made.
//! 7. Every write is a compare-and-swap on what was read: none is lost, and no old password comes
//!    back by a hash that was made anew meanwhile.
//! 8. There is no default account (6.3.2), no hint and no secret question (6.4.2), and nobody
//!    but its user ever sets a password (6.4.6).
//! 9. When something fails, nothing is let in: 503.
//!
//! ```
//! # use portcullis::authn::one_time_code::{CodeSender, Content, Message, Sending};
//! # use std::sync::mpsc::{SyncSender, sync_channel};
//! # #[derive(Debug)]
//! # struct Mail(SyncSender<String>);
//! # impl CodeSender for Mail {
//! #     fn send(&self, message: Message) -> Sending {
//! #         if let Content::LinkToken(token) = message.content() {
//! #             self.0.send(token.expose().to_owned()).unwrap();
//! #         }
//! #         Box::pin(async { Ok(()) })
//! #     }
//! # }
//! use portcullis::authn::account::{Accounts, Lifecycle, Login};
//! use portcullis::authn::one_time_code::{LinkTokens, Outbox};
//! use portcullis::authn::password::Passwords;
//! use portcullis::authn::throttle::Throttle;
//! use portcullis::guard::Rejection;
//! use portcullis::secret::{SecretBytes, SecretString};
//! use portcullis::store::{Records, Store};
//!
//! # #[tokio::main(flavor = "multi_thread", worker_threads = 1)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (sender, mails) = sync_channel(9);
//! # let mail = Mail(sender);
//! let key = SecretBytes::from(b"32 random bytes from your vault.".as_slice());
//! let store = Store::memory();
//! let throttle = Throttle::builder(store.clone(), &key).build()?;
//! let login = Login::new(Accounts::new(Records::memory()), Passwords::new()?, throttle);
//! let links = LinkTokens::builder(store, &key, Outbox::new(mail)).build()?;
//! let accounts = Lifecycle::new(login.clone(), links);
//! // With `.ends_logins(sessions).ends_keys(api_keys).deletes(totp)`, where there are such.
//!
//! let password = SecretString::from("nine purple lanterns drift");
//! accounts.register("Ann@example.com", &password, serde_json::json!({"name": "Ann"})).await?;
//!
//! // What came back by POST from the page behind the link in the mail:
//! # let token = mails.recv()?;
//! let client = "192.0.2.7".parse()?;
//! let id = accounts.verify_email(&token, &password, client).await?;
//!
//! let ann = login.check("ann@example.com", &password, client, None).await?;
//! assert_eq!(ann.account().id(), id);
//!
//! let wrong = SecretString::from("ten purple lanterns drift");
//! for nobody in ["ann@example.com", "bob@example.com", "not even an address"] {
//!     let refused = login.check(nobody, &wrong, client, None).await.unwrap_err();
//!     assert_eq!(Rejection::from(refused).code(), "wrong_credentials");
//! }
//! # Ok(())
//! # }
//! ```

#[expect(clippy::module_inception, reason = "the type that the module is about")]
mod account;
mod accounts;
mod directory;
mod email;
mod email_change;
mod ending;
mod error;
mod factor_change;
mod lifecycle;
mod login;
mod password_change;
pub mod purpose;
mod registration;

pub use super::revoke::{Revoke, Revoking};
pub use account::{Account, Parts};
pub use accounts::Accounts;
pub use directory::{Directory, Written};
pub use email::{Email, NotAnEmail};
pub use email_change::EmailChange;
pub use error::{AccountError, Refused};
pub use factor_change::FactorChange;
pub use lifecycle::Lifecycle;
pub use login::{LoggedIn, Login};
pub use password_change::PasswordReset;

use crate::store::{StoreError, StoreErrorKind};

/// How often a change is tried while others come between. Each time one of them got on.
const MAX_TRIES: usize = 32;

fn contended() -> StoreError {
    let message = "an account is being changed by too many at once";
    StoreError::new(StoreErrorKind::Unavailable, message)
}
