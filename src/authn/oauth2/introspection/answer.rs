use crate::authn::jwt::{Claims, JwtError, JwtErrorKind};
use crate::authn::oauth2::token_endpoint::json_of;
use crate::authn::oauth2::{EndpointError, EndpointErrorKind, TokenType};
use crate::clock::Timestamp;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// By how much the provider's clock may be ahead of ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// What a provider says of a token (RFC 7662 section 2.2).
///
/// ```
/// use portcullis::authn::oauth2::introspection::Answer;
///
/// let answer = Answer::parse(r#"{"active": true, "sub": "user-17", "scope": "notes:read"}"#)?;
/// assert_eq!(answer.claims().unwrap().subject(), Some("user-17"));
///
/// let answer = Answer::parse(r#"{"active": false}"#)?;
/// assert!(answer.claims().is_none());
///
/// assert!(Answer::parse(r#"{"active": "true"}"#).is_err());
/// # Ok::<(), portcullis::authn::oauth2::EndpointError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Answer(Option<Claims>);

impl Answer {
    /// Reads an answer: its status, its type and its body.
    ///
    /// # Errors
    /// When the provider refused, or the answer is none to go by.
    pub fn from_response(response: &Response<Bytes>) -> Result<Self, EndpointError> {
        Self::parse(json_of(response, StatusCode::OK)?)
    }

    /// Reads a body: strict JSON, in which `active` is true or false, and the registered claims
    /// of a token have their types (RFC 7519 section 4.1).
    ///
    /// # Errors
    /// When it is not.
    pub fn parse(json: &str) -> Result<Self, EndpointError> {
        let claims = Claims::parse(json.as_bytes().to_vec()).map_err(|error| {
            if error.kind() == JwtErrorKind::MalformedClaims {
                EndpointErrorKind::NotJson.into()
            } else {
                EndpointError::member("a claim")
            }
        })?;
        match claims.get("active") {
            Some(Value::Bool(true)) => Ok(Self(Some(claims))),
            Some(Value::Bool(false)) => Ok(Self(None)),
            _ => Err(EndpointError::member("active")),
        }
    }

    /// The claims of a token that is active.
    #[must_use]
    pub const fn claims(&self) -> Option<&Claims> {
        self.0.as_ref()
    }

    pub(super) fn into_claims(self) -> Option<Claims> {
        self.0
    }
}

/// What a token has to be, beside active.
#[derive(Clone, Debug)]
pub(super) struct AnswerRules {
    pub(super) issuer: Box<str>,
    /// `None` for any.
    pub(super) audience: Option<Box<str>>,
    pub(super) takes_any_type: bool,
}

impl AnswerRules {
    /// The decision on a token that is active.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
        if claims
            .issuer()
            .is_some_and(|issuer| *issuer != *self.issuer)
        {
            return Err(JwtErrorKind::WrongIssuer.into());
        }
        if let Some(ours) = &self.audience {
            if claims.audiences().len() == 0 {
                return Err(JwtError::missing("aud"));
            }
            if !claims.audiences().any(|theirs| *theirs == **ours) {
                return Err(JwtErrorKind::WrongAudience.into());
            }
        }
        self.check_type(claims)?;
        check_times(claims, now)
    }

    /// A refresh token is active too, and whoever sees one must not get in by it. What is an
    /// access token has a type (RFC 7662 section 2.2), and what says that it is bound, is.
    fn check_type(&self, claims: &Claims) -> Result<(), JwtError> {
        let is_key_bound = || claims.get("cnf").is_some_and(|it| it.get("jkt").is_some());
        let is_right = match claims.text("token_type").map(|it| TokenType::named(&it)) {
            Some(Some(TokenType::Bearer)) => true,
            Some(Some(TokenType::Dpop)) => is_key_bound(),
            Some(None) | None => self.takes_any_type,
        };
        let says_other = claims
            .text("token_use")
            .is_some_and(|it| it != "access_token");
        if is_right && !says_other {
            Ok(())
        } else {
            Err(JwtErrorKind::WrongType.into())
        }
    }
}

/// As the provider's word is fresh, no leeway lengthens a token's life.
pub(super) fn check_times(claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
    if claims.expires_at().is_some_and(|end| now >= end) {
        return Err(JwtErrorKind::Expired.into());
    }
    let latest = now.saturating_add(LEEWAY);
    if claims.not_before().is_some_and(|start| start > latest) {
        return Err(JwtErrorKind::NotYetValid.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use JwtErrorKind::{Expired, MissingClaim, NotYetValid, WrongAudience, WrongIssuer, WrongType};

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn the_example_of_rfc_7662() {
        let answer = Answer::parse(
            r#"{
              "active": true,
              "client_id": "l238j323ds-23ij4",
              "username": "jdoe",
              "scope": "read write dolphin",
              "sub": "Z5O3upPC88QrAjx00dis",
              "aud": "https://protected.example.net/resource",
              "iss": "https://server.example.com/",
              "exp": 1419356238,
              "iat": 1419350238,
              "extension_field": "twenty-seven"
            }"#,
        );
        let claims = answer.unwrap().into_claims().unwrap();
        assert_eq!(claims.subject(), Some("Z5O3upPC88QrAjx00dis"));
        assert_eq!(claims.words("scope"), ["read", "write", "dolphin"]);
    }

    #[test]
    fn what_is_no_answer() {
        for (name, json) in [
            ("nothing", ""),
            ("a list", "[true]"),
            ("not said", "{}"),
            ("text", r#"{"active":"true"}"#),
            ("a number", r#"{"active":1}"#),
            ("null", r#"{"active":null}"#),
            ("twice", r#"{"active":false,"active":true}"#),
            ("twice, escaped", r#"{"active":false,"\u0061ctive":true}"#),
            ("another case", r#"{"Active":true}"#),
            ("an end that is text", r#"{"active":true,"exp":"1"}"#),
            (
                "a list of issuers",
                r#"{"active":true,"iss":["https://a"]}"#,
            ),
            ("a number for a subject", r#"{"active":true,"sub":17}"#),
        ] {
            assert!(Answer::parse(json).is_err(), "{name}");
        }
    }

    #[test]
    fn what_gets_in() {
        let rules = AnswerRules {
            issuer: "https://id".into(),
            audience: Some("api".into()),
            takes_any_type: false,
        };
        let lax = AnswerRules {
            takes_any_type: true,
            audience: None,
            ..rules.clone()
        };
        let bearer = r#","token_type":"Bearer""#;
        for (name, rules, members, expected) in [
            ("good", &rules, format!(r#","aud":"api"{bearer}"#), None),
            (
                "one of several",
                &rules,
                format!(r#","aud":["x","api"]{bearer}"#),
                None,
            ),
            (
                "of the issuer",
                &rules,
                format!(r#","iss":"https://id","aud":"api"{bearer}"#),
                None,
            ),
            (
                "of another",
                &rules,
                format!(r#","iss":"https://id/","aud":"api"{bearer}"#),
                Some(WrongIssuer),
            ),
            ("for nobody", &rules, bearer.to_owned(), Some(MissingClaim)),
            (
                "for another",
                &rules,
                format!(r#","aud":"api2"{bearer}"#),
                Some(WrongAudience),
            ),
            (
                "of no type",
                &rules,
                r#","aud":"api""#.to_owned(),
                Some(WrongType),
            ),
            (
                "an ID",
                &rules,
                r#","aud":"api","token_type":"N_A""#.to_owned(),
                Some(WrongType),
            ),
            (
                "a refresh token",
                &rules,
                format!(r#","aud":"api","token_use":"refresh_token"{bearer}"#),
                Some(WrongType),
            ),
            (
                "an access token",
                &rules,
                format!(r#","aud":"api","token_use":"access_token"{bearer}"#),
                None,
            ),
            (
                "bound",
                &rules,
                r#","aud":"api","token_type":"dpop","cnf":{"jkt":"x"}"#.to_owned(),
                None,
            ),
            (
                "said to be bound",
                &rules,
                r#","aud":"api","token_type":"DPoP""#.to_owned(),
                Some(WrongType),
            ),
            ("any", &lax, String::new(), None),
            (
                "any, but a refresh token",
                &lax,
                r#","token_use":"refresh_token""#.to_owned(),
                Some(WrongType),
            ),
            (
                "any, said to be bound",
                &lax,
                r#","token_type":"DPoP""#.to_owned(),
                Some(WrongType),
            ),
            (
                "at its end",
                &lax,
                format!(r#","exp":{NOW}"#),
                Some(Expired),
            ),
            (
                "a second before",
                &lax,
                format!(r#","exp":{}"#, NOW + 1),
                None,
            ),
            (
                "clocks differ",
                &lax,
                format!(r#","nbf":{}"#, NOW + 60),
                None,
            ),
            (
                "not yet",
                &lax,
                format!(r#","nbf":{}"#, NOW + 61),
                Some(NotYetValid),
            ),
        ] {
            let json = format!(r#"{{"active":true{members}}}"#);
            let claims = Answer::parse(&json).unwrap().into_claims().unwrap();
            let checked = rules.check(&claims, Timestamp::from_unix_seconds(NOW));
            assert_eq!(checked.map_err(|it| it.kind()).err(), expected, "{name}");
        }
    }
}
