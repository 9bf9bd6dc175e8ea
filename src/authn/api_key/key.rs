use super::record::{KeyKind, KeyRecord};
use crate::clock::Timestamp;
use crate::secret::SecretString;
use serde::Serialize;
use std::fmt;

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
