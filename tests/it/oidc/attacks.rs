//! Who tries to log in as another, to make another log in as them, or to lead users away.

use super::http::{Browser, parameter, with_parameter};
use super::idp::Idp;
use super::rp::{Place, Rp, client};
use portcullis::authn::oauth2::{ConfigError, RelyingParty};
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::store::Store;
use serde_json::{Value, json};
use std::time::Duration;

/// Calls back, and says what is answered: nobody is logged in by it.
async fn refused(rp: &Rp, browser: &mut Browser, callback: &str) -> (u16, String) {
    let answer = browser.get(callback).await;
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    assert!(rp.me(browser).await.is_none());
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    (answer.status, problem["code"].as_str().unwrap().to_owned())
}

/// ASVS 5.0 10.1.2 and 10.2.1: a callback counts only in the browser that began the login.
#[tokio::test]
async fn a_callback_of_another_browser_is_refused() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let (mut ann, mut mallory) = (Browser::default(), Browser::default());
    let callback = rp.callback(&mut mallory).await;
    // Login CSRF: the victim's browser has begun nothing, or another login.
    let expired = (400, "login_expired".to_owned());
    assert_eq!(refused(&rp, &mut ann, &callback).await, expired);
    let own = rp.begin(&mut ann).await;
    let failed = (400, "login_failed".to_owned());
    assert_eq!(refused(&rp, &mut ann, &callback).await, failed);
    // The victim's own login under way goes on all the same.
    let own = ann.authorize(&own).await;
    assert_eq!(ann.get(&own).await.status, 303);
    // And the code was sent nowhere.
    assert_eq!(idp.count("/token").await, 1);
}

#[tokio::test]
async fn states_codes_and_nonces_cannot_be_swapped() {
    let (rp, _idp) = Rp::with_provider(&[]).await;
    let (mut ann, mut mallory) = (Browser::default(), Browser::default());
    let stolen = rp.callback(&mut mallory).await;
    let code = parameter(&stolen, "code");
    // A code of another login with one's own state: PKCE and the provider see to it.
    let own = rp.callback(&mut ann).await;
    let injected = with_parameter(&own, "code", code.as_deref());
    assert_eq!(refused(&rp, &mut ann, &injected).await.1, "login_failed");
    assert!(
        rp.last_reason().starts_with("grant_refused"),
        "{}",
        rp.last_reason()
    );
    for (name, state) in [
        ("another's", parameter(&stolen, "state")),
        ("empty", Some(String::new())),
        ("made up", Some("a".repeat(43))),
        ("none", None),
    ] {
        let own = rp.callback(&mut ann).await;
        let changed = with_parameter(&own, "state", state.as_deref());
        let (status, code) = refused(&rp, &mut ann, &changed).await;
        assert_eq!((status, &*code), (400, "login_failed"), "{name}");
        // Nothing is lost by it.
        assert_eq!(ann.get(&own).await.status, 303, "{name}");
        ann = Browser::default();
    }
}

/// ASVS 5.0 10.5.1: an ID token with another nonce answers another request.
#[tokio::test]
async fn an_id_token_with_another_nonce_is_refused() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    for changes in [
        json!({"claims": {"nonce": "another"}}),
        json!({"remove": ["nonce"]}),
        json!({"claims": {"nonce": ["a", "list"]}}),
    ] {
        let mut browser = Browser::default();
        let callback = rp.callback(&mut browser).await;
        idp.tamper(&changes).await;
        let (status, code) = refused(&rp, &mut browser, &callback).await;
        assert_eq!((status, &*code), (400, "login_failed"), "{changes}");
        assert!(rp.last_reason().starts_with("id_token"), "{changes}");
    }
}

#[tokio::test]
async fn a_callback_counts_once() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    let callback = rp.callback(&mut browser).await;
    let mut copy = browser.clone();
    assert_eq!(browser.get(&callback).await.status, 303);
    // With the cookie, as by an attacker who has copied it; and without, as by a reload.
    assert_eq!(refused(&rp, &mut copy, &callback).await.1, "login_expired");
    assert_eq!(
        rp.last_reason().split(':').next(),
        Some("replayed_callback")
    );
    assert_eq!(refused(&rp, &mut copy, &callback).await.1, "login_expired");
    assert_eq!(idp.count("/token").await, 1);

    // At the same moment, too: of eight, one gets on.
    let mut browser = Browser::default();
    let callback = rp.callback(&mut browser).await;
    let calls = (0..8).map(|_| {
        let (mut copy, callback) = (browser.clone(), callback.clone());
        tokio::spawn(async move { copy.get(&callback).await.status })
    });
    let calls: Vec<_> = calls.collect();
    let mut logins = 0;
    for call in calls {
        logins += usize::from(call.await.unwrap() == 303);
    }
    assert_eq!((logins, idp.count("/token").await), (1, 2));
}

#[tokio::test]
async fn a_login_has_ten_minutes() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    let callback = rp.callback(&mut browser).await;
    rp.time.advance(Duration::from_secs(600));
    assert_eq!(
        refused(&rp, &mut browser, &callback).await.1,
        "login_expired"
    );
    assert_eq!(idp.count("/token").await, 0);
}

#[tokio::test]
async fn a_cookie_that_was_changed_or_planted_is_refused() {
    let (rp, _idp) = Rp::with_provider(&[]).await;
    let name = "__Host-login-oidc";
    let mut mallory = Browser::default();
    rp.begin(&mut mallory).await;
    let others = mallory.cookie(&rp.origin, name).unwrap();
    let changes: [(&str, &dyn Fn(String) -> String); 6] = [
        ("changed", &|own| {
            let other = if &own[40..41] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &own[..40], &own[41..])
        }),
        ("cut", &|own| own[..own.len() - 4].to_owned()),
        ("not base64", &|_| "%%%".to_owned()),
        ("empty", &|_| String::new()),
        ("another's", &|_| others.clone()),
        ("two", &|own| format!("{own}; {name}={others}")),
    ];
    for (what, change) in changes {
        let mut browser = Browser::default();
        let callback = rp.callback(&mut browser).await;
        let own = browser.cookie(&rp.origin, name).unwrap();
        browser.set_cookie(&rp.origin, name, &change(own));
        assert_eq!(
            refused(&rp, &mut browser, &callback).await.1,
            "login_failed",
            "{what}"
        );
    }
}

/// ASVS 5.0 10.2.2: two providers, of whom one is hostile or in the hands of an attacker.
#[tokio::test]
async fn a_callback_of_another_provider_is_refused() {
    let place = Place::take().await;
    let (one, other) = (
        Idp::start(&place.origin, &[]).await,
        Idp::start(&place.origin, &[]).await,
    );
    let providers = [("oidc", one.issuer()), ("other", other.issuer())];
    let providers = providers.map(|(name, issuer)| {
        let provider = place.provider(name, &issuer);
        provider.build(client()).unwrap()
    });
    let rp = Rp::serve(place, providers);
    for (name, issuer) in [
        ("the other's", Some(other.issuer())),
        ("with a slash", Some(format!("{}/", one.issuer()))),
        ("in capitals", Some(one.issuer().to_uppercase())),
        ("none, though the provider says that it sends one", None),
    ] {
        let mut ann = Browser::default();
        let callback = rp.callback(&mut ann).await;
        let changed = with_parameter(&callback, "iss", issuer.as_deref());
        assert_eq!(
            refused(&rp, &mut ann, &changed).await.1,
            "login_failed",
            "{name}"
        );
        assert!(
            rp.last_reason().starts_with("mix_up"),
            "{name}: {}",
            rp.last_reason()
        );
    }
    assert_eq!(one.count("/token").await, 0, "no code was sent anywhere");
    let mut ann = Browser::default();
    // The same code at the other's callback: the browser began nothing with that one.
    let callback = rp.callback(&mut ann).await;
    let swapped = callback.replace("/auth/oidc/", "/auth/other/");
    let before = other.count("/token").await;
    assert_eq!(refused(&rp, &mut ann, &swapped).await.1, "login_expired");
    // Nor with the cookie moved under the other's name.
    let cookie = ann.cookie(&rp.origin, "__Host-login-oidc").unwrap();
    ann.set_cookie(&rp.origin, "__Host-login-other", &cookie);
    assert_eq!(refused(&rp, &mut ann, &swapped).await.1, "login_failed");
    assert_eq!(
        other.count("/token").await,
        before,
        "no code leaked to the other"
    );
}

#[tokio::test]
async fn providers_do_not_share_a_redirect_uri() {
    let place = Place::take().await;
    let provider = |name: &str, redirect: &str| {
        let provider = place.provider(name, "https://id.example.com");
        provider.redirect_uri(redirect).build(client()).unwrap()
    };
    let fields = FieldCipher::new(Keyring::generate(), "test");
    let build = |providers: [(&str, &str); 2]| {
        let cookie = fields.column("logins", "cookie").unwrap();
        let builder = RelyingParty::builder(Store::memory(), cookie);
        let providers = providers.into_iter();
        let added = providers.fold(builder, |it, (name, redirect)| {
            it.provider(provider(name, redirect))
        });
        added.build()
    };
    let (one, two) = ("https://shop.example.com/a", "https://shop.example.com/b");
    assert!(build([("one", one), ("two", two)]).is_ok());
    let refused = build([("one", one), ("two", one)]).unwrap_err();
    assert!(matches!(refused, ConfigError::SameRedirect(..)));
    let refused = build([("one", one), ("one", two)]).unwrap_err();
    assert!(matches!(refused, ConfigError::SameName(_)));
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    for path in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/%252f%252fevil.example",
        "/..//evil.example",
        "javascript:alert(1)",
        "%0d%0aset-cookie:%20a=b",
        "/me&return_to=https://evil.example",
    ] {
        let answer = rp.get(&format!("/auth/oidc/login?return_to={path}")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    // Nobody was asked anything for it.
    assert_eq!(idp.count("/.well-known/openid-configuration").await, 0);
    let answer = rp.get("/auth/oidc/login").await;
    assert_eq!(answer.status, 303, "the front page by default");
}

#[tokio::test]
async fn other_paths_and_methods_do_nothing() {
    let (rp, _idp) = Rp::with_provider(&[]).await;
    for (path, expected) in [
        ("/auth/nobody/login", 404),
        ("/auth/oidc", 404),
        ("/auth/oidc/", 404),
        ("/auth/oidc/else", 404),
        ("/auth/oidc/login/", 404),
        ("/auth/x/oidc/login", 404),
        ("/auth/oidc/logout", 405),
        ("/auth/oidc/backchannel", 405),
    ] {
        assert_eq!(rp.get(path).await.status, expected, "{path}");
    }
    let mut browser = Browser::default();
    for path in ["login", "callback"] {
        let url = rp.url(&format!("/auth/oidc/{path}"));
        let answer = browser.post(&url, &[]).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.headers["allow"], "GET");
    }
}

#[tokio::test]
async fn a_user_who_says_no_is_not_logged_in_and_may_try_again() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    let begun = rp.begin(&mut browser).await;
    let callback = browser.at_provider(&begun, &[("abort", "1")]).await;
    let denied = (403, "login_denied".to_owned());
    assert_eq!(refused(&rp, &mut browser, &callback).await, denied);
    assert_eq!(
        rp.last_reason(),
        "denied_by_provider: the provider refused: access_denied"
    );
    assert_eq!(idp.count("/token").await, 0);
    rp.log_in(&mut browser).await;
}
