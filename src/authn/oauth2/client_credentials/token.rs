use crate::authn::oauth2::{EndpointError, TokenResponse, TokenType};
use http::HeaderValue;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a token is used of which the provider does not say how long it is good.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// The longest that any is used.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// So long before its end, at most, nobody uses it any more: it has to arrive, and clocks differ.
const MAX_MARGIN: Duration = Duration::from_secs(30);

/// An access token, as the header that it is sent in. Cheap to clone.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    header: HeaderValue,
    lifetime: Duration,
}

impl AccessToken {
    /// The token of an answer. One that is bound to a key could not be used without it.
    pub(super) fn of(response: &TokenResponse) -> Result<Self, EndpointError> {
        let wrong = |name| move || EndpointError::member(name);
        if response.token_type() != TokenType::Bearer {
            return Err(wrong("token_type")());
        }
        let text = zeroize::Zeroizing::new(format!("Bearer {}", response.access_token().expose()));
        let header = HeaderValue::from_str(&text).ok();
        let mut header = header.ok_or_else(wrong("access_token"))?;
        header.set_sensitive(true);
        let lifetime = response.expires_in().unwrap_or(DEFAULT_LIFETIME);
        Ok(Self(Arc::new(Inner {
            header,
            lifetime: lifetime.min(MAX_LIFETIME),
        })))
    }

    /// The value of the `Authorization` header, marked as sensitive.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    /// Whether both are of one fetch.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// From when on it is renewed, after it was asked for.
    pub(super) fn renewed_after(&self) -> Duration {
        self.0.lifetime / 5 * 4
    }

    /// From when on nobody uses it, after it was asked for.
    pub(super) fn used_for(&self) -> Duration {
        self.0.lifetime - (self.0.lifetime / 10).min(MAX_MARGIN)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("lifetime", &self.0.lifetime)
            .finish_non_exhaustive()
    }
}

/// How long to wait after so many failures in a row.
pub(super) fn back_off(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(members: &str) -> Result<AccessToken, EndpointError> {
        let json = format!(r#"{{"access_token":"canary","token_type":{members}}}"#);
        AccessToken::of(&TokenResponse::parse(&json).unwrap())
    }

    #[test]
    fn how_long_a_token_is_used() {
        for (name, members, renewed, used) in [
            ("five minutes", r#""Bearer","expires_in":300"#, 240, 270),
            ("an hour", r#""Bearer","expires_in":3600"#, 2880, 3570),
            ("not said", r#""Bearer""#, 240, 270),
            ("ten seconds", r#""Bearer","expires_in":10"#, 8, 9),
            ("none at all", r#""Bearer","expires_in":0"#, 0, 0),
            (
                "for ever",
                r#""Bearer","expires_in":99999999"#,
                69_120,
                86_370,
            ),
        ] {
            let token = token(members).unwrap();
            assert_eq!(token.renewed_after().as_secs(), renewed, "{name}");
            assert_eq!(token.used_for().as_secs(), used, "{name}");
        }
    }

    #[test]
    fn a_token_is_a_secret_and_one_to_bear() {
        let bearer = token(r#""bearer""#).unwrap();
        assert_eq!(bearer.header(), "Bearer canary");
        assert!(bearer.header().is_sensitive());
        assert!(!format!("{bearer:?}").contains("canary"));
        assert!(token(r#""DPoP""#).is_err());
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<_> = (1..9)
            .map(|failures| back_off(failures).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(back_off(u32::MAX).as_secs(), 60);
    }
}
