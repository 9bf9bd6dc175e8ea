use super::{Allowed, Authz, ConfigError, Context, NoResource};
use crate::guard::{Challenge, Check, Rejection, RejectionKind, RequestHead, impl_layer};
use crate::principal::Principal;
use http::Request;
use std::sync::Arc;

/// Admits requests whose [`Principal`] may do something that is not about one thing: made by
/// [`Authz::require`].
///
/// Put it behind the layers that authenticate and that find the client's address. The handler
/// finds the [`Context`] and an [`Allowed<NoResource>`] in the request.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireLayer {
    authz: Authz,
    permission: Arc<str>,
    challenge: Challenge,
}

impl Authz {
    /// A layer that admits principals who may do this, where it is not about one thing.
    ///
    /// # Errors
    /// When there is no such permission: at start, not at the first request.
    pub fn require(&self, permission: &str) -> Result<RequireLayer, ConfigError> {
        self.known(permission)?;
        Ok(RequireLayer {
            authz: self.clone(),
            permission: permission.into(),
            challenge: Challenge::new("Bearer"),
        })
    }
}

impl RequireLayer {
    /// Sets the challenge for requests without a principal; `Bearer` without it.
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }
}

impl Check for RequireLayer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let principal = principal(request, &self.challenge)?;
        let context = Context::of_request(&RequestHead::of(request), &self.authz.0.clock);
        let decision = self
            .authz
            .check_action(principal, &self.permission, &context)?;
        let extensions = request.extensions_mut();
        let action = Arc::clone(&self.permission);
        extensions.insert(Allowed::new(Arc::new(NoResource), action, decision));
        extensions.insert(context);
        Ok(())
    }
}

impl_layer!(RequireLayer);

/// Who asks, or the challenge.
pub(super) fn principal<'a, B>(
    request: &'a Request<B>,
    challenge: &Challenge,
) -> Result<&'a Principal, Rejection> {
    request.extensions().get::<Principal>().ok_or_else(|| {
        Rejection::new(RejectionKind::Unauthenticated)
            .with_challenge(challenge)
            .with_reason("no principal: is the layer that authenticates outside this one?")
    })
}
