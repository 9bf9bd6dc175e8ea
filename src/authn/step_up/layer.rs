use super::{RequireRecent, Unmet};
use crate::guard::{Challenge, Check, Rejection, RejectionKind, RequestHead};
use crate::principal::Principal;
use http::{HeaderMap, Request, header};

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
        const ERROR: &str = RejectionKind::StepUpRequired.code();
        let max_age = self.max_age().as_secs();
        let acr_values = self.acr_values();
        let mut rejection = Rejection::new(RejectionKind::StepUpRequired)
            .with_reason(unmet.text())
            .with_member("max_age", max_age);
        if let Some(values) = &acr_values {
            rejection = rejection.with_member("acr_values", &**values);
        }
        // A cookie has no scheme that a challenge could be of.
        let Some(scheme) = token_scheme(headers) else {
            return rejection;
        };
        let mut challenge = Challenge::new(scheme)
            .with("error", ERROR)
            .with("error_description", unmet.text());
        if let Some(values) = &acr_values {
            challenge = challenge.with("acr_values", values);
        }
        rejection.with_challenge(&challenge.with("max_age", &max_age.to_string()))
    }
}

/// The scheme by which the request brought a token (RFC 6750, RFC 9449).
fn token_scheme(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let scheme = value.split(' ').next()?;
    let known = ["Bearer", "DPoP"].into_iter();
    known
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(scheme))
}

impl Check for RequireRecent {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        self.principal(&RequestHead::of(request)).map(drop)
    }
}

crate::guard::impl_layer!(RequireRecent);
