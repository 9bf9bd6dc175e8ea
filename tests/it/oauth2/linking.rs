//! Which account an identity belongs to, also when many ask at once.

use super::NOW;
use crate::support::{CountedRecords, race};
use portcullis::authn::RequireRecent;
use portcullis::authn::oauth2::linking::{
    IdentityKey, Link, LinkError, LinkedAccount, Links, OtherLogin,
};
use portcullis::clock::{FakeClock, Timestamp};
use portcullis::event::{Emitter, RecentEvents};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::principal::{Assurance, Authentication, Principal};
use portcullis::store::Records;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: usize = 200;

fn links() -> Links {
    Links::new(Records::memory()).clock(FakeClock::at_unix_seconds(NOW).clock())
}

fn identity(subject: &str) -> IdentityKey {
    IdentityKey::new("https://id.example.com", subject).unwrap()
}

fn logged_in(account: &str, seconds_ago: u64) -> Principal {
    let time = Timestamp::from_unix_seconds(NOW - seconds_ago);
    Principal::new(account, Authentication::new(time))
}

async fn subjects(links: &Links, account: &str) -> HashSet<String> {
    let links = links.list(account).await.unwrap();
    let subject = |link: &Link| {
        assert_eq!(link.since().unix_seconds(), NOW);
        link.identity().subject().to_owned()
    };
    links.iter().map(subject).collect()
}

#[tokio::test]
async fn a_subject_of_another_issuer_is_somebody_else() {
    let links = links();
    let ann = links.find_or_create(&identity("17")).await.unwrap();
    assert!(ann.is_new());
    for (name, issuer, subject) in [
        ("another issuer", "https://id.example.net", "17"),
        ("another subject", "https://id.example.com", "1"),
        ("a slash more", "https://id.example.com/", "17"),
        ("another case", "https://ID.example.com", "17"),
        ("the border moved", "https://id.example.com1", "7"),
        ("a space", "https://id.example.com", "17 "),
    ] {
        let other = IdentityKey::new(issuer, subject).unwrap();
        assert!(links.find(&other).await.unwrap().is_none(), "{name}");
        let other = links.find_or_create(&other).await.unwrap();
        assert!(other.is_new(), "{name}");
        assert_ne!(other.id(), ann.id(), "{name}");
    }
    let again = links.find_or_create(&identity("17")).await.unwrap();
    assert_eq!((again.id(), again.is_new()), (ann.id(), false));
}

#[tokio::test]
async fn only_who_logged_in_just_now_changes_identities() {
    let plain = links();
    let strong = RequireRecent::within(Duration::from_secs(60)).at_least(Assurance::Aal2);
    let clock = FakeClock::at_unix_seconds(NOW).clock();
    let strict = links().reauthentication(strong).clock(clock);
    let at_aal2 = |seconds_ago| {
        let time = Timestamp::from_unix_seconds(NOW - seconds_ago);
        Principal::new(
            "ann",
            Authentication::new(time).with_assurance(Assurance::Aal2),
        )
    };
    for (name, links, principal, expected) in [
        ("just now", &plain, logged_in("ann", 0), true),
        ("five minutes ago", &plain, logged_in("ann", 300), true),
        ("longer ago", &plain, logged_in("ann", 301), false),
        ("at no time", &plain, logged_in("ann", NOW), false),
        ("too weak", &strict, logged_in("ann", 0), false),
        ("too old", &strict, at_aal2(61), false),
        ("both", &strict, at_aal2(60), true),
    ] {
        let work = identity("work");
        let linked = links.link(&principal, &work).await;
        assert_eq!(linked.is_ok(), expected, "{name}");
        let is_linked = links.find(&work).await.unwrap().is_some();
        assert_eq!(is_linked, expected, "{name}");
        let unlinked = links.unlink(&principal, &work, OtherLogin::Some).await;
        assert_eq!(unlinked.is_ok(), expected, "{name}");
        if let Err(error) = linked {
            let rejection = Rejection::from(error);
            assert_eq!(rejection.kind(), RejectionKind::StepUpRequired, "{name}");
            assert!(rejection.members().contains_key("max_age"), "{name}");
        }
    }
}

#[tokio::test]
async fn the_last_way_to_log_in_stays() {
    let links = links();
    let ann = links.find_or_create(&identity("work")).await.unwrap();
    let now = logged_in(ann.id(), 0);
    let unlinked = links
        .unlink(&now, &identity("work"), OtherLogin::None)
        .await;
    assert!(matches!(unlinked, Err(LinkError::LastLogin)));
    links.link(&now, &identity("home")).await.unwrap();
    links.link(&now, &identity("home")).await.unwrap();
    links
        .unlink(&now, &identity("work"), OtherLogin::None)
        .await
        .unwrap();
    assert_eq!(
        subjects(&links, ann.id()).await,
        HashSet::from(["home".to_owned()])
    );
    let unlinked = links
        .unlink(&now, &identity("home"), OtherLogin::None)
        .await;
    assert!(matches!(unlinked, Err(LinkError::LastLogin)));
    // With a password, it may go.
    links
        .unlink(&now, &identity("home"), OtherLogin::Some)
        .await
        .unwrap();
    assert!(subjects(&links, ann.id()).await.is_empty());
    let unlinked = links
        .unlink(&now, &identity("home"), OtherLogin::Some)
        .await;
    assert!(matches!(unlinked, Err(LinkError::NotLinked)));
}

#[tokio::test]
async fn nobody_takes_or_removes_what_is_anothers() {
    let links = links();
    let ann = links.find_or_create(&identity("ann")).await.unwrap();
    let bob = logged_in("bob", 0);
    let taken = links.link(&bob, &identity("ann")).await;
    assert!(matches!(taken, Err(LinkError::LinkedElsewhere)));
    let removed = links.unlink(&bob, &identity("ann"), OtherLogin::Some).await;
    assert!(matches!(removed, Err(LinkError::NotLinked)));
    let made = links.create(&identity("new"), ann.id()).await;
    assert!(
        matches!(made, Err(LinkError::NotNew)),
        "not by the back door"
    );
    let found = links.create(&identity("ann"), "bob").await.unwrap();
    assert_eq!((found.id(), found.is_new()), (ann.id(), false));
    assert_eq!(
        links.find(&identity("ann")).await.unwrap().as_deref(),
        Some(ann.id())
    );
}

#[tokio::test]
async fn an_account_has_sixteen_identities_and_loses_all_when_it_goes() {
    let links = links();
    let now = logged_in("ann", 0);
    for number in 0..16 {
        links
            .link(&now, &identity(&number.to_string()))
            .await
            .unwrap();
    }
    let more = links.link(&now, &identity("one more")).await;
    assert!(matches!(more, Err(LinkError::TooMany)));
    assert_eq!(subjects(&links, "ann").await.len(), 16);
    links
        .link(&logged_in("bob", 0), &identity("bob"))
        .await
        .unwrap();

    links.forget("ann").await.unwrap();
    links.forget("ann").await.unwrap();
    assert!(subjects(&links, "ann").await.is_empty());
    assert!(links.find(&identity("3")).await.unwrap().is_none());
    assert_eq!(subjects(&links, "bob").await.len(), 1);
    assert!(links.find_or_create(&identity("3")).await.unwrap().is_new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_logins_at_once_one_account_comes() {
    let links = links();
    for round in 0..ROUNDS {
        let found = race(4, |_| {
            let (links, identity) = (links.clone(), identity(&round.to_string()));
            async move { links.find_or_create(&identity).await.unwrap() }
        })
        .await;
        let ids: HashSet<_> = found.iter().map(LinkedAccount::id).collect();
        assert_eq!(ids.len(), 1, "round {round}");
        assert_eq!(
            found.iter().filter(|it| it.is_new()).count(),
            1,
            "round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_identity_that_many_link_at_once_belongs_to_one() {
    let links = links();
    for round in 0..ROUNDS {
        let linked = race(4, |number| {
            let (links, identity) = (links.clone(), identity(&round.to_string()));
            let principal = logged_in(&format!("{round}-{number}"), 0);
            async move { (number, links.link(&principal, &identity).await.is_ok()) }
        })
        .await;
        let won = linked.iter().filter(|(_, is_linked)| *is_linked);
        let winners: Vec<_> = won.map(|(number, _)| *number).collect();
        let owner = links
            .find(&identity(&round.to_string()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(*owner, format!("{round}-{}", winners[0]), "round {round}");
        for number in 0..4 {
            let count = usize::from(winners.contains(&number));
            let account = format!("{round}-{number}");
            assert_eq!(
                subjects(&links, &account).await.len(),
                count,
                "round {round}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_identities_removed_at_once_one_stays() {
    let links = links();
    for round in 0..ROUNDS {
        let account = format!("account-{round}");
        let name = |number: usize| identity(&format!("{round}-{number}"));
        for number in 0..4 {
            links
                .link(&logged_in(&account, 0), &name(number))
                .await
                .unwrap();
        }
        let removed = race(4, |number| {
            let (links, identity) = (links.clone(), name(number));
            let principal = logged_in(&account, 0);
            async move {
                let unlinked = links.unlink(&principal, &identity, OtherLogin::None).await;
                match unlinked {
                    Ok(()) => true,
                    Err(LinkError::LastLogin) => false,
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await;
        assert_eq!(removed.iter().filter(|it| **it).count(), 3, "round {round}");
        assert_eq!(subjects(&links, &account).await.len(), 1, "round {round}");
    }
}

#[tokio::test]
async fn while_the_records_are_down_nobody_is_somebody() {
    let counted = CountedRecords::default();
    let links = Links::new(Records::new(counted.clone()));
    links.find_or_create(&identity("ann")).await.unwrap();
    counted.set_down(true);
    let error = links.find_or_create(&identity("ann")).await.unwrap_err();
    assert_eq!(Rejection::from(error).kind(), RejectionKind::Unavailable);
    let error = links.find_or_create(&identity("bob")).await.unwrap_err();
    assert_eq!(Rejection::from(error).kind(), RejectionKind::Unavailable);
    counted.set_down(false);
    assert!(
        !links
            .find_or_create(&identity("ann"))
            .await
            .unwrap()
            .is_new()
    );
}

#[tokio::test]
async fn what_comes_and_goes_is_told() {
    let events = Arc::new(RecentEvents::new(16));
    let clock = FakeClock::at_unix_seconds(NOW).clock();
    let links = links().emitter(Emitter::new(events.clone(), clock));
    let ann = links.find_or_create(&identity("work")).await.unwrap();
    let now = logged_in(ann.id(), 0);
    links.link(&now, &identity("home")).await.unwrap();
    links.link(&now, &identity("home")).await.unwrap();
    links
        .unlink(&now, &identity("work"), OtherLogin::None)
        .await
        .unwrap();
    let told = events.snapshot();
    let told: Vec<_> = told
        .iter()
        .map(|it| (it.code().unwrap(), it.subject().unwrap()))
        .collect();
    // The last one first.
    let expected = [
        "identity_unlinked",
        "identity_linked",
        "identity_account_created",
    ];
    assert_eq!(told, expected.map(|code| (code, ann.id())));
}
