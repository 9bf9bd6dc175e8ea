use super::*;
use crate::support::CountedStore;
use http::StatusCode;
use portcullis::authn::Epochs;
use portcullis::authn::jwt::{Issuer, Verifier};
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::store::OwnerLimit;

#[tokio::test]
async fn a_token_gives_the_next_and_the_grant_goes_with_it() {
    let house = House::new();
    let grant = house
        .grant("user-17")
        .client("app")
        .scopes(["notes:read", "notes:write"])
        .bound_to("thumb");
    let first = house.tokens.issue(grant.clone()).await.unwrap();
    let token = first.token().expose();
    assert_eq!(token.len(), 128);
    house.time.advance(DAY);
    let brought = Presented::new(token).client("app").bound_to("thumb");
    let second = house.tokens.refresh(brought).await.unwrap();
    assert_ne!(second.token(), first.token());
    assert_eq!(second.family(), first.family());
    assert_eq!(second.grant(), &grant, "who proved what a day ago");
    assert_eq!(house.heard(EventKind::AuthnTokenCreated).len(), 1);
}

#[tokio::test]
async fn access_tokens_say_how_the_user_was_authenticated() {
    let house = House::new();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let (name, audience) = ("https://id.example.com", "https://api.example.com");
    let issuer = Issuer::new(key, name, audience).unwrap().rfc9068();
    let issuer = issuer.clock(house.time.clock());
    let verifier = Verifier::builder(name, audience, Algorithm::Es256, issuer.public_keys());
    let verifier = verifier
        .clock(house.time.clock())
        .rfc9068()
        .build()
        .unwrap();

    let grant = house.grant("user-17").client("app").scopes(["a", "b"]);
    let login = house.time.clock().now();
    let first = house.tokens.issue(grant.bound_to("thumb")).await.unwrap();
    house.time.advance(DAY);
    let brought = Presented::new(first.token().expose()).client("app");
    let second = house
        .tokens
        .refresh(brought.bound_to("thumb"))
        .await
        .unwrap();

    let token = issuer.token_with(&second).sign().unwrap();
    let verified = verifier.verify(&token).unwrap();
    assert_eq!(verified.header().token_type(), Some("at+jwt"));
    let claims = verified.claims();
    assert_eq!(claims.subject(), Some("user-17"));
    assert_eq!(claims.get("auth_time"), Some(login.unix_seconds().into()));
    assert_eq!(claims.issued_at(), Some(house.time.clock().now()));
    assert_eq!(claims.words("amr"), ["pwd", "otp"]);
    assert_eq!(claims.text("acr").as_deref(), Some("aal2"));
    assert_eq!(claims.text("client_id").as_deref(), Some("app"));
    assert_eq!(claims.text("scope").as_deref(), Some("a b"));
    assert_eq!(claims.get("cnf"), Some(serde_json::json!({"jkt": "thumb"})));

    let less = second.grant().narrowed_to(["b"]).unwrap();
    let token = issuer
        .token_with(&second)
        .scopes(less.granted_scopes().unwrap());
    let verified = verifier.verify(&token.sign().unwrap()).unwrap();
    assert_eq!(verified.claims().text("scope").as_deref(), Some("b"));

    // RFC 9068 asks for the client.
    let nobodys = house.issue("user-17").await;
    assert!(issuer.token_with(&nobodys).sign().is_err());
}

#[tokio::test]
async fn tokens_end_idle_and_families_in_any_case() {
    let house = House::new();
    let mut token = house.issue("ann").await;
    house.time.advance(7 * DAY - Duration::from_millis(1));
    token = house.refresh(&token).await.unwrap();
    assert_eq!(
        token.expires_at(),
        house.time.clock().now().saturating_add(7 * DAY)
    );
    let idle = house.issue("ann").await;
    house.time.advance(7 * DAY);
    // By then the store has dropped it, or it is found too old.
    assert!(["unknown", "idle"].contains(&house.outcome(&idle).await));
    assert!(["unknown", "idle"].contains(&house.outcome(&token).await));

    let mut token = house.issue("ann").await;
    let end = house.time.clock().now().saturating_add(30 * DAY);
    for _ in 0..5 {
        house.time.advance(6 * DAY - MINUTE);
        token = house.refresh(&token).await.unwrap();
    }
    assert_eq!(token.expires_at(), end, "however much it is used");
    house.time.advance(5 * MINUTE);
    assert!(["unknown", "expired"].contains(&house.outcome(&token).await));
}

#[tokio::test]
async fn our_own_clock_counts_as_well() {
    // The store's clock stands still.
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let house = House::on(Store::memory(), time, |builder| builder);
    let token = house.issue("ann").await;
    house.time.advance(7 * DAY);
    assert_eq!(house.outcome(&token).await, "idle");
    assert!(house.tokens.list("ann").await.unwrap().is_empty());
    assert!(
        house
            .tokens
            .look(token.token().expose())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn families_are_listed_and_ended() {
    let house = House::new();
    let phone = house
        .tokens
        .issue(house.grant("ann").client("phone"))
        .await
        .unwrap();
    house.time.advance(MINUTE);
    let laptop = house
        .tokens
        .issue(house.grant("ann").client("laptop"))
        .await
        .unwrap();
    let bobs = house.issue("bob").await;
    let list = house.tokens.list("ann").await.unwrap();
    let clients: Vec<_> = list
        .iter()
        .map(|it| it.grant.client_id().unwrap())
        .collect();
    assert_eq!(clients, ["laptop", "phone"]);
    assert_eq!(list[1].id, phone.family());

    assert!(
        !house.tokens.revoke("ann", bobs.family()).await.unwrap(),
        "another's"
    );
    assert!(!house.tokens.revoke("ann", "nonsense").await.unwrap());
    assert!(house.tokens.revoke("ann", phone.family()).await.unwrap());
    assert!(
        !house.tokens.revoke("ann", phone.family()).await.unwrap(),
        "once"
    );
    let brought = Presented::new(phone.token().expose()).client("phone");
    assert_eq!(outcome(&house.tokens.refresh(brought).await), "unknown");

    assert_eq!(house.tokens.revoke_all("ann").await.unwrap(), 1);
    let brought = Presented::new(laptop.token().expose()).client("laptop");
    assert_eq!(outcome(&house.tokens.refresh(brought).await), "unknown");
    assert_eq!(house.outcome(&bobs).await, "ok");
    let codes: Vec<_> = house.heard(EventKind::AuthnTokenRevoked);
    let codes: Vec<_> = codes.iter().map(|event| event.code().unwrap()).collect();
    assert_eq!(codes, ["all_revoked", "revoked"], "the last one first");
}

#[tokio::test]
async fn a_client_gives_a_token_back() {
    let house = House::new();
    let grant = || house.grant("ann").client("app");
    let give_back = async |token: &str, client: &str| {
        let presented = Presented::new(token).client(client);
        house.tokens.revoke_token(presented).await
    };
    let first = house.tokens.issue(grant()).await.unwrap();
    let brought = Presented::new(first.token().expose()).client("app");
    let second = house.tokens.refresh(brought).await.unwrap();
    let wrong = give_back(second.token().expose(), "other").await;
    assert_eq!(wrong.unwrap_err().refusal(), Some(Refusal::WrongClient));
    assert!(
        give_back(first.token().expose(), "app").await.unwrap(),
        "also a used one"
    );
    let brought = Presented::new(second.token().expose()).client("app");
    assert_eq!(outcome(&house.tokens.refresh(brought).await), "unknown");
    for nothing in ["", "nonsense", second.token().expose()] {
        assert!(!give_back(nothing, "app").await.unwrap());
    }
    assert!(house.heard(EventKind::AuthnTokenReuse).is_empty());
}

#[tokio::test]
async fn the_epoch_of_a_user_ends_them() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let store = Store::memory();
    let house = House::on(store.clone(), time, |builder| builder);
    let epochs = Epochs::new(store);
    let (old, bobs) = (house.issue("ann").await, house.issue("bob").await);
    let proved_before = house.grant("ann");
    house.time.advance(Duration::from_nanos(1));
    let now = house.time.clock().now();
    epochs.end_before("ann", now).await.unwrap();

    let late = house.tokens.issue(proved_before).await;
    assert!(matches!(late, Err(RefreshError::Overtaken)));
    let new = house.issue("ann").await;
    assert_eq!(
        house.outcome(&old).await,
        "ended",
        "made a nanosecond before"
    );
    assert_eq!(house.outcome(&old).await, "unknown", "and gone");
    assert_eq!(house.outcome(&new).await, "ok", "made at that very moment");
    assert_eq!(house.outcome(&bobs).await, "ok");
}

#[tokio::test]
async fn a_user_has_so_many_families() {
    let house = House::with(|builder| builder.limit(OwnerLimit::evict_above(2)));
    let first = house.issue("ann").await;
    house.time.advance(MINUTE);
    let (second, third) = (house.issue("ann").await, house.issue("ann").await);
    assert_eq!(house.outcome(&first).await, "unknown");
    assert_eq!(house.outcome(&second).await, "ok");
    assert_eq!(house.outcome(&third).await, "ok");
    let told = house.heard(EventKind::AuthnTokenRevoked);
    assert_eq!(told[0].code(), Some("too_many_logins"));

    let house = House::with(|builder| builder.limit(OwnerLimit::refuse_above(1)));
    drop(house.issue("ann").await);
    let refused = house.tokens.issue(house.grant("ann")).await.unwrap_err();
    assert_eq!(Rejection::from(refused).status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_strict_profile_binds_every_token() {
    let house = House::with(RefreshTokensBuilder::strict);
    let unbound = house.tokens.issue(house.grant("ann")).await;
    assert!(matches!(unbound, Err(RefreshError::NotBound)));
    let bound = house
        .tokens
        .issue(house.grant("ann").bound_to("thumb"))
        .await
        .unwrap();
    assert_eq!(house.outcome(&bound).await, "wrong_key");
    let token = bound.token().expose();
    let proved = Presented::new(token).bound_to("thumb");
    assert_eq!(
        outcome(&house.tokens.refresh(proved).await),
        "ok",
        "it was not used up"
    );
}

#[tokio::test]
async fn a_grant_has_a_size() {
    let house = House::new();
    let scopes = (0..1000).map(|number| format!("a-scope-with-a-name-{number}"));
    let large = house.tokens.issue(house.grant("ann").scopes(scopes)).await;
    assert!(matches!(large, Err(RefreshError::TooLarge(8193..))));
}

#[tokio::test]
async fn when_the_store_fails_nobody_gets_a_token() {
    let counted = CountedStore::from(MemoryStore::default());
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let house = House::on(Store::new(counted.clone()), time, |builder| builder);
    let (token, bobs) = (house.issue("ann").await, house.issue("bob").await);
    counted.set_down(true);
    let errors = [
        house.refresh(&bobs).await.unwrap_err(),
        house.tokens.issue(house.grant("ann")).await.unwrap_err(),
        house.tokens.list("ann").await.unwrap_err(),
        house
            .tokens
            .revoke("ann", token.family())
            .await
            .unwrap_err(),
        house.tokens.revoke_all("ann").await.unwrap_err(),
        house.tokens.look(token.token().expose()).await.unwrap_err(),
    ];
    for error in errors {
        let rejection = Rejection::from(error);
        assert_eq!(rejection.kind(), RejectionKind::Unavailable);
        assert_eq!(rejection.event(), Some(EventKind::SysControlDegraded));
    }
    counted.set_down(false);
    assert_eq!(house.outcome(&bobs).await, "ok");
}
