use super::text::KeyHash;
use crate::clock::Timestamp;
use crate::principal::{Authentication, Principal};
use crate::store::{StoreError, StoreErrorKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

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
    pub(super) id: Box<str>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_the_future_is_no_bearer_key() {
        let read = |text| serde_json::from_str::<KeyKind>(text).unwrap();
        assert_eq!(read("\"bearer\""), KeyKind::Bearer);
        assert_eq!(read("\"signing\""), KeyKind::Signing);
        assert_eq!(read("\"of the future\""), KeyKind::Other);
    }
}
