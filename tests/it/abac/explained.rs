use super::*;
use portcullis::authz::abac::{Attributes, DenyKind, Outcome, Resource, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_denial_explains_itself_without_the_values_of_the_row() {
    let authz = authz();
    let who = principal("legal-department", &["manager"]);
    let mut row = document(17, "sales");
    row.labels.push("merger with Initech".to_owned());
    let (decision, explanation) = authz.explain(&who, "documents:write", &row, &context(&who));
    assert_eq!(decision.outcome(), &Outcome::Deny(DenyKind::NotPermitted));
    let text = explanation.to_string();
    assert_eq!(
        text,
        r#"documents:write of Document::"17": no policy permits it; permit "manage" fails at same department; forbid "secret" fails at is secret"#
    );
    let json = serde_json::to_value(&explanation).unwrap();
    let conditions = &json["candidates"][0]["conditions"];
    assert_eq!(
        conditions[0],
        serde_json::json!({"label": "is a manager", "holds": true})
    );
    assert_eq!(conditions[1]["holds"], false);
    let shown: Vec<_> = explanation
        .attributes
        .iter()
        .map(|(name, text)| (*name, &**text))
        .collect();
    assert_eq!(
        shown,
        [
            ("owner", "entity"),
            ("department", "\"sales\""),
            ("level", "long"),
            ("is_secret", "bool"),
            ("labels", "set"),
        ]
    );
    assert!(!json.to_string().contains("Initech"));

    let rejection = authz
        .check(&who, "documents:write", &row, &context(&who))
        .unwrap_err();
    assert_eq!(
        (rejection.status().as_u16(), rejection.code()),
        (403, "forbidden")
    );
    assert_eq!(rejection.reason(), Some(&*text));
    assert_eq!(rejection.subject(), Some("ann"));
}

/// Whoever is refused on purpose does not make all policies be judged again each time.
#[test]
fn a_refusal_tells_of_few_policies_and_of_those_that_decided() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut builder = policies();
    for number in 0..100 {
        let asked = Arc::clone(&asked);
        let policy = permit(format!("permit-{number}"), ["documents:read"]);
        builder = builder.policy(policy.when("never", move |_, _: &Document, _| {
            asked.fetch_add(1, Ordering::Relaxed);
            false
        }));
    }
    let authz = builder.build().unwrap();
    let who = principal("legal", &[]);
    let (context, mut row) = (context(&who), document(17, "sales"));
    let refuse = |row: &Document| {
        asked.store(0, Ordering::Relaxed);
        let refused = authz.check(&who, "documents:read", row, &context);
        let reason = refused.unwrap_err().reason().unwrap().to_owned();
        (reason, asked.load(Ordering::Relaxed))
    };
    let (reason, count) = refuse(&row);
    assert_eq!(reason.matches("; ").count(), 16, "{reason}");
    assert!((101..=116).contains(&count), "{count}");

    row.is_secret = true;
    let (reason, count) = refuse(&row);
    assert!(reason.ends_with(r#"; forbid "secret" holds"#), "{reason}");
    assert_eq!(count, 100);
    let (_, explanation) = authz.explain(&who, "documents:read", &row, &context);
    assert_eq!(explanation.candidates.len(), 103);
}

#[test]
fn structs_show_what_the_macro_says() {
    let mut row = document(7, "sales");
    row.folder = Some("f1".to_owned());
    assert_eq!((row.type_name(), &*row.id()), ("Document", "7"));
    assert_eq!(row.parents(), [EntityId::new("Folder", "f1")]);
    let schema = Document::schema();
    assert_eq!(schema.name(), "Document");
    assert_eq!(schema.parents().collect::<Vec<_>>(), ["Folder"]);
    let described: Vec<_> = schema
        .attributes()
        .iter()
        .map(|it| {
            (
                it.name(),
                format!("{:?}", it.kind()),
                it.is_required(),
                it.is_public(),
            )
        })
        .collect();
    let expected = [
        ("owner", r#"Entity("User")"#, true, false),
        ("department", "Text", true, true),
        ("level", "Long", true, false),
        ("is_secret", "Bool", true, false),
        ("folder", r#"Entity("Folder")"#, false, false),
        ("labels", "Set(Text)", true, false),
    ];
    let expected =
        expected.map(|(name, kind, required, public)| (name, kind.to_owned(), required, public));
    assert_eq!(described, expected);
    let Some(Value::Entity(owner)) = row.attribute("owner") else {
        panic!("the owner is an entity")
    };
    assert!(matches!(
        owner.attribute("department"),
        Some(Value::Text("sales"))
    ));
    row.folder = None;
    assert!(row.attribute("folder").is_none() && row.parents().is_empty());
    let mut seen = 0;
    row.visit(&mut |name, value| {
        seen += 1;
        assert_eq!(row.attribute(name).unwrap().kind(), value.kind());
    });
    assert_eq!(seen, 5);
    assert_eq!(
        format!("{:?}", row.attribute("department").unwrap()),
        "text"
    );
}
