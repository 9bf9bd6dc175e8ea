//! Logging in to the example service with a provider.

use super::server::{self, Connections};
use super::service::{self, Config, Stores};
use crate::oidc::http::{Browser, parameter};
use crate::oidc::idp::{CLIENT_ID, CLIENT_SECRET, Idp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

struct Running {
    origin: String,
    idp: Idp,
    server: AbortHandle,
}

impl Running {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let origin = format!("http://127.0.0.1:{port}");
        let backchannel = format!("{origin}/auth/oidc/backchannel");
        let idp = Idp::start(&origin, &[("IDP_BACKCHANNEL_URI", &backchannel)]).await;
        let issuer = idp.issuer();
        let variables = [
            ("PORT", &*port),
            ("RATE_LIMIT", "1000"),
            ("OIDC_ISSUER", &issuer),
            ("OIDC_CLIENT_ID", CLIENT_ID),
            ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
        ];
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let config = Config::from_env(variable).unwrap();
        let stores = Stores::open(&config).await.unwrap();
        let app = service::app(&config, stores).unwrap();
        let server =
            tokio::spawn(server::serve(listener, app, Connections::default())).abort_handle();
        Self {
            origin,
            idp,
            server,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    async fn log_in(&self, browser: &mut Browser) {
        let begun = browser
            .get(&self.url("/auth/oidc/login?return_to=/me"))
            .await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let callback = browser.authorize(begun.location()).await;
        let answer = browser.get(&callback).await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, "/me"),
            "{}",
            answer.body
        );
    }

    async fn me(&self, browser: &mut Browser) -> (u16, Value) {
        let answer = browser.get(&self.url("/me")).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }
}

impl Running {
    async fn delete_me(&self, browser: &mut Browser) -> u16 {
        let request = ::http::Request::delete(self.url("/me"))
            .header("origin", &self.origin)
            .header("cookie", browser.cookies_for(&self.origin))
            .body(http_body_util::Full::default())
            .unwrap();
        crate::oidc::http::send(request).await.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn users_log_in_and_out_with_the_provider() {
    let service = Running::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&service.url("/")).await;
    assert!(
        page.body
            .contains("<p ><a href=\"/auth/oidc/login?return_to=/\">")
    );
    let csp = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        csp.contains(&format!("form-action 'self' {}", service.idp.issuer())),
        "{csp}"
    );

    service.log_in(&mut browser).await;
    let (status, me) = service.me(&mut browser).await;
    assert_eq!(status, 200, "{me}");
    let expected = (json!(service.idp.issuer()), json!("alice"), Value::Null);
    assert_eq!(
        (
            me["issuer"].clone(),
            me["subject"].clone(),
            me["email"].clone()
        ),
        expected
    );

    // The session is like any other.
    let sessions = browser.get(&service.url("/sessions")).await;
    let sessions: Value = serde_json::from_str(&sessions.body).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");

    let out = browser.post(&service.url("/auth/oidc/logout"), &[]).await;
    assert_eq!(out.status, 303);
    assert!(
        out.location()
            .starts_with(&format!("{}/session/end?", service.idp.issuer()))
    );
    let after = parameter(out.location(), "post_logout_redirect_uri");
    assert_eq!(after, Some(service.url("/")));
    assert_eq!(service.me(&mut browser).await.0, 401);
    // Another login of the same user finds the same account.
    let mut other = Browser::default();
    service.log_in(&mut other).await;
    assert_eq!(service.me(&mut other).await.1["id"], me["id"]);
}

#[tokio::test]
async fn a_failed_callback_sets_no_session() {
    let service = Running::start().await;
    let mut browser = Browser::default();
    for path in [
        "/auth/oidc/callback",
        "/auth/oidc/callback?code=a&state=b",
        "/auth/oidc/callback?code=a&state=b&iss=http%3A%2F%2F127.0.0.1%3A1",
        "/auth/oidc/callback?error=access_denied&state=b",
        "/auth/oidc/login?return_to=//evil.example",
    ] {
        let answer = browser.get(&service.url(path)).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.cookies().is_empty(), "{path}");
    }
    assert_eq!(service.me(&mut browser).await.0, 401);
    // Another site's form logs nobody out, and the firewall looks at paths here, too.
    service.log_in(&mut browser).await;
    let cookie = browser.cookies_for(&service.origin);
    let forged = ::http::Request::post(service.url("/auth/oidc/logout"))
        .header("origin", "https://evil.example")
        .header("cookie", cookie)
        .body(http_body_util::Full::default())
        .unwrap();
    assert_eq!(crate::oidc::http::send(forged).await.status, 403);
    assert_eq!(service.me(&mut browser).await.0, 200);
}

#[tokio::test]
async fn the_provider_ends_a_session() {
    let service = Running::start().await;
    let mut browser = Browser::default();
    service.log_in(&mut browser).await;
    let issuer = service.idp.issuer();
    let page = browser.get(&format!("{issuer}/session/end")).await;
    let xsrf = page.body.split("name=\"xsrf\" value=\"").nth(1).unwrap();
    let xsrf = xsrf.split('"').next().unwrap().to_owned();
    let confirmed = format!("{issuer}/session/end/confirm");
    browser
        .post(&confirmed, &[("xsrf", &xsrf), ("logout", "yes")])
        .await;
    let until = Instant::now() + Duration::from_secs(10);
    while service.me(&mut browser).await.0 == 200 {
        assert!(Instant::now() < until, "the session goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_login_of_unknown_time_deletes_nothing() {
    let service = Running::start().await;
    let mut browser = Browser::default();
    let unknown = json!({"remove": ["auth_time"]});
    service.idp.tamper(&unknown).await;
    service.log_in(&mut browser).await;
    assert_eq!(service.delete_me(&mut browser).await, 401);
    // The way on: a login that has the provider say it.
    let again = service.url("/auth/oidc/login?return_to=/me&max_age=900");
    let begun = browser.get(&again).await;
    let callback = browser.authorize(begun.location()).await;
    assert_eq!(browser.get(&callback).await.status, 303);
    assert_eq!(service.delete_me(&mut browser).await, 204);
}

#[tokio::test]
async fn who_logs_in_with_the_provider_has_the_factors_there() {
    let service = Running::start().await;
    let mut browser = Browser::default();
    service.log_in(&mut browser).await;
    let enrolled = browser.post(&service.url("/totp/enrol"), &[]).await;
    assert_eq!(enrolled.status, 409, "{}", enrolled.body);
    assert!(enrolled.body.contains("factors_at_provider"));
}
