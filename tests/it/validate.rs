//! The extractors over axum.

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use garde::Validate;
use http::{Request, StatusCode};
use portcullis::input::Fault;
use portcullis::input::json::JsonLimits;
use portcullis::input::validate::{
    Form, Json, Query, Valid, by, identifier, no_control_characters, safe_file_name, safe_line,
    safe_text, safe_url,
};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt;

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Account {
    #[garde(length(chars, min = 2, max = 10), custom(safe_line))]
    name: String,
    #[garde(email)]
    email: String,
    #[garde(custom(by(|it: &String| long_enough(it))))]
    password: String,
    #[garde(range(min = 18))]
    age: u8,
    #[garde(dive)]
    #[serde(default)]
    pages: Vec<Page>,
}

#[derive(Deserialize, Validate)]
struct Page {
    #[garde(custom(safe_url))]
    url: String,
}

/// A policy says what is wrong in words of its own.
fn long_enough(password: &str) -> Result<(), Fault> {
    if password.chars().count() >= 15 {
        return Ok(());
    }
    Err(Fault::new(
        "password_too_short",
        "use at least 15 characters",
    ))
}

#[derive(Deserialize, Validate)]
struct Search {
    #[garde(custom(no_control_characters))]
    q: String,
    #[garde(inner(custom(identifier)))]
    #[serde(default)]
    tag: Vec<String>,
    #[garde(range(max = 100))]
    #[serde(default)]
    limit: u32,
}

#[derive(Deserialize, Validate)]
struct Note {
    #[garde(custom(safe_text))]
    text: String,
    #[garde(custom(safe_file_name))]
    file: String,
}

/// What is at hand when a booking is judged.
#[derive(Default)]
struct Rooms(u32);

#[derive(Deserialize, Validate)]
#[garde(context(Rooms))]
struct Booking {
    #[garde(custom(is_room))]
    room: u32,
}

fn is_room(room: &u32, rooms: &Rooms) -> garde::Result {
    if *room < rooms.0 {
        Ok(())
    } else {
        Err(garde::Error::new("there is no such room"))
    }
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

fn app() -> Router {
    let accounts = async |Valid(Json(account)): Valid<Json<Account>>| {
        CALLS.fetch_add(1, Ordering::SeqCst);
        format!(
            "{} {} {} {}",
            account.name,
            account.email,
            account.age,
            account.password.len()
        )
    };
    let notes = async |Valid(Form(note)): Valid<Form<Note>>| format!("{} {}", note.text, note.file);
    let search = async |Valid(Query(search)): Valid<Query<Search>>| {
        format!("{} {:?} {}", search.q, search.tag, search.limit)
    };
    let book = async |Valid(Json(booking)): Valid<Json<Booking>>| booking.room.to_string();
    Router::new()
        .route("/accounts", post(accounts))
        .route("/notes", post(notes))
        .route("/search", get(search))
        .route("/none", post(book))
        .route("/rooms", post(book).layer(Extension(Arc::new(Rooms(3)))))
        .route(
            "/small",
            post(book).layer(Extension(JsonLimits::new().max_bytes(4))),
        )
}

async fn answer(request: Request<Body>) -> (StatusCode, String) {
    let response = app().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 100_000)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn posted(path: &str, content_type: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path).header("content-type", content_type);
    answer(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Pointer and code of each error of a problem document.
fn errors(problem: &str) -> Vec<(String, String)> {
    let problem: Value = serde_json::from_str(problem).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|it| {
            assert!(!text(&it["message"]).contains('\u{1F}'));
            (text(&it["pointer"]), text(&it["code"]))
        })
        .collect()
}

const GOOD: &str = r#"{"name": "Ann", "email": "ann@example.com", "password": "correct horse battery",
    "age": 30, "pages": [{"url": "https://ann.example.com/"}]}"#;

#[tokio::test]
async fn valid_content_reaches_the_handler() {
    let before = CALLS.load(Ordering::SeqCst);
    let (status, body) = posted("/accounts", "application/json; charset=utf-8", GOOD).await;
    assert_eq!(
        (status, &*body),
        (StatusCode::OK, "Ann ann@example.com 30 21")
    );
    assert!(CALLS.load(Ordering::SeqCst) > before);
    let (_, body) = posted(
        "/notes",
        "application/x-www-form-urlencoded",
        "text=a%0Ab&file=c.txt",
    )
    .await;
    assert_eq!(body, "a\nb c.txt");
    let request = Request::get("/search?q=a%20b&tag=x&tag=y&limit=3")
        .body(Body::empty())
        .unwrap();
    assert_eq!(answer(request).await.1, "a b [\"x\", \"y\"] 3");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let hostile = r#"{"name": "a", "email": "ann", "password": "secret", "age": 3,
        "pages": [{"url": "https://example.com/"}, {"url": "http://127.0.0.1/"}]}"#;
    let (status, problem) = posted("/accounts", "application/json", hostile).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut found = errors(&problem);
    found.sort();
    let expected = [
        ("/age", "too_small"),
        ("/email", "not_an_email_address"),
        ("/name", "too_short"),
        ("/pages/1/url", "url_scheme"),
        ("/password", "password_too_short"),
    ];
    assert_eq!(
        found,
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    for secret in ["secret", "127.0.0.1"] {
        assert!(!problem.contains(secret), "{problem}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_type_is_named_too() {
    let with = |from: &str, to: &str| GOOD.replace(from, to);
    for (name, body, status, expected) in [
        (
            "missing",
            with(r#""name": "Ann", "#, ""),
            422,
            Some(("/name", "required")),
        ),
        (
            "another type",
            with("30", "\"thirty\""),
            422,
            Some(("/age", "wrong_type")),
        ),
        (
            "too large for the type",
            with("30", "300"),
            422,
            Some(("/age", "wrong_type")),
        ),
        (
            "within",
            with(r#""https://ann.example.com/""#, "7"),
            422,
            Some(("/pages/0/url", "wrong_type")),
        ),
        (
            "unknown",
            with("\"age\"", "\"admin\": true, \"age\""),
            422,
            Some(("/admin", "unknown_field")),
        ),
        (
            "twice",
            with("\"age\"", "\"age\": 7, \"age\""),
            422,
            Some(("/age", "json_duplicate_field")),
        ),
        ("no JSON", "{".to_owned(), 400, None),
        ("nothing", String::new(), 400, None),
        ("deep", "[".repeat(100_000), 400, None),
        ("large", format!("\"{}\"", "a".repeat(1_100_000)), 413, None),
    ] {
        let (found, problem) = posted("/accounts", "application/json", &body).await;
        assert_eq!(found, status, "{name}: {problem}");
        let expected: Vec<_> = expected
            .iter()
            .map(|(p, c)| ((*p).to_owned(), (*c).to_owned()))
            .collect();
        assert_eq!(errors(&problem), expected, "{name}");
    }
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        assert_eq!(
            posted("/accounts", content_type, GOOD).await.0,
            415,
            "{content_type}"
        );
    }
    let bare = Request::post("/accounts").body(Body::from(GOOD)).unwrap();
    assert_eq!(answer(bare).await.0, 415);
}

#[tokio::test]
async fn forms_and_queries() {
    for (name, body, expected) in [
        (
            "control",
            "text=a%00&file=a.txt",
            ("/text", "text_control_character"),
        ),
        (
            "file",
            "text=a&file=../a.txt",
            ("/file", "file_name_separator"),
        ),
        ("missing", "text=a", ("/file", "required")),
        ("twice", "text=a&text=b&file=c", ("/text", "wrong_type")),
    ] {
        let (status, problem) = posted("/notes", "application/x-www-form-urlencoded", body).await;
        assert_eq!(status, 422, "{name}: {problem}");
        assert_eq!(
            errors(&problem),
            [(expected.0.to_owned(), expected.1.to_owned())],
            "{name}"
        );
    }
    for (name, query, expected) in [
        ("range", "q=a&limit=101", ("/limit", "too_large")),
        ("type", "q=a&limit=x", ("/limit", "wrong_type")),
        (
            "within a list",
            "q=a&tag=x&tag=%2e",
            ("/tag/1", "text_not_identifier"),
        ),
        ("control", "q=%0d%0a", ("/q", "text_control_character")),
    ] {
        let request = Request::get(format!("/search?{query}"))
            .body(Body::empty())
            .unwrap();
        let (status, problem) = answer(request).await;
        assert_eq!(status, 422, "{name}: {problem}");
        assert_eq!(
            errors(&problem),
            [(expected.0.to_owned(), expected.1.to_owned())],
            "{name}"
        );
    }
    let many = format!("text={}", "&a".repeat(256));
    assert_eq!(
        posted("/notes", "application/x-www-form-urlencoded", &many)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn context_and_limits_come_with_the_request() {
    let send = async |path: &str, body: &str| posted(path, "application/json", body).await;
    assert_eq!(send("/rooms", r#"{"room": 2}"#).await.0, 200);
    let (status, problem) = send("/rooms", r#"{"room": 3}"#).await;
    assert_eq!(status, 422);
    assert_eq!(
        errors(&problem),
        [("/room".to_owned(), "invalid".to_owned())]
    );
    assert_eq!(
        send("/none", r#"{"room": 0}"#).await.0,
        422,
        "the default has no rooms"
    );
    assert_eq!(send("/small", r#"{"room": 0}"#).await.0, 413);
}
