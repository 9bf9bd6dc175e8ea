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

#[tokio::test]
async fn a_banned_user_is_so_from_any_address() {
    let service = Service::with(VARIABLES).await;
    let admin = service.member("admin@example.com").await;
    let ann = service.member("ann@example.com").await;
    let id = service.get("/me", Some(&ann)).await.json()["id"].clone();
    let as_admin = |request: http::request::Builder| {
        request.header("authorization", format!("Bearer {admin}"))
    };
    let ban = async |subject: &str| {
        let order = json!({"subject": subject, "seconds": 3600, "reason": "a stolen account"});
        let request = as_admin(Request::post("/admin/bans"));
        service.ask_from("192.0.2.1", request, &order).await.0
    };
    let me = async |client: &str| {
        let request = Request::get("/me").header("authorization", format!("Bearer {ann}"));
        let (status, problem) = service.ask_from(client, request, &Value::Null).await;
        (status, problem["code"].clone())
    };
    assert_eq!(me("192.0.2.2").await.0, 200);
    let subject = format!("principal:{}", id.as_str().unwrap());
    assert_eq!(ban(&subject).await, 201);
    for client in ["192.0.2.2", "192.0.2.3"] {
        assert_eq!(me(client).await, (403, json!("banned")), "{client}");
    }
    assert_eq!(service.get("/me", Some(&admin)).await.status, 200);
    // What no layer looks up is refused, rather than listed and never noticed.
    assert_eq!(ban("credential:k1").await, 422);
    assert_eq!(ban("fingerprint:t13d").await, 422);
    let lift = as_admin(Request::delete(format!("/admin/bans?subject={subject}")));
    let (status, _) = service.ask_from("192.0.2.1", lift, &Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(me("192.0.2.2").await.0, 200);
}

#[tokio::test]
async fn a_page_of_another_site_gets_none_of_its_visitors_banned() {
    let service = Service::with(VARIABLES).await;
    let image = |path: &str| {
        Request::get(path)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "no-cors")
            .header("sec-fetch-dest", "image")
    };
    let attack = "/health?q=%3Cscript%3Ealert(1)%3C/script%3E";
    let mut last = 0;
    for _ in 0..10 {
        last = service
            .ask_from("192.0.2.7", image(attack), &Value::Null)
            .await
            .0;
    }
    assert_eq!(last, 403);
    let own = Request::get("/health").header("sec-fetch-site", "none");
    let (status, _) = service.ask_from("192.0.2.7", own, &Value::Null).await;
    assert_eq!(status, 200, "who saw the page goes on");
    let (status, problem) = service
        .ask_from("192.0.2.7", image("/health"), &Value::Null)
        .await;
    assert_eq!((status, &problem["code"]), (403, &json!("banned")));
    // A scanner that does not call itself a page is banned as ever.
    let scan = || Request::get(attack);
    for _ in 0..3 {
        service.ask_from("192.0.2.8", scan(), &Value::Null).await;
    }
    let plain = Request::get("/health");
    let (status, problem) = service.ask_from("192.0.2.8", plain, &Value::Null).await;
    assert_eq!((status, &problem["code"]), (403, &json!("banned")));
}
