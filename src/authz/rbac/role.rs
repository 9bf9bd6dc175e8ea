use super::ConfigError;
use super::bits::Bits;
use super::catalog::Catalog;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name of a role, in characters.
const MAX_NAME: usize = 128;

/// A role: what it may do, and which roles' permissions it has as well.
///
/// ```
/// use portcullis::authz::rbac::Role;
///
/// let editor = Role::new("editor").inherits("viewer").allow("invoices:*");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Role {
    name: String,
    parents: Vec<String>,
    grants: Vec<String>,
}

impl Role {
    /// A role that may do nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parents: Vec::new(),
            grants: Vec::new(),
        }
    }

    /// Allows `resource:action`, all actions of a resource (`invoices:*`), an action of all
    /// resources (`*:read`), or everything (`*`). Wildcards stand for the permissions that
    /// are declared.
    pub fn allow(mut self, pattern: impl Into<String>) -> Self {
        self.grants.push(pattern.into());
        self
    }

    /// Adds all that another role may do.
    pub fn inherits(mut self, role: impl Into<String>) -> Self {
        self.parents.push(role.into());
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        let is_name = (1..=MAX_NAME).contains(&self.name.chars().count())
            && !self.name.contains(char::is_control)
            && self.name.trim() == self.name;
        if !is_name {
            return Err(ConfigError::MalformedRole(self.name.clone()));
        }
        for entries in [&self.grants, &self.parents] {
            if let Some(entry) = first_repeated(entries) {
                return Err(ConfigError::DuplicateEntry {
                    role: self.name.clone(),
                    entry: entry.clone(),
                });
            }
        }
        Ok(())
    }
}

fn first_repeated(entries: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    entries.iter().find(|entry| !seen.insert(*entry))
}

/// Roles with their permissions, wildcards and inheritance worked out.
#[derive(Debug, Default)]
pub(super) struct Roles(HashMap<Box<str>, Bits>);

impl Roles {
    pub(super) fn compile(roles: Vec<Role>, catalog: &Catalog) -> Result<Self, ConfigError> {
        let mut open = BTreeMap::new();
        for role in roles {
            role.check()?;
            let mut own = catalog.none();
            for pattern in &role.grants {
                catalog.add_matching(pattern, &mut own)?;
            }
            if open.contains_key(&role.name) {
                return Err(ConfigError::DuplicateRole(role.name));
            }
            let name = role.name.clone();
            open.insert(name, (role, own));
        }
        close(open)
    }

    /// Whether the role is known and may do this.
    #[inline]
    pub(super) fn allows(&self, role: &str, permission: usize) -> bool {
        self.0
            .get(role)
            .is_some_and(|permissions| permissions.contains(permission))
    }

    pub(super) fn contains(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }
}

/// Adds what each role inherits, parents before children: each role once, however deep.
fn close(mut open: BTreeMap<String, (Role, Bits)>) -> Result<Roles, ConfigError> {
    let children = children(&open)?;
    let mut missing: BTreeMap<String, usize> = open
        .iter()
        .map(|(name, (role, _))| (name.clone(), role.parents.len()))
        .collect();
    let mut ready: Vec<String> = missing
        .iter()
        .filter(|(_, missing)| **missing == 0)
        .map(|(name, _)| name.clone())
        .collect();
    let mut closed = HashMap::with_capacity(open.len());
    while let Some(name) = ready.pop() {
        let Some((_, permissions)) = open.remove(&name) else {
            continue;
        };
        for child in children.get(&name).into_iter().flatten() {
            if let Some((_, inherited)) = open.get_mut(child) {
                inherited.insert_all(&permissions);
            }
            if let Some(count) = missing.get_mut(child) {
                *count -= 1;
                if *count == 0 {
                    ready.push(child.clone());
                }
            }
        }
        closed.insert(name.into(), permissions);
    }
    match open.keys().next() {
        None => Ok(Roles(closed)),
        Some(start) => Err(ConfigError::Cycle(circle(start, &open))),
    }
}

fn children(
    roles: &BTreeMap<String, (Role, Bits)>,
) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (role, _) in roles.values() {
        for parent in &role.parents {
            if !roles.contains_key(parent) {
                return Err(ConfigError::UnknownParent {
                    role: role.name.clone(),
                    parent: parent.clone(),
                });
            }
            let of_parent = children.entry(parent.clone()).or_default();
            of_parent.push(role.name.clone());
        }
    }
    Ok(children)
}

/// A circle among roles that all wait for a parent, from its first name round to it again.
fn circle(start: &str, open: &BTreeMap<String, (Role, Bits)>) -> Vec<String> {
    let parent_of = |name: &str| {
        let (role, _) = open.get(name)?;
        role.parents
            .iter()
            .find(|parent| open.contains_key(*parent))
    };
    // After as many steps as there are roles, a walk is inside a circle.
    let mut inside = start;
    for _ in 0..open.len() {
        inside = parent_of(inside).map_or(inside, |parent| parent);
    }
    let mut path = vec![inside.to_owned()];
    let round = std::iter::successors(parent_of(inside), |name| parent_of(name));
    path.extend(round.take_while(|name| *name != inside).cloned());
    let first = (0..path.len()).min_by_key(|index| path.get(*index));
    path.rotate_left(first.unwrap_or_default());
    path.extend(path.first().cloned());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for action in ["read", "write", "pay"] {
            catalog.declare("invoices", action).unwrap();
        }
        catalog
    }

    fn compile(roles: impl IntoIterator<Item = Role>) -> Result<Roles, ConfigError> {
        Roles::compile(roles.into_iter().collect(), &catalog())
    }

    #[test]
    fn children_have_what_all_ancestors_have_and_no_more() {
        let roles = compile([
            Role::new("owner").inherits("payer").inherits("editor"),
            Role::new("payer").inherits("viewer").allow("invoices:pay"),
            Role::new("editor")
                .inherits("viewer")
                .allow("invoices:write"),
            Role::new("viewer").allow("invoices:read"),
            Role::new("guest"),
        ]);
        let roles = roles.unwrap();
        for (role, expected) in [
            ("owner", [true, true, true]),
            ("payer", [true, false, true]),
            ("editor", [true, true, false]),
            ("viewer", [true, false, false]),
            ("guest", [false; 3]),
            ("stranger", [false; 3]),
            ("", [false; 3]),
            ("Owner", [false; 3]),
        ] {
            let found = [0, 1, 2].map(|number| roles.allows(role, number));
            assert_eq!(found, expected, "{role}");
        }
    }

    #[test]
    fn a_circle_is_named() {
        let link = |from: &str, to: &str| Role::new(from).inherits(to);
        for (name, roles, expected) in [
            ("itself", vec![link("a", "a")], "a -> a"),
            ("two", vec![link("a", "b"), link("b", "a")], "a -> b -> a"),
            (
                "three, with a way in and roles beside",
                vec![
                    link("a", "b"),
                    link("b", "c"),
                    link("c", "d"),
                    link("d", "b"),
                    Role::new("z"),
                    link("y", "z"),
                ],
                "b -> c -> d -> b",
            ),
        ] {
            let error = compile(roles).unwrap_err();
            assert!(matches!(error, ConfigError::Cycle(_)), "{name}");
            assert!(
                error.to_string().contains(&format!(": {expected};")),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn wrong_roles_are_refused_by_name() {
        let role = || Role::new("a");
        for (roles, expected) in [
            (vec![role(), role()], r#"role "a" is defined twice"#),
            (vec![role().inherits("b")], r#"role "a" inherits "b""#),
            (
                vec![role().allow("invoices:fly")],
                r#"no permission "invoices:fly""#,
            ),
            (
                vec![role().allow("invoices")],
                r#"permission "invoices" is malformed"#,
            ),
            (
                vec![role().allow("*").allow("*")],
                r#"role "a" names "*" twice"#,
            ),
            (
                vec![role().inherits("b").inherits("b"), Role::new("b")],
                r#"role "a" names "b" twice"#,
            ),
            (vec![Role::new("")], r#""" cannot be the name of a role"#),
            (
                vec![Role::new(" a")],
                r#"" a" cannot be the name of a role"#,
            ),
            (
                vec![Role::new("a\n")],
                r#""a\n" cannot be the name of a role"#,
            ),
        ] {
            let error = compile(roles).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let chain = (0..20_000).map(|number| {
            let role = Role::new(number.to_string());
            match number {
                0 => role.allow("*"),
                _ => role.inherits((number - 1).to_string()),
            }
        });
        assert!(compile(chain).unwrap().allows("19999", 2));
        let circle = (0..20_000).map(|number: u32| {
            Role::new(number.to_string()).inherits(((number + 1) % 20_000).to_string())
        });
        assert!(matches!(compile(circle), Err(ConfigError::Cycle(path)) if path.len() == 20_001));
    }
}
