//! A client whose requests are signed, and one server that takes no others: signed API requests
//! by HMAC, and HTTP Message Signatures (RFC 9421) in both directions.
//!
//! ```console
//! $ cargo run --example signed_client --features full
//! ```
//!
//! With an address it only serves, with the key `partner-1` and the secret of `SIGNING_SECRET`,
//! for the clients in Python and JavaScript under `examples/clients/`:
//!
//! ```console
//! $ export SIGNING_SECRET=$(openssl rand -base64 32)
//! $ cargo run --example signed_client --features full -- 127.0.0.1:8080 &
//! $ examples/clients/signed_request.py partner-1 POST 'http://127.0.0.1:8080/orders?dry=1' apples
//! 200 partner-1 ordered apples
//! ```
//!
//! With the id of a key and a URL it orders from a running service, such as the example
//! `secure_api`, whose `POST /api-keys {"name": "orders", "kind": "signing"}` gives `key_id` and
//! `secret`:
//!
//! ```console
//! $ export SIGNING_SECRET=...
//! $ cargo run --example signed_client --features full -- KEY_ID http://127.0.0.1:3000/api/orders
//! ```

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use portcullis::crypto::keys::{Algorithm, KnownKey, SigningKey, StaticKeys};
use portcullis::secret::SecretBytes;
use portcullis::signing::api::{ApiSignatureLayer, ApiSigner, ApiVerifier, VerifiedApiRequest};
use portcullis::signing::{
    Policy, SignLayer, SignResponseLayer, SignedBody, Signer, Verified, Verifier,
    VerifyResponseLayer, VerifySignatureLayer,
};
use portcullis::store::Store;
use std::error::Error;
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder, ServiceExt};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const KEY_ID: &str = "partner-1";

/// What both sides know.
fn secret() -> SecretBytes {
    match std::env::var("SIGNING_SECRET") {
        Ok(secret) => secret.into_bytes().into(),
        Err(_) => portcullis::random::Random::secure()
            .bytes::<32>()
            .as_slice()
            .into(),
    }
}

fn signer(key_id: &str, secret: &SecretBytes) -> Outcome<Signer> {
    let key = SigningKey::from_secret(Algorithm::Hs256, secret)?;
    Ok(Signer::new(key.with_key_id(key_id))?)
}

fn keys(secret: &SecretBytes) -> Outcome<StaticKeys> {
    Ok(StaticKeys::new().with(KEY_ID, KnownKey::shared_secret(secret)?))
}

/// The server, as its clients reach it at `address`.
fn server(secret: &SecretBytes, address: &str) -> Outcome<Router> {
    let store = Store::memory();
    let by_hmac = ApiSignatureLayer::new(ApiVerifier::new(keys(secret)?, store.clone()));
    let verifier = Verifier::new(Policy::request(), keys(secret)?, store);
    // This example leaves out TLS, so what clients sign begins with http.
    let by_rfc_9421 = ServiceBuilder::new()
        .layer(
            SignResponseLayer::new(signer(KEY_ID, secret)?.without_nonce())
                .origin("http", address)?,
        )
        .layer(VerifySignatureLayer::new(verifier).origin("http", address)?);
    Ok(Router::new()
        .route("/orders", post(order).layer(by_hmac))
        .route(
            "/rfc9421/orders",
            post(order_by_rfc_9421).layer(by_rfc_9421),
        ))
}

/// It asks for the proof, so no request without one gets here.
async fn order(proof: VerifiedApiRequest, what: String) -> String {
    format!("{} ordered {what}", proof.key_id())
}

async fn order_by_rfc_9421(proof: Verified, what: String) -> String {
    format!("{} ordered {what}", proof.key_id())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let secret = secret();
    let (told, url) = (std::env::args().nth(1), std::env::args().nth(2));
    if let (Some(key_id), Some(url)) = (&told, url) {
        return order_from(&url, key_id, &secret).await;
    }
    let listener = TcpListener::bind(told.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let address = listener.local_addr()?.to_string();
    let app = server(&secret, &address)?;
    if told.is_some() {
        println!("listening on http://{address}");
        return Ok(axum::serve(listener, app).await?);
    }
    tokio::spawn(async move { axum::serve(listener, app).await });

    let http = Client::builder(TokioExecutor::new()).build_http();
    let order = |path: &str| {
        let request = Request::post(format!("http://{address}{path}"));
        request.body(Body::from("apples"))
    };

    let by_hmac = ServiceBuilder::new()
        .layer(SignLayer::new(ApiSigner::new(KEY_ID, &secret)?))
        .service(http.clone());
    let response = by_hmac.oneshot(order("/orders?dry=1")?).await?;
    show("by HMAC", response.map(Body::new)).await?;

    let answers = Verifier::insecure_without_replay_control(Policy::response(), keys(&secret)?);
    let by_rfc_9421 = ServiceBuilder::new()
        .layer(SignLayer::new(signer(KEY_ID, &secret)?))
        .layer(VerifyResponseLayer::new(answers))
        .service(http.clone());
    let response = by_rfc_9421.oneshot(order("/rfc9421/orders")?).await?;
    show("by RFC 9421, both ways", response.map(Body::new)).await?;

    let unsigned = order("/orders")?.map(|_| SignedBody::<Body>::default());
    show("unsigned", http.request(unsigned).await?.map(Body::new)).await
}

/// Orders from a running service: signed by either way, and not at all.
async fn order_from(url: &str, key_id: &str, secret: &SecretBytes) -> Outcome<()> {
    let order = || {
        let request = Request::post(url).header(CONTENT_TYPE, "application/json");
        request.body(Body::from(r#"{"item": "apples", "count": 12}"#))
    };
    let http = Client::builder(TokioExecutor::new()).build_http();
    let by_hmac = SignLayer::new(ApiSigner::new(key_id, secret)?).layer(http.clone());
    let response = by_hmac.oneshot(order()?).await?;
    show("by HMAC", response.map(Body::new)).await?;
    let by_rfc_9421 = SignLayer::new(signer(key_id, secret)?).layer(http.clone());
    let response = by_rfc_9421.oneshot(order()?).await?;
    show("by RFC 9421", response.map(Body::new)).await?;
    let unsigned = order()?.map(|_| SignedBody::<Body>::default());
    show("unsigned", http.request(unsigned).await?.map(Body::new)).await
}

async fn show(name: &str, response: Response<Body>) -> Outcome<()> {
    let status = response.status();
    let told = response.into_body().collect().await?.to_bytes();
    println!("{name}: {status} {}", String::from_utf8_lossy(&told));
    Ok(())
}
