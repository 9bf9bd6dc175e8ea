/// What is wrong with policies or permissions. Comes when they are set up, never from a
/// request.
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
    /// A permission is declared twice.
    #[error("permission {0:?} is declared twice; remove one of the two")]
    DuplicatePermission(String),
    /// There is no such permission, or none that the wildcard stands for.
    #[error("there is no permission {permission:?}; declare it, or choose among: {known}")]
    UnknownPermission {
        /// The permission or pattern.
        permission: String,
        /// Those there are.
        known: String,
    },
    /// A policy has an id that a log cannot show well.
    #[error(
        "{0:?} cannot be the id of a policy; use 1 to 128 characters, no control characters, and no space around them"
    )]
    MalformedPolicy(String),
    /// Two policies have one id.
    #[error("policy {0:?} is there twice; rename one, for logs and tests tell them by their ids")]
    DuplicatePolicy(String),
    /// A policy permits everything to everybody.
    #[error(
        "policy {0:?} permits without a condition; say when, or `always` if that is what you mean"
    )]
    Unconditional(String),
    /// A policy demands what the service does not know how to do.
    #[error(
        "policy {policy:?} has the obligation {name:?}, which is not known; declare it with `obligation`, and see to it where decisions are obeyed"
    )]
    UnknownObligation {
        /// The policy.
        policy: String,
        /// The name of the obligation.
        name: String,
    },
    /// A route is there twice.
    #[error("the route {0} is there twice; remove one of the two")]
    DuplicateRoute(String),
}
