//! The life of accounts of the example service, and who may try how often to log in to them.

use super::login::{Client, text};
use super::{PASSWORD, Service};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const ANN: &str = "ann@example.com";
const OTHER: &str = "eleven green turtles whistle";

/// The service, and the folder that its mails go to.
pub(super) async fn with_mail() -> (Service, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("MAIL_DIR", folder.path().to_str().unwrap())];
    (Service::with(&variables).await, folder)
}

/// The token of the mail of this purpose to this address, once it is there.
async fn mailed(folder: &Path, address: &str, purpose: &str) -> String {
    let mail = mail_of(folder, address, purpose, 3).await;
    mail.lines().nth(2).unwrap().to_owned()
}

/// A notice of this purpose to this address, once it is there.
pub(super) async fn noticed(folder: &Path, address: &str, purpose: &str) {
    mail_of(folder, address, purpose, 2).await;
}

async fn mail_of(folder: &Path, address: &str, purpose: &str, lines: usize) -> String {
    let start = format!("{address}\n{purpose}");
    for _ in 0..1000 {
        for entry in folder.read_dir().unwrap() {
            let mail = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            if mail.starts_with(&start) && mail.lines().count() == lines {
                return mail;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no mail to {address} about {purpose}");
}

async fn log_in(service: &Service, email: &str, password: &str) -> u16 {
    let login = json!({"email": email, "password": password});
    service.post("/login", &login).await.status
}

#[tokio::test]
async fn a_new_password_ends_all_other_logins() {
    let service = Service::new().await;
    service.register(ANN).await;
    let (here, elsewhere) = (service.log_in(ANN).await, service.log_in(ANN).await);
    let browser = Client::browser(&here);
    let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    for (name, old, new, expected) in [
        ("wrong", "not the old password", OTHER, 401),
        ("weak", PASSWORD, "short", 422),
        ("right", PASSWORD, OTHER, 204),
    ] {
        let answer = browser
            .ask(&service, "POST /password", Some(change(old, new)))
            .await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
    }
    assert_eq!(browser.get(&service, "/me").await.status, 200);
    let ended = Client::browser(&elsewhere);
    assert_eq!(ended.get(&service, "/me").await.status, 401);
    let ended = Client::bearer(&text(&elsewhere, "access_token"));
    assert_eq!(ended.get(&service, "/me").await.status, 401);
    let refresh = json!({"refresh_token": text(&elsewhere, "refresh_token")});
    assert_eq!(service.post("/token/refresh", &refresh).await.status, 401);
    assert_eq!(log_in(&service, ANN, PASSWORD).await, 401);
    assert_eq!(log_in(&service, ANN, OTHER).await, 200);
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_a_link_that_is_good_once() {
    let (service, mails) = with_mail().await;
    let thief = Client::bearer(&service.member(ANN).await);
    let key = json!({"name": "ci", "scopes": ["me:read"]});
    let key = thief.ask(&service, "POST /api-keys", Some(key)).await;
    let key = Client::key(&text(&key, "key"));
    let known = service
        .post("/password/forgot", &json!({"email": ANN}))
        .await;
    let unknown = json!({"email": "nobody@example.com"});
    let unknown = service.post("/password/forgot", &unknown).await;
    assert_eq!((known.status, &known.body), (202, &unknown.body));
    assert_eq!(unknown.status, 202);

    let token = mailed(mails.path(), ANN, "account-reset").await;
    let reset = |password: &str| json!({"token": token, "password": password});
    for (name, password, expected) in [
        ("weak", "short", 422),
        ("good", OTHER, 204),
        ("again", PASSWORD, 401),
    ] {
        let answer = service.post("/password/reset", &reset(password)).await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
    }
    assert_eq!(log_in(&service, ANN, OTHER).await, 200);
    // Whoever was in has lost all that was made meanwhile.
    for held in [thief, key] {
        assert_eq!(held.get(&service, "/me").await.status, 401);
    }
}

/// The administrator deletes the account, and somebody else comes to its address.
#[tokio::test]
async fn who_comes_to_the_address_of_an_administrator_is_none() {
    let service = Service::new().await;
    let address = "admin@example.com";
    let admin = Client::bearer(&service.member(address).await);
    assert_eq!(
        admin.get(&service, "/me").await.json()["roles"],
        json!(["admin"])
    );
    assert_eq!(admin.ask(&service, "DELETE /me", None).await.status, 204);
    let next = Client::bearer(&service.member(address).await);
    assert_eq!(next.get(&service, "/me").await.json()["roles"], json!([]));
    assert_eq!(next.get(&service, "/admin/users").await.status, 403);
}

#[tokio::test]
async fn an_address_is_changed_when_both_ends_agree() {
    let (service, mails) = with_mail().await;
    let client = Client::bearer(&service.member(ANN).await);
    let new = "ann@new.example.com";
    let asked = json!({"email": new, "password": PASSWORD});
    let asked = client.ask(&service, "POST /email", Some(asked)).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    for (address, purpose, done) in [
        (ANN, "account-confirm-old", false),
        (new, "account-confirm-new", true),
    ] {
        let token = mailed(mails.path(), address, purpose).await;
        let confirmed = service
            .post("/email/confirm", &json!({"token": token}))
            .await;
        assert_eq!(
            (confirmed.status, confirmed.json()),
            (200, json!({"done": done})),
            "{purpose}"
        );
    }
    assert_eq!(log_in(&service, ANN, PASSWORD).await, 401);
    assert_eq!(log_in(&service, new, PASSWORD).await, 200);
}

#[tokio::test]
async fn who_is_disabled_or_deleted_is_out_by_every_way() {
    for delete in [false, true] {
        let service = Service::new().await;
        let admin = Client::bearer(&service.member("admin@example.com").await);
        let id = service.register(ANN).await.json()["id"].clone();
        let login = service.log_in(ANN).await;
        let program = Client::bearer(&text(&login, "access_token"));
        let key = json!({"name": "ci", "scopes": ["me:read"]});
        let key = program.ask(&service, "POST /api-keys", Some(key)).await;
        let held = [
            Client::browser(&login),
            program.clone(),
            Client::key(&text(&key, "key")),
        ];
        for client in &held {
            assert_eq!(client.get(&service, "/me").await.status, 200);
        }
        let refresh = json!({"refresh_token": text(&login, "refresh_token")});

        let path = format!("POST /admin/users/{}/disable", id.as_str().unwrap());
        let refused = program.ask(&service, &path, None).await;
        assert_eq!(refused.status, 403, "no administrator");
        let ended = if delete {
            program.ask(&service, "DELETE /me", None).await
        } else {
            admin.ask(&service, &path, None).await
        };
        assert_eq!(ended.status, 204, "{}", ended.body);
        for (number, client) in held.iter().enumerate() {
            assert_eq!(
                client.get(&service, "/me").await.status,
                401,
                "way {number}, {delete}"
            );
        }
        assert_eq!(service.post("/token/refresh", &refresh).await.status, 401);
        assert_eq!(log_in(&service, ANN, PASSWORD).await, 401);
        let again = service.register(ANN).await;
        assert_eq!(again.status, if delete { 201 } else { 409 });
    }
}

#[tokio::test]
async fn guesses_have_to_wait_and_a_known_device_does_not() {
    let service = Service::with(&[("RATE_LIMIT", "10000"), ("BAN_AFTER", "10000")]).await;
    service.register(ANN).await;
    let known = service.log_in(ANN).await;
    let mut device = known
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|it| it.to_str().unwrap().split(';').next().unwrap());
    let device = device
        .find(|it| it.starts_with("__Host-device"))
        .unwrap()
        .to_owned();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(log_in(&service, ANN, "a guess of somebody").await);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[11], 429);
    let login = json!({"email": ANN, "password": PASSWORD});
    let stranger = service.post("/login", &login).await;
    assert_eq!(stranger.status, 429);
    assert!(stranger.headers.contains_key("retry-after"));
    let known = Client::cookie(&device)
        .ask(&service, "POST /login", Some(login))
        .await;
    assert_eq!(known.status, 200, "{}", known.body);
    assert!(matches!(known.json(), Value::Object(_)));
}
