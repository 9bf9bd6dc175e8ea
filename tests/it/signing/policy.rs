//! What a policy lets pass, without a server.

use super::*;
use portcullis::signing::ConfigError;

const RSA: &str = include_str!("../../../benches/common/rfc7515_a2.jwk.json");

fn rsa(algorithm: &str) -> SigningKey {
    let mut jwk: serde_json::Value = serde_json::from_str(RSA).unwrap();
    jwk["alg"] = algorithm.into();
    SigningKey::from_jwk(&jwk.to_string()).unwrap()
}

#[tokio::test]
async fn every_registered_algorithm_signs_and_verifies() {
    let all = [
        SigningKey::from_secret(Algorithm::Hs256, &secret()).unwrap(),
        SigningKey::generate(Algorithm::EdDsa).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es384).unwrap(),
        rsa("PS512"),
        rsa("RS256"),
    ];
    for key in all {
        let key = key.with_key_id("k");
        let name = key.algorithm();
        let known = KnownKey::new(key.verifying_key()).unwrap();
        let verifier = Verifier::new(
            Policy::request(),
            StaticKeys::new().with("k", known),
            Store::memory(),
        );
        let mut request = order();
        let signer = Signer::new(key).unwrap().naming_algorithm();
        signer.sign_request(&mut request, BODY).unwrap();
        let verified = verifier.verify(&Message::from(&request), BODY).await;
        let verified = verified.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(verified.algorithm(), name);
        assert_eq!(
            verified.parameters().algorithm(),
            Some(verified.algorithm_name())
        );
        let forged = verifier.verify(&Message::from(&request), b"{}").await;
        assert_eq!(code(&forged), "wrong_digest", "{name}");
    }
    for algorithm in [Algorithm::Hs384, Algorithm::Hs512] {
        let key = SigningKey::generate(algorithm).unwrap().with_key_id("k");
        assert_eq!(Signer::new(key).unwrap_err(), ConfigError::NoAlgorithm);
    }
}

type Change = fn(&mut Request<()>);

/// One change to a good request, and what it comes to.
#[tokio::test]
async fn attacks() {
    fn set(request: &mut Request<()>, name: &'static str, value: &str) {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    fn field(request: &Request<()>, name: &str) -> String {
        request.headers()[name].to_str().unwrap().to_owned()
    }
    fn edit(request: &mut Request<()>, name: &'static str, from: &str, to: &str) {
        let before = field(request, name);
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "{from:?} is not in {before:?}");
        set(request, name, &after);
    }
    let cases: [(&str, Change, &str); 35] = [
        ("as it was signed", |_| {}, "ok"),
        (
            "the same host in a header",
            |it| set(it, "host", "API.example.com:443"),
            "ok",
        ),
        (
            "another host in a header",
            |it| set(it, "host", "evil.example"),
            "wrong_authority",
        ),
        (
            "another method",
            |it| *it.method_mut() = Method::PUT,
            "bad_signature",
        ),
        (
            "another path",
            |it| *it.uri_mut() = "https://api.example.com/admin?dry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "another query",
            |it| *it.uri_mut() = "https://api.example.com/orders?dry=0".parse().unwrap(),
            "bad_signature",
        ),
        (
            "another host",
            |it| *it.uri_mut() = "https://evil.example/orders?dry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "another scheme",
            |it| *it.uri_mut() = "http://api.example.com/orders?dry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "another type",
            |it| set(it, "content-type", "text/html"),
            "bad_signature",
        ),
        (
            "a type twice",
            |it| {
                it.headers_mut()
                    .append("content-type", "text/html".parse().unwrap());
            },
            "bad_signature",
        ),
        (
            "no type",
            |it| {
                it.headers_mut().remove("content-type");
            },
            "missing_component",
        ),
        (
            "no digest",
            |it| {
                it.headers_mut().remove("content-digest");
            },
            "missing_component",
        ),
        (
            "a weak digest",
            |it| set(it, "content-digest", "md5=:AA==:"),
            "no_digest",
        ),
        (
            "another digest",
            |it| {
                set(
                    it,
                    "content-digest",
                    "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
                );
            },
            "bad_signature",
        ),
        (
            "no signature",
            |it| {
                it.headers_mut().remove("signature");
            },
            "unknown_label",
        ),
        (
            "no input",
            |it| {
                it.headers_mut().remove("signature-input");
            },
            "unknown_label",
        ),
        (
            "neither",
            |it| {
                it.headers_mut().remove("signature");
                it.headers_mut().remove("signature-input");
            },
            "absent",
        ),
        (
            "an empty signature",
            |it| set(it, "signature", "sig=::"),
            "bad_signature",
        ),
        (
            "a signature of zeros",
            |it| {
                set(
                    it,
                    "signature",
                    "sig=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
                );
            },
            "bad_signature",
        ),
        (
            "another label",
            |it| edit(it, "signature", "sig=", "gis="),
            "unknown_label",
        ),
        (
            "a label twice",
            |it| {
                let again = it.headers()["signature"].clone();
                it.headers_mut().append("signature", again);
            },
            "duplicate",
        ),
        (
            "covering less",
            |it| edit(it, "signature-input", " \"content-digest\"", ""),
            "bad_signature",
        ),
        (
            "covering no method",
            |it| edit(it, "signature-input", "\"@method\" ", ""),
            "not_covered",
        ),
        (
            "covering no target",
            |it| edit(it, "signature-input", " \"@target-uri\"", ""),
            "not_covered",
        ),
        (
            "covering nothing",
            |it| {
                let rest = field(it, "signature-input");
                let (_, rest) = rest.split_once(')').unwrap();
                set(it, "signature-input", &format!("sig=(){rest}"));
            },
            "not_covered",
        ),
        (
            "covering the request of a request",
            |it| {
                edit(
                    it,
                    "signature-input",
                    "\"@method\"",
                    "\"@method\" \"@method\";req",
                );
            },
            "bad_component",
        ),
        (
            "younger",
            |it| {
                edit(
                    it,
                    "signature-input",
                    "created=1700000000",
                    "created=1700000001",
                );
            },
            "bad_signature",
        ),
        (
            "of the future",
            |it| {
                edit(
                    it,
                    "signature-input",
                    "created=1700000000",
                    "created=1700000031",
                );
            },
            "from_future",
        ),
        (
            "of the past",
            |it| {
                edit(
                    it,
                    "signature-input",
                    "created=1700000000",
                    "created=1699999699",
                );
            },
            "stale",
        ),
        (
            "of no time",
            |it| edit(it, "signature-input", ";created=1700000000", ""),
            "no_time",
        ),
        (
            "of two times",
            |it| {
                edit(
                    it,
                    "signature-input",
                    ";created=1700000000",
                    ";created=1;created=1700000000",
                );
            },
            "duplicate",
        ),
        (
            "of nobody",
            |it| edit(it, "signature-input", ";keyid=\"partner-1\"", ""),
            "no_key_id",
        ),
        (
            "of somebody else",
            |it| edit(it, "signature-input", "partner-1", "partner-2"),
            "unknown_key",
        ),
        (
            "by another algorithm",
            |it| edit(it, "signature-input", ";keyid", ";alg=\"ed25519\";keyid"),
            "wrong_algorithm",
        ),
        (
            "with another nonce",
            |it| edit(it, "signature-input", "nonce=\"", "nonce=\"x"),
            "bad_signature",
        ),
    ];
    for (name, change, expected) in cases {
        let time = time();
        let verifier = verifier(&time, Policy::request());
        let mut request = signed(&time);
        change(&mut request);
        let result = verifier.verify(&Message::from(&request), BODY).await;
        assert_eq!(code(&result), expected, "{name}");
        // Nothing that was refused is written down: the good one still passes, once.
        if expected != "ok" {
            let good = signed(&time);
            let message = Message::from(&good);
            assert_eq!(code(&verifier.verify(&message, BODY).await), "ok", "{name}");
            assert_eq!(
                code(&verifier.verify(&message, BODY).await),
                "replayed",
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn what_has_to_be_covered() {
    let digest = "\"content-digest\"";
    for (name, covered, body, policy, expected) in [
        (
            "all",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request(),
            "ok",
        ),
        (
            "in parts",
            "\"@method\" \"@authority\" \"@path\" \"@query\" D",
            BODY,
            Policy::request(),
            "ok",
        ),
        (
            "in two parts",
            "\"@method\" \"@authority\" \"@request-target\" D",
            BODY,
            Policy::request(),
            "ok",
        ),
        (
            "no query",
            "\"@method\" \"@authority\" \"@path\" D",
            BODY,
            Policy::request(),
            "not_covered",
        ),
        (
            "no host",
            "\"@method\" \"@path\" \"@query\" D",
            BODY,
            Policy::request(),
            "not_covered",
        ),
        (
            "no method",
            "\"@target-uri\" D",
            BODY,
            Policy::request(),
            "not_covered",
        ),
        (
            "no digest",
            "\"@method\" \"@target-uri\"",
            BODY,
            Policy::request(),
            "not_covered",
        ),
        (
            "no body",
            "\"@method\" \"@target-uri\"",
            b"".as_slice(),
            Policy::request(),
            "ok",
        ),
        (
            "a member of the digest",
            "\"@method\" \"@target-uri\" \"content-digest\";key=\"sha-256\"",
            BODY,
            Policy::request(),
            "ok",
        ),
        (
            "no digest, which is allowed",
            "\"@method\" \"@target-uri\"",
            BODY,
            Policy::request().insecure_without_digest(),
            "ok",
        ),
        (
            "a wrong digest, which nobody asks for",
            "\"@method\" \"@target-uri\" D",
            b"x",
            Policy::request().insecure_without_digest(),
            "wrong_digest",
        ),
        (
            "one more",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request().covering("content-type".parse().unwrap()),
            "not_covered",
        ),
        (
            "a tag",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request().tag("orders").unwrap(),
            "wrong_tag",
        ),
        (
            "our host",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request().for_authority("API.example.com").unwrap(),
            "ok",
        ),
        (
            "another host",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request().for_authority("example.com").unwrap(),
            "wrong_authority",
        ),
        (
            "another algorithm",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::request().algorithms(Algorithm::EdDsa).unwrap(),
            "wrong_algorithm",
        ),
        (
            "a response",
            "\"@method\" \"@target-uri\" D",
            BODY,
            Policy::response(),
            "bad_component",
        ),
    ] {
        let time = time();
        let mut request = order();
        let covered = covered.replace('D', digest);
        let components = covered.split(' ').map(|it| it.parse().unwrap());
        let signer = signer(&time)
            .covering(components.collect::<Vec<Component>>())
            .unwrap();
        // The digest header is there in any case, covered or not.
        signer
            .sign_request(&mut request, if body.is_empty() { body } else { BODY })
            .unwrap();
        let result = verifier(&time, policy)
            .verify(&Message::from(&request), body)
            .await;
        assert_eq!(code(&result), expected, "{name}");
    }
}

#[tokio::test]
async fn time_and_nonce() {
    let time = time();
    let request = signed(&time);
    let message = Message::from(&request);
    for (name, seconds, expected) in [
        ("30 s early", NOW - 30, "ok"),
        ("31 s early", NOW - 31, "from_future"),
        ("300 s late", NOW + 300, "ok"),
        ("301 s late", NOW + 301, "stale"),
    ] {
        let now = FakeClock::at_unix_seconds(seconds);
        let result = verifier(&now, Policy::request())
            .verify(&message, BODY)
            .await;
        assert_eq!(code(&result), expected, "{name}");
    }
    let mut short = order();
    let signer_of_short = signer(&time).expires_in(Duration::from_secs(10));
    signer_of_short.sign_request(&mut short, BODY).unwrap();
    for (seconds, expected) in [(NOW + 10, "ok"), (NOW + 11, "expired")] {
        let now = FakeClock::at_unix_seconds(seconds);
        let result = verifier(&now, Policy::request())
            .verify(&Message::from(&short), BODY)
            .await;
        assert_eq!(code(&result), expected, "{seconds}");
    }
    let mut plain = order();
    signer(&time)
        .without_nonce()
        .sign_request(&mut plain, BODY)
        .unwrap();
    let plain = Message::from(&plain);
    let strict = verifier(&time, Policy::request())
        .verify(&plain, BODY)
        .await;
    assert_eq!(code(&strict), "no_nonce");
    let loose = verifier(&time, Policy::request().insecure_without_nonce());
    assert_eq!(code(&loose.verify(&plain, BODY).await), "ok");
    assert_eq!(
        code(&loose.verify(&plain, BODY).await),
        "ok",
        "which is why it is called insecure"
    );
}

/// As long as a signature could pass it is remembered, whatever clocks say.
#[tokio::test]
async fn a_nonce_is_remembered_until_it_is_stale() {
    let time = time();
    let store = Store::new(
        portcullis::store::MemoryStore::builder()
            .clock(time.clock())
            .build(),
    );
    let verifier = Verifier::new(Policy::request(), keys(), store).with_clock(time.clock());
    let request = signed(&time);
    let message = Message::from(&request);
    assert_eq!(code(&verifier.verify(&message, BODY).await), "ok");
    for _ in 0..300 {
        assert_eq!(code(&verifier.verify(&message, BODY).await), "replayed");
        time.advance(Duration::from_secs(1));
    }
    assert_eq!(code(&verifier.verify(&message, BODY).await), "replayed");
    time.advance(Duration::from_secs(1));
    assert_eq!(code(&verifier.verify(&message, BODY).await), "stale");
}

#[tokio::test]
async fn of_several_signatures_the_first_good_one_counts() {
    let time = time();
    let mut request = order();
    let other = SigningKey::generate(Algorithm::EdDsa)
        .unwrap()
        .with_key_id("proxy");
    let other = Signer::new(other).unwrap().label("proxy").unwrap();
    other
        .with_clock(time.clock())
        .sign_request(&mut request, BODY)
        .unwrap();
    signer(&time).sign_request(&mut request, BODY).unwrap();
    let verifier = verifier(&time, Policy::request());
    let verified = verifier
        .verify(&Message::from(&request), BODY)
        .await
        .unwrap();
    assert_eq!(verified.key_id(), "partner-1");
    assert!(verified.covers(&Component::method()));
    assert!(!verified.covers(&Component::query()));
    let again = signer(&time).sign_request(&mut request, BODY).unwrap_err();
    assert_eq!(again.code(), "duplicate", "the label is taken");
}

/// Neither the labels nor their order are covered, so each signature of a message could be the
/// first of a copy.
#[tokio::test]
async fn a_message_with_two_good_signatures_passes_once() {
    let time = time();
    let other: SecretBytes = [8; 32].as_slice().into();
    let keys = keys().with("partner-2", KnownKey::shared_secret(&other).unwrap());
    let verifier = Verifier::new(Policy::request(), keys, Store::memory()).with_clock(time.clock());
    let second = SigningKey::from_secret(Algorithm::Hs256, &other).unwrap();
    let second = Signer::new(second.with_key_id("partner-2")).unwrap();
    let second = second.label("second").unwrap().with_clock(time.clock());
    let mut request = signed(&time);
    second.sign_request(&mut request, BODY).unwrap();

    let lines = |name| {
        let lines = request.headers().get_all(name).iter();
        let lines = lines.flat_map(|line| line.to_str().unwrap().split(", "));
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let (inputs, signatures) = (lines("signature-input"), lines("signature"));
    assert_eq!((inputs.len(), signatures.len()), (2, 2));
    let copy = |order: &[usize]| {
        let mut copy = request.clone();
        let join = |all: &[String]| -> http::HeaderValue {
            let chosen: Vec<_> = order.iter().map(|at| &*all[*at]).collect();
            chosen.join(", ").parse().unwrap()
        };
        let headers = copy.headers_mut();
        headers.insert("signature-input", join(&inputs));
        headers.insert("signature", join(&signatures));
        copy
    };
    for (order, expected) in [
        (&[0, 1][..], "ok"),
        (&[0, 1], "replayed"),
        (&[1, 0], "replayed"),
        (&[0], "replayed"),
        (&[1], "replayed"),
    ] {
        let copy = copy(order);
        let found = verifier.verify(&Message::from(&copy), BODY).await;
        assert_eq!(code(&found), expected, "{order:?}");
    }
}

/// What a known key id alone makes the server read is bounded.
#[tokio::test]
async fn what_a_stranger_has_read_is_bounded() {
    let time = time();
    let members: Vec<_> = (0..1_100).map(|at| format!("k{at}")).collect();
    let mut request = signed(&time);
    let headers = request.headers_mut();
    headers.insert("x", members.join(", ").parse().unwrap());
    let components: Vec<_> = (0..62).map(|at| format!("\"x\";key=\"k{at}\"")).collect();
    let input = format!(
        "sig=(\"@method\" \"@target-uri\" {});created={NOW};keyid=\"partner-1\";nonce=\"n\"",
        components.join(" ")
    );
    headers.insert("signature-input", input.parse().unwrap());
    let verifier = verifier(&time, Policy::request());
    let found = verifier.verify(&Message::from(&request), BODY).await;
    assert_eq!(code(&found), "too_much");
}

#[tokio::test]
async fn responses_are_bound_to_their_request() {
    let time = time();
    let request = signed(&time);
    let request = Message::from(&request);
    let mut response = Response::new(());
    signer(&time)
        .without_nonce()
        .sign_response(&mut response, BODY, &request)
        .unwrap();
    let policy = Policy::response();
    let verifier =
        Verifier::insecure_without_replay_control(policy, keys()).with_clock(time.clock());
    let verify = async |status, request: Option<&Message<'_>>, body: &[u8]| {
        let message = Message::of_response(status, response.headers(), request);
        code(&verifier.verify(&message, body).await)
    };
    let ok = StatusCode::OK;
    assert_eq!(verify(ok, Some(&request), BODY).await, "ok");
    assert_eq!(
        verify(StatusCode::CREATED, Some(&request), BODY).await,
        "bad_signature"
    );
    assert_eq!(verify(ok, Some(&request), b"{}").await, "wrong_digest");
    assert_eq!(verify(ok, None, BODY).await, "missing_component");
    // The same request, signed once more: another nonce, another response.
    let next = signed(&time);
    assert_eq!(
        verify(ok, Some(&Message::from(&next)), BODY).await,
        "bad_signature"
    );
    let plain = order();
    assert_eq!(
        verify(ok, Some(&Message::from(&plain)), BODY).await,
        "missing_component"
    );

    // A signer that binds nothing does not pass.
    let mut loose = Response::new(());
    let unbound = signer(&time).covering([Component::status()]).unwrap();
    unbound.sign_response(&mut loose, b"", &request).unwrap();
    let message = Message::of_response(ok, loose.headers(), Some(&request));
    assert_eq!(code(&verifier.verify(&message, b"").await), "not_covered");
}

#[test]
fn configuration_that_makes_no_sense_is_refused() {
    let second = Duration::from_secs(1);
    assert!(Policy::request().max_age(Duration::ZERO).is_err());
    assert!(Policy::request().max_age(Policy::MAX_AGE + second).is_err());
    assert!(
        Policy::request()
            .clock_skew(Policy::MAX_CLOCK_SKEW + second)
            .is_err()
    );
    assert!(Policy::request().algorithms(Algorithm::Hs512).is_err());
    let key = || SigningKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(
        Signer::new(key().with_key_id("Zoë")).unwrap_err(),
        ConfigError::NotVisible("Zoë".to_owned())
    );
    let unnamed = SigningKey::from_secret(Algorithm::Hs256, &secret()).unwrap();
    assert_eq!(Signer::new(unnamed).unwrap_err(), ConfigError::NoKeyId);
    let signer = Signer::new(key()).unwrap();
    assert!(signer.clone().label("Sig").is_err());
    assert!(signer.clone().tag("\n").is_err());
    assert!(
        signer
            .covering([Component::method(), Component::method()])
            .is_err()
    );
    assert!(KnownKey::new(rsa("RS256").verifying_key()).is_ok());
    let mut jwk: serde_json::Value = serde_json::from_str(RSA).unwrap();
    jwk.as_object_mut().unwrap().remove("alg");
    let key = portcullis::crypto::keys::VerifyingKey::from_jwk(&jwk.to_string()).unwrap();
    assert!(
        KnownKey::new(key).is_err(),
        "an RSA key can do six algorithms"
    );
}
