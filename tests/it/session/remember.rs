//! Remembered browsers, and those who steal their cookies.

use super::*;
use portcullis::authn::session::remember::RememberMe;
use portcullis::guard::Rejection;

const REMEMBER: &str = "__Host-session-remember";

impl House {
    fn remember(&self) -> RememberMe {
        RememberMe::new(self.sessions.clone())
    }

    /// Logs in to be remembered: the cookies of the session and of the browser.
    async fn log_in_remembered(&self, user: &str) -> (String, String) {
        let visitor = self.visitor(&[]);
        let session = self.sessions.login(&visitor, &self.proved(user)).await;
        let session = self.remember().issue(&visitor, session.unwrap()).await;
        both(&session.unwrap())
    }

    /// Comes with the cookie of a remembered browser alone.
    async fn resume(&self, cookie: &str) -> Result<(String, String), SessionError> {
        let visitor = self.visitor(&[cookie]);
        let recalled = self.remember().recall(&visitor).await?;
        let remembered = recalled.expect("there is a cookie");
        let principal = Principal::new(remembered.user(), remembered.authentication());
        Ok(both(&remembered.log_in(&visitor, &principal).await?))
    }
}

fn both(session: &NewSession) -> (String, String) {
    let [session, remember] = session.set_cookies().collect::<Vec<_>>()[..] else {
        panic!("two cookies");
    };
    (pair(session), pair(remember))
}

fn code(error: SessionError) -> String {
    Rejection::from(error).code().to_owned()
}

#[tokio::test]
async fn a_browser_is_remembered_until_its_time_is_up() {
    let house = House::new();
    let (mut session, mut cookie) = house.log_in_remembered("ann").await;
    assert!(cookie.starts_with(&format!("{REMEMBER}=")));
    let proved_at = house.time.clock().now();
    for _ in 0..29 {
        house.time.advance(DAY);
        assert_eq!(house.principal(&session).await, None, "the session is over");
        let before = cookie.clone();
        (session, cookie) = house.resume(&cookie).await.unwrap();
        assert_ne!(cookie, before, "a new secret each time");
        let principal = house.principal(&session).await.unwrap();
        assert_eq!(principal.id(), "ann");
        let proof = principal.authentication();
        assert_eq!(proof.time(), proved_at, "nothing was proved since");
        assert!(proof.methods().is_empty() && proof.assurance().is_none());
    }
    house.time.advance(DAY);
    let error = house.resume(&cookie).await.unwrap_err();
    assert!(error.is_refused() && !error.is_theft());
    assert!(house.heard(EventKind::AuthnTokenReuse).is_empty());
}

#[tokio::test]
async fn the_cookie_is_set_for_the_time_that_is_left() {
    let house = House::new();
    let remember = house.remember().lifetime(10 * DAY).unwrap();
    let visitor = house.visitor(&[]);
    let session = house.sessions.login(&visitor, &house.proved("ann")).await;
    let session = remember.issue(&visitor, session.unwrap()).await.unwrap();
    let set = |session: &NewSession| {
        let text = session.set_cookies().last().unwrap().to_str().unwrap();
        text.split_once("; ").unwrap().1.to_owned()
    };
    assert_eq!(
        set(&session),
        "Path=/; Max-Age=864000; Secure; HttpOnly; SameSite=Lax"
    );
    house.time.advance(4 * DAY);
    let visitor = house.visitor(&[&both(&session).1]);
    let remembered = remember.recall(&visitor).await.unwrap().unwrap();
    let principal = Principal::new("ann", remembered.authentication());
    let session = remembered.log_in(&visitor, &principal).await.unwrap();
    assert!(
        set(&session).contains("Max-Age=518400;"),
        "{}",
        set(&session)
    );
}

#[tokio::test]
async fn a_used_cookie_that_comes_again_ends_everything() {
    let house = House::new();
    let (_, stolen) = house.log_in_remembered("ann").await;
    let (other_device, other_remembered) = house.log_in_remembered("ann").await;
    house.time.advance(HOUR / 4);
    // The thief comes first, and gets in.
    let (thief, thief_remembered) = house.resume(&stolen).await.unwrap();
    assert!(house.principal(&thief).await.is_some());
    house.time.advance(HOUR / 4);
    // Ann comes with what she has.
    let error = house.resume(&stolen).await.unwrap_err();
    assert!(error.is_theft());
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    assert!(rejection.headers().contains_key(header::SET_COOKIE));
    let told = house.heard(EventKind::AuthnTokenReuse);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject(), Some("ann"));

    for cookie in [&thief, &other_device] {
        assert_eq!(house.principal(cookie).await, None);
    }
    for cookie in [&thief_remembered, &other_remembered, &stolen] {
        let error = house.resume(cookie).await.unwrap_err();
        assert!(error.is_refused() && !error.is_theft());
    }
    assert!(house.list("ann").await.is_empty());
    assert_eq!(house.heard(EventKind::AuthnTokenReuse).len(), 1);
}

#[tokio::test]
async fn the_other_tabs_of_a_browser_are_no_thieves_and_are_not_let_in() {
    let house = House::new();
    let (_, cookie) = house.log_in_remembered("ann").await;
    let (session, next) = house.resume(&cookie).await.unwrap();
    for (seconds, expected) in [(0, "remember_me_used"), (9, "remember_me_used")] {
        house.time.advance(Duration::from_secs(seconds));
        let error = house.resume(&cookie).await.unwrap_err();
        assert!(!error.is_refused() && !error.is_theft());
        let rejection = Rejection::from(error);
        assert_eq!(rejection.code(), expected);
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
        let takes = rejection.headers().contains_key(header::SET_COOKIE);
        assert!(!takes, "the new cookie is there by now");
    }
    assert!(house.principal(&session).await.is_some());
    house.time.advance(Duration::from_secs(1));
    assert!(house.resume(&cookie).await.unwrap_err().is_theft());
    assert!(house.resume(&next).await.unwrap_err().is_refused());

    // Without grace, at once.
    let strict = house.remember().grace(Duration::ZERO).unwrap();
    house.time.advance(MINUTE);
    let (_, cookie) = house.log_in_remembered("bob").await;
    house.resume(&cookie).await.unwrap();
    assert!(
        strict
            .recall(&house.visitor(&[&cookie]))
            .await
            .unwrap_err()
            .is_theft()
    );
}

#[tokio::test]
async fn a_guessed_secret_is_theft_and_a_guessed_browser_is_nothing() {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let house = House::new();
    let (_, cookie) = house.log_in_remembered("ann").await;
    let value = BASE64_URL_SAFE_NO_PAD
        .decode(cookie.split_once('=').unwrap().1)
        .unwrap();
    let forge = |change: usize| {
        let mut value = value.clone();
        value[change] ^= 1;
        format!("{REMEMBER}={}", BASE64_URL_SAFE_NO_PAD.encode(value))
    };
    for (name, at) in [("owner", 0), ("browser", 16)] {
        let error = house.resume(&forge(at)).await.unwrap_err();
        assert!(error.is_refused() && !error.is_theft(), "{name}");
    }
    for wrong in ["", "x", &"A".repeat(1 << 20)] {
        let error = house
            .resume(&format!("{REMEMBER}={wrong}"))
            .await
            .unwrap_err();
        assert_eq!(code(error), "session_ended");
    }
    let twice = house.visitor(&[&cookie, &cookie]);
    let error = house.remember().recall(&twice).await.unwrap_err();
    assert_eq!(code(error), "duplicate_cookie");
    assert!(
        house
            .remember()
            .recall(&house.visitor(&[]))
            .await
            .unwrap()
            .is_none()
    );
    // A session's cookie is none, nor the other way round.
    let session = house.log_in("ann").await;
    let swapped = session.replace(COOKIE, REMEMBER);
    assert!(house.resume(&swapped).await.unwrap_err().is_refused());
    assert_eq!(
        house.principal(&cookie.replace(REMEMBER, COOKIE)).await,
        None
    );
    assert_eq!(
        house.list("ann").await.len(),
        2,
        "none of this ended anything"
    );
    assert!(house.resume(&forge(63)).await.unwrap_err().is_theft());
}

#[tokio::test]
async fn who_ends_a_session_forgets_its_browser() {
    let house = House::new();
    let remember = house.remember();
    let (session, cookie) = house.log_in_remembered("ann").await;
    house
        .sessions
        .logout(&house.visitor(&[&session]))
        .await
        .unwrap()
        .apply(&mut HeaderMap::new());
    assert!(
        house.resume(&cookie).await.unwrap_err().is_refused(),
        "logged out"
    );

    let (_, cookie) = house.log_in_remembered("ann").await;
    let id = house.list("ann").await[0].id().to_owned();
    house.sessions.revoke("ann", &id).await.unwrap();
    assert!(
        house.resume(&cookie).await.unwrap_err().is_refused(),
        "revoked"
    );

    // A session that was resumed ends its browser as well.
    let (_, cookie) = house.log_in_remembered("ann").await;
    house.time.advance(DAY);
    let (_, cookie) = house.resume(&cookie).await.unwrap();
    let id = house.list("ann").await[0].id().to_owned();
    house.sessions.revoke("ann", &id).await.unwrap();
    assert!(
        house.resume(&cookie).await.unwrap_err().is_refused(),
        "revoked after that"
    );

    let (session, cookie) = house.log_in_remembered("ann").await;
    let principal = house.principal(&session).await.unwrap();
    house.time.advance(MINUTE);
    house.sessions.revoke_others(&principal).await.unwrap();
    assert!(
        house.resume(&cookie).await.unwrap_err().is_refused(),
        "all others"
    );
    assert!(house.principal(&session).await.is_some());

    // By its own id, from the list.
    let (session, cookie) = house.log_in_remembered("ann").await;
    let browsers = remember.list("ann").await.unwrap();
    assert_eq!(browsers.len(), 1);
    assert_eq!(browsers[0].user_agent(), Some("browser/1.0"));
    assert!(!remember.revoke("bob", browsers[0].id()).await.unwrap());
    assert!(remember.revoke("ann", browsers[0].id()).await.unwrap());
    assert!(
        house.resume(&cookie).await.unwrap_err().is_refused(),
        "forgotten"
    );
    assert!(house.principal(&session).await.is_some());
    assert!(house.heard(EventKind::AuthnTokenReuse).is_empty());
}

#[tokio::test]
async fn the_next_user_of_a_browser_is_not_resumed_as_the_last_one() {
    let house = House::new();
    let (_, cookie) = house.log_in_remembered("ann").await;
    let visitor = house.visitor(&[&cookie]);
    let bob = house.sessions.login(&visitor, &house.proved("bob")).await;
    assert!(house.resume(&cookie).await.unwrap_err().is_refused());
    assert!(house.principal(&cookie_of(&bob.unwrap())).await.is_some());

    // The same user stays remembered.
    let (_, cookie) = house.log_in_remembered("ann").await;
    let visitor = house.visitor(&[&cookie]);
    let _again = house
        .sessions
        .login(&visitor, &house.proved("ann"))
        .await
        .unwrap();
    assert!(house.resume(&cookie).await.is_ok());
}

#[tokio::test]
async fn a_browser_that_stays_remembered_is_forgotten_with_the_next_session() {
    let house = House::new();
    for (name, keeps_session, is_revoked) in [
        ("again, and revoked", true, true),
        ("again, and logged out", true, false),
        ("after a time-out, and revoked", false, true),
        ("after a time-out, and logged out", false, false),
    ] {
        let (session, cookie) = house.log_in_remembered("ann").await;
        // Twice: what was kept is kept again.
        let mut next = session;
        for _ in 0..2 {
            let cookies = if keeps_session {
                vec![&*next, &*cookie]
            } else {
                house.time.advance(HOUR);
                vec![&*cookie]
            };
            next = cookie_of(&house.login(&cookies, "ann").await.unwrap());
        }
        let list = house.list("ann").await;
        assert_eq!(list.len(), 1, "{name}");
        if is_revoked {
            assert!(house.sessions.revoke("ann", list[0].id()).await.unwrap());
        } else {
            let visitor = house.visitor(&[&next]);
            assert!(house.sessions.logout(&visitor).await.unwrap().was_there());
        }
        let error = house.resume(&cookie).await.unwrap_err();
        assert!(error.is_refused() && !error.is_theft(), "{name}");
    }
}

#[tokio::test]
async fn a_session_has_one_remembered_browser() {
    let house = House::new();
    let visitor = house.visitor(&[]);
    let session = house.sessions.login(&visitor, &house.proved("ann")).await;
    let session = house.remember().issue(&visitor, session.unwrap()).await;
    let session = session.unwrap();
    let first = cookie_of(&session);
    // The answer was lost, so the browser does not show the first.
    let session = house.remember().issue(&visitor, session).await.unwrap();
    let second = cookie_of(&session);
    assert_eq!(house.remember().list("ann").await.unwrap().len(), 1);
    assert!(house.resume(&first).await.unwrap_err().is_refused());
    assert!(house.sessions.revoke("ann", &session.id()).await.unwrap());
    assert!(house.resume(&second).await.unwrap_err().is_refused());
}

#[tokio::test]
async fn somebody_else_cannot_be_made_of_a_remembered_browser() {
    let house = House::new();
    let (_, cookie) = house.log_in_remembered("ann").await;
    let visitor = house.visitor(&[&cookie]);
    let remembered = house.remember().recall(&visitor).await.unwrap().unwrap();
    let wrong = remembered.log_in(&visitor, &house.proved("admin")).await;
    assert!(wrong.is_err());
    assert!(house.list("admin").await.is_empty());
    assert!(
        house.resume(&cookie).await.is_ok(),
        "the secret was not used up"
    );
}

#[tokio::test]
async fn the_browsers_of_a_user_are_bounded() {
    let house = House::new();
    let (_, first) = house.log_in_remembered("ann").await;
    for _ in 0..16 {
        house.time.advance(MINUTE);
        house.log_in_remembered("ann").await;
    }
    assert_eq!(house.remember().list("ann").await.unwrap().len(), 16);
    assert!(house.resume(&first).await.unwrap_err().is_refused());
}

#[test]
fn mistakes_are_told() {
    use portcullis::authn::session::ConfigError;
    let remember = || House::new().remember();
    assert_eq!(
        remember().lifetime(Duration::ZERO).unwrap_err(),
        ConfigError::LifetimeZero
    );
    assert_eq!(
        remember().lifetime(401 * DAY).unwrap_err(),
        ConfigError::LifetimeTooLong(401 * DAY)
    );
    assert_eq!(
        remember().grace(2 * MINUTE).unwrap_err(),
        ConfigError::GraceTooLong(2 * MINUTE)
    );
}
