//! Webhooks of every scheme: sent and verified, forged, changed, sent again.

use super::*;
use crate::support::redis::Server;
use crate::support::{Spy, race};
use portcullis::secret::SecretString;
use portcullis::signing::webhook::{
    VerifiedWebhook, WebhookLayer, WebhookScheme, WebhookSecret, WebhookSigner, WebhookVerifier,
};
use tower::{ServiceBuilder, ServiceExt};

fn webhook_secret(scheme: WebhookScheme, number: u8) -> WebhookSecret {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode([number; 32]);
    WebhookSecret::new(scheme, &SecretString::from(text)).unwrap()
}

fn sender(secret: &WebhookSecret, time: &FakeClock) -> WebhookSigner {
    WebhookSigner::new([secret.clone()])
        .unwrap()
        .with_clock(time.clock())
}

fn receiver(secrets: &[WebhookSecret], time: &FakeClock, store: Store) -> WebhookVerifier {
    WebhookVerifier::new(secrets.to_vec(), store)
        .unwrap()
        .with_clock(time.clock())
}

fn code_of(result: &Result<VerifiedWebhook, Fault>) -> &'static str {
    result.as_ref().map_or_else(Fault::code, |_| "ok")
}

#[tokio::test]
async fn every_scheme_both_ways() {
    for scheme in WebhookScheme::ALL.iter().copied() {
        let time = time();
        let (old, new) = (webhook_secret(scheme, 1), webhook_secret(scheme, 2));
        let receiver = receiver(&[new.clone(), old.clone()], &time, Store::memory());
        for (name, secret, expected) in [
            ("new", &new, "ok"),
            ("old", &old, "ok"),
            ("unknown", &webhook_secret(scheme, 3), "bad_signature"),
        ] {
            let headers = sender(secret, &time)
                .sign("msg_1", name.as_bytes())
                .unwrap();
            let forged = receiver.verify(&headers, b"other").await;
            assert_eq!(code_of(&forged), "bad_signature", "{scheme} {name}");
            let first = receiver.verify(&headers, name.as_bytes()).await;
            assert_eq!(code_of(&first), expected, "{scheme} {name}");
            if let Ok(verified) = first {
                let is_standard = scheme == WebhookScheme::StandardWebhooks;
                assert_eq!(verified.id(), is_standard.then_some("msg_1"));
                let again = receiver.verify(&headers, name.as_bytes()).await;
                assert_eq!(code_of(&again), "replayed", "{scheme} {name}");
            }
        }
        assert_eq!(
            code_of(&receiver.verify(&HeaderMap::new(), b"").await),
            "absent"
        );
        let headers = sender(&new, &time).sign("msg_1", BODY).unwrap();
        let (name, value) = headers
            .iter()
            .find(|(name, _)| name.as_str().contains("signature"))
            .unwrap();
        let mut twice = headers.clone();
        twice.append(name, value.clone());
        assert_eq!(
            code_of(&receiver.verify(&twice, BODY).await),
            "duplicate",
            "{scheme}"
        );
    }
}

/// Sent again because nobody answered: the same id at another time. Sent again by somebody else:
/// the same time, whatever signature of it was taken out.
#[tokio::test]
async fn retries_pass_and_copies_do_not() {
    let time = time();
    let scheme = WebhookScheme::StandardWebhooks;
    let secrets = [webhook_secret(scheme, 1), webhook_secret(scheme, 2)];
    let receiver = receiver(&secrets, &time, Store::memory());
    let sender = WebhookSigner::new(secrets.clone())
        .unwrap()
        .with_clock(time.clock());
    let headers = sender.sign("msg_1", BODY).unwrap();
    assert_eq!(code_of(&receiver.verify(&headers, BODY).await), "ok");
    let both = headers["webhook-signature"].to_str().unwrap();
    let (one, other) = both.split_once(' ').unwrap();
    for part in [one, other] {
        let mut copy = headers.clone();
        copy.insert("webhook-signature", part.parse().unwrap());
        assert_eq!(code_of(&receiver.verify(&copy, BODY).await), "replayed");
    }
    time.advance(Duration::from_secs(5));
    let retry = sender.sign("msg_1", BODY).unwrap();
    assert_eq!(code_of(&receiver.verify(&retry, BODY).await), "ok");
}

/// Who knows the secret of one endpoint cannot have an event refused at another, by sending the
/// same there first.
#[tokio::test]
async fn endpoints_remember_for_themselves() {
    for scheme in WebhookScheme::ALL.iter().copied() {
        let (time, store) = (time(), Store::memory());
        let (ours, theirs) = (webhook_secret(scheme, 1), webhook_secret(scheme, 2));
        let one = std::slice::from_ref;
        let sent = |secret: &_| sender(secret, &time).sign("msg_1", BODY).unwrap();
        let our_endpoint = receiver(one(&ours), &time, store.clone());
        let their_endpoint = receiver(one(&theirs), &time, store.clone());
        let second_hook = our_endpoint.clone().named("second");
        let rotated = receiver(&[theirs.clone(), ours.clone()], &time, store);
        for (name, receiver, secret, expected) in [
            ("theirs", &their_endpoint, &theirs, "ok"),
            ("ours", &our_endpoint, &ours, "ok"),
            ("ours again", &our_endpoint, &ours, "replayed"),
            ("a second one", &second_hook, &ours, "ok"),
            ("a second one again", &second_hook, &ours, "replayed"),
            ("with another secret", &rotated, &ours, "replayed"),
        ] {
            let found = receiver.verify(&sent(secret), BODY).await;
            assert_eq!(code_of(&found), expected, "{scheme} {name}");
        }
    }
}

#[tokio::test]
async fn time_has_two_sides() {
    for scheme in [
        WebhookScheme::StandardWebhooks,
        WebhookScheme::Stripe,
        WebhookScheme::Slack,
    ] {
        let secret = webhook_secret(scheme, 1);
        let headers = sender(&secret, &time()).sign("msg_1", BODY).unwrap();
        for (seconds, expected) in [
            (NOW - 301, "from_future"),
            (NOW - 300, "ok"),
            (NOW + 300, "ok"),
            (NOW + 301, "stale"),
        ] {
            let now = FakeClock::at_unix_seconds(seconds);
            let receiver = receiver(std::slice::from_ref(&secret), &now, Store::memory());
            let result = receiver.verify(&headers, BODY).await;
            assert_eq!(code_of(&result), expected, "{scheme} {seconds}");
        }
    }
}

/// What stands between the parts of what is signed cannot be moved.
#[tokio::test]
async fn ids_have_no_dots() {
    let time = time();
    let secret = webhook_secret(WebhookScheme::StandardWebhooks, 1);
    let sender = sender(&secret, &time);
    let body = format!("{NOW}.{{}}");
    let headers = sender.sign("msg", body.as_bytes()).unwrap();
    let mut moved = headers.clone();
    moved.insert("webhook-id", format!("msg.{NOW}").parse().unwrap());
    let receiver = receiver(&[secret], &time, Store::memory());
    assert_eq!(code_of(&receiver.verify(&moved, b"{}").await), "malformed");
    assert_eq!(
        code_of(&receiver.verify(&headers, body.as_bytes()).await),
        "ok"
    );
    for id in ["", "a.b", "a b", "a\n"] {
        assert!(sender.sign(id, BODY).is_err(), "{id:?}");
    }
}

/// The key pair of RFC 8032 section 7.1, test 1, as Standard Webhooks writes it.
#[tokio::test]
async fn public_keys_verify_and_do_not_sign() {
    let private = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    let public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let read = |text: &str| WebhookSecret::new(WebhookScheme::StandardWebhooks, &text.into());
    let (private, public) = (read(private).unwrap(), read(public).unwrap());
    let time = time();
    let headers = sender(&private, &time).sign("msg_1", BODY).unwrap();
    assert!(
        headers["webhook-signature"]
            .to_str()
            .unwrap()
            .starts_with("v1a,")
    );
    let receiver = receiver(std::slice::from_ref(&public), &time, Store::memory());
    assert_eq!(
        code_of(&receiver.verify(&headers, b"{}").await),
        "bad_signature"
    );
    assert_eq!(code_of(&receiver.verify(&headers, BODY).await), "ok");
    assert!(WebhookSigner::new([public]).is_err());
    // A MAC under the public key, which everybody knows, is no signature.
    let known = "whsec_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let forged = sender(&read(known).unwrap(), &time)
        .sign("msg_2", BODY)
        .unwrap();
    assert_eq!(
        code_of(&receiver.verify(&forged, BODY).await),
        "bad_signature"
    );
}

#[test]
fn secrets_are_secret_and_long_enough() {
    let new = |scheme, text: &str| WebhookSecret::new(scheme, &text.into());
    assert!(new(WebhookScheme::GitHub, "0123456789abcde").is_err());
    assert!(new(WebhookScheme::StandardWebhooks, "whsec_AAAA").is_err());
    assert!(new(WebhookScheme::StandardWebhooks, "whsec_*").is_err());
    assert!(new(WebhookScheme::StandardWebhooks, "whpk_AAAA").is_err());
    assert!(new(WebhookScheme::StandardWebhooks, "whsk_AAAA").is_err());
    let any =
        |text: &str| WebhookSecret::insecure_of_any_length(WebhookScheme::Slack, &text.into());
    assert!(any("x").is_ok() && any("").is_err());
    let secret = new(WebhookScheme::Slack, "0123456789abcdef").unwrap();
    assert!(!format!("{secret:?}").contains("0123"));
    assert!(WebhookVerifier::insecure_without_replay_control([]).is_err());
    let mixed = [secret, webhook_secret(WebhookScheme::GitHub, 1)];
    assert!(WebhookVerifier::insecure_without_replay_control(mixed.clone()).is_err());
    assert!(WebhookSigner::new(mixed).is_err());
    assert!("svix".parse::<WebhookScheme>().is_err());
}

#[tokio::test]
async fn a_refused_webhook_never_reaches_the_service() {
    let time = time();
    let secret = webhook_secret(WebhookScheme::Stripe, 1);
    let spy = Spy::default();
    let verifier = receiver(std::slice::from_ref(&secret), &time, Store::memory());
    let service = ServiceBuilder::new()
        .layer(WebhookLayer::new(verifier).body_limit(BODY.len()))
        .service(spy.clone());
    let headers = sender(&secret, &time).sign("msg_1", BODY).unwrap();
    let large = [BODY, b" "].concat();
    for (name, headers, body, status) in [
        ("unsigned", HeaderMap::new(), BODY, 401),
        ("another body", headers.clone(), b"{}".as_slice(), 401),
        ("too large", headers.clone(), &large, 413),
        ("good", headers.clone(), BODY, 200),
        ("again", headers, BODY, 401),
    ] {
        let mut request = Request::post("/")
            .body(Full::<Bytes>::from(body.to_vec()))
            .unwrap();
        *request.headers_mut() = headers;
        let calls = spy.calls();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls() - calls, usize::from(status == 200), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_copies_passes() {
    let server = Server::start().await;
    for store in [Store::memory(), server.store().await] {
        let time = time();
        let secret = webhook_secret(WebhookScheme::StandardWebhooks, 1);
        let receiver = receiver(std::slice::from_ref(&secret), &time, store);
        for round in 0..200 {
            let headers = sender(&secret, &time)
                .sign(&format!("msg_{round}"), BODY)
                .unwrap();
            let found = race(8, |_| {
                let (receiver, headers) = (receiver.clone(), headers.clone());
                async move { receiver.verify(&headers, BODY).await.is_ok() }
            });
            let passed = found.await.into_iter().filter(|passed| *passed).count();
            assert_eq!(passed, 1, "round {round}");
        }
    }
}
