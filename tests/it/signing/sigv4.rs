//! AWS Signature Version 4: the public suite, and what becomes of it by one change.

use super::*;
use crate::support::vectors;
use portcullis::guard::RequestHead;
use portcullis::signing::sigv4::SigV4Verifier;

/// 2015-08-30T12:36:00Z.
const THEN: u64 = 1_440_938_160;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// The signature of `get-vanilla` of the public suite.
const VANILLA: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

fn verifier_at(seconds: u64) -> SigV4Verifier {
    SigV4Verifier::new("us-east-1", "service", Store::memory())
        .credential("AKIDEXAMPLE", &SECRET.into())
        .unwrap()
        .with_clock(FakeClock::at_unix_seconds(seconds).clock())
}

fn vanilla() -> Request<()> {
    Request::get("/")
        .header("host", "example.amazonaws.com")
        .header("x-amz-date", "20150830T123600Z")
        .header("authorization", VANILLA)
        .body(())
        .unwrap()
}

async fn check(verifier: &SigV4Verifier, request: &Request<()>, body: &[u8]) -> &'static str {
    let result = verifier.verify(&RequestHead::of(request), body).await;
    result.as_ref().map_or_else(Fault::code, |_| "ok")
}

#[tokio::test]
async fn the_public_suite() {
    let Some(text) = vectors("signing/sigv4.json") else {
        return;
    };
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut count = 0;
    for record in file["vectors"].as_array().unwrap() {
        let text = |name: &str| record[name].as_str().unwrap();
        let separator = if text("query").is_empty() { "" } else { "?" };
        let authorization = VANILLA.replace("host;x-amz-date", text("signed_headers"));
        let (before, _) = authorization.rsplit_once('=').unwrap();
        let mut request = Request::builder()
            .method(text("method"))
            .uri(format!("{}{separator}{}", text("path"), text("query")))
            .header("authorization", format!("{before}={}", text("signature")));
        for (name, value) in record["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let request = request.body(()).unwrap();
        let verifier = verifier_at(THEN);
        let payload = text("payload").as_bytes();
        assert_eq!(
            check(&verifier, &request, b"x").await,
            "bad_signature",
            "{}",
            record["id"]
        );
        assert_eq!(
            check(&verifier, &request, payload).await,
            "ok",
            "{}",
            record["id"]
        );
        assert_eq!(
            check(&verifier, &request, payload).await,
            "replayed",
            "{}",
            record["id"]
        );
        count += 1;
    }
    assert_eq!(count, 3);
}

type Change = fn(&mut Request<()>);

#[tokio::test]
async fn attacks() {
    fn set(request: &mut Request<()>, name: &'static str, value: &str) {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    fn edit(request: &mut Request<()>, from: &str, to: &str) {
        assert!(VANILLA.contains(from), "{from}");
        set(request, "authorization", &VANILLA.replacen(from, to, 1));
    }
    let cases: [(&str, Change, &str); 23] = [
        ("as it was signed", |_| {}, "ok"),
        (
            "another method",
            |it| *it.method_mut() = Method::POST,
            "bad_signature",
        ),
        (
            "another path",
            |it| *it.uri_mut() = "/x".parse().unwrap(),
            "bad_signature",
        ),
        (
            "a path that is short for it",
            |it| *it.uri_mut() = "/x/..".parse().unwrap(),
            "bad_value",
        ),
        (
            "a path with empty parts",
            |it| *it.uri_mut() = "//".parse().unwrap(),
            "bad_value",
        ),
        (
            "a query",
            |it| *it.uri_mut() = "/?x".parse().unwrap(),
            "bad_signature",
        ),
        (
            "a query that forms read otherwise",
            |it| *it.uri_mut() = "/?q=a+b".parse().unwrap(),
            "bad_value",
        ),
        (
            "another host",
            |it| set(it, "host", "evil.example"),
            "bad_signature",
        ),
        (
            "another time",
            |it| set(it, "x-amz-date", "20150830T123601Z"),
            "bad_signature",
        ),
        (
            "another day",
            |it| set(it, "x-amz-date", "20150831T123600Z"),
            "wrong_tag",
        ),
        (
            "no time",
            |it| {
                it.headers_mut().remove("x-amz-date");
            },
            "no_time",
        ),
        (
            "a header of theirs that is not signed",
            |it| set(it, "x-amz-target", "x"),
            "not_covered",
        ),
        (
            "a body that is not signed",
            |it| set(it, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            "not_covered",
        ),
        (
            "no host",
            |it| edit(it, "host;x-amz-date", "x-amz-date"),
            "not_covered",
        ),
        (
            "in another order",
            |it| edit(it, "host;x-amz-date", "x-amz-date;host"),
            "malformed",
        ),
        ("twice", |it| edit(it, "host;", "host;host;"), "malformed"),
        (
            "another region",
            |it| edit(it, "us-east-1", "us-east-2"),
            "wrong_tag",
        ),
        (
            "another service",
            |it| edit(it, "/service/", "/iam/"),
            "wrong_tag",
        ),
        (
            "another key",
            |it| edit(it, "AKIDEXAMPLE", "AKID"),
            "unknown_key",
        ),
        (
            "another end",
            |it| edit(it, "aws4_request", "aws4"),
            "malformed",
        ),
        (
            "upper case",
            |it| edit(it, "5fa00fa", "5FA00FA"),
            "malformed",
        ),
        (
            "a parameter twice",
            |it| edit(it, "Signature=", "Signature=x, Signature="),
            "duplicate",
        ),
        (
            "another scheme",
            |it| set(it, "authorization", "Bearer x"),
            "absent",
        ),
    ];
    for (name, change, expected) in cases {
        let mut request = vanilla();
        change(&mut request);
        assert_eq!(
            check(&verifier_at(THEN), &request, b"").await,
            expected,
            "{name}"
        );
    }
    for (seconds, expected) in [
        (THEN - 301, "from_future"),
        (THEN - 300, "ok"),
        (THEN + 300, "ok"),
        (THEN + 301, "stale"),
    ] {
        assert_eq!(
            check(&verifier_at(seconds), &vanilla(), b"").await,
            expected,
            "{seconds}"
        );
    }
}
