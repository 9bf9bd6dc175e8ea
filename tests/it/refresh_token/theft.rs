use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use portcullis::guard::Rejection;
use portcullis::store::{Namespace, Owner};

#[tokio::test]
async fn a_used_token_ends_the_family_within_the_same_second() {
    let house = House::new();
    let first = house.issue("ann").await;
    // The time stands still all along.
    let second = house.refresh(&first).await.unwrap();
    let third = house.refresh(&second).await.unwrap();
    assert_eq!(house.outcome(&first).await, "reused", "however old it is");
    assert_eq!(
        house.outcome(&third).await,
        "unknown",
        "the family has ended"
    );
    let told = house.heard(EventKind::AuthnTokenReuse);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject(), Some("ann"));
    assert_eq!(told[0].details().next(), Some(("family", first.family())));
    let ended = house.heard(EventKind::AuthnTokenRevoked);
    assert_eq!(ended[0].code(), Some("reused"));
}

#[tokio::test]
async fn other_families_go_on() {
    let house = House::new();
    let (phone, laptop) = (house.issue("ann").await, house.issue("ann").await);
    drop(house.refresh(&phone).await.unwrap());
    assert_eq!(house.outcome(&phone).await, "reused");
    assert_eq!(house.outcome(&laptop).await, "ok");
}

#[tokio::test]
async fn the_thief_gains_nothing_whoever_comes_first() {
    // The thief comes first: the user ends it by the next refresh.
    let house = House::new();
    let stolen = house.issue("ann").await;
    let thiefs = house.refresh(&stolen).await.unwrap();
    assert_eq!(house.outcome(&stolen).await, "reused", "the user");
    assert_eq!(house.outcome(&thiefs).await, "unknown");
    // The user comes first: the thief ends it.
    let stolen = house.issue("ann").await;
    let users = house.refresh(&stolen).await.unwrap();
    assert_eq!(house.outcome(&stolen).await, "reused", "the thief");
    assert_eq!(house.outcome(&users).await, "unknown");
}

#[tokio::test]
async fn in_its_grace_a_token_gives_the_same_successor() {
    let grace = Duration::from_secs(10);
    let house = House::with(|builder| builder.grace_for_lost_answers(grace));
    let first = house.issue("ann").await;
    let second = house.refresh(&first).await.unwrap();
    for _ in 0..3 {
        house.time.advance(Duration::from_secs(3));
        let again = house.refresh(&first).await.unwrap();
        assert_eq!(again.token(), second.token());
    }
    house.time.advance(Duration::from_secs(1));
    assert_eq!(house.outcome(&first).await, "reused", "when it is over");
    assert_eq!(house.outcome(&second).await, "unknown");

    // Only the last one used has a grace.
    let first = house.issue("ann").await;
    let second = house.refresh(&first).await.unwrap();
    let third = house.refresh(&second).await.unwrap();
    assert_eq!(house.refresh(&second).await.unwrap().token(), third.token());
    assert_eq!(house.outcome(&first).await, "reused");
    assert_eq!(house.outcome(&third).await, "unknown");

    // It is bound in its grace, too.
    let grant = house.grant("ann").client("app").bound_to("thumb");
    let first = house.tokens.issue(grant).await.unwrap();
    let right = Presented::new(first.token().expose())
        .client("app")
        .bound_to("thumb");
    drop(house.tokens.refresh(right).await.unwrap());
    assert_eq!(
        outcome(&house.tokens.refresh(right.client("other")).await),
        "wrong_client"
    );
    assert_eq!(
        outcome(&house.tokens.refresh(right.bound_to("other")).await),
        "wrong_key"
    );
    assert_eq!(outcome(&house.tokens.refresh(right).await), "ok");
}

#[tokio::test]
async fn who_never_had_a_token_cannot_end_a_family() {
    let house = House::new();
    let token = house.issue("ann").await;
    let bytes = URL_SAFE_NO_PAD.decode(token.token().expose()).unwrap();
    // Its place may be known; its secrets are not.
    for (name, from, to, expected) in [
        ("both secrets guessed", 32, 96, "forged"),
        ("the family's guessed", 32, 64, "forged"),
        ("another family", 16, 32, "unknown"),
        ("another user", 0, 16, "unknown"),
    ] {
        let mut forged = bytes.clone();
        forged[from..to].iter_mut().for_each(|byte| *byte ^= 1);
        let forged = URL_SAFE_NO_PAD.encode(forged);
        let found = house.tokens.refresh(Presented::new(&forged)).await;
        assert_eq!(outcome(&found), expected, "{name}");
        assert!(
            !house
                .tokens
                .revoke_token(Presented::new(&forged))
                .await
                .unwrap()
        );
        assert!(house.tokens.look(&forged).await.unwrap().is_none());
    }
    assert!(house.heard(EventKind::AuthnTokenReuse).is_empty());
    assert_eq!(house.outcome(&token).await, "ok");

    // Who had one and changes its own secret had one.
    let token = house.issue("ann").await;
    let mut old = URL_SAFE_NO_PAD.decode(token.token().expose()).unwrap();
    old[95] ^= 1;
    let old = URL_SAFE_NO_PAD.encode(old);
    let found = house.tokens.refresh(Presented::new(&old)).await;
    assert_eq!(outcome(&found), "reused");
}

#[tokio::test]
async fn the_client_learns_nothing_but_that_it_was_refused() {
    let house = House::new();
    let used = house.issue("ann").await;
    drop(house.refresh(&used).await.unwrap());
    let bound = house
        .tokens
        .issue(house.grant("ann").client("app"))
        .await
        .unwrap();
    let mut answers = Vec::new();
    for text in [
        "nonsense",
        &"A".repeat(128),
        used.token().expose(),
        bound.token().expose(),
        "",
    ] {
        let error = house
            .tokens
            .refresh(Presented::new(text))
            .await
            .unwrap_err();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
        answers.push((
            rejection.code().to_owned(),
            format!("{:?}", rejection.headers()),
        ));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].0, "invalid_grant");
}

#[tokio::test]
async fn nothing_in_the_store_can_be_used() {
    const FAMILIES: Namespace = Namespace::values("refresh-token");
    let store = Store::memory();
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    for grace in [Duration::ZERO, Duration::from_secs(10)] {
        let house = House::on(store.clone(), time.clone(), |builder| {
            builder.grace_for_lost_answers(grace)
        });
        let first = house.issue("ann").await;
        let second = house.refresh(&first).await.unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(second.token().expose()).unwrap();
        let entries = store
            .list_owned(Owner::new(FAMILIES, &bytes[..16]))
            .await
            .unwrap();
        let entry = entries.iter().find(|it| it.id() == &bytes[16..32]).unwrap();
        let text = str::from_utf8(entry.value()).unwrap();
        for token in [first, second] {
            let bytes = URL_SAFE_NO_PAD.decode(token.token().expose()).unwrap();
            for secret in [&bytes[32..64], &bytes[64..]] {
                assert!(!text.contains(&URL_SAFE_NO_PAD.encode(secret)));
            }
        }
        assert_eq!(text.contains("seed"), !grace.is_zero());
    }
    let shown = format!("{:?}", House::new().issue("ann").await);
    assert!(shown.contains("redacted"), "{shown}");
}
