//! Calls to other services in our own name: how often a token is fetched, where it goes, and
//! what happens when there is none.

use super::{NOW, Seen, bad_answers, endpoint, json_answer};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use portcullis::authn::oauth2::client_credentials::{
    ClientCredentials, ClientCredentialsBuilder, ClientCredentialsLayer, CredentialsConfigError,
    CredentialsError,
};
use portcullis::authn::oauth2::{ClientAuthentication, Endpoint};
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::net::client::{BreakerPolicy, FakeAnswer, FakeTransport, HttpClient};
use serde_json::json;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::{Layer, Service, ServiceExt, service_fn};

const ORDERS: &str = "https://orders.example.com";

/// A provider whose tokens are `t-1`, `t-2` and so on, good for five minutes.
struct Provider {
    time: FakeClock,
    transport: FakeTransport,
    seen: Seen,
    is_down: Arc<AtomicBool>,
}

impl Provider {
    fn new() -> Self {
        Self::answering_after(Duration::ZERO)
    }

    fn answering_after(lag: Duration) -> Self {
        let (seen, is_down) = (Seen::default(), Arc::new(AtomicBool::new(false)));
        let (noted, looked_at) = (seen.clone(), Arc::clone(&is_down));
        let given = AtomicUsize::new(0);
        let transport = FakeTransport::answering(move |request| {
            noted.note(request);
            if looked_at.load(Ordering::SeqCst) {
                return json_answer(400, &json!({"error": "invalid_client"})).after(lag);
            }
            let token = format!("t-{}", given.fetch_add(1, Ordering::SeqCst) + 1);
            let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": 300});
            json_answer(200, &body).after(lag)
        });
        Self {
            time: FakeClock::at_unix_seconds(NOW),
            transport,
            seen,
            is_down,
        }
    }

    fn tokens(&self) -> ClientCredentialsBuilder {
        ClientCredentials::builder(endpoint(&self.transport)).clock(self.time.clock())
    }

    fn calls(&self) -> usize {
        self.transport.calls()
    }
}

async fn text(tokens: &ClientCredentials) -> String {
    let header = tokens.token().await.unwrap().header();
    header.to_str().unwrap().to_owned()
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// A service that takes only the tokens that it knows, and keeps what it was sent.
#[derive(Clone, Default)]
struct Orders {
    good: Arc<Mutex<Vec<&'static str>>>,
    got: Arc<Mutex<Vec<(Method, String, Bytes)>>>,
}

impl Orders {
    fn taking(tokens: &[&'static str]) -> Self {
        let orders = Self::default();
        *orders.good.lock().unwrap() = tokens.to_vec();
        orders
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let token = request.headers()[header::AUTHORIZATION]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            request
                .headers()
                .get_all(header::AUTHORIZATION)
                .iter()
                .count(),
            1
        );
        let is_good = self
            .good
            .lock()
            .unwrap()
            .iter()
            .any(|it| token == format!("Bearer {it}"));
        let (parts, body) = request.into_parts();
        self.got.lock().unwrap().push((parts.method, token, body));
        if is_good {
            return Response::new(Bytes::from("orders"));
        }
        Response::builder()
            .status(401)
            .header(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
            .body(Bytes::new())
            .unwrap()
    }

    fn got(&self) -> Vec<(Method, String, Bytes)> {
        self.got.lock().unwrap().clone()
    }
}

fn layer(provider: &Provider) -> ClientCredentialsLayer {
    ClientCredentialsLayer::new(provider.tokens().build().unwrap(), [ORDERS]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_fetch_one_token() {
    let provider = Provider::answering_after(Duration::from_millis(50));
    let tokens = provider
        .tokens()
        .scopes(["orders:read", "orders:write"])
        .resource(ORDERS);
    let tokens = tokens.audience("urn:orders").build().unwrap();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let tokens = tokens.clone();
        running.spawn(async move { text(&tokens).await });
    }
    for token in running.join_all().await {
        assert_eq!(token, "Bearer t-1");
    }
    assert_eq!(text(&tokens).await, "Bearer t-1");
    let [sent] = &provider.seen.all()[..] else {
        panic!("one fetch");
    };
    let form: Vec<_> = sent
        .form
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("audience", "urn:orders"),
        ("grant_type", "client_credentials"),
        ("resource", ORDERS),
        ("scope", "orders:read orders:write"),
    ];
    assert_eq!(form, expected);
    assert!(sent.authorization.as_ref().unwrap().starts_with("Basic "));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_in_the_background_before_it_ends() {
    let provider = Provider::answering_after(Duration::from_millis(50));
    let tokens = provider.tokens().build().unwrap();
    let moment = || tokio::time::sleep(Duration::from_millis(60));
    assert_eq!(text(&tokens).await, "Bearer t-1");
    provider.time.advance(Duration::from_secs(239));
    assert_eq!(text(&tokens).await, "Bearer t-1");
    moment().await;
    assert_eq!(provider.calls(), 1);

    provider.time.advance(Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(text(&tokens).await, "Bearer t-1", "nobody waits");
    }
    moment().await;
    assert_eq!(provider.calls(), 2);
    assert_eq!(text(&tokens).await, "Bearer t-2");

    provider.time.advance(Duration::from_secs(270));
    assert_eq!(
        text(&tokens).await,
        "Bearer t-3",
        "near its end it is waited for"
    );
    assert_eq!(provider.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_left_alone_for_a_while() {
    let provider = Provider::new();
    let events = Arc::new(RecentEvents::new(100));
    let emitter = Emitter::new(events.clone(), provider.time.clock());
    let tokens = provider.tokens().emitter(emitter).build().unwrap();
    provider.is_down.store(true, Ordering::SeqCst);
    for (seconds, fetches) in [(0, 1), (1, 2), (1, 2), (1, 3), (3, 3), (1, 4)] {
        provider.time.advance(Duration::from_secs(seconds));
        for _ in 0..1_000 {
            let error = tokens.token().await.unwrap_err();
            let CredentialsError::Token(error) = error else {
                panic!("{error}");
            };
            assert_eq!(error.provider_code(), Some("invalid_client"));
        }
        assert_eq!(provider.calls(), fetches, "after {seconds} more seconds");
    }
    let told = events.snapshot();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|it| it.code() == Some("oauth2_refused")));

    provider.is_down.store(false, Ordering::SeqCst);
    provider.time.advance(Duration::from_secs(60));
    assert_eq!(text(&tokens).await, "Bearer t-1");
    // While there is a token, nobody is refused for want of another.
    provider.is_down.store(true, Ordering::SeqCst);
    provider.time.advance(Duration::from_secs(260));
    for _ in 0..10 {
        assert_eq!(text(&tokens).await, "Bearer t-1");
        tokio::task::yield_now().await;
    }
    provider.time.advance(Duration::from_secs(10));
    assert!(tokens.token().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn bad_answers_are_errors_that_tell_no_secret() {
    for (name, bad) in bad_answers() {
        let transport = FakeTransport::answering(move |_| bad());
        let tokens = ClientCredentials::builder(endpoint(&transport))
            .build()
            .unwrap();
        let orders = Orders::taking(&["t-1"]);
        let service = service_fn({
            let orders = orders.clone();
            move |request| std::future::ready(Ok::<_, Infallible>(orders.answer(request)))
        });
        let client = ClientCredentialsLayer::new(tokens, [ORDERS])
            .unwrap()
            .layer(service);
        let error = client
            .oneshot(get("https://orders.example.com/1"))
            .await
            .unwrap_err();
        assert!(error.is::<CredentialsError>(), "{name}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("canary"), "{name}: {told}");
        assert!(orders.got().is_empty(), "{name}: nothing was sent");
    }
}

#[tokio::test]
async fn a_token_goes_nowhere_else() {
    let provider = Provider::new();
    let orders = Orders::taking(&["t-1"]);
    let service = service_fn({
        let orders = orders.clone();
        move |request| std::future::ready(Ok::<_, Infallible>(orders.answer(request)))
    });
    let client = layer(&provider).layer(service);
    for (name, url, is_sent) in [
        ("another host", "https://evil.example/1", false),
        (
            "a longer host",
            "https://orders.example.com.evil.example/1",
            false,
        ),
        ("a part of the host", "https://example.com/1", false),
        ("another port", "https://orders.example.com:8443/1", false),
        ("plain http", "http://orders.example.com/1", false),
        ("no host", "/1", false),
        (
            "credentials",
            "https://orders.example.com@evil.example/1",
            false,
        ),
        (
            "credentials before",
            "https://x@orders.example.com/1",
            false,
        ),
        ("right", "https://orders.example.com/1", true),
        ("the usual port", "https://orders.example.com:443/1", true),
        ("in capitals", "https://ORDERS.example.com/1", true),
    ] {
        let before = orders.got().len();
        let sent = client.clone().oneshot(get(url)).await;
        assert_eq!(sent.is_ok(), is_sent, "{name}");
        assert_eq!(orders.got().len() - before, usize::from(is_sent), "{name}");
    }
    // What a caller put there is not sent on.
    let mut request = get("https://orders.example.com/1");
    let headers = request.headers_mut();
    headers.append(header::AUTHORIZATION, "Bearer user-token".parse().unwrap());
    headers.append(header::AUTHORIZATION, "Basic x".parse().unwrap());
    client.oneshot(request).await.unwrap();
    assert_eq!(orders.got().last().unwrap().1, "Bearer t-1");
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once() {
    let provider = Provider::new();
    let orders = Orders::taking(&["t-1"]);
    let service = service_fn({
        let orders = orders.clone();
        move |request| std::future::ready(Ok::<_, Infallible>(orders.answer(request)))
    });
    let client = layer(&provider).layer(service);
    let post = || {
        Request::post("https://orders.example.com/1")
            .body(Bytes::from("body"))
            .unwrap()
    };
    assert_eq!(client.clone().oneshot(post()).await.unwrap().status(), 200);

    // The provider takes it back, and the service hears of it.
    *orders.good.lock().unwrap() = vec!["t-2"];
    assert_eq!(
        client.clone().oneshot(post()).await.unwrap().status(),
        401,
        "it is too young"
    );
    assert_eq!(provider.calls(), 1);
    provider.time.advance(Duration::from_secs(10));
    assert_eq!(client.clone().oneshot(post()).await.unwrap().status(), 200);
    let got = orders.got();
    let sent: Vec<_> = got
        .iter()
        .skip(2)
        .map(|(method, token, body)| (method, &**token, &**body))
        .collect();
    assert_eq!(
        sent,
        [
            (&Method::POST, "Bearer t-1", &b"body"[..]),
            (&Method::POST, "Bearer t-2", b"body")
        ]
    );

    // A service that takes no token at all costs one fetch in ten seconds.
    *orders.good.lock().unwrap() = Vec::new();
    provider.time.advance(Duration::from_secs(10));
    for _ in 0..100 {
        assert_eq!(client.clone().oneshot(post()).await.unwrap().status(), 401);
    }
    assert_eq!(provider.calls(), 3);
    assert_eq!(orders.got().len(), 4 + 101);
}

#[tokio::test]
async fn a_body_that_streams_is_sent_once() {
    type Stream = BoxBody<Bytes, Infallible>;
    let provider = Provider::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let service = service_fn({
        let calls = Arc::clone(&calls);
        move |_: Request<Stream>| {
            calls.fetch_add(1, Ordering::SeqCst);
            let response = Response::builder().status(401);
            let response =
                response.header(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#);
            std::future::ready(Ok::<_, Infallible>(response.body(()).unwrap()))
        }
    });
    let client = layer(&provider).layer(service);
    let request = |body: Stream| {
        Request::post("https://orders.example.com/1")
            .body(body)
            .unwrap()
    };
    let frames = stream_of("piece");
    client.clone().oneshot(request(frames)).await.unwrap();
    provider.time.advance(Duration::from_secs(20));
    calls.store(0, Ordering::SeqCst);
    let response = client
        .clone()
        .oneshot(request(stream_of("piece")))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), calls.load(Ordering::SeqCst)),
        (401, 1)
    );
    client.oneshot(request(Stream::default())).await.unwrap();
    assert_eq!(
        calls.load(Ordering::SeqCst),
        3,
        "one without a body is sent again"
    );
}

/// A body of which nobody knows what it is until it is read.
fn stream_of(text: &'static str) -> BoxBody<Bytes, Infallible> {
    Full::new(Bytes::from(text)).boxed()
}

#[tokio::test]
async fn it_goes_around_the_transport_of_a_client() {
    let provider = Provider::new();
    let service = FakeTransport::answering(|request| {
        let token = &request.headers()[header::AUTHORIZATION];
        assert!(token.is_sensitive() && token.to_str().unwrap().starts_with("Bearer t-"));
        FakeAnswer::body("orders")
    });
    let client = HttpClient::builder()
        .breaker(BreakerPolicy::new(3, Duration::from_secs(30)))
        .build_over(layer(&provider).layer(service.clone()))
        .unwrap();
    for _ in 0..3 {
        let response = client.get("https://orders.example.com/1").await.unwrap();
        assert_eq!(response.body(), "orders");
    }
    assert_eq!((provider.calls(), service.calls()), (1, 3));

    // Around the whole of it as well.
    let whole = HttpClient::builder().build_over(service).unwrap();
    let mut client = layer(&provider).layer(whole);
    let response = client
        .ready()
        .await
        .unwrap()
        .call(get("https://orders.example.com/1"));
    assert_eq!(response.await.unwrap().body(), "orders");
}

#[test]
fn what_makes_no_sense_is_told_at_the_start() {
    let provider = Provider::new();
    let many = (0..65).map(|number| number.to_string());
    let public = ClientAuthentication::none("app").unwrap();
    let public = Endpoint::new(
        "https://id.example.com/t",
        super::http(&provider.transport),
        public,
    );
    let public = ClientCredentials::builder(public.unwrap());
    for (name, builder, expected) in [
        (
            "two scopes in one",
            provider.tokens().scopes(["a b"]),
            CredentialsConfigError::Scope("a b".into()),
        ),
        (
            "an empty scope",
            provider.tokens().scopes([""]),
            CredentialsConfigError::Scope("".into()),
        ),
        (
            "a quotation mark",
            provider.tokens().scopes(["a\""]),
            CredentialsConfigError::Scope("a\"".into()),
        ),
        (
            "too many",
            provider.tokens().scopes(many),
            CredentialsConfigError::TooManyScopes(65),
        ),
        (
            "no resource",
            provider.tokens().resource("orders"),
            CredentialsConfigError::Resource("orders".into()),
        ),
        (
            "a fragment",
            provider.tokens().resource("https://a#b"),
            CredentialsConfigError::Resource("https://a#b".into()),
        ),
        (
            "anybody",
            public.clone(),
            CredentialsConfigError::PublicClient,
        ),
    ] {
        assert_eq!(builder.build().map(drop).unwrap_err(), expected, "{name}");
    }
    assert!(public.insecure_public_client().build().is_ok());
    for (name, origin) in [
        ("plain http", "http://orders.example.com"),
        ("a path", "https://orders.example.com/v1"),
        ("a query", "https://orders.example.com?a"),
        ("no URL", "orders.example.com"),
        ("empty", ""),
    ] {
        let tokens = provider.tokens().build().unwrap();
        assert!(
            ClientCredentialsLayer::new(tokens, [origin]).is_err(),
            "{name}"
        );
    }
    let tokens = provider.tokens().build().unwrap();
    assert!(ClientCredentialsLayer::new(tokens, [""; 0]).is_err());
}
