/// What is wrong with roles or permissions. Comes when they are set up, never from a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A resource or an action has a name that a permission cannot be written with.
    #[error(
        "{0:?} cannot be the name of a resource or an action; use 1 to 64 ASCII letters, digits, `_`, `-` or `.`"
    )]
    MalformedName(String),
    /// A permission is not of the form it has to be of.
    #[error("permission {0:?} is malformed; write `resource:action`")]
    MalformedPermission(String),
    /// A role has a name that could be taken for another.
    #[error(
        "{0:?} cannot be the name of a role; use 1 to 128 characters, no control characters, and no space around them"
    )]
    MalformedRole(String),
    /// A permission is declared twice.
    #[error("permission {0:?} is declared twice; remove one of the two")]
    DuplicatePermission(String),
    /// Two roles have one name.
    #[error("role {0:?} is defined twice; rename one, or put their permissions together")]
    DuplicateRole(String),
    /// A role says the same twice.
    #[error("role {role:?} names {entry:?} twice; remove one of the two")]
    DuplicateEntry {
        /// The role.
        role: String,
        /// The permission or role that it names twice.
        entry: String,
    },
    /// There is no such permission, or none that the wildcard stands for.
    #[error("there is no permission {permission:?}; declare it, or choose among: {known}")]
    UnknownPermission {
        /// The permission or pattern.
        permission: String,
        /// Those there are.
        known: String,
    },
    /// A role inherits one that is not there.
    #[error(
        "role {role:?} inherits {parent:?}, which is not there; define it, or check its spelling"
    )]
    UnknownParent {
        /// The role that inherits.
        role: String,
        /// The role that is not there.
        parent: String,
    },
    /// Roles inherit each other.
    #[error("roles inherit in a circle: {}; remove one of the links", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// A layer that requires one of no permissions would refuse everybody, one that requires
    /// all of none would refuse nobody.
    #[error("no permission is named; name at least one")]
    NothingRequired,
}
