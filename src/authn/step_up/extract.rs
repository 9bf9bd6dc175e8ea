use super::RequireRecent;
use crate::guard::{Rejection, RequestHead};
use crate::principal::Principal;
use axum_core::extract::FromRequestParts;
use http::request::Parts;
use std::fmt;
use std::marker::PhantomData;

/// Names what a handler asks of the authentication, for [`Recent`].
pub trait StepUp: Send + Sync + 'static {
    /// What is asked for.
    fn requirement() -> RequireRecent;
}

/// A caller whose authentication is as `T` asks: a handler that takes one cannot be reached by
/// anybody else, whatever layers are in front of it.
///
/// ```
/// use portcullis::authn::step_up::{Recent, RequireRecent, StepUp};
/// use std::time::Duration;
///
/// /// The last five minutes.
/// struct JustNow;
/// impl StepUp for JustNow {
///     fn requirement() -> RequireRecent {
///         RequireRecent::within(Duration::from_secs(300))
///     }
/// }
///
/// async fn change_email(caller: Recent<JustNow>) -> String {
///     format!("a new address for {}", caller.principal().id())
/// }
/// # let _: axum::Router = axum::Router::new().route("/email", axum::routing::put(change_email));
/// ```
pub struct Recent<T> {
    principal: Principal,
    requirement: PhantomData<fn() -> T>,
}

impl<T> Recent<T> {
    /// The caller.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        Self {
            principal: self.principal.clone(),
            requirement: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Recent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recent").field(&self.principal).finish()
    }
}

impl<T: StepUp, S: Sync> FromRequestParts<S> for Recent<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let found = T::requirement().principal(&RequestHead::of_parts(parts));
        found.map(|principal| Self {
            principal: principal.clone(),
            requirement: PhantomData,
        })
    }
}
