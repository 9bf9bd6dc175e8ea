//! Sealing a secret for later, and nothing more: what a control needs that has to keep TOTP
//! secrets or tokens, and has no business with tables, columns and keys.

use crate::event::{EventKind, SecurityEvent};
use crate::secret::SecretBytes;
use std::fmt;

/// Seals secrets and opens them again, each bound to what it is for and to whom it belongs.
///
/// A column of a [field cipher](crate::crypto) is one; a key management service may be another.
///
/// ```
/// # #[cfg(feature = "field-encryption")] {
/// use portcullis::crypto::SecretSealer;
/// use portcullis::crypto::field::FieldCipher;
/// use portcullis::crypto::keyring::Keyring;
///
/// let fields = FieldCipher::new(Keyring::generate(), "shop");
/// let sealer: &dyn SecretSealer = &fields.column("authenticators", "secret")?;
///
/// let sealed = sealer.seal_secret("totp", "user-17", b"12345678901234567890")?;
/// let opened = sealer.open_secret("totp", "user-17", &sealed)?;
/// assert_eq!(opened.expose(), b"12345678901234567890");
///
/// // Another user's, or for something else:
/// assert!(sealer.open_secret("totp", "user-18", &sealed).is_err());
/// assert!(sealer.open_secret("oauth", "user-17", &sealed).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SecretSealer: fmt::Debug + Send + Sync {
    /// Seals `secret` for this purpose (such as `totp`) and owner (a subject's id).
    ///
    /// # Errors
    /// When it cannot be sealed, as because it is too long, or the purpose is empty.
    fn seal_secret(&self, purpose: &str, owner: &str, secret: &[u8]) -> Result<Vec<u8>, Refused>;

    /// Opens what was sealed for the same purpose and owner.
    ///
    /// # Errors
    /// When it was not, was changed, or its key may not be used.
    fn open_secret(
        &self,
        purpose: &str,
        owner: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refused>;
}

/// The value was not sealed, or not opened.
///
/// Neither `Display` nor `Debug` says why: whoever feeds values in could learn from it. The
/// [reason](Self::reason) is for logs, and [`event`](Self::event) for the monitor.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value was refused")]
pub struct Refused(Reason);

impl Refused {
    /// A refusal for this reason.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self(reason)
    }

    /// Why, for the operator's eyes alone.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.0
    }

    /// The refusal as a security event, for an [`Emitter`](crate::event::Emitter).
    #[must_use]
    pub fn event(&self) -> SecurityEvent {
        let kind = match self.0 {
            Reason::TooLong | Reason::NoPurpose | Reason::Unwritable => EventKind::CryptEncryptFail,
            _ => EventKind::CryptDecryptFail,
        };
        SecurityEvent::new(kind)
            .with_code(self.0.code())
            .with_reason(self.0.text())
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refused")
    }
}

/// Each variant with its stable code and its explanation.
macro_rules! reasons {
    ($($variant:ident = $code:literal, $text:literal;)+) => {
        /// Why a value was refused. For logs and events: shown to whoever sent the value, it
        /// would tell an attacker how far a forgery came.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        // A word, for what is moved by words is ready when it is read again: as a byte it made
        // whoever seals a value wait for its own result.
        #[repr(usize)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!($text, ".")] $variant,)+
        }

        impl Reason {
            /// A stable code, for metrics and alerts.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

reasons! {
    Malformed = "malformed", "The sealed value is cut short, or its text is not base64url";
    Version = "unknown_version", "The sealed value is of a version that is not known";
    Suite = "unknown_suite", "The sealed value is of a suite that is not known";
    UnknownKey = "unknown_key", "The keyring has no key of the sealed value's key id";
    DisabledKey = "disabled_key", "The key of the sealed value is disabled";
    DestroyedKey = "destroyed_key", "The key of the sealed value is destroyed";
    NoCommitment = "no_commitment", "The sealed value lacks the full commitment that is required";
    WrongKey = "wrong_key", "The key of the sealed value shares only its id with ours";
    NotAuthentic = "not_authentic", "The sealed value was changed, or belongs to another place";
    Padding = "padding", "The opened value is not padded as its suite says";
    Unreadable = "unreadable", "The opened value is not one of the type asked for";
    Plaintext = "plaintext", "The stored value is plaintext, which is not accepted any more";
    TooLong = "too_long", "The value is longer than 16 MiB; such things are files";
    NoPurpose = "no_purpose", "A secret is sealed for a purpose, and none was given";
    Unwritable = "unwritable", "The value cannot be written as bytes";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_operator_and_nobody_else() {
        let refused = Refused::new(Reason::NotAuthentic);
        assert_eq!(
            format!("{refused} {refused:?}"),
            "the value was refused Refused"
        );
        let event = refused.event();
        assert_eq!(event.kind(), EventKind::CryptDecryptFail);
        assert_eq!(event.code(), Some("not_authentic"));
        let kind = Refused::new(Reason::TooLong).event().kind();
        assert_eq!(kind, EventKind::CryptEncryptFail);
    }
}
