use super::{Challenge, RejectionKind};
use crate::event::{EventKind, SecurityEvent};
use crate::store::StoreError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A refusal: what the client is told, and, apart from it, what the operator may know.
///
/// The client learns the status, a stable code and what it can do; never the rule, the key or
/// the secret that was compared. The reason given by [`Rejection::with_reason`] goes to events
/// alone. A rejection lies in the extensions of the response, where outer layers find it.
#[derive(Clone)]
pub struct Rejection(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: RejectionKind,
    code: Cow<'static, str>,
    problem_type: Option<Cow<'static, str>>,
    members: Map<String, Value>,
    headers: HeaderMap,
    errors: Vec<FieldError>,
    reason: Option<Cow<'static, str>>,
    event: Option<EventKind>,
    subject: Option<Box<str>>,
    is_stale: bool,
}

/// One wrong field of a request's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901), such as `/email`.
    pub pointer: Cow<'static, str>,
    /// What: a stable code.
    pub code: Cow<'static, str>,
    /// How to mend it, for people.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// A wrong field. The message must not repeat the value, which may be a secret.
    #[must_use]
    pub fn new(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

impl Rejection {
    /// A rejection of this kind.
    #[must_use]
    pub fn new(kind: RejectionKind) -> Self {
        Self(Box::new(Inner {
            kind,
            code: Cow::Borrowed(kind.code()),
            problem_type: None,
            members: Map::new(),
            headers: HeaderMap::new(),
            errors: Vec::new(),
            reason: None,
            event: kind.event(),
            subject: None,
            is_stale: false,
        }))
    }

    /// A 422 that names each wrong field.
    #[must_use]
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        let mut rejection = Self::new(RejectionKind::Invalid);
        rejection.0.errors = errors.into_iter().collect();
        rejection
    }

    /// Sets a more exact code for programs: short, stable, `snake_case`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Sets the problem type (RFC 9457 section 3.1.1), a URI.
    #[must_use]
    pub fn with_problem_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.problem_type = Some(uri.into());
        self
    }

    /// Adds a member that the problem type defines (RFC 9457 section 3.2). Those that every
    /// document has cannot be replaced.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        const OURS: [&str; 8] = [
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "code",
            "request_id",
            "errors",
        ];
        if !OURS.contains(&name) {
            self.0.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Says why, for the operator's eyes alone: it goes into the event, never to the client.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Adds a challenge (`WWW-Authenticate`, RFC 9110 section 11.6.1).
    #[must_use]
    pub fn with_challenge(self, challenge: &Challenge) -> Self {
        match challenge.to_header() {
            Some(value) => self.with_header(header::WWW_AUTHENTICATE, value),
            None => self,
        }
    }

    /// Tells the client when to come back. Rounded up to whole seconds, and at least one:
    /// a client that waits as long as it is told is never refused for coming early.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        let value = HeaderValue::from(seconds.max(1));
        self.0.headers.insert(header::RETRY_AFTER, value);
        self
    }

    /// Sets the event that the monitor records for this, or none.
    #[must_use]
    pub fn with_event(mut self, event: Option<EventKind>) -> Self {
        self.0.event = event;
        self
    }

    /// Names who this is about, for the event.
    #[must_use]
    pub fn with_subject(mut self, subject: &str) -> Self {
        self.0.subject = Some(subject.into());
        self
    }

    /// Says that the credential was replaced or ended a moment ago, so that the client may have
    /// the next one by now. It must not be taken away, and who needs none may pass without.
    #[must_use]
    pub fn with_stale_credential(mut self) -> Self {
        self.0.is_stale = true;
        self
    }

    /// Why, in broad terms.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.0.kind
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The problem type, where there is one.
    #[must_use]
    pub fn problem_type(&self) -> Option<&str> {
        self.0.problem_type.as_deref()
    }

    /// The members that the problem type defines.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// The headers of the answer: challenges, `Retry-After`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The wrong fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// Why, for the operator's eyes alone.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The event to record for this.
    #[must_use]
    pub fn event(&self) -> Option<EventKind> {
        self.0.event
    }

    /// Who this is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// Whether the credential was good a moment ago.
    #[must_use]
    pub fn has_stale_credential(&self) -> bool {
        self.0.is_stale
    }

    /// The event to record, with all that this says of it.
    pub(crate) fn to_event(&self) -> Option<SecurityEvent> {
        let mut event = SecurityEvent::new(self.event()?).with_code(self.0.code.clone());
        if let Some(reason) = &self.0.reason {
            event = event.with_reason(reason.clone());
        }
        if let Some(subject) = self.subject() {
            event = event.with_subject(subject);
        }
        Some(event)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request rejected: {}", self.0.code)
    }
}

impl std::error::Error for Rejection {}

/// Of the [kind](RejectionKind) that the failure is of: mostly 503.
impl From<&StoreError> for Rejection {
    fn from(error: &StoreError) -> Self {
        Self::new(error.kind().into()).with_reason(error.to_string())
    }
}

/// As of a reference.
impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Rejection {
    /// As [`Problem`](super::render::Problem) renders it. The handler does not have the request
    /// any more; [`RequestIdLayer`](crate::net::request_id::RequestIdLayer) adds the id.
    fn into_response(self) -> axum_core::response::Response {
        let mut response = super::render::problem(&self, None).map(axum_core::body::Body::from);
        response
            .extensions_mut()
            .insert(super::render::LacksRequestId);
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_rounds_up() {
        let cases = [
            (0, "1"),
            (1, "1"),
            (900, "1"),
            (1000, "1"),
            (1001, "2"),
            (60_000, "60"),
        ];
        for (milliseconds, expected) in cases {
            let wait = Duration::from_millis(milliseconds);
            let rejection = Rejection::new(RejectionKind::RateLimited).with_retry_after(wait);
            assert_eq!(
                rejection.headers()[header::RETRY_AFTER],
                expected,
                "{milliseconds} ms"
            );
        }
        let forever = Rejection::new(RejectionKind::Banned).with_retry_after(Duration::MAX);
        assert_eq!(forever.headers()[header::RETRY_AFTER], u64::MAX.to_string());
    }

    #[test]
    fn a_rejection_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<Rejection>(), size_of::<usize>());
    }
}
