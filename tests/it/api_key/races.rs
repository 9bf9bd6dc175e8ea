//! Races of 200 rounds each, in memory; and of fewer on SQLite, where each waits for the disk.

use super::*;
use crate::secure_api::service::sqlite::SqliteRecords;
use tokio::task::JoinSet;

const ROUNDS: usize = 200;
const RUNNERS: usize = 8;

struct Race {
    time: FakeClock,
    records: Records,
    keys: ApiKeys,
}

impl Race {
    fn on(records: Records) -> Arc<Self> {
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let keys = ApiKeys::new(records.clone(), "acme").unwrap();
        let keys = keys.clock(time.clock()).max_per_owner(3).unwrap();
        Arc::new(Self {
            time,
            records,
            keys,
        })
    }

    fn person(&self, round: usize) -> Principal {
        let login = Authentication::new(self.time.clock().now());
        Principal::new(format!("user-{round}"), login)
    }

    async fn is_good(&self, text: &str) -> bool {
        let service = ServiceBuilder::new()
            .layer(AuthenticateLayer::new(self.keys.clone()))
            .service(Spy::default());
        let request = Request::get("/").header("x-api-key", text).body(());
        let response = service.oneshot(request.unwrap()).await.unwrap();
        response.status() == StatusCode::OK
    }
}

async fn together<T, F>(race: &Arc<Race>, run: impl Fn(Arc<Race>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for runner in 0..RUNNERS {
        let future = run(Arc::clone(race), runner);
        running.spawn(async move {
            tokio::task::yield_now().await;
            future.await
        });
    }
    running.join_all().await
}

async fn the_limit_holds(race: Arc<Race>, rounds: usize) {
    for round in 0..rounds {
        let made = together(&race, |race: Arc<Race>, _| async move {
            let asked = NewApiKey::new("x");
            race.keys.create(&race.person(round), &asked).await.is_ok()
        });
        let made = made.await.iter().filter(|made| **made).count();
        assert_eq!(made, 3, "round {round}");
        let listed = race.keys.list(race.person(round).id()).await.unwrap();
        assert_eq!(listed.len(), 3, "round {round}");
    }
}

async fn one_rotation_wins(race: Arc<Race>, rounds: usize) {
    for round in 0..rounds {
        let person = race.person(round);
        let old = race
            .keys
            .create(&person, &NewApiKey::new("x"))
            .await
            .unwrap();
        let id = old.key().id().to_owned();
        let found = together(&race, |race: Arc<Race>, _| {
            let (id, person) = (id.clone(), person.clone());
            async move { race.keys.rotate(&person, &id, Duration::ZERO).await }
        });
        let won: Vec<_> = found.await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert!(!race.is_good(old.text().expose()).await, "round {round}");
        assert!(race.is_good(won[0].text().expose()).await, "round {round}");
        assert_eq!(race.keys.list(person.id()).await.unwrap().len(), 2);
    }
}

/// Noting that a key was used must not bring it back.
async fn what_is_revoked_stays_revoked(race: Arc<Race>, rounds: usize) {
    for round in 0..rounds {
        let person = race.person(round);
        let key = race
            .keys
            .create(&person, &NewApiKey::new("x"))
            .await
            .unwrap();
        let (id, text) = (key.key().id().to_owned(), key.text().expose().to_owned());
        race.time.advance(10 * MINUTE);
        let revoked = together(&race, |race: Arc<Race>, runner| {
            let (id, text, person) = (id.clone(), text.clone(), person.clone());
            async move {
                match runner {
                    0 => race.keys.revoke(person.id(), &id).await.unwrap(),
                    1 => {
                        let _maybe = race.keys.rotate(&person, &id, DAY).await;
                        false
                    }
                    _ => {
                        race.is_good(&text).await;
                        false
                    }
                }
            }
        });
        assert!(revoked.await.contains(&true), "round {round}");
        assert!(!race.is_good(&text).await, "round {round}");
        let record = race.records.get(KEYS, &id).await.unwrap();
        assert!(record.is_none(), "round {round}");
    }
}

/// Whoever holds the key tries to get another out of it while its owner revokes it.
async fn nothing_outlives_a_revoked_key(race: Arc<Race>, rounds: usize) {
    for round in 0..rounds {
        let person = race.person(round);
        let asked = NewApiKey::new("x");
        let key = race.keys.create(&person, &asked).await.unwrap();
        let id = key.key().id().to_owned();
        let made = together(&race, |race: Arc<Race>, runner| {
            let (id, person, asked) = (id.clone(), person.clone(), asked.clone());
            async move {
                let now = race.time.clock().now();
                let by = |id: &str| {
                    let proof = Authentication::new(now).with_credential(id);
                    Principal::new(person.id(), proof)
                };
                if runner == 0 {
                    assert!(race.keys.revoke(person.id(), &id).await.unwrap());
                    return Vec::new();
                }
                let mut made = Vec::new();
                if runner < 4 {
                    made.extend(race.keys.create(&by(&id), &asked).await.ok());
                    return made;
                }
                let mut id = id;
                for _ in 0..20 {
                    let next = race.keys.rotate(&by(&id), &id, Duration::ZERO).await;
                    let Ok(next) = next else { break };
                    id = next.key().id().to_owned();
                    made.push(next);
                }
                made
            }
        });
        for key in made.await.into_iter().flatten() {
            let is_good = race.is_good(key.text().expose()).await;
            assert!(!is_good, "round {round}");
        }
        assert!(!race.is_good(key.text().expose()).await, "round {round}");
        let listed = race.keys.list(person.id()).await.unwrap();
        assert!(listed.is_empty(), "round {round}");
    }
}

/// Each race on each kind of records.
macro_rules! races {
    ($($race:ident;)+) => {
        mod memory {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    super::$race(Race::on(Records::memory()), ROUNDS).await;
                }
            )+
        }

        mod sqlite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $race() {
                    let folder = tempfile::tempdir().unwrap();
                    let file = folder.path().join("file.db");
                    let records = Records::new(SqliteRecords::open(file).await.unwrap());
                    super::$race(Race::on(records), ROUNDS / 10).await;
                }
            )+
        }
    };
}

races! {
    the_limit_holds;
    one_rotation_wins;
    what_is_revoked_stays_revoked;
    nothing_outlives_a_revoked_key;
}
