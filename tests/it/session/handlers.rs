//! Logging in and out from handlers of axum.

use super::*;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use portcullis::authn::session::remember::RememberMe;
use portcullis::guard::Rejection;

#[derive(Clone)]
struct App {
    sessions: Sessions,
    remember: RememberMe,
    time: FakeClock,
}

async fn log_in(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<impl IntoResponse, SessionError> {
    let proof = Authentication::new(app.time.clock().now()).with_method(Method::Password);
    let session = app
        .sessions
        .login(&visitor, &Principal::new("ann", proof))
        .await?;
    let session = app.remember.issue(&visitor, session).await?;
    Ok((StatusCode::CREATED, session, "welcome"))
}

async fn resume(State(app): State<App>, visitor: Visitor) -> Result<impl IntoResponse, Rejection> {
    let Some(remembered) = app.remember.recall(&visitor).await? else {
        return Err(Rejection::new(
            portcullis::guard::RejectionKind::Unauthenticated,
        ));
    };
    let principal = Principal::new(remembered.user(), remembered.authentication());
    Ok(remembered.log_in(&visitor, &principal).await?)
}

async fn log_out(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<impl IntoResponse, SessionError> {
    Ok((app.sessions.logout(&visitor).await?, StatusCode::NO_CONTENT))
}

/// A browser with a jar of cookies.
struct Browser {
    app: Router,
    jar: std::collections::BTreeMap<String, String>,
}

impl Browser {
    async fn send(&mut self, request: http::request::Builder) -> http::Response<Body> {
        let mut request = request.body(Body::empty()).unwrap();
        for (name, value) in &self.jar {
            let cookie = HeaderValue::from_str(&format!("{name}={value}")).unwrap();
            request.headers_mut().append(header::COOKIE, cookie);
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = pair(set);
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    async fn post(&mut self, path: &str) -> StatusCode {
        self.send(Request::post(path)).await.status()
    }

    async fn me(&mut self) -> StatusCode {
        self.send(Request::get("/me")).await.status()
    }
}

fn browser() -> (House, Browser) {
    let house = House::new();
    let app = App {
        sessions: house.sessions.clone(),
        remember: RememberMe::new(house.sessions.clone()),
        time: house.time.clone(),
    };
    let app = Router::new()
        .route("/login", post(log_in))
        .route("/resume", post(resume))
        .route("/logout", post(log_out))
        .route(
            "/me",
            get(async |principal: Principal| principal.id().to_owned()),
        )
        .layer(AuthenticateLayer::new(house.sessions.clone()).allow_anonymous())
        .with_state(app);
    let jar = Default::default();
    (house, Browser { app, jar })
}

#[tokio::test]
async fn a_browser_logs_in_is_remembered_and_logs_out() {
    let (house, mut browser) = browser();
    assert_eq!(browser.me().await, StatusCode::UNAUTHORIZED);
    let response = browser.send(Request::post("/login")).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(browser.jar.len(), 2);
    assert_eq!(browser.me().await, StatusCode::OK);

    // The session times out; the browser is remembered.
    house.time.advance(DAY);
    assert_eq!(browser.me().await, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.jar.len(), 1, "the dead cookie is gone");
    assert_eq!(browser.post("/resume").await, StatusCode::OK);
    assert_eq!(browser.me().await, StatusCode::OK);

    assert_eq!(browser.post("/logout").await, StatusCode::NO_CONTENT);
    assert!(browser.jar.is_empty());
    assert_eq!(browser.me().await, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.post("/resume").await, StatusCode::UNAUTHORIZED);
    let remember = RememberMe::new(house.sessions.clone());
    assert!(remember.list("ann").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_login_with_a_dead_cookie_keeps_the_new_one() {
    let (house, mut browser) = browser();
    browser.post("/login").await;
    house.time.advance(DAY);
    // The layer takes the dead cookie away, and the handler sets a new one of that name.
    let response = browser.send(Request::post("/login")).await;
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    let sessions = set.filter(|set| set.as_bytes().starts_with(b"__Host-session="));
    assert_eq!(sessions.count(), 1);
    assert_eq!(browser.me().await, StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_in_a_handler_takes_the_cookie_away() {
    let (_house, mut browser) = browser();
    browser
        .jar
        .insert(format!("{COOKIE}-remember"), "A".repeat(86));
    let response = browser.send(Request::post("/resume")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.code(), "session_ended");
    assert!(browser.jar.is_empty());
}
