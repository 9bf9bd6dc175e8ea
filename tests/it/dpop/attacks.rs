//! What an attacker changes, mixes and repeats.

use super::*;

#[tokio::test]
async fn a_client_with_its_key_gets_in() {
    let world = World::new();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let client = world.client_with(key);
        assert_eq!(world.try_client(&client).await, "ok", "{algorithm:?}");
    }
    let rsa = include_str!("../../../benches/common/rfc7515_a2.jwk.json");
    let rsa = world.client_with(SigningKey::from_jwk(rsa).unwrap());
    assert_eq!(world.try_client(&rsa).await, "ok");
    for (name, client) in [
        (
            "type in full",
            world.client().header("typ", json!("application/dpop+jwt")),
        ),
        (
            "a name for the key",
            world.client().header("kid", json!("1")),
        ),
        (
            "other spelling",
            world
                .client()
                .claim("htu", json!("HTTPS://API.example.com:443/%6eotes")),
        ),
        (
            "query and fragment",
            world.client().claim("htu", json!(format!("{URL}?a=b#c"))),
        ),
        (
            "a clock behind",
            world.client().claim("iat", json!(NOW - 60)),
        ),
        (
            "a clock ahead",
            world.client().claim("iat", json!(NOW + 60)),
        ),
        (
            "claims of its own",
            world.client().claim("x", json!({"y": 1})),
        ),
        (
            "a nonce not asked for",
            world.client().claim("nonce", json!("x")),
        ),
    ] {
        assert_eq!(world.try_client(&client).await, "ok", "{name}");
    }
}

#[tokio::test]
async fn what_an_attacker_changes_in_a_proof() {
    let world = World::new();
    let client = || world.client();
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let private = include_str!("../../../benches/common/rfc7515_a2.jwk.json");
    let private: Value = serde_json::from_str(private).unwrap();
    let mut secret_half = jwk(&client().key);
    secret_half["d"] = json!("AQAB");
    let oct = json!({"kty": "oct", "k": encode([7; 32])});
    let signed_by_other = Client {
        key: other.clone(),
        ..client()
    };
    let of_other = Client {
        key: other.clone(),
        ..client()
    }
    .header("jwk", jwk(&other));
    let long = "x".repeat(257);
    for (name, client, expected) in [
        (
            "another type",
            client().header("typ", json!("JWT")),
            "of another type",
        ),
        (
            "no type",
            client().header("typ", Value::Null),
            "of another type",
        ),
        (
            "a type that begins alike",
            client().header("typ", json!("dpop+jwt2")),
            "of another type",
        ),
        (
            "not signed",
            client().header("alg", json!("none")),
            "not allowed",
        ),
        (
            "symmetric",
            client().header("alg", json!("HS256")),
            "not allowed",
        ),
        (
            "another algorithm than the key's",
            client().header("alg", json!("ES384")),
            "cannot be used",
        ),
        (
            "no key",
            client().header("jwk", Value::Null),
            "cannot be used",
        ),
        (
            "a private key",
            client().header("jwk", private),
            "cannot be used",
        ),
        (
            "with the private half",
            client().header("jwk", secret_half),
            "cannot be used",
        ),
        (
            "a shared secret",
            client().header("jwk", oct),
            "cannot be used",
        ),
        (
            "a point off the curve",
            client().header(
                "jwk",
                json!({
                    "kty": "EC", "crv": "P-256", "x": encode([1; 32]), "y": encode([1; 32]),
                }),
            ),
            "cannot be used",
        ),
        (
            "critical parameters",
            client().header("crit", json!(["exp"])),
            "malformed",
        ),
        (
            "an unencoded payload",
            client().header("b64", json!(false)),
            "malformed",
        ),
        (
            "signed by another key",
            signed_by_other,
            "signature does not verify",
        ),
        (
            "another method",
            client().claim("htm", json!("GET")),
            "for another method",
        ),
        (
            "the method in other case",
            client().claim("htm", json!("post")),
            "for another method",
        ),
        (
            "no method",
            client().claim("htm", Value::Null),
            "claim of the proof",
        ),
        (
            "another path",
            client().claim("htu", json!("https://api.example.com/admin")),
            "for another URL",
        ),
        (
            "another host",
            client().claim("htu", json!("https://evil.example/notes")),
            "for another URL",
        ),
        (
            "a host before an at",
            client().claim("htu", json!("https://api.example.com@evil.example/notes")),
            "for another URL",
        ),
        (
            "plain http",
            client().claim("htu", json!("http://api.example.com/notes")),
            "for another URL",
        ),
        (
            "no URL",
            client().claim("htu", Value::Null),
            "claim of the proof",
        ),
        (
            "a list of URLs",
            client().claim("htu", json!([URL])),
            "claim of the proof",
        ),
        (
            "too old",
            client().claim("iat", json!(NOW - 61)),
            "not of this time",
        ),
        (
            "of the future",
            client().claim("iat", json!(NOW + 61)),
            "not of this time",
        ),
        (
            "no time",
            client().claim("iat", Value::Null),
            "claim of the proof",
        ),
        (
            "a time as text",
            client().claim("iat", json!(NOW.to_string())),
            "claim of the proof",
        ),
        (
            "ended",
            client().claim("exp", json!(NOW)),
            "not of this time",
        ),
        (
            "not begun",
            client().claim("nbf", json!(NOW + 61)),
            "not of this time",
        ),
        (
            "for another token",
            client().claim("ath", json!(hash("x"))),
            "another access token",
        ),
        (
            "for no token",
            client().claim("ath", Value::Null),
            "another access token",
        ),
        (
            "the token's hash in other form",
            client().claim("ath", json!(format!("{}=", hash(&client().token)))),
            "another access token",
        ),
        (
            "no name",
            client().claim("jti", Value::Null),
            "claim of the proof",
        ),
        (
            "an empty name",
            client().claim("jti", json!("")),
            "claim of the proof",
        ),
        (
            "a name without end",
            client().claim("jti", json!(long)),
            "claim of the proof",
        ),
        (
            "too long",
            client().claim("x", json!("x".repeat(8192))),
            "too long",
        ),
    ] {
        let outcome = world.try_client(&client).await;
        assert!(
            outcome.starts_with("401 invalid_dpop_proof"),
            "{name}: {outcome}"
        );
        assert!(outcome.contains(expected), "{name}: {outcome}");
    }
    // A proof that is right in itself, by a key that the token is not bound to.
    let outcome = world.try_client(&of_other).await;
    assert!(outcome.starts_with("401 invalid_token"), "{outcome}");
}

#[tokio::test]
async fn what_is_no_proof() {
    let world = World::new();
    let client = world.client();
    let good = client.proof();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let twice = sign(
        &client.key,
        &client
            .header
            .to_string()
            .replacen('{', r#"{"typ":"JWT","#, 1),
        &client.payload.to_string(),
    );
    let htm_twice = sign(
        &client.key,
        &client.header.to_string(),
        &client
            .payload
            .to_string()
            .replacen('{', r#"{"htm":"POST","#, 1),
    );
    for (name, proof) in [
        ("empty", String::new()),
        ("the token", client.token.clone()),
        ("without signature", format!("{signed}.")),
        ("two segments", signed.to_owned()),
        ("four segments", format!("{good}.x")),
        ("padded", format!("{good}==")),
        ("a list", format!("{good}, {good}")),
        ("a member twice", twice),
        ("a claim twice", htm_twice),
        ("JSON", json!({"payload": "x"}).to_string()),
    ] {
        let credential = format!("DPoP {}", client.token);
        let outcome = world.outcome(&[&credential], &[&proof]).await;
        assert!(
            outcome.starts_with("401 invalid_dpop_proof"),
            "{name}: {outcome}"
        );
    }
    assert_eq!(
        world.try_client(&client).await,
        "ok",
        "none of it used it up"
    );
}

#[tokio::test]
async fn tokens_and_schemes_are_not_mixed() {
    let world = World::new();
    let client = world.client();
    let plain = world.token(Value::Null);
    let by_certificate = world.token(json!({"x5t#S256": hash("certificate")}));
    let unknown = world.token(json!({"jkt": "x", "kid": "1"}));
    let dpop = format!("DPoP {}", client.token);
    let bearer = format!("Bearer {}", client.token);
    let proof = client.proof();
    let plain_proof = Client {
        token: plain.clone(),
        ..world.client()
    }
    .claim("ath", json!(hash(&plain)))
    .proof();
    let of_certificate = world
        .client()
        .claim("ath", json!(hash(&by_certificate)))
        .proof();
    let of_unknown = world.client().claim("ath", json!(hash(&unknown))).proof();
    let cases: [(&str, &[&str], &[&str], &str); 13] = [
        ("bound, as bearer", &[&bearer], &[], "401 invalid_token"),
        (
            "bound, as bearer with a proof",
            &[&bearer],
            &[&proof],
            "401 invalid_token",
        ),
        (
            "plain, as DPoP",
            &[&format!("DPoP {plain}")],
            &[&plain_proof],
            "401 invalid_token",
        ),
        ("plain, as bearer", &[&format!("Bearer {plain}")], &[], "ok"),
        (
            "bound to a certificate",
            &[&format!("DPoP {by_certificate}")],
            &[&of_certificate],
            "401 invalid_token",
        ),
        (
            "bound in an unknown way",
            &[&format!("DPoP {unknown}")],
            &[&of_unknown],
            "401 invalid_token",
        ),
        ("no proof", &[&dpop], &[], "401 invalid_dpop_proof"),
        (
            "two proofs",
            &[&dpop],
            &[&proof, &world.client().proof()],
            "401 invalid_dpop_proof",
        ),
        (
            "one proof twice",
            &[&dpop],
            &[&proof, &proof],
            "401 invalid_dpop_proof",
        ),
        (
            "two tokens",
            &[&dpop, &bearer],
            &[&proof],
            "400 invalid_request",
        ),
        (
            "two tokens, the other way",
            &[&bearer, &dpop],
            &[&proof],
            "400 invalid_request",
        ),
        ("no token", &["DPoP"], &[&proof], "400 invalid_request"),
        (
            "a token that is none",
            &["DPoP {x}"],
            &[&proof],
            "400 invalid_request",
        ),
    ];
    for (name, credentials, proofs, expected) in cases {
        let outcome = world.outcome(credentials, proofs).await;
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
    }
    assert_eq!(world.outcome(&[&dpop], &[&proof]).await, "ok");
}

#[tokio::test]
async fn the_client_is_told_what_to_do_and_nothing_else() {
    let world = World::new();
    let client = world.client();
    let credential = format!("DPoP {}", client.token);
    let challenge = async |credentials: &[&str], proofs: &[&str]| {
        let response = world.send(credentials, proofs).await;
        let all = response.headers().get_all(header::WWW_AUTHENTICATE);
        let all: Vec<_> = all
            .iter()
            .map(|it| it.to_str().unwrap().to_owned())
            .collect();
        all
    };
    let algorithms = r#"algs="ES256 ES384 EdDSA"#;
    let all = challenge(&[], &[]).await;
    assert!(
        all[0].starts_with(&format!(r#"DPoP realm="api", {algorithms}"#)),
        "{all:?}"
    );
    assert_eq!(all[1], r#"Bearer realm="api""#);
    let all = challenge(&[&credential], &["x"]).await;
    assert_eq!(all.len(), 1);
    assert!(all[0].ends_with(r#"error="invalid_dpop_proof""#), "{all:?}");
    let all = challenge(&["DPoP x"], &[&client.proof()]).await;
    assert!(all[0].ends_with(r#"error="invalid_token""#), "{all:?}");
}
