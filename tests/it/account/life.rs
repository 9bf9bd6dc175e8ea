//! Registration, verification, passwords and addresses.

use super::*;
use portcullis::authn::account::EmailChange;
use portcullis::principal::Principal;

async fn register(house: &House, email: &str, password: &str) {
    let data = format!("as {password}").into();
    let done = house.life.register(email, &secret(password), data).await;
    done.unwrap();
}

#[tokio::test]
async fn an_address_counts_once_its_link_came_back() {
    let house = House::new();
    register(&house, " Ann@Example.com", PASSWORD).await;
    assert!(!house.logs_in(ANN, PASSWORD).await, "not verified");
    let token = house.post.link(purpose::VERIFY_EMAIL, ANN).await;
    house.life.request_reset(ANN).await.unwrap();
    assert_eq!(house.post.take().await, [], "nor reset");

    house.verify(&token, PASSWORD).await.unwrap();
    house.time.advance(Duration::from_secs(60));
    assert!(house.logs_in(ANN, PASSWORD).await);
    let again = house.verify(&token, PASSWORD).await.unwrap_err();
    assert_eq!(Rejection::from(again).code(), "wrong_code");
}

#[tokio::test]
async fn nobody_learns_by_registering_who_has_an_account() {
    let house = House::new();
    house.registered(ANN).await;
    let disabled = house.registered("disabled@example.com").await;
    house.life.disable(&disabled).await.unwrap();
    register(&house, "unverified@example.com", PASSWORD).await;
    let _settled = house.post.take().await;
    let mut trips = Vec::new();
    for (email, expected) in [
        ("new@example.com", Some(purpose::VERIFY_EMAIL)),
        (ANN, Some(purpose::ALREADY_REGISTERED)),
        ("unverified@example.com", Some(purpose::VERIFY_EMAIL)),
        ("disabled@example.com", None),
    ] {
        house.records.trips();
        house.store.trips();
        register(&house, email, NEW).await;
        trips.push((house.records.trips(), house.store.trips()));
        let sent = house.post.take().await;
        let sent: Vec<_> = sent.iter().map(|(what, to, _)| (*what, &**to)).collect();
        let expected: Vec<_> = expected.into_iter().map(|what| (what, email)).collect();
        assert_eq!(sent, expected, "{email}");
    }
    assert!(trips.windows(2).all(|two| two[0] == two[1]), "{trips:?}");
    assert!(house.logs_in(ANN, PASSWORD).await, "its password stays");
    assert!(!house.logs_in(ANN, NEW).await);
}

/// Before the owner or after, by whatever link: only with the password of the same registration
/// is an address verified, and then with that password alone.
#[tokio::test]
async fn who_registers_anothers_address_does_not_get_in_by_the_owners_link() {
    for (name, first, second) in [
        ("a stranger came first", WRONG, PASSWORD),
        ("a stranger came after", PASSWORD, WRONG),
    ] {
        let house = House::new();
        register(&house, ANN, first).await;
        let dead = house.post.link(purpose::VERIFY_EMAIL, ANN).await;
        register(&house, ANN, second).await;
        let link = house.post.link(purpose::VERIFY_EMAIL, ANN).await;
        let error = house.verify(&dead, PASSWORD).await.unwrap_err();
        assert!(matches!(error, AccountError::Link(_)), "{name}: {error:?}");
        let error = house.verify(&link, NEW).await.unwrap_err();
        assert_eq!(Rejection::from(error).code(), "wrong_credentials", "{name}");
        assert!(!house.logs_in(ANN, WRONG).await, "{name}");

        let id = house.verify(&link, PASSWORD).await.unwrap();
        house.time.advance(Duration::from_secs(60));
        let logged_in = house.check(ANN, PASSWORD).await.unwrap();
        assert_eq!(logged_in.account().id(), id, "{name}");
        let data = format!("as {PASSWORD}");
        assert_eq!(logged_in.account().data(), &data, "{name}: their own");
        assert!(!house.logs_in(ANN, WRONG).await, "{name}");
        house.verify(&link, WRONG).await.unwrap_err();
    }
}

#[tokio::test]
async fn nobody_keeps_the_owner_of_an_address_from_registering() {
    let house = House::new();
    for _ in 0..6 {
        register(&house, ANN, WRONG).await;
    }
    register(&house, ANN, PASSWORD).await;
    register(&house, ANN, NEW).await;
    let sent = house.post.take().await;
    assert_eq!(sent.len(), 5, "no more is sent within an hour");
    // The last one that was, whoever asked for it.
    let link = sent.last().unwrap().2.clone().unwrap();
    house.verify(&link, PASSWORD).await.unwrap();
    house.time.advance(Duration::from_secs(60));
    assert!(house.logs_in(ANN, PASSWORD).await);
    for other in [WRONG, NEW] {
        assert!(!house.logs_in(ANN, other).await);
    }
}

#[tokio::test]
async fn registrations_that_wait_are_few() {
    let house = House::new();
    for number in 0..40 {
        let password = format!("{number} purple lanterns drift");
        register(&house, ANN, &password).await;
    }
    let found = house.accounts.list(None, 9).await.unwrap();
    assert_eq!(found.len(), 1);
    let kept = serde_json::to_value(found[0].parts()).unwrap();
    assert_eq!(kept["others"].as_array().unwrap().len(), 7);
    let sent = house.post.take().await;
    let link = sent.last().unwrap().2.clone().unwrap();
    house
        .verify(&link, "31 purple lanterns drift")
        .await
        .unwrap_err();
    house.time.advance(Duration::from_secs(60));
    house
        .verify(&link, "32 purple lanterns drift")
        .await
        .unwrap();
    let verified = house.accounts.list(None, 9).await.unwrap();
    let kept = serde_json::to_value(verified[0].parts()).unwrap();
    assert!(kept.get("others").is_none());
}

#[tokio::test]
async fn bad_addresses_and_passwords_are_refused_before_anything_is_looked_up() {
    let house = House::new();
    for (email, password, pointer) in [
        ("no address", PASSWORD, "/email"),
        (ANN, "short", "/password"),
        (ANN, "ann.example.com.ann", "/password"),
    ] {
        house.records.trips();
        let data = serde_json::Value::Null;
        let error = house.life.register(email, &secret(password), data).await;
        let rejection = Rejection::from(error.unwrap_err());
        assert_eq!(rejection.status(), 422);
        assert_eq!(rejection.errors()[0].pointer, pointer);
        assert!(house.records.trips().is_empty());
    }
}

#[tokio::test]
async fn nobody_fills_a_mailbox() {
    let house = House::new();
    for _ in 0..20 {
        register(&house, "victim@example.com", PASSWORD).await;
    }
    assert_eq!(house.post.take().await.len(), 5);
    let (_, [here, _]) = two_browsers(&house).await;
    let ann = house.who(&here).await.unwrap();
    let mut refused = 0;
    for number in 0..20 {
        let (new, password) = (format!("victim-{number}@example.com"), secret(PASSWORD));
        let asked = house
            .life
            .request_email_change(&ann, client(1), &password, &new);
        refused += u32::from(matches!(asked.await, Err(AccountError::Link(_))));
    }
    assert_eq!(refused, 15);
    assert_eq!(house.post.take().await.len(), 10, "five to each end");
}

/// Two browsers of Ann, and a key.
async fn two_browsers(house: &House) -> (String, [String; 2]) {
    let id = house.registered(ANN).await;
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let logged_in = house.check(ANN, PASSWORD).await.unwrap();
        cookies.push(house.session(&logged_in).await.unwrap());
    }
    let principal = house.check(ANN, PASSWORD).await.unwrap().principal();
    let key = portcullis::authn::api_key::NewApiKey::new("key");
    let _key = house.keys.create(&principal, &key).await.unwrap();
    house.recovery.generate(&id).await.unwrap();
    house.time.advance(Duration::from_secs(1));
    (id, cookies.try_into().unwrap())
}

#[tokio::test]
async fn a_password_is_changed_by_the_old_one_and_other_logins_end() {
    let house = House::new();
    let (id, [here, there]) = two_browsers(&house).await;
    let ann = house.who(&here).await.unwrap();
    let change = |old: &'static str, new: &'static str| {
        let (life, ann) = (house.life.clone(), ann.clone());
        async move {
            let (old, new) = (secret(old), secret(new));
            life.change_password(&ann, client(1), &old, &new).await
        }
    };
    let refused = change(WRONG, NEW).await.unwrap_err();
    assert_eq!(Rejection::from(refused).code(), "wrong_credentials");
    let weak = change(PASSWORD, "short").await.unwrap_err();
    assert_eq!(Rejection::from(weak).status(), 422);
    assert!(house.who(&there).await.is_some(), "nothing has happened");
    let failed = EventKind::AuthnPasswordChangeFail;
    assert_eq!(house.told(failed, "wrong_password"), 1);

    change(PASSWORD, NEW).await.unwrap();
    assert!(house.who(&here).await.is_some());
    assert!(house.who(&there).await.is_none());
    house.time.advance(Duration::from_secs(1));
    assert!(!house.logs_in(ANN, PASSWORD).await);
    assert!(house.logs_in(ANN, NEW).await);
    assert_eq!(house.keys.list(&id).await.unwrap().len(), 1, "keys stay");
    assert_eq!(
        house.recovery.remaining(&id).await.unwrap(),
        10,
        "factors stay"
    );
    let sent = house.post.names().await;
    assert_eq!(sent, [("account-password-changed", ANN.to_owned())]);
    let changed = EventKind::AuthnPasswordChange;
    assert_eq!(house.told(changed, "password_changed"), 1);
}

#[tokio::test]
async fn who_has_found_an_open_session_cannot_guess_the_old_password() {
    let house = House::new();
    let (_, [here, _]) = two_browsers(&house).await;
    let ann = house.who(&here).await.unwrap();
    let mut guesses = 0;
    for _ in 0..100 {
        let (wrong, new) = (secret(WRONG), secret(NEW));
        let change = house.life.change_password(&ann, client(1), &wrong, &new);
        match change.await.unwrap_err() {
            AccountError::Refused(_) => guesses += 1,
            AccountError::Throttled(_) => house.time.advance(Duration::from_secs(8)),
            error => panic!("{error:?}"),
        }
    }
    assert!(guesses <= 10, "{guesses}");
    // Strangers at the door do not keep a user from changing it.
    let house = House::new();
    let (_, [here, _]) = two_browsers(&house).await;
    let ann = house.who(&here).await.unwrap();
    for number in 100..160 {
        let wrong = secret(WRONG);
        let _refused = house.login.check(ANN, &wrong, client(number), None).await;
        house.time.advance(Duration::from_secs(31));
    }
    let (old, new) = (secret(PASSWORD), secret(NEW));
    let change = house.life.change_password(&ann, client(1), &old, &new);
    change.await.unwrap();
}

#[tokio::test]
async fn a_password_is_reset_by_a_link_which_is_good_once() {
    let house = House::new();
    let (id, cookies) = two_browsers(&house).await;
    house.life.request_reset("ANN@example.com").await.unwrap();
    let token = house.post.link(purpose::RESET_PASSWORD, ANN).await;
    let reset = |token: String, new: &'static str| {
        let life = house.life.clone();
        async move { life.reset_password(&token, &secret(new), client(1)).await }
    };
    for weak in ["short", "ann@example.com.ann"] {
        let refused = reset(token.clone(), weak).await.unwrap_err();
        assert_eq!(Rejection::from(refused).status(), 422, "{weak}");
    }
    let none = reset("A".repeat(64), NEW).await.unwrap_err();
    assert_eq!(Rejection::from(none).code(), "wrong_code");

    let done = reset(token.clone(), NEW).await.unwrap();
    assert_eq!(done.user(), id);
    let again = reset(token, PASSWORD).await.unwrap_err();
    assert_eq!(Rejection::from(again).code(), "wrong_code");
    for cookie in &cookies {
        assert!(house.who(cookie).await.is_none());
    }
    assert!(house.keys.list(&id).await.unwrap().is_empty(), "keys end");
    house.time.advance(Duration::from_secs(1));
    assert!(house.logs_in(ANN, NEW).await);
    assert!(!house.logs_in(ANN, PASSWORD).await);
    assert_eq!(
        house.recovery.remaining(&id).await.unwrap(),
        10,
        "factors stay"
    );
    let sent = house.post.names().await;
    assert_eq!(sent, [("account-password-changed", ANN.to_owned())]);
}

#[tokio::test]
async fn nobody_learns_by_a_reset_who_has_an_account() {
    let house = House::new();
    house.registered(ANN).await;
    let mut trips = Vec::new();
    for email in [ANN, "nobody@example.com", "no address", ""] {
        house.records.trips();
        house.store.trips();
        house.life.request_reset(email).await.unwrap();
        trips.push((house.records.trips(), house.store.trips()));
    }
    assert!(trips.windows(2).all(|two| two[0] == two[1]), "{trips:?}");
    assert_eq!(house.post.names().await.len(), 1);
}

#[tokio::test]
async fn who_was_locked_out_gets_in_by_a_reset() {
    let house = House::new();
    house.registered(ANN).await;
    for number in 0..400 {
        let wrong = secret(WRONG);
        let attempt = house
            .login
            .check(ANN, &wrong, client(100 + number % 50), None);
        if let Err(AccountError::Throttled(_)) = attempt.await {
            house.time.advance(Duration::from_secs(31));
        }
    }
    assert!(!house.logs_in(ANN, PASSWORD).await);
    house.life.request_reset(ANN).await.unwrap();
    let token = house.post.link(purpose::RESET_PASSWORD, ANN).await;
    let new = secret(NEW);
    let done = house.life.reset_password(&token, &new, client(1)).await;
    let done = done.unwrap();
    let device = Some(done.device().as_str());
    let known = house.login.check(ANN, &new, client(1), device).await;
    assert!(known.is_ok());
    assert!(house.logs_in(ANN, NEW).await);
}

#[tokio::test]
async fn who_registers_again_gets_a_link_to_a_new_password() {
    let house = House::new();
    house.registered(ANN).await;
    register(&house, ANN, WRONG).await;
    let token = house.post.link(purpose::ALREADY_REGISTERED, ANN).await;
    house.verify(&token, WRONG).await.unwrap_err();
    let new = secret(NEW);
    let done = house.life.reset_password(&token, &new, client(1)).await;
    let _done = done.unwrap();
    assert!(house.logs_in(ANN, NEW).await);
}

async fn request(house: &House, ann: &Principal, new: &str) -> Vec<Sent> {
    let password = secret(PASSWORD);
    let asked = house
        .life
        .request_email_change(ann, client(1), &password, new);
    asked.await.unwrap();
    house.post.take().await
}

fn token_for(sent: &[Sent], what: Purpose) -> String {
    let found = sent.iter().find(|(purpose, ..)| *purpose == what);
    found.unwrap().2.clone().unwrap()
}

#[tokio::test]
async fn an_address_is_changed_when_both_ends_have_confirmed() {
    for old_first in [true, false] {
        let house = House::new();
        let (id, [here, _]) = two_browsers(&house).await;
        let ann = house.who(&here).await.unwrap();
        house.life.request_reset(ANN).await.unwrap();
        let reset = house.post.link(purpose::RESET_PASSWORD, ANN).await;

        let wrong = secret(WRONG);
        let asked = house
            .life
            .request_email_change(&ann, client(1), &wrong, "a@example.org");
        assert!(matches!(asked.await, Err(AccountError::Refused(_))));
        let sent = request(&house, &ann, "Ann@Example.ORG").await;
        assert_eq!((&*sent[0].1, &*sent[1].1), (ANN, "ann@example.org"));
        let mut tokens = [
            token_for(&sent, purpose::CONFIRM_OLD_EMAIL),
            token_for(&sent, purpose::CONFIRM_NEW_EMAIL),
        ];
        if !old_first {
            tokens.reverse();
        }
        let [first, second] = tokens;
        let waiting = house.life.confirm_email_change(&first).await.unwrap();
        assert_eq!(waiting, EmailChange::Waiting);
        assert!(house.logs_in(ANN, PASSWORD).await, "still the old one");
        house.life.confirm_email_change(&first).await.unwrap_err();
        let done = house.life.confirm_email_change(&second).await.unwrap();
        assert_eq!(done, EmailChange::Done);
        assert!(!house.logs_in(ANN, PASSWORD).await);
        let logged_in = house.check("ann@example.org", PASSWORD).await.unwrap();
        assert_eq!(logged_in.account().id(), id);
        let mut sent = house.post.names().await;
        sent.sort();
        let told = |to: &str| ("account-email-changed", to.to_owned());
        assert_eq!(sent, [told(ANN), told("ann@example.org")]);

        // What was sent to the old one resets nothing, and the address is free.
        let new = secret(NEW);
        let reset = house.life.reset_password(&reset, &new, client(1)).await;
        assert!(matches!(reset, Err(AccountError::Link(_))));
        house.registered(ANN).await;
    }
}

#[tokio::test]
async fn of_several_requests_the_last_counts() {
    let house = House::new();
    let (_, [here, _]) = two_browsers(&house).await;
    let ann = house.who(&here).await.unwrap();
    let first = request(&house, &ann, "first@example.org").await;
    let old = token_for(&first, purpose::CONFIRM_OLD_EMAIL);
    let confirmed = house.life.confirm_email_change(&old).await.unwrap();
    assert_eq!(confirmed, EmailChange::Waiting);
    // Another one: what the old end confirmed was not this.
    let second = request(&house, &ann, "second@example.org").await;
    let new = token_for(&first, purpose::CONFIRM_NEW_EMAIL);
    house.life.confirm_email_change(&new).await.unwrap_err();
    let new = token_for(&second, purpose::CONFIRM_NEW_EMAIL);
    let confirmed = house.life.confirm_email_change(&new).await.unwrap();
    assert_eq!(confirmed, EmailChange::Waiting);
    assert!(house.logs_in(ANN, PASSWORD).await);

    // One that comes to nothing, for too many were asked for, leaves the last: the old end is not
    // brought to confirm an address by a mail about another.
    let wanted = token_for(&second, purpose::CONFIRM_NEW_EMAIL);
    house.registered("taken@example.org").await;
    house.time.advance(Duration::from_secs(3_600));
    let again = request(&house, &ann, "second@example.org").await;
    let wanted = [wanted, token_for(&again, purpose::CONFIRM_NEW_EMAIL)];
    let mut harmless = String::new();
    for _ in 0..4 {
        let sent = request(&house, &ann, "taken@example.org").await;
        harmless = token_for(&sent, purpose::CONFIRM_OLD_EMAIL);
    }
    let password = secret(PASSWORD);
    let address = "second@example.org";
    let asked = house
        .life
        .request_email_change(&ann, client(1), &password, address);
    assert!(matches!(asked.await, Err(AccountError::Link(_))));
    house.life.confirm_email_change(&harmless).await.unwrap();
    for token in wanted {
        house.life.confirm_email_change(&token).await.unwrap_err();
    }
    assert!(house.logs_in(ANN, PASSWORD).await);

    // A new password ends it.
    house.time.advance(Duration::from_secs(3_600));
    let third = request(&house, &ann, "third@example.org").await;
    let (password, new) = (secret(PASSWORD), secret(NEW));
    let change = house.life.change_password(&ann, client(1), &password, &new);
    change.await.unwrap();
    for end in [purpose::CONFIRM_OLD_EMAIL, purpose::CONFIRM_NEW_EMAIL] {
        let token = token_for(&third, end);
        house.life.confirm_email_change(&token).await.unwrap_err();
    }
}

#[tokio::test]
async fn nobody_learns_by_a_change_of_address_who_has_an_account() {
    let house = House::new();
    let (_, [here, _]) = two_browsers(&house).await;
    house.registered("bob@example.com").await;
    let ann = house.who(&here).await.unwrap();
    let mut trips = Vec::new();
    for (new, links) in [("free@example.com", 2), ("bob@example.com", 1)] {
        house.records.trips();
        house.store.trips();
        assert_eq!(request(&house, &ann, new).await.len(), links, "{new}");
        trips.push((house.records.trips(), house.store.trips()));
    }
    assert_eq!(trips[0], trips[1]);

    // One that is taken before the second link came back.
    let sent = request(&house, &ann, "late@example.com").await;
    let old = token_for(&sent, purpose::CONFIRM_OLD_EMAIL);
    house.life.confirm_email_change(&old).await.unwrap();
    house.registered("late@example.com").await;
    let new = token_for(&sent, purpose::CONFIRM_NEW_EMAIL);
    let taken = house.life.confirm_email_change(&new).await.unwrap_err();
    assert!(matches!(taken, AccountError::EmailTaken));
    assert!(house.logs_in(ANN, PASSWORD).await);
}
