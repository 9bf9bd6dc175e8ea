//! Many at once.

use super::*;
use crate::support::race;
use std::sync::Arc;

const ROUNDS: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_register_an_address_one_account_comes() {
    let house = Arc::new(House::new());
    for round in 0..ROUNDS {
        let email = format!("user-{round}@example.com");
        let hash = PasswordHash::from("$argon2id$x");
        let found = race(8, |_| {
            let (house, email, hash) = (house.clone(), email.clone(), hash.clone());
            async move {
                let email = Email::parse(&email).unwrap();
                let account = Account::new(email, &Random::secure()).with_password(hash);
                matches!(
                    house.accounts.insert(&account).await.unwrap(),
                    Written::Done(_)
                )
            }
        })
        .await;
        let made = found.into_iter().filter(|is_made| *is_made).count();
        assert_eq!(made, 1, "round {round}");
    }
    assert_eq!(house.accounts.list(None, 1_000).await.unwrap().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_old_password_comes_back_by_a_hash_that_was_made_anew() {
    // Every login finds a hash that is weaker than new ones, and replaces it.
    let weak = PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap();
    let new = PasswordHash::from("the new one");
    let stronger = Parameters::insecure_fast_for_tests();
    let house = Arc::new(House::with(
        PasswordScheme::new(Never(Argon2id::new(stronger))),
        |outbox| outbox,
    ));
    for round in 0..ROUNDS {
        let email = format!("user-{round}@example.com");
        let hash = weak.clone();
        let account = house
            .put(&email, |account| {
                account.with_password(hash).with_verified_email()
            })
            .await;
        let found = race(4, |runner| {
            let (house, email, new, id) = (
                house.clone(),
                email.clone(),
                new.clone(),
                account.id().to_owned(),
            );
            async move {
                if runner > 0 {
                    let from = client(4 * round + u32::try_from(runner).unwrap());
                    let password = secret(PASSWORD);
                    let login = house.login.check(&email, &password, from, None);
                    return login.await.is_ok();
                }
                // A change of the password, which tries again until it is done.
                loop {
                    let old = house.accounts.get(&id).await.unwrap().unwrap();
                    let changed = old.clone().with_password(new.clone());
                    let written = house.accounts.replace(&old, &changed).await;
                    if let Written::Done(_) = written.unwrap() {
                        return true;
                    }
                }
            }
        })
        .await;
        assert!(found.contains(&true), "round {round}");
        let now = house.accounts.get(account.id()).await.unwrap().unwrap();
        assert_eq!(now.parts().password, Some(new.clone()), "round {round}");
    }
}

/// Thinks of every hash that it is too weak.
#[derive(Clone, Debug)]
struct Never(Argon2id);

impl PasswordVerifier for Never {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        self.0.cost(hash)
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        self.0.verify(hash, password)
    }
}

impl PasswordHasher for Never {
    fn hash_cost(&self) -> Cost {
        self.0.hash_cost()
    }

    fn hash(&self, password: &[u8]) -> Result<PasswordHash, HashError> {
        self.0.hash(password)
    }

    fn is_current(&self, _hash: &PasswordHash) -> bool {
        false
    }

    fn burn(&self, password: &[u8], work_kib: u64) -> Result<(), HashError> {
        self.0.burn(password, work_kib)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_of_a_password_one_is_made_and_the_others_are_told_so() {
    let house = Arc::new(House::new());
    let hash = PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap();
    for round in 0..ROUNDS {
        let email = format!("user-{round}@example.com");
        let hash = hash.clone();
        let account = house
            .put(&email, |account| {
                account.with_password(hash).with_verified_email()
            })
            .await;
        let proof = portcullis::principal::Authentication::new(house.time.clock().now());
        let principal = portcullis::principal::Principal::new(account.id(), proof);
        let found = race(3, |_| {
            let (house, principal) = (house.clone(), principal.clone());
            async move {
                let (old, new) = (secret(PASSWORD), secret(NEW));
                let from = client(3 * round);
                let change = house.life.change_password(&principal, from, &old, &new);
                change.await.err()
            }
        })
        .await;
        assert_eq!(
            found.iter().flatten().count(),
            2,
            "round {round}: {found:?}"
        );
        for error in found.into_iter().flatten() {
            let rejection = Rejection::from(error);
            let told = (rejection.status().as_u16(), rejection.code().to_owned());
            let expected = [
                (409, "password_changed_meanwhile"),
                (401, "wrong_credentials"),
            ];
            assert!(
                expected.contains(&(told.0, &*told.1)),
                "round {round}: {told:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_bring_one_link_one_sets_the_password() {
    let house = Arc::new(House::new());
    let hash = PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap();
    for round in 0..ROUNDS {
        let email = format!("user-{round}@example.com");
        let with = |account: Account| account.with_password(hash.clone()).with_verified_email();
        house.put(&email, with).await;
        house.life.request_reset(&email).await.unwrap();
        let token = loop {
            let sent = std::mem::take(&mut *house.post.0.lock().unwrap());
            let link = sent
                .into_iter()
                .find_map(|(what, _, token)| token.filter(|_| what == purpose::RESET_PASSWORD));
            match link {
                Some(token) => break token,
                None => tokio::task::yield_now().await,
            }
        };
        let found = race(8, |runner| {
            let (house, token) = (house.clone(), token.clone());
            async move {
                let new = secret(&format!("purple bicycles drift {runner}"));
                let reset = house.life.reset_password(&token, &new, client(1));
                reset.await.is_ok().then_some(runner)
            }
        })
        .await;
        let winners: Vec<_> = found.into_iter().flatten().collect();
        let [winner] = winners[..] else {
            panic!("round {round}: {winners:?}");
        };
        let password = format!("purple bicycles drift {winner}");
        assert!(house.logs_in(&email, &password).await, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_outlives_the_end_of_its_account() {
    let house = Arc::new(House::new());
    let hash = PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap();
    for round in 0..ROUNDS {
        let email = format!("user-{round}@example.com");
        let with = |account: Account| account.with_password(hash.clone()).with_verified_email();
        let account = house.put(&email, with).await;
        let found = race(4, |runner| {
            let (house, email, id) = (house.clone(), email.clone(), account.id().to_owned());
            async move {
                if runner == 0 {
                    house.life.disable(&id).await.unwrap();
                    return None;
                }
                let from = client(4 * round + u32::try_from(runner).unwrap());
                let password = secret(PASSWORD);
                let login = house.login.check(&email, &password, from, None).await;
                house.session(&login.ok()?).await
            }
        })
        .await;
        for cookie in found.into_iter().flatten() {
            assert!(house.who(&cookie).await.is_none(), "round {round}");
        }
        assert!(house.sessions.list(account.id()).await.unwrap().is_empty());
    }
}
