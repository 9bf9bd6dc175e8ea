use super::{Ban, BanError, BanSubject, Bans};
use crate::event::Emitter;
use crate::guard::collect::{self, DEADLINE};
use crate::guard::render::Problem;
use crate::guard::{FieldError, Rejection, RejectionKind, Render, RequestHead};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// The administrator's hand on bans, as a service over HTTP.
///
/// | request | does | answers |
/// |---|---|---|
/// | `GET` | lists the bans | 200, an array of [`Ban`]s |
/// | `POST {"subject": "principal:ann", "seconds": 3600, "reason": "ticket 17"}` | bans | 201, the [`Ban`] |
/// | `DELETE ?subject=principal%3Aann` | lifts | 204, or 404 where there was none |
///
/// Whom no layer of this process looks up is not banned, for nobody would notice
/// ([`Bans::are_enforced_for`]): 422. To ban principals, mount a
/// [`BanLayer`](super::BanLayer::by_principal) behind authentication.
///
/// An order is `application/json`, else 415. One that has not arrived after 15 seconds is 408.
///
/// Events say which [`Principal`](crate::principal::Principal) did it.
///
/// **It asks nobody who they are.** Mount it behind your authentication, a permission that
/// administrators alone have, and the defense against cross-site requests:
///
/// ```
/// use portcullis::limit::ban::{BanAdmin, Bans};
/// use portcullis::store::Store;
///
/// let bans = Bans::new(Store::memory());
/// let admin = axum::Router::<()>::new()
///     .route_service("/admin/bans", BanAdmin::new(bans));
///     // .layer(rbac.require("bans:write")?).layer(AuthenticateLayer::new(...))
/// ```
#[derive(Clone, Debug)]
pub struct BanAdmin(Bans);

/// Far more than a ban takes.
const MAX_BYTES: usize = 4096;

impl BanAdmin {
    /// Serves these bans.
    #[must_use]
    pub const fn new(bans: Bans) -> Self {
        Self(bans)
    }
}

impl<B> Service<Request<B>> for BanAdmin
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let mut bans = self.0.telling(Emitter::of(&parts.extensions));
        if let Some(principal) = parts.extensions.get() {
            bans = bans.on_behalf_of(principal);
        }
        Box::pin(async move {
            let answer = match parts.method {
                Method::GET => list(&bans).await,
                Method::POST => ban(&bans, &parts.headers, body).await,
                Method::DELETE => lift(&bans, parts.uri.query().unwrap_or_default()).await,
                _ => Err(not_allowed()),
            };
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

async fn list(bans: &Bans) -> Answer {
    let list = bans.list().await.map_err(BanError::from);
    Ok(answer(
        StatusCode::OK,
        json(&list.map_err(|error| refusal(&error))?),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    subject: String,
    seconds: u64,
    reason: String,
}

async fn ban<B: http_body::Body>(bans: &Bans, headers: &HeaderMap, body: B) -> Answer {
    if !is_json(headers) {
        return Err(Rejection::new(RejectionKind::UnsupportedMediaType));
    }
    let body = collect::whole(body, MAX_BYTES, DEADLINE).await?;
    let order: Order = serde_json::from_slice(&body)
        .map_err(|_| Rejection::new(RejectionKind::Malformed).with_code("malformed_ban"))?;
    if order.seconds == 0 {
        let error = FieldError::new("/seconds", "too_short", "must be 1 at least");
        return Err(Rejection::invalid([error]));
    }
    let subject = subject(&order.subject)?;
    if !bans.are_enforced_for(&subject) {
        return Err(wrong_subject(
            &"no layer of this service looks up subjects of this kind",
        ));
    }
    let duration = Duration::from_secs(order.seconds);
    let ban: Ban = bans
        .ban(&subject, duration, &order.reason)
        .await
        .map_err(|error| refusal(&error))?;
    Ok(answer(StatusCode::CREATED, json(&ban)))
}

/// Asked so that no form of another site can send an order, should the defense against those be
/// missing (RFC 9110 section 8.3).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|b| *b == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/json")
    })
}

async fn lift(bans: &Bans, query: &str) -> Answer {
    let mut named = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("subject="));
    let text = match (named.next(), named.next()) {
        (Some(one), None) => decoded(one),
        _ => None,
    };
    let subject = subject(&text.unwrap_or_default())?;
    match bans.lift(&subject).await {
        Ok(true) => Ok(answer(StatusCode::NO_CONTENT, Bytes::new())),
        Ok(false) => Err(Rejection::new(RejectionKind::NotFound).with_code("not_banned")),
        Err(error) => Err(refusal(&error)),
    }
}

fn subject(text: &str) -> Result<BanSubject, Rejection> {
    text.parse().map_err(|error| wrong_subject(&error))
}

fn wrong_subject(error: &impl ToString) -> Rejection {
    Rejection::invalid([FieldError::new(
        "/subject",
        "cannot_be_banned",
        error.to_string(),
    )])
}

fn refusal(error: &BanError) -> Rejection {
    match error {
        BanError::Exempt(_) | BanError::TooWide(_) => wrong_subject(error),
        BanError::Store(error) => error.into(),
    }
}

fn not_allowed() -> Rejection {
    let allowed = HeaderValue::from_static("GET, POST, DELETE");
    Rejection::new(RejectionKind::MethodNotAllowed).with_header(header::ALLOW, allowed)
}

/// Undoes percent-encoding (RFC 3986 section 2.1). A plus is itself.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            plain => plain,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

fn json(value: &impl serde::Serialize) -> Bytes {
    // Strings and numbers: there is nothing in it that could fail to serialize.
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn answer(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let has_body = !body.is_empty();
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if has_body {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding() {
        for (text, expected) in [
            ("", Some("")),
            ("network%3a192.0.2.1%2F32", Some("network:192.0.2.1/32")),
            ("a+b", Some("a+b")),
            ("%C3%A9", Some("é")),
            ("%", None),
            ("%4", None),
            ("%+1", None),
            ("%FF", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text:?}");
        }
    }
}
