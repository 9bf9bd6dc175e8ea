//! The `Bearer` scheme (RFC 6750): where its token is, and how it is refused.

use super::{JwtError, JwtErrorKind};
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use http::header;

/// The scheme, and the `realm` of its challenges (RFC 9110 section 11.5).
#[derive(Clone, Debug, Default)]
pub(in crate::authn) struct BearerScheme {
    pub(in crate::authn) realm: Option<Box<str>>,
}

impl BearerScheme {
    pub(in crate::authn) fn challenge(&self) -> Challenge {
        let challenge = Challenge::new("Bearer");
        match &self.realm {
            Some(realm) => challenge.with("realm", realm),
            None => challenge,
        }
    }

    /// The token that a request brings; nothing where it brings none of this scheme.
    pub(in crate::authn) fn find<'a>(
        &self,
        request: &RequestHead<'a>,
    ) -> Option<Result<&'a str, Rejection>> {
        let headers = request.headers().get_all(header::AUTHORIZATION);
        let bearer = |value: &'a header::HeaderValue| after_scheme(value.as_bytes(), "Bearer");
        let value = headers.iter().find_map(bearer)?;
        let reason = if headers.iter().nth(1).is_some() {
            "there is more than one authorization header"
        } else if has_token_in_query(request.uri().query().unwrap_or_default()) {
            "there is a token in the header and one in the query"
        } else {
            match str::from_utf8(value.trim_ascii_start()) {
                Ok(token) => return Some(Ok(token)),
                Err(_) => "the bearer token is not text",
            }
        };
        Some(Err(self.invalid_request(reason)))
    }

    pub(in crate::authn) fn invalid_token(&self, error: JwtError) -> Rejection {
        let description = match error.kind() {
            JwtErrorKind::Expired => Some("the access token expired"),
            _ => None,
        };
        self.challenged(error.into(), description)
    }

    /// RFC 6750 section 3.1: what is wrong with the token, as far as its bearer may know.
    pub(in crate::authn) fn challenged(
        &self,
        rejection: Rejection,
        description: Option<&str>,
    ) -> Rejection {
        let is_answered = rejection.headers().contains_key(header::WWW_AUTHENTICATE);
        if rejection.kind() != RejectionKind::Unauthenticated || is_answered {
            return rejection;
        }
        let challenge = self.challenge().with("error", "invalid_token");
        rejection.with_challenge(&match description {
            Some(description) => challenge.with("error_description", description),
            None => challenge,
        })
    }

    pub(in crate::authn) fn not_a_token(&self) -> Rejection {
        self.invalid_request("the bearer token has characters that no token has")
    }

    fn invalid_request(&self, reason: &'static str) -> Rejection {
        Rejection::new(RejectionKind::Malformed)
            .with_code("invalid_request")
            .with_challenge(&self.challenge().with("error", "invalid_request"))
            .with_reason(reason)
            .with_event(Some(EventKind::AuthnTokenFail))
    }
}

/// What follows the scheme, if that is this one.
pub(in crate::authn) fn after_scheme<'v>(value: &'v [u8], scheme: &str) -> Option<&'v [u8]> {
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
