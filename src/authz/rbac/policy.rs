use super::catalog::Catalog;
use super::role::Roles;
use super::{ConfigError, RequireLayer, Role};
use crate::guard::{Challenge, Rejection, RejectionKind};
use crate::principal::Principal;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;

use Needed::{All, Any, One};

/// Who may do what: permissions and the roles that hold them. Cheap to clone; clones share the
/// roles.
#[derive(Clone, Debug)]
pub struct Rbac(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    catalog: Catalog,
    roles: ArcSwap<Roles>,
    scopes_limit: bool,
}

impl Rbac {
    /// Starts with no permission and no role.
    pub fn builder() -> RbacBuilder {
        RbacBuilder {
            resources: Vec::new(),
            roles: Vec::new(),
            scopes_limit: true,
        }
    }

    /// A permission, to ask for inside a handler.
    ///
    /// # Errors
    /// When it is not declared: at start, not at the first request.
    pub fn permission(&self, name: &str) -> Result<Permission, ConfigError> {
        Ok(Permission {
            number: self.0.catalog.number(name)?,
            rbac: self.clone(),
        })
    }

    /// All permissions, in the order they were declared.
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = Permission> {
        (0..self.0.catalog.len()).map(|number| Permission {
            number,
            rbac: self.clone(),
        })
    }

    /// A layer that admits principals who have this permission.
    ///
    /// # Errors
    /// When it is not declared: at start, not at the first request.
    pub fn require(&self, permission: &str) -> Result<RequireLayer, ConfigError> {
        let number = self.0.catalog.number(permission)?;
        Ok(RequireLayer::new(self.clone(), One(number)))
    }

    /// A layer that admits principals who have each of these permissions.
    ///
    /// # Errors
    /// When one is not declared, or none is named.
    pub fn require_all<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a str>,
    ) -> Result<RequireLayer, ConfigError> {
        Ok(RequireLayer::new(
            self.clone(),
            All(self.numbers(permissions)?.into()),
        ))
    }

    /// A layer that admits principals who have at least one of these permissions.
    ///
    /// # Errors
    /// When one is not declared, or none is named.
    pub fn require_any<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a str>,
    ) -> Result<RequireLayer, ConfigError> {
        Ok(RequireLayer::new(
            self.clone(),
            Any(self.numbers(permissions)?.into()),
        ))
    }

    fn numbers<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<usize>, ConfigError> {
        let number = |name| self.0.catalog.number(name);
        let numbers: Result<Vec<_>, _> = permissions.into_iter().map(number).collect();
        match numbers {
            Ok(none) if none.is_empty() => Err(ConfigError::NothingRequired),
            numbers => numbers,
        }
    }

    /// Whether there is a role of this name: to ask before a user is given one.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.0.roles.load().contains(name)
    }

    /// Replaces all roles at once, while requests run: each is decided by the old roles or by
    /// the new ones. The permissions stay what they are.
    ///
    /// # Errors
    /// When a role is wrong. Then the old ones stay.
    pub fn replace_roles(&self, roles: impl IntoIterator<Item = Role>) -> Result<(), ConfigError> {
        let roles = Roles::compile(roles.into_iter().collect(), &self.0.catalog)?;
        self.0.roles.store(Arc::new(roles));
        Ok(())
    }
}

/// The decision.
impl Rbac {
    /// Whether the principal has what is needed, by one state of the roles.
    #[inline]
    pub(super) fn meets(&self, principal: &Principal, needed: &Needed) -> bool {
        let roles = self.0.roles.load();
        let grants = |number: &usize| {
            Shared::is_allowed(&roles, principal, *number)
                && self.0.is_within_scopes(principal, *number)
        };
        match needed {
            One(number) => grants(number),
            All(numbers) => numbers.iter().all(grants),
            Any(numbers) => numbers.iter().any(grants),
        }
    }

    /// The refusal of a principal who has not what is needed.
    #[cold]
    pub(super) fn denied(&self, principal: &Principal, needed: &Needed) -> Rejection {
        let roles = self.0.roles.load();
        let lacks_scope = needed.numbers().iter().any(|number| {
            Shared::is_allowed(&roles, principal, *number)
                && !self.0.is_within_scopes(principal, *number)
        });
        let rejection = Rejection::new(RejectionKind::Forbidden)
            .with_subject(principal.id())
            .with_reason(self.0.reason(&roles, principal, needed));
        if !lacks_scope {
            return rejection;
        }
        // RFC 6750 section 3.1: the user could, this token cannot.
        let challenge = Challenge::new("Bearer").with("error", "insufficient_scope");
        rejection
            .with_code("insufficient_scope")
            .with_challenge(&challenge)
    }
}

impl Shared {
    #[inline]
    fn is_allowed(roles: &Roles, principal: &Principal, number: usize) -> bool {
        principal.roles().any(|role| roles.allows(role, number))
    }

    #[inline]
    fn is_within_scopes(&self, principal: &Principal, number: usize) -> bool {
        match principal.scopes() {
            Some(mut scopes) if self.scopes_limit => {
                scopes.any(|scope| self.catalog.matches(scope, number))
            }
            _ => true,
        }
    }

    fn reason(&self, roles: &Roles, principal: &Principal, needed: &Needed) -> String {
        let names = needed
            .numbers()
            .iter()
            .map(|number| self.catalog.name(*number));
        let names: Vec<_> = names.collect();
        let (known, unknown): (Vec<_>, Vec<_>) =
            principal.roles().partition(|role| roles.contains(role));
        let mut reason = format!("asked for {}", names.join(", "));
        for (title, list) in [("roles", known), ("unknown roles", unknown)] {
            if !list.is_empty() {
                reason += &format!("; {title}: {}", list.join(", "));
            }
        }
        if let Some(scopes) = principal.scopes() {
            let scopes: Vec<_> = scopes.collect();
            reason += &format!("; scopes: {}", scopes.join(" "));
        }
        reason
    }
}

/// What a principal needs, by the numbers of permissions.
#[derive(Clone, Debug)]
pub(super) enum Needed {
    One(usize),
    All(Arc<[usize]>),
    Any(Arc<[usize]>),
}

impl Needed {
    fn numbers(&self) -> &[usize] {
        match self {
            One(number) => std::slice::from_ref(number),
            All(numbers) | Any(numbers) => numbers,
        }
    }
}

/// Declares permissions and roles.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct RbacBuilder {
    resources: Vec<(String, String)>,
    roles: Vec<Role>,
    scopes_limit: bool,
}

impl RbacBuilder {
    /// Declares the actions of a resource: each is a permission, `resource:action`.
    pub fn resource<'a>(mut self, name: &str, actions: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |action: &str| (name.to_owned(), action.to_owned());
        self.resources.extend(actions.into_iter().map(named));
        self
    }

    /// Adds a role.
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Lets roles decide alone. Without this call the scopes of a credential limit it: where
    /// [`Principal::scopes`] is not `None`, one of the scopes has to stand for the permission
    /// (`invoices:read`, `invoices:*`, `*:read` or `*`) besides a role. With it, a token that
    /// was made for less can do all that its user can. It is right only when the scopes of all
    /// your tokens are of another vocabulary, such as `openid profile`.
    pub fn insecure_ignore_scopes(mut self) -> Self {
        self.scopes_limit = false;
        self
    }

    /// Works out what each role may do.
    ///
    /// # Errors
    /// When something is unknown, there twice, malformed, or inherits itself.
    pub fn build(self) -> Result<Rbac, ConfigError> {
        let mut catalog = Catalog::default();
        for (resource, action) in &self.resources {
            catalog.declare(resource, action)?;
        }
        let roles = Roles::compile(self.roles, &catalog)?;
        Ok(Rbac(Arc::new(Shared {
            catalog,
            roles: ArcSwap::from_pointee(roles),
            scopes_limit: self.scopes_limit,
        })))
    }
}

/// A permission that is known to be there. Cheap to clone.
#[derive(Clone)]
pub struct Permission {
    rbac: Rbac,
    number: usize,
}

impl Permission {
    /// Its name, `resource:action`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rbac.0.catalog.name(self.number)
    }

    /// Whether a role of the principal allows this, and its credential's scopes do not forbid
    /// it. Unknown roles allow nothing.
    #[must_use]
    #[inline]
    pub fn is_granted_to(&self, principal: &Principal) -> bool {
        self.rbac.meets(principal, &One(self.number))
    }

    /// The same, as a handler wants it.
    ///
    /// # Errors
    /// A 403 when it is not granted. Its reason, for the operator, names the permission, the
    /// roles and which of them are unknown.
    pub fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        if self.is_granted_to(principal) {
            return Ok(());
        }
        Err(self.rbac.denied(principal, &One(self.number)))
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permission").field(&self.name()).finish()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
