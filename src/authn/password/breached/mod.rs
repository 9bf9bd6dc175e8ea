//! Passwords that were seen in breaches: those that attackers try first, everywhere (NIST SP
//! 800-63B-4 section 3.1.1.2; ASVS 5.0 6.2.12).
//!
//! [`BreachedPasswords`] asks a [`BreachSource`], after the
//! [policy](super::PasswordPolicy) and where a password is chosen, not where one is verified.
//! A source is told the SHA-1 of the password, for that is how the lists are kept, and the
//! password itself never. There are three, and yours:
//!
//! - [`BreachSet`]: in memory, 20 bytes for each password.
//! - [`BreachFile`]: a file of hashes in their order, as large as it likes, searched in place.
#![cfg_attr(
    feature = "client",
    doc = "- [`BreachRange`]: a service that is told the first five digits of the hash alone, as that of"
)]
#![cfg_attr(
    not(feature = "client"),
    doc = "- With the feature `client`, a service that is told the first five digits of the hash alone, as that of"
)]
//!   Have I Been Pwned.
//!
//! When a source cannot be asked, nobody knows, and the password is refused with 503: so it
//! is by default. Where people must get in all the same, say
//! [`accept_unchecked_when_unavailable`](BreachedPasswords::accept_unchecked_when_unavailable).
//! Either way an event tells.
//!
//! ```
//! use portcullis::authn::password::breached::{BreachSet, BreachedPasswords};
//! use portcullis::secret::SecretString;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let breached = BreachedPasswords::new(BreachSet::of_passwords(["nine purple lanterns"]));
//!
//! let fresh = SecretString::from("eight yellow lanterns");
//! assert!(breached.check(&fresh).await.is_ok());
//!
//! let known = SecretString::from("nine purple lanterns");
//! let refused = breached.check(&known).await.unwrap_err();
//! assert_eq!(refused.to_string(), "the password is refused: password_breached");
//! # }
//! ```

mod error;
mod file;
#[cfg(feature = "client")]
mod range;
mod set;
mod source;

pub use error::{BreachError, BreachRefusal};
pub use file::BreachFile;
#[cfg(feature = "client")]
pub use range::BreachRange;
pub use set::BreachSet;
pub use source::{BreachAnswer, BreachDigest, BreachSource};

use super::normalize::{MAX_BYTES, normalized};
use super::{Violation, Violations};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::secret::SecretString;
use std::sync::Arc;

/// Refuses passwords that were seen in breaches. See the [module](self) for the rules. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct BreachedPasswords {
    source: Arc<dyn BreachSource>,
    least: u64,
    accepts_unchecked: bool,
    emitter: Emitter,
}

impl BreachedPasswords {
    /// Refuses what this source knows, and everything while it cannot be asked.
    #[must_use]
    pub fn new(source: impl BreachSource) -> Self {
        Self {
            source: Arc::new(source),
            least: 1,
            accepts_unchecked: false,
            emitter: Emitter::default(),
        }
    }

    /// Refuses passwords that were seen this often or more: once by default. Zero counts as
    /// once.
    #[must_use]
    pub fn seen_at_least(mut self, times: u64) -> Self {
        self.least = times.max(1);
        self
    }

    /// Accepts passwords unchecked while the source cannot be asked: who can keep it from
    /// being asked can choose a breached one.
    #[must_use]
    pub const fn accept_unchecked_when_unavailable(mut self) -> Self {
        self.accepts_unchecked = true;
        self
    }

    /// Sets who hears that the source could not be asked.
    #[must_use]
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Looks a password up.
    ///
    /// # Errors
    /// When it was seen in a breach, or that cannot be said.
    pub async fn check(&self, password: &SecretString) -> Result<(), BreachRefusal> {
        let text = password.expose();
        // None that long is in any list, nor accepted by any policy.
        if text.len() > MAX_BYTES {
            return Ok(());
        }
        let normal = normalized(text);
        let mut times = self.times(&normal).await;
        if *normal != *text && matches!(times, Ok(found) if found < self.least) {
            // Lists have what was typed, which may not have been normal.
            times = self.times(text).await;
        }
        match times {
            Ok(times) if times >= self.least => {
                let violations = Violations::check(vec![Violation::Breached]);
                violations.map_err(BreachRefusal::Breached)
            }
            Ok(_) => Ok(()),
            Err(error) => self.unavailable(error),
        }
    }

    async fn times(&self, text: &str) -> Result<u64, BreachError> {
        self.source.times(BreachDigest::of(text)).await
    }

    /// Fails closed unless it was said otherwise.
    fn unavailable(&self, error: BreachError) -> Result<(), BreachRefusal> {
        let code = if self.accepts_unchecked {
            "breach_check_skipped"
        } else {
            "breach_check_failed"
        };
        let event = SecurityEvent::new(EventKind::SysControlDegraded)
            .with_code(code)
            .with_reason(error.to_string());
        self.emitter.emit(event);
        if self.accepts_unchecked {
            Ok(())
        } else {
            Err(BreachRefusal::Unavailable(error))
        }
    }
}
