use super::{EventKind, Level, RequestId, clean};
use crate::clock::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Something that happened.
///
/// Text that came from a client is cut to 256 bytes and stripped of control and formatting
/// characters when it is put in, so that no event can forge a log line.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityEvent {
    kind: EventKind,
    level: Level,
    pub(super) time: Timestamp,
    code: Option<Cow<'static, str>>,
    pub(super) subject: Option<Arc<str>>,
    pub(super) client_ip: Option<IpAddr>,
    pub(super) request_id: Option<RequestId>,
    pub(super) trace_id: Option<Arc<str>>,
    pub(super) method: Option<http::Method>,
    pub(super) path: Option<Arc<str>>,
    status: Option<u16>,
    reason: Option<Cow<'static, str>>,
    details: Vec<(&'static str, String)>,
}

impl SecurityEvent {
    /// An event of this kind, at the level that the kind usually has.
    #[must_use]
    pub const fn new(kind: EventKind) -> Self {
        Self {
            kind,
            level: kind.level(),
            time: Timestamp::from_unix_seconds(0),
            code: None,
            subject: None,
            client_ip: None,
            request_id: None,
            trace_id: None,
            method: None,
            path: None,
            status: None,
            reason: None,
            details: Vec::new(),
        }
    }

    /// Sets another level than the usual one.
    #[must_use]
    pub const fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets when it happened. An [`Emitter`](super::Emitter) does this.
    #[must_use]
    pub const fn with_time(mut self, time: Timestamp) -> Self {
        self.time = time;
        self
    }

    /// Sets the stable code of the rejection or finding.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Names who it is about: a subject's id, never a password or a token.
    #[must_use]
    pub fn with_subject(mut self, subject: &str) -> Self {
        self.subject = Some(clean(subject).into());
        self
    }

    /// Sets the client's address.
    #[must_use]
    pub const fn with_client_ip(mut self, address: IpAddr) -> Self {
        self.client_ip = Some(address);
        self
    }

    /// Says why, for the operator's eyes alone.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        self.reason = Some(match clean(&reason) {
            Cow::Borrowed(text) if text.len() == reason.len() => reason,
            cleaned => Cow::Owned(cleaned.into_owned()),
        });
        self
    }

    /// Sets the HTTP status of the answer.
    #[must_use]
    pub const fn with_status(mut self, status: http::StatusCode) -> Self {
        self.status = Some(status.as_u16());
        self
    }

    /// Adds a named detail.
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: &str) -> Self {
        self.details.push((name, clean(value).into_owned()));
        self
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// How grave it is.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The stable code of the rejection or finding.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Who it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The client's address.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }

    /// The request it happened in.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// The trace it happened in (W3C Trace Context).
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The request's method.
    #[must_use]
    pub const fn method(&self) -> Option<&http::Method> {
        self.method.as_ref()
    }

    /// The request's path, without its query, which may hold secrets.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Why, for the operator's eyes alone.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The named details.
    pub fn details(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        self.details.iter().map(|(name, value)| (*name, &**value))
    }
}

/// One flat JSON object with the field names of the OWASP Logging Vocabulary.
impl Serialize for SecurityEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("datetime", &self.time)?;
        map.serialize_entry("level", &self.level)?;
        match &self.subject {
            None => map.serialize_entry("event", self.kind.as_str())?,
            Some(_) => map.serialize_entry("event", &self.to_string())?,
        }
        optional(&mut map, "code", self.code.as_deref())?;
        optional(&mut map, "subject", self.subject.as_deref())?;
        optional(&mut map, "source_ip", self.client_ip)?;
        optional(&mut map, "request_id", self.request_id.as_ref())?;
        optional(&mut map, "trace_id", self.trace_id.as_deref())?;
        optional(
            &mut map,
            "request_method",
            self.method.as_ref().map(http::Method::as_str),
        )?;
        optional(&mut map, "request_path", self.path.as_deref())?;
        optional(&mut map, "status", self.status)?;
        optional(&mut map, "description", self.reason.as_deref())?;
        if !self.details.is_empty() {
            map.serialize_entry("details", &Details(&self.details))?;
        }
        map.end()
    }
}

fn optional<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: Option<T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
}

struct Details<'a>(&'a [(&'static str, String)]);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// `authn_login_fail:user-17`, as the vocabulary writes an event with its subject.
impl fmt::Display for SecurityEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if let Some(subject) = &self.subject {
            write!(f, ":{subject}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::text::MAX_TEXT;

    #[test]
    fn client_text_cannot_forge_a_line() {
        let event = SecurityEvent::new(EventKind::AuthnLoginFail)
            .with_subject("ann\r\n2026 admin logged in\u{202E}\u{061C}\u{E0041}")
            .with_detail("agent", &"x".repeat(1000));
        let subject = event.subject().unwrap();
        let harmful = ['\r', '\n', '\u{202E}', '\u{061C}', '\u{E0041}'];
        assert!(!subject.contains(harmful), "{subject}");
        assert_eq!(event.details().next().unwrap().1.len(), MAX_TEXT);
    }

    #[test]
    fn json_names_the_event_with_its_subject() {
        let event = SecurityEvent::new(EventKind::AuthzFail).with_subject("u1");
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["event"], "authz_fail:u1");
        assert_eq!(json["level"], "CRITICAL");
        assert!(json.get("source_ip").is_none());
    }
}
