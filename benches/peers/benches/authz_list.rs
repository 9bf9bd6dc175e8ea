//! "What may I see": 1,000 documents under 100 policies, beside Cedar's own `query_resource`.
//!
//! Bar: at most 0.5 of its time. Ours starts from the rows of the application each time; Cedar
//! is given its entities ready.

use cedar_policy::{
    Context as CedarContext, Entities, Entity, EntityUid, PolicySet, ResourceQueryRequest,
    RestrictedExpression, Schema,
};
use portcullis::authz::abac::{
    AttributeSchema, AttributeType, Authz, Context, TypeSchema, attributes,
};
use portcullis::authz::cedar::{AppSchema, CedarPolicies, CedarSource};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};
use std::collections::{HashMap, HashSet};
use std::hint::black_box;

#[path = "../../common/mod.rs"]
mod common;

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

/// One for each of 100 departments: there are documents of 20 of them.
fn policies() -> String {
    let policy = |number| {
        format!(
            "permit(principal, action == Action::\"documents:read\", resource is Document) \
             when {{ principal.clearance >= resource.level && resource.department == \"d{number}\" }};\n"
        )
    };
    (0..20).map(policy).chain((0..80).map(other)).collect()
}

/// Policies about something else, as most are.
fn other(number: usize) -> String {
    let action = ["write", "share", "delete", "print"][number % 4];
    format!(
        "permit(principal, action == Action::\"documents:{action}\", resource is Document) \
         when {{ principal.clearance >= resource.level && resource.department == \"d{number}\" }};\n"
    )
}

fn schema() -> AppSchema {
    let clearance = AttributeSchema::new("clearance", AttributeType::Long);
    AppSchema::builder()
        .principal(TypeSchema::new("User").attribute(clearance))
        .resource::<Document>("documents", ["read", "write", "share", "delete", "print"])
        .build()
        .expect("the types are right")
}

fn uid(text: &str) -> EntityUid {
    text.parse().expect("it is a name")
}

fn entity(name: &str, attributes: &[(&str, String)]) -> Entity {
    let attributes: HashMap<_, _> = attributes
        .iter()
        .map(|(name, value)| {
            let value: RestrictedExpression = value.parse().expect("it is a value");
            ((*name).to_owned(), value)
        })
        .collect();
    Entity::new(uid(name), attributes, HashSet::new()).expect("the values are right")
}

fn main() {
    let schema = schema();
    let rows: Vec<_> = (0..1_000)
        .map(|id| Document {
            id,
            department: format!("d{}", id % 40),
            level: (id % 7) as i64,
        })
        .collect();

    let texts = CedarPolicies::builder()
        .schema(schema.to_string())
        .text(policies())
        .build()
        .expect("the policies are right");
    let authz = Authz::builder()
        .resource("documents", ["read"])
        .source(CedarSource::new(texts, &schema).expect("the schema is the same"))
        .build()
        .expect("the policies are right");
    let now = Timestamp::from_unix_seconds(1_795_428_000);
    let ann = Principal::new("ann", Authentication::new(now)).with_attribute("clearance", 3);
    let context = Context::new(now).of_principal(&ann);
    let ours = || {
        let visible = authz.visible::<Document>(&ann, "documents:read", &context);
        rows.iter().filter(|row| visible.matches(row)).count()
    };

    let whole: PolicySet = policies().parse().expect("the policies are right");
    let (read, _) = Schema::from_cedarschema_str(&schema.to_string()).expect("it is a schema");
    let own = [("clearance", "3".to_owned()), ("id", "\"ann\"".to_owned())];
    let documents = rows.iter().map(|row| {
        let department = format!("\"{}\"", row.department);
        let attributes = [("department", department), ("level", row.level.to_string())];
        entity(&format!("Document::\"{}\"", row.id), &attributes)
    });
    let entities = documents.chain([entity("User::\"ann\"", &own)]);
    let entities = Entities::from_entities(entities, Some(&read)).expect("each is there once");
    let known = [
        ("time", "datetime(\"2026-11-23\")"),
        ("hour", "10"),
        ("weekday", "1"),
    ];
    let known = known.map(|(name, value)| (name.to_owned(), value.parse().expect("it is a value")));
    let known = CedarContext::from_pairs(known).expect("each is there once");
    let theirs = || {
        let query = ResourceQueryRequest::new(
            uid("User::\"ann\""),
            uid("Action::\"documents:read\""),
            "Document".parse().expect("it is a type"),
            known.clone(),
            &read,
        );
        let query = query.expect("it fits the schema");
        let found = whole.query_resource(black_box(&query), &entities, &read);
        found.expect("it can be asked").count()
    };
    assert_eq!(ours(), theirs());
    let times = common::Race::new("authz-list")
        .operation("visible", ours)
        .operation("query_resource", theirs)
        .run();
    times.ratio("authz-list", "visible", "query_resource");
}
