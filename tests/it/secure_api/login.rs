//! The ways in and out of the example service: second factors, sessions, API keys.

use super::lifecycle::{noticed, with_mail};
use super::{Answer, PASSWORD, Service};
use axum::body::Body;
use http::Request;
use portcullis::clock::Clock;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

/// One client: the credentials that it sends.
#[derive(Clone, Default)]
pub(super) struct Client {
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(super) fn bearer(token: &str) -> Self {
        Self {
            headers: vec![("authorization", format!("Bearer {token}"))],
        }
    }

    /// The browser that got this answer.
    pub(super) fn browser(answer: &Answer) -> Self {
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        Self {
            headers: vec![("cookie", cookie.split(';').next().unwrap().to_owned())],
        }
    }

    pub(super) fn cookie(cookie: &str) -> Self {
        Self {
            headers: vec![("cookie", cookie.to_owned())],
        }
    }

    pub(super) fn key(key: &str) -> Self {
        Self {
            headers: vec![("x-api-key", key.to_owned())],
        }
    }

    /// One that sends what the other does, too.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.headers.extend(other.headers);
        self
    }

    pub(super) async fn ask(&self, service: &Service, what: &str, body: Option<Value>) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        service.send(request.body(body).unwrap()).await
    }

    pub(super) async fn get(&self, service: &Service, path: &str) -> Answer {
        self.ask(service, &format!("GET {path}"), None).await
    }
}

impl Service {
    pub(super) async fn log_in(&self, email: &str) -> Answer {
        let login = json!({"email": email, "password": PASSWORD});
        self.post("/login", &login).await
    }
}

pub(super) fn text(answer: &Answer, name: &str) -> String {
    let value = &answer.json()[name];
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no {name} in {}", answer.body))
        .to_owned()
}

/// What the app shows so many steps from now.
fn code(otpauth_uri: &str, steps: u64) -> String {
    let query = otpauth_uri.split_once('?').unwrap().1;
    let secret = query.split('&').find_map(|it| it.strip_prefix("secret="));
    let secret = totp_rs::Secret::try_from_base32(secret.unwrap()).unwrap();
    let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = Clock::system().now().unix_seconds();
    app.generate(now + 30 * steps).to_string()
}

/// An account with an app: the URI of its secret and its recovery codes.
async fn enrolled(service: &Service) -> (String, Vec<String>) {
    let client = Client::bearer(&service.member(ANN).await);
    let enrolment = client.ask(service, "POST /totp/enrol", None).await;
    assert_eq!(enrolment.status, 200, "{}", enrolment.body);
    assert_eq!(enrolment.headers["cache-control"], "no-store");
    let uri = text(&enrolment, "otpauth_uri");
    assert!(text(&enrolment, "qr_svg").starts_with("<svg"));
    let body = json!({"code": code(&uri, 0)});
    let confirmed = client.ask(service, "POST /totp/confirm", Some(body)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let codes = confirmed.json()["recovery_codes"].clone();
    (uri, serde_json::from_value(codes).unwrap())
}

/// The token of a login that has passed the first factor.
async fn half_way(service: &Service) -> String {
    let answer = service.log_in(ANN).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["mfa_required"], true);
    assert_eq!(body["methods"], json!(["totp", "recovery"]));
    assert!(body.get("access_token").is_none());
    assert!(!answer.headers.contains_key("set-cookie"));
    text(&answer, "mfa_token")
}

#[tokio::test]
async fn who_has_enrolled_an_app_needs_it() {
    let service = Service::new().await;
    let (uri, _) = enrolled(&service).await;
    let mfa_token = half_way(&service).await;

    let nobody = Client::bearer(&mfa_token).get(&service, "/me").await;
    assert_eq!(
        nobody.status, 401,
        "the token of a half login is no credential"
    );

    let step = |code: String| json!({"mfa_token": mfa_token.clone(), "code": code});
    let used = service.post("/login/totp", &step(code(&uri, 0))).await;
    assert_eq!(
        (used.status, used.problem()["code"].clone()),
        (401, json!("wrong_code"))
    );
    let finished = service.post("/login/totp", &step(code(&uri, 1))).await;
    assert_eq!(finished.status, 200, "{}", finished.body);
    let me = Client::browser(&finished).get(&service, "/me").await;
    assert_eq!((me.status, me.json()["email"].clone()), (200, json!(ANN)));
    let me = Client::bearer(&text(&finished, "access_token"));
    assert_eq!(me.get(&service, "/me").await.status, 200);

    let again = service.post("/login/totp", &step(code(&uri, 2))).await;
    assert_eq!(
        (again.status, again.problem()["code"].clone()),
        (401, json!("invalid_mfa_token"))
    );
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let (service, mails) = with_mail().await;
    let (_, codes) = enrolled(&service).await;
    let step = |mfa_token: String| json!({"mfa_token": mfa_token, "code": codes[0]});
    let finished = service
        .post("/login/recovery", &step(half_way(&service).await))
        .await;
    assert_eq!(finished.status, 200, "{}", finished.body);
    assert_eq!(finished.json()["recovery_codes_left"], codes.len() - 1);
    let again = service
        .post("/login/recovery", &step(half_way(&service).await))
        .await;
    assert_eq!(again.status, 401);
    noticed(mails.path(), ANN, "account-recovery-code-used").await;
}

#[tokio::test]
async fn a_password_alone_does_not_change_the_second_factor() {
    let (service, mails) = with_mail().await;
    let one_factor = Client::bearer(&service.member(ANN).await);
    let enrolment = one_factor.ask(&service, "POST /totp/enrol", None).await;
    let uri = text(&enrolment, "otpauth_uri");
    let body = json!({"code": code(&uri, 0)});
    let confirmed = one_factor
        .ask(&service, "POST /totp/confirm", Some(body))
        .await;
    assert_eq!(confirmed.status, 200);

    for what in [
        "POST /totp/enrol",
        "DELETE /totp",
        "POST /recovery-codes",
        "POST /api-keys",
        "POST /password",
        "POST /email",
        "DELETE /me",
    ] {
        let key = (what == "POST /api-keys").then(|| json!({"name": "ci", "scopes": []}));
        let refused = one_factor.ask(&service, what, key).await;
        assert_eq!(refused.status, 401, "{what}");
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.contains("insufficient_user_authentication"),
            "{what}: {challenge}"
        );
    }

    let mfa_token = half_way(&service).await;
    let step = json!({"mfa_token": mfa_token, "code": code(&uri, 1)});
    let both = Client::browser(&service.post("/login/totp", &step).await);
    let new = both.ask(&service, "POST /recovery-codes", None).await;
    assert_eq!(new.status, 200, "{}", new.body);
    let key = Some(json!({"name": "ci", "scopes": []}));
    let key = both.ask(&service, "POST /api-keys", key).await;
    assert_eq!(key.status, 201, "{}", key.body);
    assert_eq!(both.ask(&service, "DELETE /totp", None).await.status, 204);
    for what in ["factor-added", "recovery-codes-replaced", "factor-removed"] {
        noticed(mails.path(), ANN, &format!("account-{what}")).await;
    }
    assert!(
        service
            .log_in(ANN)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
}

#[tokio::test]
async fn a_browser_that_enrolls_goes_on_with_both_factors() {
    let service = Service::new().await;
    service.register(ANN).await;
    let browser = Client::browser(&service.log_in(ANN).await);
    let enrolment = browser.ask(&service, "POST /totp/enrol", None).await;
    let body = json!({"code": code(&text(&enrolment, "otpauth_uri"), 0)});
    let confirmed = browser
        .ask(&service, "POST /totp/confirm", Some(body))
        .await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    assert_eq!(
        browser.get(&service, "/me").await.status,
        401,
        "the old cookie is dead"
    );
    let renewed = Client::browser(&confirmed);
    assert_eq!(
        renewed
            .ask(&service, "POST /recovery-codes", None)
            .await
            .status,
        200
    );
}

/// They have proved one factor, and there are two from now on.
#[tokio::test]
async fn other_logins_end_when_an_app_is_taken_in_use() {
    let service = Service::new().await;
    service.register(ANN).await;
    let elsewhere = service.log_in(ANN).await;
    let here = service.log_in(ANN).await;
    let client = Client::bearer(&text(&here, "access_token"));
    let enrolment = client.ask(&service, "POST /totp/enrol", None).await;
    let body = json!({"code": code(&text(&enrolment, "otpauth_uri"), 0)});
    let confirmed = client.ask(&service, "POST /totp/confirm", Some(body)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    assert_eq!(client.get(&service, "/me").await.status, 200);
    for ended in [
        Client::browser(&elsewhere),
        Client::bearer(&text(&elsewhere, "access_token")),
    ] {
        assert_eq!(ended.get(&service, "/me").await.status, 401);
    }
    let body = json!({"refresh_token": text(&elsewhere, "refresh_token")});
    assert_eq!(service.post("/token/refresh", &body).await.status, 401);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let service = Service::new().await;
    service.register(ANN).await;
    let (phone, laptop) = (service.log_in(ANN).await, service.log_in(ANN).await);
    let cookie = phone.headers["set-cookie"].to_str().unwrap();
    for part in [
        "__Host-session=",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let (phone, laptop) = (Client::browser(&phone), Client::browser(&laptop));

    let list = phone.get(&service, "/sessions").await.json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2);
    let current = |current: bool| {
        let found = list.iter().find(|it| it["current"] == current).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };

    service.register("bob@example.com").await;
    let bob = Client::browser(&service.log_in("bob@example.com").await);
    let end_laptop = format!("DELETE /sessions/{}", current(false));
    assert_eq!(
        bob.ask(&service, &end_laptop, None).await.status,
        404,
        "not his"
    );
    assert_eq!(laptop.get(&service, "/me").await.status, 200);

    assert_eq!(phone.ask(&service, &end_laptop, None).await.status, 204);
    assert_eq!(laptop.get(&service, "/me").await.status, 401);
    assert_eq!(phone.get(&service, "/me").await.status, 200);

    let out = phone.ask(&service, "POST /logout", None).await;
    assert_eq!(out.status, 204);
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(phone.get(&service, "/me").await.status, 401);
}

#[tokio::test]
async fn all_other_sessions_end_at_once() {
    let service = Service::new().await;
    service.register(ANN).await;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(Client::browser(&service.log_in(ANN).await));
    }
    let answer = browsers[1].ask(&service, "DELETE /sessions", None).await;
    assert_eq!(answer.status, 204);
    let mut statuses = Vec::new();
    for browser in &browsers {
        statuses.push(browser.get(&service, "/me").await.status);
    }
    assert_eq!(statuses, [401, 200, 401]);
}

#[tokio::test]
async fn an_api_key_does_what_its_scopes_say() {
    let service = Service::new().await;
    let ann = Client::bearer(&service.member(ANN).await);
    let new = json!({"name": "ci", "scopes": ["me:read"], "expires_in": 3600});
    let created = ann.ask(&service, "POST /api-keys", Some(new)).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.headers["cache-control"], "no-store");
    let (id, key) = (text(&created, "id"), text(&created, "key"));
    assert!(key.starts_with("secure_api_"), "{key}");

    let program = Client::key(&key);
    let me = program.get(&service, "/me").await;
    assert_eq!((me.status, me.json()["email"].clone()), (200, json!(ANN)));
    assert_eq!(Client::bearer(&key).get(&service, "/me").await.status, 200);
    for what in [
        "GET /notes",
        "GET /sessions",
        "GET /api-keys",
        "POST /logout",
        "POST /totp/enrol",
    ] {
        let refused = program.ask(&service, what, None).await;
        assert_eq!(refused.status, 403, "{what}: {}", refused.body);
    }
    let other = json!({"name": "another", "scopes": []});
    assert_eq!(
        program
            .ask(&service, "POST /api-keys", Some(other))
            .await
            .status,
        403
    );

    let list = ann.get(&service, "/api-keys").await;
    assert!(!list.body.contains(&key), "the text is shown once");
    assert_eq!(list.json()[0]["id"], json!(id));
    let bob = Client::bearer(&service.member("bob@example.com").await);
    let end = format!("DELETE /api-keys/{id}");
    assert_eq!(bob.ask(&service, &end, None).await.status, 404);
    assert_eq!(ann.ask(&service, &end, None).await.status, 204);
    assert_eq!(program.get(&service, "/me").await.status, 401);
}

#[tokio::test]
async fn a_key_cannot_be_asked_to_do_what_no_key_may() {
    let service = Service::new().await;
    let ann = Client::bearer(&service.member(ANN).await);
    let table = [
        (
            "unknown scope",
            json!({"name": "ci", "scopes": ["keys:manage"]}),
            "/scopes/0",
        ),
        ("no name", json!({"scopes": []}), "/name"),
        (
            "scopes of no list",
            json!({"name": "ci", "scopes": "me:read"}),
            "/scopes",
        ),
        (
            "number for text",
            json!({"name": "ci", "scopes": [7]}),
            "/scopes",
        ),
        (
            "forever",
            json!({"name": "ci", "expires_in": 10_000_000_000_u64}),
            "/expires_in",
        ),
        (
            "no time",
            json!({"name": "ci", "expires_in": 0}),
            "/expires_in",
        ),
        (
            "negative",
            json!({"name": "ci", "expires_in": -5}),
            "/expires_in",
        ),
    ];
    for (name, body, pointer) in table {
        let answer = ann.ask(&service, "POST /api-keys", Some(body)).await;
        assert_eq!(answer.status, 422, "{name}: {}", answer.body);
        assert_eq!(answer.problem()["errors"][0]["pointer"], pointer, "{name}");
    }
}
