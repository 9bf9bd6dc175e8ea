use super::ConfigError;
use crate::authz::permission::{Pattern, is_name};
use crate::principal::Principal;
use hashbrown::HashMap;

/// How many permissions an error shows.
const MAX_SHOWN: usize = 20;

/// Every permission there is, numbered.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    entries: Vec<Entry>,
    numbers: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
struct Entry {
    resource: String,
    action: String,
    name: String,
    /// For those that roles decide.
    #[cfg(feature = "rbac")]
    role_permission: Option<crate::authz::rbac::Permission>,
}

impl Catalog {
    pub(super) fn declare(&mut self, resource: &str, action: &str) -> Result<usize, ConfigError> {
        for name in [resource, action] {
            if !is_name(name) {
                return Err(ConfigError::MalformedName(name.to_owned()));
            }
        }
        let name = format!("{resource}:{action}");
        let number = self.entries.len();
        if self.numbers.insert(name.as_str().into(), number).is_some() {
            return Err(ConfigError::DuplicatePermission(name));
        }
        self.entries.push(Entry {
            resource: resource.to_owned(),
            action: action.to_owned(),
            name,
            #[cfg(feature = "rbac")]
            role_permission: None,
        });
        Ok(number)
    }

    /// Declares a permission of roles.
    #[cfg(feature = "rbac")]
    pub(super) fn declare_of_roles(
        &mut self,
        permission: crate::authz::rbac::Permission,
    ) -> Result<(), ConfigError> {
        let name = permission.name().to_owned();
        let (resource, action) = name.split_once(':').unwrap_or_default();
        let number = self.declare(resource, action)?;
        if let Some(entry) = self.entries.get_mut(number) {
            entry.role_permission = Some(permission);
        }
        Ok(())
    }

    /// The number of a permission, if there is one of this name.
    #[inline]
    pub(super) fn find(&self, permission: &str) -> Option<usize> {
        self.numbers.get(permission).copied()
    }

    /// The number of a permission.
    pub(super) fn number(&self, permission: &str) -> Result<usize, ConfigError> {
        if Pattern::parse(permission).is_none_or(Pattern::is_wild) {
            return Err(ConfigError::MalformedPermission(permission.to_owned()));
        }
        self.find(permission)
            .ok_or_else(|| self.unknown(permission))
    }

    /// The permissions that `pattern` stands for; at least one, or it is an error.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<usize>, ConfigError> {
        let parsed = Pattern::parse(pattern)
            .ok_or_else(|| ConfigError::MalformedPermission(pattern.to_owned()))?;
        if !parsed.is_wild() {
            return Ok(vec![self.number(pattern)?]);
        }
        let entries = self.entries.iter().enumerate();
        let matching = entries.filter(|(_, it)| parsed.matches(&it.resource, &it.action));
        let numbers: Vec<_> = matching.map(|(number, _)| number).collect();
        if numbers.is_empty() {
            return Err(self.unknown(pattern));
        }
        Ok(numbers)
    }

    /// The names of all permissions.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Whether roles and scopes let the principal pass. Where roles do not decide, the scopes
    /// of its credential limit it all the same.
    #[inline]
    pub(super) fn passes(&self, number: usize, principal: &Principal) -> bool {
        let Some(entry) = self.entries.get(number) else {
            return false;
        };
        #[cfg(feature = "rbac")]
        if let Some(permission) = &entry.role_permission {
            return permission.is_granted_to(principal);
        }
        let stands_for = |scope: &str| {
            scope == entry.name
                || Pattern::split(scope)
                    .is_some_and(|pattern| pattern.matches(&entry.resource, &entry.action))
        };
        principal
            .scopes()
            .is_none_or(|mut scopes| scopes.any(stands_for))
    }

    /// Whether a role of the principal is what let it pass.
    #[cfg(feature = "rbac")]
    pub(super) fn is_of_roles(&self, number: usize) -> bool {
        let entry = self.entries.get(number);
        entry.is_some_and(|entry| entry.role_permission.is_some())
    }

    #[cfg(not(feature = "rbac"))]
    pub(super) const fn is_of_roles(&self, _number: usize) -> bool {
        false
    }

    fn unknown(&self, permission: &str) -> ConfigError {
        let mut known: Vec<_> = self.names().collect();
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
