//! Signed messages over a real stack.

use super::*;
use crate::support::{CountedStore, Spy};
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http_body::Frame;
use portcullis::event::{EventKind, RecentEvents, SecurityEvent};
use portcullis::guard::{InspectLayer, Reading, Rejection, Want};
use portcullis::monitor::MonitorLayer;
use portcullis::principal::{Authentication, Principal};
use portcullis::signing::digest::{CONTENT_DIGEST, DigestAlgorithm};
use portcullis::signing::{
    RequestedSignature, SignLayer, SignResponseLayer, SignedBody, VerifyResponseLayer,
    VerifySignatureLayer, fault_of,
};
use portcullis::store::MemoryStore;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn with_body(request: Request<()>, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    request.map(|()| Full::new(body.into()))
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() {
    let time = time();
    let spy = Spy::default();
    let events = Arc::new(RecentEvents::new(8));
    let layer = VerifySignatureLayer::new(verifier(&time, Policy::request()));
    let service = ServiceBuilder::new()
        .layer(MonitorLayer::only(Arc::clone(&events)))
        .layer(layer)
        .service(spy.clone());
    let good = signed(&time);
    let cases = [
        ("unsigned", order(), BODY, 401, "absent"),
        (
            "another body",
            good.clone(),
            b"{}".as_slice(),
            401,
            "wrong_digest",
        ),
        ("good", good.clone(), BODY, 200, ""),
        ("again", good, BODY, 401, "replayed"),
    ];
    let mut answers = Vec::new();
    for (name, request, body, status, reason) in cases {
        let calls = spy.calls();
        let request = with_body(request, body);
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls() - calls, usize::from(status == 200), "{name}");
        if status == 200 {
            continue;
        }
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert!(rejection.reason().unwrap().starts_with(reason), "{name}");
        // What it asks for is what the signer does.
        let asked = RequestedSignature::all_of(&Message::from(&response)).unwrap();
        assert_eq!(asked[0].components().len(), 3);
        let headers = response.headers().clone();
        answers.push((headers, text(response.into_body()).await));
    }
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "one answer for all"
    );
    assert_eq!(spy.unready_calls(), 0);
    // The latest first.
    let told: Vec<_> = events.snapshot().iter().map(SecurityEvent::kind).collect();
    assert_eq!(
        told,
        [EventKind::AuthnTokenReuse, EventKind::AuthnTokenFail]
    );
}

#[tokio::test]
async fn handlers_get_the_proof_the_principal_and_the_body() {
    async fn create(verified: Verified, principal: Principal, body: String) -> String {
        format!("{} {} {body}", verified.key_id(), principal.id())
    }
    let time = time();
    let ann = Principal::new("ann", Authentication::new(time.clock().now()));
    let known = KnownKey::shared_secret(&secret())
        .unwrap()
        .with_principal(ann);
    let keys = StaticKeys::new().with("partner-1", known);
    let verifier = Verifier::new(Policy::request(), keys, Store::memory()).with_clock(time.clock());
    let app = Router::new()
        .route("/orders", post(create))
        .layer(VerifySignatureLayer::new(verifier));
    let request = signed(&time).map(|()| Body::from(BODY));
    let response = app.oneshot(request).await.unwrap();
    let expected = format!("partner-1 ann {}", String::from_utf8_lossy(BODY));
    assert_eq!(text(response.into_body()).await, expected);

    // Without the layer, a handler that asks for a proof refuses by itself.
    let bare = Router::new().route("/orders", post(create));
    let request = signed(&time).map(|()| Body::from(BODY));
    assert_eq!(bare.oneshot(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn origins_are_what_clients_see() {
    let time = time();
    let layer = || VerifySignatureLayer::new(verifier(&time, Policy::request()));
    // As HTTP/1.1 behind a proxy has it.
    let behind = |host: &str| {
        let mut request = signed(&time);
        *request.uri_mut() = "/orders?dry=1".parse().unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        with_body(request, BODY)
    };
    for (name, layer, host, status) in [
        ("the host is passed on", layer(), "api.example.com", 200),
        ("the host is another", layer(), "10.0.0.7:8080", 401),
        (
            "the origin is told",
            layer().origin("https", "api.example.com").unwrap(),
            "10.0.0.7:8080",
            200,
        ),
        (
            "another is told",
            layer().origin("http", "api.example.com").unwrap(),
            "api.example.com",
            401,
        ),
    ] {
        let service = layer_over_spy(layer);
        let response = service.oneshot(behind(host)).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
    }
    assert!(layer().origin("https", "a b").is_err());
    assert!(layer().origin("https", "ann@a.example").is_err());
    assert!(layer().origin("https", "a.example/x").is_err());
}

fn layer_over_spy(
    layer: VerifySignatureLayer,
) -> impl Service<
    Request<Full<Bytes>>,
    Response = Response<portcullis::guard::Body<Full<Bytes>>>,
    Error = Infallible,
> {
    ServiceBuilder::new().layer(layer).service(Spy::default())
}

#[tokio::test]
async fn limits_and_failing_stores() {
    let time = time();
    let store = CountedStore::from(MemoryStore::default());
    let verifier = Verifier::new(Policy::request(), keys(), Store::new(store.clone()));
    let verifier = verifier.with_clock(time.clock());
    let layer = VerifySignatureLayer::new(verifier).body_limit(BODY.len());
    let spy = Spy::default();
    let service = ServiceBuilder::new().layer(layer).service(spy.clone());
    let send = async |request: Request<Full<Bytes>>| {
        service
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let mut long = order();
    let body = [BODY, b" "].concat();
    signer(&time).sign_request(&mut long, &body).unwrap();
    assert_eq!(send(with_body(long, body.clone())).await, 413);
    assert_eq!(
        send(with_body(order(), body)).await,
        401,
        "nobody reads for who did not sign"
    );
    assert_eq!(send(with_body(signed(&time), b"{}".as_slice())).await, 401);
    assert!(
        store.trips().is_empty(),
        "what is not good is not written down"
    );
    store.set_down(true);
    assert_eq!(send(with_body(signed(&time), BODY)).await, 503);
    store.set_down(false);
    assert_eq!(spy.calls(), 0);
    store.trips();
    assert_eq!(send(with_body(signed(&time), BODY)).await, 200);
    assert_eq!(store.trips(), ["put_if_absent"], "one round trip");
}

/// A body that comes in pieces.
#[derive(Debug)]
struct Pieces(VecDeque<Frame<Bytes>>);

impl Pieces {
    fn of(pieces: &[&'static str]) -> Self {
        let data = pieces
            .iter()
            .map(|it| Frame::data(Bytes::from_static(it.as_bytes())));
        Self(data.collect())
    }

    fn then(mut self, trailers: HeaderMap) -> Self {
        self.0.push_back(Frame::trailers(trailers));
        self
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// What a handler reads when the body is digested on the way.
async fn streamed(pieces: Pieces, signed_body: &[u8]) -> (u16, Vec<String>) {
    let time = time();
    let read = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&read);
    let handler = service_fn(move |request: Request<SignedBody<Pieces>>| {
        let seen = Arc::clone(&seen);
        async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                let told = match frame.map(Frame::into_data) {
                    Ok(Ok(data)) => String::from_utf8(data.to_vec()).unwrap(),
                    Ok(Err(_)) => "trailers".to_owned(),
                    Err(error) => fault_of(&*error).unwrap().code().to_owned(),
                };
                seen.lock().unwrap().push(told);
            }
            assert!(http_body::Body::is_end_stream(&body));
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let layer = VerifySignatureLayer::new(verifier(&time, Policy::request())).streaming_body();
    let service = ServiceBuilder::new().layer(layer).service(handler);
    let mut request = order();
    signer(&time)
        .sign_request(&mut request, signed_body)
        .unwrap();
    let response = service.oneshot(request.map(|()| pieces)).await.unwrap();
    let read = read.lock().unwrap().clone();
    (response.status().as_u16(), read)
}

#[tokio::test]
async fn a_streamed_body_ends_with_an_error_when_it_is_another() {
    let trailers = HeaderMap::from_iter([("x".parse().unwrap(), "y".parse().unwrap())]);
    for (name, pieces, signed, status, expected) in [
        ("whole", Pieces::of(&["abc"]), "abc", 200, vec!["abc"]),
        (
            "in pieces",
            Pieces::of(&["a", "b", "c"]),
            "abc",
            200,
            vec!["a", "b", "c"],
        ),
        (
            "with trailers",
            Pieces::of(&["a", "b"]).then(trailers),
            "ab",
            200,
            vec!["a", "b", "trailers"],
        ),
        (
            "another end",
            Pieces::of(&["a", "b", "x"]),
            "abc",
            200,
            vec!["a", "b", "wrong_digest"],
        ),
        (
            "another",
            Pieces::of(&["x"]),
            "abc",
            200,
            vec!["wrong_digest"],
        ),
        (
            "cut",
            Pieces::of(&["a", "b"]),
            "abc",
            200,
            vec!["a", "wrong_digest"],
        ),
        (
            "longer",
            Pieces::of(&["a", "b"]),
            "a",
            200,
            vec!["a", "wrong_digest"],
        ),
        (
            "another, with an empty end",
            Pieces::of(&["x", ""]),
            "abc",
            200,
            vec!["wrong_digest"],
        ),
        (
            "with empty pieces",
            Pieces::of(&["", "abc", "", ""]),
            "abc",
            200,
            vec!["abc"],
        ),
        ("gone", Pieces::of(&[]), "abc", 200, vec!["wrong_digest"]),
        ("not announced", Pieces::of(&["x"]), "", 401, vec![]),
    ] {
        let (found_status, read) = streamed(pieces, signed.as_bytes()).await;
        assert_eq!(found_status, status, "{name}");
        assert_eq!(read, expected, "{name}");
    }
}

#[tokio::test]
async fn trailers_are_covered_once_they_are_there() {
    let time = time();
    let digest = DigestAlgorithm::Sha256.field(BODY);
    let trailers = HeaderMap::from_iter([(CONTENT_DIGEST, digest)]);
    let components = ["@method", "@target-uri", "\"content-digest\";tr"];
    let signer = signer(&time)
        .covering(components.map(|it| it.parse().unwrap()))
        .unwrap();
    let request = order();
    let fields = signer
        .sign(&Message::from(&request).with_trailers(&trailers))
        .unwrap();
    let send = |body: &'static str, trailers: Option<HeaderMap>| {
        let mut request = order();
        request
            .headers_mut()
            .insert("signature-input", fields.input.clone());
        request
            .headers_mut()
            .insert("signature", fields.signature.clone());
        let pieces = Pieces::of(&[body]);
        let pieces = match trailers {
            Some(trailers) => pieces.then(trailers),
            None => pieces,
        };
        let layer = VerifySignatureLayer::new(verifier(&time, Policy::request()));
        let service = ServiceBuilder::new().layer(layer).service(Spy::default());
        service.oneshot(request.map(|()| pieces))
    };
    let body = str::from_utf8(BODY).unwrap();
    let other = HeaderMap::from_iter([(CONTENT_DIGEST, DigestAlgorithm::Sha256.field(b"{}"))]);
    for (name, body, trailers, status) in [
        ("good", body, Some(trailers.clone()), 200),
        ("another body", "{}", Some(trailers), 401),
        ("another trailer", "{}", Some(other), 401),
        ("no trailer", body, None, 401),
    ] {
        assert_eq!(
            send(body, trailers).await.unwrap().status(),
            status,
            "{name}"
        );
    }
}

/// A client and a server that sign in both directions.
#[tokio::test]
async fn client_and_server_sign_for_each_other() {
    let time = time();
    let server = Router::new()
        .route("/orders", post(async |body: String| format!("got {body}")))
        .layer(VerifySignatureLayer::new(verifier(
            &time,
            Policy::request(),
        )))
        .layer(SignResponseLayer::new(signer(&time).without_nonce()));
    let answers = || {
        Verifier::insecure_without_replay_control(Policy::response(), keys())
            .with_clock(time.clock())
    };
    let client = ServiceBuilder::new()
        .layer(SignLayer::new(signer(&time)))
        .layer(VerifyResponseLayer::new(answers()))
        .map_request(|request: Request<SignedBody<Full<Bytes>>>| request.map(Body::new))
        .service(server.clone());
    let response = client.oneshot(with_body(order(), BODY)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.extensions().get::<Verified>().unwrap().key_id(),
        "partner-1"
    );
    let told = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(told, [b"got ", BODY].concat());

    // A refusal is signed as well; an answer that somebody else wrote is none.
    let unsigned = ServiceBuilder::new()
        .layer(VerifyResponseLayer::new(answers()))
        .map_request(|request: Request<Full<Bytes>>| request.map(Body::new))
        .service(server);
    let response = unsigned.oneshot(with_body(order(), BODY)).await.unwrap();
    assert_eq!(response.status(), 401);
    let forged = ServiceBuilder::new()
        .layer(SignLayer::new(signer(&time)))
        .layer(VerifyResponseLayer::new(answers()))
        .service(Spy::default());
    let error = forged.oneshot(with_body(order(), BODY)).await.unwrap_err();
    assert_eq!(fault_of(&*error), Some(&Fault::Absent));
}

#[tokio::test]
async fn what_cannot_be_signed_is_no_response() {
    let time = time();
    let signer = signer(&time);
    let service = ServiceBuilder::new()
        .layer(SignResponseLayer::new(signer.clone()).body_limit(1))
        .service(Spy::default());
    let response = service.oneshot(with_body(order(), BODY)).await.unwrap();
    assert_eq!(response.status(), 500);
    let client = ServiceBuilder::new()
        .layer(SignLayer::new(signer).body_limit(1))
        .service(Spy::default());
    assert!(client.oneshot(with_body(order(), BODY)).await.is_err());
}

/// A body that was read before is handed on as it is, by both.
#[tokio::test]
async fn there_is_no_second_buffer() {
    struct Look;
    impl portcullis::guard::Inspect for Look {
        fn wants(&self, _: &portcullis::guard::RequestHead<'_>) -> Want {
            Want::Whole
        }
        fn inspect(
            &self,
            _: &portcullis::guard::RequestHead<'_>,
            _: Reading<'_>,
        ) -> Result<(), Rejection> {
            Ok(())
        }
    }
    let time = time();
    let body = Bytes::from(vec![b'x'; 4096]);
    let place = body.as_ptr() as usize;
    let handler = service_fn(move |request: Request<SignedBody<_>>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let is_same = body.as_ptr() as usize == place;
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(is_same.to_string()))))
    });
    let service = ServiceBuilder::new()
        .layer(InspectLayer::new(8192, Look))
        .layer(VerifySignatureLayer::new(verifier(
            &time,
            Policy::request(),
        )))
        .service(handler);
    let mut request = order();
    signer(&time).sign_request(&mut request, &body).unwrap();
    let response = service.oneshot(with_body(request, body)).await.unwrap();
    assert_eq!(text(response.into_body()).await, "true");
}
