//! ID tokens and logout tokens of OpenID Connect.

use super::*;
use portcullis::authn::jwt::{IdTokenRules, Profile, access_token_hash};
use std::time::Duration;

const CLIENT: &str = AUDIENCE;
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn id_claims() -> Value {
    let mut claims = good_claims();
    claims["nonce"] = "n-1".into();
    claims["auth_time"] = (NOW - 100).into();
    claims
}

fn change(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

#[test]
fn id_tokens() {
    let hash = access_token_hash(Algorithm::Hs256, "access");
    let with = |name: &str, value: Value| change(id_claims(), name, value);
    let several = |azp: Value| change(with("aud", json!([CLIENT, "other"])), "azp", azp);
    let cases = [
        ("good", id_claims(), "ok"),
        ("no sub", with("sub", Value::Null), "missing_claim sub"),
        ("no iat", with("iat", Value::Null), "missing_claim iat"),
        (
            "no nonce",
            with("nonce", Value::Null),
            "missing_claim nonce",
        ),
        ("other nonce", with("nonce", json!("n-2")), "wrong_nonce"),
        (
            "nonce of a list",
            with("nonce", json!(["n-1"])),
            "malformed_claim nonce",
        ),
        (
            "other client",
            with("aud", json!("other")),
            "wrong_audience",
        ),
        (
            "several without azp",
            several(Value::Null),
            "missing_claim azp",
        ),
        ("several with azp", several(json!(CLIENT)), "ok"),
        (
            "several with another azp",
            several(json!("other")),
            "wrong_authorized_party",
        ),
        (
            "another azp",
            with("azp", json!("other")),
            "wrong_authorized_party",
        ),
        (
            "azp of a list",
            with("azp", json!([CLIENT])),
            "malformed_claim azp",
        ),
        ("at_hash", with("at_hash", json!(hash)), "ok"),
        (
            "wrong at_hash",
            with("at_hash", json!("AAAA")),
            "wrong_access_token_hash",
        ),
        (
            "at_hash of a number",
            with("at_hash", json!(1)),
            "malformed_claim at_hash",
        ),
        (
            "long ago",
            with("auth_time", json!(NOW - 1000)),
            "authentication_too_old",
        ),
        (
            "no auth_time",
            with("auth_time", Value::Null),
            "missing_claim auth_time",
        ),
        (
            "auth_time of text",
            with("auth_time", json!("now")),
            "malformed_claim auth_time",
        ),
        (
            "a logout token",
            with("events", json!({LOGOUT: {}})),
            "wrong_type",
        ),
    ];
    let verifier = builder().build().unwrap();
    let rules = IdTokenRules::new(CLIENT, "n-1")
        .access_token("access")
        .max_age(Duration::from_secs(300));
    for (name, claims, expected) in cases {
        let token = token(&claims.to_string());
        assert_eq!(
            outcome(verifier.verify_id_token(&token, &rules)),
            expected,
            "{name}"
        );
    }
    for (typ, expected) in [
        ("at+jwt", "wrong_type"),
        ("logout+jwt", "wrong_type"),
        ("JWT", "ok"),
    ] {
        let header = json!({"alg": "HS256", "typ": typ}).to_string();
        let token = forge(&hs256(), &header, &id_claims().to_string());
        assert_eq!(
            outcome(verifier.verify_id_token(&token, &rules)),
            expected,
            "{typ}"
        );
    }
}

#[test]
fn a_nonce_that_was_not_sent_may_not_come_back() {
    let verifier = builder().build().unwrap();
    let answered = token(&id_claims().to_string());
    let rules = IdTokenRules::without_nonce(CLIENT);
    assert_eq!(
        outcome(verifier.verify_id_token(&answered, &rules)),
        "wrong_nonce"
    );
    let rules = IdTokenRules::insecure_any_nonce(CLIENT);
    assert_eq!(outcome(verifier.verify_id_token(&answered, &rules)), "ok");
}

/// The example of OpenID Connect Core appendix A.3, and the lengths that halves have.
#[test]
fn hashes_of_access_tokens() {
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(
        access_token_hash(Algorithm::Rs256, token),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
    for (algorithm, length) in [
        (Algorithm::Es256, 22),
        (Algorithm::Es384, 32),
        (Algorithm::Ps512, 43),
        (Algorithm::EdDsa, 43),
    ] {
        assert_eq!(
            access_token_hash(algorithm, token).len(),
            length,
            "{algorithm}"
        );
    }
}

#[test]
fn logout_tokens() {
    let good = change(
        change(good_claims(), "events", json!({LOGOUT: {}})),
        "jti",
        json!("j"),
    );
    let with = |name: &str, value: Value| change(good.clone(), name, value);
    let by_session = change(with("sub", Value::Null), "sid", json!("s"));
    let cases = [
        ("good", good.clone(), "ok"),
        ("by session", by_session.clone(), "ok"),
        (
            "sid of a number",
            change(by_session, "sid", json!(1)),
            "malformed_claim sid",
        ),
        (
            "about nobody",
            with("sub", Value::Null),
            "missing_claim sub or sid",
        ),
        ("no jti", with("jti", Value::Null), "missing_claim jti"),
        ("no iat", with("iat", Value::Null), "missing_claim iat"),
        ("nonce", with("nonce", json!("n")), "forbidden_claim nonce"),
        (
            "no events",
            with("events", Value::Null),
            "not_a_logout_token",
        ),
        (
            "other event",
            with("events", json!({"http://x": {}})),
            "not_a_logout_token",
        ),
        (
            "events of a list",
            with("events", json!([LOGOUT])),
            "not_a_logout_token",
        ),
        (
            "events of text",
            with("events", json!(LOGOUT)),
            "not_a_logout_token",
        ),
        (
            "event of text",
            with("events", json!({LOGOUT: "yes"})),
            "not_a_logout_token",
        ),
        (
            "event null",
            with("events", json!({LOGOUT: null})),
            "not_a_logout_token",
        ),
        ("other audience", with("aud", json!("x")), "wrong_audience"),
        ("expired", with("exp", json!(NOW - 100)), "expired"),
    ];
    let verifier = builder().build().unwrap();
    for (name, claims, expected) in cases {
        let token = token(&claims.to_string());
        assert_eq!(
            outcome(verifier.verify_logout_token(&token)),
            expected,
            "{name}"
        );
    }
    let strict = builder().profile(Profile::Strict).build().unwrap();
    let types = [
        (r#"{"alg":"HS256","typ":"logout+jwt"}"#, "ok", "ok"),
        (r#"{"alg":"HS256","typ":"JWT"}"#, "ok", "wrong_type"),
        (r#"{"alg":"HS256"}"#, "ok", "wrong_type"),
        (
            r#"{"alg":"HS256","typ":"at+jwt"}"#,
            "wrong_type",
            "wrong_type",
        ),
    ];
    for (header, by_default, strictly) in types {
        let token = forge(&hs256(), header, &good.to_string());
        assert_eq!(
            outcome(verifier.verify_logout_token(&token)),
            by_default,
            "{header}"
        );
        assert_eq!(
            outcome(strict.verify_logout_token(&token)),
            strictly,
            "{header}"
        );
    }
}
