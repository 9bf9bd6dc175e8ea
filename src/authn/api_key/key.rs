use super::text::KeyHash;
use crate::clock::Timestamp;
use crate::guard::FieldError;
use crate::principal::{Authentication, Principal};
use crate::secret::SecretString;
use crate::store::{StoreError, StoreErrorKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// What a key is asked to be.
///
/// ```
/// use portcullis::authn::api_key::NewApiKey;
/// use std::time::Duration;
///
/// let asked = NewApiKey::new("nightly build")
///     .scopes(["builds:read", "builds:start"])
///     .expires_in(Duration::from_secs(30 * 24 * 60 * 60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewApiKey {
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) lifetime: Option<Duration>,
}

impl NewApiKey {
    /// The longest name, in bytes.
    pub const MAX_NAME_LEN: usize = 100;
    /// The most scopes of one key.
    pub const MAX_SCOPES: usize = 64;
    /// The longest scope, in bytes.
    pub const MAX_SCOPE_LEN: usize = 128;

    /// A key of this name, for its owner to know it by. It may do nothing that asks for a
    /// scope, and lives 90 days.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Vec::new(),
            lifetime: None,
        }
    }

    /// What the key may be used for: permissions, such as `builds:read`.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long the key is good for.
    pub const fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// What is wrong with it, field by field.
    pub(super) fn check(&self, longest: Duration) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let name = self.name.trim();
        let is_shown = !name.is_empty() && !self.name.chars().any(char::is_control);
        if !is_shown || self.name.len() > Self::MAX_NAME_LEN {
            let message = "must be 1 to 100 bytes of visible text";
            wrong.push(FieldError::new("/name", "bad_name", message));
        }
        let fits = |scope: &String| scope.len() <= Self::MAX_SCOPE_LEN && is_scope(scope);
        if self.scopes.len() > Self::MAX_SCOPES || !self.scopes.iter().all(fits) {
            let message = "must be at most 64 scopes of at most 128 visible characters";
            wrong.push(FieldError::new("/scopes", "bad_scopes", message));
        }
        if self
            .lifetime
            .is_some_and(|lifetime| lifetime.is_zero() || lifetime > longest)
        {
            let seconds = longest.as_secs();
            let message = format!("must be 1 to {seconds} seconds");
            wrong.push(FieldError::new("/expires_in", "bad_lifetime", message));
        }
        wrong
    }
}

/// RFC 6749 section 3.3, `scope-token`.
fn is_scope(scope: &str) -> bool {
    let usual = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'\\';
    !scope.is_empty() && scope.bytes().all(usual)
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyKind {
    /// Whoever brings it is let in.
    Bearer,
    /// It signs requests, and is never sent.
    Signing,
    /// Another kind, made by a later version: never good as a bearer key.
    #[serde(other)]
    Other,
}

/// What the records hold of a key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) kind: KeyKind,
    pub(super) hash: KeyHash,
    /// The text of a key that signs, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "sealed_text")]
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) name: String,
    pub(super) owner: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<Box<str>>,
    pub(super) scopes: Vec<Box<str>>,
    #[serde(with = "seconds")]
    pub(super) created: Timestamp,
    #[serde(with = "seconds")]
    pub(super) expires: Timestamp,
    #[serde(default, with = "optional_seconds")]
    pub(super) used: Option<Timestamp>,
    /// The key that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) successor: Option<Box<str>>,
    /// Where it came of a key that rotated itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
}

/// The key that somebody made, from which others came that rotated themselves.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Origin {
    id: Box<str>,
    #[serde(with = "seconds")]
    created: Timestamp,
    /// Until when it was made to be good, whatever overlap it had.
    #[serde(with = "seconds")]
    expires: Timestamp,
}

impl KeyRecord {
    pub(super) fn decode(value: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(value).map_err(|_| {
            let message = "the record of an API key is not as it was written";
            StoreError::new(StoreErrorKind::Corrupt, message)
        })
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|_| {
            let message = "the record of an API key cannot be written as JSON";
            StoreError::new(StoreErrorKind::Invalid, message)
        })
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// The origin of what this key makes of itself.
    fn origin(&self, id: &str) -> Origin {
        self.origin.clone().unwrap_or_else(|| Origin {
            id: id.into(),
            created: self.created,
            expires: self.expires,
        })
    }

    /// The key that somebody made, from which this one came or which it is: all that came of it
    /// end together.
    pub(super) fn family<'a>(&'a self, id: &'a str) -> &'a str {
        self.origin.as_ref().map_or(id, |origin| &origin.id)
    }

    /// The key that takes its place, with a lifetime as long, but for one that the key makes of
    /// itself: that one ends when it would have, and is no younger.
    pub(super) fn next(
        &self,
        id: &str,
        hash: KeyHash,
        now: Timestamp,
        longest: Duration,
        is_by_itself: bool,
    ) -> Self {
        let origin = self.origin(id);
        let lifetime = origin.expires.since(origin.created);
        let expires = now.saturating_add(lifetime.min(longest));
        Self {
            hash,
            created: now,
            expires: if is_by_itself {
                expires.min(origin.expires)
            } else {
                expires
            },
            used: None,
            origin: is_by_itself.then_some(origin),
            ..self.clone()
        }
    }

    /// Whose it is, limited to what it may. A key proves nothing of when its owner authenticated:
    /// were it the time at which the key was made, who has an old session would be a recent one
    /// by a new key. So it is the beginning of time, with no method and no level.
    pub(super) fn principal(&self, id: &str) -> Principal {
        let authentication = Authentication::new(Timestamp::default()).with_credential(id);
        let scopes = self.scopes.iter().map(|scope| &**scope);
        let principal = Principal::new(&*self.owner, authentication).with_scopes(scopes);
        match &self.tenant {
            Some(tenant) => principal.with_tenant(&**tenant),
            None => principal,
        }
    }
}

/// Times as whole seconds since the Unix epoch.
mod seconds {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(time.unix_seconds())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        u64::deserialize(d).map(Timestamp::from_unix_seconds)
    }
}

/// Bytes as hexadecimal digits.
mod sealed_text {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error;

    pub(super) fn serialize<S: Serializer>(
        sealed: &Option<Vec<u8>>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = sealed.iter().flatten();
        let digits: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        s.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let digits = String::deserialize(d)?;
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        bytes
            .map(Some)
            .ok_or_else(|| D::Error::custom("a sealed key is not hexadecimal"))
    }
}

mod optional_seconds {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::unix_seconds).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Timestamp::from_unix_seconds))
    }
}

/// A key, as its owner may see it: all but the secret. It serializes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    id: String,
    name: String,
    owner: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<Box<str>>,
    scopes: Vec<Box<str>>,
    created: Timestamp,
    expires: Timestamp,
    is_signing: bool,
    last_used: Option<Timestamp>,
    replaced_by: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Box<str>>,
}

impl ApiKey {
    pub(super) fn new(id: &str, record: KeyRecord) -> Self {
        Self {
            id: id.to_owned(),
            name: record.name,
            owner: record.owner,
            tenant: record.tenant,
            scopes: record.scopes,
            created: record.created,
            expires: record.expires,
            is_signing: record.kind == KeyKind::Signing,
            last_used: record.used,
            replaced_by: record.successor,
            origin: record.origin.map(|origin| origin.id),
        }
    }

    /// The public id: the part of the key behind its prefix.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it signs requests rather than travel with them.
    #[must_use]
    pub const fn is_signing(&self) -> bool {
        self.is_signing
    }

    /// What its owner calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The tenant that the owner acted in when it was made.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// What it may be used for.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scopes.iter().map(AsRef::as_ref)
    }

    /// When it was made.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Until when it is good.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// When it was used last, as far as that was written down.
    #[must_use]
    pub const fn last_used(&self) -> Option<Timestamp> {
        self.last_used
    }

    /// The id of the key that took its place.
    #[must_use]
    pub fn replaced_by(&self) -> Option<&str> {
        self.replaced_by.as_deref()
    }

    /// The id of the key that this one came of, where keys rotated themselves: they are revoked
    /// together.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

/// A key that was just made, with its text, which is shown this once and stored nowhere.
#[derive(Clone, Debug)]
#[must_use = "the text of the key is nowhere else"]
pub struct CreatedApiKey {
    pub(super) text: SecretString,
    pub(super) key: ApiKey,
}

impl CreatedApiKey {
    /// The text of the key, for its owner.
    #[must_use]
    pub const fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is known of the key from now on.
    #[must_use]
    pub const fn key(&self) -> &ApiKey {
        &self.key
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_checked() {
        let day = Duration::from_secs(24 * 60 * 60);
        let longest = 365 * day;
        let long = "x".repeat(101);
        let cases: [(&str, NewApiKey, &[&str]); 11] = [
            ("plain", NewApiKey::new("ci"), &[]),
            (
                "with all",
                NewApiKey::new("ci é")
                    .scopes(["a:read", "b"])
                    .expires_in(day),
                &[],
            ),
            ("no name", NewApiKey::new(" "), &["/name"]),
            ("a long name", NewApiKey::new(long), &["/name"]),
            ("two lines", NewApiKey::new("a\nb"), &["/name"]),
            (
                "an empty scope",
                NewApiKey::new("a").scopes([""]),
                &["/scopes"],
            ),
            (
                "two scopes in one",
                NewApiKey::new("a").scopes(["a b"]),
                &["/scopes"],
            ),
            ("a quote", NewApiKey::new("a").scopes(["a\""]), &["/scopes"]),
            (
                "too many",
                NewApiKey::new("a").scopes(vec!["a"; 65]),
                &["/scopes"],
            ),
            (
                "dead at once",
                NewApiKey::new("a").expires_in(Duration::ZERO),
                &["/expires_in"],
            ),
            (
                "for ever, and nameless",
                NewApiKey::new("").expires_in(Duration::MAX),
                &["/name", "/expires_in"],
            ),
        ];
        for (name, asked, expected) in cases {
            let wrong = asked.check(longest);
            let pointers: Vec<_> = wrong.iter().map(|field| &*field.pointer).collect();
            assert_eq!(pointers, expected, "{name}");
        }
    }

    #[test]
    fn a_kind_of_the_future_is_no_bearer_key() {
        let read = |text| serde_json::from_str::<KeyKind>(text).unwrap();
        assert_eq!(read("\"bearer\""), KeyKind::Bearer);
        assert_eq!(read("\"signing\""), KeyKind::Signing);
        assert_eq!(read("\"of the future\""), KeyKind::Other);
    }
}
