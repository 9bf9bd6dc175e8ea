use std::collections::BTreeMap;
use std::sync::Arc;

/// What a provider's scopes stand for in this service: permissions, and roles.
///
/// A provider's scopes are words of another house: `orders` may be all that one may do with
/// orders there, and one permission of several here. What is not in the map stands for nothing,
/// so that a scope which the provider invents later opens no door.
///
/// ```
/// use portcullis::authn::oauth2::ScopeMap;
///
/// let scopes = ScopeMap::new()
///     .permissions("orders", ["orders:read", "orders:write"])
///     .permissions("orders.readonly", ["orders:read"])
///     .roles("admin", ["operator"]);
///
/// let granted = scopes.apply(["orders.readonly", "unheard-of"]);
/// assert_eq!(granted.permissions().collect::<Vec<_>>(), ["orders:read"]);
/// assert_eq!(granted.roles().len(), 0);
/// ```
///
/// The permissions become the [scopes](crate::principal::Principal::scopes) of the principal,
/// which limit what its roles allow; the roles are added to those it has.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ScopeMap {
    entries: BTreeMap<Box<str>, Entry>,
    passes_others: bool,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    permissions: Vec<Arc<str>>,
    roles: Vec<Arc<str>>,
}

/// What the scopes of a token stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    pub(super) permissions: Vec<Arc<str>>,
    pub(super) roles: Vec<Arc<str>>,
}

impl Granted {
    /// The permissions, each once.
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.permissions.iter().map(AsRef::as_ref)
    }

    /// The roles, each once.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.roles.iter().map(AsRef::as_ref)
    }

    fn add(all: &mut Vec<Arc<str>>, one: &Arc<str>) {
        if !all.contains(one) {
            all.push(Arc::clone(one));
        }
    }
}

impl ScopeMap {
    /// A map in which no scope stands for anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a scope stand for these permissions, as scopes of the principal.
    pub fn permissions<P: Into<Arc<str>>>(
        mut self,
        scope: impl Into<Box<str>>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        let entry = self.entries.entry(scope.into()).or_default();
        entry
            .permissions
            .extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Lets a scope stand for these roles too: only where the provider gives the scope to
    /// nobody who does not hold them.
    pub fn roles<R: Into<Arc<str>>>(
        mut self,
        scope: impl Into<Box<str>>,
        roles: impl IntoIterator<Item = R>,
    ) -> Self {
        let entry = self.entries.entry(scope.into()).or_default();
        entry.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Passes on scopes that are not in the map as they are.
    pub const fn pass_others(mut self) -> Self {
        self.passes_others = true;
        self
    }

    /// What these scopes stand for.
    #[must_use]
    pub fn apply<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> Granted {
        let mut granted = Granted::default();
        for scope in scopes {
            let scope = scope.as_ref();
            match self.entries.get(scope) {
                Some(entry) => {
                    let permissions = entry.permissions.iter();
                    permissions.for_each(|it| Granted::add(&mut granted.permissions, it));
                    let roles = entry.roles.iter();
                    roles.for_each(|it| Granted::add(&mut granted.roles, it));
                }
                None if self.passes_others => Granted::add(&mut granted.permissions, &scope.into()),
                None => {}
            }
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scopes_stand_for() {
        let map = ScopeMap::new()
            .permissions("orders", ["orders:read", "orders:write"])
            .permissions("read", ["orders:read"])
            .roles("admin", ["operator", "auditor"]);
        let passing = map.clone().pass_others();
        for (name, map, scopes, permissions, roles) in [
            ("one", &map, vec!["read"], vec!["orders:read"], vec![]),
            (
                "overlapping",
                &map,
                vec!["read", "orders", "read"],
                vec!["orders:read", "orders:write"],
                vec![],
            ),
            (
                "roles",
                &map,
                vec!["admin"],
                vec![],
                vec!["operator", "auditor"],
            ),
            ("unknown", &map, vec!["write"], vec![], vec![]),
            (
                "the name of a permission",
                &map,
                vec!["orders:write"],
                vec![],
                vec![],
            ),
            ("another case", &map, vec!["READ"], vec![], vec![]),
            ("a pattern", &map, vec!["*"], vec![], vec![]),
            ("none", &map, vec![], vec![], vec![]),
            (
                "passed on",
                &passing,
                vec!["write", "read", "write"],
                vec!["write", "orders:read"],
                vec![],
            ),
        ] {
            let granted = map.apply(scopes);
            assert_eq!(
                granted.permissions().collect::<Vec<_>>(),
                permissions,
                "{name}"
            );
            assert_eq!(granted.roles().collect::<Vec<_>>(), roles, "{name}");
        }
    }
}
