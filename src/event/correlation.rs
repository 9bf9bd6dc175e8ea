//! The two ids by which a request is found again: ours and the trace's.

use crate::random::Random;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// The id of one request, as `x-request-id` carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

/// The text is not fit to be a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request id is 1 to {} characters of A-Z a-z 0-9 - _ . + / =",
    RequestId::MAX_LEN
)]
pub struct InvalidRequestId(());

impl RequestId {
    /// The most characters an accepted id may have.
    pub const MAX_LEN: usize = 128;

    /// A new id: 128 random bits as 32 hexadecimal digits.
    #[must_use]
    pub fn random(random: &Random) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(random.bytes::<16>()) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xF]) {
                *digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            }
        }
        Self(std::str::from_utf8(&text).unwrap_or_default().into())
    }

    /// Takes an id that came from outside.
    ///
    /// # Errors
    /// When it is empty, longer than [`Self::MAX_LEN`], or holds a character that could harm
    /// a log or a header.
    pub fn parse(text: &str) -> Result<Self, InvalidRequestId> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.+/=".contains(&b);
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(fine) {
            return Err(InvalidRequestId(()));
        }
        Ok(Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The trace a request belongs to: a checked `traceparent` of W3C Trace Context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext(Arc<str>);

impl TraceContext {
    /// Reads a `traceparent` header: `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not all
    /// zero. Later versions may carry more after that, which is kept out of the ids.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.splitn(5, '-');
        let [version, trace, parent, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let set = |text: &str| text.bytes().any(|b| b != b'0');
        let sound = hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && hex(trace, 32)
            && set(trace)
            && hex(parent, 16)
            && set(parent)
            && hex(flags, 2);
        sound.then(|| Self(trace.into()))
    }

    /// The trace id: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.0
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids() {
        let made = RequestId::random(&Random::secure());
        assert_eq!(made.as_str().len(), 32);
        assert_eq!(RequestId::parse(made.as_str()), Ok(made));
        for bad in ["", "a b", "a\r\nb", "<script>", "é", &"x".repeat(129)] {
            assert!(RequestId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn trace_contexts() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let cases = [
            (
                "the example of the standard",
                format!("00-{trace}-00f067aa0ba902b7-01"),
                true,
            ),
            (
                "a later version with more",
                format!("01-{trace}-00f067aa0ba902b7-01-x"),
                true,
            ),
            (
                "version 00 with more",
                format!("00-{trace}-00f067aa0ba902b7-01-x"),
                false,
            ),
            (
                "the forbidden version",
                format!("ff-{trace}-00f067aa0ba902b7-01"),
                false,
            ),
            (
                "upper case",
                format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
                false,
            ),
            (
                "no trace",
                format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
                false,
            ),
            (
                "no parent",
                format!("00-{trace}-0000000000000000-01"),
                false,
            ),
            ("too short", "00-1-2-3".to_owned(), false),
            ("empty", String::new(), false),
        ];
        for (name, header, sound) in cases {
            let read = TraceContext::parse(&header);
            assert_eq!(
                read.as_ref().map(TraceContext::trace_id),
                sound.then_some(trace),
                "{name}"
            );
        }
    }
}
