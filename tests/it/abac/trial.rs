use super::*;
use portcullis::authz::abac::trial::{AskError, Cases, Failure, PolicyTrial, Question};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    id: String,
    department: String,
    #[serde(default)]
    is_secret: bool,
}

attributes! {
    Page as "Page" {
        id = page => &*page.id;
        department: text;
        is_secret: bool;
    }
}

fn trial() -> PolicyTrial {
    let authz = Authz::builder()
        .resource("pages", ["read", "write"])
        .policy(
            permit("read", ["pages:read"]).when("same department", |who, page: &Page, _| {
                who.attribute_is("department", &page.department)
            }),
        )
        .policy(forbid("secret", ["pages:*"]).when("is secret", |_, page: &Page, _| page.is_secret))
        .policy(
            permit("write", ["pages:write"])
                .given("is a manager", |who, _| who.has_role("manager"))
                .when("same department", |who, page: &Page, _| {
                    who.attribute_is("department", &page.department)
                }),
        )
        .build()
        .unwrap();
    PolicyTrial::new(authz).resource::<Page>()
}

const CASES: &str = r#"
[[case]]
name = "own"
principal = { id = "ann", attributes = { department = "sales" } }
action = "pages:read"
resource = { type = "Page", id = "1", department = "sales" }
expect = "allow"
reasons = ["read"]

[[case]]
name = "not own"
principal = { id = "ann", attributes = { department = "legal" } }
action = "pages:read"
resource = { type = "Page", id = "1", department = "sales" }
expect = "not_permitted"

[[case]]
name = "wrongly expected"
principal = { id = "ann", attributes = { department = "sales" } }
action = "pages:read"
resource = { type = "Page", id = "1", department = "sales" }
expect = "forbidden"

[[case]]
name = "for another reason"
principal = { id = "ann", attributes = { department = "sales" } }
action = "pages:read"
resource = { type = "Page", id = "1", department = "sales" }
expect = "allow"
reasons = ["read", "write"]

[[case]]
name = "no such field"
principal = { id = "ann" }
action = "pages:read"
resource = { type = "Page", id = "1", departement = "sales" }
expect = "allow"
"#;

#[test]
fn a_report_names_what_failed_and_what_was_not_tried() {
    let report = trial().run(&Cases::parse(CASES).unwrap());
    assert!(!report.is_success());
    assert_eq!(report.cases, 5);
    let failed: Vec<_> = report
        .failures
        .iter()
        .map(|Failure { name, line, .. }| (&**name, *line))
        .collect();
    let expected = [
        ("wrongly expected", 17),
        ("for another reason", 24),
        ("no such field", 32),
    ];
    assert_eq!(failed, expected);
    assert!(
        report.failures[0]
            .what
            .starts_with("expected forbidden, found allow (")
    );
    assert!(
        report.failures[1]
            .what
            .contains(r#"{"read", "write"}, found it by {"read"}"#)
    );
    assert!(report.failures[2].what.contains("departement"));
    assert_eq!(report.unexercised, ["secret", "write"]);
    let one_sided = [("secret".to_owned(), "is secret".to_owned(), false)];
    assert_eq!(report.one_sided, one_sided);
    let text = report.to_string();
    assert!(text.ends_with("5 cases, 3 failed"), "{text}");
    assert!(text.contains("policy \"write\" decided no case"), "{text}");
}

#[test]
fn a_question_becomes_a_principal_and_circumstances() {
    let ask = |question: &str| {
        let question: Question = serde_json::from_str(question).unwrap();
        trial().ask(&question)
    };
    let scoped = r#"{"principal": {"id": "ann", "scopes": ["pages:write"],
        "attributes": {"department": "sales"}}, "action": "pages:read",
        "resource": {"type": "Page", "id": "1", "department": "sales"}}"#;
    let answer = ask(scoped).unwrap();
    assert_eq!(answer.decision().outcome().code(), "no_permission");

    let wrong_time = r#"{"principal": {"id": "ann"}, "action": "pages:read",
        "context": {"time": "yesterday"}}"#;
    let error = ask(wrong_time).unwrap_err();
    assert_eq!(error, AskError::MalformedTime("yesterday".to_owned()));

    let ghost = r#"{"principal": {"id": "ann"}, "action": "pages:read",
        "resource": {"type": "Ghost", "id": "1"}}"#;
    let error = ask(ghost).unwrap_err().to_string();
    assert_eq!(error, r#"there is no type "Ghost"; the types are Page"#);

    let misspelled = r#"{"principal": {"id": "ann", "rolls": []}, "action": "pages:read"}"#;
    assert!(serde_json::from_str::<Question>(misspelled).is_err());
}
