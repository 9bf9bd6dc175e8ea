//! Codes and links that are sent to somebody, by SMS or e-mail, and used once: a second
//! factor, the verification of an address, the reset of a password.
//!
//! [`OneTimeCodes`] are typed in where they were asked for, [`LinkTokens`] come back by the
//! link of a mail. For both:
//!
//! 1. **At rest** codes and tokens are only keyed hashes (HMAC-SHA-256): who reads the store
//!    can try all codes of six digits, and learns nothing without the key. Users are hashed
//!    too; beside a link, for as long as it lives, its user and address stand in the open.
//! 2. **Bound** to the user, the purpose and, for codes, the very request that asked for it
//!    (ASVS 5.0 6.6.2). A new one voids the last.
//! 3. **Once**: taken or swapped in the [`Store`](crate::store::Store) at one moment. Of many
//!    that bring one code, on any number of machines, one gets in (6.5.1).
//! 4. **Short lives**: codes 5 minutes and at most 10 (6.5.5), links an hour and at most a day.
//! 5. **Guessing**: wrong codes are counted for each user and purpose, whatever challenge they
//!    were for, and lock by [`LockOut`] (6.6.3). Clients that are
//!    [known](Recipient::asked_by_known_client) to be the user's are counted apart from
//!    strangers, who cannot lock them out; both together have no more than the 100 guesses of
//!    NIST SP 800-63B-4 section 3.2.2. Links have 256 bits and nothing to guess.
//! 6. **Sending** is limited for each user and purpose (6.6.4), has a deadline, and happens in
//!    the background: no answer waits for it, so its time tells nobody who has an account.
//! 7. **No enumeration** (6.3.8): [`OneTimeCodes::start_quietly`] and
//!    [`LinkTokens::issue_quietly`] do the same work and give the same answer for users who
//!    are not there, and for those whose limit is reached.
//! 8. **When the store fails**, so does the operation: 503.
//!
//! Use SMS and mail with thought: neither stands against phishing, and ASVS 5.0 6.3.6 rules
//! out mail as a factor at level 3 ([`never_by_mail`](OneTimeCodesBuilder::never_by_mail)), and 6.6.1 SMS where there is no better way beside it.
//!
//! ```
//! # use std::sync::{Arc, Mutex};
//! use portcullis::authn::one_time_code::{
//!     CodeSender, Content, Message, OneTimeCodes, Outbox, Purpose, Recipient, Sending,
//! };
//! use portcullis::secret::SecretBytes;
//! use portcullis::store::Store;
//!
//! /// Sends nowhere: a real one talks to a gateway.
//! #[derive(Debug, Default)]
//! struct Gateway(Arc<Mutex<Option<String>>>);
//! impl CodeSender for Gateway {
//!     fn send(&self, message: Message) -> Sending {
//!         let last = Arc::clone(&self.0);
//!         Box::pin(async move {
//!             if let Content::Code(code) = message.content() {
//!                 *last.lock().unwrap() = Some(code.expose().to_owned());
//!             }
//!             Ok(())
//!         })
//!     }
//! }
//!
//! const LOGIN: Purpose = Purpose::new("login");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::default();
//! # let last = Arc::clone(&gateway.0);
//! let key = SecretBytes::from(b"32 random bytes from your vault.".as_slice());
//! let codes = OneTimeCodes::builder(Store::memory(), &key, Outbox::new(gateway)).build()?;
//!
//! // After the password:
//! let challenge = codes.start(LOGIN, &Recipient::new("user-17", "+1 555 0100")).await?;
//!
//! // What the user types, with the challenge that the client kept:
//! # while last.lock().unwrap().is_none() { tokio::task::yield_now().await; }
//! # let typed = last.lock().unwrap().clone().unwrap();
//! assert!(codes.verify(LOGIN, "user-18", challenge.as_str(), &typed).await.is_err());
//! codes.verify(LOGIN, "user-17", challenge.as_str(), &typed).await?;
//! assert!(codes.verify(LOGIN, "user-17", challenge.as_str(), &typed).await.is_err(), "once");
//! # Ok(())
//! # }
//! ```

mod codes;
mod entry;
mod error;
mod links;
mod outbox;
mod sender;
mod tags;

pub use super::LockOut;
pub use codes::{Challenge, OneTimeCodes, OneTimeCodesBuilder};
pub use error::{CodeError, ConfigError};
pub use links::{LinkTokens, LinkTokensBuilder, Redeemed};
pub use outbox::Outbox;
#[cfg(feature = "account")]
pub(super) use outbox::Place;
pub use sender::{CodeSender, Content, Message, Purpose, Recipient, SendError, Sending};
