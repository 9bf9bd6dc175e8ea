//! Claims that are wrong though they are signed.

use super::*;
use portcullis::authn::jwt::Profile;
use std::time::Duration;

#[test]
fn claims_of_every_wrong_kind() {
    let now = NOW as f64;
    let cases = [
        ("good", claims_with("x", json!(1)), "ok"),
        // exp
        (
            "no exp",
            claims_with("exp", Value::Null),
            "missing_claim exp",
        ),
        ("ends now", claims_with("exp", json!(NOW - 60)), "expired"),
        ("ended in leeway", claims_with("exp", json!(NOW - 59)), "ok"),
        (
            "exp of text",
            claims_with("exp", json!("1900000000")),
            "malformed_claim exp",
        ),
        (
            "exp of a list",
            claims_with("exp", json!([NOW + 600])),
            "malformed_claim exp",
        ),
        (
            "exp true",
            claims_with("exp", json!(true)),
            "malformed_claim exp",
        ),
        (
            "exp negative",
            claims_with("exp", json!(-1)),
            "malformed_claim exp",
        ),
        (
            "exp with a fraction",
            claims_with("exp", json!(now + 0.5)),
            "ok",
        ),
        (
            "exp in milliseconds",
            claims_with("exp", json!(NOW * 1000)),
            "malformed_claim exp",
        ),
        ("exp zero", claims_with("exp", json!(0)), "expired"),
        // nbf
        (
            "begins in leeway",
            claims_with("nbf", json!(NOW + 60)),
            "ok",
        ),
        (
            "begins later",
            claims_with("nbf", json!(NOW + 61)),
            "not_yet_valid",
        ),
        (
            "nbf of text",
            claims_with("nbf", json!("0")),
            "malformed_claim nbf",
        ),
        (
            "nbf negative",
            claims_with("nbf", json!(-5)),
            "malformed_claim nbf",
        ),
        // iat
        ("no iat", claims_with("iat", Value::Null), "ok"),
        (
            "iat of text",
            claims_with("iat", json!("now")),
            "malformed_claim iat",
        ),
        // iss
        (
            "no iss",
            claims_with("iss", Value::Null),
            "missing_claim iss",
        ),
        (
            "other iss",
            claims_with("iss", json!("https://evil.example")),
            "wrong_issuer",
        ),
        (
            "iss with a slash",
            claims_with("iss", json!(format!("{ISSUER}/"))),
            "wrong_issuer",
        ),
        (
            "iss in capitals",
            claims_with("iss", json!(ISSUER.to_uppercase())),
            "wrong_issuer",
        ),
        (
            "iss begins alike",
            claims_with("iss", json!(format!("{ISSUER}.evil"))),
            "wrong_issuer",
        ),
        (
            "iss of a list",
            claims_with("iss", json!([ISSUER])),
            "malformed_claim iss",
        ),
        ("iss empty", claims_with("iss", json!("")), "wrong_issuer"),
        // aud
        (
            "no aud",
            claims_with("aud", Value::Null),
            "missing_claim aud",
        ),
        (
            "other aud",
            claims_with("aud", json!("x")),
            "wrong_audience",
        ),
        (
            "aud in a list",
            claims_with("aud", json!(["x", AUDIENCE])),
            "ok",
        ),
        (
            "other list",
            claims_with("aud", json!(["x", "y"])),
            "wrong_audience",
        ),
        (
            "empty list",
            claims_with("aud", json!([])),
            "malformed_claim aud",
        ),
        (
            "nested list",
            claims_with("aud", json!([[AUDIENCE]])),
            "malformed_claim aud",
        ),
        (
            "list with a number",
            claims_with("aud", json!([AUDIENCE, 1])),
            "malformed_claim aud",
        ),
        (
            "aud of an object",
            claims_with("aud", json!({AUDIENCE: 1})),
            "malformed_claim aud",
        ),
        (
            "aud begins alike",
            claims_with("aud", json!(format!("{AUDIENCE}/v1"))),
            "wrong_audience",
        ),
        // the rest
        (
            "sub of a number",
            claims_with("sub", json!(17)),
            "malformed_claim sub",
        ),
        (
            "sub of an object",
            claims_with("sub", json!({"$gt": ""})),
            "malformed_claim sub",
        ),
        (
            "jti of a number",
            claims_with("jti", json!(1)),
            "malformed_claim jti",
        ),
        (
            "deny-listed",
            claims_with("jti", json!("stolen")),
            "revoked",
        ),
    ];
    let verifier = builder()
        .revoked_if(|claims| claims.id() == Some("stolen"))
        .build()
        .unwrap();
    for (name, claims, expected) in cases {
        assert_eq!(
            outcome(verifier.verify(&token(&claims))),
            expected,
            "{name}"
        );
    }
}

#[test]
fn payloads_that_are_not_strict_json() {
    let good = good_claims().to_string();
    let with = |extra: &str| format!("{},{extra}}}", &good[..good.len() - 1]);
    let cases = [
        (
            "null",
            "null".to_owned(),
            "malformed_claims json_not_an_object",
        ),
        (
            "list",
            format!("[{good}]"),
            "malformed_claims json_not_an_object",
        ),
        (
            "text",
            "\"a\"".to_owned(),
            "malformed_claims json_not_an_object",
        ),
        ("empty", String::new(), "malformed_claims json_syntax"),
        (
            "twice",
            with(r#""sub":"admin""#),
            "malformed_claims json_duplicate_member",
        ),
        (
            "twice, escaped",
            with(r#""\u0073ub":"admin""#),
            "malformed_claims json_duplicate_member",
        ),
        (
            "twice, nested",
            with(r#""a":{"b":1,"b":2}"#),
            "malformed_claims json_duplicate_member",
        ),
        (
            "twice, in a list",
            with(r#""a":[{"b":1,"b":2}]"#),
            "malformed_claims json_duplicate_member",
        ),
        (
            "huge exponent",
            with(r#""nbf":1e400"#),
            "malformed_claims json_number_out_of_range",
        ),
        (
            "lone surrogate",
            with(r#""a":"\udead""#),
            "malformed_claims json_lone_surrogate",
        ),
        (
            "byte order mark",
            format!("\u{feff}{good}"),
            "malformed_claims json_syntax",
        ),
        (
            "two objects",
            format!("{good}{good}"),
            "malformed_claims json_syntax",
        ),
        ("NaN", with(r#""nbf":NaN"#), "malformed_claims json_syntax"),
        (
            "comment",
            with(r#"/**/"a":1"#),
            "malformed_claims json_syntax",
        ),
        ("spaces around", format!("\r\n\t {good} "), "ok"),
        (
            "escaped name",
            good.replace("\"aud\"", r#""\u0061ud""#),
            "ok",
        ),
    ];
    let verifier = builder().build().unwrap();
    for (name, claims, expected) in cases {
        assert_eq!(
            outcome(verifier.verify(&token(&claims))),
            expected,
            "{name}"
        );
    }
    let not_utf8 = sign_segments(
        &hs256(),
        &encode(r#"{"alg":"HS256"}"#),
        &encode([b'{', 0xff]),
    );
    assert_eq!(outcome(verifier.verify(&not_utf8)), "malformed_claims");
}

#[test]
fn the_strict_profile_refuses_more() {
    let header = r#"{"alg":"HS256"}"#;
    let day = 24 * 3600;
    let with = claims_with;
    let lifetime = |iat: u64, exp: u64| {
        let mut claims = good_claims();
        claims["iat"] = iat.into();
        claims["exp"] = exp.into();
        claims.to_string()
    };
    let party = |azp: Value| {
        let mut claims = good_claims();
        claims["aud"] = json!([AUDIENCE, "other"]);
        claims["azp"] = azp;
        claims.to_string()
    };
    let cases = [
        ("good", header, with("x", json!(1)), "ok"),
        ("a day long", header, lifetime(NOW, NOW + day), "ok"),
        (
            "longer",
            header,
            lifetime(NOW, NOW + day + 1),
            "lifetime_too_long",
        ),
        (
            "longer, no iat",
            header,
            {
                let mut claims: Value = serde_json::from_str(&with("iat", Value::Null)).unwrap();
                claims["exp"] = (NOW + 2 * day).into();
                claims.to_string()
            },
            "lifetime_too_long",
        ),
        (
            "two days old",
            header,
            lifetime(NOW - 2 * day, NOW + 60),
            "too_old",
        ),
        (
            "from the future",
            header,
            with("iat", json!(NOW + 61)),
            "issued_in_future",
        ),
        (
            "from the near future",
            header,
            with("iat", json!(NOW + 60)),
            "ok",
        ),
        (
            "ends before it begins",
            header,
            {
                let mut claims: Value =
                    serde_json::from_str(&with("nbf", json!(NOW + 30))).unwrap();
                claims["exp"] = (NOW + 20).into();
                claims.to_string()
            },
            "expiry_before_start",
        ),
        (
            "empty sub",
            header,
            with("sub", json!("")),
            "malformed_claim sub",
        ),
        (
            "sub of 255",
            header,
            with("sub", json!("a".repeat(255))),
            "ok",
        ),
        (
            "sub of 256",
            header,
            with("sub", json!("a".repeat(256))),
            "malformed_claim sub",
        ),
        (
            "line feed in sub",
            header,
            with("sub", json!("a\nb")),
            "malformed_claim sub",
        ),
        (
            "zero in sub",
            header,
            with("sub", json!("a\0")),
            "malformed_claim sub",
        ),
        (
            "C1 in sub",
            header,
            with("sub", json!("a\u{85}")),
            "malformed_claim sub",
        ),
        (
            "several audiences",
            header,
            with("aud", json!([AUDIENCE, "other"])),
            "missing_claim azp",
        ),
        ("several and azp", header, party(json!("client")), "ok"),
        (
            "azp of a number",
            header,
            party(json!(1)),
            "malformed_claim azp",
        ),
        (
            "zip",
            r#"{"alg":"HS256","zip":"DEF"}"#,
            with("x", json!(1)),
            "compressed",
        ),
        (
            "large claims",
            header,
            with("x", json!("a".repeat(7000))),
            "too_long",
        ),
        (
            "large header",
            &format!(r#"{{"alg":"HS256","x":"{}"}}"#, "a".repeat(2000)),
            with("x", json!(1)),
            "too_long",
        ),
    ];
    let strict = builder().profile(Profile::Strict).build().unwrap();
    let default = builder().build().unwrap();
    for (name, header, claims, expected) in cases {
        let token = forge(&hs256(), header, &claims);
        assert_eq!(outcome(strict.verify(&token)), expected, "{name}");
        if name != "azp of a number" {
            assert_eq!(outcome(default.verify(&token)), "ok", "{name}, by default");
        }
    }
}

#[test]
fn the_strict_profile_wants_an_end_in_any_case() {
    let endless = token(&claims_with("exp", Value::Null));
    let builder = || builder().insecure_without_expiry();
    assert_eq!(outcome(builder().build().unwrap().verify(&endless)), "ok");
    let strict = builder().profile(Profile::Strict).build().unwrap();
    assert_eq!(outcome(strict.verify(&endless)), "missing_claim exp");
}

#[test]
fn what_can_be_asked_for_and_left_out() {
    let verifier = builder().require("tenant").build().unwrap();
    let verify = |claims: String| outcome(verifier.verify(&token(&claims)));
    assert_eq!(verify(claims_with("x", json!(1))), "missing_claim tenant");
    assert_eq!(verify(claims_with("tenant", json!("t"))), "ok");
    let null = claims_with("tenant", json!("t")).replace("\"t\"", "null");
    assert_eq!(verify(null), "missing_claim tenant");

    let open = builder()
        .insecure_any_issuer()
        .insecure_any_audience()
        .insecure_without_expiry()
        .build()
        .unwrap();
    assert_eq!(outcome(open.verify(&token("{}"))), "ok");
    // What is there still has to be right.
    assert_eq!(outcome(open.verify(&token(r#"{"exp":1}"#))), "expired");
    let listed = token(r#"{"iss":["a"]}"#);
    assert_eq!(outcome(open.verify(&listed)), "malformed_claim iss");

    let two = builder()
        .or_issuer("https://b")
        .or_audience("b")
        .build()
        .unwrap();
    let other = token(&claims_with("iss", json!("https://b")));
    assert_eq!(outcome(two.verify(&other)), "ok");
}

#[test]
fn access_tokens_of_rfc_9068() {
    let verifier = builder().rfc9068().build().unwrap();
    let mut claims = good_claims();
    claims["client_id"] = "c".into();
    claims["jti"] = "j".into();
    let at_jwt = r#"{"alg":"HS256","typ":"at+jwt"}"#;
    let verify = |header: &str, claims: &Value| {
        outcome(verifier.verify(&forge(&hs256(), header, &claims.to_string())))
    };
    assert_eq!(verify(at_jwt, &claims), "ok");
    assert_eq!(
        verify(r#"{"alg":"HS256","typ":"JWT"}"#, &claims),
        "wrong_type"
    );
    assert_eq!(verify(r#"{"alg":"HS256"}"#, &claims), "wrong_type");
    for name in ["sub", "client_id", "iat", "jti"] {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(verify(at_jwt, &less), format!("missing_claim {name}"));
    }
}

#[test]
fn leeway_is_what_was_asked_for() {
    let expired = token(&claims_with("exp", json!(NOW - 1)));
    let exact = builder().leeway(Duration::ZERO).build().unwrap();
    assert_eq!(outcome(exact.verify(&expired)), "expired");
    let ending = token(&claims_with("exp", json!(NOW)));
    assert_eq!(outcome(exact.verify(&ending)), "expired");
    let wide = builder().leeway(Duration::from_secs(300)).build().unwrap();
    assert_eq!(outcome(wide.verify(&expired)), "ok");
}

#[test]
fn all_tokens_of_a_subject_can_end_together() {
    let from = |subject: &str, issued_at: u64| {
        let mut claims = good_claims();
        claims["sub"] = subject.into();
        claims["iat"] = issued_at.into();
        token(&claims.to_string())
    };
    // Ann changed her password at this time.
    let verifier = builder()
        .require("iat")
        .revoked_if(|claims| {
            let issued_at = claims.issued_at().unwrap_or_default();
            claims.subject() == Some("ann") && issued_at.unix_seconds() < NOW - 10
        })
        .build()
        .unwrap();
    for (name, subject, issued_at, expected) in [
        ("before", "ann", NOW - 11, "revoked"),
        ("since then", "ann", NOW - 10, "ok"),
        ("of another", "bob", NOW - 11, "ok"),
    ] {
        let verified = verifier.verify(&from(subject, issued_at));
        assert_eq!(outcome(verified), expected, "{name}");
    }
}
