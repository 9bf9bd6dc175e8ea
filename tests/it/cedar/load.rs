//! What is taken, under which names, and what is refused with which words.

use cedar_policy::{Context, Entities, Request};
use portcullis::authz::cedar::{
    CedarPolicies, CedarPoliciesBuilder, LoadError, OnError, PolicyFolder, TemplateLink,
};
use std::fs;

pub(super) const SCHEMA: &str = r#"
    entity Department;
    entity User in [Department] { department: String, level: Long, manager?: User };
    entity Document in [Department] { department: String, owner: User };
    action everything;
    action read, write in [everything] appliesTo {
        principal: User, resource: Document, context: { mfa: Bool }
    };
"#;

fn with_schema() -> CedarPoliciesBuilder {
    CedarPolicies::builder().schema(SCHEMA)
}

fn names(policies: &CedarPolicies) -> Vec<String> {
    let set = policies.policy_set();
    let policies = set.policies().map(|policy| policy.id().to_string());
    let templates = set.templates().map(|template| template.id().to_string());
    let mut names: Vec<_> = policies.chain(templates).collect();
    names.sort_unstable();
    names
}

fn request(policies: &CedarPolicies, user: &str) -> Request {
    Request::new(
        format!("User::\"{user}\"").parse().unwrap(),
        r#"Action::"read""#.parse().unwrap(),
        r#"Document::"plan""#.parse().unwrap(),
        Context::from_json_str(r#"{"mfa": true}"#, None).unwrap(),
        policies.schema(),
    )
    .unwrap()
}

#[test]
fn policies_are_called_by_their_id_or_their_place() {
    let policies = with_schema()
        .file(
            "a.cedar",
            "permit(principal, action, resource);
             @id(\"mine\") forbid(principal, action, resource);
             permit(principal == ?principal, action, resource);",
        )
        .file("b.cedar", "permit(principal, action, resource);")
        .build()
        .unwrap();
    assert_eq!(
        names(&policies),
        ["a.cedar#0", "a.cedar#2", "b.cedar#0", "mine"]
    );
    assert_eq!(policies.len(), 3);

    let unnamed = with_schema()
        .text("permit(principal, action, resource);")
        .build();
    assert_eq!(names(&unnamed.unwrap()), ["policy0"]);
}

#[test]
fn a_link_fills_a_template() {
    const SHARE: &str =
        "@id(\"share\") permit(principal == ?principal, action, resource == ?resource);";
    let plan = r#"Document::"plan""#.parse().unwrap();
    let link = TemplateLink::new("share", "ann-sees-plan")
        .principal(r#"User::"ann""#.parse().unwrap())
        .resource(plan);
    let policies = with_schema().text(SHARE).link(link).build().unwrap();
    assert_eq!(names(&policies), ["ann-sees-plan", "share"]);
    for (user, is_allowed) in [("ann", true), ("bob", false)] {
        let request = request(&policies, user);
        let answer = policies.decide(&request, &Entities::empty(), OnError::Deny);
        assert_eq!(answer.is_allowed(), is_allowed, "{user}");
        let reasons: Vec<_> = answer.reasons().map(ToString::to_string).collect();
        assert_eq!(reasons, ["ann-sees-plan"][..usize::from(is_allowed)]);
    }
}

#[test]
fn what_is_wrong_is_refused_by_name_and_place() {
    const ANY: &str = "permit(principal, action, resource);";
    let ann = || r#"User::"ann""#.parse().unwrap();
    for (name, builder, expected) in [
        (
            "no schema",
            CedarPolicies::builder().text(ANY),
            vec!["there is no schema", "insecure_without_schema"],
        ),
        (
            "no policy",
            with_schema().text("  // nothing\n"),
            vec!["there is no policy in the text"],
        ),
        (
            "no Cedar",
            with_schema().file("a.cedar", "permit(principal, action, resource);\npermit principal;"),
            vec!["a.cedar:2: "],
        ),
        (
            "no schema in the schema",
            CedarPolicies::builder().schema("entity User;\nentity;").text(ANY),
            vec!["cannot read the schema: schema:2: "],
        ),
        (
            "no schema in the JSON",
            CedarPolicies::builder().schema("{\"\": 1}").text(ANY),
            vec!["cannot read the schema: "],
        ),
        (
            "unknown attribute",
            with_schema().file(
                "docs.cedar",
                "permit(principal, action, resource)\nwhen { principal.departement == \"x\" };",
            ),
            vec![
                "docs.cedar:2: ",
                "docs.cedar#0",
                "attribute `departement` on entity type `User` not found",
                "`department`",
            ],
        ),
        (
            "unknown type",
            with_schema().text("permit(principal is Usr, action, resource);"),
            vec!["Usr"],
        ),
        (
            "unknown action",
            with_schema().text("@id(\"it\") permit(principal, action == Action::\"raed\", resource);"),
            vec!["policy `it`", "Action::\"raed\""],
        ),
        (
            "a number and a text",
            with_schema().text("permit(principal, action, resource) when { principal.level == \"1\" };"),
            vec!["Long", "String"],
        ),
        (
            "an attribute that may be missing",
            with_schema()
                .text("permit(principal, action, resource) when { principal.manager == principal };"),
            vec!["`manager`"],
        ),
        (
            "two of one name",
            with_schema()
                .file("a.cedar", format!("@id(\"it\") {ANY}"))
                .file("b.cedar", format!("@id(\"it\") {ANY}")),
            vec!["b.cedar: \"it\" is there twice"],
        ),
        (
            "no template",
            with_schema().text(ANY).link(TemplateLink::new("share", "it").principal(ann())),
            vec!["cannot link \"it\" to the template \"share\""],
        ),
        (
            "a slot that is left",
            with_schema()
                .text("@id(\"share\") permit(principal == ?principal, action, resource == ?resource);")
                .link(TemplateLink::new("share", "it").principal(ann())),
            vec!["cannot link \"it\"", "?resource"],
        ),
        (
            "too long",
            with_schema().file("a.cedar", " ".repeat(CedarPolicies::MAX_TEXT_LEN)),
            vec!["16777216 bytes"],
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        for expected in expected {
            assert!(error.contains(expected), "{name}: {expected:?} in {error}");
        }
    }
}

#[test]
fn all_that_is_wrong_with_policies_is_in_the_error() {
    let policies = "permit(principal, action, resource) when { principal.a };\n".repeat(3);
    let error = with_schema().text(policies).build().unwrap_err();
    assert!(error.to_string().contains("more)"), "{error}");
    let LoadError::Invalid(problems) = error else {
        panic!("{error}");
    };
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    for line in 1..=3 {
        assert!(lines.contains(&Some(line)), "{problems:?}");
    }
}

#[test]
fn a_policy_that_can_never_hold_is_a_warning() {
    let policies = with_schema()
        .file(
            "a.cedar",
            "permit(principal, action, resource) when { principal is Document };",
        )
        .build()
        .unwrap();
    assert_eq!(policies.warnings().len(), 1, "{:?}", policies.warnings());
    assert_eq!(policies.warnings()[0].file, "a.cedar");
}

#[test]
fn the_same_text_has_the_same_version_and_other_text_another() {
    const ANY: &str = "permit(principal, action, resource);";
    let version = |builder: CedarPoliciesBuilder| builder.build().unwrap().version().to_string();
    let first = version(with_schema().file("a.cedar", ANY));
    assert_eq!(first.len(), 32);
    assert_eq!(first, version(with_schema().file("a.cedar", ANY)));
    for (name, other) in [
        ("file", with_schema().file("b.cedar", ANY)),
        ("policy", with_schema().file("a.cedar", format!("{ANY} "))),
        (
            "schema",
            CedarPolicies::builder()
                .schema(format!("{SCHEMA} "))
                .file("a.cedar", ANY),
        ),
        (
            "none",
            CedarPolicies::builder()
                .insecure_without_schema()
                .file("a.cedar", ANY),
        ),
    ] {
        assert_ne!(first, version(other), "{name}");
    }
}

#[test]
fn an_erroring_forbid_does_not_let_through() {
    let policies = CedarPolicies::builder()
        .insecure_without_schema()
        .text(
            "permit(principal, action, resource);
             @id(\"locked\") forbid(principal, action, resource) when { resource.isLocked };",
        )
        .build()
        .unwrap();
    let request = request(&policies, "ann");
    let ours = policies.decide(&request, &Entities::empty(), OnError::Deny);
    assert!(!ours.is_allowed());
    assert_eq!(ours.failures()[0].policy().to_string(), "locked");
    let cedars = policies.decide(&request, &Entities::empty(), OnError::Cedar);
    assert!(cedars.is_allowed());
}

#[test]
fn a_folder_is_read_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let read = || PolicyFolder::new(folder.path()).read();
    let error = read().unwrap_err().to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    write("b.cedar", "permit(principal, action, resource);");
    assert!(
        read()
            .unwrap_err()
            .to_string()
            .contains("there is no schema")
    );
    write("app.cedarschema", SCHEMA);
    write(
        "a.cedar",
        "@id(\"share\") permit(principal == ?principal, action, resource);",
    );
    write(
        "more.links.json",
        r#"[{"template_id": "share", "link_id": "ann", "args": {"?principal": "User::\"ann\""}}]"#,
    );
    write("c.cedar", " \n");
    let error = read().unwrap_err().to_string();
    assert!(error.contains("there is no policy in c.cedar"), "{error}");
    fs::remove_file(folder.path().join("c.cedar")).unwrap();
    write(".hidden.cedar", "this does not count");
    write("README.md", "nor this");
    assert_eq!(names(&read().unwrap()), ["ann", "b.cedar#0", "share"]);

    write("other.cedarschema.json", "{}");
    let error = read().unwrap_err();
    assert!(matches!(error, LoadError::TwoSchemas(..)), "{error}");
    fs::remove_file(folder.path().join("other.cedarschema.json")).unwrap();
    let error = PolicyFolder::new(folder.path())
        .schema(SCHEMA)
        .read()
        .unwrap_err();
    assert!(matches!(error, LoadError::TwoSchemas(..)), "{error}");

    write(
        "more.links.json",
        r#"[{"template_id": "share", "link_id": "x", "args": {"?who": "A::\"b\""}}]"#,
    );
    let error = read().unwrap_err().to_string();
    assert!(
        error.contains("more.links.json") && error.contains("?who"),
        "{error}"
    );

    let missing = PolicyFolder::new(folder.path().join("missing"))
        .read()
        .unwrap_err();
    assert!(matches!(missing, LoadError::Unreadable { .. }), "{missing}");
}

/// What is taken can be read, checked, decided and dropped on the small stack of a thread, and
/// means the same there: nothing of it fails.
#[test]
fn what_is_as_deep_as_can_be_is_no_danger() {
    let schema = "entity User { a?: Long, ok: Bool }; entity Document;
        action read appliesTo { principal: User, resource: Document, context: { mfa: Bool } };";
    let rows = [
        ("(", "context.mfa", ")"),
        ("!(", "context.mfa", ")"),
        ("context.mfa && ", "context.mfa", ""),
        ("context.mfa || ", "context.mfa", ""),
        ("if context.mfa then context.mfa else ", "context.mfa", ""),
        ("if ", "context.mfa", " then context.mfa else context.mfa"),
        ("[context.mfa].contains(", "context.mfa", ")"),
        ("{a: ", "context.mfa", "}.a"),
        ("", "context", "[\"mfa\"]"),
        (
            "",
            "context.mfa } when { context.mfa",
            " } unless { !context.mfa",
        ),
    ];
    let mut taken = 0;
    for (open, inner, close) in rows {
        for times in [1, 10, 40, 60, 90, 98, 300, 900, 10_000, 100_000] {
            let (open, close) = (open.repeat(times), close.repeat(times));
            let text =
                format!("permit(principal, action, resource) when {{ {open}{inner}{close} }};");
            for builder in [
                CedarPolicies::builder().schema(schema),
                CedarPolicies::builder().insecure_without_schema(),
            ] {
                let Ok(policies) = builder.text(&*text).build() else {
                    continue;
                };
                let request = request(&policies, "ann");
                let answer = policies.decide(&request, &Entities::empty(), OnError::Deny);
                if policies.schema().is_some() {
                    assert!(answer.failures().is_empty(), "{open} {times}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 30, "{taken}");
}

#[test]
fn a_long_list_has_to_be_a_set() {
    let users = |times: usize| (0..times).map(|number| format!("User::\"{number}\""));
    let chain: Vec<_> = users(600)
        .map(|user| format!("principal == {user}"))
        .collect();
    let forbid = |condition: &str| {
        let text = format!("forbid(principal, action, resource) when {{ {condition} }};");
        with_schema().file("a.cedar", text).build()
    };
    let error = forbid(&chain.join(" || ")).unwrap_err();
    assert!(matches!(error, LoadError::TooManyLevels { .. }), "{error}");
    assert!(error.to_string().contains("contains"), "{error}");
    let set: Vec<_> = users(600).collect();
    assert!(forbid(&format!("[{}].contains(principal)", set.join(", "))).is_ok());
    // A template that nothing is linked to is looked at as well.
    let template = format!(
        "permit(principal == ?principal, action, resource) when {{ {} }};",
        chain.join(" || ")
    );
    let error = with_schema().text(template).build().unwrap_err();
    assert!(matches!(error, LoadError::TooManyLevels { .. }), "{error}");
}

#[test]
fn what_the_words_hide_is_found_all_the_same() {
    let nested = format!("{}true{}", "(".repeat(3_000), ")".repeat(3_000));
    for start in ["// \r", "// \"\r"] {
        let text = format!("{start} permit(principal, action, resource) when {{ {nested} }};");
        let error = with_schema().text(text).build().unwrap_err();
        assert!(matches!(error, LoadError::TooDeep { .. }), "{error}");
    }
    let sets = format!(
        "entity User {{ a: {}Long{} }};",
        "Set<".repeat(20_000),
        ">".repeat(20_000)
    );
    let policies = CedarPolicies::builder().schema(sets);
    let error = policies
        .text("forbid(principal, action, resource);")
        .build();
    assert!(matches!(error, Err(LoadError::TooDeep { .. })));
}
