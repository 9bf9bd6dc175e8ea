//! Mistakes that have to show when the program starts, and keys that change while it runs.

use super::*;
use portcullis::authn::jwt::{
    Claims, IssueError, Issuer, JwsVerifier, Profile, TokenBuilder, principal_of,
};
use portcullis::clock::Timestamp;
use portcullis::crypto::keys::{Algorithms, KeyError, LiveKeys};
use portcullis::principal::Method;
use portcullis::random::Random;
use std::time::Duration;

#[test]
fn mistakes_are_found_at_the_start() {
    let keys = || KeySet::from(hs256().verifying_key());
    let with = |algorithms: Algorithms| Verifier::builder(ISSUER, AUDIENCE, algorithms, keys());
    let for_issuer = |issuer: &str| Verifier::builder(issuer, AUDIENCE, Algorithm::Hs256, keys());
    let cases = [
        ("good", builder(), "ok"),
        (
            "no algorithm",
            with(Algorithms::default()),
            "config_no_algorithm",
        ),
        (
            "mixed algorithms",
            with([Algorithm::Hs256, Algorithm::Rs256].into()),
            "config_mixed_algorithms",
        ),
        (
            "no such key",
            with(Algorithms::ASYMMETRIC),
            "config_no_key_for_algorithms",
        ),
        ("no issuer", for_issuer(""), "config_empty"),
        ("no audience", builder().or_audience(""), "config_empty"),
        (
            "leeway",
            builder().leeway(Duration::from_secs(301)),
            "config_leeway_too_large",
        ),
        (
            "http",
            for_issuer("http://id.example.com"),
            "config_insecure_issuer",
        ),
        (
            "HTTP",
            for_issuer("HTTP://id.example.com/realms/x"),
            "config_insecure_issuer",
        ),
        (
            "http and a trick",
            for_issuer("http://localhost@evil.example"),
            "config_insecure_issuer",
        ),
        (
            "http and a name",
            for_issuer("http://localhost.evil.example"),
            "config_insecure_issuer",
        ),
        (
            "allowed http",
            for_issuer("http://id").insecure_http_issuer(),
            "ok",
        ),
        (
            "loopback",
            for_issuer("http://localhost:8080/realms/x"),
            "ok",
        ),
        (
            "loopback address",
            for_issuer("http://127.0.0.1:8080"),
            "ok",
        ),
        ("loopback of IPv6", for_issuer("http://[::1]:8080"), "ok"),
        ("a name", for_issuer("joe"), "ok"),
    ];
    for (name, builder, expected) in cases {
        let found = builder.build().map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn keys_that_are_refused() {
    let ed25519 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let secret = encode([7; 32]);
    let even = encode(
        [0xff; 255]
            .iter()
            .copied()
            .chain([0xfe])
            .collect::<Vec<u8>>(),
    );
    let odd = encode([0xff; 256]);
    let small = encode([0xff; 255]);
    let mut almost = [0xff; 256];
    almost[0] = 0x7f;
    let cases = [
        ("not JSON", "x".to_owned(), "json_syntax"),
        ("no kty", "{}".to_owned(), "key_member_missing"),
        ("kty of a number", r#"{"kty":1}"#.to_owned(), "key_member_malformed"),
        ("unknown kty", r#"{"kty":"AKP"}"#.to_owned(), "key_type_unsupported"),
        ("twice", format!(r#"{{"kty":"oct","k":"{secret}","k":"{secret}"}}"#), "json_duplicate_member"),
        ("empty secret", r#"{"kty":"oct","k":""}"#.to_owned(), "key_hmac_too_short"),
        ("31 bytes", json!({"kty":"oct","k":encode([7;31])}).to_string(), "key_hmac_too_short"),
        ("32 bytes for HS512", json!({"kty":"oct","k":secret,"alg":"HS512"}).to_string(), "key_hmac_too_short"),
        ("padded secret", json!({"kty":"oct","k":format!("{secret}=")}).to_string(), "key_member_not_base64url"),
        ("secret for RS256", json!({"kty":"oct","k":secret,"alg":"RS256"}).to_string(), "key_algorithm_mismatch"),
        ("secret for encryption", json!({"kty":"oct","k":secret,"alg":"A256GCM"}).to_string(), "key_algorithm_unsupported"),
        ("use", json!({"kty":"oct","k":secret,"use":"enc"}).to_string(), "key_not_for_this"),
        ("use of a list", json!({"kty":"oct","k":secret,"use":["sig"]}).to_string(), "key_member_malformed"),
        ("key_ops", json!({"kty":"oct","k":secret,"key_ops":["encrypt"]}).to_string(), "key_not_for_this"),
        ("key_ops of a secret that signs", json!({"kty":"oct","k":secret,"key_ops":["sign"]}).to_string(), "key_not_for_this"),
        ("key_ops empty", json!({"kty":"oct","k":secret,"key_ops":[]}).to_string(), "key_not_for_this"),
        ("key_ops twice", json!({"kty":"oct","k":secret,"key_ops":["verify","verify"]}).to_string(), "key_member_malformed"),
        ("use against key_ops", json!({"kty":"oct","k":secret,"use":"sig","key_ops":["encrypt"]}).to_string(), "key_not_for_this"),
        ("kid of a number", json!({"kty":"oct","k":secret,"kid":1}).to_string(), "key_member_malformed"),
        ("RSA of 2040 bits", json!({"kty":"RSA","n":small,"e":"AQAB"}).to_string(), "key_rsa_size"),
        ("RSA of 2047 bits", json!({"kty":"RSA","n":encode(almost),"e":"AQAB"}).to_string(), "key_rsa_size"),
        ("RSA of 8200 bits", json!({"kty":"RSA","n":encode([0xff;1025]),"e":"AQAB"}).to_string(), "key_rsa_size"),
        ("RSA with a leading zero", json!({"kty":"RSA","n":encode([0;300]),"e":"AQAB"}).to_string(), "key_member_malformed"),
        ("RSA even", json!({"kty":"RSA","n":even,"e":"AQAB"}).to_string(), "key_rsa_parameters"),
        ("RSA with e 1", json!({"kty":"RSA","n":odd,"e":"AQ"}).to_string(), "key_rsa_parameters"),
        ("RSA with e 3", json!({"kty":"RSA","n":odd,"e":"Aw"}).to_string(), "key_rsa_parameters"),
        ("RSA with e even", json!({"kty":"RSA","n":odd,"e":"AQAC"}).to_string(), "key_rsa_parameters"),
        ("RSA with e huge", json!({"kty":"RSA","n":odd,"e":encode([0xff;5])}).to_string(), "key_rsa_parameters"),
        ("RSA without e", json!({"kty":"RSA","n":odd}).to_string(), "key_member_missing"),
        ("P-521", json!({"kty":"EC","crv":"P-521","x":"AA","y":"AA"}).to_string(), "key_curve_unsupported"),
        ("secp256k1", json!({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}).to_string(), "key_curve_unsupported"),
        ("off the curve", json!({"kty":"EC","crv":"P-256","x":encode([1;32]),"y":encode([1;32])}).to_string(), "key_invalid_point"),
        ("at infinity", json!({"kty":"EC","crv":"P-256","x":encode([0;32]),"y":encode([0;32])}).to_string(), "key_invalid_point"),
        ("short coordinate", json!({"kty":"EC","crv":"P-256","x":encode([1;31]),"y":encode([1;32])}).to_string(), "key_member_length"),
        ("curve against alg", json!({"kty":"EC","crv":"P-256","alg":"ES384","x":encode([1;32]),"y":encode([1;32])}).to_string(), "key_algorithm_mismatch"),
        ("X25519", json!({"kty":"OKP","crv":"X25519","x":ed25519}).to_string(), "key_curve_unsupported"),
        ("Ed25519 for ES256", json!({"kty":"OKP","crv":"Ed25519","alg":"ES256","x":ed25519}).to_string(), "key_algorithm_mismatch"),
        ("Ed25519 neutral", json!({"kty":"OKP","crv":"Ed25519","x":encode([&[1][..], &[0;31]].concat())}).to_string(), "key_invalid_point"),
        ("Ed25519 zero", json!({"kty":"OKP","crv":"Ed25519","x":encode([0;32])}).to_string(), "key_invalid_point"),
        ("Ed25519 zero, other sign", json!({"kty":"OKP","crv":"Ed25519","x":encode([&[0;31][..], &[0x80]].concat())}).to_string(), "key_invalid_point"),
        ("Ed25519 of 33 bytes", json!({"kty":"OKP","crv":"Ed25519","x":encode([9;33])}).to_string(), "key_member_length"),
        ("no keys", r#"{"keys":[]}"#.to_owned(), "key_set_no_usable_key"),
        ("keys of an object", r#"{"keys":{}}"#.to_owned(), "key_member_malformed"),
        ("keys of a number", r#"{"keys":[1]}"#.to_owned(), "json_not_an_object"),
        ("65 keys", json!({"keys": vec![json!({"kty":"oct","k":secret}); 65]}).to_string(), "key_set_too_many_keys"),
        ("one name twice", json!({"keys":[{"kty":"oct","k":secret,"kid":"a"},{"kty":"oct","k":encode([8;32]),"kid":"a"}]}).to_string(), "key_set_duplicate_kid"),
        ("mixed", json!({"keys":[{"kty":"oct","k":secret},{"kty":"OKP","crv":"Ed25519","x":ed25519}]}).to_string(), "key_set_mixed"),
        ("one weak", json!({"keys":[{"kty":"oct","k":secret},{"kty":"oct","k":"AAAA"}]}).to_string(), "key_hmac_too_short"),
        ("300 kB", " ".repeat(300_000), "key_text_too_long"),
    ];
    for (name, text, expected) in cases {
        let error = KeySet::from_json(&text).expect_err(name);
        assert_eq!(error.code(), expected, "{name}");
    }
}

#[test]
fn keys_for_others_are_passed_over() {
    let text = json!({"keys": [
        {"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB", "kid": "a"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "a"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "a"},
        {"kty": "new"},
        {"kty": "RSA", "alg": "RSA-OAEP-256", "n": "AQAB", "e": "AQAB"},
    ]});
    let set = KeySet::from_json(&text.to_string()).unwrap();
    assert_eq!(set.keys().len(), 1);
    let ignored: Vec<_> = set
        .ignored()
        .iter()
        .map(|it| (it.index, it.reason.code()))
        .collect();
    assert_eq!(
        ignored,
        [
            (0, "key_not_for_this"),
            (1, "key_curve_unsupported"),
            (3, "key_type_unsupported"),
            (4, "key_algorithm_unsupported")
        ]
    );
}

#[test]
fn a_key_without_an_algorithm_does_what_it_can() {
    let can = |jwk: Value| {
        let set = KeySet::from_json(&jwk.to_string()).unwrap();
        set.keys()[0].algorithms()
    };
    let of = |algorithms: &[Algorithm]| algorithms.iter().copied().collect::<Algorithms>();
    let hs = |length| json!({"kty": "oct", "k": encode(vec![7; length])});
    assert_eq!(can(hs(32)), of(&[Algorithm::Hs256]));
    assert_eq!(can(hs(48)), of(&[Algorithm::Hs256, Algorithm::Hs384]));
    assert_eq!(can(hs(64)), Algorithms::SYMMETRIC);
    let rsa = json!({"kty": "RSA", "n": encode([0xfd; 256]), "e": "AQAB"});
    assert_eq!(can(rsa.clone()), Algorithms::RSA);
    let mut bound = rsa;
    bound["alg"] = "PS384".into();
    assert_eq!(can(bound), of(&[Algorithm::Ps384]));
}

#[test]
fn keys_can_be_replaced_while_they_are_in_use() {
    let (old, new) = (
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let keys = LiveKeys::new(old.verifying_key().into());
    let clock = FakeClock::at_unix_seconds(NOW).clock();
    let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, keys.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let token = |key: &SigningKey| {
        let issuer = Issuer::new(key.clone(), ISSUER, AUDIENCE).unwrap();
        let issuer = issuer.clock(clock.clone());
        issuer.token("user-17").sign().unwrap()
    };
    assert_eq!(outcome(verifier.verify(&token(&old))), "ok");
    assert_eq!(outcome(verifier.verify(&token(&new))), "unknown_key");
    keys.replace(KeySet::new([new.verifying_key(), old.verifying_key()]).unwrap());
    assert_eq!(outcome(verifier.verify(&token(&new))), "ok");
    keys.replace(new.verifying_key().into());
    assert_eq!(outcome(verifier.verify(&token(&old))), "unknown_key");
}

#[test]
fn what_is_issued_passes_the_strict_profile() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let issuer = Issuer::new(key.clone(), ISSUER, AUDIENCE)
        .unwrap()
        .clock(FakeClock::at_unix_seconds(NOW).clock())
        .random(Random::insecure_seeded(1))
        .token_type("at+jwt");
    let signed = issuer
        .token("user-17")
        .claim("client_id", "c")
        .unwrap()
        .sign()
        .unwrap();
    let verifier = builder_for(&key)
        .rfc9068()
        .profile(Profile::Strict)
        .build()
        .unwrap();
    let verified = verifier.verify(&signed).unwrap();
    assert_eq!(verified.header().key_id(), key.key_id());
    let claims = verified.claims();
    assert_eq!(claims.subject(), Some("user-17"));
    assert_eq!(claims.expires_at().unwrap().unix_seconds(), NOW + 600);
    assert_eq!(claims.id().unwrap().len(), 22);

    let again = issuer.token("user-17").claim("client_id", "c").unwrap();
    let again = verifier.verify(&again.sign().unwrap()).unwrap();
    assert_ne!(again.claims().id(), claims.id());
}

#[test]
fn what_can_be_said_in_a_token() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let issuer = Issuer::new(key.clone(), ISSUER, "usual")
        .unwrap()
        .or_audience("x")
        .and_then(|issuer| issuer.or_audience("y"))
        .unwrap()
        .clock(FakeClock::at_unix_seconds(NOW).clock())
        .lifetime(Duration::from_secs(90))
        .unwrap();
    let claims = |token: TokenBuilder<'_>| {
        let signed = token.sign().unwrap();
        let verifier = builder_for(&key).insecure_any_audience().build().unwrap();
        verifier.verify(&signed).unwrap().into_claims()
    };
    let audiences = |claims: &Claims| claims.get("aud").unwrap();
    let usual = claims(issuer.token("a"));
    assert_eq!(audiences(&usual), json!("usual"));
    assert_eq!(usual.expires_at().unwrap().unix_seconds(), NOW + 90);
    assert_eq!(
        audiences(&claims(issuer.token("a").audiences(["x"]))),
        json!("x")
    );
    let two = claims(issuer.token("a").audiences(["x", "y"]));
    assert_eq!(audiences(&two), json!(["x", "y"]));

    let time = Timestamp::from_unix_seconds(NOW - 5);
    let known = issuer.token("a").authenticated(time, &[Method::Password]);
    let known = claims(known.claim("n", json!({"k": [1, "\u{1F600}"]})).unwrap());
    let principal = principal_of(&known).unwrap();
    assert_eq!(principal.authentication().time(), time);
    assert_eq!(principal.authentication().methods(), [Method::Password]);
    assert_eq!(known.get("n"), Some(json!({"k": [1, "\u{1F600}"]})));
}

#[test]
fn what_cannot_be_issued() {
    let issuer = Issuer::new(hs256(), ISSUER, AUDIENCE).unwrap();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        let error = issuer.token("a").claim(name, 1).unwrap_err();
        assert!(matches!(error, IssueError::ReservedClaim(_)), "{name}");
    }
    let twice = issuer.token("a").claim("x", 1).unwrap().claim("x", 2);
    assert!(matches!(twice, Err(IssueError::RepeatedClaim(_))));
    let long = issuer.token("a").claim("x", "a".repeat(20_000)).unwrap();
    assert!(matches!(long.sign(), Err(IssueError::TooLong(_))));
    for audiences in [&[][..], &[""], &["x", ""]] {
        let signed = issuer
            .token("a")
            .audiences(audiences.iter().copied())
            .sign();
        let error = signed.unwrap_err();
        let is_empty = audiences.iter().any(|it| it.is_empty()) || audiences.is_empty();
        assert!(
            is_empty && matches!(error, IssueError::NoAudience),
            "{audiences:?}"
        );
    }
}

/// ASVS 5.0 9.2.4.
#[test]
fn tokens_are_for_audiences_that_were_named_at_the_start() {
    const OTHER: &str = "https://other.example";
    let issuer = Issuer::new(hs256(), ISSUER, AUDIENCE).unwrap();
    let issuer = issuer.or_audience(OTHER).unwrap();
    let audiences = |names: &[&str]| -> Result<Vec<String>, String> {
        let token = issuer.token("a").audiences(names.iter().copied());
        let token = token.sign().map_err(|error| error.to_string())?;
        let any = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Hs256, issuer.public_keys());
        let any = any.or_audience(OTHER).build().unwrap();
        let verified = any.verify(&token).unwrap();
        Ok(verified.claims().audiences().map(str::to_owned).collect())
    };
    for (name, names) in [
        ("the usual one", vec![AUDIENCE]),
        ("the other", vec![OTHER]),
        ("both", vec![OTHER, AUDIENCE]),
    ] {
        assert_eq!(audiences(&names).unwrap(), names, "{name}");
    }
    for (name, names) in [
        ("one of a client's making", vec!["https://evil.example"]),
        ("beside a good one", vec![AUDIENCE, "https://evil.example"]),
        ("almost", vec!["https://other.example/"]),
        ("in other letters", vec!["HTTPS://OTHER.EXAMPLE"]),
    ] {
        let refused = audiences(&names).unwrap_err();
        assert!(refused.contains("or_audience"), "{name}: {refused}");
    }
    assert_eq!(issuer.or_audience("").unwrap_err().code(), "config_empty");
}

#[test]
fn mistakes_of_issuers_are_found_at_the_start() {
    let names = [
        ("good", ISSUER, AUDIENCE, "ok"),
        ("no issuer", "", AUDIENCE, "config_empty"),
        ("no audience", ISSUER, "", "config_empty"),
    ];
    for (name, issuer, audience, expected) in names {
        let built = Issuer::new(hs256(), issuer, audience);
        let code = built.map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(code, expected, "{name}");
    }
    let day = Duration::from_secs(24 * 60 * 60);
    let lifetimes = [
        ("none", Duration::ZERO, ["config_no_lifetime"; 2]),
        (
            "cut off to none",
            Duration::from_millis(999),
            ["config_no_lifetime"; 2],
        ),
        ("a second", Duration::from_secs(1), ["ok"; 2]),
        ("a day", day, ["ok"; 2]),
        (
            "more than a day",
            day + Duration::from_secs(1),
            ["config_lifetime_too_long", "ok"],
        ),
        (
            "for ever",
            Duration::MAX,
            ["config_lifetime_too_long", "ok"],
        ),
    ];
    for (name, lifetime, expected) in lifetimes {
        let issuer = Issuer::new(hs256(), ISSUER, AUDIENCE).unwrap();
        let set = [
            issuer.clone().lifetime(lifetime),
            issuer.insecure_long_lifetime(lifetime),
        ];
        let codes = set.map(|it| it.map_or_else(|error| error.code(), |_| "ok"));
        assert_eq!(codes, expected, "{name}");
    }
}

#[test]
fn signing_keys_come_back_from_what_was_kept() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let kept = key.to_pkcs8().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, kept.expose()).unwrap();
        assert_eq!(again.key_id(), key.key_id());
        let signature = again.sign(b"x").unwrap();
        let public = key.verifying_key();
        assert!(public.verify(algorithm, b"x", &signature).is_ok());
    }
    assert!(matches!(
        SigningKey::generate(Algorithm::Rs256),
        Err(KeyError::CannotGenerate(_))
    ));
}

#[test]
fn private_keys_are_read_from_jwk() {
    // RFC 8037 appendix A.1, RFC 7515 appendix A.3.
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"});
    let p256 = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"});
    for jwk in [&ed25519, &p256] {
        let key = SigningKey::from_jwk(&jwk.to_string()).unwrap();
        let signature = key.sign(b"x").unwrap();
        let public = key.verifying_key();
        assert!(public.verify(key.algorithm(), b"x", &signature).is_ok());
        assert!(
            !public
                .to_public_jwk()
                .unwrap()
                .to_string()
                .contains("\"d\"")
        );

        let mut unlike = jwk.clone();
        unlike["d"] = encode([9; 32]).into();
        let error = SigningKey::from_jwk(&unlike.to_string()).unwrap_err();
        assert_eq!(error, KeyError::InvalidPrivateKey);
        let mut verify_only = jwk.clone();
        verify_only["key_ops"] = json!(["verify"]);
        let error = SigningKey::from_jwk(&verify_only.to_string()).unwrap_err();
        assert_eq!(error, KeyError::NotForThis);
    }
    // RFC 8037 appendix A.4: the signature is always the same.
    let key = SigningKey::from_jwk(&ed25519.to_string()).unwrap();
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        encode(key.sign(signed.as_bytes()).unwrap()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    assert_eq!(
        key.key_id(),
        Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    );
}

/// RFC 7515 appendix A.2, where the signature is always the same.
#[test]
fn rsa_signs_as_the_rfc_does() {
    let key = SigningKey::from_jwk(include_str!("../../../benches/common/rfc7515_a2.jwk.json"));
    let key = key.unwrap();
    let (signed, signature) = forgery::RSA_TOKEN.rsplit_once('.').unwrap();
    assert_eq!(encode(key.sign(signed.as_bytes()).unwrap()), signature);
    assert!(key.verifying_key().algorithms() == Algorithm::Rs256.into());
}

#[test]
fn private_keys_are_read_from_pem() {
    let key = SigningKey::generate(Algorithm::Es384).unwrap();
    let packed = base64::engine::general_purpose::STANDARD.encode(key.to_pkcs8().unwrap().expose());
    let (first, rest) = packed.split_at(64);
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{first}\r\n{rest}\n-----END PRIVATE KEY-----\n");
    let read = |pem: &str| SigningKey::from_pkcs8_pem(Algorithm::Es384, pem);
    assert_eq!(read(&pem).unwrap().key_id(), key.key_id());
    for wrong in [
        String::new(),
        pem.replace("PRIVATE", "PUBLIC"),
        pem.replace("-----END", "----END"),
        pem.replacen(first, "", 1),
        pem.replacen(first, "!", 1),
    ] {
        assert_eq!(read(&wrong).unwrap_err(), KeyError::InvalidPrivateKey);
    }
    let other = SigningKey::from_pkcs8_pem(Algorithm::Es256, &pem);
    assert_eq!(other.unwrap_err(), KeyError::InvalidPrivateKey);
}

#[test]
fn nothing_verifies_until_there_are_keys() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = LiveKeys::new(KeySet::default());
    let clock = FakeClock::at_unix_seconds(NOW).clock();
    let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, keys.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let issuer = Issuer::new(key.clone(), ISSUER, AUDIENCE).unwrap();
    let issuer = issuer.clock(clock);
    let token = issuer.token("user-17").sign().unwrap();
    assert_eq!(outcome(verifier.verify(&token)), "unknown_key");
    keys.replace(issuer.public_keys());
    assert_eq!(outcome(verifier.verify(&token)), "ok");
    keys.replace(KeySet::default());
    assert_eq!(outcome(verifier.verify(&token)), "unknown_key");
}

/// A header that was good once is not read again; that must not carry over to where it is
/// not good.
#[test]
fn known_headers_are_known_where_they_are_good_only() {
    let header = r#"{"alg":"HS256","zip":"DEF","typ":"JWT"}"#;
    let token = forge(&hs256(), header, &good_claims().to_string());
    let keys = KeySet::from(hs256().verifying_key());
    let default = JwsVerifier::new(keys, Algorithm::Hs256).unwrap();
    let strict = default.clone().profile(Profile::Strict);
    assert!(default.verify(&token).is_ok());
    assert!(default.verify(&token).is_ok());
    assert_eq!(strict.verify(&token).unwrap_err().code(), "compressed");
    let strict = default.clone().profile(Profile::Strict);
    assert_eq!(strict.verify(&token).unwrap_err().code(), "compressed");

    let other = SecretBytes::from([8; 64].as_slice());
    let stranger = SigningKey::from_secret(Algorithm::Hs256, &other).unwrap();
    // More headers than are kept, many times over, and forged ones among them.
    let verifier = builder().build().unwrap();
    for round in 0..3 {
        for number in 0..10 {
            let header = format!(r#"{{"alg":"HS256","n":{number}}}"#);
            let token = forge(&hs256(), &header, &good_claims().to_string());
            assert_eq!(outcome(verifier.verify(&token)), "ok", "{round} {number}");
            let forged = forge(&stranger, &header, &good_claims().to_string());
            let found = outcome(verifier.verify(&forged));
            assert_eq!(found, "bad_signature", "{round} {number}");
        }
    }
}

#[test]
fn nothing_prints_a_secret() {
    let key = hs256();
    let shown = format!("{key:?} {:?} {:?}", key.verifying_key(), builder());
    assert!(!shown.contains("7, 7"), "{shown}");
}
