use crate::authn::credential::Place;
use crate::guard::cookie;
use crate::principal::Principal;
use http::{HeaderMap, HeaderValue};
use std::fmt;

/// A session that was made or renewed, with the cookies that carry it to the browser.
///
/// With feature `axum` it is a part of a response: `(session, "welcome")`. An answer with it is
/// kept by no cache. Not sent, it is a session nobody can use, until it times out.
#[must_use = "the browser needs the cookie: send it with the response"]
pub struct NewSession {
    pub(super) place: Place,
    pub(super) principal: Principal,
    pub(super) replaced: Vec<Principal>,
    pub(super) cookies: Vec<HeaderValue>,
}

impl NewSession {
    /// The public id of the session.
    #[must_use]
    pub fn id(&self) -> String {
        self.place.id.text()
    }

    /// The principal, whose credential is the session: what a request with the cookie will
    /// have.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The principals of the sessions that the browser had before this login, and that ended
    /// by it: end as well what was given out beside those, such as refresh tokens.
    #[must_use]
    pub fn replaced(&self) -> &[Principal] {
        &self.replaced
    }

    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> impl ExactSizeIterator<Item = &HeaderValue> {
        self.cookies.iter()
    }

    /// Sets the headers of an answer.
    pub fn apply(self, headers: &mut HeaderMap) {
        cookie::apply(self.cookies, headers);
    }
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// The end of a session: takes the cookies away from the browser.
///
/// With feature `axum` it is a part of a response: `(ended, "goodbye")`. On the server the
/// session is gone already, whatever the browser does.
#[derive(Debug)]
#[must_use = "the browser should forget the cookie: send it with the response"]
pub struct EndedSession {
    pub(super) cookies: Vec<HeaderValue>,
    pub(super) ended: Vec<Principal>,
}

impl EndedSession {
    /// Whether there was a session to end.
    #[must_use]
    pub const fn was_there(&self) -> bool {
        !self.ended.is_empty()
    }

    /// The principals of the sessions that ended: end as well what was given out beside them,
    /// such as refresh tokens.
    #[must_use]
    pub fn ended(&self) -> &[Principal] {
        &self.ended
    }

    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> impl ExactSizeIterator<Item = &HeaderValue> {
        self.cookies.iter()
    }

    /// Sets the headers of an answer.
    pub fn apply(self, headers: &mut HeaderMap) {
        cookie::apply(self.cookies, headers);
    }
}

/// Both are parts of a response alike.
#[cfg(feature = "axum")]
macro_rules! response_parts {
    ($($name:ident),+) => {$(
        impl axum_core::response::IntoResponseParts for $name {
            type Error = std::convert::Infallible;

            fn into_response_parts(
                self,
                mut parts: axum_core::response::ResponseParts,
            ) -> Result<axum_core::response::ResponseParts, Self::Error> {
                self.apply(parts.headers_mut());
                Ok(parts)
            }
        }

        impl axum_core::response::IntoResponse for $name {
            fn into_response(self) -> axum_core::response::Response {
                (self, ()).into_response()
            }
        }
    )+};
}
#[cfg(feature = "axum")]
response_parts!(NewSession, EndedSession);
