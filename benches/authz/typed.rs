//! Policies as Rust code, beside closures that somebody has written and put into a map.
//!
//! Bar: at most 4 times as long as closures in maps by action and type, however many there are.

use crate::common::Race;
use portcullis::authz::abac::{Authz, Context, attributes, permit};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};
use std::collections::HashMap;
use std::hint::black_box;

const ACTIONS: [&str; 4] = ["read", "write", "share", "delete"];
const REQUESTS: usize = 1_024;

struct User {
    id: String,
    department: String,
}

attributes! {
    User as "User" {
        id = user => &*user.id;
        department: text;
    }
}

struct Document {
    id: u64,
    owner: User,
}

attributes! {
    Document as "Document" {
        id = document => document.id.to_string();
        owner: entity "User";
    }
}

/// What somebody would write: all that permits, by action and type.
type ByHand = HashMap<String, HashMap<&'static str, Vec<Rule>>>;
type Rule = Box<dyn Fn(&Principal, &Document, &Context) -> bool>;

fn same_department(who: &Principal, document: &Document) -> bool {
    who.attribute_is("department", &document.owner.department)
}

fn action(number: usize) -> String {
    let action = ACTIONS.iter().cycle().nth(number % ACTIONS.len());
    let action = action.expect("there are some");
    format!("kind-{}:{action}", number / ACTIONS.len())
}

fn ours(count: usize) -> Authz {
    let kinds = 0..count.div_ceil(ACTIONS.len());
    let builder = kinds.fold(Authz::builder(), |builder, kind| {
        builder.resource(&format!("kind-{kind}"), ACTIONS)
    });
    let policies = (0..count).map(|number| {
        permit(number.to_string(), [&*action(number)]).when(
            "same department",
            |who: &Principal, document: &Document, _: &Context| same_department(who, document),
        )
    });
    let builder = policies.fold(builder, portcullis::authz::abac::AuthzBuilder::policy);
    builder.build().expect("the policies are right")
}

fn by_hand(count: usize) -> ByHand {
    let mut rules = ByHand::new();
    for number in 0..count {
        let by_type = rules.entry(action(number)).or_default();
        let rule: Rule = Box::new(|who, document, _| same_department(who, document));
        by_type.entry("Document").or_default().push(rule);
    }
    rules
}

/// A question: every second is allowed.
struct Asked {
    who: Principal,
    action: String,
    document: Document,
}

fn requests(count: usize, now: Timestamp) -> Vec<Asked> {
    let asked = |number: usize| {
        let department = format!("department-{}", number % 40);
        let theirs = if number.is_multiple_of(2) {
            &*department
        } else {
            "elsewhere"
        };
        Asked {
            who: Principal::new("ann", Authentication::new(now))
                .with_attribute("department", theirs),
            action: action(number * 7_919 % count),
            document: Document {
                id: number as u64,
                owner: User {
                    id: "owner".to_owned(),
                    department,
                },
            },
        }
    };
    (0..REQUESTS).map(asked).collect()
}

pub(crate) fn decisions() {
    race("typed-10", 10);
    race("typed-10000", 10_000);
}

fn race(title: &'static str, count: usize) {
    let now = Timestamp::from_unix_seconds(1_795_428_000);
    let context = Context::new(now);
    let (ours, by_hand, requests) = (ours(count), by_hand(count), requests(count, now));
    let decide = |asked: &Asked| {
        let decision = ours.decide(&asked.who, &asked.action, &asked.document, &context);
        decision.is_allow()
    };
    let look_up = |asked: &Asked| {
        let rules = by_hand
            .get(&*asked.action)
            .and_then(|it| it.get("Document"));
        rules.is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| rule(&asked.who, &asked.document, &context))
        })
    };
    assert!(requests.iter().all(|asked| decide(asked) == look_up(asked)));
    let in_turn = || requests.iter().cycle();
    let (mut first, mut second) = (in_turn(), in_turn());
    let times = Race::new(title)
        .operation("policies", move || {
            first.next().map(|asked| decide(black_box(asked)))
        })
        .operation("closures", move || {
            second.next().map(|asked| look_up(black_box(asked)))
        })
        .run();
    times.ratio(title, "policies", "closures");
}
