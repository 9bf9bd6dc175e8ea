//! Files that users send to the example service, and the HTML of their notes.

use super::login::{Client, text};
use super::{Answer, Service};
use axum::body::Body;
use http::Request;
use serde_json::json;

pub(super) const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

pub(super) async fn upload(
    service: &Service,
    token: &str,
    name: &str,
    kind: &str,
    content: &[u8],
) -> Answer {
    let head = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: {kind}\r\n\r\n"
    );
    let body = [head.as_bytes(), content, b"\r\n--edge--\r\n"].concat();
    let request = Request::post("/uploads")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=edge");
    service.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_file_comes_back_to_its_owner_as_data() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    let created = upload(&service, &ann, "dot.gif", "image/gif", GIF).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.json()["media_type"], "image/gif");
    let path = format!("/uploads/{}", text(&created, "id"));

    let request = Request::get(&path).header("authorization", format!("Bearer {ann}"));
    let (parts, content) = service.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!((parts.status.as_u16(), &content[..]), (200, GIF));
    assert_eq!(parts.headers["content-type"], "image/gif");
    assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    let disposition = parts.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let policy = parts.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox"), "{policy}");

    let bob = Client::bearer(&service.member("bob@example.com").await);
    assert_eq!(bob.get(&service, &path).await.status, 404);
    assert_eq!(service.get(&path, None).await.status, 401);
}

#[tokio::test]
async fn large_files_come_back_whole() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    let lines: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let created = upload(&service, &ann, "lines.txt", "text/plain", lines.as_bytes()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let path = format!("/uploads/{}", text(&created, "id"));
    assert_eq!(service.get(&path, Some(&ann)).await.body, lines);
    let too_large = vec![b'a'; 1024 * 1024 + 1];
    let refused = upload(&service, &ann, "lines.txt", "text/plain", &too_large).await;
    assert_eq!(refused.status, 413, "{}", refused.body);
}

#[tokio::test]
async fn files_that_are_not_what_they_say_are_refused() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    let both = [GIF, b"<script>alert(1)</script>"].concat();
    for (name, file, kind, content) in [
        ("another type", "dot.png", "image/png", GIF),
        ("two in one", "dot.gif", "image/gif", &both[..]),
        ("cut off", "dot.gif", "image/gif", &GIF[..20]),
        ("a program", "dot.exe", "application/octet-stream", GIF),
        ("a path", "../dot.gif", "image/gif", GIF),
    ] {
        let refused = upload(&service, &ann, file, kind, content).await;
        assert!(
            (400..500).contains(&refused.status),
            "{name}: {}",
            refused.body
        );
    }
    let nobody = upload(&service, "none", "dot.gif", "image/gif", GIF).await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn notes_are_clean_before_they_are_kept() {
    let service = Service::new().await;
    let ann = Client::bearer(&service.member("ann@example.com").await);
    let note = json!({"title": "Plan", "html": "<p>at <em>noon</em><form>x</form></p>"});
    let created = ann.ask(&service, "POST /notes", Some(note)).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let path = format!("/notes/{}", text(&created, "id"));
    let html = text(&ann.get(&service, &path).await, "html");
    assert!(
        html.contains("<em>noon</em>") && !html.contains("<form"),
        "{html}"
    );
}
