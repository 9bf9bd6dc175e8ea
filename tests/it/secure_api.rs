//! The example service keeps its contract, and answers bad input with the right problem.

mod at_rest;
mod bans;
mod connections;
mod documents;
mod lifecycle;
mod login;
mod oidc;
mod owned;
#[path = "../../examples/secure_api/server/mod.rs"]
mod server;
#[path = "../../examples/secure_api/service/mod.rs"]
pub(crate) mod service;
mod signed;
mod tokens;
mod uploads;
mod waf;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::FromRequest;
use http::response::Parts;
use http::{HeaderMap, Method, Request};
use portcullis::net::client_ip::PeerAddr;
use serde_json::{Value, json};
use service::json::{Fields, Form, Json};
use service::{Config, Stores};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;

const PASSWORD: &str = "nine purple lanterns drift";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The problem document, with the id taken out.
    fn problem(&self) -> Value {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.body
        );
        let mut problem = self.json();
        assert_eq!(problem["status"], self.status);
        let id = problem.as_object_mut().unwrap().remove("request_id");
        assert_eq!(id.unwrap(), self.headers["x-request-id"].to_str().unwrap());
        let length = self
            .headers
            .get("content-length")
            .map(|it| it.to_str().unwrap().to_owned());
        assert!(length.is_none_or(|it| it == self.body.len().to_string()));
        problem
    }
}

struct Service(Router);

impl Service {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let config = Config::from_env(variable).unwrap();
        let stores = Stores::open(&config).await.unwrap();
        Self(service::app(&config, stores).unwrap())
    }

    async fn raw(&self, mut request: Request<Body>) -> (Parts, Bytes) {
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        request.extensions_mut().insert(PeerAddr::from(peer));
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts, to_bytes(body, 1 << 20).await.unwrap())
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.raw(request).await;
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_raw(path, "application/json", body.to_string())
            .await
    }

    async fn post_raw(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn register(&self, email: &str) -> Answer {
        self.post(
            "/register",
            &json!({"email": email, "password": PASSWORD, "name": "Ann"}),
        )
        .await
    }

    /// A token of a new account.
    async fn member(&self, email: &str) -> String {
        assert_eq!(self.register(email).await.status, 201);
        let login = self
            .post("/login", &json!({"email": email, "password": PASSWORD}))
            .await;
        login.json()["access_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn health_needs_no_authentication_and_carries_every_header() {
    let answer = Service::new().await.get("/health", None).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"status": "ok"}))
    );
    for name in [
        "x-request-id",
        "ratelimit",
        "ratelimit-policy",
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
    ] {
        assert!(answer.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn an_account_is_made_once_and_logs_in() {
    let service = Service::new().await;
    let created = service.register("Ann@Example.com").await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["email"], "ann@example.com");
    let id = created.json()["id"].clone();

    let again = service.register("ann@example.com").await;
    assert_eq!(
        (again.status, again.problem()["code"].clone()),
        (409, json!("email_taken"))
    );

    let login = json!({"email": "ann@EXAMPLE.com", "password": PASSWORD});
    let login = service.post("/login", &login).await;
    assert_eq!(login.status, 200);
    assert_eq!(login.json()["token_type"], "Bearer");
    assert_eq!(login.json()["expires_in"], 900);
    assert_eq!(login.headers["cache-control"], "no-store");

    let token = login.json()["access_token"].as_str().unwrap().to_owned();
    let me = service.get("/me", Some(&token)).await;
    let expected = json!({"id": id, "email": "ann@example.com", "roles": []});
    assert_eq!((me.status, me.json()), (200, expected));
    assert_eq!(me.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn unknown_user_and_wrong_password_get_the_same_bytes() {
    let service = Service::new().await;
    service.register("ann@example.com").await;
    let wrong = json!({"email": "ann@example.com", "password": "not her password"});
    let wrong = service.post("/login", &wrong).await;
    let unknown = json!({"email": "bob@example.com", "password": "not her password"});
    let unknown = service.post("/login", &unknown).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(
        (unknown.status, unknown.problem()),
        (wrong.status, wrong.problem())
    );
    let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&unknown), names(&wrong));
    assert!(wrong.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn only_a_token_of_ours_opens_the_door() {
    let service = Service::new().await;
    let token = service.member("ann@example.com").await;
    let other = Service::new().await.member("ann@example.com").await;
    let tampered = format!("{}A", &token[..token.len() - 1]);
    let tampered = if tampered == token {
        format!("{}B", &token[..token.len() - 1])
    } else {
        tampered
    };
    for bad in [None, Some("x"), Some(&*other), Some(&*tampered), Some("")] {
        let answer = service.get("/me", bad).await;
        assert!(
            matches!(answer.status, 400 | 401),
            "{bad:?}: {}",
            answer.status
        );
        answer.problem();
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
    assert_eq!(service.get("/me", Some(&token)).await.status, 200);
}

#[tokio::test]
async fn administrators_see_what_others_may_not() {
    let service = Service::with(&[("ADMIN_EMAIL", "root@example.com")]).await;
    let ann = service.member("ann@example.com").await;
    let root = service.member("root@example.com").await;
    for path in ["/admin/users", "/security/events"] {
        assert_eq!(service.get(path, None).await.status, 401, "{path}");
        let refused = service.get(path, Some(&ann)).await;
        assert_eq!(
            (refused.status, refused.problem()["code"].clone()),
            (403, json!("forbidden"))
        );
        assert_eq!(service.get(path, Some(&root)).await.status, 200, "{path}");
    }
    let users = service.get("/admin/users", Some(&root)).await.json();
    let emails = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["email"].as_str().unwrap());
    let mut emails: Vec<_> = emails.collect();
    emails.sort_unstable();
    assert_eq!(emails, ["ann@example.com", "root@example.com"]);
    assert!(
        !users.to_string().contains("argon2"),
        "a hash leaked: {users}"
    );

    let events = service.get("/security/events", Some(&root)).await.json();
    let kinds: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    assert!(
        kinds.iter().any(|kind| kind.starts_with("authz_fail:")),
        "{kinds:?}"
    );
    assert!(
        kinds
            .iter()
            .any(|kind| kind.starts_with("authn_login_success:")),
        "{kinds:?}"
    );
    assert!(
        kinds.iter().any(|kind| kind.starts_with("user_created:")),
        "{kinds:?}"
    );
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["source_ip"] == "127.0.0.1")
    );
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let service = Service::new().await;
    let cases = [
        (
            json!({}),
            vec![
                ("/email", "required"),
                ("/password", "required"),
                ("/name", "required"),
            ],
        ),
        (
            json!({"email": 1, "password": [], "name": null}),
            vec![
                ("/email", "not_a_string"),
                ("/password", "not_a_string"),
                ("/name", "required"),
            ],
        ),
        (
            json!({"email": "nobody", "password": PASSWORD, "name": "  "}),
            vec![("/email", "not_an_email"), ("/name", "required")],
        ),
        (
            json!({"email": "a@b.c\u{0}", "password": PASSWORD, "name": "A\nB"}),
            vec![
                ("/email", "control_character"),
                ("/name", "control_character"),
            ],
        ),
        (
            json!({"email": "ann@example.com", "password": "hunter2", "name": "Ann"}),
            vec![("/password", "password_too_short")],
        ),
        (
            // Wrong in more than one way, and one entry all the same.
            json!({"email": "ann@example.com", "password": "password", "name": "Ann"}),
            vec![("/password", "password_too_short")],
        ),
    ];
    for (form, expected) in cases {
        let answer = service.post("/register", &form).await;
        assert_eq!(answer.status, 422, "{form}");
        let errors = answer.problem()["errors"].clone();
        let named: Vec<_> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| {
                (
                    error["pointer"].as_str().unwrap(),
                    error["code"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(named, expected, "{form}");
        assert!(
            !answer.body.contains("hunter2"),
            "an answer repeats a password: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn bad_bodies_get_the_right_problem() {
    let service = Service::with(&[("RATE_LIMIT", "10000")]).await;
    let json_type = "application/json";
    let huge = format!("{{\"email\": \"{}\"}}", "x".repeat(20_000));
    // More than serde_json takes, and less than makes the firewall give up.
    let deep = "[".repeat(200);
    let abyss = "[".repeat(10_000);
    let cases: [(&str, &str, Vec<u8>, u16, &str); 11] = [
        (
            "cut off",
            json_type,
            b"{\"email\":".to_vec(),
            400,
            "malformed_json",
        ),
        ("empty", json_type, vec![], 400, "malformed_json"),
        (
            "not UTF-8",
            json_type,
            b"{\"email\": \"\xFF\xFE\"}".to_vec(),
            400,
            "malformed_json",
        ),
        (
            "a lone surrogate",
            json_type,
            br#"{"email": "\ud800"}"#.to_vec(),
            400,
            "malformed_json",
        ),
        (
            "deeply nested",
            json_type,
            deep.into_bytes(),
            400,
            "malformed_json",
        ),
        (
            "deeper than the firewall reads",
            json_type,
            abyss.into_bytes(),
            403,
            "request_blocked",
        ),
        ("a list", json_type, b"[]".to_vec(), 400, "not_an_object"),
        (
            "too large",
            json_type,
            huge.into_bytes(),
            413,
            "payload_too_large",
        ),
        (
            "text",
            "text/plain",
            b"{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (
            "a form",
            "application/x-www-form-urlencoded",
            b"a=b".to_vec(),
            415,
            "unsupported_media_type",
        ),
        ("no type", "", b"{}".to_vec(), 415, "unsupported_media_type"),
    ];
    for path in ["/register", "/login"] {
        for (name, content_type, body, status, code) in &cases {
            let answer = service.post_raw(path, content_type, body.clone()).await;
            assert_eq!(answer.status, *status, "{path}, {name}: {}", answer.body);
            assert_eq!(answer.problem()["code"], *code, "{path}, {name}");
            assert!(
                answer.headers.contains_key("x-request-id"),
                "{path}, {name}"
            );
            assert!(
                answer.headers.contains_key("content-security-policy"),
                "{path}, {name}"
            );
        }
    }
}

#[tokio::test]
async fn no_request_is_answered_with_500() {
    let service = Service::with(&[("RATE_LIMIT", "100000")]).await;
    let paths = [
        "/",
        "/health",
        "/register",
        "/login",
        "/me",
        "/admin/users",
        "/security/events",
        "/app.js",
        "/nothing",
        "/%00%ff",
        "//",
    ];
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    for path in paths {
        for method in &methods {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap();
            let answer = service.send(request).await;
            assert!(answer.status < 500, "{method} {path}: {}", answer.status);
            assert!(
                answer.headers.contains_key("x-content-type-options"),
                "{method} {path}"
            );
            if answer.status >= 400 && method != Method::HEAD {
                answer.problem();
            }
        }
    }
}

#[tokio::test]
async fn header_bombs_are_refused() {
    let service = Service::new().await;
    let mut many = Request::get("/health").body(Body::empty()).unwrap();
    for number in 0..150 {
        let name: http::HeaderName = format!("x-bomb-{number}").parse().unwrap();
        many.headers_mut().insert(name, "1".parse().unwrap());
    }
    let large = Request::get("/health").header("x-bomb", "x".repeat(20_000));
    for request in [many, large.body(Body::empty()).unwrap()] {
        let answer = service.send(request).await;
        assert_eq!(
            (answer.status, answer.problem()["code"].clone()),
            (431, json!("headers_too_large"))
        );
    }
    let raw = Request::get("/me").header("authorization", &b"Bearer \xFF\xFE"[..]);
    let answer = service.send(raw.body(Body::empty()).unwrap()).await;
    assert!(matches!(answer.status, 400 | 401), "{}", answer.status);
}

#[tokio::test]
async fn of_two_hosts_neither_is_believed() {
    let mut request = Request::get("/health").body(Body::empty()).unwrap();
    for host in ["a.example", "b.example"] {
        request.headers_mut().append("host", host.parse().unwrap());
    }
    let answer = Service::new().await.send(request).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.problem()["code"], "several_hosts");
}

/// A body that is announced and does not come.
struct Absent {
    announced: u64,
}

impl http_body::Body for Absent {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.announced)
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_not_waited_for_without_end() {
    let service = Service::new().await;
    let cases = [
        (20_000, 0, 413, "payload_too_large"),
        (u64::MAX, 0, 413, "payload_too_large"),
        (2, 60, 408, "request_timeout"),
    ];
    for (announced, seconds, status, code) in cases {
        let body = Body::new(Absent { announced });
        let sent = service.post_raw("/login", "application/json", body);
        let answer = timeout(Duration::from_secs(seconds), sent).await.unwrap();
        assert_eq!(answer.status, status, "{announced}");
        assert_eq!(answer.problem()["code"], code, "{announced}");
    }
}

#[tokio::test]
async fn past_the_rate_limit_is_429() {
    let service = Service::with(&[("RATE_LIMIT", "3")]).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = service.get("/health", None).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            let wait: u64 = answer.headers["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert!(answer.headers.contains_key("strict-transport-security"));
            answer.problem();
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn a_client_does_not_choose_its_address() {
    let forwarded = |client: u8| {
        let request =
            Request::get("/health").header("x-forwarded-for", format!("192.0.2.{client}"));
        request.body(Body::empty()).unwrap()
    };
    let limit = ("RATE_LIMIT", "1");
    let untrusting = Service::with(&[limit]).await;
    let trusting = Service::with(&[limit, ("TRUSTED_PROXIES", "127.0.0.1/32, 10.0.0.0/8")]).await;
    for (service, second) in [(untrusting, 429), (trusting, 200)] {
        assert_eq!(service.send(forwarded(1)).await.status, 200);
        assert_eq!(service.send(forwarded(2)).await.status, second);
        assert_eq!(service.send(forwarded(1)).await.status, 429);
    }
}

#[tokio::test]
async fn requests_from_other_sites_are_refused() {
    let service = Service::new().await;
    let login = |name: &str, value: &str| {
        let request = Request::post("/login")
            .header("host", "127.0.0.1:3000")
            .header(name, value);
        request
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap()
    };
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:3000", 422),
        ("sec-fetch-site", "same-origin", 422),
    ] {
        let answer = service.send(login(name, value)).await;
        assert_eq!(answer.status, status, "{name}: {value}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_page_has_a_fresh_nonce_a_checked_script_and_a_token() {
    let service = Service::new().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = service.get("/", None).await;
        assert_eq!(page.status, 200);
        let policy = page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned();
        assert!(
            page.body.contains(&format!("nonce=\"{nonce}\"")),
            "{}",
            page.body
        );
        assert!(page.body.contains("integrity=\"sha384-"));
        let cookie = page.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        for flag in ["Secure", "HttpOnly", "SameSite", "Path=/"] {
            assert!(cookie.contains(flag), "{flag}: {cookie}");
        }
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn the_page_logs_in_with_its_token_only() {
    let service = Service::new().await;
    service.register("ann@example.com").await;
    let page = service.get("/", None).await;
    let cookie = page.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let token = page.body.split("csrf-token\" content=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap().to_owned();
    let login = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
    let send = |token: Option<String>| {
        let mut request = Request::post("/page/login")
            .header("content-type", "application/json")
            .header("cookie", &cookie);
        if let Some(token) = token {
            request = request.header("x-csrf-token", token);
        }
        service.send(request.body(Body::from(login.clone())).unwrap())
    };
    assert_eq!(send(None).await.status, 403);
    assert_eq!(send(Some("forged".to_owned())).await.status, 403);
    assert_eq!(send(Some(token)).await.status, 200);
}

#[test]
fn configuration_that_is_wrong_is_an_error() {
    let read = |name: &'static str, value: &'static str| {
        Config::from_env(move |asked| (asked == name).then(|| value.to_owned()))
    };
    for (name, value) in [
        ("PORT", "70000"),
        ("RATE_LIMIT", "0"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,home"),
        ("TRUSTED_PROXIES", "10.0.0.7/8"),
        ("BAN_AFTER", "never"),
        ("STORE", "postgres://host"),
        ("ANONYMOUS_STORE", "postgres://host"),
    ] {
        assert!(read(name, value).unwrap_err().contains(name));
    }
    assert_eq!(read("PORT", "").unwrap().port, 3000);
    assert!(read("STORE", "redis://127.0.0.1").is_ok());
    let apart = Config::from_env(|asked| match asked {
        "STORE" => Some("redis://127.0.0.1:1".to_owned()),
        "ANONYMOUS_STORE" => Some("redis://127.0.0.1:2".to_owned()),
        _ => None,
    });
    assert!(apart.is_ok());
    assert_eq!(
        read("TRUSTED_PROXIES", "::1, 10.0.0.0/8")
            .unwrap()
            .trusted_proxies
            .len(),
        2
    );
}

/// Whatever an object has.
struct Anything;

impl Form for Anything {
    fn read(_fields: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

#[tokio::test]
async fn a_name_that_comes_twice_is_refused_without_a_firewall() {
    for (body, expected) in [
        (r#"{"email": "ann@example.com"}"#, Ok(())),
        (r#"{"email": "ann", "email": "eve"}"#, Err("malformed_json")),
        (r#"{"a": {"b": 1, "\u0062": 2}}"#, Err("malformed_json")),
        ("{", Err("malformed_json")),
        ("[]", Err("not_an_object")),
    ] {
        let request = Request::post("/")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let found = Json::<Anything>::from_request(request, &()).await;
        let found = found.map(drop).map_err(|refused| refused.code().to_owned());
        assert_eq!(found, expected.map_err(str::to_owned), "{body}");
    }
}
