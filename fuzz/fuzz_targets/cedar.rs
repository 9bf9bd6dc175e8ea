//! Any policies, schema, entities and request: nothing panics, and the index finds what Cedar
//! finds over the whole set.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::authz::cedar::{Cases, CedarPolicies};
use serde_json::{Value, json};

fuzz_target!(|input: (&str, Option<&str>, &str, &str, [(&str, &str); 3])| {
    let (policies, schema, entities, context, names) = input;
    let [principal, action, resource] =
        names.map(|(type_name, id)| json!({"type": type_name, "id": id}));
    let answer = |engine: &str| -> Option<Value> {
        let cases = json!({
            "engine": engine,
            "policies": policies,
            "schema": schema,
            "entities": entities,
            "requests": [
                {"principal": principal, "action": action, "resource": resource, "context": context},
                {"principal": principal, "action": action, "resource": resource, "context": {},
                 "validateRequest": false},
            ],
        });
        let cases: Cases = serde_json::from_value(cases).ok()?;
        serde_json::to_value(cases.decide().ok()?).ok()
    };
    assert_eq!(answer("indexed"), answer("cedar"));

    // An error says where; policies that are taken have a version.
    let builder = CedarPolicies::builder().file("a.cedar", policies);
    let builder = match schema {
        Some(schema) => builder.schema(schema),
        None => builder.insecure_without_schema(),
    };
    match builder.build() {
        Ok(policies) => assert_eq!(policies.version().as_str().len(), 32),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
