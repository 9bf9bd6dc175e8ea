//! Policies replaced while requests run.

use super::load::SCHEMA;
use cedar_policy::{Context, Entities, Request};
use portcullis::authz::cedar::{CedarPolicies, LivePolicies, LoadError, OnError, PolicyFolder};
use std::fs;
use std::sync::Mutex;
use std::thread;

const RELOADS: usize = 1_000;
const THREADS: usize = 8;

/// In version n two policies decide, both of which carry n; even versions permit.
fn version(number: usize) -> String {
    let effect = if number.is_multiple_of(2) {
        "permit"
    } else {
        "forbid"
    };
    format!(
        "@id(\"first-{number}\") {effect}(principal, action, resource);
         @id(\"second-{number}\") {effect}(principal is User, action, resource);"
    )
}

fn request(policies: &CedarPolicies) -> Request {
    Request::new(
        r#"User::"ann""#.parse().unwrap(),
        r#"Action::"read""#.parse().unwrap(),
        r#"Document::"plan""#.parse().unwrap(),
        Context::from_json_str(r#"{"mfa": true}"#, None).unwrap(),
        policies.schema(),
    )
    .unwrap()
}

/// Each thread decides some requests, then waits for its turn to reload, and so on.
#[test]
fn each_decision_is_of_one_version() {
    const DECISIONS: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "app.cedarschema",
        "entity User; entity Document;
         action read appliesTo { principal: User, resource: Document, context: { mfa: Bool } };",
    );
    write("all.cedar", &version(0));
    let live = LivePolicies::from_folder(PolicyFolder::new(folder.path())).unwrap();
    let request = request(&live.current());
    let reloads = Mutex::new(0);

    let decide = |newest: usize| {
        let policies = live.current();
        let answer = policies.decide(&request, &Entities::empty(), OnError::Deny);
        let mut numbers = answer.reasons().map(|id| {
            let id = id.to_string();
            let (_, number) = id.split_once('-').unwrap();
            number.parse::<usize>().unwrap()
        });
        assert_eq!(numbers.len(), 2);
        let number = numbers.next().unwrap();
        assert_eq!(numbers.next(), Some(number));
        assert_eq!(answer.is_allowed(), number.is_multiple_of(2));
        assert_eq!(answer.version(), policies.version());
        assert!(number >= newest, "{number} after {newest}");
        number
    };
    let reload = |number: usize| {
        write("all.cedar", &version(number));
        // Every tenth is tried wrong first.
        if number.is_multiple_of(10) {
            write(
                "wrong.cedar",
                "permit(principal, action, resource) when { principal.nobody };",
            );
            assert!(matches!(live.reload(), Err(LoadError::Invalid(_))));
            fs::remove_file(folder.path().join("wrong.cedar")).unwrap();
        }
        assert!(live.reload_if_changed().is_none(), "{number}");
        assert!(matches!(live.reload_if_changed(), Some(Ok(_))), "{number}");
    };
    let run = || {
        let (mut newest, mut decisions) = (0, 0);
        loop {
            for _ in 0..DECISIONS {
                newest = decide(newest);
                decisions += 1;
            }
            let mut reloads = reloads.lock().unwrap();
            if *reloads == RELOADS {
                return decisions;
            }
            *reloads += 1;
            reload(*reloads);
        }
    };
    let decisions: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(decisions, (RELOADS + THREADS) * DECISIONS);
    assert_eq!(decide(0), RELOADS);
}

#[test]
fn what_is_wrong_is_told_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("app.cedarschema"), SCHEMA).unwrap();
    fs::write(path("all.cedar"), version(0)).unwrap();
    let live = LivePolicies::from_folder(PolicyFolder::new(folder.path())).unwrap();
    let first = live.current().version().clone();
    assert!(live.reload_if_changed().is_none());

    for wrong in [
        "permit(",
        "permit(principal, action, resource) when { resource.x };",
        "",
    ] {
        fs::write(path("all.cedar"), wrong).unwrap();
        assert!(live.reload_if_changed().is_none(), "half written: {wrong}");
        assert!(matches!(live.reload_if_changed(), Some(Err(_))), "{wrong}");
        assert!(live.reload_if_changed().is_none(), "told once: {wrong}");
        assert!(live.reload().is_err(), "told again to who asks: {wrong}");
        assert_eq!(live.current().version(), &first);
        let policies = live.current();
        let answer = policies.decide(&request(&policies), &Entities::empty(), OnError::Deny);
        assert!(answer.is_allowed());
    }

    fs::remove_file(path("all.cedar")).unwrap();
    assert!(live.reload_if_changed().is_none());
    assert!(matches!(
        live.reload_if_changed(),
        Some(Err(LoadError::Empty(_)))
    ));
    fs::write(path("all.cedar"), version(1)).unwrap();
    assert!(live.reload_if_changed().is_none());
    let second = live.reload_if_changed().unwrap().unwrap();
    assert_ne!(second, first);
    assert_eq!(live.current().version(), &second);
}

#[test]
fn what_is_half_written_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let forbid = "forbid(principal, action, resource);\n";
    fs::write(path("app.cedarschema"), SCHEMA).unwrap();
    fs::write(path("all.cedar"), format!("{}{forbid}", version(0))).unwrap();
    let live = LivePolicies::from_folder(PolicyFolder::new(folder.path())).unwrap();
    let first = live.current().version().clone();

    // Valid at each moment, and without the forbid until the end.
    for number in 1..5 {
        fs::write(path("all.cedar"), version(number)).unwrap();
        assert!(live.reload_if_changed().is_none(), "{number}");
    }
    let whole = format!("{}{forbid}", version(5));
    fs::write(path("all.cedar"), whole).unwrap();
    assert!(live.reload_if_changed().is_none());
    assert_eq!(live.current().version(), &first);
    let taken = live.reload_if_changed().unwrap().unwrap();
    assert_eq!(live.current().version(), &taken);
    assert!(live.reload_if_changed().is_none(), "once");

    // What becomes again what it was is nothing new.
    fs::write(path("all.cedar"), version(6)).unwrap();
    assert!(live.reload_if_changed().is_none());
    let whole = format!("{}{forbid}", version(5));
    fs::write(path("all.cedar"), whole).unwrap();
    assert!(live.reload_if_changed().is_none());
    assert!(live.reload_if_changed().is_none());
    assert_eq!(live.current().version(), &taken);
}

#[test]
fn policies_of_no_folder_are_replaced_by_hand() {
    let policies = |number| {
        let builder = CedarPolicies::builder().schema(SCHEMA);
        builder.text(version(number)).build().unwrap()
    };
    let live = LivePolicies::new(policies(0));
    assert!(live.reload_if_changed().is_none());
    assert!(matches!(live.reload(), Err(LoadError::NoFolder)));
    let old = live.replace(policies(1)).unwrap();
    assert_eq!(&old, policies(0).version());
    assert_eq!(live.current().version(), policies(1).version());
}
