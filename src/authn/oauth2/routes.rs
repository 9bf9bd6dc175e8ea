//! The pages of a login over HTTP: for axum, hyper, and whatever else takes a tower service.

use super::relying_party::see_other;
use super::{FinishedLogin, KeptLogin, LoginError, LoginRequest, Logins, RelyingParty, ReturnPath};
use crate::guard::collect::{self, DEADLINE};
use crate::guard::render::Problem;
use crate::guard::{Rejection, RejectionKind, Render, RequestHead};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use url::form_urlencoded;

/// More than any logout token, in bytes.
const MAX_FORM_LEN: usize = 32 * 1024;
/// A year, in seconds: longer than any provider remembers who logged in.
const MAX_MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// What the application does at a login and at its end: accounts and sessions are its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what becomes of logins",
    note = "implement `portcullis::authn::oauth2::LoginHandler`"
)]
pub trait LoginHandler: Send + Sync + 'static {
    /// Somebody has logged in with a provider: finds or makes the account of this issuer and
    /// subject, begins a session that has a [name](Logins::name) for the login,
    /// [keeps](Logins::keep) the login by it, and gives the headers of the answer, the session's
    /// cookie among them.
    fn logged_in(
        &self,
        request: &Parts,
        login: &FinishedLogin,
    ) -> impl Future<Output = Result<HeaderMap, Rejection>> + Send;

    /// Somebody wants to log out: ends the session of this request, and gives the headers of
    /// the answer and the name of the login it came by.
    fn log_out(&self, request: &Parts)
    -> impl Future<Output = Result<LoggedOut, Rejection>> + Send;

    /// The provider has ended a login, by this request: ends the sessions that came by it.
    fn ended(
        &self,
        request: &Parts,
        login: &KeptLogin,
    ) -> impl Future<Output = Result<(), Rejection>> + Send;
}

/// What is left to do when a session here was ended.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoggedOut {
    headers: HeaderMap,
    login: Option<String>,
}

impl LoggedOut {
    /// Nothing is left to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets headers of the answer: what takes the session's cookie away.
    pub fn headers(mut self, set: impl FnOnce(&mut HeaderMap)) -> Self {
        set(&mut self.headers);
        self
    }

    /// The name of the login that the session came by, which then ends at the provider, too.
    pub fn login(mut self, name: impl Into<String>) -> Self {
        self.login = Some(name.into());
        self
    }
}

/// Logins over HTTP.
///
/// | request | does | answers |
/// |---|---|---|
/// | `GET /{provider}/login?return_to=/me` | begins a login; with `max_age=300`, by who proves it anew after so many seconds | 303 to the provider |
/// | `GET /{provider}/callback` | goes on with it | 303 to the return path |
/// | `POST /{provider}/logout` | ends the session, here and there | 303 to the provider, or to `/` |
/// | `POST /{provider}/backchannel` | takes a provider's order | 200 |
///
/// Mount it inside the defense against cross-site requests, so that no other site logs users
/// out, and outside of what asks who the user is:
///
/// ```no_run
/// # use portcullis::authn::oauth2::{LoginHandler, LoginRoutes, Logins, RelyingParty};
/// # fn routes(relying_party: RelyingParty, logins: Logins, handler: impl LoginHandler) {
/// let app = axum::Router::<()>::new()
///     .nest_service("/auth", LoginRoutes::new(relying_party, logins, handler));
/// # }
/// ```
///
/// Without axum, which takes the prefix away, say [`under`](Self::under).
pub struct LoginRoutes<H>(Arc<Inner<H>>);

struct Inner<H> {
    relying_party: RelyingParty,
    logins: Logins,
    handler: H,
    prefix: Box<str>,
}

// By hand: a derive would ask it of the handler.
impl<H> Clone for LoginRoutes<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for LoginRoutes<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRoutes")
            .field("relying_party", &self.0.relying_party)
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}

impl<H: LoginHandler> LoginRoutes<H> {
    /// The routes of these logins.
    #[must_use]
    pub fn new(relying_party: RelyingParty, logins: Logins, handler: H) -> Self {
        Self::with_prefix(relying_party, logins, handler, "")
    }

    /// The routes below a prefix, such as `/auth`, where nothing takes it away before.
    #[must_use]
    pub fn under(prefix: &str, relying_party: RelyingParty, logins: Logins, handler: H) -> Self {
        Self::with_prefix(relying_party, logins, handler, prefix)
    }

    fn with_prefix(relying_party: RelyingParty, logins: Logins, handler: H, prefix: &str) -> Self {
        Self(Arc::new(Inner {
            relying_party,
            logins,
            handler,
            prefix: prefix.trim_end_matches('/').into(),
        }))
    }
}

impl<B, H> Service<Request<B>> for LoginRoutes<H>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
    H: LoginHandler,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let routes = Arc::clone(&self.0);
        let (parts, body) = request.into_parts();
        Box::pin(async move {
            let answer = routes.answer(&parts, body).await;
            Ok(answer.unwrap_or_else(|rejection| {
                let head = RequestHead::of_parts(&parts);
                let mut response = Problem.render(&rejection, &head).map(Full::new);
                response.extensions_mut().insert(rejection);
                response
            }))
        })
    }
}

type Answer = Result<Response<Full<Bytes>>, Rejection>;

impl<H: LoginHandler> Inner<H> {
    async fn answer<B: http_body::Body>(&self, parts: &Parts, body: B) -> Answer {
        let not_found = || Rejection::new(RejectionKind::NotFound);
        let path = parts.uri.path().strip_prefix(&*self.prefix);
        let path = path.and_then(|path| path.strip_prefix('/'));
        let (provider, action) = path
            .and_then(|it| it.split_once('/'))
            .ok_or_else(not_found)?;
        // Before anything is done, whatever it is.
        self.relying_party.provider(provider)?;
        match action {
            "login" => {
                only(parts, &Method::GET)?;
                self.begin(provider, parts).await
            }
            "callback" => {
                only(parts, &Method::GET)?;
                self.finish(provider, parts).await
            }
            "logout" => {
                only(parts, &Method::POST)?;
                self.log_out(provider, parts).await
            }
            "backchannel" => {
                only(parts, &Method::POST)?;
                self.obey(provider, parts, body).await
            }
            _ => Err(not_found()),
        }
    }

    async fn begin(&self, provider: &str, parts: &Parts) -> Answer {
        let request = login_request(parts.uri.query().unwrap_or_default())?;
        let begun = self.relying_party.begin(provider, &request).await?;
        Ok(begun.response())
    }

    async fn finish(&self, provider: &str, parts: &Parts) -> Answer {
        let head = RequestHead::of_parts(parts);
        let login = self.relying_party.finish(provider, &head).await?;
        let headers = self.handler.logged_in(parts, &login).await;
        let headers = headers.map_err(|rejection| login.clearing(rejection))?;
        Ok(login.response(headers))
    }

    async fn log_out(&self, provider: &str, parts: &Parts) -> Answer {
        let out = self.handler.log_out(parts).await?;
        // Here it is over. That the provider cannot be told is no reason to say otherwise.
        let elsewhere = self.end_there(provider, out.login.as_deref()).await;
        let location = elsewhere.ok().flatten().unwrap_or_else(|| "/".to_owned());
        let mut response = see_other(&location);
        response.headers_mut().extend(out.headers);
        Ok(response)
    }

    /// Where the browser goes to log out at the provider that the session came by.
    async fn end_there(
        &self,
        provider: &str,
        login: Option<&str>,
    ) -> Result<Option<String>, LoginError> {
        let kept = match login {
            Some(name) => self.logins.end(name).await?,
            None => None,
        };
        let Some(kept) = kept.filter(|kept| kept.provider() == provider) else {
            return Ok(None);
        };
        let id_token = kept.id_token();
        self.relying_party
            .logout_url(provider, id_token.as_ref(), None)
            .await
    }

    async fn obey<B: http_body::Body>(&self, provider: &str, parts: &Parts, body: B) -> Answer {
        if !is_form(&parts.headers) {
            return Err(Rejection::new(RejectionKind::UnsupportedMediaType));
        }
        let form = collect::whole(body, MAX_FORM_LEN, DEADLINE).await?;
        let order = self.relying_party.logout_order(provider, &form).await?;
        for login in self.logins.named_by(&order).await? {
            self.handler.ended(parts, &login).await?;
            self.logins.end(&login.name()).await?;
        }
        self.relying_party.obeyed(&order).await?;
        // Section 2.8: no cache may keep it.
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::OK;
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        Ok(response)
    }
}

fn only(parts: &Parts, method: &'static Method) -> Result<(), Rejection> {
    if parts.method == *method {
        return Ok(());
    }
    let allowed = HeaderValue::from_static(method.as_str());
    let refused = Rejection::new(RejectionKind::MethodNotAllowed);
    Err(refused.with_header(header::ALLOW, allowed))
}

/// What a query asks for: `return_to`, the front page where there is none, and `max_age`, which
/// makes a login stronger and none weaker.
fn login_request(query: &str) -> Result<LoginRequest, Rejection> {
    let (mut path, mut age) = (None, None);
    let twice = || Rejection::new(RejectionKind::Malformed).with_code("parameter_twice");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match &*name {
            "return_to" => &mut path,
            "max_age" => &mut age,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(twice());
        }
    }
    let mut request = LoginRequest::new();
    if let Some(path) = path {
        request = request.return_to(ReturnPath::parse(&path)?);
    }
    if let Some(age) = age {
        let seconds = age.parse::<u64>().ok().filter(|it| *it <= MAX_MAX_AGE);
        let wrong = || Rejection::new(RejectionKind::Malformed).with_code("max_age");
        request = request.max_age(Duration::from_secs(seconds.ok_or_else(wrong)?));
    }
    Ok(request)
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next();
    let form = b"application/x-www-form-urlencoded";
    essence.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(form))
}
