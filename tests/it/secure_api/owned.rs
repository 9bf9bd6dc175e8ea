//! What users of the example service keep: bounded, deleted on demand, gone with the account.

use super::login::{Client, text};
use super::service::{self, Config, Stores};
use super::uploads::{GIF, upload};
use super::{Answer, Service};
use portcullis::store::{Change, Collection, Records};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

/// The service, and what it keeps.
async fn service() -> (Service, Records) {
    let config = Config::from_env(|name| (name == "RATE_LIMIT").then(|| "100000".to_owned()));
    let config = config.unwrap();
    let stores = Stores::open(&config).await.unwrap();
    let records = stores.records.clone();
    (Service(service::app(&config, stores).unwrap()), records)
}

async fn write(client: &Client, service: &Service, html: &str) -> Answer {
    let note = json!({"title": "Plan", "html": html});
    client.ask(service, "POST /notes", Some(note)).await
}

/// How many records there are of each kind that an account leaves behind, but for the marks of
/// addresses.
async fn left(records: &Records, id: &str) -> Vec<(&'static str, usize)> {
    let kinds = [
        "note",
        "upload",
        "upload-chunk",
        "usage",
        "api-key",
        "api-key-owner",
    ];
    let mut left = Vec::new();
    for kind in kinds {
        let all = records
            .list(Collection::new(kind), None, 1_000)
            .await
            .unwrap();
        let is_theirs = |record: &&portcullis::store::Record| {
            let is_owned = record.owner().is_some_and(|owner| owner == id.as_bytes());
            is_owned || record.id() == id.as_bytes()
        };
        left.push((kind, all.iter().filter(is_theirs).count()));
    }
    left
}

#[tokio::test]
async fn nothing_outlives_its_account() {
    let (service, records) = service().await;
    let token = service.member(ANN).await;
    let client = Client::bearer(&token);
    let id = text(&client.get(&service, "/me").await, "id");
    for _ in 0..30 {
        assert_eq!(write(&client, &service, "<p>noon</p>").await.status, 201);
    }
    let lines: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let lines = lines.as_bytes();
    let kept = upload(&service, &token, "lines.txt", "text/plain", lines).await;
    assert_eq!(kept.status, 201, "{}", kept.body);
    let key = json!({"name": "ci", "scopes": ["me:read"]});
    let key = client.ask(&service, "POST /api-keys", Some(key)).await;
    assert_eq!(key.status, 201, "{}", key.body);

    let before = left(&records, &id).await;
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");
    let gone = client.ask(&service, "DELETE /me", None).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let after = left(&records, &id).await;
    assert!(after.iter().all(|(_, count)| *count == 0), "{after:?}");
}

#[tokio::test]
async fn what_is_deleted_makes_room_and_is_gone() {
    let (service, records) = service().await;
    let token = service.member(ANN).await;
    let (client, other) = (
        Client::bearer(&token),
        Client::bearer(&service.member("bob@example.com").await),
    );
    let note = text(&write(&client, &service, "<p>noon</p>").await, "id");
    let file = upload(&service, &token, "dot.gif", "image/gif", GIF).await;
    for path in [
        format!("/notes/{note}"),
        format!("/uploads/{}", text(&file, "id")),
    ] {
        let delete = format!("DELETE {path}");
        assert_eq!(other.ask(&service, &delete, None).await.status, 404);
        assert_eq!(client.ask(&service, &delete, None).await.status, 204);
        assert_eq!(client.ask(&service, &delete, None).await.status, 404);
        assert_eq!(client.get(&service, &path).await.status, 404);
    }
    let id = text(&client.get(&service, "/me").await, "id");
    let usage = records.get(Collection::new("usage"), &id).await.unwrap();
    let usage: Value = serde_json::from_slice(usage.unwrap().value()).unwrap();
    assert_eq!(usage, json!({"notes": 0, "uploads": 0}));
    assert_eq!(left(&records, &id).await[2], ("upload-chunk", 0));
}

#[tokio::test]
async fn nobody_keeps_more_than_a_share() {
    let (service, records) = service().await;
    let token = service.member(ANN).await;
    let client = Client::bearer(&token);
    let id = text(&client.get(&service, "/me").await, "id");
    let usage = br#"{"notes": 999, "uploads": 100}"#;
    let usage = Change::insert_owned(Collection::new("usage"), &id, &id, usage);
    records.commit(&[usage]).await.unwrap();
    let last = write(&client, &service, "<p>noon</p>").await;
    assert_eq!(last.status, 201);
    let refused = write(&client, &service, "<p>noon</p>").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.problem()["code"], "too_many_notes");
    let refused = upload(&service, &token, "dot.gif", "image/gif", GIF).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.problem()["code"], "too_many_files");
    let path = format!("DELETE /notes/{}", text(&last, "id"));
    assert_eq!(client.ask(&service, &path, None).await.status, 204);
    assert_eq!(write(&client, &service, "<p>noon</p>").await.status, 201);
}

/// The path that a list goes on under.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().unwrap();
    let (path, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(rest, "; rel=\"next\"");
    Some(path.to_owned())
}

fn ids(answer: &Answer) -> Vec<String> {
    let notes = answer.json();
    let ids = notes.as_array().unwrap().iter().map(|note| &note["id"]);
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_long_list_goes_on_where_a_page_ended() {
    let (service, _) = service().await;
    let ann = Client::bearer(&service.member(ANN).await);
    let bob = Client::bearer(&service.member("bob@example.com").await);
    let bobs = text(&write(&bob, &service, "<p>his</p>").await, "id");
    let mut written = Vec::new();
    for _ in 0..203 {
        written.push(text(&write(&ann, &service, "<p>noon</p>").await, "id"));
    }
    written.sort();
    let mut path = Some("/notes".to_owned());
    let mut pages = Vec::new();
    while let Some(this) = path {
        let page = ann.get(&service, &this).await;
        assert_eq!(page.status, 200, "{this}: {}", page.body);
        path = next(&page);
        pages.push(ids(&page));
    }
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 100, 3]);
    assert_eq!(pages.concat(), written);

    // A page that is just full is the last one, once the rest is gone.
    for id in &written[200..] {
        let gone = ann
            .ask(&service, &format!("DELETE /notes/{id}"), None)
            .await;
        assert_eq!(gone.status, 204);
    }
    let second = format!("/notes?after={}", written[99]);
    let page = ann.get(&service, &second).await;
    assert_eq!((ids(&page).len(), next(&page)), (100, None));

    // Another's note is a place in the order like any other, and tells nothing.
    let page = ann.get(&service, &format!("/notes?after={bobs}")).await;
    assert!(ids(&page).iter().all(|id| *id > bobs && *id != bobs));
    let page = bob.get(&service, "/notes?other=1").await;
    assert_eq!((ids(&page), next(&page)), (vec![bobs.clone()], None));

    for wrong in ["after=", "after=x"] {
        let refused = ann.get(&service, &format!("/notes?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert_eq!(refused.problem()["code"], "malformed_query", "{wrong}");
    }
}

/// A title that reads otherwise than it is.
#[tokio::test]
async fn titles_hide_nothing() {
    let (service, _) = service().await;
    let client = Client::bearer(&service.member(ANN).await);
    for title in ["a\u{202E}gnp.exe", "a\u{200B}b", "a\u{7}b"] {
        let note = json!({"title": title, "html": "x"});
        let refused = client.ask(&service, "POST /notes", Some(note)).await;
        assert_eq!(refused.status, 422, "{title:?}: {}", refused.body);
    }
    let note = json!({"title": " Cafe\u{301} ", "html": "x"});
    let kept = client.ask(&service, "POST /notes", Some(note)).await;
    assert_eq!(text(&kept, "title"), "Caf\u{e9}");
}

/// What comes fits, and what is kept would not.
#[tokio::test]
async fn a_note_that_grows_is_no_outage() {
    let (service, _) = service().await;
    let client = Client::bearer(&service.member(ANN).await);
    for html in ["&".repeat(12_200), "<a href=/>".repeat(1_100)] {
        let refused = write(&client, &service, &html).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    let fits = write(&client, &service, &"a".repeat(12 * 1024)).await;
    assert_eq!(fits.status, 201, "{}", fits.body);
}
