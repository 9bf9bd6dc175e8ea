//! Races of 200 rounds each, on the store in memory, on one that answers later, and on Redis.

use super::*;
use crate::support::redis::Server;
use portcullis::authn::session::remember::RememberMe;
use portcullis::guard::Rejection;
use portcullis::store::OwnerLimit;
use tokio::task::JoinSet;

const ROUNDS: usize = 200;
const RUNNERS: usize = 12;

/// A user of its own for each round, so that rounds share nothing.
fn user(round: usize) -> String {
    format!("user-{round}")
}

/// Runs all at once, and gives what each found.
async fn together<T, F>(house: &Arc<House>, run: impl Fn(Arc<House>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for runner in 0..RUNNERS {
        let future = run(Arc::clone(house), runner);
        running.spawn(async move {
            tokio::task::yield_now().await;
            future.await
        });
    }
    running.join_all().await
}

async fn no_update_is_lost(house: Arc<House>) {
    for round in 0..ROUNDS {
        let cookie = house.log_in(&user(round)).await;
        let principal = house.principal(&cookie).await.unwrap();
        house.time.advance(MINUTE);
        together(&house, |house: Arc<House>, runner| {
            let (cookie, principal) = (cookie.clone(), principal.clone());
            async move {
                // Every other one is a request, which writes down that there was use.
                if runner % 2 == 0 {
                    house.principal(&cookie).await.unwrap();
                    return;
                }
                let update = house.sessions.update(&principal, |values| {
                    let count = values.get("count").and_then(serde_json::Value::as_u64);
                    values.insert("count".to_owned(), (count.unwrap_or_default() + 1).into());
                });
                update.await.unwrap();
            }
        })
        .await;
        let session = house.sessions.current(&principal).await.unwrap();
        assert_eq!(session.values()["count"], RUNNERS / 2, "round {round}");
    }
}

async fn what_is_revoked_stays_revoked(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let cookie = house.log_in(&user).await;
        let principal = house.principal(&cookie).await.unwrap();
        house.time.advance(MINUTE);
        let found = together(&house, |house: Arc<House>, runner| {
            let (cookie, principal) = (cookie.clone(), principal.clone());
            async move {
                let id = principal.authentication().credential().unwrap();
                let sessions = &house.sessions;
                match runner {
                    0 if round % 3 == 0 => {
                        return sessions.revoke(principal.id(), id).await.unwrap();
                    }
                    0 if round % 3 == 1 => {
                        return sessions.revoke_all(principal.id()).await.unwrap() == 1;
                    }
                    0 => {
                        let visitor = house.visitor(&[&cookie]);
                        return sessions.logout(&visitor).await.unwrap().was_there();
                    }
                    1..4 => drop(house.principal(&cookie).await),
                    _ => drop(sessions.update(&principal, |_| {}).await),
                }
                false
            }
        });
        let ended = found.await.iter().filter(|ended| **ended).count();
        assert_eq!(ended, 1, "round {round}");
        assert!(house.list(&user).await.is_empty(), "round {round}");
        assert_eq!(house.principal(&cookie).await, None, "round {round}");
        assert!(
            house.sessions.current(&principal).await.is_err(),
            "round {round}"
        );
    }
}

async fn one_renewal_wins_and_the_old_secret_is_dead(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let cookie = house.log_in(&user).await;
        house.time.advance(MINUTE);
        let found = together(&house, |house: Arc<House>, runner| {
            let (cookie, user) = (cookie.clone(), user.clone());
            async move {
                if runner % 3 == 0 {
                    drop(house.principal(&cookie).await);
                    return None;
                }
                let visitor = house.visitor(&[&cookie]);
                let renewed = house.sessions.renew(&visitor, &house.proved(&user)).await;
                match renewed {
                    Ok(session) => Some(cookie_of(&session)),
                    Err(error) => {
                        assert!(error.is_refused(), "{error}");
                        None
                    }
                }
            }
        });
        let won: Vec<_> = found.await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(house.principal(&cookie).await, None, "round {round}");
        assert!(house.principal(&won[0]).await.is_some(), "round {round}");
        assert_eq!(house.list(&user).await.len(), 1, "round {round}");
    }
}

async fn a_login_under_way_does_not_survive(house: Arc<House>) {
    for round in 0..ROUNDS {
        let proved = house.proved(&user(round));
        house.time.advance(Duration::from_millis(1));
        let found = together(&house, |house: Arc<House>, runner| {
            let proved = proved.clone();
            async move {
                if runner == RUNNERS / 2 {
                    house.sessions.revoke_all(proved.id()).await.unwrap();
                    return None;
                }
                let login = house.sessions.login(&house.visitor(&[]), &proved).await;
                login.ok().map(|session| cookie_of(&session))
            }
        });
        for cookie in found.await.into_iter().flatten() {
            assert_eq!(house.principal(&cookie).await, None, "round {round}");
        }
        assert!(house.list(proved.id()).await.is_empty(), "round {round}");
    }
}

async fn the_limit_holds(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let found = together(&house, |house: Arc<House>, _| {
            let user = user.clone();
            async move {
                let login = house.login(&[], &user);
                login.await.ok().map(|session| cookie_of(&session))
            }
        });
        let cookies: Vec<_> = found.await.into_iter().flatten().collect();
        assert_eq!(house.list(&user).await.len(), 3, "round {round}");
        let mut alive = 0;
        for cookie in &cookies {
            alive += usize::from(house.principal(cookie).await.is_some());
        }
        assert_eq!(alive, 3, "round {round}");
    }
}

async fn one_tab_is_resumed(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let visitor = house.visitor(&[]);
        let remember = RememberMe::new(house.sessions.clone());
        let session = house.sessions.login(&visitor, &house.proved(&user)).await;
        let session = remember.issue(&visitor, session.unwrap()).await.unwrap();
        let cookie = cookie_of(&session);
        house.time.advance(HOUR);
        let found = together(&house, |house: Arc<House>, _| {
            let (cookie, remember) = (cookie.clone(), remember.clone());
            async move {
                let visitor = house.visitor(&[&cookie]);
                let remembered = match remember.recall(&visitor).await {
                    Ok(remembered) => remembered.unwrap(),
                    Err(error) => return Err(error),
                };
                let principal = Principal::new(remembered.user(), remembered.authentication());
                remembered.log_in(&visitor, &principal).await
            }
        });
        let (mut won, mut lost) = (Vec::new(), 0);
        for found in found.await {
            match found {
                Ok(session) => won.push(cookie_of(&session)),
                Err(error) => {
                    assert_eq!(Rejection::from(error).code(), "remember_me_used", "{round}");
                    lost += 1;
                }
            }
        }
        assert_eq!((won.len(), lost), (1, RUNNERS - 1), "round {round}");
        let is_alive = |session: &&Session| session.created() == house.time.clock().now();
        let alive = house.list(&user).await;
        assert_eq!(alive.iter().filter(is_alive).count(), 1, "round {round}");

        // Replayed by many at once when the grace is over: everything ends, and it is told.
        house.time.advance(MINUTE);
        let found = together(&house, |house: Arc<House>, _| {
            let (cookie, remember) = (cookie.clone(), remember.clone());
            async move { remember.recall(&house.visitor(&[&cookie])).await }
        });
        let found = found.await;
        assert!(found.iter().all(Result::is_err), "round {round}");
        let thefts = found.iter().flat_map(|found| found.as_ref().err());
        assert!(
            thefts.filter(|error| error.is_theft()).count() >= 1,
            "round {round}"
        );
        assert!(house.list(&user).await.is_empty(), "round {round}");
        let next = remember.recall(&house.visitor(&[&won[0]])).await;
        assert!(next.unwrap_err().is_refused(), "round {round}");
    }
    assert!(!house.heard(EventKind::AuthnTokenReuse).is_empty());
}

/// A browser sends with its old cookie while one of its requests gets the next.
async fn no_answer_takes_the_next_cookie_away(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let old = house.log_in(&user).await;
        let found = together(&house, |house: Arc<House>, runner| {
            let (old, user) = (old.clone(), user.clone());
            async move {
                let (visitor, proved) = (house.visitor(&[&old]), house.proved(&user));
                let sessions = &house.sessions;
                let replaced = match runner {
                    0 if round % 2 == 0 => sessions.login(&visitor, &proved).await,
                    0 | 1 if round % 2 == 1 => sessions.renew(&visitor, &proved).await,
                    2 if round % 2 == 0 => match sessions.renew(&visitor, &proved).await {
                        // Renewed first, and ended or left alone by the login.
                        Ok(_) => return Ok(None),
                        Err(error) => Err(error),
                    },
                    _ => {
                        let answer = house.send(&[old.as_bytes()]).await;
                        return if answer.cleared().is_empty() {
                            Ok(None)
                        } else {
                            Err(())
                        };
                    }
                };
                match replaced {
                    Ok(session) => Ok(Some(cookie_of(&session))),
                    Err(error) => {
                        let rejection = Rejection::from(error);
                        let clears = rejection.headers().contains_key(header::SET_COOKIE);
                        if clears { Err(()) } else { Ok(None) }
                    }
                }
            }
        });
        let found = found.await;
        assert!(found.iter().all(Result::is_ok), "round {round}");
        let next: Vec<_> = found.into_iter().flatten().flatten().collect();
        assert_eq!(next.len(), 1, "round {round}");
        assert!(house.principal(&next[0]).await.is_some(), "round {round}");
    }
}

/// Whoever ends all that is listed ends what sessions are resumed from.
async fn a_browser_is_forgotten_with_its_sessions(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let visitor = house.visitor(&[]);
        let remember = RememberMe::new(house.sessions.clone());
        let session = house.sessions.login(&visitor, &house.proved(&user)).await;
        let session = remember.issue(&visitor, session.unwrap()).await.unwrap();
        let cookies: Vec<_> = session.set_cookies().map(pair).collect();
        let found = together(&house, |house: Arc<House>, runner| {
            let (cookies, user, remember) = (cookies.clone(), user.clone(), remember.clone());
            async move {
                let visitor = house.visitor(&[&cookies[0], &cookies[1]]);
                if runner == 0 && round % 2 == 0 {
                    let remembered = remember.recall(&visitor).await.ok()??;
                    let principal = Principal::new(remembered.user(), remembered.authentication());
                    let session = remembered.log_in(&visitor, &principal).await.ok()?;
                    return Some(cookie_of(&session));
                }
                if runner < 3 {
                    let proved = house.proved(&user);
                    drop(house.sessions.login(&visitor, &proved).await.unwrap());
                } else {
                    house.principal(&cookies[0]).await;
                }
                None
            }
        });
        let mut remembered: Vec<_> = found.await.into_iter().flatten().collect();
        remembered.push(cookies[1].clone());
        for session in house.list(&user).await {
            house.sessions.revoke(&user, session.id()).await.unwrap();
        }
        for cookie in &remembered {
            let recalled = remember.recall(&house.visitor(&[cookie])).await;
            assert!(recalled.unwrap_err().is_refused(), "round {round}");
        }
    }
}

fn three(builder: SessionsBuilder, round: &str) -> SessionsBuilder {
    builder.limit(match round {
        "evict" => OwnerLimit::evict_above(3),
        _ => OwnerLimit::refuse_above(3),
    })
}

/// Each race on each store.
macro_rules! races {
    ($($race:ident;)+) => {
        mod memory {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let house = House::with(|builder| builder);
                    super::$race(Arc::new(house)).await;
                }
            )+
        }

        mod later {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let time = FakeClock::at_unix_seconds(1_700_000_000);
                    let backend = super::super::failing::Backend::new(time.clock());
                    backend.set(super::super::failing::Mode::Later);
                    let house = House::on(backend.store(), time, |builder| builder);
                    super::$race(Arc::new(house)).await;
                }
            )+
        }

        mod redis {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let server = Server::start().await;
                    let time = FakeClock::at_unix_seconds(1_700_000_000);
                    let house = House::on(server.store().await, time, |builder| builder);
                    super::$race(Arc::new(house)).await;
                }
            )+
        }
    };
}

races! {
    no_update_is_lost;
    what_is_revoked_stays_revoked;
    one_renewal_wins_and_the_old_secret_is_dead;
    a_login_under_way_does_not_survive;
    one_tab_is_resumed;
    no_answer_takes_the_next_cookie_away;
    a_browser_is_forgotten_with_its_sessions;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_in_memory() {
    for limit in ["evict", "refuse"] {
        the_limit_holds(Arc::new(House::with(|builder| three(builder, limit)))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_on_redis() {
    for limit in ["evict", "refuse"] {
        let server = Server::start().await;
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let house = House::on(server.store().await, time, |builder| three(builder, limit));
        the_limit_holds(Arc::new(house)).await;
    }
}
