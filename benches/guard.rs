//! What a guard costs: one and six of them against a bare service and against hand-written
//! services that do the same checks; and the recommended stack on axum against bare axum.
//!
//! Bars: at most 10 ns a layer over hand-written; the recommended stack at most 2.5 us.

#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use common::Race;
use http::{HeaderName, Request, Response};
use http_body_util::Full;
use portcullis::guard::{Check, GuardLayer, Rejection, RejectionKind};
use portcullis::net::client_ip::PeerAddr;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceBuilder};

fn main() {
    one_guard();
    six_guards();
    recommended_stack();
}

/// Answers at once.
#[derive(Clone, Copy, Debug)]
struct Bare;

impl Service<Request<Full<Bytes>>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(request.into_body())))
    }
}

static HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("x-one"),
    HeaderName::from_static("x-two"),
    HeaderName::from_static("x-three"),
    HeaderName::from_static("x-four"),
    HeaderName::from_static("x-five"),
    HeaderName::from_static("x-six"),
];

/// Refuses requests that carry a header: the check that both contenders make.
#[derive(Clone, Copy, Debug)]
struct Without(usize);

impl Without {
    fn admits<B>(self, request: &Request<B>) -> bool {
        let header = HEADERS.get(self.0);
        !header.is_some_and(|header| request.headers().contains_key(header))
    }
}

impl Check for Without {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        if self.admits(request) {
            return Ok(());
        }
        Err(Rejection::new(RejectionKind::Forbidden))
    }
}

fn guard(number: usize) -> GuardLayer<Without> {
    GuardLayer::new(Without(number))
}

/// The same check as a service written by hand, in the way of `tower-http`: in front of any
/// service, with a body of its own for the response to a refused request.
mod by_hand {
    use super::{Bytes, Context, Full, Layer, Poll, Request, Response, Service, Without};
    use http_body::Frame;
    use pin_project_lite::pin_project;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::ready;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct ByHandLayer(pub(crate) usize);

    impl<S> Layer<S> for ByHandLayer {
        type Service = ByHand<S>;

        fn layer(&self, inner: S) -> ByHand<S> {
            let check = Arc::new(Without(self.0));
            ByHand { inner, check }
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct ByHand<S> {
        inner: S,
        check: Arc<Without>,
    }

    impl<S, B, R> Service<Request<B>> for ByHand<S>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        type Response = Response<ByHandBody<R>>;
        type Error = S::Error;
        type Future = ByHandFuture<S::Future>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
            self.inner.poll_ready(cx)
        }

        fn call(&mut self, request: Request<B>) -> Self::Future {
            if self.check.admits(&request) {
                let future = self.inner.call(request);
                return ByHandFuture::Admitted { future };
            }
            ByHandFuture::Rejected
        }
    }

    pin_project! {
        #[project = Projection]
        pub(crate) enum ByHandFuture<F> {
            Admitted { #[pin] future: F },
            Rejected,
        }
    }

    impl<F, R, E> Future for ByHandFuture<F>
    where
        F: Future<Output = Result<Response<R>, E>>,
    {
        type Output = Result<Response<ByHandBody<R>>, E>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            match self.project() {
                Projection::Admitted { future } => {
                    let response = ready!(future.poll(cx))?;
                    Poll::Ready(Ok(response.map(|body| ByHandBody::Service { body })))
                }
                Projection::Rejected => {
                    let body = Full::new(Bytes::from_static(b"no"));
                    let mut response = Response::new(ByHandBody::Rejection { body });
                    *response.status_mut() = http::StatusCode::FORBIDDEN;
                    Poll::Ready(Ok(response))
                }
            }
        }
    }

    pin_project! {
        #[project = BodyProjection]
        pub(crate) enum ByHandBody<B> {
            Service { #[pin] body: B },
            Rejection { #[pin] body: Full<Bytes> },
        }
    }

    impl<B: http_body::Body<Data = Bytes>> http_body::Body for ByHandBody<B> {
        type Data = Bytes;
        type Error = B::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
            match self.project() {
                BodyProjection::Service { body } => body.poll_frame(cx),
                BodyProjection::Rejection { body } => {
                    body.poll_frame(cx).map_err(|never| match never {})
                }
            }
        }
    }
}
use by_hand::ByHandLayer;

/// What a browser sends.
fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from_static(b"hello")));
    let headers = request.headers_mut();
    for (name, value) in [
        (http::header::HOST, "example.com"),
        (http::header::USER_AGENT, "Mozilla/5.0"),
        (http::header::ACCEPT, "text/html"),
        (http::header::ACCEPT_ENCODING, "gzip, br"),
    ] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    request
}

fn one_guard() {
    let times = Race::new("one guard")
        .service("bare", Bare, request)
        .service("by hand", ByHandLayer(0).layer(Bare), request)
        .service("guarded", guard(0).layer(Bare), request)
        .run();
    times.ratio("one_guard", "guarded", "by hand");
    times.added("one guard over by hand", "guarded", "by hand");
}

fn six_guards() {
    let by_hand = ServiceBuilder::new()
        .layer(ByHandLayer(0))
        .layer(ByHandLayer(1))
        .layer(ByHandLayer(2))
        .layer(ByHandLayer(3))
        .layer(ByHandLayer(4))
        .layer(ByHandLayer(5))
        .service(Bare);
    let guarded = ServiceBuilder::new()
        .layer(guard(0))
        .layer(guard(1))
        .layer(guard(2))
        .layer(guard(3))
        .layer(guard(4))
        .layer(guard(5))
        .service(Bare);
    let times = Race::new("six guards")
        .service("bare", Bare, request)
        .service("by hand", by_hand, request)
        .service("guarded", guarded, request)
        .run();
    times.ratio("six_guards", "guarded", "by hand");
    let added = times.added("six guards over by hand", "guarded", "by hand");
    println!(
        "added each of six guards over by hand {:.1} ns",
        added / 6.0
    );
}

/// The client's address, headers with a fresh nonce, cross-origin, rate limit, JWT and RBAC on
/// an axum route, against the bare route. The signature itself is measured apart, and taken
/// off: what is left is what the stack costs.
fn recommended_stack() {
    // With the state given, as a server gives it: otherwise axum builds the route, layers and
    // all, anew for each request.
    let bare = Router::new()
        .route("/", get(async || "hello"))
        .with_state(());
    let stack = stack::on(bare.clone());
    let token = stack::token();
    let verifier = stack::verifier();
    let browser = stack::request(&token);

    let times = Race::new("recommended stack")
        .service("bare axum", bare, || clone_of(&browser))
        .service("secured", stack, || clone_of(&browser))
        .operation("HS256 alone", || stack::signature_alone(&token))
        .operation("JWT alone", || verifier.verify(&token).is_ok())
        .run();
    let added = times.added("recommended stack", "secured", "bare axum");
    let signature = times.nanos("HS256 alone");
    println!(
        "added recommended stack without the HS256 itself {:.1} ns",
        added - signature
    );
}

fn clone_of(request: &Request<()>) -> Request<axum::body::Body> {
    let mut copy = Request::new(axum::body::Body::empty());
    *copy.headers_mut() = request.headers().clone();
    copy.extensions_mut()
        .insert(PeerAddr::from(std::net::SocketAddr::from((
            [192, 0, 2, 1],
            5000,
        ))));
    copy
}

mod stack {
    use super::Request;
    use axum::Router;
    use portcullis::authn::AuthenticateLayer;
    use portcullis::authn::jwt::{Issuer, JwtBearer, TokenBuilder, Verifier};
    use portcullis::authz::rbac::{Rbac, Role};
    use portcullis::browser::cross_origin::CrossOriginLayer;
    use portcullis::browser::headers::SecurityHeadersLayer;
    use portcullis::crypto::keys::{Algorithm, SigningKey};
    use portcullis::limit::{Quota, RateLimitLayer};
    use portcullis::net::client_ip::ClientIpLayer;
    use portcullis::secret::SecretBytes;
    use std::sync::LazyLock;
    use tower::ServiceBuilder;

    const NAME: &str = "https://api.example.com";
    const SECRET: [u8; 32] = [7; 32];

    static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
        let secret = SecretBytes::from(SECRET.as_slice());
        let key = SigningKey::from_secret(Algorithm::Hs256, &secret).expect("long enough");
        Issuer::new(key, NAME, NAME).expect("it is named")
    });

    pub(crate) fn token() -> String {
        let token = ISSUER.token("user-17").claim("roles", ["reader"]);
        token.and_then(TokenBuilder::sign).expect("a token")
    }

    pub(crate) fn verifier() -> Verifier {
        let secret = SecretBytes::from(SECRET.as_slice());
        let key = SigningKey::from_secret(Algorithm::Hs256, &secret).expect("long enough");
        let keys = portcullis::crypto::keys::KeySet::new([key.verifying_key()]).expect("a key");
        Verifier::builder(NAME, NAME, Algorithm::Hs256, keys)
            .build()
            .expect("sound")
    }

    /// The bare primitive over the same bytes.
    pub(crate) fn signature_alone(token: &str) -> ring::hmac::Tag {
        static KEY: LazyLock<ring::hmac::Key> =
            LazyLock::new(|| ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &SECRET));
        let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
        ring::hmac::sign(&KEY, signed.as_bytes())
    }

    pub(crate) fn request(token: &str) -> Request<()> {
        let bearer = format!("Bearer {token}");
        let request = Request::get("/")
            .header("host", "api.example.com")
            .header("user-agent", "Mozilla/5.0")
            .header("accept", "*/*")
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", "203.0.113.7")
            .header("authorization", bearer);
        request.body(()).expect("a request")
    }

    pub(crate) fn on(router: Router) -> Router {
        let rbac = Rbac::builder()
            .resource("hello", ["read"])
            .role(Role::new("reader").allow("hello:read"))
            .build()
            .expect("sound roles");
        let quota = Quota::per_second(100_000_000).expect("a quota");
        router.layer(
            ServiceBuilder::new()
                .layer(ClientIpLayer::trusting(["192.0.2.0/24"
                    .parse()
                    .expect("a network")]))
                .layer(SecurityHeadersLayer::recommended())
                .layer(RateLimitLayer::new(quota))
                .layer(CrossOriginLayer::new())
                .layer(AuthenticateLayer::new(
                    JwtBearer::new(verifier()).roles_from("roles"),
                ))
                .layer(rbac.require("hello:read").expect("declared")),
        )
    }
}
