//! Multipart bodies over a real stack.

use super::files::{jpeg, jpeg_segment, png};
use crate::support::Spy;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::post;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use portcullis::clock::Clock;
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::Rejection;
use portcullis::input::upload::{FileType, Part, UploadLayer, UploadPolicy, Uploads};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, ServiceExt};

/// A body that comes byte by byte, and then ends or never goes on.
struct Trickle {
    rest: Vec<u8>,
    stalls: bool,
}

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.rest.is_empty() {
            true if self.stalls => Poll::Pending,
            true => Poll::Ready(None),
            false => {
                let byte = self.rest.remove(0);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![byte])))))
            }
        }
    }
}

pub(super) async fn upload(mut uploads: Uploads) -> Result<String, Rejection> {
    let mut told = String::new();
    while let Some(part) = uploads.next().await? {
        match part {
            Part::File(file) => {
                let (accepted, content) = file.into_memory().await?;
                assert_eq!(accepted.length(), content.len() as u64);
                told += &format!("{} {};", accepted.original_name(), content.len());
            }
            Part::Field(field) => told += &format!("{}={};", field.name(), field.value()),
            other => panic!("{other:?}"),
        }
    }
    Ok(told)
}

fn app(layer: UploadLayer) -> Router {
    Router::new().route("/", post(upload)).layer(layer)
}

fn images() -> UploadLayer {
    UploadLayer::new(UploadPolicy::images())
}

pub(super) fn file(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("content-disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), content].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    format!("content-disposition: form-data; name=\"{name}\"\r\n\r\n{value}").into_bytes()
}

pub(super) fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend([&b"--x\r\n"[..], part, b"\r\n"].concat());
    }
    body.extend(b"--x--\r\n");
    body
}

pub(super) fn request(body: impl Into<Body>) -> Request {
    let request = Request::post("/").header("content-type", "multipart/form-data; boundary=x");
    request.body(body.into()).unwrap()
}

async fn send(layer: UploadLayer, parts: &[Vec<u8>]) -> Response<Body> {
    app(layer).oneshot(request(body(parts))).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(response: &Response<Body>) -> String {
    response
        .extensions()
        .get::<Rejection>()
        .unwrap()
        .code()
        .to_owned()
}

#[tokio::test]
async fn files_and_fields_come_through() {
    let photo = jpeg(&jpeg_segment(0xE1, b"Exif\0\0MM"));
    let clean = jpeg(b"").len();
    let parts = [
        field("title", "a"),
        file("a.jpg", &photo),
        file("b.png", &png(b"")),
    ];
    let response = send(images(), &parts).await;
    assert_eq!(response.status(), StatusCode::OK);
    let expected = format!("title=a;a.jpg {clean};b.png {};", png(b"").len());
    assert_eq!(text(response).await, expected);
}

#[tokio::test]
async fn a_body_may_come_byte_by_byte() {
    let body = body(&[field("title", "a"), file("a.png", &png(b""))]);
    let request = request(Body::new(Trickle {
        rest: body,
        stalls: false,
    }));
    let response = app(images()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        text(response).await,
        format!("title=a;a.png {};", png(b"").len())
    );
}

/// A form of two inputs, of which one was used.
#[tokio::test]
async fn what_was_not_chosen_is_not_counted() {
    let one = UploadLayer::new(UploadPolicy::images().max_files(1));
    let parts = [file("", b""), file("a.png", &png(b"")), file("", b"")];
    let response = send(one, &parts).await;
    assert_eq!(response.status(), StatusCode::OK);
    let parts = vec![file("", b""); 3];
    let few = UploadLayer::new(UploadPolicy::images().max_fields(2, 4));
    assert_eq!(code(&send(few, &parts).await), "upload_too_many");
}

/// What checks the name and what uses it may be two programs.
#[tokio::test]
async fn names_that_are_read_in_two_ways_are_refused() {
    for head in [
        "name=\"x; filename=a.png\"; filename=\"b.php\"",
        "name=\"x; filename=a.png\"",
        "name=\"f\"; filename=\"a.png\"; filename=\"b.php\"",
        "name=\"f\"; FILENAME=\"a.png\"; filename=\"b.php\"",
        "name=\"f\"; name=\"g\"; filename=\"a.png\"",
        "name=\"f\"; filename =\"a.png\"",
        "name=\"f\"; filename=\"a.png",
    ] {
        let head = format!("content-disposition: form-data; {head}\r\n\r\n");
        let part = [head.as_bytes(), &png(b"")].concat();
        let response = send(images(), &[part]).await;
        assert_eq!(code(&response), "upload_multipart", "{head}");
    }
    let named = [
        &b"content-disposition: form-data; name=\"filename\"; filename=\"a.png\"\r\n\r\n"[..],
        &png(b""),
    ];
    let response = send(images(), &[named.concat()]).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_the_policy_does_not_take_is_refused() {
    let image = png(b"");
    let large = jpeg(&jpeg_segment(
        0xE2,
        &[b"ICC_PROFILE\0".to_vec(), vec![0; 60_000]].concat(),
    ));
    let small = UploadLayer::new(UploadPolicy::images().max_bytes(1000));
    let one = UploadLayer::new(UploadPolicy::images().max_files(1).max_fields(1, 4));
    let star = b"content-disposition: form-data; name=\"f\"; filename=\"a.png\"; filename*=UTF-8''b.php\r\n\r\nx";
    let nameless = b"content-disposition: form-data\r\n\r\nx".to_vec();
    let long_head = [
        b"x-long: ".to_vec(),
        vec![b'a'; 200_000],
        b"\r\n".to_vec(),
        field("a", "b"),
    ]
    .concat();
    let cases = [
        (
            "another type",
            images(),
            vec![file("a.png", b"<script>")],
            415,
            "upload_type_mismatch",
        ),
        (
            "another extension",
            images(),
            vec![file("a.php", &image)],
            415,
            "upload_type_not_allowed",
        ),
        (
            "a path",
            images(),
            vec![file("../a.png", &image)],
            422,
            "upload_name",
        ),
        (
            "cut off",
            images(),
            vec![file("a.png", &image[..40])],
            422,
            "upload_truncated",
        ),
        (
            "too large",
            small,
            vec![file("a.jpg", &large)],
            413,
            "upload_too_large",
        ),
        (
            "two files",
            one.clone(),
            vec![file("a.png", &image), file("b.png", &image)],
            413,
            "upload_too_many",
        ),
        (
            "two fields",
            one.clone(),
            vec![field("a", "b"), field("c", "d")],
            413,
            "upload_too_many",
        ),
        (
            "a long field",
            one,
            vec![field("a", "12345")],
            413,
            "upload_too_large",
        ),
        (
            "two names",
            images(),
            vec![star.to_vec()],
            400,
            "upload_multipart",
        ),
        ("no name", images(), vec![nameless], 400, "upload_multipart"),
        (
            "a long head",
            images(),
            vec![long_head],
            413,
            "upload_too_large",
        ),
    ];
    for (name, layer, parts, status, expected) in cases {
        let response = send(layer, &parts).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(code(&response), expected, "{name}");
    }
}

#[tokio::test]
async fn a_form_without_a_file_chosen_has_none() {
    let response = send(images(), &[file("", b""), field("a", "b")]).await;
    assert_eq!(text(response).await, "a=b;");
    let response = send(images(), &[file("", b"x")]).await;
    assert_eq!(code(&response), "upload_name");
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_refused() {
    let whole = body(&[field("a", "b"), file("a.png", &png(b""))]);
    for length in 0..whole.len() - 4 {
        let cut = request(whole[..length].to_vec());
        let response = app(images()).oneshot(cut).await.unwrap();
        assert!(response.status().is_client_error(), "cut to {length}");
    }
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() {
    let spy = Spy::default();
    let service = images().layer(spy.clone());
    let types = [
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=\"a<b\"",
    ];
    for kind in types {
        let request = Request::post("/")
            .header("content-type", kind)
            .body(Body::empty());
        let response = service.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{kind}"
        );
    }
    let announced = Request::post("/")
        .header("content-type", "multipart/form-data; boundary=x")
        .header("content-length", u64::MAX.to_string());
    let response = service
        .clone()
        .oneshot(announced.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(spy.calls(), 0);
    let response = service.oneshot(request(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
}

#[tokio::test]
async fn without_a_policy_nothing_is_taken() {
    let app: Router = Router::new().route("/", post(upload));
    let response = app.oneshot(request(body(&[]))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let rest = body(&[file("a.png", &png(b""))])[..60].to_vec();
    let request = request(Body::new(Trickle { rest, stalls: true }));
    let response = app(images()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn the_monitor_hears_of_files() {
    let recent = Arc::new(RecentEvents::new(8));
    let mut request = request(body(&[file("a.csv", b"=1+1\n")]));
    request
        .extensions_mut()
        .insert(Emitter::new(recent.clone(), Clock::system()));
    let layer = UploadLayer::new(UploadPolicy::new([FileType::Csv]));
    let response = app(layer).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let events = recent.snapshot();
    assert_eq!(events[1].kind(), EventKind::UploadComplete);
    assert_eq!(events[0].code(), Some("upload_formula"));
}
