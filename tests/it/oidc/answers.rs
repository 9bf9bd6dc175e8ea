//! What providers answer that they should not: nobody is logged in by it, the operator learns
//! why, the user does not, and the next login works.

use super::http::Browser;
use super::rp::{Place, Rp, client};
use portcullis::authn::oauth2::{ClientAuthentication, Endpoints, Provider};
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient};
use serde_json::{Value, json};

/// Calls back, and gives the status and the reason that the operator sees.
async fn failed(rp: &Rp, callback: &str, browser: &mut Browser) -> (u16, String) {
    let answer = browser.get(callback).await;
    assert!(rp.me(browser).await.is_none());
    assert!(browser.cookie(&rp.origin, super::rp::SESSION).is_none());
    // Plain words for the user: nothing of the provider's answer, nor of ours.
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let code = problem["code"].as_str().unwrap();
    let known = [
        "login_failed",
        "provider_unavailable",
        "insufficient_user_authentication",
    ];
    assert!(known.contains(&code), "{}", answer.body);
    assert_eq!(problem.get("detail"), None);
    (answer.status, rp.last_reason())
}

/// ASVS 5.0 10.5.4 and 9.1 to 9.2: every rule of OpenID Connect Core section 3.1.3.7.
#[tokio::test]
async fn an_id_token_that_is_not_for_us_or_not_of_the_provider_is_refused() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let now = portcullis::clock::Clock::system().now().unix_seconds();
    let cases = [
        ("for another", json!({"claims": {"aud": "someone-else"}})),
        ("for nobody", json!({"remove": ["aud"]})),
        (
            "for several, azp missing",
            json!({"claims": {"aud": ["portcullis-web", "other"]}}),
        ),
        (
            "for several, azp another",
            json!({"claims": {"aud": ["portcullis-web", "other"], "azp": "other"}}),
        ),
        ("azp another", json!({"claims": {"azp": "someone-else"}})),
        (
            "another issuer",
            json!({"claims": {"iss": "https://evil.example"}}),
        ),
        (
            "issuer with a slash",
            json!({"claims": {"iss": format!("{}/", idp.issuer())}}),
        ),
        ("no issuer", json!({"remove": ["iss"]})),
        ("no subject", json!({"remove": ["sub"]})),
        ("empty subject", json!({"claims": {"sub": ""}})),
        ("subject no text", json!({"claims": {"sub": 17}})),
        (
            "expired",
            json!({"claims": {"exp": now - 120, "iat": now - 300}}),
        ),
        ("no end", json!({"remove": ["exp"]})),
        ("end no number", json!({"claims": {"exp": "tomorrow"}})),
        (
            "of the future",
            json!({"claims": {"iat": now + 600, "exp": now + 900}}),
        ),
        ("good later", json!({"claims": {"nbf": now + 600}})),
        ("no time", json!({"remove": ["iat"]})),
        ("of last month", json!({"claims": {"iat": now - 3_000_000}})),
        ("not signed", json!({"alg": "none"})),
        (
            "signed with the public key as a secret",
            json!({"alg": "HS256-public"}),
        ),
        ("signed by a stranger", json!({"alg": "stranger"})),
        ("of another type", json!({"header": {"typ": "at+jwt"}})),
        (
            "a logout token",
            json!({"claims": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}}),
        ),
        (
            "another access token's",
            json!({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}),
        ),
        ("no token", json!({"raw": "not.a.token"})),
        ("encrypted", json!({"raw": "a.b.c.d.e"})),
        ("empty", json!({"raw": ""})),
        ("too long", json!({"raw": "a".repeat(20_000)})),
    ];
    for (name, changes) in cases {
        let mut browser = Browser::default();
        let callback = rp.callback(&mut browser).await;
        idp.tamper(&changes).await;
        let (status, reason) = failed(&rp, &callback, &mut browser).await;
        assert_eq!(status, 400, "{name}: {reason}");
        let told = reason.starts_with("id_token") || reason.starts_with("bad_provider_answer");
        assert!(told, "{name}: {reason}");
    }
    // Nothing of it stays.
    rp.log_in(&mut Browser::default()).await;
}

#[tokio::test]
async fn an_endpoint_that_answers_otherwise_than_it_should_lets_nobody_in() {
    let (rp, idp) = Rp::built(&[], |provider| provider.with_userinfo().scopes(["email"])).await;
    let page = "<html>maintenance</html>";
    let other = json!({"sub": "mallory", "email": "a@example.com"});
    let huge = json!({"sub": "alice", "x": "y".repeat(200_000)});
    let cases = [
        (
            "token: a page",
            "/token",
            json!({"status": 200, "type": "text/html", "body": page}),
            400,
        ),
        (
            "token: JSON by another name",
            "/token",
            json!({"status": 200, "type": "text/plain", "body": {}}),
            400,
        ),
        (
            "token: cut short",
            "/token",
            json!({"status": 200, "body": "{\"access_token\": \"a"}),
            400,
        ),
        (
            "token: nothing in it",
            "/token",
            json!({"status": 200, "body": {}}),
            400,
        ),
        (
            "token: no ID token",
            "/token",
            json!({"status": 200, "body": {"access_token": "a", "token_type": "Bearer"}}),
            400,
        ),
        (
            "token: of a strange type",
            "/token",
            json!({"status": 200, "body": {"access_token": "a", "token_type": "mac", "id_token": "a.b.c"}}),
            400,
        ),
        (
            "token: a member twice",
            "/token",
            json!({"status": 200, "body": "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}"}),
            400,
        ),
        (
            "token: huge",
            "/token",
            json!({"status": 200, "body": huge}),
            400,
        ),
        (
            "token: refused",
            "/token",
            json!({"status": 400, "body": {"error": "invalid_grant"}}),
            400,
        ),
        (
            "token: redirect",
            "/token",
            json!({"status": 302, "location": "/token"}),
            400,
        ),
        ("token: down", "/token", json!({"status": 503}), 503),
        (
            "token: broken",
            "/token",
            json!({"status": 500, "type": "text/plain", "body": "stack trace"}),
            503,
        ),
        (
            "userinfo: another user",
            "/me",
            json!({"status": 200, "body": other}),
            400,
        ),
        (
            "userinfo: nobody",
            "/me",
            json!({"status": 200, "body": {"email": "a@example.com"}}),
            400,
        ),
        (
            "userinfo: a page",
            "/me",
            json!({"status": 200, "type": "text/html", "body": page}),
            400,
        ),
        (
            "userinfo: huge",
            "/me",
            json!({"status": 200, "body": huge}),
            400,
        ),
        (
            "userinfo: refused",
            "/me",
            json!({"status": 401, "body": {"error": "invalid_token"}}),
            400,
        ),
        ("userinfo: down", "/me", json!({"status": 503}), 503),
    ];
    for (name, path, fault, expected) in cases {
        let mut browser = Browser::default();
        let callback = rp.callback(&mut browser).await;
        idp.fault(path, fault).await;
        let (status, reason) = failed(&rp, &callback, &mut browser).await;
        assert_eq!(status, expected, "{name}: {reason}");
        for secret in ["stack trace", "maintenance", "yyyy", "mallory", "eyJ"] {
            assert!(!reason.contains(secret), "{name}: {reason}");
        }
    }
    rp.log_in(&mut Browser::default()).await;
}

/// ASVS 5.0 10.5.3: metadata of another issuer, and whatever else it should not be.
#[tokio::test]
async fn metadata_that_is_not_the_issuers_begins_no_login() {
    let place = Place::take().await;
    let idp = super::idp::Idp::start(&place.origin, &[]).await;
    let url = format!("{}/.well-known/openid-configuration", idp.issuer());
    let good: Value = serde_json::from_str(&super::http::get(&url).await.body).unwrap();
    let issuer = idp.issuer();
    let changed = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document.to_string()
    };
    let cases = [
        (
            "another issuer",
            changed("issuer", json!("https://evil.example")),
        ),
        (
            "with a slash",
            changed("issuer", json!(format!("{}/", idp.issuer()))),
        ),
        ("no issuer", changed("issuer", Value::Null)),
        ("no token endpoint", changed("token_endpoint", Value::Null)),
        (
            "a script",
            changed("authorization_endpoint", json!("javascript:alert(1)")),
        ),
        (
            "plain http",
            changed("token_endpoint", json!("http://id.example.com/token")),
        ),
        (
            "credentials",
            changed("userinfo_endpoint", json!("https://a:b@id.example.com/me")),
        ),
        (
            "no PKCE with S256",
            changed("code_challenge_methods_supported", json!(["plain"])),
        ),
        ("a page", "<html>".to_owned()),
        ("cut short", good.to_string()[..100].to_owned()),
        (
            "issuer twice",
            good.to_string()
                .replacen('{', "{\"issuer\":\"https://evil.example\",", 1),
        ),
        ("a list", "[]".to_owned()),
        ("nothing", String::new()),
        ("huge", changed("x", json!("y".repeat(2_000_000)))),
    ];
    for (name, document) in cases {
        let status = answer_to_login(move |_| FakeAnswer::body(document.clone()), &issuer);
        assert_eq!(status.await.0, 503, "{name}");
    }
    for (name, status) in [("gone", 404), ("redirect", 302)] {
        let answered = answer_to_login(move |_| FakeAnswer::status(status), &issuer);
        assert_eq!(answered.await.0, 503, "{name}");
    }
    let outages: [(&str, fn() -> FakeAnswer); 2] = [
        ("down", || FakeAnswer::status(503)),
        ("broken off", FakeAnswer::broken),
    ];
    for (name, answer) in outages {
        let (status, reason) = answer_to_login(move |_| answer(), &issuer).await;
        assert_eq!(status, 503, "{name}: {reason}");
    }
    let document = good.to_string();
    let answered = answer_to_login(move |_| FakeAnswer::body(document.clone()), &issuer);
    assert_eq!(answered.await.0, 303);
}

/// Begins a login with a provider whose every answer is this.
async fn answer_to_login(
    answer: impl Fn(&::http::Request<bytes::Bytes>) -> FakeAnswer + Send + Sync + 'static,
    issuer: &str,
) -> (u16, String) {
    let transport = FakeTransport::answering(answer);
    let client = HttpClient::builder().build_over(transport).unwrap();
    let place = Place::take().await;
    let provider = place.provider("oidc", issuer).build(client).unwrap();
    let rp = Rp::serve(place, [provider]);
    let answer = rp.get("/auth/oidc/login").await;
    (answer.status, rp.last_reason())
}

#[tokio::test]
async fn metadata_is_fetched_once_for_many_and_kept_while_the_provider_is_down() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let document = "/.well-known/openid-configuration";
    let begun = (0..20).map(|_| {
        let url = rp.url("/auth/oidc/login");
        tokio::spawn(async move { super::http::get(&url).await.status })
    });
    for begun in begun.collect::<Vec<_>>() {
        assert_eq!(begun.await.unwrap(), 303);
    }
    assert_eq!(idp.count(document).await, 1);
    idp.fault(document, json!({"status": 503, "times": 100}))
        .await;
    assert_eq!(rp.get("/auth/oidc/login").await.status, 303);
}

#[tokio::test]
async fn a_provider_that_is_down_costs_nobody_a_session() {
    let (rp, mut idp) = Rp::with_provider(&[]).await;
    let mut ann = Browser::default();
    rp.log_in(&mut ann).await;
    let mut bob = Browser::default();
    let callback = rp.callback(&mut bob).await;
    idp.stop();
    let (status, reason) = failed(&rp, &callback, &mut bob).await;
    assert_eq!(status, 503, "{reason}");
    assert!(reason.starts_with("provider_unreachable"), "{reason}");
    assert!(rp.me(&mut ann).await.is_some());
    // Logging out works here all the same.
    let answer = ann.post(&rp.url("/auth/oidc/logout"), &[]).await;
    assert_eq!(answer.status, 303);
    assert!(rp.me(&mut ann).await.is_none());
}

/// A provider of plain OAuth 2.0: who the user is stands in the userinfo.
#[tokio::test]
async fn a_plain_provider_logs_in_by_its_own_subject() {
    for (name, userinfo, expected) in [
        (
            "a number",
            json!({"id": 17, "login": "ann", "email": "a@example.com"}),
            Some("17"),
        ),
        ("text", json!({"id": "u-17"}), Some("u-17")),
        ("a name alone", json!({"login": "ann"}), None),
        ("nobody", json!({"id": null}), None),
        ("a list", json!({"id": [17]}), None),
    ] {
        let transport = FakeTransport::answering(move |request| {
            let body = match request.uri().path() {
                "/token" => json!({"access_token": "t0ken", "token_type": "bearer"}),
                _ => userinfo.clone(),
            };
            let answer = ::http::Response::builder().header("content-type", "application/json");
            FakeAnswer::response(answer.body(body.to_string().into()).unwrap())
        });
        let client = HttpClient::builder().build_over(transport).unwrap();
        let place = Place::take().await;
        let endpoints =
            Endpoints::new("https://git.example/authorize", "https://git.example/token")
                .userinfo("https://git.example/user");
        let us = ClientAuthentication::secret_post("app", "secret").unwrap();
        let provider = Provider::plain_oauth("git", "https://git.example", us, endpoints)
            .subject_member("id")
            .redirect_uri(format!("{}/auth/git/callback", place.origin))
            .build(client)
            .unwrap();
        let rp = Rp::serve(place, [provider]);
        let mut browser = Browser::default();
        let begun = browser.get(&rp.url("/auth/git/login")).await;
        let state = super::http::parameter(begun.location(), "state").unwrap();
        assert_eq!(super::http::parameter(begun.location(), "nonce"), None);
        let callback = rp.url(&format!("/auth/git/callback?code=c0de&state={state}"));
        let answer = browser.get(&callback).await;
        let me = rp.me(&mut browser).await;
        let subject = me.as_ref().map(|me| me["subject"].as_str().unwrap());
        assert_eq!(subject, expected, "{name}: {}", answer.body);
    }
    // What is set up wrong is told at the start.
    let us = ClientAuthentication::none("app").unwrap();
    let endpoints = Endpoints::new("javascript:alert(1)", "https://git.example/token");
    let provider = Provider::plain_oauth("git", "https://git.example", us, endpoints);
    let provider = provider.redirect_uri("https://shop.example.com/callback");
    assert!(provider.build(client()).is_err());
}
