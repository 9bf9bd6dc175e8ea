use crate::clock::Timestamp;
use crate::secret::{SecretBytes, SecretString, wipe_vec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// What can be sealed: a [`FieldValue`], or what one is borrowed as, such as `str` for
/// `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sealed in a field",
    note = "wrap it in `Json`, or implement `Sealable` and `FieldValue`"
)]
pub trait Sealable {
    /// What it is when it is opened again.
    type Value: FieldValue;

    /// Hands over the value as bytes; `None` when it cannot be written so.
    fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R>;
}

/// What a sealed value is when it is opened.
///
/// Implemented for text, bytes, integers, `bool`, the [secrets](crate::secret),
/// [`Timestamp`], and for everything serde knows by [`Json`].
///
/// ```
/// use portcullis::crypto::field::{FieldValue, Sealable};
///
/// struct Email(String);
///
/// impl Sealable for Email {
///     type Value = Self;
///     fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
///         self.0.with_bytes(then)
///     }
/// }
///
/// impl FieldValue for Email {
///     fn from_bytes(bytes: &[u8]) -> Option<Self> {
///         String::from_bytes(bytes).filter(|text| text.contains('@')).map(Self)
///     }
///     fn wipe(&mut self) {
///         self.0.wipe();
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a field cannot be opened as `{Self}`",
    note = "wrap it in `Json`, or implement `Sealable` and `FieldValue`"
)]
pub trait FieldValue: Sealable<Value = Self> + Sized {
    /// The value that [`Sealable::with_bytes`] gave as these bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;

    /// Overwrites what is secret in it.
    fn wipe(&mut self);

    /// The value that a column held as this text before it was encrypted.
    fn from_plaintext(text: &[u8]) -> Option<Self> {
        Self::from_bytes(text)
    }
}

impl<T: Sealable + ?Sized> Sealable for &T {
    type Value = T::Value;

    fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
        (**self).with_bytes(then)
    }
}

/// Rows of `borrowed => Value: as bytes`.
macro_rules! sealable {
    ($($from:ty => $value:ty: |$it:ident| $bytes:expr;)+) => {$(
        impl Sealable for $from {
            type Value = $value;

            fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
                let $it = self;
                Some(then($bytes))
            }
        }
    )+};
}

sealable! {
    str => String: |text| text.as_bytes();
    String => String: |text| text.as_bytes();
    [u8] => Vec<u8>: |bytes| bytes;
    Vec<u8> => Vec<u8>: |bytes| bytes;
    SecretString => SecretString: |text| text.expose().as_bytes();
    SecretBytes => SecretBytes: |bytes| bytes.expose();
    bool => bool: |is| &[u8::from(*is)];
    Timestamp => Timestamp: |time| &time.unix_duration().as_nanos().to_be_bytes();
}

impl FieldValue for String {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }

    fn wipe(&mut self) {
        wipe_vec(std::mem::take(self).into_bytes());
    }
}

impl FieldValue for Vec<u8> {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }

    fn wipe(&mut self) {
        wipe_vec(std::mem::take(self));
    }
}

impl FieldValue for SecretString {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(Self::from)
    }

    /// It wipes itself.
    fn wipe(&mut self) {}
}

impl FieldValue for SecretBytes {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.into())
    }

    /// It wipes itself.
    fn wipe(&mut self) {}
}

impl FieldValue for bool {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn wipe(&mut self) {
        self.zeroize();
    }

    fn from_plaintext(text: &[u8]) -> Option<Self> {
        match text {
            b"0" | b"false" => Some(false),
            b"1" | b"true" => Some(true),
            _ => None,
        }
    }
}

/// As nanoseconds since the Unix epoch; before it was encrypted, as seconds.
impl FieldValue for Timestamp {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let nanos = u128::from_be_bytes(bytes.try_into().ok()?);
        let seconds = u64::try_from(nanos / NANOS).ok()?;
        let rest = u32::try_from(nanos % NANOS).ok()?;
        Some(Self::from_unix_duration(Duration::new(seconds, rest)))
    }

    fn wipe(&mut self) {
        *self = Self::default();
    }

    fn from_plaintext(text: &[u8]) -> Option<Self> {
        u64::from_plaintext(text).map(Self::from_unix_seconds)
    }
}

const NANOS: u128 = 1_000_000_000;

/// As big-endian bytes; before they were encrypted, as decimal digits.
macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl Sealable for $integer {
            type Value = Self;

            fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
                Some(then(&self.to_be_bytes()))
            }
        }

        impl FieldValue for $integer {
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }

            fn wipe(&mut self) {
                self.zeroize();
            }

            fn from_plaintext(text: &[u8]) -> Option<Self> {
                std::str::from_utf8(text).ok()?.parse().ok()
            }
        }
    )+};
}

integers!(i16, u16, i32, u32, i64, u64, i128, u128);

/// Anything that serde can write, sealed as JSON.
///
/// The JSON text is wiped after use. The value itself is not: nobody can wipe a tree of any
/// type. For what must not linger in memory use the other types.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper, to be taken apart")]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Sealable for Json<T> {
    type Value = Self;

    fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let mut length = Length(0);
        serde_json::to_writer(&mut length, &self.0).ok()?;
        // As long as it will be, so that it is never moved and left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *text, &self.0).ok()?;
        Some(then(&text))
    }
}

impl<T: Serialize + DeserializeOwned> FieldValue for Json<T> {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    fn wipe(&mut self) {}
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json([redacted])")
    }
}

/// Counts what is written to it.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: FieldValue>(value: &T) -> Option<T> {
        value.with_bytes(|bytes| T::from_bytes(bytes)).flatten()
    }

    #[test]
    fn values_come_back() {
        assert_eq!(round_trip(&"ö".to_owned()).as_deref(), Some("ö"));
        assert_eq!(round_trip(&vec![0, 255]), Some(vec![0, 255]));
        assert_eq!(round_trip(&i64::MIN), Some(i64::MIN));
        assert_eq!(round_trip(&true), Some(true));
        assert_eq!(
            round_trip(&Json(vec![Some(1), None])),
            Some(Json(vec![Some(1), None]))
        );
        for time in [
            Duration::ZERO,
            Duration::new(1_790_000_000, 999_999_999),
            Duration::MAX,
        ] {
            let time = Timestamp::from_unix_duration(time);
            assert_eq!(round_trip(&time), Some(time));
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        assert_eq!(String::from_bytes(b"\xFF"), None);
        assert_eq!(i64::from_bytes(b"1234567"), None);
        assert_eq!(bool::from_bytes(&[2]), None);
        assert_eq!(Timestamp::from_bytes(&[0xFF; 16]), None);
        assert_eq!(Json::<u8>::from_bytes(b"1 2"), None);
    }

    #[test]
    fn plaintext_is_read_as_a_column_shows_it() {
        assert_eq!(i64::from_plaintext(b"-7"), Some(-7));
        assert_eq!(bool::from_plaintext(b"1"), Some(true));
        assert_eq!(
            Timestamp::from_plaintext(b"9"),
            Some(Timestamp::from_unix_seconds(9))
        );
        assert_eq!(String::from_plaintext(b"ann").as_deref(), Some("ann"));
    }
}
