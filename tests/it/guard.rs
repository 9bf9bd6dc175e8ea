//! The promises of `Guarded`, which hold for every control.

use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use portcullis::guard::{
    Body, Check, Exit, GrpcLayer, Guard, GuardLayer, Maybe, Rejection, RejectionKind, RequestHead,
    Verdict,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

/// Admits or rejects, at once or later, and signs the response it admits.
#[derive(Clone, Copy, Debug)]
struct Gatekeeper {
    admits: bool,
    waits: bool,
}

#[derive(Debug)]
struct Signature(&'static str);

impl Exit for Signature {
    fn enter<B>(&mut self, request: &mut Request<B>) {
        request
            .headers_mut()
            .insert("x-entered", "yes".parse().unwrap());
    }

    fn leave<R>(self, response: &mut Response<Body<R>>) {
        response
            .headers_mut()
            .insert("x-signed", self.0.parse().unwrap());
    }
}

impl Guard for Gatekeeper {
    type Exit = Signature;

    fn check<B>(&self, _request: &mut Request<B>) -> Verdict<Signature> {
        let rejection = || Rejection::new(RejectionKind::Forbidden).with_code("no_entry");
        let verdict = if self.admits {
            Ok(Signature("by the gatekeeper"))
        } else {
            Err(rejection())
        };
        if self.waits {
            return Verdict::Later(Box::pin(async move {
                tokio::task::yield_now().await;
                verdict
            }));
        }
        verdict.into()
    }
}

async fn ready<S: Service<Request<()>, Error: std::fmt::Debug>>(service: &mut S) -> &mut S {
    service.ready().await.unwrap()
}

async fn text<B: http_body::Body<Data = Bytes>>(response: Response<B>) -> String
where
    B::Error: std::fmt::Debug,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_service_is_called_only_after_the_verdict() {
    for (admits, waits) in [(true, false), (true, true), (false, false), (false, true)] {
        let spy = Spy::default();
        let mut service = GuardLayer::new(Gatekeeper { admits, waits }).layer(spy.clone());
        let service = ready(&mut service).await;
        let answer = service.call(Request::new(()));
        if waits {
            assert_eq!(spy.calls(), 0, "called before the verdict was there");
        }
        let response = answer.await.unwrap();
        assert_eq!(spy.calls(), usize::from(admits), "{admits} {waits}");
        assert_eq!(
            spy.unready_calls(),
            0,
            "the ready service is the one called"
        );
        assert_eq!(response.status(), if admits { 200 } else { 403 });
        assert_eq!(response.headers().contains_key("x-signed"), admits);
        let rejection = response.extensions().get::<Rejection>();
        assert_eq!(
            rejection.map(Rejection::code),
            (!admits).then_some("no_entry")
        );
    }
}

#[tokio::test]
async fn a_future_dropped_while_it_waits_calls_nothing() {
    let spy = Spy::default();
    let gatekeeper = Gatekeeper {
        admits: true,
        waits: true,
    };
    let mut service = GuardLayer::new(gatekeeper).layer(spy.clone());
    drop(ready(&mut service).await.call(Request::new(())));
    assert_eq!(spy.calls(), 0);
}

#[tokio::test]
async fn the_next_request_finds_a_service_that_is_made_ready_again() {
    let spy = Spy::default();
    let gatekeeper = Gatekeeper {
        admits: true,
        waits: true,
    };
    let mut service = GuardLayer::new(gatekeeper).layer(spy.clone());
    for _ in 0..3 {
        let answer = ready(&mut service).await.call(Request::new(()));
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    assert_eq!((spy.calls(), spy.unready_calls()), (3, 0));
}

#[tokio::test]
async fn a_rejection_is_a_problem_document() {
    let service = GuardLayer::new(Gatekeeper {
        admits: false,
        waits: false,
    })
    .layer(Spy::default());
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    let length = response.body().size_hint().exact();
    let body = text(response).await;
    assert_eq!(length, Some(body.len() as u64));
    assert!(body.contains(r#""code":"no_entry""#), "{body}");
}

#[tokio::test]
async fn one_parameter_changes_how_rejections_look() {
    let gatekeeper = Gatekeeper {
        admits: false,
        waits: false,
    };
    let layer = gatekeeper.rendered_by(|rejection: &Rejection, request: &RequestHead<'_>| {
        let words = format!("{} {}", request.uri().path(), rejection.code());
        let mut response = Response::new(Bytes::from(words));
        *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
        response
    });
    let request = Request::get("/tea").body(()).unwrap();
    let response = layer.layer(Spy::default()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 418);
    assert!(response.extensions().get::<Rejection>().is_some());
    assert_eq!(text(response).await, "/tea no_entry");
}

#[tokio::test]
async fn maybe_switches_a_guard_off_and_keeps_the_types() {
    let no_entry = Gatekeeper {
        admits: false,
        waits: false,
    };
    for (guard, status) in [(None, 200), (Some(no_entry), 403)] {
        let layer = GuardLayer::new(Maybe::from(guard));
        let response = layer
            .layer(Spy::default())
            .oneshot(Request::new(()))
            .await
            .unwrap();
        assert_eq!(response.status(), status);
    }
    let entry = Gatekeeper {
        admits: true,
        waits: true,
    };
    let layer = GuardLayer::new(Maybe::from(Some(entry)));
    let response = layer
        .layer(Spy::default())
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert!(response.headers().contains_key("x-signed"));
}

struct Number(u8);
impl Check for Number {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let order = request.extensions_mut().get_or_insert_default::<Vec<u8>>();
        order.push(self.0);
        Ok(())
    }
}

#[tokio::test]
async fn six_guards_run_from_the_outside_in_and_keep_the_body() {
    let service = ServiceBuilder::new()
        .layer(GuardLayer::new(Number(1)))
        .layer(GuardLayer::new(Number(2)))
        .layer(GuardLayer::new(Number(3)))
        .layer(GuardLayer::new(Number(4)))
        .layer(GuardLayer::new(Number(5)))
        .layer(GuardLayer::new(Number(6)))
        .service_fn(async |request: Request<Full<Bytes>>| {
            assert_eq!(
                request.extensions().get::<Vec<u8>>().unwrap(),
                &[1, 2, 3, 4, 5, 6]
            );
            Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
        });
    let request = Request::new(Full::new(Bytes::from_static(b"kept")));
    assert_eq!(text(service.oneshot(request).await.unwrap()).await, "kept");
}

#[tokio::test]
async fn an_error_of_the_service_passes_through() {
    let failing = tower::service_fn(async |_: Request<()>| Err::<Response<()>, _>("broken"));
    let gatekeeper = Gatekeeper {
        admits: true,
        waits: false,
    };
    let service = GuardLayer::new(gatekeeper).layer(failing);
    assert_eq!(
        service.oneshot(Request::new(())).await.unwrap_err(),
        "broken"
    );
}

#[tokio::test]
async fn guards_stand_before_a_grpc_service() {
    let grpc = tower::service_fn(async |_: Request<tonic::body::Body>| {
        Ok::<_, std::convert::Infallible>(Response::new(tonic::body::Body::empty()))
    });
    let gatekeeper = GuardLayer::new(Gatekeeper {
        admits: false,
        waits: false,
    });
    let service = GrpcLayer::new().layer(gatekeeper.layer(grpc));
    let request = Request::post("/shop.Basket/Add")
        .header("content-type", "application/grpc")
        .body(tonic::body::Body::empty())
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
    assert_eq!(status.message(), "no_entry");
}

struct Admit;
impl Check for Admit {
    fn check<B>(&self, _request: &mut Request<B>) -> Result<(), Rejection> {
        Ok(())
    }
}

/// How many allocations a request makes in this service.
fn allocations<S>(mut service: S) -> u64
where
    S: Service<Request<()>, Error: std::fmt::Debug>,
{
    let request = Request::new(());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let counted = allocation_counter::measure(|| {
        assert!(service.poll_ready(&mut context).is_ready());
        let answer = std::pin::pin!(service.call(request));
        assert!(answer.poll(&mut context).is_ready());
    });
    counted.count_total
}

#[test]
fn admitting_at_once_allocates_nothing() {
    let bare = allocations(Spy::default());
    let guarded = ServiceBuilder::new()
        .layer(GuardLayer::new(Admit))
        .layer(GuardLayer::new(Maybe::from(Some(Admit))))
        .layer(GuardLayer::new(Admit))
        .service(Spy::default());
    assert_eq!(allocations(guarded), bare);

    let waits = Gatekeeper {
        admits: true,
        waits: true,
    };
    let mut waiting = GuardLayer::new(waits).layer(Spy::default());
    let counted = allocation_counter::measure(|| drop(waiting.call(Request::new(()))));
    assert!(counted.count_total > 0, "the counter counts");
}
