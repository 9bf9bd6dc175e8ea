//! `Content-Digest` and `Repr-Digest` (RFC 9530): made, and recomputed over the body.
//!
//! ```
//! use portcullis::signing::digest::{DigestAlgorithm, Digests};
//!
//! let value = DigestAlgorithm::Sha256.field(b"hello");
//! let digests = Digests::parse(value.as_bytes())?;
//! assert!(digests.verify(b"hello").is_ok());
//! assert!(digests.verify(b"jello").is_err());
//!
//! // A body that comes in pieces is not kept for it.
//! let mut body = digests.hasher();
//! body.update(b"hel");
//! body.update(b"lo");
//! assert!(body.finish().is_ok());
//! # Ok::<(), portcullis::signing::Fault>(())
//! ```

use super::{Fault, packed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest::{self, Context, SHA256, SHA512};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use std::convert::Infallible;

/// The header of the digest of the content.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The header of the digest of the representation.
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The most bytes of a digest field. Two digests have some 160.
const MAX_FIELD_LEN: usize = 4096;

/// An algorithm that RFC 9530 section 5 does not call insecure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// The value of a digest field over these bytes.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    #[expect(clippy::expect_used, reason = "base64 is made of visible characters")]
    pub fn field(self, bytes: &[u8]) -> HeaderValue {
        let text = match self {
            Self::Sha256 => {
                let mut found = [0; 32];
                found.copy_from_slice(digest::digest(&SHA256, bytes).as_ref());
                let packed = packed::text_of_32(&found);
                [b"sha-256=:", packed.as_slice(), b":"].concat()
            }
            Self::Sha512 => {
                let digest = digest::digest(&SHA512, bytes);
                format!("sha-512=:{}:", STANDARD.encode(digest)).into_bytes()
            }
        };
        HeaderValue::try_from(text).expect("base64 is made of visible characters")
    }
}

/// The digests of a field that count: those of SHA-256 and SHA-512. All of them have to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    sha256: Option<[u8; 32]>,
    sha512: Option<Box<[u8; 64]>>,
}

impl Digests {
    /// Reads the value of a digest field. Of two digests of one algorithm the last one counts
    /// (RFC 9651 section 4.2.2); those of weak or unknown algorithms do not count.
    ///
    /// # Errors
    /// When the field is malformed, or no digest of it counts.
    pub fn parse(field: &[u8]) -> Result<Self, Fault> {
        const MALFORMED: Fault = Fault::Malformed("a digest");
        if field.len() > MAX_FIELD_LEN {
            return Err(Fault::TooMuch("a digest"));
        }
        if let Some(digests) = Self::only_sha256(field) {
            return Ok(digests);
        }
        let mut found = Found::default();
        Parser::new(field)
            .parse_dictionary_with_visitor(&mut found)
            .map_err(|_| MALFORMED)?;
        let digests = Self {
            sha256: found.sha256.bytes()?,
            sha512: found.sha512.bytes()?.map(Box::new),
        };
        if digests.sha256.is_none() && digests.sha512.is_none() {
            return Err(Fault::NoDigest);
        }
        Ok(digests)
    }

    /// The field that almost all send: one digest, spelled as it would be written again. Whatever
    /// else it may be, the whole grammar has to look.
    fn only_sha256(field: &[u8]) -> Option<Self> {
        let text = field.strip_prefix(b"sha-256=:")?.strip_suffix(b":")?;
        Some(Self {
            sha256: Some(packed::read_32(text)?),
            sha512: None,
        })
    }

    /// Reads all lines of a digest field; `None` where there is none.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Fault> {
        let mut lines = headers.get_all(name).iter();
        let Some(first) = lines.next() else {
            return Ok(None);
        };
        let Some(second) = lines.next() else {
            return Self::parse(first.as_bytes()).map(Some);
        };
        let mut whole = first.as_bytes().to_vec();
        for line in std::iter::once(second).chain(lines) {
            whole.extend_from_slice(b", ");
            whole.extend_from_slice(line.as_bytes());
        }
        Self::parse(&whole).map(Some)
    }

    /// Whether these are the digests of this body.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn verify(&self, body: &[u8]) -> Result<(), Fault> {
        // Nothing here is secret: who sent the body knows its digest.
        let fits = |expected: Option<&[u8]>, algorithm| {
            expected.is_none_or(|it| *digest::digest(algorithm, body).as_ref() == *it)
        };
        if fits(self.sha256(), &SHA256) && fits(self.sha512(), &SHA512) {
            Ok(())
        } else {
            Err(Fault::WrongDigest)
        }
    }

    /// Digests a body that comes in pieces.
    #[must_use]
    pub fn hasher(&self) -> DigestHasher {
        let context = |expected: Option<&[u8]>, algorithm| {
            let expected = expected?.to_vec();
            Some((Context::new(algorithm), expected))
        };
        DigestHasher {
            expected: [
                context(self.sha256(), &SHA256),
                context(self.sha512(), &SHA512),
            ],
        }
    }

    fn sha256(&self) -> Option<&[u8]> {
        self.sha256.as_ref().map(<[u8; 32]>::as_slice)
    }

    fn sha512(&self) -> Option<&[u8]> {
        self.sha512.as_deref().map(<[u8; 64]>::as_slice)
    }
}

/// A body that is being digested.
#[derive(Clone)]
pub struct DigestHasher {
    expected: [Option<(Context, Vec<u8>)>; 2],
}

impl std::fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DigestHasher").finish_non_exhaustive()
    }
}

impl DigestHasher {
    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for (context, _) in self.expected.iter_mut().flatten() {
            context.update(bytes);
        }
    }

    /// Whether that was the body.
    ///
    /// # Errors
    /// When one of the digests is another.
    pub fn finish(self) -> Result<(), Fault> {
        let mut expected = self.expected.into_iter().flatten();
        let fits =
            |(context, expected): (Context, Vec<u8>)| *context.finish().as_ref() == *expected;
        if expected.all(fits) {
            Ok(())
        } else {
            Err(Fault::WrongDigest)
        }
    }
}

#[derive(Default)]
struct Found {
    sha256: Slot,
    sha512: Slot,
}

#[derive(Default)]
enum Slot {
    #[default]
    Absent,
    /// No byte sequence.
    Other,
    Bytes(Vec<u8>),
}

impl Slot {
    /// The digest, where there is one. One of another length is none.
    fn bytes<const N: usize>(self) -> Result<Option<[u8; N]>, Fault> {
        match self {
            Self::Absent => Ok(None),
            Self::Bytes(bytes) => match bytes.try_into() {
                Ok(digest) => Ok(Some(digest)),
                Err(_) => Err(Fault::Malformed("a digest")),
            },
            Self::Other => Err(Fault::Malformed("a digest")),
        }
    }
}

impl<'de> DictionaryVisitor<'de> for &mut Found {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, name: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        Ok(match name.as_str() {
            "sha-256" => Some(&mut self.sha256),
            "sha-512" => Some(&mut self.sha512),
            _ => None,
        })
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<'de> EntryVisitor<'de> for &mut Slot {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        *self = Slot::Other;
        Ok(Ignored)
    }
}

impl<'de> ItemVisitor<'de> for &mut Slot {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        *self = match item {
            BareItemFromInput::ByteSequence(bytes) => Slot::Bytes(bytes),
            _ => Slot::Other,
        };
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530 appendix D, and the bodies of RFC 9421 appendix B.2.
    const HELLO: &[u8] = b"{\"hello\": \"world\"}";
    const SHA_256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const SHA_512: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    #[test]
    fn what_counts_and_what_fits() {
        let wrong = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
        let with = |before: &str, after: &str| format!("{before}, {after}");
        for (name, field, body, expected) in [
            ("sha-256", SHA_256.to_owned(), HELLO, "ok"),
            ("sha-512", SHA_512.to_owned(), HELLO, "ok"),
            ("both", with(SHA_256, SHA_512), HELLO, "ok"),
            (
                "another body",
                SHA_256.to_owned(),
                b"".as_slice(),
                "wrong_digest",
            ),
            ("one wrong", with(wrong, SHA_512), HELLO, "wrong_digest"),
            ("the last counts", with(wrong, SHA_256), HELLO, "ok"),
            (
                "the first does not",
                with(SHA_256, wrong),
                HELLO,
                "wrong_digest",
            ),
            (
                "the last is no digest",
                with(SHA_256, "sha-256=1"),
                HELLO,
                "malformed",
            ),
            ("a list", "sha-256=(:AA==:)".to_owned(), HELLO, "malformed"),
            (
                "beside a weak one",
                with("md5=:AA==:", SHA_256),
                HELLO,
                "ok",
            ),
            ("weak alone", "md5=:AA==:".to_owned(), HELLO, "no_digest"),
            (
                "unknown alone",
                "sha-1024=:AA==:, x=1".to_owned(),
                HELLO,
                "no_digest",
            ),
            ("empty", String::new(), HELLO, "no_digest"),
            ("too short", "sha-256=:AA==:".to_owned(), HELLO, "malformed"),
            ("a flag", "sha-256".to_owned(), HELLO, "malformed"),
            ("no base64", "sha-256=:*:".to_owned(), HELLO, "malformed"),
            ("with parameters", format!("{SHA_256};x=1"), HELLO, "ok"),
            ("upper case", SHA_256.to_uppercase(), HELLO, "malformed"),
        ] {
            let digests = Digests::parse(field.as_bytes());
            let verified = digests.clone().and_then(|digests| digests.verify(body));
            let found = verified.as_ref().map_or_else(Fault::code, |()| "ok");
            assert_eq!(found, expected, "{name}");
            if let Ok(digests) = digests {
                let mut hasher = digests.hasher();
                body.chunks(3).for_each(|chunk| hasher.update(chunk));
                assert_eq!(hasher.finish(), verified, "{name}");
            }
        }
    }

    #[test]
    fn what_is_made_is_read() {
        assert_eq!(DigestAlgorithm::Sha256.field(HELLO), SHA_256);
        assert_eq!(DigestAlgorithm::Sha512.field(HELLO), SHA_512);
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_DIGEST, "md5=:AA==:".parse().unwrap());
        headers.append(CONTENT_DIGEST, SHA_512.parse().unwrap());
        let digests = Digests::of(&headers, &CONTENT_DIGEST).unwrap().unwrap();
        assert!(digests.verify(HELLO).is_ok());
        assert_eq!(Digests::of(&headers, &REPR_DIGEST), Ok(None));
    }
}
