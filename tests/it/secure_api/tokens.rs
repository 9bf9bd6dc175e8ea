//! The tokens of the example service: refreshed, stolen, ended, and verified by others.

use super::login::{Client, text};
use super::{PASSWORD, Service};
use portcullis::authn::jwt::Verifier;
use portcullis::crypto::keys::{Algorithm, KeySet};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const NAME: &str = "https://secure-api.example.com";

async fn refresh(service: &Service, token: &str) -> super::Answer {
    let body = json!({"refresh_token": token});
    service.post("/token/refresh", &body).await
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_theft_is_found() {
    let service = Service::new().await;
    service.register(ANN).await;
    let first = text(&service.log_in(ANN).await, "refresh_token");
    let answer = refresh(&service, &first).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.json()["token_type"], "Bearer");
    let me = Client::bearer(&text(&answer, "access_token"));
    assert_eq!(me.get(&service, "/me").await.json()["email"], json!(ANN));

    let second = text(&answer, "refresh_token");
    assert_ne!(second, first);
    let stolen = refresh(&service, &first).await;
    assert_eq!(
        me.get(&service, "/me").await.status,
        401,
        "what the thief got by it"
    );
    assert_eq!(
        (stolen.status, stolen.problem()["code"].clone()),
        (401, json!("invalid_grant"))
    );
    assert_eq!(
        refresh(&service, &second).await.status,
        401,
        "the family has ended"
    );
    for none in ["", "x", &"A".repeat(128)] {
        assert_eq!(refresh(&service, none).await.status, 401, "{none:?}");
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_and_the_tokens_whichever_of_them_asks() {
    for by_cookie in [true, false] {
        let service = Service::new().await;
        service.register(ANN).await;
        let (login, other) = (service.log_in(ANN).await, service.log_in(ANN).await);
        let (browser, program) = (
            Client::browser(&login),
            Client::bearer(&text(&login, "access_token")),
        );
        let asks = if by_cookie { &browser } else { &program };
        assert_eq!(asks.ask(&service, "POST /logout", None).await.status, 204);
        assert_eq!(
            browser.get(&service, "/me").await.status,
            401,
            "cookie: {by_cookie}"
        );
        assert_eq!(
            program.get(&service, "/me").await.status,
            401,
            "cookie: {by_cookie}"
        );
        let refreshed = refresh(&service, &text(&login, "refresh_token")).await;
        assert_eq!(refreshed.status, 401, "cookie: {by_cookie}");
        let elsewhere = Client::bearer(&text(&other, "access_token"));
        assert_eq!(elsewhere.get(&service, "/me").await.status, 200);
    }
}

#[tokio::test]
async fn ending_a_session_ends_its_tokens() {
    let service = Service::new().await;
    service.register(ANN).await;
    let (lost, kept) = (service.log_in(ANN).await, service.log_in(ANN).await);
    let kept = Client::browser(&kept);
    let list = kept.get(&service, "/sessions").await.json();
    let other = list
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["current"] == false);
    let path = format!(
        "DELETE /sessions/{}",
        other.unwrap()["id"].as_str().unwrap()
    );
    assert_eq!(kept.ask(&service, &path, None).await.status, 204);
    let program = Client::bearer(&text(&lost, "access_token"));
    assert_eq!(program.get(&service, "/me").await.status, 401);
    assert_eq!(
        refresh(&service, &text(&lost, "refresh_token"))
            .await
            .status,
        401
    );
    assert_eq!(kept.get(&service, "/me").await.status, 200);
}

/// The browser logs in again, and its session from before is gone; the tokens that went with it
/// are worth nothing.
#[tokio::test]
async fn a_login_that_is_replaced_takes_its_tokens_with_it() {
    let service = Service::new().await;
    service.register(ANN).await;
    service.register("bob@example.com").await;
    for next in [ANN, "bob@example.com"] {
        let first = service.log_in(ANN).await;
        let login = json!({"email": next, "password": PASSWORD});
        let browser = Client::browser(&first);
        let again = browser.ask(&service, "POST /login", Some(login)).await;
        assert_eq!(again.status, 200);
        let program = Client::bearer(&text(&first, "access_token"));
        assert_eq!(program.get(&service, "/me").await.status, 401, "{next}");
        let refreshed = refresh(&service, &text(&first, "refresh_token")).await;
        assert_eq!(refreshed.status, 401, "{next}");
        let program = Client::bearer(&text(&again, "access_token"));
        assert_eq!(program.get(&service, "/me").await.status, 200, "{next}");
    }
}

/// More logins than there can be sessions: those whose sessions had to go have tokens still.
#[tokio::test]
async fn logins_without_a_session_are_listed_and_ended() {
    let service = Service::with(&[("RATE_LIMIT", "10000")]).await;
    service.register(ANN).await;
    let first = service.log_in(ANN).await;
    let second = service.log_in(ANN).await;
    for _ in 0..14 {
        service.log_in(ANN).await;
    }
    // The first is not the one that was used longest ago, by its tokens.
    let first_next = refresh(&service, &text(&first, "refresh_token")).await;
    let last = service.log_in(ANN).await;
    let program = Client::bearer(&text(&first_next, "access_token"));
    assert_eq!(
        Client::browser(&first).get(&service, "/me").await.status,
        401
    );
    assert_eq!(program.get(&service, "/me").await.status, 200);

    // The second has a session, and had to give its tokens up.
    assert_eq!(
        Client::browser(&second).get(&service, "/me").await.status,
        200
    );
    let ended = Client::bearer(&text(&second, "access_token"));
    assert_eq!(ended.get(&service, "/me").await.status, 401);

    let here = Client::browser(&last);
    let list = here.get(&service, "/sessions").await.json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 17);
    let members: Vec<Vec<_>> = list
        .iter()
        .map(|login| login.as_object().unwrap().keys().collect())
        .collect();
    assert!(
        members.windows(2).all(|two| two[0] == two[1]),
        "{members:?}"
    );
    assert_eq!(list.iter().filter(|it| it["current"] == true).count(), 1);
    let own = program.get(&service, "/sessions").await.json();
    let own = own
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["current"] == true);
    assert_eq!(own.unwrap()["user_agent"], Value::Null);

    let ended = here.ask(&service, "DELETE /sessions", None).await;
    assert_eq!(ended.status, 204);
    assert_eq!(program.get(&service, "/me").await.status, 401);
    let refreshed = refresh(&service, &text(&first_next, "refresh_token")).await;
    assert_eq!(refreshed.status, 401);
    let list = here.get(&service, "/sessions").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_logs_out_by_a_token_beside_the_cookie_of_another_login_ends_both() {
    let service = Service::new().await;
    service.register(ANN).await;
    let (one, other) = (service.log_in(ANN).await, service.log_in(ANN).await);
    let both = Client::browser(&other).and(Client::bearer(&text(&one, "access_token")));
    assert_eq!(both.ask(&service, "POST /logout", None).await.status, 204);
    for login in [&one, &other] {
        let program = Client::bearer(&text(login, "access_token"));
        assert_eq!(program.get(&service, "/me").await.status, 401);
        let refreshed = refresh(&service, &text(login, "refresh_token")).await;
        assert_eq!(refreshed.status, 401);
        assert_eq!(
            Client::browser(login).get(&service, "/me").await.status,
            401
        );
    }
}

#[tokio::test]
async fn others_verify_our_tokens_by_the_published_keys() {
    let service = Service::new().await;
    service.register(ANN).await;
    let token = text(&service.log_in(ANN).await, "access_token");
    let published = service.get("/.well-known/jwks.json", None).await;
    assert_eq!(published.status, 200);
    assert_eq!(
        published.headers["content-type"],
        "application/jwk-set+json"
    );
    assert!(
        !published.body.contains("\"d\""),
        "a private key is published"
    );
    let keys = KeySet::from_json(&published.body).unwrap();
    let verifier = Verifier::builder(NAME, NAME, Algorithm::EdDsa, keys).rfc9068();
    let verified = verifier.build().unwrap().verify(&token).unwrap();
    assert_eq!(verified.claims().words("amr"), ["pwd"]);
}

#[tokio::test]
async fn a_shared_secret_is_not_published() {
    let secret = "a secret of more than thirty-two bytes";
    let service = Service::with(&[("JWT_KEY", secret)]).await;
    let published = service.get("/.well-known/jwks.json", None).await;
    assert_eq!(
        (published.status, published.json()),
        (200, json!({"keys": []}))
    );
}

#[tokio::test]
async fn rights_are_those_of_when_the_token_was_refreshed() {
    let service = Service::new().await;
    let admin = "admin@example.com";
    service.register(admin).await;
    let login = json!({"email": admin, "password": PASSWORD});
    let login = service.post("/login", &login).await;
    let answer = refresh(&service, &text(&login, "refresh_token")).await;
    let users = Client::bearer(&text(&answer, "access_token"));
    let users = users.get(&service, "/admin/users").await;
    assert_eq!(users.status, 200);
    assert!(matches!(users.json(), Value::Array(list) if list.len() == 1));
}
