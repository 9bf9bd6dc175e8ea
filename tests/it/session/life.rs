//! From the login to the end.

use super::*;
use portcullis::principal::Assurance;

#[tokio::test]
async fn a_login_gives_a_cookie_that_authenticates() {
    let house = House::new();
    let principal = house
        .proved("user-17")
        .with_role("editor")
        .with_tenant("acme")
        .with_attribute("department", "sales");
    let visitor = house.visitor(&[]);
    let session = house.sessions.login(&visitor, &principal).await.unwrap();
    let [set] = session.set_cookies().collect::<Vec<_>>()[..] else {
        panic!("one cookie")
    };
    let text = set.to_str().unwrap();
    let (value, attributes) = text.split_once("; ").unwrap();
    assert!(value.starts_with("__Host-session="), "{value}");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(set.is_sensitive());

    let found = house.principal(&cookie_of(&session)).await.unwrap();
    assert_eq!(&found, session.principal());
    assert_eq!(found.id(), "user-17");
    assert!(found.has_role("editor"));
    assert_eq!(found.tenant(), Some("acme"));
    assert_eq!(found.attribute("department").unwrap(), "sales");
    let proof = found.authentication();
    assert_eq!(proof.time(), principal.authentication().time());
    assert_eq!(proof.methods(), [Method::Password]);
    assert_eq!(proof.credential(), Some(&*session.id()));

    let created = &house.heard(EventKind::SessionCreated)[..];
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].subject(), Some("user-17"));
}

#[tokio::test]
async fn the_store_holds_nothing_that_a_cookie_could_be_made_of() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let recorder = failing::Backend::new(time.clock());
    let house = House::on(recorder.store(), time, |builder| builder);
    let cookie = house.log_in("user-17").await;
    let value = cookie.split_once('=').unwrap().1;
    house.principal(&cookie).await.unwrap();
    let written = recorder.written();
    assert!(!written.is_empty());
    // The secret is the last 32 bytes: 43 characters, of which the first carries other bits.
    let secret = &value[value.len() - 42..];
    let bytes = {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        BASE64_URL_SAFE_NO_PAD.decode(value).unwrap()[32..].to_vec()
    };
    for entry in &written {
        let text = String::from_utf8_lossy(entry);
        assert!(!text.contains(secret), "the secret as text");
        assert!(!entry.windows(32).any(|window| window == bytes), "as bytes");
    }
}

#[tokio::test]
async fn a_login_ends_what_the_browser_came_with() {
    let house = House::new();
    // Mallory plants a session of hers, and Ann logs in with it.
    let planted = house.log_in("mallory").await;
    let visitor = house.visitor(&[&planted]);
    let session = house.sessions.login(&visitor, &house.proved("ann")).await;
    let cookie = cookie_of(&session.unwrap());
    assert_ne!(cookie, planted);
    assert_eq!(house.principal(&planted).await, None);
    assert_eq!(house.principal(&cookie).await.unwrap().id(), "ann");

    // Again, by the same user: a new id each time, and the old one dead.
    let visitor = house.visitor(&[&cookie]);
    let again = house.sessions.login(&visitor, &house.proved("ann")).await;
    let again = cookie_of(&again.unwrap());
    assert_ne!(again, cookie);
    assert_eq!(house.principal(&cookie).await, None);
    assert_eq!(house.list("ann").await.len(), 1);
    assert_eq!(house.list("mallory").await.len(), 0);
    assert_eq!(house.ends(), ["replaced_by_login", "replaced_by_login"]);
    // Both old cookies were used after that.
    let used = house.heard(EventKind::SessionUseAfterExpire);
    let subjects: Vec<_> = used.iter().filter_map(SecurityEvent::subject).collect();
    assert_eq!(subjects, ["ann", "mallory"], "the latest first");
}

#[tokio::test]
async fn a_forged_cookie_ends_nobodys_session() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    // The place of Ann's session, and another secret.
    let mut forged = cookie.clone().into_bytes();
    let at = forged.len() - 20;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let visitor = house.visitor(&[&forged]);
    let _session = house
        .sessions
        .login(&visitor, &house.proved("mallory"))
        .await;
    let ended = house.sessions.logout(&house.visitor(&[&forged])).await;
    assert!(!ended.unwrap().was_there());
    assert!(house.principal(&cookie).await.is_some());
    assert_eq!(house.principal(&forged).await, None);
    assert_eq!(house.heard(EventKind::SessionUseAfterExpire).len(), 1);
}

#[tokio::test]
async fn a_session_times_out_idle() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    house.time.advance(30 * MINUTE - Duration::from_millis(1));
    assert!(house.principal(&cookie).await.is_some());
    // That was use, and counts anew.
    house.time.advance(30 * MINUTE - Duration::from_millis(1));
    assert!(house.principal(&cookie).await.is_some());
    house.time.advance(30 * MINUTE);
    let answer = house.send(&[cookie.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(answer.cleared(), [COOKIE]);
    assert_eq!(house.ends(), ["session_ended"]);
    assert!(house.heard(EventKind::SessionUseAfterExpire).is_empty());
    assert!(house.list("ann").await.is_empty());
}

#[tokio::test]
async fn a_session_in_use_is_too_old_in_the_end() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    let mut minutes = 0;
    while house.principal(&cookie).await.is_some() {
        house.time.advance(10 * MINUTE);
        minutes += 10;
    }
    assert_eq!(minutes, 12 * 60);
}

#[tokio::test]
async fn our_own_clock_ends_a_session_that_the_store_still_holds() {
    // A store whose clock stands still.
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let stopped = MemoryStore::builder().clock(time.clock()).build();
    let now = FakeClock::at_unix_seconds(1_700_000_000);
    let house = House::on(Store::new(stopped.clone()), now, |builder| builder);
    let (idle, absolute) = (house.log_in("ann").await, house.log_in("bob").await);
    house.time.advance(30 * MINUTE);
    assert!(
        house.list("ann").await.is_empty(),
        "over, though it is there"
    );
    assert_eq!(house.principal(&idle).await, None);
    house.time.advance(12 * HOUR);
    assert_eq!(house.principal(&absolute).await, None);
    let ends = house.heard(EventKind::SessionExpired);
    let whose: Vec<_> = ends.iter().filter_map(SecurityEvent::subject).collect();
    assert_eq!(whose, ["bob", "ann"], "the latest first");
    assert_eq!(stopped.usage().entries(), 0, "and gone");
}

#[tokio::test]
async fn use_is_written_down_now_and_then() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let backend = failing::Backend::new(time.clock());
    let house = House::on(backend.store(), time, |builder| builder);
    let cookie = house.log_in("ann").await;
    let before = backend.written().len();
    for _ in 0..59 {
        house.time.advance(Duration::from_secs(1));
        house.principal(&cookie).await.unwrap();
    }
    assert_eq!(backend.written().len(), before, "59 requests, no write");
    house.time.advance(Duration::from_secs(1));
    for _ in 0..10 {
        house.principal(&cookie).await.unwrap();
    }
    assert_eq!(backend.written().len(), before + 1);
    let seen = house.list("ann").await[0].last_seen();
    assert_eq!(seen, house.time.clock().now());
}

#[tokio::test]
async fn a_step_up_replaces_the_secret_and_keeps_the_session() {
    let house = House::new();
    let old = house.log_in("ann").await;
    let before = house.principal(&old).await.unwrap();
    house
        .sessions
        .update(&before, |values| {
            values.insert("cart".to_owned(), 7.into());
        })
        .await
        .unwrap();
    house.time.advance(HOUR / 4);

    let stronger = Authentication::new(house.time.clock().now())
        .with_method(Method::Password)
        .with_method(Method::OneTimePassword)
        .with_assurance(Assurance::Aal2);
    let stronger = Principal::new("ann", stronger).with_role("admin");
    let renewed = house
        .sessions
        .renew(&house.visitor(&[&old]), &stronger)
        .await;
    let new = cookie_of(&renewed.unwrap());
    assert_ne!(new, old);

    let answer = house.send(&[old.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
    let used = house.heard(EventKind::SessionUseAfterExpire);
    assert_eq!(used.len(), 1, "the old secret is told at once");
    assert_eq!(used[0].subject(), Some("ann"));

    let after = house.principal(&new).await.unwrap();
    assert!(after.has_role("admin"));
    assert_eq!(after.authentication().assurance(), Some(Assurance::Aal2));
    let credential = |principal: &Principal| {
        let credential = principal.authentication().credential();
        credential.unwrap().to_owned()
    };
    assert_eq!(credential(&after), credential(&before));
    let session = house.sessions.current(&after).await.unwrap();
    assert_eq!(session.values()["cart"], 7);
    assert_eq!(
        session.created().unix_seconds(),
        1_700_000_000,
        "no younger"
    );
    assert_eq!(house.list("ann").await.len(), 1);
    assert_eq!(house.heard(EventKind::SessionRenewed).len(), 1);
}

#[tokio::test]
async fn only_the_bearer_renews_and_only_for_the_same_user() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    let renew = async |cookies: &[&str], user: &str| {
        let visitor = house.visitor(cookies);
        let renewed = house.sessions.renew(&visitor, &house.proved(user)).await;
        renewed.unwrap_err()
    };
    assert!(renew(&[], "ann").await.is_refused());
    assert!(renew(&["__Host-session=x"], "ann").await.is_refused());
    assert!(renew(&[&cookie, &cookie], "ann").await.is_refused());
    let other = renew(&[&cookie], "bob").await;
    assert!(!other.is_refused() && !other.is_unavailable());
    let dead = house.log_in("ann").await;
    house
        .sessions
        .logout(&house.visitor(&[&dead]))
        .await
        .unwrap()
        .apply(&mut HeaderMap::new());
    assert!(renew(&[&dead], "ann").await.is_refused());
    assert!(
        house.principal(&cookie).await.is_some(),
        "none of this hurt it"
    );
}

/// The answer to a request that was under way may arrive after the one with the next cookie.
#[tokio::test]
async fn a_late_answer_leaves_the_next_cookie_alone() {
    let house = House::new();
    for way in [
        "login",
        "renewal",
        "logout",
        "revocation",
        "new password",
        "limit",
    ] {
        let old = house.log_in("ann").await;
        let id = house.list("ann").await[0].id().to_owned();
        let visitor = house.visitor(&[&old]);
        let (sessions, ann) = (&house.sessions, house.proved("ann"));
        match way {
            "login" => drop(sessions.login(&visitor, &ann).await.unwrap()),
            "renewal" => drop(sessions.renew(&visitor, &ann).await.unwrap()),
            "logout" => drop(sessions.logout(&visitor).await.unwrap()),
            "revocation" => assert!(sessions.revoke("ann", &id).await.unwrap()),
            "new password" => {
                sessions.revoke_all("ann").await.unwrap();
                drop(sessions.login(&visitor, &ann).await.unwrap());
            }
            _ => {
                for _ in 0..16 {
                    house.time.advance(Duration::from_millis(1));
                    house.log_in("ann").await;
                }
            }
        }
        let under_way = async || {
            let answer = house.send(&[old.as_bytes()]).await;
            assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
            let layer = AuthenticateLayer::new(house.sessions.clone()).allow_anonymous();
            let anonymous = house.send_to(layer, &[old.as_bytes()]).await;
            assert_eq!(
                (anonymous.status, anonymous.calls),
                (StatusCode::OK, 1),
                "{way}"
            );
            assert_eq!(anonymous.principal, None, "{way}");
            assert_eq!(answer.cleared(), anonymous.cleared(), "{way}");
            let again = house.sessions.renew(&visitor, &ann).await.unwrap_err();
            let again = portcullis::guard::Rejection::from(again);
            let clears = again.headers().contains_key(header::SET_COOKIE);
            assert_eq!(clears, !answer.cleared().is_empty(), "{way}");
            clears
        };
        for wait in [0, 30, 29] {
            house.time.advance(Duration::from_secs(wait));
            assert!(!under_way().await, "{way}");
        }
        // By now nothing is under way, and the browser has kept it for some reason.
        house.time.advance(MINUTE);
        assert!(under_way().await, "{way}");
        house.sessions.revoke_all("ann").await.unwrap();
        house.time.advance(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_on_the_server() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    let ended = house
        .sessions
        .logout(&house.visitor(&[&cookie]))
        .await
        .unwrap();
    assert!(ended.was_there());
    let mut headers = HeaderMap::new();
    ended.apply(&mut headers);
    assert_eq!(
        headers[header::SET_COOKIE],
        "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    );
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    // Whatever the browser does with its cookie.
    assert_eq!(house.principal(&cookie).await, None);
    assert_eq!(house.ends(), ["logout"]);
    let used = house.heard(EventKind::SessionUseAfterExpire);
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].subject(), Some("ann"));
    // Once more is no error.
    let again = house
        .sessions
        .logout(&house.visitor(&[&cookie]))
        .await
        .unwrap();
    assert!(!again.was_there());
    assert_eq!(house.ends(), ["logout"]);
}

#[tokio::test]
async fn values_are_kept_and_bounded() {
    let house = House::new();
    let cookie = house.log_in("ann").await;
    let ann = house.principal(&cookie).await.unwrap();
    let set = async |value: serde_json::Value| {
        let session = house.sessions.update(&ann, |values| {
            values.insert("value".to_owned(), value.clone());
        });
        session.await
    };
    assert_eq!(set("x".into()).await.unwrap().values()["value"], "x");
    let large = set("x".repeat(Session::MAX_VALUES_LEN).into()).await;
    assert!(!large.unwrap_err().is_refused());
    let mut deep = serde_json::Value::from(1);
    for _ in 0..500 {
        deep = vec![deep].into();
    }
    assert!(set(deep).await.is_err(), "it could never be read again");
    let current = house.sessions.current(&ann).await.unwrap();
    assert_eq!(
        current.values()["value"],
        "x",
        "what was refused changed nothing"
    );
    assert!(house.principal(&cookie).await.is_some());

    // A principal that did not come by a session has none.
    let other = house.proved("ann");
    assert!(
        house
            .sessions
            .current(&other)
            .await
            .unwrap_err()
            .is_refused()
    );
    assert!(house.sessions.update(&other, |_| {}).await.is_err());
}

#[tokio::test]
async fn a_cookie_that_outlives_the_browser_lives_as_long_as_the_session() {
    let house = House::with(|builder| {
        let builder = builder.outlive_browser().same_site_strict();
        builder.absolute_timeout(2 * HOUR).cookie_name("app")
    });
    let visitor = house.visitor(&[]);
    let session = house.sessions.login(&visitor, &house.proved("ann")).await;
    let session = session.unwrap();
    let text = session.set_cookies().next().unwrap().to_str().unwrap();
    assert!(text.starts_with("__Host-app="), "{text}");
    assert!(
        text.ends_with("; Path=/; Max-Age=7200; Secure; HttpOnly; SameSite=Strict"),
        "{text}"
    );
    house.time.advance(HOUR / 4);
    let renewed = house
        .sessions
        .renew(
            &house.visitor(&[&cookie_of(&session)]),
            &house.proved("ann"),
        )
        .await
        .unwrap();
    let text = renewed.set_cookies().next().unwrap().to_str().unwrap();
    assert!(
        text.contains("; Max-Age=6300;"),
        "no longer than is left: {text}"
    );
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let house = House::new();
    let visitor = house.visitor(&["__Host-session=hunter2"]);
    let session = house
        .sessions
        .login(&visitor, &house.proved("ann"))
        .await
        .unwrap();
    let cookie = cookie_of(&session);
    let value = cookie.split_once('=').unwrap().1;
    let shown = format!("{session:?} {visitor:?} {:?}", house.sessions);
    assert!(
        !shown.contains(value) && !shown.contains("hunter2"),
        "{shown}"
    );
    assert!(!format!("{:?}", session.set_cookies().next()).contains(value));
}
