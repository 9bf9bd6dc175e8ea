//! What accounts never have and nobody can do to them.

use super::*;
use portcullis::principal::{Authentication, Principal};
use portcullis::store::Collection;
use serde_json::Value;
use std::collections::BTreeSet;

const ACCOUNTS: Collection = Collection::new("account");
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// All that is kept of an account.
async fn stored(house: &House, id: &str) -> Value {
    let records = Records::new(house.records.clone());
    let record = records.get(ACCOUNTS, id).await.unwrap().unwrap();
    serde_json::from_slice(record.value()).unwrap()
}

/// ASVS 5.0 6.2.10.
#[tokio::test]
async fn a_password_is_good_until_it_is_changed() {
    let house = House::new();
    let id = house.registered(ANN).await;
    let before = stored(&house, &id).await;
    for year in 1..=30 {
        house.time.advance(YEAR);
        assert!(house.logs_in(ANN, PASSWORD).await, "year {year}");
    }
    assert_eq!(stored(&house, &id).await, before);
    assert_eq!(
        house.post.take().await,
        [],
        "nor is anybody told to change it"
    );
}

/// ASVS 5.0 6.3.2.
#[tokio::test]
async fn there_are_no_default_accounts() {
    let house = House::new();
    let mut number = 0;
    for name in [
        "root",
        "admin",
        "administrator",
        "sa",
        "guest",
        "test",
        "user",
    ] {
        for host in ["", "@localhost", "@example.com", "@nowhere.invalid"] {
            for password in ["", name, "password", "changeme", "admin"] {
                let email = format!("{name}{host}");
                let password = secret(password);
                number += 1;
                let found = house
                    .login
                    .check(&email, &password, client(number), None)
                    .await;
                assert!(found.is_err(), "{email}");
                house.time.advance(Duration::from_secs(60));
            }
        }
    }
    let all = house.accounts.list(None, 10).await.unwrap();
    assert!(all.is_empty(), "nobody is there who did not register");
}

/// ASVS 5.0 6.4.2.
#[tokio::test]
async fn an_account_has_no_hint_and_no_question() {
    let house = House::new();
    let id = house.registered(ANN).await;
    let stored = stored(&house, &id).await;
    let members: BTreeSet<_> = stored
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let known = BTreeSet::from([
        "email",
        "password",
        "is_verified",
        "is_disabled",
        "pending",
        "data",
        "others",
    ]);
    assert!(members.is_subset(&known), "{members:?}");
    assert!(members.contains("password"));
    // A lost password is made up for by a link to the address, and by nothing else.
    house.life.request_reset(ANN).await.unwrap();
    let token = house.post.link(purpose::RESET_PASSWORD, ANN).await;
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let wrong = format!("{}{last}", &token[..token.len() - 1]);
    for guess in ["", "blue", "Rex", ANN, &id, &wrong] {
        let refused = house
            .life
            .reset_password(guess, &secret(NEW), client(1))
            .await;
        assert!(refused.is_err(), "{guess}");
    }
}

/// ASVS 5.0 6.4.6.
#[tokio::test]
async fn an_administrator_begins_a_reset_and_chooses_no_password() {
    let house = House::new();
    let id = house.registered(ANN).await;
    // All that comes back to whoever asks.
    let () = house.life.request_reset(ANN).await.unwrap();
    let token = house.post.link(purpose::RESET_PASSWORD, ANN).await;
    // Until the user has the link, all is as it was.
    assert!(house.logs_in(ANN, PASSWORD).await);
    let events = format!("{:?}", house.events.snapshot());
    assert!(!events.contains(&token), "nor does the log tell the link");
    let done = house
        .life
        .reset_password(&token, &secret(NEW), client(1))
        .await;
    assert_eq!(done.unwrap().user(), id);
    // And the old password is asked of an administrator, too.
    let admin = Principal::new(&*id, Authentication::new(house.time.clock().now()));
    let (wrong, chosen) = (secret(WRONG), secret(PASSWORD));
    let set = house
        .life
        .change_password(&admin, client(2), &wrong, &chosen);
    assert!(set.await.is_err());
}
