//! The clients in other languages, against a server on this machine.

use super::*;
use axum::Router;
use axum::routing::post;
use portcullis::signing::api::{ApiSignatureLayer, ApiVerifier, VerifiedApiRequest};
use tokio::net::TcpListener;
use tokio::process::Command;

const SECRET: &str = "not random, but long enough for this";

async fn server() -> String {
    let secret = SECRET.as_bytes().into();
    let keys = StaticKeys::new().with("partner-1", KnownKey::shared_secret(&secret).unwrap());
    let layer = ApiSignatureLayer::new(ApiVerifier::new(keys, Store::memory()));
    let order = async |proof: VerifiedApiRequest, what: String| {
        format!("{} ordered {what}", proof.key_id())
    };
    let app = Router::new()
        .route("/orders/{id}", post(order))
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/orders/a%20b?dry=1&of=%C3%A9")
}

/// What a client prints, or how it failed.
async fn run(program: &str, package: &str, script: &str, url: &str, secret: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clients");
    let output = Command::new(program)
        .arg(format!("{folder}/{script}"))
        .args(["partner-1", "POST", url, "apples for Zo\u{eb}"])
        .env("SIGNING_SECRET", secret)
        .output()
        .await
        .unwrap_or_else(|error| {
            panic!("this test needs {program} (Debian: apt-get install {package}): {error}")
        });
    let told = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    String::from_utf8(told).unwrap()
}

#[tokio::test]
async fn clients_in_other_languages_are_let_in() {
    let url = server().await;
    for (program, package, script) in [
        ("python3", "python3", "signed_request.py"),
        ("node", "nodejs", "signed_request.mjs"),
    ] {
        for _ in 0..2 {
            let told = run(program, package, script, &url, SECRET).await;
            assert_eq!(
                told, "200 partner-1 ordered apples for Zo\u{eb}\n",
                "{program}"
            );
        }
        let other = "another secret, and as long as that one";
        let told = run(program, package, script, &url, other).await;
        assert!(told.contains("401"), "{program}: {told}");
    }
}
