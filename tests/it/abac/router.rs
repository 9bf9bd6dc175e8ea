use super::*;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use http::Request;
use portcullis::authz::abac::{Allowed, ConfigError, GuardedRouter, LoadError, extracted};
use portcullis::guard::Rejection;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt;

async fn show(allowed: Allowed<Document>, context: Context) -> String {
    format!("{} at {}", allowed.id, context.hour())
}

fn routes(called: &Arc<AtomicUsize>) -> GuardedRouter {
    let loader = extracted(async |Path(id): Path<u64>| {
        let department = if id == 1 { "sales" } else { "legal" };
        Ok::<_, LoadError>((id < 3).then(|| document(id, department)))
    });
    let called = Arc::clone(called);
    GuardedRouter::new()
        .get("/health", async || "fine")
        .open()
        .get("/documents/{id}", show)
        .behind(authz().require_on("documents:read", loader).unwrap())
        .delete("/documents/{id}", async move || {
            called.fetch_add(1, Ordering::SeqCst);
        })
}

async fn send(app: &Router, method: &str, path: &str, who: Option<Principal>) -> (u16, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    if let Some(who) = who {
        request.extensions_mut().insert(who);
    }
    let response = app.clone().oneshot(request).await.unwrap();
    let reason = response
        .extensions()
        .get::<Rejection>()
        .and_then(Rejection::reason);
    let reason = reason.unwrap_or_default().to_owned();
    (response.status().as_u16(), reason)
}

#[tokio::test]
async fn a_route_without_a_rule_is_listed_and_denied() {
    let called = Arc::new(AtomicUsize::new(0));
    let routes = routes(&called);
    assert_eq!(routes.unguarded(), ["DELETE /documents/{id}"]);
    let app = routes.into_router().unwrap();
    let ann = || Some(principal("sales", &["manager"]));
    for (name, method, path, who, status) in [
        ("open", "GET", "/health", None, 200),
        ("own", "GET", "/documents/1", ann(), 200),
        ("own, the head alone", "HEAD", "/documents/1", ann(), 200),
        ("not own", "GET", "/documents/2", ann(), 403),
        ("not there", "GET", "/documents/3", ann(), 404),
        ("no id", "GET", "/documents/x", ann(), 400),
        ("anonymous", "GET", "/documents/1", None, 401),
        ("no rule", "DELETE", "/documents/1", ann(), 403),
        ("no rule, anonymous", "DELETE", "/documents/1", None, 403),
        ("no route", "PUT", "/documents/1", ann(), 405),
        ("no path", "GET", "/elsewhere", ann(), 404),
    ] {
        let (found, reason) = send(&app, method, path, who).await;
        assert_eq!(found, status, "{name}: {reason}");
        if name.starts_with("no rule") {
            assert_eq!(reason, "no rule stands in front of DELETE /documents/{id}");
        }
    }
    assert_eq!(called.load(Ordering::SeqCst), 0);
}

#[test]
fn a_route_that_is_there_twice_is_an_error() {
    let twice = GuardedRouter::<()>::new()
        .get("/a", async || "one")
        .open()
        .merge(GuardedRouter::new().get("/a", async || "two").open());
    let error = twice.into_router().unwrap_err();
    assert_eq!(error, ConfigError::DuplicateRoute("GET /a".to_owned()));
}

#[tokio::test]
async fn a_handler_that_wants_a_row_is_not_reached_without_the_layer() {
    let app = Router::new().route("/documents/{id}", axum::routing::get(show));
    let (status, reason) = send(&app, "GET", "/documents/1", Some(principal("sales", &[]))).await;
    assert_eq!(status, 500, "{reason}");
    assert!(reason.contains("require_on"), "{reason}");
}
