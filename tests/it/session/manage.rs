//! Lists, limits, and ends that somebody else brings about.

use super::*;
use portcullis::store::OwnerLimit;

#[tokio::test]
async fn a_user_lists_and_revokes() {
    let house = House::new();
    let first = house.log_in("ann").await;
    house.time.advance(MINUTE);
    let second = house.log_in("ann").await;
    let other = house.log_in("bob").await;
    let sessions = house.list("ann").await;
    assert_eq!(sessions.len(), 2);
    let current = house.principal(&second).await.unwrap();
    assert_eq!(
        current.authentication().credential(),
        Some(sessions[0].id())
    );
    assert_eq!(sessions[0].user_agent(), Some("browser/1.0"));
    assert_eq!(sessions[0].address(), Some([192, 0, 2, 7].into()));
    assert_eq!(
        sessions[0].expires().since(sessions[0].last_seen()),
        30 * MINUTE
    );
    for cookie in [&first, &second] {
        let shown = serde_json::to_string(&sessions).unwrap();
        let value = cookie.split_once('=').unwrap().1;
        assert!(!shown.contains(&value[43..]), "no secret in what is shown");
    }

    // Bob cannot end what is Ann's, and nobody what is not there.
    let id = sessions[1].id();
    assert!(!house.sessions.revoke("bob", id).await.unwrap());
    for wrong in ["", "x", &first, "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(
            !house.sessions.revoke("ann", wrong).await.unwrap(),
            "{wrong}"
        );
    }
    assert!(house.sessions.revoke("ann", id).await.unwrap());
    assert!(!house.sessions.revoke("ann", id).await.unwrap(), "once");
    assert_eq!(house.principal(&first).await, None);
    assert!(house.principal(&second).await.is_some());
    assert!(house.principal(&other).await.is_some());
    assert_eq!(house.ends(), ["revoked"]);
    assert_eq!(house.heard(EventKind::SessionUseAfterExpire).len(), 1);
}

#[tokio::test]
async fn all_or_all_others_end_at_once() {
    let house = House::new();
    let mut cookies = Vec::new();
    for _ in 0..5 {
        cookies.push(house.log_in("ann").await);
    }
    let bob = house.log_in("bob").await;
    let current = house.principal(&cookies[2]).await.unwrap();
    assert_eq!(house.sessions.revoke_others(&current).await.unwrap(), 4);
    for (place, cookie) in cookies.iter().enumerate() {
        assert_eq!(
            house.principal(cookie).await.is_some(),
            place == 2,
            "{place}"
        );
    }
    assert_eq!(house.sessions.revoke_all("ann").await.unwrap(), 1);
    assert_eq!(house.principal(&cookies[2]).await, None);
    assert!(house.principal(&bob).await.is_some());
    assert_eq!(house.ends(), ["revoked"; 5]);
    // Whoever proves it anew is let in again.
    house.time.advance(Duration::from_millis(1));
    let cookie = house.log_in("ann").await;
    assert!(house.principal(&cookie).await.is_some());
}

#[tokio::test]
async fn a_login_under_way_is_revoked_too() {
    let house = House::new();
    // The password was found right, and before the session is there all are ended.
    let proved = house.proved("ann");
    house.time.advance(Duration::from_millis(1));
    house.sessions.revoke_all("ann").await.unwrap();
    let login = house.sessions.login(&house.visitor(&[]), &proved).await;
    let rejection = portcullis::guard::Rejection::from(login.unwrap_err());
    assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    assert!(house.list("ann").await.is_empty());
    let other = house.login(&[], "bob");
    assert!(other.await.is_ok());
}

#[tokio::test]
async fn at_the_limit_the_one_used_least_goes() {
    let house = House::with(|builder| builder.limit(OwnerLimit::evict_above(3)));
    let mut cookies = Vec::new();
    for _ in 0..3 {
        cookies.push(house.log_in("ann").await);
        house.time.advance(MINUTE);
    }
    // The first is in use, so the second is the one.
    house.principal(&cookies[0]).await.unwrap();
    house.time.advance(MINUTE);
    cookies.push(house.log_in("ann").await);
    for (place, cookie) in cookies.iter().enumerate() {
        assert_eq!(
            house.principal(cookie).await.is_some(),
            place != 1,
            "{place}"
        );
    }
    assert_eq!(house.ends(), ["too_many_sessions"]);
    assert!(house.principal(&house.log_in("bob").await).await.is_some());
}

#[tokio::test]
async fn a_limit_that_refuses_refuses() {
    let house = House::with(|builder| builder.limit(OwnerLimit::refuse_above(2)));
    let first = house.log_in("ann").await;
    house.log_in("ann").await;
    let refused = house.login(&[], "ann");
    let error = refused.await.unwrap_err();
    assert!(error.is_limit_reached());
    let rejection = portcullis::guard::Rejection::from(error);
    assert_eq!(rejection.status(), StatusCode::CONFLICT);
    assert_eq!(rejection.code(), "too_many_sessions");
    assert!(house.principal(&first).await.is_some());
    // Who comes with a session gives that one up, and needs no other place.
    let again = house.login(&[&first], "ann").await;
    assert!(again.is_ok());
    assert_eq!(house.list("ann").await.len(), 2);
    // What timed out takes no place.
    house.time.advance(HOUR);
    assert!(house.list("ann").await.is_empty());
    house.log_in("ann").await;
}
