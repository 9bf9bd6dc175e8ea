//! What a key cannot do for itself: outlive its end, prolong itself, leave its tenant, or pass for
//! its owner.

use super::*;

/// A principal that came by this key, whatever became of it since.
fn by(key: &CreatedApiKey) -> Principal {
    let proof = Authentication::new(key.key().created()).with_credential(key.key().id());
    let principal = Principal::new(key.key().owner(), proof);
    match key.key().tenant() {
        Some(tenant) => principal.with_tenant(tenant),
        None => principal,
    }
}

fn status<T>(found: Result<T, ApiKeyError>) -> StatusCode {
    match found {
        Ok(_) => StatusCode::OK,
        Err(error) => Rejection::from(error).status(),
    }
}

#[tokio::test]
async fn who_came_by_a_key_that_is_gone_makes_none() {
    let house = House::new();
    for way in [
        "there",
        "revoked",
        "all revoked",
        "gave way",
        "another prefix",
    ] {
        house.keys.revoke_all("ann").await.unwrap();
        let key = house.create("ann", &[]).await;
        let caller = house.use_key(key.text().expose()).await.unwrap();
        let keys = match way {
            "there" => house.keys.clone(),
            "revoked" => {
                assert!(house.keys.revoke("ann", key.key().id()).await.unwrap());
                house.keys.clone()
            }
            "all revoked" => {
                house.keys.revoke_all("ann").await.unwrap();
                house.keys.clone()
            }
            "gave way" => {
                house.time.advance(91 * DAY);
                let few = house.keys.clone().max_per_owner(1).unwrap();
                let asked = NewApiKey::new("next");
                let _next = few.create(&house.person("ann"), &asked).await.unwrap();
                few.max_per_owner(32).unwrap()
            }
            _ => {
                assert!(house.keys.revoke("ann", key.key().id()).await.unwrap());
                let records = Records::new(house.backend.clone());
                let keys = ApiKeys::new(records, "acme_test").unwrap();
                keys.clock(house.time.clock())
            }
        };
        let other = house.create("ann", &[]).await;
        let before = keys.list("ann").await.unwrap().len();
        let made = keys.create(&caller, &NewApiKey::new("x")).await;
        assert_eq!(status(made), StatusCode::FORBIDDEN, "{way}");
        let replaced = keys.rotate(&caller, other.key().id(), DAY).await;
        assert_eq!(status(replaced), StatusCode::FORBIDDEN, "{way}");
        if way != "there" {
            let itself = keys.rotate(&caller, key.key().id(), DAY).await;
            assert_eq!(status(itself), StatusCode::FORBIDDEN, "{way}");
        }
        assert_eq!(keys.list("ann").await.unwrap().len(), before, "{way}");
    }
    // What is no key is not taken for one.
    for (name, credential, issuer) in [
        ("a session", "AAAAAAAAAAAAAAAAAAAAAA", None),
        (
            "a token with a short id",
            "0123456789abcdef",
            Some("https://id.example"),
        ),
    ] {
        let mut proof = Authentication::new(house.time.clock().now()).with_credential(credential);
        if let Some(issuer) = issuer {
            proof = proof.with_issuer(issuer);
        }
        let (ann, asked) = (Principal::new("ann", proof), NewApiKey::new("x"));
        let made = house.keys.create(&ann, &asked).await;
        assert_eq!(status(made), StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn what_a_key_made_of_itself_ends_with_it() {
    for revoked in ["first", "last"] {
        let house = House::new();
        let keys = house.keys.clone().max_per_owner(5).unwrap();
        let other = house.create("ann", &[]).await;
        let first = house.create("ann", &[]).await;
        let id = first.key().id();
        let middle = keys.rotate(&by(&first), id, 30 * DAY).await.unwrap();
        // Replaced at once, so that it gives way to the next, and with it the trace.
        let id = middle.key().id();
        let last = keys.rotate(&by(&middle), id, Duration::ZERO).await.unwrap();
        for _ in 0..2 {
            let _filler = keys
                .create(&house.person("ann"), &NewApiKey::new("x"))
                .await
                .unwrap();
        }
        let ids: Vec<_> = keys.list("ann").await.unwrap();
        assert!(ids.iter().all(|key| key.id() != id), "it gave way");
        for key in [&first, &last] {
            house.use_key(key.text().expose()).await.unwrap();
        }
        let id = match revoked {
            "first" => first.key().id(),
            _ => last.key().id(),
        };
        assert!(keys.revoke("ann", id).await.unwrap());
        for key in [&first, &middle, &last] {
            let code = house.use_key(key.text().expose()).await.unwrap_err();
            assert_eq!(code, "invalid_api_key", "{revoked}");
        }
        house.use_key(other.text().expose()).await.unwrap();
        assert_eq!(
            house.heard(EventKind::AuthnTokenRevoked).len(),
            2,
            "{revoked}"
        );
    }
}

#[tokio::test]
async fn what_its_owner_put_in_its_place_stays() {
    let house = House::new();
    let old = house.create("ann", &[]).await;
    let new = house.rotate("ann", old.key().id(), 30 * DAY).await.unwrap();
    assert!(house.keys.revoke("ann", old.key().id()).await.unwrap());
    assert!(house.use_key(old.text().expose()).await.is_err());
    house.use_key(new.text().expose()).await.unwrap();
    // And so does what the owner put in the place of a key that had replaced itself.
    let itself = house
        .keys
        .rotate(&by(&new), new.key().id(), DAY)
        .await
        .unwrap();
    let owners = house.rotate("ann", itself.key().id(), DAY).await.unwrap();
    assert!(house.keys.revoke("ann", new.key().id()).await.unwrap());
    for dead in [&new, &itself] {
        assert!(house.use_key(dead.text().expose()).await.is_err());
    }
    house.use_key(owners.text().expose()).await.unwrap();
}

/// A session of this morning makes no recent login of itself by making a key.
#[tokio::test]
async fn a_new_key_is_no_recent_login() {
    let house = House::new();
    let ann = house.person("ann");
    house.time.advance(11 * 60 * MINUTE);
    let required = RequireRecent::within(15 * MINUTE).clock(house.time.clock());
    assert_eq!(required.met_by(&ann), Err(Unmet::Age));
    let key = house.keys.create(&ann, &NewApiKey::new("x")).await.unwrap();
    let by_key = house.use_key(key.text().expose()).await.unwrap();
    house.is_never_recent(&by_key);
    let rotated = house.rotate("ann", key.key().id(), DAY).await.unwrap();
    house.is_never_recent(&house.use_key(rotated.text().expose()).await.unwrap());
}

#[tokio::test]
async fn a_key_does_not_prolong_itself() {
    let house = House::new();
    let asked = NewApiKey::new("x").expires_in(40 * DAY);
    let first = house
        .keys
        .create(&house.person("ann"), &asked)
        .await
        .unwrap();
    let mut key = first.clone();
    for _ in 0..4 {
        house.time.advance(9 * DAY);
        let caller = house.use_key(key.text().expose()).await.unwrap();
        let id = key.key().id().to_owned();
        key = house.keys.rotate(&caller, &id, DAY).await.unwrap();
        assert_eq!(key.key().expires(), first.key().expires());
        house.is_never_recent(&house.use_key(key.text().expose()).await.unwrap());
    }
    // Its owner does, by what was asked for.
    let next = house.rotate("ann", key.key().id(), DAY).await.unwrap();
    assert_eq!(next.key().expires().since(next.key().created()), 40 * DAY);
    house.time.advance(5 * DAY);
    for over in [&first, &key] {
        assert!(house.use_key(over.text().expose()).await.is_err());
    }
    house.use_key(next.text().expose()).await.unwrap();
}

#[tokio::test]
async fn a_key_belongs_to_its_tenant() {
    let tenants = [None, Some("acme"), Some("globex"), Some("")];
    for of_key in tenants {
        for of_caller in tenants {
            let house = House::new();
            let within = |tenant: Option<&str>| match tenant {
                Some(tenant) => house.person("ann").with_tenant(tenant),
                None => house.person("ann"),
            };
            let asked = NewApiKey::new("x");
            let key = house.keys.create(&within(of_key), &asked).await.unwrap();
            let caller = within(of_caller);
            let replaced = house.keys.rotate(&caller, key.key().id(), DAY).await;
            let expected = if of_key == of_caller {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(status(replaced), expected, "{of_key:?} by {of_caller:?}");
        }
    }
}

#[tokio::test]
async fn keys_are_listed_and_revoked_within_a_tenant_or_by_name_in_all() {
    let house = House::new();
    let within = |tenant: &str| house.person("ann").with_tenant(tenant);
    let (acme, globex, none) = (within("acme"), within("globex"), house.person("ann"));
    let mut keys = Vec::new();
    for ann in [&acme, &acme, &globex, &none] {
        let created = house.keys.create(ann, &NewApiKey::new("x")).await;
        keys.push(created.unwrap());
    }
    let _bob = house.create("bob", &[]).await;
    let in_acme = keys[0].key().id();
    for (ann, count) in [(&acme, 2), (&globex, 1), (&none, 1)] {
        let listed = house.keys.list(ann).await.unwrap();
        assert_eq!(listed.len(), count);
        assert!(listed.iter().all(|key| key.tenant() == ann.tenant()));
    }
    assert_eq!(house.keys.list("ann").await.unwrap().len(), 4);
    assert!(!house.keys.revoke(&globex, in_acme).await.unwrap());
    assert!(!house.keys.revoke(&none, in_acme).await.unwrap());
    house.use_key(keys[0].text().expose()).await.unwrap();
    assert!(house.keys.revoke(&acme, in_acme).await.unwrap());
    assert_eq!(house.keys.revoke_all(&acme).await.unwrap(), 1);
    assert!(house.keys.revoke("ann", keys[2].key().id()).await.unwrap());

    // What cannot be read is nobody's, and goes with the account.
    let records = Records::new(house.backend.clone());
    let spoiled = records
        .get(KEYS, keys[3].key().id())
        .await
        .unwrap()
        .unwrap();
    let (id, version) = (spoiled.id(), spoiled.version());
    records.update(KEYS, id, version, b"{").await.unwrap();
    assert_eq!(house.keys.revoke_all(&none).await.unwrap(), 0);
    assert_eq!(house.keys.revoke_all("ann").await.unwrap(), 1);
    assert_eq!(house.keys.list("bob").await.unwrap().len(), 1);
}

/// What limits a key is not lost when the application makes the principal anew.
#[tokio::test]
async fn a_principal_made_anew_came_by_the_key_all_the_same() {
    let house = House::new();
    let now = house.time.clock();
    let keys = house
        .keys
        .clone()
        .principal_by(move |principal: Principal, _| {
            let proof = Authentication::new(now.now())
                .with_issuer("https://id.example")
                .with_credential("another");
            let anew = Principal::new(principal.id(), proof).with_role("editor");
            let moved = principal.tenant() == Some("globex");
            std::future::ready(Ok(if moved {
                anew.with_tenant("acme")
            } else {
                anew
            }))
        });
    for tenant in ["acme", "globex"] {
        let ann = house.person("ann").with_tenant(tenant);
        let asked = NewApiKey::new("x").scopes(["a"]);
        let key = keys.create(&ann, &asked).await.unwrap();
        house.time.advance(DAY);
        let header = key.text().expose().as_bytes();
        let answer = house.send_to(keys.clone(), &[("x-api-key", header)]).await;
        let principal = answer.principal.unwrap();
        assert!(principal.has_role("editor"));
        assert_eq!(principal.tenant(), Some(tenant));
        assert_eq!(principal.scopes().unwrap().collect::<Vec<_>>(), ["a"]);
        let proof = principal.authentication();
        assert_eq!(proof.credential(), Some(key.key().id()));
        house.is_never_recent(&principal);
        assert_eq!(proof.issuer(), None);
        let made = keys.create(&principal, &asked).await;
        assert_eq!(status(made), StatusCode::FORBIDDEN);
    }
}
