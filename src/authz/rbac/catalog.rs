use super::ConfigError;
use super::bits::Bits;
use crate::authz::permission::{Pattern, is_name};

/// How many permissions an error shows.
const MAX_SHOWN: usize = 20;

/// Every permission there is, numbered.
#[derive(Debug, Default)]
pub(super) struct Catalog(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    resource: String,
    action: String,
    name: String,
}

impl Catalog {
    pub(super) fn declare(&mut self, resource: &str, action: &str) -> Result<(), ConfigError> {
        for name in [resource, action] {
            if !is_name(name) {
                return Err(ConfigError::MalformedName(name.to_owned()));
            }
        }
        let name = format!("{resource}:{action}");
        if self.0.iter().any(|entry| entry.name == name) {
            return Err(ConfigError::DuplicatePermission(name));
        }
        self.0.push(Entry {
            resource: resource.to_owned(),
            action: action.to_owned(),
            name,
        });
        Ok(())
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The empty set of permissions.
    pub(super) fn none(&self) -> Bits {
        Bits::empty(self.0.len())
    }

    /// The number of a permission.
    pub(super) fn number(&self, permission: &str) -> Result<usize, ConfigError> {
        if Pattern::parse(permission).is_none_or(Pattern::is_wild) {
            return Err(ConfigError::MalformedPermission(permission.to_owned()));
        }
        self.0
            .iter()
            .position(|entry| entry.name == permission)
            .ok_or_else(|| self.unknown(permission))
    }

    /// The name of a permission.
    pub(super) fn name(&self, number: usize) -> &str {
        self.0.get(number).map_or("", |entry| &entry.name)
    }

    /// Adds all permissions that `pattern` stands for; at least one, or it is an error.
    pub(super) fn add_matching(&self, pattern: &str, to: &mut Bits) -> Result<(), ConfigError> {
        let parsed = Pattern::parse(pattern)
            .ok_or_else(|| ConfigError::MalformedPermission(pattern.to_owned()))?;
        let mut found = false;
        for (number, entry) in self.0.iter().enumerate() {
            if parsed.matches(&entry.resource, &entry.action) {
                to.insert(number);
                found = true;
            }
        }
        if found {
            Ok(())
        } else {
            Err(self.unknown(pattern))
        }
    }

    /// Whether `pattern` stands for this permission. What is no pattern stands for none.
    #[inline]
    pub(super) fn matches(&self, pattern: &str, number: usize) -> bool {
        self.0.get(number).is_some_and(|entry| {
            // By far the most common scope is the very name.
            entry.name == pattern
                || Pattern::split(pattern)
                    .is_some_and(|pattern| pattern.matches(&entry.resource, &entry.action))
        })
    }

    fn unknown(&self, permission: &str) -> ConfigError {
        let mut known: Vec<_> = self.0.iter().map(|entry| &*entry.name).collect();
        if known.len() > MAX_SHOWN {
            known.truncate(MAX_SHOWN);
            known.push("...");
        }
        ConfigError::UnknownPermission {
            permission: permission.to_owned(),
            known: known.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (resource, action) in [
            ("users", "read"),
            ("users", "write"),
            ("invoices", "read"),
            ("invoices", "pay"),
        ] {
            catalog.declare(resource, action).unwrap();
        }
        catalog
    }

    #[test]
    fn patterns_stand_for_permissions() {
        let catalog = catalog();
        for (pattern, expected) in [
            ("users:read", "1000"),
            ("users:*", "1100"),
            ("*:read", "1010"),
            ("*:*", "1111"),
            ("*", "1111"),
        ] {
            let mut bits = catalog.none();
            catalog.add_matching(pattern, &mut bits).unwrap();
            let found: String = (0..4)
                .map(|n| if bits.contains(n) { '1' } else { '0' })
                .collect();
            assert_eq!(found, expected, "{pattern}");
            let by_scope: String = (0..4)
                .map(|n| {
                    if catalog.matches(pattern, n) {
                        '1'
                    } else {
                        '0'
                    }
                })
                .collect();
            assert_eq!(by_scope, expected, "{pattern}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_an_error() {
        let catalog = catalog();
        for unknown in ["users:fly", "ghosts:*", "*:fly", "Users:read"] {
            let error = catalog
                .add_matching(unknown, &mut catalog.none())
                .unwrap_err();
            assert!(
                matches!(error, ConfigError::UnknownPermission { .. }),
                "{unknown}"
            );
            assert!(error.to_string().contains("invoices:pay"), "{error}");
        }
        for malformed in [
            "",
            ":",
            "users",
            "users:",
            ":read",
            "users:read:all",
            "us*:read",
            "users:re*",
            "**",
            " users:read",
            "users:read\n",
            "üsers:read",
        ] {
            let error = catalog.add_matching(malformed, &mut catalog.none());
            let expected = ConfigError::MalformedPermission(malformed.to_owned());
            assert_eq!(error, Err(expected), "{malformed:?}");
            assert!((0..4).all(|number| !catalog.matches(malformed, number)));
        }
        for wild in ["*", "users:*", "*:read", "*:*"] {
            assert!(catalog.number(wild).is_err(), "{wild}");
        }
    }

    #[test]
    fn declarations_are_checked() {
        let mut catalog = catalog();
        for (resource, action) in [
            ("", "read"),
            ("users", ""),
            ("a:b", "c"),
            ("*", "read"),
            ("a", "*"),
        ] {
            let error = catalog.declare(resource, action).unwrap_err();
            assert!(
                matches!(error, ConfigError::MalformedName(_)),
                "{resource}:{action}"
            );
        }
        let long = "x".repeat(65);
        assert!(catalog.declare(&long, "read").is_err());
        assert_eq!(
            catalog.declare("users", "read"),
            Err(ConfigError::DuplicatePermission("users:read".to_owned()))
        );
    }
}
