use super::ConfigError;
use super::bearer::KEYS_RETRY_AFTER;
use crate::crypto::keys::{LiveKeys, VerifyingKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use ring::digest;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// RFC 7517 section 8.5.2.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

/// The longest time others may keep the set: a day.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Publishes the keys that verify our tokens, as a service for `/.well-known/jwks.json`
/// (RFC 7517 section 5): the public halves of asymmetric keys, as they are at that moment.
///
/// Others keep the answer for five minutes, unless told otherwise, and ask whether it is still
/// the same by its `ETag`. It answers GET and HEAD, and 405 to all else. While the keys
/// [cannot be believed](LiveKeys::are_usable), the answer is 503, which nobody keeps.
///
/// ```
/// use http::{Request, StatusCode};
/// use portcullis::authn::jwt::PublishedKeys;
/// use portcullis::crypto::keys::{Algorithm, RotatingKeys};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = RotatingKeys::in_memory(Algorithm::EdDsa).build().await?;
/// let service = PublishedKeys::new(keys.public())?;
///
/// let response = service.clone().oneshot(Request::get("/").body(())?).await?;
/// assert_eq!(response.status(), StatusCode::OK);
/// assert_eq!(response.headers()["cache-control"], "public, max-age=300");
///
/// let response = service.oneshot(Request::post("/").body(())?).await?;
/// assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
///
/// // A secret shared by two is no key to publish.
/// let secret = RotatingKeys::in_memory(Algorithm::Hs256).build().await?;
/// assert!(PublishedKeys::new(secret.public()).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    keys: LiveKeys,
    max_age: Duration,
}

impl PublishedKeys {
    /// Publishes these keys.
    ///
    /// # Errors
    /// When they are symmetric: there is nothing in them for others to know.
    pub fn new(keys: impl Into<LiveKeys>) -> Result<Self, ConfigError> {
        let keys = keys.into();
        if keys.current().keys().iter().any(VerifyingKey::is_symmetric) {
            return Err(ConfigError::NothingToPublish);
        }
        Ok(Self {
            keys,
            max_age: Duration::from_secs(300),
        })
    }

    /// Sets how long others may keep the answer: five minutes by default, a day at most. Not
    /// longer than a key is published [before it signs](crate::crypto::keys::rotating), and no
    /// longer than a leaked key may be believed elsewhere.
    ///
    /// # Errors
    /// When it is less than a second or more than a day.
    pub fn max_age(mut self, max_age: Duration) -> Result<Self, ConfigError> {
        if !(Duration::from_secs(1)..=MAX_AGE).contains(&max_age) {
            return Err(ConfigError::MaxAge(max_age.as_secs()));
        }
        self.max_age = max_age;
        Ok(self)
    }

    /// The set, as JSON, also while it cannot be believed.
    #[must_use]
    pub fn json(&self) -> String {
        self.keys.current().to_public_json()
    }

    /// The answer to a request of this method with these headers.
    #[must_use]
    pub fn respond(&self, method: &Method, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        if method != Method::GET && method != Method::HEAD {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allow = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allow);
            return response;
        }
        if !self.keys.are_usable() {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(header::RETRY_AFTER, KEYS_RETRY_AFTER.as_secs().into());
            return response;
        }
        let json = self.json();
        let tag = entity_tag(json.as_bytes());
        let is_known = headers.get_all(header::IF_NONE_MATCH).iter();
        let is_known = is_known.filter_map(|value| value.to_str().ok());
        if is_known.flat_map(|value| value.split(',')).any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        }) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, MEDIA_TYPE);
            let length = HeaderValue::from(json.len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
            if method == Method::GET {
                *response.body_mut() = Full::from(json);
            }
        }
        let age = format!("public, max-age={}", self.max_age.as_secs());
        for (name, value) in [(header::CACHE_CONTROL, age), (header::ETAG, tag)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn entity_tag(content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash))
}

impl<B> Service<Request<B>> for PublishedKeys {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.respond(request.method(), request.headers())))
    }
}
