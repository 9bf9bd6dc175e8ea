use super::super::decision::{is_vouched_for, overrides_method};
use super::{CsrfFormLayer, CsrfToken, CsrfTokens, TokenRefusal};
use crate::guard::{Body, Exit, Guard, Rejection, RejectionKind, RequestHead, Verdict, impl_layer};
use crate::principal::Principal;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};

const TOKEN_HEADER: HeaderName = HeaderName::from_static(CsrfToken::HEADER);

/// Refuses requests that may have effects and carry no token of the browser's cookie. See
/// the [module](super) for the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct CsrfTokenLayer {
    tokens: CsrfTokens,
    is_fallback: bool,
    reads_forms: bool,
}

impl_layer!(CsrfTokenLayer);

impl CsrfTokenLayer {
    /// Asks for a token in the header `x-csrf-token`, with every method but GET, HEAD and
    /// OPTIONS.
    pub const fn new(tokens: CsrfTokens) -> Self {
        Self {
            tokens,
            is_fallback: false,
            reads_forms: false,
        }
    }

    /// Asks for a token only where the browser does not vouch for the request by
    /// `Sec-Fetch-Site: same-origin` or `none`.
    pub const fn as_fallback(mut self) -> Self {
        self.is_fallback = true;
        self
    }

    /// Takes the token from the field `csrf_token` of `application/x-www-form-urlencoded`
    /// forms too, which may be `limit` bytes long. Multipart forms are sent by scripts that
    /// set the header.
    pub fn with_forms(mut self, limit: usize) -> CsrfFormLayer {
        self.reads_forms = true;
        CsrfFormLayer::new(self, limit)
    }

    fn check_header(&self, token: &CsrfToken, head: &RequestHead<'_>) -> Result<(), TokenRefusal> {
        if !self.wants_token(head) || token.awaits_form() {
            return Ok(());
        }
        match head.single_header(&TOKEN_HEADER) {
            Some(text) => token.check(text),
            None => Err(TokenRefusal::TokenMissing),
        }
    }

    fn wants_token(&self, head: &RequestHead<'_>) -> bool {
        let is_read = matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let may_have_effects = !is_read || overrides_method(head);
        may_have_effects && !(self.is_fallback && is_vouched_for(head))
    }

    fn awaits_form(&self, head: &RequestHead<'_>) -> bool {
        self.reads_forms
            && !head.headers().contains_key(&TOKEN_HEADER)
            && self.wants_token(head)
            && is_form(head)
    }
}

fn is_form(head: &RequestHead<'_>) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = head
        .single_header(&header::CONTENT_TYPE)
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

pub(super) fn rejection(refusal: TokenRefusal) -> Rejection {
    Rejection::new(RejectionKind::CrossOrigin).with_code(refusal.code())
}

impl Guard for CsrfTokenLayer {
    type Exit = CsrfTokenExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<CsrfTokenExit> {
        let head = RequestHead::of(request);
        let principal = head.extensions().get::<Principal>().cloned();
        let awaits_form = self.awaits_form(&head);
        let token = CsrfToken::new(self.tokens.clone(), principal, head.headers(), awaits_form);
        match self.check_header(&token, &head) {
            Ok(()) => {
                request.extensions_mut().insert(token.clone());
                Verdict::Admit(CsrfTokenExit(token))
            }
            Err(refusal) => Verdict::Reject(rejection(refusal)),
        }
    }
}

/// Sets the cookie where a token was shown that needs it.
#[derive(Debug)]
pub struct CsrfTokenExit(CsrfToken);

impl Exit for CsrfTokenExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        let (was_shown, set_cookie) = self.0.was_shown();
        let headers = response.headers_mut();
        if let Some(cookie) = set_cookie {
            headers.append(header::SET_COOKIE, cookie);
        }
        // A page with a token is for one browser.
        if was_shown && !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}
