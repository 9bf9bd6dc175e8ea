use super::Rbac;
use super::policy::Needed;
use crate::guard::{Challenge, Check, Rejection, RejectionKind, impl_layer};
use crate::principal::Principal;
use http::Request;

/// Admits requests whose [`Principal`] has a permission: made by [`Rbac::require`] and its kin.
///
/// Put it behind the layer that authenticates. Where there is no principal the answer is 401
/// with a challenge, where one lacks the permission it is 403.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireLayer {
    rbac: Rbac,
    needed: Needed,
    challenge: Challenge,
}

impl RequireLayer {
    pub(super) fn new(rbac: Rbac, needed: Needed) -> Self {
        Self {
            rbac,
            needed,
            challenge: Challenge::new("Bearer"),
        }
    }

    /// Sets the challenge for requests without a principal; `Bearer` without it.
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }
}

impl Check for RequireLayer {
    #[inline]
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        match request.extensions().get::<Principal>() {
            Some(principal) if self.rbac.meets(principal, &self.needed) => Ok(()),
            Some(principal) => Err(self.rbac.denied(principal, &self.needed)),
            None => Err(Rejection::new(RejectionKind::Unauthenticated)
                .with_challenge(&self.challenge)
                .with_reason("no principal: is the layer that authenticates outside this one?")),
        }
    }
}

impl_layer!(RequireLayer);
