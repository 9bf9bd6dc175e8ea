//! What a provider's endpoint is sent, how often, and what comes of its answers.

use super::{ISSUER, Seen, answer, bad_answers, endpoint, http, json_answer};
use portcullis::authn::jwt::Verifier;
use portcullis::authn::oauth2::{ClientAuthentication, Endpoint, EndpointErrorKind};
use portcullis::crypto::keys::{Algorithm, KeySet, SigningKey};
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient};
use serde_json::json;
use std::error::Error;

const GRANT: [(&str, &str); 2] = [("grant_type", "authorization_code"), ("code", "a&b=c")];

/// A provider that gives a token to whoever asks, and what it was sent.
fn provider() -> (FakeTransport, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let transport = FakeTransport::answering(move |request| {
        noted.note(request);
        json_answer(200, &json!({"access_token": "t-1", "token_type": "Bearer"}))
    });
    (transport, seen)
}

#[tokio::test]
async fn the_client_shows_who_it_is() {
    let (transport, seen) = provider();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let public = KeySet::from(key.verifying_key());
    let verifier = Verifier::builder("app", ISSUER, Algorithm::Es256, public);
    let verifier = verifier.require("jti").build().unwrap();
    for client in [
        ClientAuthentication::secret_basic("app", "s"),
        ClientAuthentication::secret_post("app", "s"),
        ClientAuthentication::private_key_jwt("app", key, ISSUER),
        ClientAuthentication::none("app"),
    ] {
        let endpoint = Endpoint::new(
            "https://id.example.com/token",
            http(&transport),
            client.unwrap(),
        );
        endpoint.unwrap().token(&GRANT).await.unwrap();
    }
    let [basic, post, assertion, none] = &seen.all()[..] else {
        panic!("one request of each");
    };
    for sent in [basic, post, assertion, none] {
        assert_eq!(sent.form["code"], "a&b=c");
        assert_eq!(sent.form["grant_type"], "authorization_code");
    }
    assert_eq!(basic.authorization.as_deref(), Some("Basic YXBwOnM="));
    assert_eq!(basic.form.len(), 2);
    assert_eq!(post.authorization, None);
    assert_eq!(post.form["client_secret"], "s");
    assert_eq!(none.form.len(), 3);
    assert_eq!(none.form["client_id"], "app");
    let claims = verifier
        .verify(&assertion.form["client_assertion"])
        .unwrap()
        .into_claims();
    assert_eq!(claims.subject(), Some("app"));
    let life = claims
        .expires_at()
        .unwrap()
        .since(claims.issued_at().unwrap());
    assert_eq!(life.as_secs(), 60);
}

#[tokio::test]
async fn what_must_not_come_twice_is_sent_once() {
    let cases: [(&str, fn() -> FakeAnswer); 3] = [
        ("breaks off", FakeAnswer::broken),
        ("down", || FakeAnswer::status(503)),
        ("busy", || FakeAnswer::status(429)),
    ];
    for (name, answer) in cases {
        let transport = FakeTransport::answering(move |_| answer());
        // With the retries that it has by default.
        let client = HttpClient::builder().build_over(transport.clone()).unwrap();
        let app = ClientAuthentication::none("app").unwrap();
        let endpoint = Endpoint::new("https://id.example.com/token", client, app).unwrap();
        let error = endpoint.token(&GRANT).await.unwrap_err();
        assert!(error.is_passing(), "{name}");
        assert_eq!(transport.calls(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_answers_are_errors_that_tell_no_secret() {
    for (name, bad) in bad_answers() {
        let transport = FakeTransport::answering(move |_| bad());
        let error = endpoint(&transport).token(&GRANT).await.unwrap_err();
        let mut told = format!("{error} {error:?}");
        let mut source: Option<&(dyn Error + 'static)> = error.source();
        while let Some(found) = source {
            told += &found.to_string();
            source = found.source();
        }
        assert!(!told.contains("canary"), "{name}: {told}");
        assert!(told.contains("https://id.example.com"), "{name}: {told}");
        assert_eq!(transport.calls(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_tells_the_code_and_no_more() {
    let transport = FakeTransport::answering(|_| {
        answer(
            400,
            "application/json;charset=UTF-8",
            r#"{"error":"invalid_grant","error_description":"code of ann@example.com is used up"}"#,
        )
    });
    let error = endpoint(&transport).token(&GRANT).await.unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::Refused);
    assert!(!error.is_passing());
    assert_eq!(
        error.to_string(),
        "the provider refused the request: invalid_grant (400): https://id.example.com"
    );
}
