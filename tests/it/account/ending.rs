//! Disabling, enabling and deletion, and what goes wrong in between.

use super::*;
use portcullis::authn::api_key::NewApiKey;
use portcullis::guard::RejectionKind;
use std::sync::atomic::AtomicBool;

async fn equipped(house: &House) -> (String, String) {
    let id = house.registered(ANN).await;
    let logged_in = house.check(ANN, PASSWORD).await.unwrap();
    let cookie = house.session(&logged_in).await.unwrap();
    let key = NewApiKey::new("key");
    let principal = logged_in.principal();
    let _key = house.keys.create(&principal, &key).await.unwrap();
    house.recovery.generate(&id).await.unwrap();
    house.time.advance(Duration::from_secs(1));
    (id, cookie)
}

#[tokio::test]
async fn what_a_disabled_user_holds_has_ended() {
    let house = House::new();
    let (id, cookie) = equipped(&house).await;
    house.life.request_reset(ANN).await.unwrap();
    let reset = house.post.link(purpose::RESET_PASSWORD, ANN).await;
    // A login is under way: the password was right, and there is no session yet.
    let under_way = house.check(ANN, PASSWORD).await.unwrap();
    house.time.advance(Duration::from_secs(1));

    house.life.disable(&id).await.unwrap();
    assert!(house.who(&cookie).await.is_none(), "session");
    assert!(house.session(&under_way).await.is_none(), "login under way");
    assert!(house.keys.list(&id).await.unwrap().is_empty(), "API key");
    assert!(!house.logs_in(ANN, PASSWORD).await, "password");
    let new = secret(NEW);
    let by_link = house.life.reset_password(&reset, &new, client(1)).await;
    assert!(matches!(by_link, Err(AccountError::Link(_))), "link");
    let sent = house.post.names().await;
    assert_eq!(sent, [("account-disabled", ANN.to_owned())]);
    house.life.request_reset(ANN).await.unwrap();
    assert_eq!(house.post.take().await, []);
    assert_eq!(house.told(EventKind::UserUpdated, "account_disabled"), 1);

    house.time.advance(Duration::from_secs(1));
    house.life.enable(&id).await.unwrap();
    let sent = house.post.names().await;
    assert_eq!(sent, [("account-enabled", ANN.to_owned())]);
    assert!(house.who(&cookie).await.is_none());
    house.time.advance(Duration::from_secs(60));
    assert!(house.logs_in(ANN, PASSWORD).await);
    assert_eq!(
        house.recovery.remaining(&id).await.unwrap(),
        10,
        "factors stay"
    );
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_all_that_was_held() {
    let house = House::new();
    let (id, cookie) = equipped(&house).await;
    house.life.delete(&id).await.unwrap();
    assert!(house.who(&cookie).await.is_none());
    assert!(house.keys.list(&id).await.unwrap().is_empty());
    assert_eq!(house.recovery.remaining(&id).await.unwrap(), 0);
    assert!(!house.logs_in(ANN, PASSWORD).await);
    let sent = house.post.names().await;
    assert_eq!(sent, [("account-deleted", ANN.to_owned())]);
    assert_eq!(house.told(EventKind::UserDeleted, "account_deleted"), 1);
    for gone in [
        house.life.delete(&id).await,
        house.life.disable(&id).await,
        house.life.enable(&id).await,
    ] {
        let rejection = Rejection::from(gone.unwrap_err());
        assert_eq!(rejection.status(), 404);
    }
    // The address is free, for another account.
    house.time.advance(Duration::from_secs(60));
    assert_ne!(house.registered(ANN).await, id);
}

#[derive(Clone, Debug, Default)]
struct Stubborn(Arc<AtomicBool>);

impl Revoke for Stubborn {
    fn revoke_all<'a>(&'a self, _user: &'a str) -> Revoking<'a> {
        Box::pin(async {
            match self.0.load(Ordering::SeqCst) {
                true => Err(Rejection::new(RejectionKind::Unavailable)),
                false => Ok(()),
            }
        })
    }
}

#[tokio::test]
async fn what_could_not_be_ended_is_said_and_ended_by_another_call() {
    let mut house = House::new();
    let (id, cookie) = equipped(&house).await;
    let stubborn = Stubborn::default();
    house.life = house
        .life
        .ends_keys(stubborn.clone())
        .ends_logins(stubborn.clone());
    stubborn.0.store(true, Ordering::SeqCst);
    for (name, done) in [
        ("disable", house.life.disable(&id).await),
        ("again", house.life.disable(&id).await),
        ("enable", house.life.enable(&id).await),
        ("delete", house.life.delete(&id).await),
        ("end all", house.life.end_all(&id).await),
    ] {
        let error = done.unwrap_err();
        assert!(matches!(error, AccountError::NotEnded(_)), "{name}");
        assert_eq!(Rejection::from(error).status(), 503, "{name}");
    }
    // What could end has, and nobody gets in.
    assert!(house.who(&cookie).await.is_none());
    assert!(house.keys.list(&id).await.unwrap().is_empty());
    assert!(!house.logs_in(ANN, PASSWORD).await);
    stubborn.0.store(false, Ordering::SeqCst);
    house.life.delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_change_that_nobody_can_be_told_of_is_not_made() {
    /// Never ends, so that its place is never free.
    #[derive(Debug)]
    struct Stuck;
    impl CodeSender for Stuck {
        fn send(&self, _message: Message) -> Sending {
            Box::pin(std::future::pending())
        }
    }
    let house = House::with(PasswordScheme::new(fast()), |_| {
        Outbox::new(Stuck).places(1)
    });
    let hash = PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap();
    let ann = house
        .put(ANN, |account| {
            account.with_password(hash).with_verified_email()
        })
        .await;
    house.life.request_reset(ANN).await.unwrap();
    for done in [
        house.life.disable(ann.id()).await,
        house.life.enable(ann.id()).await,
        house.life.delete(ann.id()).await,
        house.life.request_reset(ANN).await,
        house.life.request_reset("nobody@example.com").await,
    ] {
        assert_eq!(Rejection::from(done.unwrap_err()).status(), 503);
    }
    let principal = house.check(ANN, PASSWORD).await.unwrap().principal();
    let (old, new) = (secret(PASSWORD), secret(NEW));
    let change = house
        .life
        .change_password(&principal, client(1), &old, &new);
    assert_eq!(Rejection::from(change.await.unwrap_err()).status(), 503);
    let factor: Result<(), AccountError> = house
        .life
        .change_factor(ann.id(), FactorChange::Removed, async {
            panic!("it was begun")
        })
        .await;
    assert_eq!(Rejection::from(factor.unwrap_err()).status(), 503);
    assert!(house.logs_in(ANN, PASSWORD).await);
    let found = house.accounts.get(ann.id()).await.unwrap().unwrap();
    assert_eq!(found, ann);
}

#[tokio::test]
async fn a_user_is_told_of_changes_of_the_second_factor() {
    let house = House::new();
    let id = house.registered(ANN).await;
    for (change, what) in [
        (FactorChange::Added, purpose::FACTOR_ADDED),
        (FactorChange::Removed, purpose::FACTOR_REMOVED),
        (
            FactorChange::RecoveryCodesReplaced,
            purpose::RECOVERY_CODES_REPLACED,
        ),
        (FactorChange::RecoveryCodeUsed, purpose::RECOVERY_CODE_USED),
    ] {
        let failed: Result<(), AccountError> = house
            .life
            .change_factor(&id, change, async { Err(AccountError::EmailTaken) })
            .await;
        assert!(
            matches!(failed, Err(AccountError::EmailTaken)),
            "{change:?}"
        );
        assert_eq!(house.post.names().await, [], "{change:?}");
        assert_eq!(house.told(EventKind::UserUpdated, change.code()), 0);

        let made: Result<u8, AccountError> =
            house.life.change_factor(&id, change, async { Ok(7) }).await;
        assert_eq!(made.unwrap(), 7);
        let told = house.post.names().await;
        assert_eq!(told, [(what.name(), ANN.to_owned())], "{change:?}");
        assert_eq!(house.told(EventKind::UserUpdated, change.code()), 1);
    }
    let hung_up: Result<Result<(), AccountError>, _> = tokio::time::timeout(
        Duration::ZERO,
        house
            .life
            .change_factor(&id, FactorChange::Removed, std::future::pending()),
    )
    .await;
    assert!(hung_up.is_err());
    let told = house.post.names().await;
    assert_eq!(told, [(purpose::FACTOR_REMOVED.name(), ANN.to_owned())]);
    let of_nobody: Result<(), AccountError> = house
        .life
        .change_factor("nobody", FactorChange::Added, async {
            panic!("it was begun")
        })
        .await;
    assert!(matches!(of_nobody, Err(AccountError::Gone)));
}

#[tokio::test]
async fn without_store_or_records_nothing_is_changed() {
    for part in ["store", "records"] {
        let house = House::new();
        let (id, cookie) = equipped(&house).await;
        let ann = house.who(&cookie).await.unwrap();
        house.store.set_down(part == "store");
        house.records.set_down(part == "records");
        let (old, new) = (secret(PASSWORD), secret(NEW));
        let none = serde_json::Value::Null;
        let token = "A".repeat(64);
        let mut failed = vec![
            house.life.register("new@example.com", &new, none).await,
            house.life.request_reset(ANN).await,
            house
                .life
                .change_password(&ann, client(1), &old, &new)
                .await,
            house
                .life
                .request_email_change(&ann, client(1), &old, "new@example.com")
                .await,
            house.life.disable(&id).await,
            house.life.delete(&id).await,
        ];
        if part == "store" {
            failed.push(house.verify(&token, PASSWORD).await.map(drop));
            failed.push(house.life.confirm_email_change(&token).await.map(drop));
            let reset = house.life.reset_password(&token, &new, client(1)).await;
            failed.push(reset.map(drop));
        }
        for (place, done) in failed.into_iter().enumerate() {
            let status = Rejection::from(done.unwrap_err()).status();
            assert_eq!(status, 503, "{part} {place}");
        }
        house.store.set_down(false);
        house.records.set_down(false);
        let account = house.accounts.get(&id).await.unwrap().unwrap();
        let hash = account.parts().password.clone().unwrap();
        let scheme = PasswordScheme::new(fast());
        let verification = scheme.verify(Some(&hash), &old).unwrap();
        assert!(verification.is_accepted(), "{part}");
    }
}
