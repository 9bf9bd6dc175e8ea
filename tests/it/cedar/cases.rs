//! Policies, entities and requests as text, in the words of Cedar's own conformance tests.

use portcullis::authz::cedar::{Cases, LoadError};
use serde_json::{Value, json};

fn decide(record: Value) -> Result<Value, LoadError> {
    let cases: Cases = serde_json::from_value(record).unwrap();
    Ok(serde_json::to_value(cases.decide()?).unwrap())
}

const SCHEMA: &str = r#"
    entity Team;
    entity User in [Team] { address: ipaddr };
    entity Document { owner: User, price?: decimal };
    action write;
    action edit in [write] appliesTo {
        principal: User, resource: Document, context: { from: ipaddr, by?: User }
    };
"#;

fn record(engine: &str) -> Value {
    json!({
        "id": "anything",
        "engine": engine,
        "schema": SCHEMA,
        "policies": r#"
            permit(principal in Team::"staff", action in Action::"write", resource);
            @id("not the name here")
            forbid(principal, action, resource) when { resource.price.lessThan(decimal("1.0")) };
            permit(principal == ?principal, action, resource);
            forbid(principal, action, resource) unless { context.from.isInRange(ip("10.0.0.0/8")) };
        "#,
        "entities": [
            {"uid": {"type": "User", "id": "ann"}, "attrs": {"address": "10.0.0.1"},
             "parents": [{"type": "Team", "id": "staff"}]},
            {"uid": {"type": "User", "id": "bob"}, "attrs": {"address": "10.0.0.2"}, "parents": []},
            {"uid": {"type": "Team", "id": "staff"}, "attrs": {}, "parents": []},
            {"uid": {"type": "Document", "id": "cheap"},
             "attrs": {"owner": {"type": "User", "id": "ann"}, "price": "0.5"}, "parents": []},
            {"uid": {"type": "Document", "id": "dear"},
             "attrs": {"owner": {"type": "User", "id": "ann"}, "price": "5.0"}, "parents": []},
            {"uid": {"type": "Document", "id": "free"},
             "attrs": {"owner": {"type": "User", "id": "ann"}}, "parents": []},
        ],
        "requests": [
            {"description": "allowed", "decision": "allow",
             "principal": {"type": "User", "id": "ann"}, "action": {"type": "Action", "id": "edit"},
             "resource": {"type": "Document", "id": "dear"}, "context": {"from": "10.1.2.3"}},
            {"principal": {"__entity": {"type": "User", "id": "ann"}}, "action": "Action::\"edit\"",
             "resource": "Document::\"cheap\"", "context": {"from": {"__extn": {"fn": "ip", "arg": "10.1.2.3"}}}},
            {"principal": "User::\"ann\"", "action": "Action::\"edit\"",
             "resource": "Document::\"free\"", "context": "{\"from\": \"10.1.2.3\"}"},
            {"principal": "User::\"bob\"", "action": "Action::\"edit\"",
             "resource": "Document::\"dear\"", "context": {"from": "10.1.2.3"}},
            {"principal": "User::\"ann\"", "action": "Action::\"edit\"",
             "resource": "Document::\"dear\"", "context": {"from": "192.0.2.1"}},
            {"principal": "Team::\"staff\"", "action": "Action::\"edit\"", "validateRequest": false,
             "resource": "Document::\"dear\"", "context": {"from": "10.1.2.3"}},
            {"principal": "Team::\"staff\"", "action": "Action::\"edit\"",
             "resource": "Document::\"dear\"", "context": {"from": "10.1.2.3"}},
            {"principal": "User::\"ann\"", "action": "Action::\"edit\"",
             "resource": "Document::\"dear\"", "context": {}},
        ],
    })
}

#[test]
fn both_engines_answer_as_the_language_says() {
    for engine in ["cedar", "indexed"] {
        let answer = decide(record(engine)).unwrap();
        assert_eq!(answer["validates"], json!(false), "`price` may be missing");
        let results = answer["results"].as_array().unwrap();
        for (at, expected) in [
            (
                0,
                json!({"decision": "allow", "reason": ["policy0"], "errors": []}),
            ),
            (
                1,
                json!({"decision": "deny", "reason": ["policy1"], "errors": []}),
            ),
            // Cedar leaves out the forbid that it cannot evaluate.
            (
                2,
                json!({"decision": "allow", "reason": ["policy0"], "errors": ["policy1"]}),
            ),
            (3, json!({"decision": "deny", "reason": [], "errors": []})),
            (
                4,
                json!({"decision": "deny", "reason": ["policy3"], "errors": []}),
            ),
            (
                5,
                json!({"decision": "allow", "reason": ["policy0"], "errors": []}),
            ),
        ] {
            assert_eq!(results[at], expected, "{engine}: {at}");
        }
        for invalid in &results[6..] {
            assert_eq!(invalid["decision"], "deny");
            assert!(invalid["invalid"].is_string(), "{invalid}");
        }
        assert_eq!(results.len(), 8);
    }
}

#[test]
fn without_a_schema_nothing_is_checked_against_one() {
    let mut record = record("indexed");
    record["schema"] = Value::Null;
    record["entities"] = json!(r#"[{"uid": "User::\"ann\"", "attrs": {}, "parents": []}]"#);
    let error = decide(record.clone()).unwrap_err();
    assert!(matches!(error, LoadError::Entities(_)), "{error}");
    record["entities"] = json!([]);
    record["requests"] =
        json!([{"principal": "A::\"b\"", "action": "B::\"c\"", "resource": "C::\"d\""}]);
    let answer = decide(record).unwrap();
    assert_eq!(answer["validates"], Value::Null);
    assert_eq!(
        answer["results"],
        json!([{"decision": "deny", "reason": [], "errors": ["policy1", "policy3"]}])
    );
}

#[test]
fn a_schema_in_json_is_one_too() {
    let mut record = record("indexed");
    let schema = json!({"": {
        "entityTypes": {"User": {}, "Document": {}},
        "actions": {"edit": {"appliesTo": {"principalTypes": ["User"], "resourceTypes": ["Document"]}}},
    }});
    record["policies"] = json!("permit(principal, action, resource);");
    record["entities"] = json!([]);
    record["requests"] = json!([
        {"principal": "User::\"b\"", "action": "Action::\"edit\"", "resource": "Document::\"d\"", "context": {}},
    ]);
    for schema in [schema.clone(), json!(schema.to_string())] {
        record["schema"] = schema;
        let answer = decide(record.clone()).unwrap();
        assert_eq!(answer["validates"], true);
        assert_eq!(answer["results"][0]["decision"], "allow");
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for (name, field, value) in [
        ("policies", "policies", json!("permit(")),
        ("schema", "schema", json!("entity")),
        ("entities", "entities", json!([{"uid": 1}])),
        ("deep", "policies", json!("(".repeat(100_000))),
    ] {
        let mut record = record("indexed");
        record[field] = value;
        assert!(decide(record).is_err(), "{name}");
    }
}
