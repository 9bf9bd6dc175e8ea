//! The end of a login: here and at the provider, whoever begins with it.

use super::http::{Browser, form, parameter};
use super::idp::{CLIENT_ID, Idp};
use super::rp::{Place, Rp, SESSION};
use bytes::Bytes;
use portcullis::authn::jwt::{Issuer, TokenBuilder};
use portcullis::authn::oauth2::{KeptLogin, LoginErrorKind, Logins, ProviderBuilder};
use portcullis::clock::{Clock, FakeClock};
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient};
use portcullis::store::Store;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::form_urlencoded;

/// Logs out at the provider, as the browser is asked to.
async fn confirm(browser: &mut Browser, idp: &Idp, url: &str) -> String {
    let page = browser.get(url).await;
    let xsrf = page.body.split("name=\"xsrf\" value=\"").nth(1);
    let xsrf = xsrf.unwrap_or_else(|| panic!("{}", page.body));
    let xsrf = xsrf.split('"').next().unwrap().to_owned();
    let url = format!("{}/session/end/confirm", idp.issuer());
    let answer = browser
        .post(&url, &[("xsrf", &xsrf), ("logout", "yes")])
        .await;
    answer.location().to_owned()
}

#[tokio::test]
async fn who_logs_out_here_logs_out_at_the_provider() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let answer = browser.post(&rp.url("/auth/oidc/logout"), &[]).await;
    assert_eq!(answer.status, 303);
    // Here it is over, whatever happens there.
    assert!(rp.me(&mut browser).await.is_none());
    let url = answer.location().to_owned();
    assert!(
        url.starts_with(&format!("{}/session/end?", idp.issuer())),
        "{url}"
    );
    assert_eq!(parameter(&url, "client_id").as_deref(), Some(CLIENT_ID));
    assert!(parameter(&url, "id_token_hint").unwrap().starts_with("eyJ"));
    let after = rp.url("/");
    assert_eq!(
        parameter(&url, "post_logout_redirect_uri"),
        Some(after.clone())
    );
    assert_eq!(confirm(&mut browser, &idp, &url).await, after);
    // The next login asks for the password again.
    let begun = rp.begin(&mut browser).await;
    let refused = browser.get(&begun).await;
    assert!(
        refused.location().contains("/interaction/"),
        "{}",
        refused.location()
    );
    // Who is not logged in may log out, too.
    let nobody = Browser::default()
        .post(&rp.url("/auth/oidc/logout"), &[])
        .await;
    assert_eq!((nobody.status, nobody.location()), (303, "/"));
    // With a state of the application's.
    let url = rp
        .relying_party
        .logout_url("oidc", None, Some("st4te"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(parameter(&url, "state").as_deref(), Some("st4te"));
    assert_eq!(parameter(&url, "id_token_hint"), None);
}

#[tokio::test]
async fn the_provider_ends_the_sessions_of_a_login() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let (mut laptop, mut phone) = (Browser::default(), Browser::default());
    rp.log_in(&mut laptop).await;
    rp.log_in(&mut phone).await;
    // Not by us: at the provider itself, which then tells us.
    let url = format!("{}/session/end", idp.issuer());
    confirm(&mut laptop, &idp, &url).await;
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while rp.me(&mut laptop).await.is_some() {
        assert!(std::time::Instant::now() < until, "the session goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        rp.me(&mut phone).await.is_some(),
        "another login of the same user"
    );
}

/// An issuer of ours in the place of the provider, who can say anything.
pub(super) struct Forger {
    pub(super) rp: Rp,
    issuer: Issuer,
    /// What it makes ID tokens by, and publishes the keys of.
    published: Arc<Mutex<Issuer>>,
    renewals: Arc<AtomicUsize>,
}

const NAME: &str = "https://id.example.com";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl Forger {
    pub(super) async fn new() -> Self {
        Self::ahead(0).await
    }

    /// How often a refresh token was taken.
    pub(super) fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    /// Whose ID tokens are made so many seconds from now.
    async fn ahead(seconds: u64) -> Self {
        Self::with(seconds, |provider| provider).await
    }

    async fn with(seconds: u64, change: impl FnOnce(ProviderBuilder) -> ProviderBuilder) -> Self {
        let key = SigningKey::generate(Algorithm::Es256)
            .unwrap()
            .with_key_id("1");
        let issuer = Issuer::new(key, NAME, CLIENT_ID).unwrap();
        let issuer = issuer.lifetime(Duration::from_secs(120)).unwrap();
        let then = FakeClock::at_unix_seconds(Clock::system().now().unix_seconds() + seconds);
        let id_tokens = match seconds {
            0 => issuer.clone(),
            _ => issuer.clone().clock(then.clock()),
        };
        let published = Arc::new(Mutex::new(id_tokens));
        let known = Arc::clone(&published);
        let renewals = Arc::new(AtomicUsize::new(0));
        let renewed = Arc::clone(&renewals);
        let transport = FakeTransport::answering(move |request| {
            let id_tokens = known.lock().unwrap();
            let body = match request.uri().path() {
                "/keys" => id_tokens.public_keys().to_public_json(),
                "/token" => match token_answer(&id_tokens, request.body(), &renewed) {
                    Some(answer) => answer,
                    None => return FakeAnswer::status(400),
                },
                _ => json!({
                    "issuer": NAME,
                    "authorization_endpoint": format!("{NAME}/auth"),
                    "token_endpoint": format!("{NAME}/token"),
                    "jwks_uri": format!("{NAME}/keys"),
                })
                .to_string(),
            };
            let answer = ::http::Response::builder().header("content-type", "application/json");
            FakeAnswer::response(answer.body(Bytes::from(body)).unwrap())
        });
        let client = HttpClient::builder().build_over(transport).unwrap();
        let place = Place::take().await;
        let provider = change(place.provider("oidc", NAME));
        let rp = Rp::serve(place, [provider.build(client).unwrap()]);
        Self {
            rp,
            issuer,
            published,
            renewals,
        }
    }

    /// Has another key from now on.
    fn rotate(&mut self) {
        self.issuer = other("9", CLIENT_ID);
        *self.published.lock().unwrap() = self.issuer.clone();
    }

    /// Logs in as this user, by a login that the provider calls `sid`.
    pub(super) async fn log_in(&self, user: &str, sid: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = self.begin(&mut browser, user, sid).await;
        let answer = browser.get(&answer).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser
    }

    /// As far as the callback.
    async fn begin(&self, browser: &mut Browser, user: &str, sid: &str) -> String {
        let begun = self.rp.begin(browser).await;
        let state = parameter(&begun, "state").unwrap();
        let nonce = parameter(&begun, "nonce").unwrap();
        // What the provider would remember of the code.
        let code = format!("{user}.{sid}.{nonce}");
        let query = form(&[("code", &code), ("state", &state)]);
        self.rp.url(&format!("/auth/oidc/callback?{query}"))
    }

    /// A logout token as it should be, but for this.
    fn order(&self, change: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>) -> String {
        order_of(&self.issuer, "logout+jwt", json!({EVENT: {}}), change)
    }

    async fn send(&self, token: &str) -> (u16, String) {
        let url = self.rp.url("/auth/oidc/backchannel");
        let body = form(&[("logout_token", token)]);
        let kind = "application/x-www-form-urlencoded";
        let answer = super::http::post(&url, kind, body).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        (answer.status, self.rp.last_reason())
    }
}

fn order_of(
    issuer: &Issuer,
    token_type: &str,
    events: Value,
    change: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
) -> String {
    let issuer = issuer.clone().token_type(token_type);
    let token = issuer.token("alice").claim("events", events);
    change(token.unwrap()).sign().unwrap()
}

/// Of somebody else, by whatever name.
fn other(key_id: &str, audience: &str) -> Issuer {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    Issuer::new(key.with_key_id(key_id), NAME, audience).unwrap()
}

/// Each refresh token is good once.
fn token_answer(issuer: &Issuer, form: &Bytes, renewals: &AtomicUsize) -> Option<String> {
    let form: Vec<_> = form_urlencoded::parse(form).into_owned().collect();
    let find = |name| form.iter().find(|(found, _)| found == name);
    if let Some((_, refresh)) = find("refresh_token") {
        let before = renewals.load(Ordering::SeqCst);
        if *refresh != format!("refresh-{before}") {
            return None;
        }
        let now = before + 1;
        renewals.store(now, Ordering::SeqCst);
        return Some(tokens(&format!("renewed-{now}"), now).to_string());
    }
    let code = &find("code").unwrap().1;
    let mut parts = code.splitn(3, '.');
    let mut next = || parts.next().unwrap().to_owned();
    let (user, sid, nonce) = (next(), next(), next());
    let token = issuer.token(user).claim("sid", sid);
    let token = token.and_then(|it| it.claim("nonce", nonce)).unwrap();
    let mut answer = tokens("t0ken", renewals.load(Ordering::SeqCst));
    answer["id_token"] = token.sign().unwrap().into();
    Some(answer.to_string())
}

fn tokens(access: &str, number: usize) -> Value {
    json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_token": format!("refresh-{number}"),
    })
}

fn sid(token: TokenBuilder<'_>) -> TokenBuilder<'_> {
    token.claim("sid", "s1").unwrap()
}

/// ASVS 5.0 10.5.5.
#[tokio::test]
async fn a_logout_token_that_is_not_one_ends_nothing() {
    let forger = Forger::new().await;
    let mut ann = forger.log_in("alice", "s1").await;
    let id_token = forger.issuer.token("alice").claim("sid", "s1").unwrap();
    let now = Clock::system().now().unix_seconds();
    let long_ago = FakeClock::at_unix_seconds(now - 700);
    let old = forger.issuer.clone().clock(long_ago.clock());
    let old = old.lifetime(Duration::from_secs(3600)).unwrap();
    let order = |name: &'static str, value: Value| {
        forger.order(|token| sid(token).claim(name, value).unwrap())
    };
    let of = |issuer: &Issuer| order_of(issuer, "logout+jwt", json!({EVENT: {}}), sid);
    let nameless = forger.order(|token| token.claim("sid", "").unwrap());
    let typed = |token_type| order_of(&forger.issuer, token_type, json!({EVENT: {}}), sid);
    let about = |events| order_of(&forger.issuer, "logout+jwt", events, sid);
    for (name, token) in [
        ("an ID token", id_token.sign().unwrap()),
        ("of another type", typed("JWT")),
        ("an access token by its type", typed("at+jwt")),
        ("with a nonce", order("nonce", json!("n"))),
        ("another event", about(json!({"urn:other": {}}))),
        ("the event no object", about(json!({EVENT: true}))),
        ("events a list", about(json!([EVENT]))),
        ("no event", about(Value::Null)),
        ("made long ago", of(&old)),
        ("by a stranger", of(&other("1", CLIENT_ID))),
        ("for another", of(&other("1", "else"))),
        ("a login of no name", nameless),
        ("no token", "not.a.token".to_owned()),
        ("empty", String::new()),
    ] {
        let (status, reason) = forger.send(&token).await;
        assert_eq!(status, 400, "{name}: {reason}");
        assert!(reason.starts_with("logout_token"), "{name}: {reason}");
    }
    // Whose key it is may turn out later.
    let (status, reason) = forger.send(&of(&other("2", CLIENT_ID))).await;
    assert_eq!(status, 503, "{reason}");
    let url = forger.rp.url("/auth/oidc/backchannel");
    for (name, kind, body, expected) in [
        ("JSON", "application/json", "{}".to_owned(), 415),
        (
            "none",
            "application/x-www-form-urlencoded",
            String::new(),
            400,
        ),
        (
            "two",
            "application/x-www-form-urlencoded",
            format!("{0}&{0}", form(&[("logout_token", &forger.order(sid))])),
            400,
        ),
        (
            "too large",
            "application/x-www-form-urlencoded",
            form(&[("logout_token", &"a".repeat(40_000))]),
            413,
        ),
    ] {
        let answer = super::http::post(&url, kind, body).await;
        assert_eq!(answer.status, expected, "{name}");
    }
    assert!(forger.rp.me(&mut ann).await.is_some());
    // The one that is, after all that.
    assert_eq!(forger.send(&forger.order(sid)).await.0, 200);
    assert!(forger.rp.me(&mut ann).await.is_none());
}

#[tokio::test]
async fn an_order_ends_what_it_names_and_nothing_else() {
    let forger = Forger::new().await;
    let mut here = forger.log_in("alice", "s1").await;
    let mut there = forger.log_in("alice", "s2").await;
    let mut bob = forger.log_in("bob", "s3").await;
    let rp = &forger.rp;
    // A session, named by itself or with its user.
    assert_eq!(forger.send(&forger.order(sid)).await.0, 200);
    assert!(rp.me(&mut here).await.is_none());
    assert!(rp.me(&mut there).await.is_some());
    // Of a user and a session of another: of nobody.
    assert_eq!(
        forger
            .send(&forger.order(|it| it.claim("sid", "s3").unwrap()))
            .await
            .0,
        200
    );
    assert!(rp.me(&mut bob).await.is_some());
    // A user: all of it.
    let mut more = forger.log_in("alice", "s4").await;
    assert_eq!(forger.send(&forger.order(|it| it)).await.0, 200);
    for browser in [&mut there, &mut more] {
        assert!(rp.me(browser).await.is_none());
    }
    assert!(rp.me(&mut bob).await.is_some());
}

#[tokio::test]
async fn an_order_is_obeyed_once() {
    let forger = Forger::new().await;
    let token = forger.order(sid);
    // Nobody is logged in by that name, which is no reason to complain.
    assert_eq!(forger.send(&token).await.0, 200);
    let (status, reason) = forger.send(&token).await;
    assert_eq!(status, 400);
    assert_eq!(
        reason,
        "logout_token: the logout token is no good: it was obeyed before"
    );
}

#[tokio::test]
async fn an_order_ends_a_login_that_is_under_way() {
    // The code is redeemed, and the ID token made, seconds after the order.
    let forger = Forger::ahead(5).await;
    let of_session = forger.order(sid);
    let of_user = forger.order(|it| it);
    for (name, user, order) in [
        ("by its name", "alice", of_session),
        ("all of the user", "alice", of_user),
    ] {
        let session = if name == "by its name" { "s1" } else { "s2" };
        let mut browser = Browser::default();
        let callback = forger.begin(&mut browser, user, session).await;
        // The provider ends the login before we have heard of it.
        assert_eq!(forger.send(&order).await.0, 200, "{name}");
        let answer = browser.get(&callback).await;
        let reason = forger.rp.last_reason();
        assert_eq!(answer.status, 400, "{name}: {reason}");
        assert!(reason.starts_with("ended_meanwhile"), "{name}: {reason}");
        // No session has begun, or one whose cookie was not sent.
        let cookies = answer.cookies();
        assert!(
            cookies.iter().all(|(name, _)| name != SESSION),
            "{name}: {cookies:?}"
        );
        assert!(forger.rp.me(&mut browser).await.is_none(), "{name}");
    }
    // What is over by its name is so for good, also for who begins anew.
    forger.rp.time.advance(Duration::from_secs(30));
    let mut browser = Browser::default();
    let callback = forger.begin(&mut browser, "alice", "s1").await;
    assert_eq!(browser.get(&callback).await.status, 400);
    // A user logs in again.
    forger.log_in("alice", "s3").await;
}

#[tokio::test]
async fn an_older_order_that_comes_late_takes_nothing_back() {
    let forger = Forger::new().await;
    let mut browser = Browser::default();
    let callback = forger.begin(&mut browser, "alice", "s1").await;
    assert_eq!(forger.send(&forger.order(|it| it)).await.0, 200);
    let before = Clock::system().now().unix_seconds() - 30;
    let before = FakeClock::at_unix_seconds(before).clock();
    let older = forger.issuer.clone().clock(before);
    let older = order_of(&older, "logout+jwt", json!({EVENT: {}}), |it| it);
    assert_eq!(forger.send(&older).await.0, 200);
    assert_eq!(browser.get(&callback).await.status, 400);
    assert!(forger.rp.last_reason().starts_with("ended_meanwhile"));
}

#[tokio::test]
async fn a_name_of_a_login_is_not_taken_for_one_of_a_user() {
    let forger = Forger::new().await;
    let mut browser = Browser::default();
    let callback = forger.begin(&mut browser, "s1", "s2").await;
    assert_eq!(forger.send(&forger.order(sid)).await.0, 200);
    assert_eq!(browser.get(&callback).await.status, 303);
}

#[tokio::test]
async fn strangers_do_not_keep_new_keys_from_orders() {
    let mut forger = Forger::new().await;
    let made_up = order_of(
        &other("2", CLIENT_ID),
        "logout+jwt",
        json!({EVENT: {}}),
        sid,
    );
    // What orders may have fetched is used up by a key that there is not: before anybody has
    // logged in, and after.
    assert_eq!(forger.send(&made_up).await.0, 400);
    let mut ann = forger.log_in("alice", "s1").await;
    assert_eq!(forger.send(&made_up).await.0, 503);
    assert_eq!(forger.send(&made_up).await.0, 503);
    forger.rotate();
    forger.log_in("bob", "s2").await;
    let (status, reason) = forger.send(&forger.order(sid)).await;
    assert_eq!(status, 200, "{reason}");
    assert!(forger.rp.me(&mut ann).await.is_none());
    assert_eq!(forger.send(&made_up).await.0, 503);
}

/// OpenID Connect Back-Channel Logout 1.0 section 2.8 has a provider try again where it may.
#[tokio::test]
async fn an_order_by_a_key_that_may_be_new_can_be_sent_again() {
    let time = FakeClock::at_unix_seconds(Clock::system().now().unix_seconds());
    let mut forger = Forger::with(0, |provider| provider.clock(time.clock())).await;
    let mut ann = forger.log_in("alice", "s1").await;
    // The keys for orders are fetched, then the provider has another, and nobody logs in.
    let nobody = forger.order(|token| token.claim("sid", "nobody").unwrap());
    assert_eq!(forger.send(&nobody).await.0, 200);
    forger.rotate();
    let order = forger.order(sid);
    let url = forger.rp.url("/auth/oidc/backchannel");
    let body = form(&[("logout_token", &order)]);
    let kind = "application/x-www-form-urlencoded";
    let answer = super::http::post(&url, kind, body).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["retry-after"].to_str().unwrap()
        ),
        (503, "30")
    );
    let reason = forger.rp.last_reason();
    assert!(reason.starts_with("unknown_order_key"), "{reason}");
    assert!(forger.rp.me(&mut ann).await.is_some());

    time.advance(Duration::from_secs(30));
    let (status, reason) = forger.send(&order).await;
    assert_eq!(status, 200, "{reason}");
    assert!(forger.rp.me(&mut ann).await.is_none());
    // Nobody has the key, as was seen just now.
    time.advance(Duration::from_secs(30));
    let made_up = order_of(
        &other("2", CLIENT_ID),
        "logout+jwt",
        json!({EVENT: {}}),
        sid,
    );
    let (status, reason) = forger.send(&made_up).await;
    assert_eq!(status, 400, "{reason}");
}

#[tokio::test]
async fn orders_without_their_type_are_taken_where_told() {
    let strict = Forger::new().await;
    let lenient = Forger::with(0, ProviderBuilder::accept_logout_tokens_without_their_type).await;
    let cases = [
        ("logout+jwt", json!({EVENT: {}}), 200, 200),
        ("JWT", json!({EVENT: {}}), 400, 200),
        ("at+jwt", json!({EVENT: {}}), 400, 400),
        ("secevent+jwt", json!({EVENT: {}}), 400, 400),
        ("JWT", json!({"urn:other": {}}), 400, 400),
    ];
    for (number, (token_type, events, is_strict, is_lenient)) in cases.into_iter().enumerate() {
        let name = format!("s{number}");
        for (forger, expected) in [(&strict, is_strict), (&lenient, is_lenient)] {
            let mut ann = forger.log_in("alice", &name).await;
            let order = order_of(&forger.issuer, token_type, events.clone(), |it| {
                it.claim("sid", &name).unwrap()
            });
            let (status, reason) = forger.send(&order).await;
            assert_eq!(status, expected, "{token_type} {events}: {reason}");
            assert_eq!(forger.rp.me(&mut ann).await.is_none(), expected == 200);
        }
    }
    // Neither is an ID token one, whatever it is called.
    let id_token = lenient.issuer.token("alice").claim("nonce", "n").unwrap();
    let id_token = id_token.sign().unwrap();
    lenient.log_in("alice", "s2").await;
    assert_eq!(lenient.send(&id_token).await.0, 400);
}

#[tokio::test]
async fn no_session_outlives_what_is_kept_of_its_login() {
    let forger = Forger::new().await;
    let mut first = forger.log_in("alice", "s0").await;
    let mut second = forger.log_in("alice", "s1").await;
    for number in 2..33 {
        assert!(forger.rp.me(&mut first).await.is_some(), "{number}");
        forger.log_in("alice", &format!("s{number}")).await;
    }
    assert!(forger.rp.me(&mut first).await.is_none());
    assert!(forger.rp.me(&mut second).await.is_some());
    assert_eq!(forger.send(&forger.order(|it| it)).await.0, 200);
    assert!(forger.rp.me(&mut second).await.is_none());
}

#[tokio::test]
async fn logins_end_whose_tokens_cannot_be_opened() {
    let forger = Forger::new().await;
    forger.log_in("alice", "s1").await;
    let login = forger.rp.seen.lock().unwrap().pop().unwrap();
    let store = Store::memory();
    let logins = || {
        let fields = FieldCipher::new(Keyring::generate(), "test");
        Logins::new(store.clone(), fields.column("logins", "tokens").unwrap())
    };
    let (before, after) = (logins(), logins());
    let (lost, good) = (before.name(&login), after.name(&login));
    before.keep(&lost, "1", &login).await.unwrap();
    after.keep(&good, "1", &login).await.unwrap();
    let refused = after.find(&lost).await.unwrap_err();
    assert_eq!(refused.kind(), LoginErrorKind::Sealing);

    let order = form(&[("logout_token", &forger.order(|it| it))]);
    let relying_party = &forger.rp.relying_party;
    let order = relying_party.logout_order("oidc", order.as_bytes()).await;
    let named = after.named_by(&order.unwrap()).await.unwrap();
    let mut names: Vec<_> = named.iter().map(KeptLogin::name).collect();
    let mut expected = vec![lost.clone(), good.clone()];
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
    for (name, has_tokens) in [(lost, false), (good, true)] {
        let ended = after.end(&name).await.unwrap().unwrap();
        assert_eq!(ended.id_token().is_some(), has_tokens);
        assert!(after.find(&name).await.unwrap().is_none());
    }
}
