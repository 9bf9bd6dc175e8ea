//! Tokens that are bound to the client's certificate (RFC 8705).

use super::*;
use crate::support::Spy;
use http::{Request, Response};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::jwt::JwtBearer;
use portcullis::guard::Rejection;
use portcullis::net::peer_certificate::PeerCertificate;
use ring::digest::{SHA256, digest};
use tower::{Layer, ServiceExt};

/// What counts is the bytes; nothing reads the certificate.
const OWN: &[u8] = b"the client's own certificate";
const OTHER: &[u8] = b"another client's certificate";

fn thumbprint(der: &[u8]) -> String {
    encode(digest(&SHA256, der))
}

fn bound_to(der: &[u8]) -> String {
    token(&claims_with("cnf", json!({"x5t#S256": thumbprint(der)})))
}

async fn call(bearer: JwtBearer, token: &str, certificate: Option<&[u8]>) -> (u16, usize) {
    let spy = Spy::default();
    let service = AuthenticateLayer::new(bearer).layer(spy.clone());
    let mut request = Request::get("/").header("authorization", format!("Bearer {token}"));
    // A header says nothing, whoever wrote it.
    for name in [
        "client-cert",
        "x-client-cert",
        "x-forwarded-client-cert",
        "x-ssl-cert",
    ] {
        request = request.header(name, format!(":{}:", encode(OWN)));
    }
    if let Some(der) = certificate {
        request = request.extension(PeerCertificate::new(der.to_vec()));
    }
    let response: Response<_> = service.oneshot(request.body(()).unwrap()).await.unwrap();
    if response.status() != 200 {
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.code(), "invalid_token");
    }
    (response.status().as_u16(), spy.calls())
}

#[tokio::test]
async fn a_bound_token_is_of_use_over_its_own_connection_alone() {
    let plain = token(&good_claims().to_string());
    let bound = bound_to(OWN);
    let of_der = |der: &[u8]| claims_with("cnf", json!({"x5t#S256": encode(der)}));
    let hex: String = digest(&SHA256, OWN)
        .as_ref()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    let hex = token(&claims_with("cnf", json!({"x5t#S256": hex})));
    let sha1 = token(&claims_with("cnf", json!({"x5t": thumbprint(OWN)})));
    let unhashed = token(&of_der(OWN));
    for (name, token, certificate, expected) in [
        ("bound, over its connection", &bound, Some(OWN), 200),
        ("bound, over another's", &bound, Some(OTHER), 401),
        ("bound, over none", &bound, None, 401),
        ("plain", &plain, None, 200),
        (
            "plain, over a connection with a certificate",
            &plain,
            Some(OTHER),
            200,
        ),
        ("bound to a hash in hex", &hex, Some(OWN), 401),
        ("bound by SHA-1", &sha1, Some(OWN), 401),
        ("bound to the certificate itself", &unhashed, Some(OWN), 401),
    ] {
        let bearer = JwtBearer::new(builder().build().unwrap());
        let (status, calls) = call(bearer, token, certificate).await;
        assert_eq!(status, expected, "{name}");
        assert_eq!(calls, usize::from(expected == 200), "{name}");
    }
}

#[tokio::test]
async fn plain_tokens_are_refused_where_a_certificate_is_required() {
    let bearer = || JwtBearer::new(builder().build().unwrap()).require_certificate();
    let plain = token(&good_claims().to_string());
    assert_eq!(call(bearer(), &plain, Some(OWN)).await, (401, 0));
    assert_eq!(call(bearer(), &bound_to(OWN), Some(OWN)).await, (200, 1));
}

#[test]
fn a_certificate_is_not_printed() {
    let shown = format!("{:?}", PeerCertificate::new(OWN.to_vec()));
    assert_eq!(shown, "PeerCertificate(28 bytes)");
}
