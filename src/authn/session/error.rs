use super::timeouts::Lapse;
use crate::event::EventKind;
use crate::guard::{Rejection, RejectionKind};
use crate::store::StoreError;
use http::{HeaderValue, header};
use std::fmt;
use std::time::Duration;

/// Why something with a session could not be done. In a handler, `?` makes it the right
/// [`Rejection`].
#[derive(Debug)]
pub struct SessionError {
    why: Why,
    subject: Option<Box<str>>,
    /// Takes the credential away from the browser.
    clear: Option<HeaderValue>,
}

#[derive(Debug)]
pub(super) enum Why {
    /// The store failed: nobody is let in on a guess.
    Store(StoreError),
    /// Others came between every time.
    Contended,
    /// The cookie is not one of ours.
    Malformed,
    /// There is more than one cookie of the name.
    Several,
    /// The session is not there, and nobody ended it: its time was up, or it never was.
    Unknown,
    Lapsed(Lapse),
    /// The session was ended, and its cookie was used all the same.
    EndedBefore,
    /// The session has another secret by now.
    Superseded,
    /// The session was ended or got another secret a moment ago: the request may have been
    /// under way, and the browser may have the next cookie already.
    JustReplaced,
    /// What the store holds is not as it was written here: by another version, say.
    Unreadable,
    /// A remembered browser came with the cookie that was replaced a moment ago.
    JustUsed,
    /// A remembered browser came with a cookie used long before: one of two has stolen it.
    Stolen,
    /// Everything of the user was ended while the login was under way.
    Overtaken,
    /// The user has as many sessions as allowed.
    LimitReached,
    TooLarge(usize),
    TooDeep,
    /// A session is renewed or resumed for its own user.
    OtherUser,
}

impl SessionError {
    pub(super) const fn new(why: Why) -> Self {
        Self {
            why,
            subject: None,
            clear: None,
        }
    }

    pub(super) fn about(mut self, user: &str) -> Self {
        self.subject = Some(user.into());
        self
    }

    /// Has the browser forget its cookie, where the cookie is at fault. Not one that was
    /// replaced a moment ago: this answer may arrive last, and take the next one away.
    pub(super) fn clearing(mut self, clear: impl FnOnce() -> HeaderValue) -> Self {
        if self.is_refused() && !self.is_stale() {
            self.clear = Some(clear());
        }
        self
    }

    const fn is_stale(&self) -> bool {
        matches!(self.why, Why::JustReplaced)
    }

    pub(super) const fn why(&self) -> &Why {
        &self.why
    }

    /// Whether the cookie is no good: there is no session behind it any more.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(
            self.why,
            Why::Malformed
                | Why::Several
                | Why::Unknown
                | Why::Lapsed(_)
                | Why::EndedBefore
                | Why::Superseded
                | Why::JustReplaced
                | Why::Unreadable
                | Why::Stolen
        )
    }

    /// Whether the cookie of a remembered browser came a second time, after its grace: it was
    /// stolen, and all that the user had open was ended.
    #[must_use]
    pub const fn is_theft(&self) -> bool {
        matches!(self.why, Why::Stolen)
    }

    /// Whether the user has as many sessions as allowed.
    #[must_use]
    pub const fn is_limit_reached(&self) -> bool {
        matches!(self.why, Why::LimitReached)
    }

    /// Whether it may work when tried again.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.why, Why::Store(_) | Why::Contended)
    }

    fn kind(&self) -> RejectionKind {
        match &self.why {
            Why::Store(error) => error.kind().into(),
            Why::Contended => RejectionKind::Unavailable,
            Why::Several => RejectionKind::Malformed,
            Why::LimitReached => RejectionKind::Conflict,
            Why::TooLarge(_) | Why::TooDeep | Why::OtherUser => RejectionKind::Internal,
            _ => RejectionKind::Unauthenticated,
        }
    }

    /// What the client may know: that it has to log in, and no more.
    fn code(&self) -> &'static str {
        match self.why {
            Why::Several => "duplicate_cookie",
            Why::LimitReached => "too_many_sessions",
            Why::JustUsed => "remember_me_used",
            Why::TooLarge(_) => "session_too_large",
            _ => match self.kind() {
                RejectionKind::Unauthenticated => "session_ended",
                kind => kind.code(),
            },
        }
    }

    const fn event(&self) -> Option<EventKind> {
        match self.why {
            Why::Unknown | Why::Lapsed(_) => Some(EventKind::SessionExpired),
            Why::EndedBefore | Why::Superseded | Why::JustReplaced => {
                Some(EventKind::SessionUseAfterExpire)
            }
            Why::Malformed | Why::Several | Why::Overtaken => Some(EventKind::AuthnTokenFail),
            // Told where it was found.
            Why::Stolen | Why::JustUsed | Why::LimitReached => None,
            Why::Store(_) | Why::Contended | Why::Unreadable => Some(EventKind::SysControlDegraded),
            Why::TooLarge(_) | Why::TooDeep | Why::OtherUser => Some(EventKind::SysControlDegraded),
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.why {
            Why::Store(error) => return write!(f, "the store of sessions failed: {error}"),
            Why::TooLarge(length) => {
                return write!(
                    f,
                    "the values of a session take {length} bytes, the limit is {}: keep them elsewhere and their id here",
                    super::Session::MAX_VALUES_LEN
                );
            }
            Why::TooDeep => "the attributes or values of a session nest too deeply to be read again",
            Why::Contended => "others changed the session every time this tried to",
            Why::Malformed => "the cookie is none that was made here",
            Why::Several => "there is more than one cookie of the name",
            Why::Unknown => "the session timed out, or never was",
            Why::Lapsed(Lapse::Idle) => "the session was not used for too long",
            Why::Lapsed(Lapse::Absolute) => "the session is too old",
            Why::EndedBefore => "the session was ended before",
            Why::Superseded => "the session has another secret by now, or its cookie is forged",
            Why::JustReplaced => "the session was ended or renewed a moment ago",
            Why::Unreadable => "what the store holds of it is not as it was written",
            Why::JustUsed => "another request was remembered by this cookie a moment ago",
            Why::Stolen => {
                "the cookie of a remembered browser was used before: everything of the user was ended"
            }
            Why::Overtaken => "everything of the user was ended while the login was under way",
            Why::LimitReached => "the user has as many sessions as allowed",
            Why::OtherUser => "a session goes on for its own user only: log in instead",
        })
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::new(Why::Store(error))
    }
}

/// 401 where the cookie is no good, and the answer clears it unless the browser may have the
/// next one already; 503 where the store failed; the client learns no more.
impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        let mut rejection = Self::new(error.kind())
            .with_code(error.code())
            .with_reason(error.to_string())
            .with_event(error.event());
        if let Some(subject) = &error.subject {
            rejection = rejection.with_subject(subject);
        }
        if error.is_stale() {
            rejection = rejection.with_stale_credential();
        }
        match error.clear {
            Some(clear) => rejection.with_header(header::SET_COOKIE, clear),
            None => rejection,
        }
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for SessionError {
    fn into_response(self) -> axum_core::response::Response {
        Rejection::from(self).into_response()
    }
}

/// What is wrong with the configuration of sessions or remembered browsers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A session that is over at once lets nobody in.
    #[error("the idle timeout is zero: 15 to 30 minutes are usual")]
    IdleTimeoutZero,
    /// Nothing would ever time out idle.
    #[error(
        "the absolute timeout of {absolute:?} is shorter than the idle timeout of {idle:?}: make it longer"
    )]
    AbsoluteTimeoutTooShort {
        /// The absolute timeout.
        absolute: Duration,
        /// The idle timeout.
        idle: Duration,
    },
    /// Longer than any cookie lives.
    #[error("{0:?} is too long: browsers keep no cookie for more than 400 days")]
    LifetimeTooLong(Duration),
    /// A session in use would time out, because nobody wrote down that it was used.
    #[error(
        "activity is written every {interval:?}, which is more than half of the idle timeout of {idle:?}: write more often"
    )]
    ActivityIntervalTooLong {
        /// How often activity is written.
        interval: Duration,
        /// The idle timeout.
        idle: Duration,
    },
    /// Nobody could log in.
    #[error("the limit allows no session at all: allow at least one")]
    LimitZero,
    /// It would break the `Set-Cookie` header.
    #[error(
        "{0:?} cannot name a cookie: use 1 to 64 letters, digits, - and _; the prefix __Host- is added"
    )]
    CookieName(String),
    /// Nobody would be remembered.
    #[error("the lifetime of a remembered browser is zero: 30 days are usual")]
    LifetimeZero,
    /// A stolen cookie would go unnoticed for so long.
    #[error("a grace of {0:?} lets theft go unnoticed for so long: use a minute at most")]
    GraceTooLong(Duration),
}
