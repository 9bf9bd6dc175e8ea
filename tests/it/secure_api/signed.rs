//! Signed requests to the example service.

use super::login::{Client, text};
use super::{Answer, Service};
use axum::body::{Body, Bytes};
use http::Request;
use http::request::Parts;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::signing::Signer;
use portcullis::signing::api::ApiSigner;
use portcullis::signing::webhook::{WebhookScheme, WebhookSecret, WebhookSigner};
use serde_json::json;

const ANN: &str = "ann@example.com";
const ORDER: &str = r#"{"item": "apples", "count": 12}"#;

/// An order that is not signed yet.
fn order() -> Parts {
    let request = Request::post("/api/orders")
        .header("host", "127.0.0.1:3000")
        .header("content-type", "application/json");
    request.body(()).unwrap().into_parts().0
}

async fn send(service: &Service, parts: &Parts, body: &'static str) -> Answer {
    service
        .send(Request::from_parts(parts.clone(), Body::from(body)))
        .await
}

/// The id and the secret of a new signing key.
async fn signing_key(service: &Service, client: &Client) -> (String, SecretBytes) {
    signing_key_with(service, client, &[]).await
}

async fn signing_key_with(
    service: &Service,
    client: &Client,
    scopes: &[&str],
) -> (String, SecretBytes) {
    let new = json!({"name": "orders", "kind": "signing", "scopes": scopes});
    let created = client.ask(service, "POST /api-keys", Some(new)).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.json()["id"], created.json()["key_id"]);
    let secret = text(&created, "secret").into_bytes();
    (text(&created, "key_id"), SecretBytes::from(secret))
}

#[tokio::test]
async fn an_order_is_signed_by_either_way_and_taken_once() {
    let service = Service::new().await;
    let client = Client::bearer(&service.member(ANN).await);
    let (key_id, secret) = signing_key(&service, &client).await;
    let body = Bytes::from_static(ORDER.as_bytes());

    let mut by_scheme = order();
    let signer = ApiSigner::new(&key_id, &secret).unwrap();
    signer.sign(&mut by_scheme, &body).unwrap();
    let mut by_rfc = Request::from_parts(order(), ());
    *by_rfc.uri_mut() = "http://127.0.0.1:3000/api/orders".parse().unwrap();
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret).unwrap();
    let signer = Signer::new(key.with_key_id(key_id.as_str())).unwrap();
    signer.sign_request(&mut by_rfc, &body).unwrap();
    let (mut by_rfc, ()) = by_rfc.into_parts();
    by_rfc.uri = "/api/orders".parse().unwrap();

    for (name, signed) in [("by the scheme", &by_scheme), ("by RFC 9421", &by_rfc)] {
        let changed = send(&service, signed, r#"{"item": "apples", "count": 13}"#).await;
        assert_eq!(changed.status, 401, "{name}: changed");
        let taken = send(&service, signed, ORDER).await;
        assert_eq!(taken.status, 201, "{name}: {}", taken.body);
        assert_eq!(
            send(&service, signed, ORDER).await.status,
            401,
            "{name}: again"
        );
    }
    assert_eq!(
        send(&service, &order(), ORDER).await.status,
        401,
        "not signed"
    );
}

#[tokio::test]
async fn a_signing_key_orders_only_where_that_is_among_its_scopes() {
    let service = Service::new().await;
    let client = Client::bearer(&service.member(ANN).await);
    for (scopes, expected) in [
        (&[][..], 201),
        (&["orders:write"], 201),
        (&["me:read", "orders:write"], 201),
        (&["me:read"], 403),
    ] {
        let (key_id, secret) = signing_key_with(&service, &client, scopes).await;
        let mut by_scheme = order();
        let body = Bytes::from_static(ORDER.as_bytes());
        let signer = ApiSigner::new(&key_id, &secret).unwrap();
        signer.sign(&mut by_scheme, &body).unwrap();
        let answer = send(&service, &by_scheme, ORDER).await;
        assert_eq!(answer.status, expected, "{scopes:?}: {}", answer.body);
    }
}

/// Whoever knows an id could say otherwise that the key is in use.
#[tokio::test]
async fn a_key_is_used_when_it_has_signed() {
    let service = Service::new().await;
    let client = Client::bearer(&service.member(ANN).await);
    let (key_id, secret) = signing_key(&service, &client).await;
    let body = Bytes::from_static(ORDER.as_bytes());
    let forger = SecretBytes::from(vec![b'x'; 40]);
    for (secret, expected, is_used) in [(&forger, 401, false), (&secret, 201, true)] {
        let mut parts = order();
        let signer = ApiSigner::new(&key_id, secret).unwrap();
        signer.sign(&mut parts, &body).unwrap();
        assert_eq!(send(&service, &parts, ORDER).await.status, expected);
        let keys = client.get(&service, "/api-keys").await.json();
        assert_eq!(keys[0]["last_used"].is_null(), !is_used, "{keys}");
    }
}

/// Behind a proxy, what clients sign is what they see.
#[tokio::test]
async fn orders_are_for_this_host_and_no_other() {
    let service = Service::with(&[("ORIGIN", "https://api.example.com")]).await;
    let client = Client::bearer(&service.member(ANN).await);
    let (key_id, secret) = signing_key(&service, &client).await;
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret).unwrap();
    let signer = Signer::new(key.with_key_id(key_id.as_str())).unwrap();
    for (uri, expected) in [
        ("https://api.example.com/api/orders", 201),
        ("https://other.example/api/orders", 401),
        ("http://127.0.0.1:3000/api/orders", 401),
    ] {
        let mut request = Request::from_parts(order(), ());
        *request.uri_mut() = uri.parse().unwrap();
        signer.sign_request(&mut request, ORDER.as_bytes()).unwrap();
        let (mut parts, ()) = request.into_parts();
        parts.uri = "/api/orders".parse().unwrap();
        let answer = send(&service, &parts, ORDER).await;
        assert_eq!(answer.status, expected, "{uri}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_signing_key_lets_nobody_in_and_ends_at_once() {
    let service = Service::new().await;
    let client = Client::bearer(&service.member(ANN).await);
    let (key_id, secret) = signing_key(&service, &client).await;
    let as_bearer = Client::key(str::from_utf8(secret.expose()).unwrap());
    assert_eq!(as_bearer.get(&service, "/me").await.status, 401);

    let end = format!("DELETE /api-keys/{key_id}");
    assert_eq!(client.ask(&service, &end, None).await.status, 204);
    let mut parts = order();
    let body = Bytes::from_static(ORDER.as_bytes());
    let signer = ApiSigner::new(&key_id, &secret).unwrap();
    signer.sign(&mut parts, &body).unwrap();
    assert_eq!(send(&service, &parts, ORDER).await.status, 401);
    let wrong = json!({"name": "x", "kind": "skeleton"});
    let wrong = client.ask(&service, "POST /api-keys", Some(wrong)).await;
    assert_eq!(wrong.problem()["errors"][0]["pointer"], "/kind");
}

#[tokio::test]
async fn webhooks_are_taken_of_the_schemes_that_have_a_secret() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let service = Service::with(&[("WEBHOOK_SECRET_STANDARD_WEBHOOKS", secret)]).await;
    let secret = WebhookSecret::new(WebhookScheme::StandardWebhooks, &SecretString::from(secret));
    let signer = WebhookSigner::new([secret.unwrap()]).unwrap();
    let event = r#"{"type": "invoice.paid"}"#;
    let headers = signer.sign("msg_1", event.as_bytes()).unwrap();
    let mut parts = order();
    parts.uri = "/webhooks/standard-webhooks".parse().unwrap();
    parts.headers.extend(headers);
    assert_eq!(
        send(&service, &parts, "{}").await.status,
        401,
        "another body"
    );
    assert_eq!(send(&service, &parts, event).await.status, 200);
    assert_eq!(send(&service, &parts, event).await.status, 401, "again");
    parts.uri = "/webhooks/stripe".parse().unwrap();
    assert_eq!(send(&service, &parts, event).await.status, 404);
}
