//! Text policies over the application's own types, beside policies in Rust.

use crate::support::Spy;
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use portcullis::authz::abac::{
    AttributeSchema, AttributeType, Authz, Context, EntityId, PolicyHead, TypeSchema, attributes,
    forbid, permit,
};
use portcullis::authz::cedar::{AppSchema, CedarPolicies, CedarSource, LivePolicies, LoadError};
use portcullis::clock::{FakeClock, Timestamp};
use portcullis::net::client_ip::ClientIp;
use portcullis::principal::{Authentication, Method, Principal};
use std::net::IpAddr;
use tower::{Layer, ServiceExt};

/// Monday, 2026-11-23, 10:00 UTC.
const MORNING: u64 = 1_795_428_000;
const NIGHT: u64 = MORNING + 12 * 3600;

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
    is_secret: bool,
    folder: Option<String>,
    labels: Vec<String>,
}

attributes! {
    Document as "Document" {
        id = document => document.id.to_string();
        parents "Folder" = document => document.folder.iter().map(|id| EntityId::new("Folder", id));
        owner: entity "User";
        is_secret: bool;
        labels: set text;
    }
}

fn document(id: u64, owner: &str, department: &str) -> Document {
    Document {
        id,
        owner: User {
            id: owner.to_owned(),
            department: department.to_owned(),
        },
        is_secret: false,
        folder: None,
        labels: Vec::new(),
    }
}

fn secret() -> Document {
    Document {
        is_secret: true,
        ..document(1, "bob", "sales")
    }
}

fn in_folder(folder: &str) -> Document {
    Document {
        folder: Some(folder.to_owned()),
        ..document(1, "bob", "kitchen")
    }
}

fn schema() -> AppSchema {
    let text = |name| AttributeSchema::new(name, AttributeType::Text);
    let clearance = AttributeSchema::new("clearance", AttributeType::Long);
    AppSchema::builder()
        .principal(
            TypeSchema::new("User")
                .attribute(text("department"))
                .attribute(clearance),
        )
        .resource::<Document>("documents", ["read", "write"])
        .actions("documents", ["create"])
        .entity::<User>()
        .fact(AttributeSchema::new("managed", AttributeType::Bool).optional())
        .build()
        .unwrap()
}

const POLICIES: &str = r#"
    @id("same-department")
    permit(principal, action == Action::"documents:read", resource is Document)
    when { principal.department == resource.owner.department };

    @id("owner")
    permit(principal, action in Action::"documents:*", resource is Document)
    when { resource.owner == principal };

    @id("managers")
    permit(principal in Role::"manager", action in Action::"*:write", resource)
    when { principal.department == resource.owner.department };

    @id("folder")
    permit(principal, action == Action::"documents:read", resource in Folder::"public");

    @id("labeled")
    permit(principal, action in Action::"*", resource is Document)
    when { resource.labels.contains("open") && context has managed && context.managed };

    @id("may-create") @obligation("watermark:blue")
    permit(principal, action == Action::"documents:create", resource)
    when { principal.department == "sales" };

    @id("out-of-hours") @advice("step_up:mfa max_age=300; contact:night-shift")
    forbid(principal, action, resource)
    when { context.hour < 8 || context.hour >= 18 }
    unless { context has mfa_age && context.mfa_age <= 300 };

    @id("no-trainees")
    forbid(principal in Role::"trainee", action in Action::"*:create", resource)
    when { resource is NoResource };

    @id("secret")
    forbid(principal, action, resource is Document)
    when { resource.is_secret }
    unless { context has ip && context.ip.isInRange(ip("10.0.0.0/8")) };
"#;

fn policies(text: &str) -> CedarPolicies {
    let builder = CedarPolicies::builder().schema(schema().to_string());
    builder.file("documents.cedar", text).build().unwrap()
}

fn builder(text: &str) -> portcullis::authz::abac::AuthzBuilder {
    Authz::builder()
        .resource("documents", ["read", "write", "create"])
        .obligation("watermark")
        .source(CedarSource::new(policies(text), &schema()).unwrap())
}

fn authz() -> Authz {
    builder(POLICIES).build().unwrap()
}

fn login(time: u64) -> Authentication {
    Authentication::new(Timestamp::from_unix_seconds(time))
}

fn ann() -> Principal {
    Principal::new("ann", login(MORNING - 3600)).with_attribute("department", "sales")
}

fn at(time: u64, principal: &Principal) -> Context {
    Context::new(Timestamp::from_unix_seconds(time)).of_principal(principal)
}

#[test]
fn text_policies_decide_about_the_applications_types() {
    let authz = authz();
    let manager = ann().with_role("manager");
    let strong = ann().with_authentication(
        login(NIGHT - 60)
            .with_method(Method::Password)
            .with_method(Method::OneTimePassword),
    );
    let stranger = || Principal::new("ann", login(MORNING)).with_attribute("department", 7);
    let near = |context: Context| context.with_client_ip([10, 1, 2, 3].into());
    let far = |context: Context| context.with_client_ip([192, 0, 2, 1].into());
    let same = |context: Context| context;
    let managed = |context: Context| context.with_fact("managed", true);
    let misled = |context: Context| context.with_fact("managed", "true");
    let labeled = || Document {
        labels: vec!["new".to_owned(), "open".to_owned()],
        ..document(1, "bob", "legal")
    };
    type Change<'a> = &'a dyn Fn(Context) -> Context;
    let rows: [(
        &str,
        Principal,
        &str,
        Document,
        u64,
        Change<'_>,
        &str,
        &[&str],
    ); 18] = [
        (
            "own department",
            ann(),
            "read",
            document(1, "bob", "sales"),
            MORNING,
            &same,
            "allow",
            &["same-department"],
        ),
        (
            "another",
            ann(),
            "read",
            document(1, "bob", "legal"),
            MORNING,
            &same,
            "not_permitted",
            &[],
        ),
        (
            "the owner",
            ann(),
            "write",
            document(1, "ann", "legal"),
            MORNING,
            &same,
            "allow",
            &["owner"],
        ),
        (
            "a colleague",
            ann(),
            "write",
            document(1, "bob", "sales"),
            MORNING,
            &same,
            "not_permitted",
            &[],
        ),
        (
            "a manager",
            manager.clone(),
            "write",
            document(1, "bob", "sales"),
            MORNING,
            &same,
            "allow",
            &["managers"],
        ),
        (
            "of another department",
            manager,
            "write",
            document(1, "bob", "legal"),
            MORNING,
            &same,
            "not_permitted",
            &[],
        ),
        (
            "a folder",
            ann(),
            "read",
            in_folder("public"),
            MORNING,
            &same,
            "allow",
            &["folder"],
        ),
        (
            "another folder",
            ann(),
            "read",
            in_folder("private"),
            MORNING,
            &same,
            "not_permitted",
            &[],
        ),
        (
            "at night",
            ann(),
            "read",
            document(1, "bob", "sales"),
            NIGHT,
            &same,
            "step_up",
            &["out-of-hours"],
        ),
        (
            "at night, strong",
            strong,
            "read",
            document(1, "bob", "sales"),
            NIGHT,
            &same,
            "allow",
            &["same-department"],
        ),
        (
            "at night, nothing to gain",
            ann(),
            "read",
            document(1, "bob", "legal"),
            NIGHT,
            &same,
            "forbidden",
            &["out-of-hours"],
        ),
        (
            "secret",
            ann(),
            "read",
            secret(),
            MORNING,
            &same,
            "forbidden",
            &["secret"],
        ),
        (
            "secret, near",
            ann(),
            "read",
            secret(),
            MORNING,
            &near,
            "allow",
            &["same-department"],
        ),
        (
            "secret, far",
            ann(),
            "read",
            secret(),
            MORNING,
            &far,
            "forbidden",
            &["secret"],
        ),
        (
            "label and fact",
            ann(),
            "read",
            labeled(),
            MORNING,
            &managed,
            "allow",
            &["labeled"],
        ),
        (
            "label alone",
            ann(),
            "read",
            labeled(),
            MORNING,
            &same,
            "not_permitted",
            &[],
        ),
        (
            "a fact of another kind",
            ann(),
            "read",
            labeled(),
            MORNING,
            &misled,
            "policy_failed",
            &[],
        ),
        (
            "an attribute of another kind",
            stranger(),
            "read",
            document(1, "bob", "sales"),
            MORNING,
            &same,
            "policy_failed",
            &[],
        ),
    ];
    for (name, who, action, row, time, change, outcome, reasons) in rows {
        let context = change(at(time, &who));
        let decision = authz.decide(&who, &format!("documents:{action}"), &row, &context);
        assert_eq!(decision.outcome().code(), outcome, "{name}: {decision:?}");
        let found: Vec<_> = decision.reasons().iter().map(PolicyHead::id).collect();
        assert_eq!(found, reasons, "{name}");
    }
}

#[test]
fn where_no_thing_is_named_policies_about_things_are_not_asked() {
    let authz = authz();
    let legal = Principal::new("eve", login(MORNING)).with_attribute("department", "legal");
    for (name, who, action, time, expected) in [
        ("may create", ann(), "create", MORNING, "allow"),
        ("may not", legal, "create", MORNING, "not_permitted"),
        (
            "a forbid about no thing",
            ann().with_role("trainee"),
            "create",
            MORNING,
            "forbidden",
        ),
        (
            "a forbid about everything",
            ann(),
            "create",
            NIGHT,
            "step_up",
        ),
        (
            "permits about documents",
            ann(),
            "read",
            MORNING,
            "not_permitted",
        ),
    ] {
        let decision = authz.decide_action(&who, &format!("documents:{action}"), &at(time, &who));
        assert_eq!(decision.outcome().code(), expected, "{name}: {decision:?}");
        assert!(decision.errors().is_empty(), "{name}: {decision:?}");
    }
}

#[test]
fn a_forbid_of_either_kind_wins() {
    for (name, builder, row, expected) in [
        (
            "text permits, code forbids",
            builder(POLICIES).policy(
                forbid("odd", ["documents:read"])
                    .when("odd id", |_, row: &Document, _| row.id % 2 == 1),
            ),
            document(1, "bob", "sales"),
            "forbidden",
        ),
        (
            "code permits, text forbids",
            builder(POLICIES)
                .policy(permit("all", ["documents:read"]).when("any", |_, _: &Document, _| true)),
            secret(),
            "forbidden",
        ),
        (
            "code permits, text says nothing",
            builder(POLICIES)
                .policy(permit("all", ["documents:read"]).when("any", |_, _: &Document, _| true)),
            document(1, "bob", "legal"),
            "allow",
        ),
    ] {
        let authz = builder.build().unwrap();
        let decision = authz.decide(&ann(), "documents:read", &row, &at(MORNING, &ann()));
        assert_eq!(decision.outcome().code(), expected, "{name}");
    }
}

#[test]
fn an_unknown_attribute_is_found_at_load_by_name() {
    for (policy, expected) in [
        (
            "principal.departement == \"sales\"",
            "attribute `departement` on entity type `User` not found",
        ),
        (
            "resource has owner && resource.owner.departement == \"sales\"",
            "attribute `departement` on entity type `User` not found",
        ),
        (
            "resource is Document && resource.level > 3",
            "attribute `level` on entity type `Document` not found",
        ),
        ("context.houre == 3", "attribute `houre` in context"),
    ] {
        let text = format!(
            "permit(principal, action == Action::\"documents:read\", resource) when {{ {policy} }};"
        );
        let builder = CedarPolicies::builder().schema(schema().to_string());
        let error = builder
            .file("docs.cedar", text)
            .build()
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("docs.cedar:1: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

/// The schema declares a clearance for every user; this one has none.
#[test]
fn what_the_data_lacks_forbids_rather_than_allows() {
    let text = format!(
        "{POLICIES} @id(\"clearance\") forbid(principal, action, resource is Document) when {{ principal.clearance < 3 }};"
    );
    let authz = builder(&text).build().unwrap();
    let row = document(1, "bob", "sales");
    for (clearance, outcome) in [
        (serde_json::json!(3), "allow"),
        (serde_json::json!(2), "forbidden"),
        (serde_json::json!(null), "policy_failed"),
        (serde_json::json!("3"), "policy_failed"),
        (serde_json::json!(3.5), "policy_failed"),
    ] {
        let who = ann().with_attribute("clearance", clearance.clone());
        let context = at(MORNING, &who);
        let decision = authz.decide(&who, "documents:read", &row, &context);
        assert_eq!(decision.outcome().code(), outcome, "{clearance}");
        if outcome == "policy_failed" {
            let named = if clearance.is_null() {
                "clearance"
            } else {
                "cedar"
            };
            assert_eq!(decision.errors()[0].policy.id(), named);
            let refusal = authz
                .check(&who, "documents:read", &row, &context)
                .unwrap_err();
            assert_eq!(refusal.status(), 503);
        }
    }
}

/// Not for want of the thing: the data lacks what has nothing to do with it.
#[test]
fn where_no_thing_is_named_what_fails_for_another_reason_forbids() {
    let text = |condition: &str| {
        format!(
            "permit(principal, action == Action::\"documents:create\", resource);
             @id(\"it\") forbid(principal, action, resource) when {{ {condition} }};"
        )
    };
    for (condition, expected) in [
        (
            "principal.clearance < 3 && !(resource in Folder::\"a\")",
            "policy_failed",
        ),
        (
            "resource in Folder::\"a\" && principal.clearance < 3",
            "allow",
        ),
        ("resource is Document && resource.is_secret", "allow"),
        (
            "principal.department == \"sales\" && resource is NoResource",
            "forbidden",
        ),
        (
            "principal.department == \"legal\" && resource is NoResource",
            "allow",
        ),
    ] {
        let authz = builder(&text(condition)).build().unwrap();
        let who = ann();
        let decision = authz.decide_action(&who, "documents:create", &at(MORNING, &who));
        let found = decision.outcome().code();
        assert_eq!(found, expected, "{condition}: {decision:?}");
    }
}

/// A list is asked for: that a forbid about documents cannot be judged is no reason.
#[test]
fn where_no_thing_is_named_what_lacks_the_thing_is_left_out() {
    let text = r#"
        permit(principal, action == Action::"documents:read", resource)
        when { principal.department == "sales" };
        forbid(principal, action == Action::"documents:read", resource)
        when { principal.department != "kitchen" && resource.is_secret };
    "#;
    let authz = builder(text).build().unwrap();
    let who = ann();
    let context = at(MORNING, &who);
    let decision = authz.decide_action(&who, "documents:read", &context);
    assert!(decision.is_allow(), "{decision:?}");
    let decision = authz.decide(&who, "documents:read", &secret(), &context);
    assert_eq!(decision.outcome().code(), "forbidden");
}

/// What is written into a row does not make the principal more than it is.
#[test]
fn a_row_about_the_principal_adds_nothing_to_what_it_may() {
    let text = r#"
        permit(principal, action, resource is Document) when { principal.department == "sales" };
        permit(principal, action, resource is Document) when { principal.clearance >= 3 };
        permit(principal in Role::"admin", action, resource);
    "#;
    let authz = builder(text).build().unwrap();
    let row = document(1, "ann", "sales");
    for (name, department, expected) in [
        ("of its own", Some("sales"), "allow"),
        ("another", Some("legal"), "not_permitted"),
        ("none", None, "not_permitted"),
    ] {
        let mut who = Principal::new("ann", login(MORNING));
        if let Some(department) = department {
            who = who.with_attribute("department", department);
        }
        let decision = authz.decide(&who, "documents:read", &row, &at(MORNING, &who));
        assert_eq!(decision.outcome().code(), expected, "{name}");
    }
}

#[test]
fn a_denial_is_explained_condition_by_condition_and_shows_no_row() {
    let row = document(4711, "private-owner", "private-department");
    let who = Principal::new("eve", login(MORNING)).with_attribute("department", "sales");
    let context = at(MORNING, &who);
    let (decision, explanation) = authz().explain(&who, "documents:read", &row, &context);
    assert_eq!(decision.outcome().code(), "not_permitted");
    let conditions = |id: &str| {
        let mut candidates = explanation.candidates.iter();
        let candidate = candidates.find(|candidate| candidate.policy.id() == id);
        let conditions = candidate
            .unwrap_or_else(|| panic!("{id}"))
            .conditions
            .iter();
        conditions
            .map(|condition| (condition.label.to_string(), condition.holds))
            .collect::<Vec<_>>()
    };
    let label = normal("principal.department == resource.owner.department");
    assert_eq!(conditions("same-department"), [(label, Some(false))]);
    let secret = conditions("secret");
    assert_eq!(secret[0].1, Some(false), "{secret:?}");
    let hours = conditions("out-of-hours");
    assert_eq!(hours[0].1, Some(false), "{hours:?}");
    let shown = serde_json::to_string(&explanation).unwrap();
    for hidden in ["private-owner", "private-department"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

/// How Cedar writes an expression.
fn normal(label: &str) -> String {
    label
        .parse::<cedar_policy::Expression>()
        .unwrap()
        .to_string()
}

#[test]
fn obligations_and_advice_come_with_the_decision() {
    let authz = authz();
    let who = ann();
    let decision = authz.decide_action(&who, "documents:create", &at(MORNING, &who));
    let obligations: Vec<_> = decision.obligations().map(|it| it.value.clone()).collect();
    assert_eq!(obligations, ["blue"]);

    // A service that does not know the obligation does not start.
    let unaware = Authz::builder()
        .resource("documents", ["create"])
        .source(CedarSource::new(policies(POLICIES), &schema()).unwrap())
        .build();
    let error = unaware.unwrap_err().to_string();
    assert!(error.contains("watermark"), "{error}");

    let builder = CedarPolicies::builder().schema(schema().to_string());
    let wrong = "@advice(\"step_up:everything\") forbid(principal, action, resource);";
    let error = builder.file("a.cedar", wrong).build().unwrap_err();
    assert!(matches!(error, LoadError::Annotation { .. }), "{error}");
    assert!(error.to_string().contains("a.cedar"), "{error}");
}

#[test]
fn a_list_shows_what_one_by_one_would_be_allowed() {
    let authz = authz();
    let departments = ["sales", "legal", "kitchen"];
    let rows: Vec<_> = (0..60)
        .map(|id| Document {
            is_secret: id % 7 == 0,
            folder: (id % 5 == 0).then(|| "public".to_owned()),
            ..document(
                id,
                if id % 11 == 0 { "ann" } else { "bob" },
                departments[id as usize % 3],
            )
        })
        .collect();
    for time in [MORNING, NIGHT] {
        let who = ann();
        let context = at(time, &who);
        let visible = authz.visible::<Document>(&who, "documents:read", &context);
        let mut seen = 0;
        for row in &rows {
            let decision = authz.decide(&who, "documents:read", row, &context);
            assert_eq!(visible.matches(row), decision.is_allow(), "{}", row.id);
            seen += usize::from(decision.is_allow());
        }
        assert_eq!(seen > 10, time == MORNING, "{seen}");
        assert!(seen < 50);
    }
}

#[test]
fn policies_that_are_replaced_decide_from_then_on() {
    let live = LivePolicies::new(policies(POLICIES));
    let authz = Authz::builder()
        .resource("documents", ["read"])
        .obligation("watermark")
        .source(CedarSource::new(live.clone(), &schema()).unwrap())
        .build()
        .unwrap();
    let who = ann();
    let row = document(1, "bob", "sales");
    let decide = || authz.decide(&who, "documents:read", &row, &at(MORNING, &who));
    let before = decide();
    assert!(before.is_allow());
    live.replace(policies("forbid(principal, action, resource);"))
        .unwrap();
    let after = decide();
    assert_eq!(after.outcome().code(), "forbidden");
    assert_ne!(before.version(), after.version());
}

#[tokio::test]
async fn who_is_refused_does_not_reach_the_service() {
    let time = FakeClock::at_unix_seconds(MORNING);
    let authz = builder(POLICIES).clock(time.clock()).build().unwrap();
    let layer = authz.require("documents:create").unwrap();
    for (name, department, later, status) in [
        ("by day", "sales", 0, 200),
        ("another department", "legal", 0, 403),
        ("by night", "sales", 12 * 3600, 401),
    ] {
        time.set_unix_seconds(MORNING + later);
        let spy = Spy::default();
        let who = Principal::new("ann", login(MORNING)).with_attribute("department", department);
        let mut request = Request::post("/documents")
            .body(Empty::<Bytes>::new())
            .unwrap();
        request.extensions_mut().insert(who);
        request
            .extensions_mut()
            .insert(ClientIp::from(IpAddr::from([10, 0, 0, 1])));
        let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
    }
}
