//! The schemes of access tokens, `Bearer` (RFC 6750) and `DPoP` (RFC 9449): where the token is, and
//! how it is refused.

use super::{JwtError, JwtErrorKind};
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use http::header;

/// A scheme, and the parameters that all its challenges have.
#[derive(Clone, Debug)]
pub(in crate::authn) struct TokenScheme {
    name: &'static str,
    /// RFC 9110 section 11.5.
    pub(in crate::authn) realm: Option<Box<str>>,
    /// The algorithms of proofs (RFC 9449 section 7.1).
    algorithms: Option<Box<str>>,
}

impl TokenScheme {
    pub(in crate::authn) const fn bearer() -> Self {
        Self {
            name: "Bearer",
            realm: None,
            algorithms: None,
        }
    }

    /// The scheme of tokens that are bound to a key, in the same realm.
    #[cfg(feature = "dpop")]
    pub(in crate::authn) fn with_proofs(&self, algorithms: impl Into<Box<str>>) -> Self {
        Self {
            name: "DPoP",
            realm: self.realm.clone(),
            algorithms: Some(algorithms.into()),
        }
    }

    pub(in crate::authn) fn challenge(&self) -> Challenge {
        let parameters = [("realm", &self.realm), ("algs", &self.algorithms)];
        let given = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        given.fold(Challenge::new(self.name), |challenge, (name, value)| {
            challenge.with(name, value)
        })
    }

    /// The token that a request brings; nothing where it brings none of this scheme.
    pub(in crate::authn) fn find<'a>(
        &self,
        request: &RequestHead<'a>,
    ) -> Option<Result<&'a str, Rejection>> {
        let headers = request.headers().get_all(header::AUTHORIZATION);
        let value = headers
            .iter()
            .find_map(|value| after_scheme(value.as_bytes(), self.name))?;
        let reason = if headers.iter().nth(1).is_some() {
            "there is more than one authorization header"
        } else if has_token_in_query(request.uri().query().unwrap_or_default()) {
            "there is a token in the header and one in the query"
        } else {
            match str::from_utf8(value.trim_ascii_start()) {
                Ok(token) => return Some(Ok(token)),
                Err(_) => "the token is not text",
            }
        };
        Some(Err(self.invalid_request(reason)))
    }

    pub(in crate::authn) fn invalid_token(&self, error: JwtError) -> Rejection {
        let challenge = self.challenge().with("error", "invalid_token");
        let challenge = match error.kind() {
            JwtErrorKind::Expired => {
                challenge.with("error_description", "the access token expired")
            }
            _ => challenge,
        };
        answered(error.into(), &challenge)
    }

    /// RFC 6750 section 3.1: what is wrong, as far as its bearer may know.
    pub(in crate::authn) fn challenged(&self, rejection: Rejection, error: &str) -> Rejection {
        answered(rejection, &self.challenge().with("error", error))
    }

    pub(in crate::authn) fn not_a_token(&self) -> Rejection {
        self.invalid_request("the token has characters that no token has")
    }

    fn invalid_request(&self, reason: &'static str) -> Rejection {
        let rejection = Rejection::new(RejectionKind::Malformed)
            .with_code("invalid_request")
            .with_reason(reason)
            .with_event(Some(EventKind::AuthnTokenFail));
        rejection.with_challenge(&self.challenge().with("error", "invalid_request"))
    }
}

/// A refusal with this challenge, where it wants one and has none.
fn answered(rejection: Rejection, challenge: &Challenge) -> Rejection {
    let is_answered = rejection.headers().contains_key(header::WWW_AUTHENTICATE);
    if rejection.kind() != RejectionKind::Unauthenticated || is_answered {
        return rejection;
    }
    rejection.with_challenge(challenge)
}

/// What follows the scheme, if that is this one.
fn after_scheme<'v>(value: &'v [u8], scheme: &str) -> Option<&'v [u8]> {
    let (found, rest) = value.split_at_checked(scheme.len())?;
    let ends = rest.first().is_none_or(|&byte| byte == b' ');
    (ends && found.eq_ignore_ascii_case(scheme.as_bytes())).then_some(rest)
}

/// RFC 6750 section 2.1, `b64token`.
pub(in crate::authn) fn is_token68(token: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(is_usual)
}

fn has_token_in_query(query: &str) -> bool {
    query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("access_token"))
}
