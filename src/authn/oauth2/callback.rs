//! The decision on a callback: RFC 6749 section 4.1.2, RFC 9207.

use super::{LoginError, LoginErrorKind};
use crate::secret::SecretString;
use std::borrow::Cow;
use std::fmt;
use url::form_urlencoded;

/// Far more than any provider sends, in bytes of the query.
const MAX_QUERY_LEN: usize = 16 * 1024;
const MAX_CODE_LEN: usize = 8 * 1024;
/// How much of an error code of the provider is told.
const MAX_ERROR_LEN: usize = 64;

/// What a provider sends back by the browser.
///
/// ```
/// use portcullis::authn::oauth2::Callback;
///
/// assert!(Callback::parse("code=c0de&state=st4te&iss=https%3A%2F%2Fid.example.com").is_ok());
/// // Which of two would be the right one, nobody knows:
/// assert!(Callback::parse("code=c0de&state=st4te&code=another").is_err());
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Callback {
    code: Option<SecretString>,
    state: Option<SecretString>,
    issuer: Option<Box<str>>,
    error: Option<Box<str>>,
}

/// What a callback has to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected<'a> {
    /// `None` where nobody knows what it calls itself there: a provider of plain OAuth 2.0.
    pub(super) issuer: Option<&'a str>,
    /// Whether the provider names itself in each callback.
    pub(super) names_issuer: bool,
}

impl Callback {
    /// Reads the query of a callback. Parameters that are not known are ignored; none of the
    /// known may come twice (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// When one does, when there is no `state`, or when it is too long.
    pub fn parse(query: &str) -> Result<Self, LoginError> {
        if query.len() > MAX_QUERY_LEN {
            return Err(malformed("the query is too long"));
        }
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, is_first) = match &*name {
                "code" => ("code", put(&mut callback.code, secret(value))),
                "state" => ("state", put(&mut callback.state, secret(value))),
                "iss" => ("iss", put(&mut callback.issuer, value.into())),
                "error" => ("error", put(&mut callback.error, value.into())),
                _ => continue,
            };
            if !is_first {
                return Err(malformed(format!("{name} comes twice")));
            }
        }
        if callback.state.is_none() {
            return Err(malformed("there is no state"));
        }
        Ok(callback)
    }

    /// What it says that it answers.
    pub(super) fn state(&self) -> &str {
        self.state.as_ref().map_or("", SecretString::expose)
    }

    /// The decision: the code of a callback that answers a login under way. Who sends it is
    /// asked first, for an error of another provider says nothing about this one.
    pub(super) fn judge(&self, expected: Expected<'_>) -> Result<&SecretString, LoginError> {
        match (self.issuer.as_deref(), expected.issuer) {
            (Some(issuer), Some(expected)) if issuer != expected => {
                return Err(LoginErrorKind::MixUp.into());
            }
            (None, _) if expected.names_issuer => {
                return Err(LoginError::with(LoginErrorKind::MixUp, "there is no iss"));
            }
            _ => {}
        }
        match (&self.error, &self.code) {
            (Some(error), None) => Err(LoginError::with(kind_of(error), told(error))),
            (None, Some(code)) if (1..=MAX_CODE_LEN).contains(&code.expose().len()) => Ok(code),
            (Some(_), Some(_)) => Err(malformed("there are a code and an error")),
            (None, Some(_)) => Err(malformed("the code is empty or too long")),
            (None, None) => Err(malformed("there is no code")),
        }
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("has_code", &self.code.is_some())
            .field("issuer", &self.issuer)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Tells whether there was none before.
fn put<T>(place: &mut Option<T>, value: T) -> bool {
    place.replace(value).is_none()
}

fn secret(value: Cow<'_, str>) -> SecretString {
    value.into_owned().into()
}

fn malformed(detail: impl Into<Cow<'static, str>>) -> LoginError {
    LoginError::with(LoginErrorKind::MalformedCallback, detail)
}

/// Whether the provider says no, or that it cannot say (RFC 6749 section 4.1.2.1).
fn kind_of(error: &str) -> LoginErrorKind {
    match error {
        "server_error" | "temporarily_unavailable" => LoginErrorKind::Unreachable,
        _ => LoginErrorKind::Denied,
    }
}

/// An error code as RFC 6749 spells them, so that it may go into a log.
fn told(error: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=MAX_ERROR_LEN).contains(&error.len()) && error.chars().all(usual) {
        error.to_owned()
    } else {
        "an error whose code is none".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::LoginErrorKind::{Denied, MalformedCallback, MixUp, Unreachable};
    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn decide(query: &str, names_issuer: bool) -> Result<String, LoginErrorKind> {
        let expected = Expected {
            issuer: Some(ISSUER),
            names_issuer,
        };
        let callback = Callback::parse(query).map_err(|error| error.kind())?;
        let code = callback.judge(expected).map_err(|error| error.kind())?;
        Ok(code.expose().to_owned())
    }

    #[test]
    fn callbacks() {
        let iss = "iss=https%3A%2F%2Fid.example.com";
        let ok = || Ok("c".to_owned());
        for (name, query, names_issuer, expected) in [
            ("with iss", format!("code=c&state=s&{iss}"), true, ok()),
            (
                "iss by choice",
                format!("code=c&state=s&{iss}"),
                false,
                ok(),
            ),
            ("without iss", "code=c&state=s".into(), false, ok()),
            ("iss missing", "code=c&state=s".into(), true, Err(MixUp)),
            (
                "another's",
                "code=c&state=s&iss=https%3A%2F%2Fevil.example".into(),
                false,
                Err(MixUp),
            ),
            (
                "iss with a slash",
                format!("code=c&state=s&{iss}%2F"),
                true,
                Err(MixUp),
            ),
            (
                "iss in capitals",
                "code=c&state=s&iss=https%3A%2F%2FID.example.com".into(),
                true,
                Err(MixUp),
            ),
            ("empty iss", "code=c&state=s&iss=".into(), false, Err(MixUp)),
            (
                "iss twice",
                format!("code=c&state=s&{iss}&{iss}"),
                true,
                Err(MalformedCallback),
            ),
            (
                "code twice",
                "code=c&code=c&state=s".into(),
                false,
                Err(MalformedCallback),
            ),
            (
                "state twice",
                "code=c&state=s&state=t".into(),
                false,
                Err(MalformedCallback),
            ),
            (
                "code twice, spelled",
                "code=c&%63ode=d&state=s".into(),
                false,
                Err(MalformedCallback),
            ),
            ("no state", "code=c".into(), false, Err(MalformedCallback)),
            ("no code", "state=s".into(), false, Err(MalformedCallback)),
            (
                "empty code",
                "code=&state=s".into(),
                false,
                Err(MalformedCallback),
            ),
            (
                "denied",
                "error=access_denied&state=s".into(),
                false,
                Err(Denied),
            ),
            (
                "down",
                "error=temporarily_unavailable&state=s".into(),
                false,
                Err(Unreachable),
            ),
            (
                "denied by another",
                "error=access_denied&state=s&iss=https%3A%2F%2Fevil.example".into(),
                false,
                Err(MixUp),
            ),
            (
                "code and error",
                "code=c&error=x&state=s".into(),
                false,
                Err(MalformedCallback),
            ),
            (
                "more than known",
                "code=c&state=s&session_state=z&scope=openid".into(),
                false,
                ok(),
            ),
            ("nothing", String::new(), false, Err(MalformedCallback)),
            (
                "too long",
                format!("code={}&state=s", "c".repeat(20_000)),
                false,
                Err(MalformedCallback),
            ),
            (
                "long code",
                format!("code={}&state=s", "c".repeat(9_000)),
                false,
                Err(MalformedCallback),
            ),
        ] {
            assert_eq!(decide(&query, names_issuer), expected, "{name}");
        }
    }

    #[test]
    fn a_plain_provider_may_call_itself_anything() {
        let plain = Expected {
            issuer: None,
            names_issuer: false,
        };
        for query in [
            "code=c&state=s",
            "code=c&state=s&iss=https%3A%2F%2Fgit.example%2Flogin",
        ] {
            assert!(
                Callback::parse(query).unwrap().judge(plain).is_ok(),
                "{query}"
            );
        }
    }

    #[test]
    fn what_the_provider_says_is_told_in_its_own_words_only_if_they_are_harmless() {
        for (error, expected) in [
            ("access_denied", "access_denied"),
            ("temporarily_unavailable", "temporarily_unavailable"),
            ("line%0Abreak", "an error whose code is none"),
            ("%3Cscript%3E", "an error whose code is none"),
            ("", "an error whose code is none"),
        ] {
            let callback = Callback::parse(&format!("error={error}&state=s")).unwrap();
            let expect = Expected {
                issuer: Some(ISSUER),
                names_issuer: false,
            };
            let refused = callback.judge(expect).unwrap_err();
            assert_eq!(refused.detail(), Some(expected), "{error}");
        }
    }
}
