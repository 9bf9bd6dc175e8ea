//! Who attacks the example service is shut out, and let in again by the administrator.

use super::{PASSWORD, Service};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

const VARIABLES: &[(&str, &str)] = &[("BAN_AFTER", "3"), ("TRUSTED_PROXIES", "127.0.0.1")];

impl Service {
    async fn ask_from(
        &self,
        client: &str,
        request: http::request::Builder,
        body: &Value,
    ) -> (u16, Value) {
        let request = request
            .header("x-forwarded-for", client)
            .header("content-type", "application/json");
        let body = Body::from(body.to_string());
        let answer = self.send(request.body(body).unwrap()).await;
        let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        (answer.status, value)
    }

    async fn guess(&self, client: &str) -> u16 {
        let wrong = json!({"email": "ann@example.com", "password": "guess"});
        self.ask_from(client, Request::post("/login"), &wrong)
            .await
            .0
    }
}

#[tokio::test]
async fn who_guesses_passwords_is_banned_until_an_administrator_lifts_it() {
    let service = Service::with(VARIABLES).await;
    let admin = service.member("admin@example.com").await;
    for _ in 0..3 {
        assert_eq!(service.guess("192.0.2.7").await, 401);
    }
    let login = json!({"email": "admin@example.com", "password": PASSWORD});
    let (status, problem) = service
        .ask_from("192.0.2.7", Request::post("/login"), &login)
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("banned")),
        "also with the right one"
    );
    assert_eq!(service.guess("192.0.2.8").await, 401, "another client");

    let as_admin = |request: http::request::Builder| {
        request.header("authorization", format!("Bearer {admin}"))
    };
    let list = as_admin(Request::get("/admin/bans"));
    let (status, bans) = service.ask_from("192.0.2.1", list, &Value::Null).await;
    assert_eq!(
        (status, &bans[0]["subject"]),
        (200, &json!("network:192.0.2.7/32"))
    );
    let lift = as_admin(Request::delete("/admin/bans?subject=network:192.0.2.7/32"));
    assert_eq!(
        service.ask_from("192.0.2.1", lift, &Value::Null).await.0,
        204
    );
    assert_eq!(service.guess("192.0.2.7").await, 401);
}

#[tokio::test]
async fn bans_are_for_administrators_alone() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    assert_eq!(service.get("/admin/bans", Some(&ann)).await.status, 403);
    assert_eq!(service.get("/admin/bans", None).await.status, 401);
}

#[tokio::test]
async fn clients_of_this_machine_are_banned_too() {
    let service = Service::with(&[("BAN_AFTER", "3")]).await;
    let wrong = json!({"email": "ann@example.com", "password": "guess"});
    for expected in [401, 401, 401, 403] {
        assert_eq!(service.post("/login", &wrong).await.status, expected);
    }
}
