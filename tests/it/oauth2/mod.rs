//! A provider's tokens, calls to other services in our own name, and identities of accounts:
//! against providers that are slow, down or hostile.

mod client_credentials;
mod endpoint;
mod introspection;
mod linking;
mod provider_tokens;
mod real;
mod session_logins;

use bytes::Bytes;
use http::{Request, Response, header};
use portcullis::authn::oauth2::{ClientAuthentication, Endpoint};
use portcullis::net::client::{BreakerPolicy, FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use url::form_urlencoded;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";
const SERVICE: &str = "https://api.example.com";

/// An answer of this status, type and body.
fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> FakeAnswer {
    let response = Response::builder().status(status);
    let response = response.header(header::CONTENT_TYPE, content_type);
    FakeAnswer::response(response.body(body.into()).unwrap())
}

fn json_answer(status: u16, body: &Value) -> FakeAnswer {
    answer(status, "application/json", body.to_string())
}

/// A client that tries once, and never gives up on an origin.
fn http(transport: &FakeTransport) -> HttpClient {
    HttpClient::builder()
        .retry(RetryPolicy::none())
        .breaker(BreakerPolicy::never())
        .build_over(transport.clone())
        .unwrap()
}

fn endpoint(transport: &FakeTransport) -> Endpoint {
    let client = ClientAuthentication::secret_basic("app", "canary-secret").unwrap();
    Endpoint::new("https://id.example.com/endpoint", http(transport), client).unwrap()
}

/// What a provider was sent.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<Sent>>>);

#[derive(Clone, Debug)]
struct Sent {
    authorization: Option<String>,
    form: BTreeMap<String, String>,
}

impl Seen {
    fn note(&self, request: &Request<Bytes>) -> Sent {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let sent = Sent {
            authorization: authorization.map(|it| it.to_str().unwrap().to_owned()),
            form: form_urlencoded::parse(request.body())
                .into_owned()
                .collect(),
        };
        self.0.lock().unwrap().push(sent.clone());
        sent
    }

    fn all(&self) -> Vec<Sent> {
        self.0.lock().unwrap().clone()
    }
}

/// Answers that are none to go by, whatever was asked; each has a word in it that must not show.
fn bad_answers() -> Vec<(&'static str, Box<dyn Fn() -> FakeAnswer + Send + Sync>)> {
    let json = "application/json";
    vec![
        ("a page", Box::new(|| answer(200, "text/html", "<p>canary"))),
        ("no JSON", Box::new(move || answer(200, json, "canary"))),
        (
            "a list",
            Box::new(move || answer(200, json, r#"["canary"]"#)),
        ),
        ("empty", Box::new(move || answer(200, json, ""))),
        (
            "nothing in it",
            Box::new(move || answer(200, json, r#"{"canary":1}"#)),
        ),
        (
            "not text",
            Box::new(move || answer(200, json, b"{\"canary\":\"\xff\"}".to_vec())),
        ),
        (
            "larger than it ever is",
            Box::new(move || {
                answer(
                    200,
                    json,
                    format!(r#"{{"a":"{}"}}"#, "canary".repeat(20_000)),
                )
            }),
        ),
        (
            "larger than may be read",
            Box::new(move || answer(200, json, vec![b' '; 2 << 20])),
        ),
        (
            "deep",
            Box::new(move || answer(200, json, format!("{{\"a\":{}", "[".repeat(40_000)))),
        ),
        (
            "a redirect",
            Box::new(|| {
                let response = Response::builder().status(302);
                let response = response.header(header::LOCATION, "https://evil.example/canary");
                FakeAnswer::response(response.body(Bytes::new()).unwrap())
            }),
        ),
        ("no content", Box::new(|| FakeAnswer::status(204))),
        (
            "down",
            Box::new(move || answer(503, json, r#"{"error":"canary"}"#)),
        ),
        (
            "broken",
            Box::new(|| answer(500, "text/plain", "canary at line 1")),
        ),
        ("breaking off", Box::new(FakeAnswer::broken)),
        ("never coming", Box::new(FakeAnswer::never)),
        (
            "refused, with a speech",
            Box::new(move || answer(401, json, r#"{"error":"can ary\nlevel=info"}"#)),
        ),
        (
            "refused, with a description",
            Box::new(move || {
                answer(
                    400,
                    json,
                    r#"{"error":"invalid_client","error_description":"canary"}"#,
                )
            }),
        ),
    ]
}
