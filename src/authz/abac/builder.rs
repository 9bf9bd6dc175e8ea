use super::authz::{Authz, Shared};
use super::catalog::Catalog;
use super::typed::{AnyPolicy, TypedPolicies};
use super::{ConfigError, Policy, PolicySource, Resource, Version};
use crate::clock::Clock;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Declares permissions and puts policies together.
#[must_use = "nothing is checked before `build`"]
pub struct AuthzBuilder {
    resources: Vec<(String, String)>,
    #[cfg(feature = "rbac")]
    roles: Option<crate::authz::rbac::Rbac>,
    policies: Vec<Box<dyn AnyPolicy>>,
    sources: Vec<Box<dyn PolicySource>>,
    obligations: BTreeSet<String>,
    logs_decisions: bool,
    clock: Clock,
}

impl fmt::Debug for AuthzBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthzBuilder")
            .field("resources", &self.resources)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl AuthzBuilder {
    pub(super) fn new() -> Self {
        Self {
            resources: Vec::new(),
            #[cfg(feature = "rbac")]
            roles: None,
            policies: Vec::new(),
            sources: Vec::new(),
            obligations: BTreeSet::new(),
            logs_decisions: false,
            clock: Clock::system(),
        }
    }

    /// Declares the actions of a resource: each is a permission, `resource:action`. Policies
    /// alone decide about it; the scopes of a credential limit it.
    pub fn resource<'a>(mut self, name: &str, actions: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |action: &str| (name.to_owned(), action.to_owned());
        self.resources.extend(actions.into_iter().map(named));
        self
    }

    /// Puts roles in front, with all their permissions. Who has no role with a permission is
    /// denied before any policy is asked. Who has one is, where no thing is named, allowed
    /// unless a policy forbids; for one thing, a policy has to permit it as well.
    #[cfg(feature = "rbac")]
    pub fn roles(mut self, rbac: crate::authz::rbac::Rbac) -> Self {
        self.roles = Some(rbac);
        self
    }

    /// Adds a policy.
    pub fn policy<R: Resource>(mut self, policy: Policy<R>) -> Self {
        self.policies.push(Box::new(policy));
        self
    }

    /// Adds policies that are not Rust code.
    pub fn source(mut self, source: impl PolicySource) -> Self {
        self.sources.push(Box::new(source));
        self
    }

    /// Says that the service knows an obligation of this name, and obeys it wherever it obeys
    /// decisions. An allow with one that is not known is none.
    pub fn obligation(mut self, name: impl Into<String>) -> Self {
        self.obligations.insert(name.into());
        self
    }

    /// Emits an [`AuthzDecision`](crate::event::EventKind::AuthzDecision) for each decision,
    /// also where something is allowed, and one for each list ([`Authz::visible`]) when it is
    /// done: its details say of which `type` rows were asked for, and how many were `seen`, of
    /// which how many `allowed`, and `undecided`. Refusals are told in any case, by the monitor.
    pub const fn log_decisions(mut self) -> Self {
        self.logs_decisions = true;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Puts every policy where it is looked for.
    ///
    /// # Errors
    /// When something is unknown, there twice, or malformed.
    pub fn build(self) -> Result<Authz, ConfigError> {
        let mut catalog = Catalog::default();
        #[cfg(feature = "rbac")]
        for permission in self
            .roles
            .iter()
            .flat_map(crate::authz::rbac::Rbac::permissions)
        {
            catalog.declare_of_roles(permission)?;
        }
        for (resource, action) in &self.resources {
            catalog.declare(resource, action)?;
        }
        let mut typed = TypedPolicies::default();
        for policy in self.policies {
            policy.join(&mut typed, &catalog)?;
        }
        let texts = self
            .sources
            .iter()
            .flat_map(|source| source.snapshot().heads());
        let mut ids = BTreeSet::new();
        for head in typed.heads().iter().cloned().chain(texts) {
            if !ids.insert(head.id().to_owned()) {
                return Err(ConfigError::DuplicatePolicy(head.id().to_owned()));
            }
            for note in head.obligations() {
                if !self.obligations.contains(&*note.name) {
                    return Err(ConfigError::UnknownObligation {
                        policy: head.id().to_owned(),
                        name: note.name.to_string(),
                    });
                }
            }
        }
        Ok(Authz(Arc::new(Shared {
            catalog,
            typed,
            sources: self.sources,
            obligations: self.obligations,
            logs_decisions: self.logs_decisions,
            clock: self.clock,
            version: Version::new("code"),
        })))
    }
}
