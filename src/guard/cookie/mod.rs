//! Cookies: found so that nobody can slip in a second one, and set so that nobody else gets
//! them.

#[cfg(any(feature = "oauth2", feature = "session", feature = "throttle"))]
mod credential;
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
mod find;
mod name;

#[cfg(any(feature = "oauth2", feature = "session", feature = "throttle"))]
pub(crate) use credential::CredentialCookie;
#[cfg(any(feature = "oauth2", feature = "session"))]
pub(crate) use credential::apply;
#[cfg(feature = "session")]
pub(crate) use find::values;
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
pub(crate) use find::{Found, find};
pub(crate) use name::name_of;
