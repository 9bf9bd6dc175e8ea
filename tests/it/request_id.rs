//! Ids of requests over a real stack.

use http::{Request, Response};
use portcullis::event::{RequestId, TraceContext};
use portcullis::net::request_id::RequestIdLayer;
use std::convert::Infallible;
use tower::{Layer, ServiceExt, service_fn};

/// What a handler saw: id in the extensions, in the header; trace; `traceparent`.
type Seen = (String, String, Option<String>, bool);

async fn send(layer: &RequestIdLayer, headers: &[(&str, &str)]) -> (String, Seen) {
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let extensions = request.extensions();
        let seen: Seen = (
            extensions.get::<RequestId>().unwrap().to_string(),
            request.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned(),
            extensions
                .get::<TraceContext>()
                .map(|trace| trace.trace_id().to_owned()),
            request.headers().contains_key("traceparent")
                || request.headers().contains_key("tracestate"),
        );
        let mut response = Response::new(());
        response
            .headers_mut()
            .insert("x-request-id", "chosen-by-the-handler".parse().unwrap());
        response.extensions_mut().insert(seen);
        Ok::<_, Infallible>(response)
    }));
    let mut request = Request::new(());
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let mut response = service.oneshot(request).await.unwrap();
    let seen = response.extensions_mut().remove::<Seen>().unwrap();
    (
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned(),
        seen,
    )
}

#[tokio::test]
async fn handler_header_and_answer_agree() {
    let cases: [(&str, &[(&str, &str)], Option<&str>); 5] = [
        ("none", &[], None),
        (
            "a harmless one",
            &[("x-request-id", "abc-123")],
            Some("abc-123"),
        ),
        ("a harmful one", &[("x-request-id", "a b")], None),
        ("two", &[("x-request-id", "a"), ("x-request-id", "b")], None),
        ("empty", &[("x-request-id", "")], None),
    ];
    for (name, headers, kept) in cases {
        let (answered, (extension, header, ..)) = send(&RequestIdLayer::new(), headers).await;
        assert_eq!(answered, extension, "{name}");
        assert_eq!(answered, header, "{name}");
        match kept {
            Some(kept) => assert_eq!(answered, kept, "{name}"),
            None => assert_eq!(answered.len(), 32, "{name}: {answered}"),
        }
    }
    let layer = RequestIdLayer::new().ignore_incoming();
    let (answered, _) = send(&layer, &[("x-request-id", "abc-123")]).await;
    assert_ne!(answered, "abc-123");
}

#[tokio::test]
async fn a_sound_trace_is_kept_and_a_broken_one_removed() {
    let sound = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("traceparent", sound), ("tracestate", "a=1")];
    let (_, (_, _, trace, carried)) = send(&RequestIdLayer::new(), &headers).await;
    assert_eq!(trace.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    assert!(carried);

    let headers = [("traceparent", "00-oops"), ("tracestate", "a=1")];
    let (_, (_, _, trace, carried)) = send(&RequestIdLayer::new(), &headers).await;
    assert_eq!(trace, None);
    assert!(!carried);
}
