//! Policies in the Cedar language: behind the index, and Cedar over all of them.
//!
//! Bars: with 10,000 policies of which one is about the request, at most 0.001 of Cedar's time
//! over the whole set; at most 2 times as long as with 10. A list of 1,000 documents under 100
//! policies: at most half of Cedar's `query_resource` (see `benches/peers`).

use crate::common::Race;
use cedar_policy::{
    Authorizer, Context as CedarContext, Decision, Entities, Entity, PolicySet, Request,
    RestrictedExpression,
};
use portcullis::authz::abac::{
    AttributeSchema, AttributeType, Authz, Context, TypeSchema, attributes,
};
use portcullis::authz::cedar::{AppSchema, CedarPolicies, CedarSource, OnError};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};
use std::collections::{HashMap, HashSet};
use std::hint::black_box;

const MANY: usize = 10_000;
const FEW: usize = 10;
const REQUESTS: usize = 1_024;

/// Each policy is about a type of its own, so one is about a request.
fn policies(count: usize) -> String {
    let policy = |number| {
        format!(
            "permit(principal, action == Action::\"read\", resource is T{number}) \
             when {{ principal.department == resource.owner.department }};\n"
        )
    };
    (0..count).map(policy).collect()
}

fn indexed(count: usize) -> CedarPolicies {
    CedarPolicies::builder()
        .insecure_without_schema()
        .text(policies(count))
        .build()
        .expect("the policies are right")
}

fn entity(name: &str, attributes: &[(&str, &str)]) -> Entity {
    let attributes: HashMap<_, _> = attributes
        .iter()
        .map(|(name, value)| {
            let value: RestrictedExpression = value.parse().expect("it is a value");
            ((*name).to_owned(), value)
        })
        .collect();
    Entity::new(
        name.parse().expect("it is a name"),
        attributes,
        HashSet::new(),
    )
    .expect("the values are right")
}

/// A request for the type of this number, allowed for every second.
fn case(number: usize) -> (Request, Entities) {
    let resource = format!("T{number}::\"1\"");
    let department = if number.is_multiple_of(2) {
        "\"sales\""
    } else {
        "\"legal\""
    };
    let entities = [
        entity("User::\"ann\"", &[("department", "\"sales\"")]),
        entity("User::\"bob\"", &[("department", department)]),
        entity(&resource, &[("owner", "User::\"bob\"")]),
    ];
    let name = |text: &str| text.parse().expect("it is a name");
    let request = Request::new(
        name("User::\"ann\""),
        name("Action::\"read\""),
        name(&resource),
        CedarContext::empty(),
        None,
    );
    (
        request.expect("there is no schema that it could break"),
        Entities::from_entities(entities, None).expect("each is there once"),
    )
}

/// In turn, so that not one bucket alone is warm.
fn cases(count: usize) -> Vec<(Request, Entities)> {
    let step = (count / REQUESTS).max(1);
    let cases = (0..count).step_by(step).take(REQUESTS).map(case);
    cases.collect()
}

pub(crate) fn index() {
    let ours = indexed(MANY);
    let whole: PolicySet = policies(MANY).parse().expect("the policies are right");
    let cases = cases(MANY);
    for (request, entities) in &cases {
        let answer = ours.decide(request, entities, OnError::Cedar);
        let department = entities.iter().any(|it| format!("{it}").contains("legal"));
        assert_eq!(answer.is_allowed(), !department);
    }
    let (mut turns, mut theirs) = (cases.iter().cycle(), cases.iter().cycle());
    let times = Race::new("cedar-10000")
        .operation("indexed", || {
            let (request, entities) = turns.next().expect("it goes round");
            ours.decide(black_box(request), entities, OnError::Cedar)
                .is_allowed()
        })
        .operation("whole-set", || {
            let (request, entities) = theirs.next().expect("it goes round");
            let response = Authorizer::new().is_authorized(black_box(request), &whole, entities);
            response.decision() == Decision::Allow
        })
        .run();
    times.ratio("cedar-10000", "indexed", "whole-set");
}

pub(crate) fn growth() {
    let (few, many) = (indexed(FEW), indexed(MANY));
    let (request, entities) = case(4);
    let times = Race::new("cedar-hot")
        .operation("10000-policies", || {
            many.decide(black_box(&request), &entities, OnError::Cedar)
                .is_allowed()
        })
        .operation("10-policies", || {
            few.decide(black_box(&request), &entities, OnError::Cedar)
                .is_allowed()
        })
        .run();
    times.ratio("cedar-hot-10000-to-10", "10000-policies", "10-policies");
}

struct Document {
    id: usize,
    department: String,
    level: i64,
}

attributes! {
    Document as "Document" {
        id = document => document.id.to_string();
        department: text;
        level: long;
    }
}

/// 100 policies, of which five are about reading documents.
fn list_policies() -> String {
    let mut text = String::new();
    for name in ["Document", "Invoice", "Contract", "Report", "Ticket"] {
        for action in ["read", "write", "share", "delete"] {
            for number in 0..5 {
                text += &format!(
                    "permit(principal, action == Action::\"items:{action}\", resource is {name}) \
                     when {{ principal.clearance >= resource.level && resource.department == \"d{number}\" }};\n"
                );
            }
        }
    }
    text
}

pub(crate) fn list() {
    let clearance = AttributeSchema::new("clearance", AttributeType::Long);
    let schema = AppSchema::builder()
        .principal(TypeSchema::new("User").attribute(clearance))
        .resource::<Document>("items", ["read"])
        .build()
        .expect("the types are right");
    let text = list_policies();
    let policies = CedarPolicies::builder()
        .insecure_without_schema()
        .text(&*text)
        .build()
        .expect("the policies are right");
    let authz = Authz::builder()
        .resource("items", ["read"])
        // Most of the policies are about types that are not declared here.
        .source(CedarSource::insecure_of_any_schema(policies, &schema))
        .build()
        .expect("the policies are right");
    let now = Timestamp::from_unix_seconds(1_795_428_000);
    let ann = Principal::new("ann", Authentication::new(now)).with_attribute("clearance", 3);
    let context = Context::new(now).of_principal(&ann);
    let rows: Vec<_> = (0..1_000)
        .map(|id| Document {
            id,
            department: format!("d{}", id % 20),
            level: (id % 7) as i64,
        })
        .collect();
    let whole: PolicySet = text.parse().expect("the policies are right");
    let cases: Vec<_> = rows.iter().map(of_row).collect();

    let ours = || {
        let visible = authz.visible::<Document>(&ann, "items:read", &context);
        rows.iter().filter(|row| visible.matches(row)).count()
    };
    let theirs = || {
        let is_allowed = |(request, entities): &&(Request, Entities)| {
            let response = Authorizer::new().is_authorized(request, &whole, entities);
            response.decision() == Decision::Allow
        };
        cases.iter().filter(is_allowed).count()
    };
    assert_eq!(ours(), theirs());
    let times = Race::new("cedar-list")
        .operation("visible", ours)
        .operation("whole-set", theirs)
        .run();
    times.ratio("cedar-list", "visible", "whole-set");
}

/// The same row as Cedar's entities, made beforehand.
fn of_row(row: &Document) -> (Request, Entities) {
    let resource = format!("Document::\"{}\"", row.id);
    let department = format!("\"{}\"", row.department);
    let level = row.level.to_string();
    let entities = [
        entity("User::\"ann\"", &[("clearance", "3")]),
        entity(
            &resource,
            &[("department", &*department), ("level", &*level)],
        ),
    ];
    let name = |text: &str| text.parse().expect("it is a name");
    let request = Request::new(
        name("User::\"ann\""),
        name("Action::\"items:read\""),
        name(&resource),
        CedarContext::empty(),
        None,
    );
    (
        request.expect("there is no schema that it could break"),
        Entities::from_entities(entities, None).expect("each is there once"),
    )
}
