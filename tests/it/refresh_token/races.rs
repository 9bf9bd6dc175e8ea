//! Races of 200 rounds each, on the store in memory, on one that answers later, and on Redis.

use super::*;
use crate::support::redis::Server;
use crate::support::{CountedStore, race};

const ROUNDS: usize = 200;
const RUNNERS: usize = 12;

/// A user of its own for each round, so that rounds share nothing.
fn user(round: usize) -> String {
    format!("user-{round}")
}

async fn together<T, F>(house: &Arc<House>, run: impl Fn(Arc<House>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    race(RUNNERS, |runner| run(Arc::clone(house), runner)).await
}

/// The time stands still: all of it happens within one second.
async fn one_is_served_and_the_family_ends(house: Arc<House>) {
    for round in 0..ROUNDS {
        let token = house.issue(&user(round)).await;
        let found = together(&house, |house: Arc<House>, _| {
            let token = token.clone();
            async move { house.refresh(&token).await }
        })
        .await;
        let served: Vec<_> = found.iter().flatten().collect();
        assert!(served.len() <= 1, "round {round}: {} served", served.len());
        assert_eq!(served.len(), 1, "round {round}: nobody was served");
        let refused = found.iter().filter(|it| it.is_err()).map(outcome);
        for code in refused {
            assert!(
                ["reused", "unknown"].contains(&code),
                "round {round}: {code}"
            );
        }
        assert_eq!(house.outcome(served[0]).await, "unknown", "round {round}");
        assert!(house.tokens.list(&user(round)).await.unwrap().is_empty());
    }
    assert!(house.heard(EventKind::AuthnTokenReuse).len() >= ROUNDS);
}

async fn in_the_grace_all_get_one_successor(house: Arc<House>) {
    for round in 0..ROUNDS {
        let mut token = house.issue(&user(round)).await;
        for _ in 0..2 {
            let found = together(&house, |house: Arc<House>, _| {
                let token = token.clone();
                async move { house.refresh(&token).await.unwrap() }
            })
            .await;
            assert!(
                found.iter().all(|it| it.token() == found[0].token()),
                "round {round}"
            );
            assert_ne!(found[0].token(), token.token());
            token = found[0].clone();
        }
        assert_eq!(house.outcome(&token).await, "ok", "round {round}");
    }
    assert!(house.heard(EventKind::AuthnTokenReuse).is_empty());
}

async fn what_is_revoked_stays_revoked(house: Arc<House>) {
    for round in 0..ROUNDS {
        let user = user(round);
        let token = house.issue(&user).await;
        house.time.advance(Duration::from_millis(1));
        let found = together(&house, |house: Arc<House>, runner| {
            let (token, user) = (token.clone(), user.clone());
            async move {
                let tokens = &house.tokens;
                match (runner, round % 3) {
                    (0, 0) => drop(tokens.revoke(&user, token.family()).await.unwrap()),
                    (0, 1) => drop(tokens.revoke_all(&user).await.unwrap()),
                    (0, _) => {
                        let presented = Presented::new(token.token().expose());
                        tokens.revoke_token(presented).await.unwrap();
                    }
                    (1, _) => return house.refresh(&token).await.ok(),
                    _ => drop(tokens.list(&user).await.unwrap()),
                }
                None
            }
        })
        .await;
        for next in found.into_iter().flatten() {
            assert_eq!(house.outcome(&next).await, "unknown", "round {round}");
        }
        assert_eq!(house.outcome(&token).await, "unknown", "round {round}");
        assert!(house.tokens.list(&user).await.unwrap().is_empty());
    }
}

async fn a_login_under_way_does_not_survive(house: Arc<House>) {
    for round in 0..ROUNDS {
        let grant = house.grant(&user(round));
        house.time.advance(Duration::from_nanos(1));
        let found = together(&house, |house: Arc<House>, runner| {
            let grant = grant.clone();
            async move {
                if runner == RUNNERS / 2 {
                    house.tokens.revoke_all(grant.subject()).await.unwrap();
                    return None;
                }
                house.tokens.issue(grant).await.ok()
            }
        })
        .await;
        for token in found.into_iter().flatten() {
            assert_ne!(house.outcome(&token).await, "ok", "round {round}");
        }
        let left = house.tokens.list(&user(round)).await.unwrap();
        assert!(left.is_empty(), "round {round}");
    }
}

/// Each race on each store.
macro_rules! races {
    ($($race:ident, $grace:expr;)+) => {
        mod memory {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let house = House::with(|builder| builder.grace_for_lost_answers($grace));
                    super::$race(Arc::new(house)).await;
                }
            )+
        }

        mod later {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let store = Store::new(CountedStore::from(MemoryStore::default()));
                    let time = FakeClock::at_unix_seconds(1_700_000_000);
                    let house = House::on(store, time, |builder| {
                        builder.grace_for_lost_answers($grace)
                    });
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
                    let house = House::on(server.store().await, time, |builder| {
                        builder.grace_for_lost_answers($grace)
                    });
                    super::$race(Arc::new(house)).await;
                }
            )+
        }
    };
}

races! {
    one_is_served_and_the_family_ends, Duration::ZERO;
    in_the_grace_all_get_one_successor, MINUTE;
    what_is_revoked_stays_revoked, Duration::ZERO;
    a_login_under_way_does_not_survive, Duration::ZERO;
}
