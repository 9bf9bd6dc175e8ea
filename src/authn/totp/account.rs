use super::TotpError;
use super::authenticator::Authenticator;
use crate::authn::lock_out::Attempts;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What is kept of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<Authenticator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
    #[serde(default)]
    pub(super) attempts: Attempts,
}

/// An authenticator that no code has confirmed yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) authenticator: Authenticator,
    /// Unix time in seconds.
    pub(super) expires: u64,
}

impl Account {
    pub(super) fn read(value: &[u8]) -> Result<Self, TotpError> {
        serde_json::from_slice(value).map_err(|_| TotpError::Corrupt)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, TotpError> {
        serde_json::to_vec(self).map_err(|_| TotpError::Corrupt)
    }

    pub(super) fn pending(&self, now: Timestamp) -> Option<&Pending> {
        let pending = self.pending.as_ref()?;
        (now.unix_seconds() < pending.expires).then_some(pending)
    }
}
