//! Tokens in requests.

use super::*;
use crate::support::Spy;
use http::{Request, StatusCode, header};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::authenticate::{Attempt, Authenticator};
use portcullis::authn::jwt::{JwtBearer, principal_of};
use portcullis::event::EventKind;
use portcullis::guard::{Rejection, RequestHead};
use portcullis::principal::{Method, Principal};
use tower::{Layer, ServiceExt};

fn bearer() -> JwtBearer {
    JwtBearer::new(builder().build().unwrap()).realm("api")
}

fn request(uri: &str, credentials: &[&str]) -> Request<()> {
    let mut request = Request::get(uri).body(()).unwrap();
    for credential in credentials {
        let value = header::HeaderValue::from_bytes(credential.as_bytes()).unwrap();
        request.headers_mut().append(header::AUTHORIZATION, value);
    }
    request
}

#[tokio::test]
async fn requests_without_a_good_token_never_arrive() {
    let good = token(&good_claims().to_string());
    let expired = token(&claims_with("exp", json!(NOW - 100)));
    let nobody = token(&claims_with("sub", json!("")));
    let bound = token(&claims_with("cnf", json!({"jkt": "x"})));
    let bound = format!("Bearer {bound}");
    let bearer_good = format!("Bearer {good}");
    let lower = format!("bEARER   {good}");
    let tab = format!("Bearer\t{good}");
    let expired = format!("Bearer {expired}");
    let nobody = format!("Bearer {nobody}");
    let folded = format!("Bearer {good} {good}");
    let listed = format!("Bearer {good}, Bearer {good}");
    let plain = r#"Bearer realm="api""#;
    let invalid = r#"Bearer realm="api", error="invalid_token""#;
    let malformed = r#"Bearer realm="api", error="invalid_request""#;
    let gone = r#"Bearer realm="api", error="invalid_token", error_description="the access token expired""#;
    let cases: [(&str, &str, &[&str], u16, Option<&str>); 18] = [
        ("good", "/", &[&bearer_good], 200, None),
        ("scheme in other case, spaces", "/", &[&lower], 200, None),
        ("nothing", "/", &[], 401, Some(plain)),
        ("another scheme", "/", &["Basic YTpi"], 401, Some(plain)),
        (
            "a scheme that begins alike",
            "/",
            &["Bearers x"],
            401,
            Some(plain),
        ),
        (
            "in the query alone",
            &format!("/?access_token={good}"),
            &[],
            401,
            Some(plain),
        ),
        ("no token", "/", &["Bearer"], 400, Some(malformed)),
        ("only spaces", "/", &["Bearer  "], 400, Some(malformed)),
        (
            "characters of no token",
            "/",
            &["Bearer {\"a\"}"],
            400,
            Some(malformed),
        ),
        ("two tokens", "/", &[&folded], 400, Some(malformed)),
        ("a list", "/", &[&listed], 400, Some(malformed)),
        (
            "two headers",
            "/",
            &[&bearer_good, &bearer_good],
            400,
            Some(malformed),
        ),
        (
            "two schemes",
            "/",
            &["Basic YTpi", &bearer_good],
            400,
            Some(malformed),
        ),
        (
            "header and query",
            &format!("/?a=b&access_token={good}"),
            &[&bearer_good],
            400,
            Some(malformed),
        ),
        ("forged", "/", &["Bearer a.b.c"], 401, Some(invalid)),
        ("expired", "/", &[&expired], 401, Some(gone)),
        ("bound to a key", "/", &[&bound], 401, Some(invalid)),
        ("about nobody", "/", &[&nobody], 401, Some(invalid)),
    ];
    for (name, uri, credentials, status, challenge) in cases {
        let spy = Spy::default();
        let service = AuthenticateLayer::new(bearer()).layer(spy.clone());
        let response = service.oneshot(request(uri, credentials)).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}");
        let found = response.headers().get(header::WWW_AUTHENTICATE);
        assert_eq!(found.map(|it| it.to_str().unwrap()), challenge, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
    }
    let spy = Spy::default();
    let service = AuthenticateLayer::new(bearer()).layer(spy.clone());
    let response = service.oneshot(request("/", &[&tab])).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(spy.calls(), 0);
}

#[test]
fn why_a_token_was_refused_is_for_the_operator() {
    let wrong = token(&claims_with("iss", json!("https://evil.example")));
    let request = request("/", &[&format!("Bearer {wrong}")]);
    let Attempt::Rejected(rejection) = bearer().authenticate(&RequestHead::of(&request)) else {
        panic!("the token is refused");
    };
    assert_eq!(rejection.code(), "invalid_token");
    assert_eq!(rejection.reason(), Some("the token is of another issuer"));
    assert_eq!(rejection.event(), Some(EventKind::AuthnTokenFail));
}

fn principal_from(bearer: &JwtBearer, claims: &str) -> Principal {
    let request = request("/", &[&format!("Bearer {}", token(claims))]);
    match bearer.authenticate(&RequestHead::of(&request)) {
        Attempt::Authenticated(admission) => admission.into_parts().0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn claims_become_a_principal() {
    let mut claims = good_claims();
    claims["jti"] = "t-1".into();
    claims["scope"] = "read write".into();
    claims["roles"] = json!(["admin"]);
    claims["auth_time"] = (NOW - 30).into();
    claims["amr"] = json!(["pwd", "otp"]);
    claims["acr"] = "urn:acr:2".into();
    let plain = principal_from(&bearer(), &claims.to_string());
    assert_eq!(plain.id(), "user-17");
    assert_eq!(
        plain.scopes().unwrap().collect::<Vec<_>>(),
        ["read", "write"]
    );
    assert_eq!(plain.attribute("acr"), Some(&json!("urn:acr:2")));
    let authentication = plain.authentication();
    assert_eq!(authentication.issuer(), Some(ISSUER));
    assert_eq!(authentication.credential(), Some("t-1"));
    assert_eq!(authentication.time().unix_seconds(), NOW - 30);
    assert_eq!(
        authentication.methods(),
        [Method::Password, Method::OneTimePassword]
    );
    // Roles are believed only when that was asked for.
    assert_eq!(plain.roles().len(), 0);
    let with_roles = principal_from(&bearer().roles_from("roles"), &claims.to_string());
    assert!(with_roles.has_role("admin"));

    // When a token was made says nothing of when its user proved anything.
    let bare = principal_from(&bearer(), &good_claims().to_string());
    assert_eq!(bare.authentication().time().unix_seconds(), 0);
    assert!(bare.scopes().is_none());

    let own = bearer().principal_by(|token| {
        let principal = principal_of(token.claims())?;
        match token.claims().text("tenant") {
            Some(tenant) => Ok(principal.with_tenant(tenant)),
            None => Err(Rejection::new(portcullis::guard::RejectionKind::Forbidden)),
        }
    });
    let own = principal_from(&own, &claims_with("tenant", json!("t")));
    assert_eq!(own.tenant(), Some("t"));
}

#[test]
fn who_acts_for_a_subject_does_not_replace_it() {
    let mut claims = good_claims();
    claims["act"] = json!({"sub": "service-1", "roles": ["admin"]});
    claims["roles"] = json!(["viewer"]);
    let principal = principal_from(&bearer().roles_from("roles"), &claims.to_string());
    assert_eq!(principal.id(), "user-17");
    assert_eq!(principal.roles().collect::<Vec<_>>(), ["viewer"]);
}
