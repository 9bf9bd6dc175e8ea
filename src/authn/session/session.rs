use super::record::Record;
use super::timeouts::Timeouts;
use crate::authn::credential::PublicId;
use crate::clock::Timestamp;
use crate::principal::Principal;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::net::IpAddr;

/// A session, as it was a moment ago.
///
/// It serializes as what a user may see in a list of sessions: id, times, browser and address;
/// neither the principal nor the values.
#[derive(Clone, PartialEq, Serialize)]
pub struct Session {
    id: String,
    created: Timestamp,
    last_seen: Timestamp,
    expires: Timestamp,
    user_agent: Option<Box<str>>,
    address: Option<IpAddr>,
    #[serde(skip)]
    principal: Principal,
    #[serde(skip)]
    values: Map<String, Value>,
}

impl Session {
    /// The most that the values of a session take as JSON, in bytes: 16 KiB.
    pub const MAX_VALUES_LEN: usize = 16 * 1024;

    pub(super) fn new(id: &PublicId, record: &Record, timeouts: &Timeouts) -> Self {
        let (created, seen) = (record.created.0, record.seen.0);
        Self {
            id: id.text(),
            created,
            last_seen: seen,
            expires: timeouts.end(created, seen),
            user_agent: record.note.agent.clone(),
            address: record.note.address,
            principal: record.principal(id),
            values: record.values().clone(),
        }
    }

    /// The public id: good for naming and revoking the session, and for nothing else.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it began.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// When it was used last, as far as that was written down.
    #[must_use]
    pub const fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// When it ends if it is not used any more.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What the browser said of itself when it was last seen, cut to 256 bytes. Not to be
    /// trusted, and to be escaped like all that came from outside.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Where the browser was when it was last seen.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whose it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the application keeps in it.
    #[must_use]
    pub const fn values(&self) -> &Map<String, Value> {
        &self.values
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("user", &self.principal.id())
            .finish_non_exhaustive()
    }
}
