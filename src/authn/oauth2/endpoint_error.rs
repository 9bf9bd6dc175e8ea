use crate::error_kinds::error_kinds;
use crate::net::client::{ClientError, ClientErrorKind};
use http::StatusCode;
use std::error::Error;
use std::fmt;
use thiserror::Error as ThisError;

/// The longest error code of a provider that is passed on.
const MAX_CODE_LEN: usize = 64;

error_kinds! {
    /// What sort of failure it was.
    EndpointErrorKind:

    /// The call itself failed: see the [source](std::error::Error::source).
    Call = "oauth2_call_failed", "the provider could not be called";
    /// The assertion that shows who we are could not be signed.
    Assertion = "oauth2_assertion_failed", "the client's assertion could not be signed";
    /// The provider said no, and mostly [why](EndpointError::provider_code).
    Refused = "oauth2_refused", "the provider refused the request";
    /// Another status than such an answer has.
    Status = "oauth2_unexpected_status", "the provider answered with a status that it should not";
    /// The answer is not `application/json`.
    ContentType = "oauth2_wrong_content_type", "the provider's answer is not of type application/json";
    /// The answer is larger than such an answer ever is.
    TooLarge = "oauth2_answer_too_large", "the provider's answer is too large";
    /// The answer is not one object of strict JSON.
    NotJson = "oauth2_answer_not_json", "the provider's answer is not strict JSON";
    /// A member of the answer is not there, or not what it should be.
    Member = "oauth2_answer_malformed", "a member of the provider's answer is missing or malformed";
}

/// Why a provider's endpoint gave nothing. It names the provider's origin and the code it gave;
/// nothing of what was sent or answered is in any message.
#[derive(Clone, Debug)]
pub struct EndpointError {
    kind: EndpointErrorKind,
    origin: Option<Box<str>>,
    status: Option<StatusCode>,
    provider_code: Option<Box<str>>,
    member: Option<&'static str>,
    source: Option<ClientError>,
}

impl EndpointError {
    /// A member that is not there, or not what it should be.
    pub(super) fn member(name: &'static str) -> Self {
        Self {
            member: Some(name),
            ..EndpointErrorKind::Member.into()
        }
    }

    /// An answer of this status, which may say why.
    pub(super) fn answered(kind: EndpointErrorKind, status: StatusCode) -> Self {
        Self {
            status: Some(status),
            ..kind.into()
        }
    }

    /// The provider's `error` (RFC 6749 section 5.2): of use only when it looks like one, for it
    /// goes into logs.
    pub(super) fn because(mut self, code: Option<&str>) -> Self {
        let is_one = |code: &&str| {
            let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            !code.is_empty() && code.len() <= MAX_CODE_LEN && code.bytes().all(is_usual)
        };
        self.provider_code = code.filter(is_one).map(Into::into);
        self
    }

    /// Where it came from.
    pub(super) fn at(mut self, origin: &str) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// What sort of failure it was.
    #[must_use]
    pub const fn kind(&self) -> EndpointErrorKind {
        self.kind
    }

    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The `error` that the provider gave (RFC 6749 section 5.2), such as `invalid_grant`: at
    /// most 64 letters, digits, `_`, `-` and `.`; nothing where it gave something else.
    #[must_use]
    pub fn provider_code(&self) -> Option<&str> {
        self.provider_code.as_deref()
    }

    /// The status of the answer, where that was the matter.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Whether the same request may well succeed in a while: the provider was slow, down or
    /// busy. Otherwise it refused, or something is set up wrong.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        if let Some(source) = &self.source {
            let never = [
                ClientErrorKind::InvalidUrl,
                ClientErrorKind::PlainHttp,
                ClientErrorKind::ForbiddenAddress,
                ClientErrorKind::TooLarge,
            ];
            return !never.contains(&source.kind());
        }
        self.status
            .is_some_and(|it| it.is_server_error() || it == StatusCode::TOO_MANY_REQUESTS)
    }
}

impl From<EndpointErrorKind> for EndpointError {
    fn from(kind: EndpointErrorKind) -> Self {
        Self {
            kind,
            origin: None,
            status: None,
            provider_code: None,
            member: None,
            source: None,
        }
    }
}

impl From<ClientError> for EndpointError {
    fn from(error: ClientError) -> Self {
        let kind = match error.kind() {
            ClientErrorKind::TooLarge => EndpointErrorKind::TooLarge,
            _ => EndpointErrorKind::Call,
        };
        Self {
            source: Some(error),
            ..kind.into()
        }
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())?;
        if let Some(code) = &self.provider_code {
            write!(f, ": {code}")?;
        }
        if let Some(member) = self.member {
            write!(f, ": {member}")?;
        }
        if let Some(status) = self.status {
            write!(f, " ({})", status.as_u16())?;
        }
        match (&self.source, &self.origin) {
            (Some(source), _) => write!(f, ": {source}"),
            (None, Some(origin)) => write!(f, ": {origin}"),
            (None, None) => Ok(()),
        }
    }
}

impl Error for EndpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.source.as_ref()?;
        Some(source)
    }
}

/// Why an endpoint cannot be called in this way.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum EndpointConfigError {
    /// The URL cannot be called.
    #[error(
        "{0:?} is not an https URL, or one of http on the loopback, without credentials and \
         fragment"
    )]
    Url(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_code_is_passed_on() {
        let long = "a".repeat(MAX_CODE_LEN + 1);
        for (name, given, expected) in [
            ("usual", Some("invalid_grant"), Some("invalid_grant")),
            (
                "with a point",
                Some("vendor.error-1"),
                Some("vendor.error-1"),
            ),
            ("none", None, None),
            ("empty", Some(""), None),
            ("a sentence", Some("no such user"), None),
            ("a line", Some("a\nlevel=info"), None),
            ("not ASCII", Some("ung\u{fc}ltig"), None),
            ("too long", Some(&*long), None),
        ] {
            let error = EndpointError::from(EndpointErrorKind::Refused).because(given);
            assert_eq!(error.provider_code(), expected, "{name}");
        }
    }

    #[test]
    fn the_message_says_who_and_what() {
        let error = EndpointError::answered(EndpointErrorKind::Refused, StatusCode::BAD_REQUEST);
        let error = error
            .because(Some("invalid_grant"))
            .at("https://id.example.com");
        assert_eq!(
            error.to_string(),
            "the provider refused the request: invalid_grant (400): https://id.example.com"
        );
        let error = EndpointError::member("token_type").at("https://id.example.com");
        assert_eq!(
            error.to_string(),
            "a member of the provider's answer is missing or malformed: token_type: \
             https://id.example.com"
        );
    }
}
