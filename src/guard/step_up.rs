//! The refusal that asks for a stronger or more recent authentication (RFC 9470).

use super::{Challenge, Rejection, RejectionKind};
use http::{HeaderMap, header};
use std::time::Duration;

/// What is asked of the next authentication.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepUpDemand<'a> {
    /// What is missing, for people.
    pub(crate) text: &'static str,
    pub(crate) max_age: Option<Duration>,
    /// Classes, apart by spaces.
    pub(crate) acr_values: Option<&'a str>,
}

impl StepUpDemand<'_> {
    /// The refusal: with a challenge where the request brought a token, and with the same in
    /// the problem document, for pages that ask the user themselves.
    pub(crate) fn rejection(&self, token_scheme: Option<&'static str>) -> Rejection {
        const ERROR: &str = RejectionKind::StepUpRequired.code();
        let max_age = self.max_age.map(|age| age.as_secs());
        let mut rejection = Rejection::new(RejectionKind::StepUpRequired).with_reason(self.text);
        if let Some(seconds) = max_age {
            rejection = rejection.with_member("max_age", seconds);
        }
        if let Some(values) = self.acr_values {
            rejection = rejection.with_member("acr_values", values);
        }
        // A cookie has no scheme that a challenge could be of.
        let Some(scheme) = token_scheme else {
            return rejection;
        };
        let mut challenge = Challenge::new(scheme)
            .with("error", ERROR)
            .with("error_description", self.text);
        if let Some(values) = self.acr_values {
            challenge = challenge.with("acr_values", values);
        }
        if let Some(seconds) = max_age {
            challenge = challenge.with("max_age", &seconds.to_string());
        }
        rejection.with_challenge(&challenge)
    }
}

/// The scheme by which the request brought a token (RFC 6750, RFC 9449).
pub(crate) fn token_scheme(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let scheme = value.split(' ').next()?;
    let mut known = ["Bearer", "DPoP"].into_iter();
    known.find(|known| known.eq_ignore_ascii_case(scheme))
}
