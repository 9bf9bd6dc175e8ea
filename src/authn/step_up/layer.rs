use super::{RequireRecent, Unmet};
use crate::guard::{
    Check, Rejection, RejectionKind, RequestHead, StepUpDemand, impl_layer, token_scheme,
};
use crate::principal::Principal;
use http::{HeaderMap, Request};

impl RequireRecent {
    /// The principal of a request, if its authentication is as it must be: for where the
    /// requirement depends on more than the route.
    ///
    /// # Errors
    /// 401 with the challenge: of step-up (RFC 9470), or of anybody when there is no principal.
    pub fn principal<'a>(&self, request: &RequestHead<'a>) -> Result<&'a Principal, Rejection> {
        let Some(principal) = request.extensions().get::<Principal>() else {
            return Err(Rejection::new(RejectionKind::Unauthenticated)
                .with_challenge(self.anonymous_challenge())
                .with_reason("no principal: is the layer that authenticates outside this one?"));
        };
        match self.met_by(principal) {
            Ok(()) => Ok(principal),
            Err(unmet) => Err(self
                .insufficient(unmet, request.headers())
                .with_subject(principal.id())),
        }
    }

    fn insufficient(&self, unmet: Unmet, headers: &HeaderMap) -> Rejection {
        let acr_values = self.acr_values();
        let demand = StepUpDemand {
            text: unmet.text(),
            max_age: Some(self.max_age()),
            acr_values: acr_values.as_deref(),
        };
        demand.rejection(token_scheme(headers))
    }
}

impl Check for RequireRecent {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        self.principal(&RequestHead::of(request)).map(drop)
    }
}

impl_layer!(RequireRecent);
