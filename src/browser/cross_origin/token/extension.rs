use super::seal::Secret;
use super::{CsrfTokens, TokenRefusal};
use crate::guard::cookie::{Found, find};
use crate::principal::Principal;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The name of the cookie.
pub(super) const COOKIE: &str = "__Host-csrf";

/// The token of one request, for its handler to put into the page.
///
/// [`CsrfTokenLayer`](super::CsrfTokenLayer) puts it into the request's extensions; with
/// feature `axum` it is an extractor. Showing it is what makes the layer set the cookie.
/// Cheap to clone.
#[derive(Clone)]
pub struct CsrfToken(Arc<Scope>);

struct Scope {
    tokens: CsrfTokens,
    principal: Option<Principal>,
    cookie: Option<Box<str>>,
    /// A form may carry the token: whoever reads the body has to look.
    awaits_form: bool,
    shown: OnceLock<Shown>,
}

struct Shown {
    secret: Secret,
    set_cookie: Option<HeaderValue>,
}

impl CsrfToken {
    /// The request header that carries a token.
    pub const HEADER: &str = "x-csrf-token";
    /// The form field that carries a token.
    pub const FIELD: &str = "csrf_token";

    pub(super) fn new(
        tokens: CsrfTokens,
        principal: Option<Principal>,
        headers: &HeaderMap,
        awaits_form: bool,
    ) -> Self {
        Self(Arc::new(Scope {
            tokens,
            principal,
            cookie: only_cookie(headers),
            awaits_form,
            shown: OnceLock::new(),
        }))
    }

    /// The token, differently masked each time: for a header that a script sets, or a form.
    #[must_use]
    pub fn masked(&self) -> String {
        self.0.tokens.mask(&self.shown().secret)
    }

    /// The token as a hidden field of an HTML form.
    #[must_use]
    pub fn hidden_field(&self) -> String {
        let (name, token) = (Self::FIELD, self.masked());
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{token}\">")
    }

    pub(super) fn check(&self, token: &str) -> Result<(), TokenRefusal> {
        let cookie = self
            .0
            .cookie
            .as_deref()
            .ok_or(TokenRefusal::CookieMissing)?;
        self.0
            .tokens
            .check(token, cookie, self.0.principal.as_ref())
    }

    pub(super) fn awaits_form(&self) -> bool {
        self.0.awaits_form
    }

    /// Whether a token was shown, and the cookie that has to go with it.
    pub(super) fn was_shown(&self) -> (bool, Option<HeaderValue>) {
        let shown = self.0.shown.get();
        (
            shown.is_some(),
            shown.and_then(|shown| shown.set_cookie.clone()),
        )
    }

    fn shown(&self) -> &Shown {
        self.0.shown.get_or_init(|| self.0.show())
    }
}

impl Scope {
    fn show(&self) -> Shown {
        let principal = self.principal.as_ref();
        let cookie = self.cookie.as_deref();
        let opened = cookie.and_then(|cookie| self.tokens.open(cookie, principal).ok());
        let (secret, is_good) = match opened {
            Some(opened) => (opened.secret, !opened.is_aging),
            None => (self.tokens.fresh_secret(), false),
        };
        if is_good {
            return Shown {
                secret,
                set_cookie: None,
            };
        }
        let value = self.tokens.seal(&secret, principal);
        let seconds = self.tokens.lifetime_seconds();
        // Lax, not Strict: a visit by a link from another site must find its cookie, or it
        // would get a new one and spoil the pages in other tabs.
        let text =
            format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
        Shown {
            secret,
            set_cookie: HeaderValue::try_from(text).ok(),
        }
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken([redacted])")
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for CsrfToken {
    type Rejection = crate::guard::Rejection;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        use crate::guard::{Rejection, RejectionKind};
        parts.extensions.get().cloned().ok_or_else(|| {
            Rejection::new(RejectionKind::Internal)
                .with_code("no_csrf_token")
                .with_reason("no CsrfTokenLayer stands before this handler")
        })
    }
}

/// The value of our cookie, where there is exactly one: another was put there by somebody
/// else, and which is ours cannot be known.
fn only_cookie(headers: &HeaderMap) -> Option<Box<str>> {
    match find(headers, COOKIE) {
        Found::One(value) => str::from_utf8(value).ok().map(Into::into),
        Found::Nothing | Found::Several => None,
    }
}
