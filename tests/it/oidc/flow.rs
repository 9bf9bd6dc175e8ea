//! Logins that go well, in each way a provider and a client can have it.

use super::http::{Browser, parameter};
use super::idp::{CLIENT_ID, Idp};
use super::rp::{Place, Rp, SESSION, client};
use portcullis::authn::RequireRecent;
use portcullis::authn::oauth2::{
    ClientAuthentication, LoginErrorKind, LoginRequest, Prompt, ReturnPath,
};
use portcullis::crypto::keys::{Algorithm, KeySet, SigningKey};
use portcullis::guard::RequestHead;
use portcullis::principal::{Method, Principal};
use serde_json::json;
use std::time::{Duration, Instant};
use url::Url;

#[tokio::test]
async fn a_user_logs_in_by_code_with_pkce_state_and_nonce() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    let begun = rp.begin(&mut browser).await;
    for (name, expected) in [
        ("response_type", Some("code")),
        ("client_id", Some(CLIENT_ID)),
        ("code_challenge_method", Some("S256")),
        ("scope", Some("openid")),
        ("prompt", None),
    ] {
        assert_eq!(parameter(&begun, name).as_deref(), expected, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(parameter(&begun, name).unwrap().len(), 43, "{name}");
    }
    assert!(browser.cookie(&rp.origin, "__Host-login-oidc").is_some());

    let callback = browser.authorize(&begun).await;
    assert_eq!(parameter(&callback, "iss").as_deref(), Some(&*idp.issuer()));
    let answer = browser.get(&callback).await;
    assert_eq!((answer.status, answer.location()), (303, "/me"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    let names: Vec<_> = answer.cookies().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [SESSION, "__Host-login-oidc"]);
    assert!(browser.cookie(&rp.origin, "__Host-login-oidc").is_none());
    // Neither a token nor a code reaches the browser by us.
    assert!(answer.body.is_empty());

    let me = rp.me(&mut browser).await.unwrap();
    assert_eq!(
        (&me["issuer"], &me["subject"]),
        (&json!(idp.issuer()), &json!("alice"))
    );
    // Once more: the same account, by issuer and subject.
    let mut other = Browser::default();
    rp.log_in(&mut other).await;
    assert_eq!(rp.me(&mut other).await.unwrap()["id"], me["id"]);
}

#[tokio::test]
async fn each_way_to_sign_and_to_authenticate_the_client_works() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let (rp, _idp) = Rp::with_provider(&[("IDP_ALG", algorithm)]).await;
        let mut browser = Browser::default();
        rp.log_in(&mut browser).await;
        assert!(rp.me(&mut browser).await.is_some(), "{algorithm}");
    }

    let key = SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_key_id("ours");
    let public = KeySet::from(key.verifying_key()).to_public_json();
    let secret = super::idp::CLIENT_SECRET;
    for (method, jwks) in [
        ("client_secret_post", ""),
        ("none", ""),
        ("private_key_jwt", &*public),
    ] {
        let place = Place::take().await;
        let variables = [("IDP_CLIENT_AUTH", method), ("IDP_CLIENT_JWKS", jwks)];
        let idp = Idp::start(&place.origin, &variables).await;
        let us = match method {
            "client_secret_post" => ClientAuthentication::secret_post(CLIENT_ID, secret),
            "none" => ClientAuthentication::none(CLIENT_ID),
            _ => ClientAuthentication::private_key_jwt(CLIENT_ID, key.clone(), idp.issuer()),
        };
        let provider = place.provider_as("oidc", &idp.issuer(), us.unwrap());
        let rp = Rp::serve(place, [provider.build(client()).unwrap()]);
        let mut browser = Browser::default();
        rp.log_in(&mut browser).await;
        assert!(rp.me(&mut browser).await.is_some(), "{method}");
    }
}

#[tokio::test]
async fn requests_are_pushed_where_asked_or_required() {
    // One asks, the other requires.
    for (name, required, pushes) in [("asked", "0", true), ("required", "1", false)] {
        let (rp, idp) = Rp::built(&[("IDP_REQUIRE_PAR", required)], |provider| {
            if pushes {
                provider.pushing_requests()
            } else {
                provider
            }
        })
        .await;
        let mut browser = Browser::default();
        let begun = rp.begin(&mut browser).await;
        let url = Url::parse(&begun).unwrap();
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "request_uri"], "{name}");
        let callback = browser.authorize(&begun).await;
        assert_eq!(browser.get(&callback).await.status, 303, "{name}");
        assert!(rp.me(&mut browser).await.is_some(), "{name}");
        assert_eq!(idp.count("/request").await, 1, "{name}");
    }
}

#[tokio::test]
async fn userinfo_adds_claims_and_changes_none() {
    let (rp, _idp) = Rp::built(&[], |provider| {
        provider.scopes(["profile", "email"]).with_userinfo()
    })
    .await;
    rp.log_in(&mut Browser::default()).await;
    let seen = rp.seen.lock().unwrap().pop().unwrap();
    let identity = seen.identity();
    assert_eq!(identity.claim("name"), Some(&json!("Alice Example")));
    assert_eq!(identity.verified_email(), Some("alice@example.test"));
    assert_eq!(identity.subject(), "alice");
    // Nothing of it is shown by accident.
    let shown = format!("{seen:?}");
    assert!(
        !shown.contains("Example") && !shown.contains("eyJ"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_keys_of_a_provider_change_in_mid_flight() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    rp.log_in(&mut Browser::default()).await;
    for keep in [1, 0, 1] {
        let mut browser = Browser::default();
        let callback = rp.callback(&mut browser).await;
        idp.control("rotate", &json!({"keep": keep})).await;
        assert_eq!(browser.get(&callback).await.status, 303, "keep {keep}");
    }
    let fetched = idp.count("/jwks").await;
    assert!((2..=4).contains(&fetched), "{fetched} fetches of keys");
}

/// ASVS 5.0 10.3.4 and 7.5.3: a stronger or more recent proof is asked for, and checked.
#[tokio::test]
async fn stepping_up_asks_for_a_level_and_an_age_and_checks_both() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    let strong = "urn:portcullis:aal2";
    let finish = async |browser: &mut Browser, request: LoginRequest| {
        let begun = rp.relying_party.begin("oidc", &request).await.unwrap();
        let (name, value) = begun
            .set_cookie()
            .to_str()
            .unwrap()
            .split_once('=')
            .unwrap();
        let value = value.split(';').next().unwrap();
        browser.set_cookie(&rp.origin, name, value);
        let callback = browser.authorize(begun.location()).await;
        let request = ::http::Request::get(&callback)
            .header("cookie", browser.cookies_for(&rp.origin))
            .body(())
            .unwrap();
        let head = RequestHead::of(&request);
        rp.relying_party.finish("oidc", &head).await
    };
    let path = ReturnPath::parse("/admin?tab=1").unwrap();
    let request = LoginRequest::new()
        .return_to(path.clone())
        .begun_by("user-17")
        .acr_values([strong])
        .max_age(Duration::ZERO)
        .prompt(Prompt::Login)
        .login_hint("alice");
    let login = finish(&mut browser, request.clone()).await.unwrap();
    assert_eq!(login.identity().level(), Some(strong));
    assert_eq!(login.return_to(), &path);
    assert_eq!(login.begun_by(), Some("user-17"));
    let methods = login.identity().authentication();
    let methods: Vec<_> = methods.methods().iter().map(Method::as_str).collect();
    assert_eq!(methods, ["pwd", "otp"]);

    // A provider that gives less than was asked for.
    for (name, changes) in [
        (
            "another level",
            json!({"claims": {"acr": "urn:portcullis:aal1"}}),
        ),
        ("no level", json!({"remove": ["acr"]})),
        (
            "too long ago",
            json!({"claims": {"auth_time": 1_700_000_000}}),
        ),
        ("no time", json!({"remove": ["auth_time"]})),
    ] {
        idp.tamper(&changes).await;
        let refused = finish(&mut browser, request.clone()).await.unwrap_err();
        let expected = if name == "no time" {
            LoginErrorKind::IdToken
        } else {
            LoginErrorKind::TooWeak
        };
        assert_eq!(refused.kind(), expected, "{name}");
    }
    // The same by the routes.
    let url = rp.url("/auth/oidc/login?return_to=/me&max_age=300");
    let begun = browser.get(&url).await;
    assert_eq!(
        parameter(begun.location(), "max_age").as_deref(),
        Some("300")
    );
    for wrong in [
        "max_age=-1",
        "max_age=x",
        "max_age=1&max_age=2",
        "max_age=99999999999",
    ] {
        let url = rp.url(&format!("/auth/oidc/login?{wrong}"));
        assert_eq!(browser.get(&url).await.status, 400, "{wrong}");
    }
    // Who is not asked: an error of the provider, which is told as one.
    let silent = LoginRequest::new().prompt(Prompt::None);
    let refused = finish(&mut Browser::default(), silent).await.unwrap_err();
    assert_eq!(refused.kind(), LoginErrorKind::Denied);
    assert_eq!(refused.detail(), Some("login_required"));
}

#[tokio::test]
async fn tokens_are_renewed_and_each_refresh_token_is_sent_once() {
    let (rp, idp) = Rp::built(&[("IDP_TTL_ACCESS", "30")], |provider| {
        provider
            .scopes(["offline_access"])
            .parameter("prompt", "consent")
    })
    .await;
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let name = rp.me(&mut browser).await.unwrap()["login"].clone();
    let name = name.as_str().unwrap();
    let before = idp.count("/token").await;
    // It ends within the minute, so all of these want the next one; one asks for it.
    let (relying_party, logins) = (&rp.relying_party, &rp.logins);
    let ask = || logins.access_token(relying_party, name);
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    let tokens = [one, two, three, four].map(|token| token.unwrap().expose().to_owned());
    assert_eq!(idp.count("/token").await, before + 1);
    let seen = rp.seen.lock().unwrap().pop().unwrap();
    let first = seen.identity().tokens();
    assert!(
        tokens
            .iter()
            .any(|token| token != first.access_token().expose())
    );
    // The next refresh token is kept and good; the first one is used up.
    logins.access_token(relying_party, name).await.unwrap();
    assert_eq!(idp.count("/token").await, before + 2);
    let used = first.refresh_token().unwrap();
    let refused = relying_party.refresh("oidc", "alice", used).await;
    assert_eq!(refused.unwrap_err().kind(), LoginErrorKind::Grant);
    // The provider took that for a theft, and ended all of it.
    let refused = logins.access_token(relying_party, name).await;
    assert_eq!(refused.unwrap_err().kind(), LoginErrorKind::Grant);
    // Another user's ID token at a refresh is refused.
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let seen = rp.seen.lock().unwrap().pop().unwrap();
    let refresh = seen.identity().tokens().refresh_token().unwrap();
    idp.tamper(&json!({"claims": {"sub": "mallory"}})).await;
    let refused = relying_party.refresh("oidc", "alice", refresh).await;
    assert_eq!(refused.unwrap_err().kind(), LoginErrorKind::OtherUser);
}

#[tokio::test]
async fn a_login_of_unknown_time_is_never_recent() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let recent = RequireRecent::within(Duration::from_secs(300));
    for (name, changes, is_recent) in [
        ("said", json!({}), true),
        ("not said", json!({"remove": ["auth_time"]}), false),
    ] {
        idp.tamper(&changes).await;
        rp.log_in(&mut Browser::default()).await;
        let seen = rp.seen.lock().unwrap().pop().unwrap();
        let proof = seen.identity().authentication();
        let principal = Principal::new("1", proof.clone());
        assert_eq!(recent.met_by(&principal).is_ok(), is_recent, "{name}");
        // When it was shown is known.
        assert_eq!(proof.shown_at(), rp.time.clock().now(), "{name}");
    }
}

#[tokio::test]
async fn who_logs_in_after_all_was_ended_is_in() {
    let (rp, _idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let me = rp.me(&mut browser).await.unwrap();
    let user = me["id"].as_str().unwrap();
    let held_back = rp.callback(&mut browser).await;
    rp.time.advance(Duration::from_secs(50));
    let ended = rp.time.clock().now();
    rp.epochs.end_before(user, ended).await.unwrap();
    // What was under way is ended.
    let refused = browser.get(&held_back).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    // What begins later is not, though the provider asked for the password before.
    rp.time.advance(Duration::from_secs(50));
    rp.log_in(&mut browser).await;
    let seen = rp.seen.lock().unwrap().pop().unwrap();
    assert!(seen.identity().authentication().time() < ended);
    assert!(rp.me(&mut browser).await.is_some());
}

#[tokio::test]
async fn tokens_are_renewed_though_who_asked_has_left() {
    let (rp, idp) = Rp::built(&[("IDP_TTL_ACCESS", "30")], |provider| {
        provider
            .scopes(["offline_access"])
            .parameter("prompt", "consent")
    })
    .await;
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let name = rp.me(&mut browser).await.unwrap()["login"].clone();
    let name = name.as_str().unwrap();
    let before = idp.count("/token").await;
    let ask = rp.logins.access_token(&rp.relying_party, name);
    tokio::select! {
        biased;
        token = ask => panic!("{token:?} without a call"),
        () = std::future::ready(()) => {}
    }
    // Nobody waits, and the next one finds the new refresh token and no lease.
    let until = Instant::now() + Duration::from_secs(10);
    while idp.count("/token").await < before + 2 {
        assert!(Instant::now() < until, "it is not renewed");
        let asked = rp.logins.access_token(&rp.relying_party, name).await;
        asked.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
