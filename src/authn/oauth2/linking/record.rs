use super::IdentityKey;
use crate::clock::Timestamp;
use crate::store::{Record, StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};

/// The account of somebody who logged in with a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    pub(super) id: Box<str>,
    pub(super) is_new: bool,
}

impl LinkedAccount {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it was made just now.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }
}

/// An identity of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    identity: IdentityKey,
    since: Timestamp,
}

impl Link {
    /// Who the user is there.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// Since when the account has it.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.since
    }
}

/// What is stored of a link.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredLink {
    issuer: Box<str>,
    subject: Box<str>,
    pub(super) account: Box<str>,
    since: u64,
}

impl StoredLink {
    pub(super) fn new(identity: &IdentityKey, account: &str, now: Timestamp) -> Self {
        Self {
            issuer: identity.issuer().into(),
            subject: identity.subject().into(),
            account: account.into(),
            since: now.unix_seconds(),
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|_| corrupt())
    }

    pub(super) fn decode(record: &Record) -> Result<Self, StoreError> {
        serde_json::from_slice(record.value()).map_err(|_| corrupt())
    }

    /// Whether it is of this identity, as the key says.
    pub(super) fn is_of(&self, identity: &IdentityKey) -> bool {
        *self.issuer == *identity.issuer() && *self.subject == *identity.subject()
    }

    pub(super) fn into_link(self) -> Result<Link, StoreError> {
        Ok(Link {
            identity: IdentityKey::new(self.issuer, self.subject).map_err(|_| corrupt())?,
            since: Timestamp::from_unix_seconds(self.since),
        })
    }
}

/// How many identities an account has: one byte, which each change of them replaces, so that no
/// two happen at once.
pub(super) fn count_of(record: &Record) -> Result<u8, StoreError> {
    match record.value().as_ref() {
        [count] if *count > 0 => Ok(*count),
        _ => Err(corrupt()),
    }
}

pub(super) fn corrupt() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "a link of an identity cannot be read",
    )
}
