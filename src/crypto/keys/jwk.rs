//! The text of a JSON Web Key, member by member.

use super::{Algorithm, Algorithms, KeyError};
use crate::crypto::json::Object;
use base64ct::{Base64UrlUnpadded, Encoding};
use std::borrow::Cow;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a key is to be used for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Sign,
    Verify,
}

/// A JWK whose text is strict JSON; nothing else is known of it yet.
pub(super) struct Jwk<'t>(Object<&'t str>);

impl<'t> Jwk<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, KeyError> {
        Ok(Self(Object::parse(text)?))
    }

    pub(super) fn key_type(&self) -> Result<Cow<'_, str>, KeyError> {
        self.required_text("kty")
    }

    pub(super) fn key_id(&self) -> Result<Option<Arc<str>>, KeyError> {
        Ok(self.text("kid")?.map(Arc::from))
    }

    /// Whether the private half of a pair is there. (The `k` of a symmetric key is not half
    /// of anything.)
    pub(super) fn has_private_half(&self) -> bool {
        self.0.get("d").is_some()
    }

    /// Whether a member is there that only a private or symmetric key has (RFC 7518 section 6).
    pub(super) fn has_secret(&self) -> bool {
        let secrets = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        secrets.into_iter().any(|name| self.0.get(name).is_some())
    }

    /// The algorithm the key names for itself.
    pub(super) fn algorithm(&self) -> Result<Option<Algorithm>, KeyError> {
        self.text("alg")?.map(|name| name.parse()).transpose()
    }

    /// The algorithms the key is bound to, out of those that its material can do.
    pub(super) fn bind(&self, possible: Algorithms) -> Result<Algorithms, KeyError> {
        match self.algorithm()? {
            None => Ok(possible),
            Some(named) if possible.contains(named) => Ok(named.into()),
            Some(named) => Err(KeyError::AlgorithmMismatch(named.as_str())),
        }
    }

    /// Checks `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3). A private key that may
    /// sign may, by its public half, verify.
    pub(super) fn must_allow(&self, operation: Operation) -> Result<(), KeyError> {
        if self.text("use")?.is_some_and(|usage| usage != "sig") {
            return Err(KeyError::NotForThis);
        }
        let Some(operations) = self.0.get("key_ops") else {
            return Ok(());
        };
        let malformed = KeyError::MalformedMember("key_ops");
        let operations = operations.as_strings().ok_or(malformed.clone())?;
        let is_repeated = |(i, name)| operations.iter().skip(i + 1).any(|other| other == name);
        if operations.iter().enumerate().any(is_repeated) {
            return Err(malformed);
        }
        let allows = |name: &str| operations.iter().any(|it| it == name);
        let is_allowed = match operation {
            Operation::Sign => allows("sign"),
            Operation::Verify => allows("verify") || (allows("sign") && self.has_private_half()),
        };
        if is_allowed {
            Ok(())
        } else {
            Err(KeyError::NotForThis)
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, KeyError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(KeyError::MalformedMember(name)),
            },
        }
    }

    pub(super) fn required_text(&self, name: &'static str) -> Result<Cow<'_, str>, KeyError> {
        self.text(name)?.ok_or(KeyError::MissingMember(name))
    }

    /// The decoded bytes of a member. Decoded in constant time: they may be secret.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let text = self.required_text(name)?;
        Base64UrlUnpadded::decode_vec(&text)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::NotBase64(name))
    }
}
