//! The layer over a real stack.

use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use portcullis::clock::Clock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::guard::{Inspected, Rejection};
use portcullis::input::fields::{CleanLayer, Fields};
use portcullis::input::html::Policy;
use portcullis::input::json::JsonLimits;
use portcullis::input::text::TextRules;
use std::convert::Infallible;
use std::sync::Arc;
use tower::{Layer, ServiceExt, service_fn};

fn layer() -> CleanLayer {
    let limits = JsonLimits::new().max_bytes(2000).max_depth(4);
    let fields = Fields::new()
        .html("/html", Policy::comment())
        .text("/title", TextRules::line())
        .limits(limits)
        .with_reports();
    CleanLayer::new(fields).pass("multipart/form-data")
}

fn request(content_type: &str, body: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/").header("content-type", content_type);
    request
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// Answers with the body it got, and says in headers what it was told of it.
async fn echo<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = request.into_parts();
    let hint = body.size_hint().exact();
    let read = body.collect().await.unwrap().to_bytes();
    assert_eq!(hint, Some(read.len() as u64));
    let mut response = Response::new(Full::new(read));
    *response.headers_mut() = parts.headers;
    Ok(response)
}

async fn sent(request: Request<Full<Bytes>>) -> (http::HeaderMap, String) {
    let service = layer().layer(service_fn(echo::<Inspected<Full<Bytes>>>));
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    let body = response
        .into_body()
        .collect()
        .await
        .unwrap_or_else(|_| panic!("the body is broken"));
    (
        headers,
        String::from_utf8(body.to_bytes().to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn fields_are_cleaned_and_lengths_are_right() {
    let hostile = r#"{"html": "<b onclick=x>a</b>", "n": 12345678901234567890.10}"#;
    let mut hostile = request("application/json", hostile);
    hostile.headers_mut().insert("content-length", 61.into());
    hostile
        .headers_mut()
        .insert("content-digest", "sha-256=:x:".parse().unwrap());
    let (headers, body) = sent(hostile).await;
    assert_eq!(
        body,
        r#"{"html": "<b>a</b>", "n": 12345678901234567890.10}"#
    );
    assert_eq!(headers["content-length"], body.len().to_string());
    assert!(
        !headers.contains_key("content-digest"),
        "it is of what was before"
    );

    let mut clean = request("application/json", r#"{ "html":"<b>a<\/b>" }"#);
    clean
        .headers_mut()
        .insert("content-digest", "sha-256=:x:".parse().unwrap());
    let (headers, body) = sent(clean).await;
    assert_eq!(
        body, r#"{ "html":"<b>a<\/b>" }"#,
        "what is clean is not touched"
    );
    assert!(headers.contains_key("content-digest"));

    let form = request(
        "application/x-www-form-urlencoded",
        "title=+a+&html=%3Cscript%3E",
    );
    assert_eq!(sent(form).await.1, "title=a&html=");
    let upload = request("multipart/form-data; boundary=x", "--x\r\n<script>");
    assert_eq!(sent(upload).await.1, "--x\r\n<script>");
    let nothing = Request::get("/").body(Full::default()).unwrap();
    assert_eq!(sent(nothing).await.1, "");
}

#[tokio::test]
async fn what_is_refused_does_not_reach_the_service() {
    let spy = Spy::default();
    let service = layer().layer(spy.clone());
    let deep = "[".repeat(5) + &"]".repeat(5);
    let deep_html = format!(r#"{{"html": "{}"}}"#, "<b>".repeat(300));
    let large = format!("\"{}\"", "a".repeat(2000));
    for (name, content_type, body, status, code, pointer) in [
        (
            "a type",
            "text/html",
            "<b>",
            415,
            "unsupported_media_type",
            None,
        ),
        (
            "no JSON",
            "application/json",
            "{",
            400,
            "json_malformed",
            None,
        ),
        (
            "deep",
            "application/json",
            &deep,
            400,
            "json_too_deep",
            None,
        ),
        (
            "large",
            "application/json",
            &large,
            413,
            "payload_too_large",
            None,
        ),
        (
            "twice",
            "application/json",
            r#"{"a":1,"a":2}"#,
            422,
            "json_duplicate_field",
            Some("/a"),
        ),
        (
            "a field",
            "application/json",
            r#"{"title":"a\nb"}"#,
            422,
            "text_line_break",
            Some("/title"),
        ),
        (
            "html",
            "application/json",
            &deep_html,
            422,
            "html_too_deep",
            Some("/html"),
        ),
        (
            "a form's field",
            "application/x-www-form-urlencoded",
            "title=%00",
            422,
            "text_control_character",
            Some("/title"),
        ),
    ] {
        let response = service
            .clone()
            .oneshot(request(content_type, body))
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{name}");
        let rejection = response.extensions().get::<Rejection>().unwrap();
        match pointer {
            None => assert_eq!(rejection.code(), code, "{name}"),
            Some(pointer) => {
                let error = &rejection.errors()[0];
                assert_eq!((&*error.pointer, &*error.code), (pointer, code), "{name}");
            }
        }
    }
    assert_eq!(spy.calls(), 0);
    let good = request("application/json", "{}");
    service.oneshot(good).await.unwrap();
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
}

#[tokio::test]
async fn what_was_taken_out_is_told() {
    let recent = Arc::new(RecentEvents::new(4));
    let mut hostile = request("application/json", r#"{"html": "<b onclick=x>a</b>"}"#);
    hostile
        .extensions_mut()
        .insert(Emitter::new(recent.clone(), Clock::system()));
    sent(hostile).await;
    let events = recent.snapshot();
    assert_eq!(events[0].code(), Some("html_cleaned"));
    let details: Vec<_> = events[0].details().collect();
    assert!(details.contains(&("field", "/html")), "{details:?}");
    assert!(
        details.contains(&("removed", "attribute onclick (event_handler)")),
        "{details:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let request = Request::post("/")
        .header("content-type", "application/json")
        .body(Endless)
        .unwrap();
    let spy = Spy::default();
    let response = layer().layer(spy.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 408);
    assert_eq!(spy.calls(), 0);
}

/// A body that never has anything.
struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Pending
    }
}
