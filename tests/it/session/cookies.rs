//! What strangers put into the `Cookie` header.

use super::*;

#[tokio::test]
async fn hostile_cookies_reach_nobody() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    let other = house.log_in("mallory").await;
    let value = cookie.split_once('=').unwrap().1.to_owned();
    let text = |text: String| text.into_bytes();
    let unauthorized = StatusCode::UNAUTHORIZED;
    let malformed = StatusCode::BAD_REQUEST;
    let cases: Vec<(&str, Vec<Vec<u8>>, StatusCode)> = vec![
        ("the honest one", vec![text(cookie.clone())], StatusCode::OK),
        (
            "among others",
            vec![text(format!("a=b; {cookie}; c=\"d;\""))],
            StatusCode::OK,
        ),
        (
            "beside bytes that are no text",
            vec![[b"a=\xff; ", cookie.as_bytes()].concat()],
            StatusCode::OK,
        ),
        ("none", vec![], unauthorized),
        (
            "tossed: another before it",
            vec![text(format!("{other}; {cookie}"))],
            malformed,
        ),
        (
            "tossed: on two lines",
            vec![text(cookie.clone()), text(other.clone())],
            malformed,
        ),
        (
            "the same twice",
            vec![text(format!("{cookie}; {cookie}"))],
            malformed,
        ),
        (
            "an empty one beside it",
            vec![text(format!("__Host-session=; {cookie}"))],
            malformed,
        ),
        ("empty", vec![text("__Host-session=".into())], unauthorized),
        (
            "without the prefix",
            vec![text(format!("session={value}"))],
            unauthorized,
        ),
        (
            "a prefix in another case",
            vec![text(format!("__host-session={value}"))],
            unauthorized,
        ),
        (
            "a name with a space that browsers keep",
            vec![text(format!("\u{a0}__Host-session={value}"))],
            unauthorized,
        ),
        (
            "quoted",
            vec![text(format!("__Host-session=\"{value}\""))],
            unauthorized,
        ),
        ("padded", vec![text(format!("{cookie}=="))], unauthorized),
        (
            "cut",
            vec![text(cookie[..cookie.len() - 1].to_owned())],
            unauthorized,
        ),
        ("one more", vec![text(format!("{cookie}A"))], unauthorized),
        (
            "escaped",
            vec![text(format!(
                "__Host-session=%{:02X}{}",
                value.as_bytes()[0],
                &value[1..]
            ))],
            unauthorized,
        ),
        (
            "not ASCII",
            vec!["__Host-session=ä".as_bytes().to_vec()],
            unauthorized,
        ),
        (
            "not text",
            vec![[b"__Host-session=", &b"\xff".repeat(86)[..]].concat()],
            unauthorized,
        ),
        (
            "oversize",
            vec![text(format!("__Host-session={}", "A".repeat(1 << 20)))],
            unauthorized,
        ),
        (
            "of zeros",
            vec![text(format!("__Host-session={}", "A".repeat(86)))],
            unauthorized,
        ),
    ];
    for (name, cookies, expected) in cases {
        let cookies: Vec<_> = cookies.iter().map(|line| &line[..]).collect();
        let answer = house.send(&cookies).await;
        assert_eq!(answer.status, expected, "{name}");
        let admitted = usize::from(expected == StatusCode::OK);
        assert_eq!(answer.calls, admitted, "{name}: the service behind");
        assert_eq!(
            answer.principal.is_some(),
            expected == StatusCode::OK,
            "{name}"
        );
        let is_ours = cookies.iter().any(|line| {
            let text = String::from_utf8_lossy(line);
            text.split(';')
                .any(|pair| pair.trim_start_matches(' ').starts_with("__Host-session="))
        });
        let is_cleared = answer.cleared() == [COOKIE];
        assert_eq!(
            is_cleared,
            is_ours && expected != StatusCode::OK,
            "{name}: cleared"
        );
        assert!(
            !answer.headers.contains_key(header::WWW_AUTHENTICATE),
            "{name}"
        );
    }
    assert!(
        house.principal(&cookie).await.is_some(),
        "none of this ended it"
    );
}

#[tokio::test]
async fn a_session_of_one_user_is_none_of_another() {
    let house = House::new();
    let (ann, bob) = (house.log_in("ann").await, house.log_in("bob").await);
    // The tag of one, the id and secret of the other.
    let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let bytes = |cookie: &str| BASE64_URL_SAFE_NO_PAD.decode(value(cookie)).unwrap();
    let mixed = [&bytes(&ann)[..16], &bytes(&bob)[16..]].concat();
    let mixed = format!("{COOKIE}={}", BASE64_URL_SAFE_NO_PAD.encode(mixed));
    assert_eq!(house.principal(&mixed).await, None);
    let mixed = [&bytes(&ann)[..32], &bytes(&bob)[32..]].concat();
    let mixed = format!("{COOKIE}={}", BASE64_URL_SAFE_NO_PAD.encode(mixed));
    assert_eq!(house.principal(&mixed).await, None);
}

#[tokio::test]
async fn who_was_logged_in_yesterday_sees_the_login_page() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    house.time.advance(DAY);
    let layer = || AuthenticateLayer::new(house.sessions.clone()).allow_anonymous();
    let answer = house.send_to(layer(), &[cookie.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::OK, 1));
    assert_eq!(answer.principal, None, "as nobody");
    assert_eq!(answer.cleared(), [COOKIE]);
    assert_eq!(house.ends(), ["session_ended"], "and it is told");

    // One that was tossed in is refused all the same.
    let twice = format!("{cookie}; {cookie}");
    let answer = house.send_to(layer(), &[twice.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::BAD_REQUEST, 0));
    // A good one is somebody's.
    let cookie = house.log_in("ann").await;
    let answer = house.send_to(layer(), &[cookie.as_bytes()]).await;
    assert_eq!(answer.principal.as_ref().unwrap().id(), "ann");
    assert!(answer.cleared().is_empty());
}

#[tokio::test]
async fn over_plain_http_the_cookie_has_no_prefix() {
    let house = House::with(SessionsBuilder::insecure_cookie_over_plain_http);
    let session = house.login(&[], "ann").await;
    let session = session.unwrap();
    let text = session.set_cookies().next().unwrap().to_str().unwrap();
    assert!(text.starts_with("session="), "{text}");
    assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{text}");
    assert!(house.principal(&cookie_of(&session)).await.is_some());
}

#[tokio::test]
async fn a_value_is_good_in_its_own_cookie_alone() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let users = House::on(store.clone(), time.clone(), |builder| builder);
    let admins = House::on(store, time, |builder| builder.cookie_name("admin"));
    let cookie = users.log_in("ann").await;
    let moved = cookie.replace("session", "admin");
    let answer = admins.send(&[moved.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(answer.cleared(), ["__Host-admin"]);
    assert!(users.principal(&cookie).await.is_some());
    let cookie = admins.log_in("ann").await;
    assert!(admins.principal(&cookie).await.is_some());
}

#[tokio::test]
async fn who_logs_in_over_and_over_fills_nothing() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let memory = MemoryStore::builder().clock(time.clock()).build();
    let house = House::on(Store::new(memory.clone()), time, |builder| builder);
    for _ in 0..500 {
        house.log_in("mallory").await;
    }
    let entries = memory.usage().entries();
    assert!(entries <= 16 + 64, "{entries}");
}
