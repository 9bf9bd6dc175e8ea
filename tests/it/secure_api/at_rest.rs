//! Notes and national ids of the example service: who reads them, and what the database sees.

use super::service::accounts::{Accounts, Profile};
use super::service::vault::Vault;
use super::service::{self, Config, Stores};
use super::{PASSWORD, Service};
use axum::body::Body;
use http::Request;
use portcullis::authn::account::Email;
use portcullis::authn::password::PasswordHash;
use portcullis::crypto::keyring::{Key, Keyring};
use portcullis::store::Records;
use serde_json::{Value, json};
use std::path::Path;

const NATIONAL_ID: &str = "AB-12.345/6789";

impl Service {
    /// The service over this file of a database.
    async fn over(file: &Path, keys: Option<&str>) -> Result<Self, String> {
        let variable = |name: &str| match name {
            "DATABASE" => file.to_str().map(str::to_owned),
            "PORTCULLIS_KEYS" => keys.map(str::to_owned),
            "JWT_KEY" => Some("a secret of more than thirty-two bytes".to_owned()),
            _ => None,
        };
        let config = Config::from_env(variable)?;
        let stores = Stores::open(&config).await;
        let stores = stores.map_err(|error| error.to_string())?;
        Ok(Self(
            service::app(&config, stores).map_err(|error| error.to_string())?,
        ))
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let answer = self
            .send(request.body(Body::from(body.to_string())).unwrap())
            .await;
        let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        (answer.status, value)
    }
}

#[tokio::test]
async fn a_note_is_for_its_owner_alone() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    let bob = service.member("bob@example.com").await;
    let note = json!({"title": "Plan", "html": "<p>at\nnoon</p>"});
    let (status, created) = service.ask("POST", "/notes", &ann, &note).await;
    assert_eq!(status, 201);
    let path = format!("/notes/{}", created["id"].as_str().unwrap());
    let (status, shown) = service.ask("GET", &path, &ann, &Value::Null).await;
    assert_eq!(
        (status, &shown["title"], &shown["html"]),
        (200, &note["title"], &note["html"])
    );
    for (name, path, token, expected) in [
        ("another's", &*path, &bob, 404),
        (
            "not there",
            "/notes/00000000000000000000000000000000",
            &ann,
            404,
        ),
        ("no id at all", "/notes/x", &ann, 404),
        ("no text", "/notes/a%ffb", &ann, 404),
    ] {
        let (status, _) = service.ask("GET", path, token, &Value::Null).await;
        assert_eq!(status, expected, "{name}");
    }
    assert_eq!(service.get(&path, None).await.status, 401);
    let (_, titles) = service.ask("GET", "/notes", &ann, &Value::Null).await;
    assert_eq!(titles, json!([{"id": created["id"], "title": "Plan"}]));
    let (_, none) = service.ask("GET", "/notes", &bob, &Value::Null).await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn notes_that_are_wrong_are_refused_by_field() {
    let service = Service::new().await;
    let ann = service.member("ann@example.com").await;
    for (name, note, pointer) in [
        ("no title", json!({"html": ""}), "/title"),
        (
            "a long title",
            json!({"title": "x".repeat(201), "html": ""}),
            "/title",
        ),
        ("no text", json!({"title": "x"}), "/html"),
        (
            "a long text",
            json!({"title": "x", "html": "x".repeat(12 * 1024 + 1)}),
            "/html",
        ),
        (
            "a control character",
            json!({"title": "x", "html": "\u{0}"}),
            "/html",
        ),
    ] {
        let (status, problem) = service.ask("POST", "/notes", &ann, &note).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_national_id_is_found_by_the_administrator() {
    let service = Service::new().await;
    let admin = service.member("admin@example.com").await;
    let ann = service.member("ann@example.com").await;
    let set = |id: &'static str| json!({"national_id": id});
    let search = async |id: &str| {
        let wanted = json!({"national_id": id});
        let (status, found) = service
            .ask("POST", "/admin/users/search", &admin, &wanted)
            .await;
        assert_eq!(status, 200);
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["email"].clone())
            .collect::<Vec<_>>()
    };
    assert!(search(NATIONAL_ID).await.is_empty());
    let path = "/me/national-id";
    assert_eq!(service.ask("PUT", path, &ann, &set("ZZ-0")).await.0, 204);
    assert_eq!(
        service.ask("PUT", path, &ann, &set(NATIONAL_ID)).await.0,
        204
    );
    assert_eq!(
        service.ask("PUT", path, &ann, &set(NATIONAL_ID)).await.0,
        204,
        "again"
    );
    assert_eq!(search(NATIONAL_ID).await, ["ann@example.com"]);
    assert_eq!(
        search("ab-12.345/6789").await,
        ["ann@example.com"],
        "whatever its case"
    );
    assert!(search("ZZ-0").await.is_empty(), "the one before is gone");
    let (_, me) = service.ask("GET", "/me", &ann, &Value::Null).await;
    assert_eq!(me["national_id"], NATIONAL_ID);
    assert_eq!(service.ask("PUT", path, &ann, &set("<b>")).await.0, 422);
    let (status, _) = service
        .ask("POST", "/admin/users/search", &ann, &set(NATIONAL_ID))
        .await;
    assert_eq!(status, 403, "who is no administrator");
}

/// The administrator's page has a hundred, and whoever registers first must not hide others.
#[tokio::test]
async fn a_national_id_is_found_behind_many_that_share_its_term() {
    let vault = Vault::with_new_keys().unwrap();
    let accounts = Accounts::new(Records::memory());
    for number in 0..230 {
        let email = Email::parse(&format!("user{number}@example.com")).unwrap();
        let hash = PasswordHash::from("not a hash");
        let profile = Profile::new("User".to_owned());
        let id = accounts.insert(email, hash, &profile).await.unwrap();
        // All the same id, and so the same term.
        let set = accounts.set_national_id(&vault, &id, NATIONAL_ID);
        set.await.unwrap();
    }
    let found = accounts.by_national_id(&vault, NATIONAL_ID).await.unwrap();
    assert_eq!(found.len(), 230);
}

#[tokio::test]
async fn what_is_kept_is_ciphertext_and_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.db");
    let keyring = Keyring::generate();
    let keys = keyring.to_text();
    let service = Service::over(&file, Some(keys.expose())).await.unwrap();
    let admin = service.member("admin@example.com").await;
    let note = json!({"title": "canary-title", "html": "canary-text"});
    let (_, created) = service.ask("POST", "/notes", &admin, &note).await;
    let id = json!({"national_id": "canary-4711"});
    assert_eq!(
        service.ask("PUT", "/me/national-id", &admin, &id).await.0,
        204
    );
    drop(service);

    for entry in folder.path().read_dir().unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }

    // Started again with a new key beside the old one: all is found and opens.
    let rotated = keyring.with_key(Key::generate()).unwrap();
    let newest = rotated
        .keys()
        .map(Key::id)
        .find(|id| *id != keyring.primary().id());
    let rotated = rotated.promote(newest.unwrap()).unwrap();
    let service = Service::over(&file, Some(rotated.to_text().expose()))
        .await
        .unwrap();
    let login = json!({"email": "admin@example.com", "password": PASSWORD});
    let login = service.post("/login", &login).await.json();
    let token = login["access_token"].as_str().unwrap();
    let path = format!("/notes/{}", created["id"].as_str().unwrap());
    let (status, shown) = service.ask("GET", &path, token, &Value::Null).await;
    assert_eq!((status, &shown["html"]), (200, &note["html"]));
    let (_, found) = service.ask("POST", "/admin/users/search", token, &id).await;
    assert_eq!(found[0]["email"], "admin@example.com");
}

#[tokio::test]
async fn who_writes_to_the_database_gives_nobody_the_note_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.db");
    let keys = Keyring::generate().to_text();
    let service = Service::over(&file, Some(keys.expose())).await.unwrap();
    let ann = service.member("ann@example.com").await;
    let bob = service.member("bob@example.com").await;
    let note = |title: &'static str| json!({"title": title, "html": ""});
    service.ask("POST", "/notes", &ann, &note("of Ann")).await;
    service.ask("POST", "/notes", &bob, &note("of Bob")).await;
    let (_, me) = service.ask("GET", "/me", &bob, &Value::Null).await;

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let database = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let take = sqlx::query("UPDATE records SET owner = ? WHERE collection = 'note'");
    let owner = me["id"].as_str().unwrap().as_bytes().to_vec();
    let taken = take.bind(owner).execute(&database).await.unwrap();
    assert_eq!(taken.rows_affected(), 2);

    // Bob has a note more, which says nothing, and still his own.
    let (status, notes) = service.ask("GET", "/notes", &bob, &Value::Null).await;
    assert_eq!(status, 200);
    let mut titles: Vec<_> = notes.as_array().unwrap().iter().collect();
    titles.sort_by_key(|note| note["title"].is_null());
    assert_eq!(titles[0]["title"], "of Bob", "{notes}");
    assert_eq!(titles[1]["title"], Value::Null, "{notes}");
    let path = format!("/notes/{}", titles[1]["id"].as_str().unwrap());
    assert_eq!(service.ask("GET", &path, &bob, &Value::Null).await.0, 500);
}

#[tokio::test]
async fn without_its_keys_a_database_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.db");
    let keys = Keyring::generate().to_text();
    Service::over(&file, Some(keys.expose())).await.unwrap();
    let others = Keyring::generate().to_text();
    for (name, keys) in [("others", Some(others.expose())), ("none", None)] {
        let refused = Service::over(&file, keys).await.err().unwrap();
        assert!(refused.contains("PORTCULLIS_KEYS"), "{name}: {refused}");
    }
    // Nor is one made that nobody could open.
    let new = folder.path().join("new.db");
    let refused = Service::over(&new, None).await.err().unwrap();
    assert!(refused.contains("new-keys"), "{refused}");
    assert!(!new.exists());
    let broken = Service::over(&file, Some("pck1.primary"))
        .await
        .err()
        .unwrap();
    assert!(broken.contains("PORTCULLIS_KEYS"), "{broken}");
}

#[tokio::test]
async fn processes_that_share_a_signing_key_know_each_others_tokens() {
    let key = ("JWT_KEY", "a secret of more than thirty-two bytes");
    let (one, other, third) = (
        Service::with(&[key]).await,
        Service::with(&[key]).await,
        Service::new().await,
    );
    let token = one.member("admin@example.com").await;
    let me = other.get("/me", Some(&token)).await;
    assert_eq!(me.status, 200);
    assert_eq!(me.json()["email"], "admin@example.com");
    assert_eq!(me.json()["roles"], json!(["admin"]));
    assert_eq!(third.get("/me", Some(&token)).await.status, 401);
}

#[tokio::test]
async fn a_signing_key_is_a_jwk_a_pem_or_a_long_secret() {
    let app = async |key: &str| {
        let variable = |name: &str| (name == "JWT_KEY").then(|| key.to_owned());
        let config = Config::from_env(variable).unwrap();
        let stores = Stores::open(&config).await?;
        service::app(&config, stores).map(drop)
    };
    // RFC 8037 appendix A.1.
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    for key in [jwk, pem, "a secret of more than thirty-two bytes"] {
        app(key).await.unwrap();
    }
    for key in ["short", "{}", "-----BEGIN NOTHING-----"] {
        let refused = app(key).await.unwrap_err().to_string();
        assert!(refused.contains("JWT_KEY"), "{refused}");
    }
}
