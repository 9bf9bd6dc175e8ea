use super::series::{Series, Terms};
use crate::authn::credential::PublicId;
use crate::clock::Timestamp;
use serde::Serialize;
use std::net::IpAddr;

/// A remembered browser, for the list that its user sees. It serializes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RememberedBrowser {
    id: String,
    created: Timestamp,
    last_used: Timestamp,
    expires: Timestamp,
    user_agent: Option<Box<str>>,
    address: Option<IpAddr>,
}

impl RememberedBrowser {
    pub(super) fn new(id: &PublicId, series: &Series, terms: &Terms) -> Self {
        Self {
            // Not the one in the cookie: who read it here could come with a secret made up,
            // and have it taken for theft.
            id: id.veiled(),
            created: series.created.0,
            last_used: series.used.0,
            expires: series.created.0.saturating_add(terms.lifetime),
            user_agent: series.note.agent.clone(),
            address: series.note.address,
        }
    }

    /// The public id: good for naming and forgetting the browser, and for nothing else.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Since when it is remembered.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// When a session was resumed by it last.
    #[must_use]
    pub const fn last_used(&self) -> Timestamp {
        self.last_used
    }

    /// When it is forgotten.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What the browser said of itself. Not to be trusted.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Where it was when it was used last.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}
