//! Bans by hand, by function and over HTTP.

use super::*;
use http_body_util::BodyExt;
use portcullis::clock::Timestamp;
use portcullis::limit::ban::{BanAdmin, BanError};
use portcullis::principal::{Authentication, Principal};
use serde_json::{Value, json};

#[tokio::test]
async fn listed_with_all_there_is_to_know() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let site = machine.site();
    statuses(&site, address(7), "/login", 3).await;
    let ann = BanSubject::principal(None, "ann");
    let long = "é".repeat(300);
    machine.bans.ban(&ann, 2 * MINUTE, &long).await.unwrap();
    let bans = machine.bans.list().await.unwrap();
    let expected = json!([
        {
            "subject": "network:203.0.113.7/32", "level": 1, "cause": "logins",
            "since": "2023-11-14T22:13:20.000Z", "until": "2023-11-14T22:14:20.000Z",
        },
        {
            "subject": "principal:ann", "level": 0, "cause": "é".repeat(100),
            "since": "2023-11-14T22:13:20.000Z", "until": "2023-11-14T22:15:20.000Z",
        },
    ]);
    assert_eq!(serde_json::to_value(&bans).unwrap(), expected);
    time.advance(MINUTE);
    assert_eq!(
        machine.bans.list().await.unwrap().len(),
        1,
        "what is over is not listed"
    );
}

#[tokio::test]
async fn a_ban_by_hand_stands_against_rules_and_can_be_changed() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let ban = async |duration| machine.bans.ban(&subject(7), duration, "x").await.unwrap();
    ban(DAY).await;
    // Requests that were on their way when the ban came: they do not shorten it.
    for _ in 0..9 {
        machine
            .bans
            .report(&subject(7), EventKind::AuthnLoginFail)
            .await;
    }
    let found = machine.bans.find(&subject(7)).await.unwrap().unwrap();
    assert_eq!(found.until.since(found.since), DAY);
    ban(MINUTE).await;
    let site = machine.site();
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);
    time.advance(MINUTE);
    assert_eq!(statuses(&site, address(7), "/", 1).await, [200]);
    // It does not count for the next.
    statuses(&site, address(7), "/login", 3).await;
    assert_eq!(
        machine.bans.find(&subject(7)).await.unwrap().unwrap().level,
        1
    );
    assert_eq!(
        ban(Duration::MAX).await.level,
        1,
        "as long as a store keeps anything"
    );
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);
}

#[tokio::test]
async fn what_would_never_be_looked_up_is_refused() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let wide: BanSubject = "network:203.0.113.0/24".parse().unwrap();
    let error = machine.bans.ban(&wide, HOUR, "").await.unwrap_err();
    assert!(matches!(error, BanError::TooWide(_)), "{error}");
    assert!(machine.bans.lift(&wide).await.is_err());
    // An address within a network is that network.
    let host: BanSubject = "network:2001:db8::1".parse().unwrap();
    let ban = machine.bans.ban(&host, HOUR, "").await.unwrap();
    assert_eq!(ban.subject.to_string(), "network:2001:db8::/64");
    assert!(machine.bans.find(&host).await.unwrap().is_some());
    assert!(machine.bans.lift(&host).await.unwrap());
}

/// A body that is never sent.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

async fn call(admin: &BanAdmin, request: http::request::Builder, body: &str) -> (u16, Value) {
    let request = request.header("content-type", "application/json; charset=utf-8");
    send(admin, request.body(Full::<Bytes>::from(body.to_owned()))).await
}

async fn send<B>(admin: &BanAdmin, request: http::Result<Request<B>>) -> (u16, Value)
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    let request = request.unwrap();
    let response = admin.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn over_http() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = BanAdmin::new(machine.bans.clone());
    let get = || Request::get("/admin/bans");
    assert_eq!(call(&admin, get(), "").await, (200, json!([])));

    let order = json!({"subject": "network:203.0.113.7", "seconds": 60, "reason": "t-17"});
    let (status, ban) = call(&admin, Request::post("/"), &order.to_string()).await;
    assert_eq!(
        (status, &ban["subject"]),
        (201, &json!("network:203.0.113.7/32"))
    );
    assert_eq!(call(&admin, get(), "").await, (200, json!([ban])));
    let site = machine.site();
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);

    let delete = || Request::delete("/admin/bans?subject=network%3A203.0.113.7%2F32");
    assert_eq!(call(&admin, delete(), "").await.0, 204);
    assert_eq!(statuses(&site, address(7), "/", 1).await, [200]);
    let (status, problem) = call(&admin, delete(), "").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_banned")));
}

#[tokio::test]
async fn whom_nobody_looks_up_is_not_banned_over_http() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = BanAdmin::new(machine.bans.clone());
    let ban = async |subject: &str| {
        let order = json!({"subject": subject, "seconds": 60, "reason": ""}).to_string();
        call(&admin, Request::post("/"), &order).await.0
    };
    let subjects = [
        "network:203.0.113.7",
        "principal:ann",
        "credential:k1",
        "fingerprint:t13d",
        "other-sites:network:203.0.113.7",
        "other-sites:principal:ann",
    ];
    let statuses = async || {
        let mut statuses = Vec::new();
        for subject in subjects {
            statuses.push(ban(subject).await);
        }
        statuses
    };
    assert_eq!(
        statuses().await,
        [201; 6],
        "without layers here, there are others elsewhere"
    );
    let _by_address = machine.site();
    assert_eq!(statuses().await, [201, 422, 422, 422, 201, 422]);
    let _by_principal = machine.site_with(BanLayer::by_principal);
    assert_eq!(statuses().await, [201, 201, 422, 422, 201, 201]);
    let _by_others = [
        machine.site_with(BanLayer::by_credential),
        machine.site_with(|layer| layer.by(|_| None)),
    ];
    assert_eq!(statuses().await, [201; 6]);
}

#[tokio::test]
async fn over_http_nothing_wrong_is_taken() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = BanAdmin::new(machine.bans.clone());
    let order = |subject: &str, seconds: u64| {
        json!({"subject": subject, "seconds": seconds, "reason": ""}).to_string()
    };
    let large = order(&"x".repeat(5000), 1);
    for (name, method, uri, body, status) in [
        ("no JSON", "POST", "/", "{", 400),
        ("nothing", "POST", "/", "", 400),
        (
            "a field too many",
            "POST",
            "/",
            r#"{"subject":"principal:a","seconds":1,"reason":"","x":1}"#,
            400,
        ),
        (
            "a negative time",
            "POST",
            "/",
            r#"{"subject":"principal:a","seconds":-1,"reason":""}"#,
            400,
        ),
        ("no time", "POST", "/", &order("principal:ann", 0), 422),
        ("nobody", "POST", "/", &order("ann", 60), 422),
        (
            "everybody",
            "POST",
            "/",
            &order("network:0.0.0.0/0", 60),
            422,
        ),
        (
            "ourselves",
            "POST",
            "/",
            &order("network:127.0.0.1", 60),
            422,
        ),
        ("too much", "POST", "/", &large, 413),
        ("lift nobody", "DELETE", "/", "", 422),
        (
            "lift two",
            "DELETE",
            "/?subject=principal:a&subject=principal:b",
            "",
            422,
        ),
        ("lift rubbish", "DELETE", "/?subject=%FF", "", 422),
        ("another method", "PUT", "/", "", 405),
    ] {
        let request = Request::builder().method(method).uri(uri);
        assert_eq!(call(&admin, request, body).await.0, status, "{name}");
    }
    assert_eq!(machine.bans.list().await.unwrap(), []);
}

#[tokio::test]
async fn an_order_is_json_and_says_so() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = BanAdmin::new(machine.bans.clone());
    let order = r#"{"subject":"principal:eve","seconds":60,"reason":""}"#;
    let types: [(&[&str], u16); 6] = [
        (&[], 415),
        (&["text/plain"], 415),
        (&["application/x-www-form-urlencoded"], 415),
        (&["application/jsonp"], 415),
        (&["application/json", "application/json"], 415),
        (&["Application/JSON ; charset=utf-8"], 201),
    ];
    for (types, status) in types {
        let request = types.iter().fold(Request::post("/"), |request, value| {
            request.header("content-type", *value)
        });
        let request = request.body(Full::<Bytes>::from(order));
        assert_eq!(send(&admin, request).await.0, status, "{types:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_does_not_arrive_is_not_waited_for() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = BanAdmin::new(machine.bans.clone());
    let request = Request::post("/").header("content-type", "application/json");
    let start = tokio::time::Instant::now();
    let (status, problem) = send(&admin, request.body(Silent)).await;
    assert_eq!((status, &problem["code"]), (408, &json!("request_timeout")));
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn in_axum_behind_the_users_own_authorization() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)), &time);
    let admin = Principal::new("root", Authentication::new(Timestamp::default()));
    let app = axum::Router::<()>::new()
        .route_service("/bans", BanAdmin::new(machine.bans.clone()))
        .layer(axum::Extension(admin))
        .layer(MonitorLayer::only(machine.events.clone()));
    let order = r#"{"subject":"principal:eve","seconds":60,"reason":"t-17"}"#;
    let request = Request::post("/bans")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(order))
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 201);
    let told = machine.heard(EventKind::ClientBanned);
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].path(),
        Some("/bans"),
        "told by the emitter of the request"
    );
    assert_eq!(told[0].code(), Some("by_hand"));
    let details: Vec<_> = told[0].details().collect();
    assert_eq!(details, [("level", "0"), ("seconds", "60"), ("by", "root")]);
}
