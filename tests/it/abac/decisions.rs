use super::*;
use portcullis::authz::abac::{
    Cause, ConfigError, DenyKind, EvalError, NoResource, Outcome, PolicyHead,
};
use portcullis::guard::RejectionKind;

const ALLOW: Outcome = Outcome::Allow;
const NOT_PERMITTED: Outcome = Outcome::Deny(DenyKind::NotPermitted);
const FORBIDDEN: Outcome = Outcome::Deny(DenyKind::Forbidden);
const NO_PERMISSION: Outcome = Outcome::Deny(DenyKind::NoPermission);

#[test]
fn policies_decide_over_the_rows_of_the_application() {
    let authz = authz();
    let secret = |mut document: Document| {
        document.is_secret = true;
        document
    };
    let sales = || document(1, "sales");
    for (name, department, roles, action, row, expected, reasons) in [
        (
            "own",
            "sales",
            &[][..],
            "documents:read",
            sales(),
            ALLOW,
            &["read-own-department"][..],
        ),
        (
            "not own",
            "legal",
            &[],
            "documents:read",
            sales(),
            NOT_PERMITTED,
            &[],
        ),
        (
            "no department",
            "",
            &[],
            "documents:read",
            sales(),
            NOT_PERMITTED,
            &[],
        ),
        (
            "other action",
            "sales",
            &[],
            "documents:write",
            sales(),
            NOT_PERMITTED,
            &[],
        ),
        (
            "manager",
            "sales",
            &["manager"],
            "documents:write",
            sales(),
            ALLOW,
            &["manage"],
        ),
        (
            "all reasons",
            "sales",
            &["manager"],
            "documents:read",
            sales(),
            ALLOW,
            &["read-own-department", "manage"],
        ),
        (
            "manager elsewhere",
            "legal",
            &["manager"],
            "documents:write",
            sales(),
            NOT_PERMITTED,
            &[],
        ),
        (
            "deny overrides",
            "sales",
            &["manager"],
            "documents:read",
            secret(sales()),
            FORBIDDEN,
            &["secret"],
        ),
        (
            "an action of others",
            "sales",
            &["manager"],
            "users:read",
            sales(),
            NOT_PERMITTED,
            &[],
        ),
    ] {
        let who = principal(department, roles);
        let decision = authz.decide(&who, action, &row, &context(&who));
        assert_eq!(decision.outcome(), &expected, "{name}");
        let found: Vec<_> = decision.reasons().iter().map(PolicyHead::id).collect();
        assert_eq!(found, reasons, "{name}");
    }
}

#[test]
fn a_principal_without_the_attribute_equals_nothing() {
    let nobody = Principal::new("x", Authentication::new(now()));
    for department in ["", "null", "None"] {
        let row = document(1, department);
        let decision = authz().decide(&nobody, "documents:read", &row, &context(&nobody));
        assert_eq!(decision.outcome(), &NOT_PERMITTED, "{department:?}");
    }
}

#[test]
fn policies_of_another_type_say_nothing() {
    let who = principal("sales", &["manager"]);
    let user = User {
        id: "ann".to_owned(),
        department: "sales".to_owned(),
    };
    let decision = authz().decide(&who, "documents:read", &user, &context(&who));
    assert_eq!(decision.outcome(), &NOT_PERMITTED);
    let decision = authz().decide_action(&who, "documents:read", &context(&who));
    assert_eq!(decision.outcome(), &NOT_PERMITTED);
}

#[test]
fn an_unknown_permission_never_allows() {
    let authz = policies()
        .policy(permit::<NoResource>("all", ["*"]).always())
        .policy(permit::<Document>("all-documents", ["*"]).always())
        .build()
        .unwrap();
    let who = principal("sales", &["manager"]);
    let (row, context) = (document(1, "sales"), context(&who));
    for unknown in [
        "documents:raed",
        "documents",
        "documents:*",
        "*",
        "",
        "Documents:read",
        "documents:read ",
        "documents:read\0",
    ] {
        let expected = Outcome::Indeterminate(Cause::UnknownPermission);
        let decision = authz.decide(&who, unknown, &row, &context);
        assert_eq!(decision.outcome(), &expected, "{unknown:?}");
        let refused = authz.check(&who, unknown, &row, &context).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::Internal, "{unknown:?}");
        let refused = authz.check_action(&who, unknown, &context).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::Internal, "{unknown:?}");
        assert!(authz.require(unknown).is_err(), "{unknown:?}");
        assert!(
            !authz.visible(&who, unknown, &context).matches(&row),
            "{unknown:?}"
        );
    }
    assert!(authz.check(&who, "documents:read", &row, &context).is_ok());
}

#[test]
fn what_fails_never_allows_and_an_outage_is_503() {
    let failing = |is_forbid: bool, error: EvalError| {
        let policy = match is_forbid {
            true => forbid("failing", ["documents:read"]),
            false => permit("failing", ["documents:read"]),
        };
        let policy = policy.try_when("asks", move |_, _: &Document, _| Err(error.clone()));
        policies().policy(policy).build().unwrap()
    };
    let invalid = || EvalError::invalid("x");
    let outage = || EvalError::outage("x");
    let unknown = || Outcome::Indeterminate(Cause::Policy);
    for (name, authz, department, expected, status) in [
        (
            "a forbid",
            failing(true, invalid()),
            "sales",
            unknown(),
            Some(503),
        ),
        (
            "a forbid, outage",
            failing(true, outage()),
            "sales",
            unknown(),
            Some(503),
        ),
        (
            "a forbid, not permitted",
            failing(true, outage()),
            "legal",
            NOT_PERMITTED,
            Some(403),
        ),
        (
            "a permit, another permits",
            failing(false, outage()),
            "sales",
            ALLOW,
            None,
        ),
        (
            "a permit",
            failing(false, invalid()),
            "legal",
            NOT_PERMITTED,
            Some(403),
        ),
        (
            "a permit, outage",
            failing(false, outage()),
            "legal",
            unknown(),
            Some(503),
        ),
    ] {
        let who = principal(department, &[]);
        let (row, context) = (document(1, "sales"), context(&who));
        let decision = authz.decide(&who, "documents:read", &row, &context);
        assert_eq!(decision.outcome(), &expected, "{name}");
        assert_eq!(decision.errors().len(), 1, "{name}");
        let refused = authz.check(&who, "documents:read", &row, &context).err();
        assert_eq!(refused.map(|it| it.status().as_u16()), status, "{name}");
        let visible = authz.visible(&who, "documents:read", &context);
        assert_eq!(
            visible.matches(&row),
            expected.is_allow(),
            "{name}, in a list"
        );
    }
}

#[test]
fn a_condition_that_does_not_hold_settles_it_whatever_failed_before() {
    let authz = policies()
        .policy(
            forbid("broken", ["documents:read"])
                .try_given("asks", |_, _| Err(EvalError::outage("down")))
                .when("is at level 9", |_, document: &Document, _| {
                    document.level == 9
                }),
        )
        .build()
        .unwrap();
    let who = principal("sales", &[]);
    let mut row = document(1, "sales");
    let context = context(&who);
    assert!(
        authz
            .decide(&who, "documents:read", &row, &context)
            .is_allow()
    );
    assert!(
        authz
            .visible(&who, "documents:read", &context)
            .matches(&row)
    );
    row.level = 9;
    assert!(
        !authz
            .decide(&who, "documents:read", &row, &context)
            .is_allow()
    );
    assert!(
        !authz
            .visible(&who, "documents:read", &context)
            .matches(&row)
    );
}

#[test]
fn scopes_limit_what_policies_allow() {
    let authz = authz();
    let row = document(1, "sales");
    for (name, scopes, expected) in [
        ("the permission", vec!["documents:read"], ALLOW),
        ("a wildcard", vec!["openid", "documents:*"], ALLOW),
        ("everything", vec!["*"], ALLOW),
        ("another action", vec!["documents:write"], NO_PERMISSION),
        (
            "of another vocabulary",
            vec!["openid", "profile"],
            NO_PERMISSION,
        ),
        ("none", vec![], NO_PERMISSION),
    ] {
        let who = principal("sales", &[]).with_scopes(scopes);
        let decision = authz.decide(&who, "documents:read", &row, &context(&who));
        assert_eq!(decision.outcome(), &expected, "{name}");
    }
}

#[cfg(feature = "rbac")]
#[test]
fn roles_stand_in_front_of_policies() {
    use portcullis::authz::rbac::{Rbac, Role};
    let rbac = Rbac::builder()
        .resource("reports", ["read", "write"])
        .role(Role::new("reader").allow("reports:read"))
        .build()
        .unwrap();
    let authz = policies()
        .roles(rbac)
        .policy(permit("reports", ["reports:*"]).when(
            "same department",
            |who, document: &Document, _| {
                who.attribute_is("department", &document.owner.department)
            },
        ))
        .policy(
            forbid::<NoResource>("closed", ["reports:read"])
                .given("on Sunday", |_, context| context.weekday() == 7),
        )
        .build()
        .unwrap();
    let row = document(1, "sales");
    let sunday = || Context::new(Timestamp::from_unix_seconds(MONDAY_MORNING - 86_400));
    for (name, department, roles, action, on_row, at, expected) in [
        (
            "the role, alone",
            "",
            &["reader"][..],
            "reports:read",
            false,
            None,
            ALLOW,
        ),
        (
            "the role, forbidden",
            "",
            &["reader"],
            "reports:read",
            false,
            Some(sunday()),
            FORBIDDEN,
        ),
        (
            "no role",
            "",
            &[],
            "reports:read",
            false,
            None,
            NO_PERMISSION,
        ),
        (
            "another role",
            "",
            &["pirate"],
            "reports:read",
            false,
            None,
            NO_PERMISSION,
        ),
        (
            "role and policy",
            "sales",
            &["reader"],
            "reports:read",
            true,
            None,
            ALLOW,
        ),
        (
            "the role, no policy",
            "legal",
            &["reader"],
            "reports:read",
            true,
            None,
            NOT_PERMITTED,
        ),
        (
            "a policy, no role",
            "sales",
            &[],
            "reports:read",
            true,
            None,
            NO_PERMISSION,
        ),
        (
            "for less",
            "sales",
            &["reader"],
            "reports:write",
            true,
            None,
            NO_PERMISSION,
        ),
        (
            "not of roles",
            "sales",
            &[],
            "documents:read",
            true,
            None,
            ALLOW,
        ),
    ] {
        let who = principal(department, roles);
        let context = at.unwrap_or_else(|| context(&who));
        let decision = match on_row {
            true => authz.decide(&who, action, &row, &context),
            false => authz.decide_action(&who, action, &context),
        };
        assert_eq!(decision.outcome(), &expected, "{name}");
    }
}

#[test]
fn obligations_come_with_an_allow_and_have_to_be_known() {
    let demanding = || {
        permit("watched", ["documents:create"])
            .given("is a manager", |who, _| who.has_role("manager"))
            .obligation("watermark", "confidential")
            .advice("rate", "low")
    };
    let unknown = policies().policy::<NoResource>(demanding()).build();
    assert!(
        matches!(unknown, Err(ConfigError::UnknownObligation { name, .. }) if name == "watermark")
    );

    let known = policies()
        .obligation("watermark")
        .policy::<NoResource>(demanding());
    let authz = known.build().unwrap();
    let who = principal("sales", &["manager"]);
    let decision = authz.decide_action(&who, "documents:create", &context(&who));
    let notes: Vec<_> = decision.obligations().chain(decision.advice()).collect();
    let notes: Vec<_> = notes
        .iter()
        .map(|note| (&*note.name, &*note.value))
        .collect();
    assert_eq!(notes, [("watermark", "confidential"), ("rate", "low")]);
    let other = principal("sales", &[]);
    let denied = authz.decide_action(&other, "documents:create", &context(&other));
    assert_eq!(denied.obligations().count(), 0);
}

#[test]
fn mistakes_are_named_when_policies_are_put_together() {
    let policy = |id: &'static str, action: &'static str| permit::<Document>(id, [action]).always();
    let cases: Vec<(AuthzBuilder, &str)> = vec![
        (
            policies().policy(policy("a", "documents:fly")),
            r#"there is no permission "documents:fly""#,
        ),
        (
            policies().policy(policy("a", "ghosts:*")),
            r#"there is no permission "ghosts:*""#,
        ),
        (
            policies().policy(policy("a", "documents")),
            r#"permission "documents" is malformed"#,
        ),
        (
            policies().policy(policy("secret", "*")),
            r#"policy "secret" is there twice"#,
        ),
        (
            policies().policy(policy("", "*")),
            r#""" cannot be the id of a policy"#,
        ),
        (
            policies().policy(policy("a\nb", "*")),
            r#""a\nb" cannot be the id of a policy"#,
        ),
        (
            policies().resource("documents", ["read"]),
            r#"permission "documents:read" is declared twice"#,
        ),
        (
            policies().resource("a:b", ["read"]),
            r#""a:b" cannot be the name"#,
        ),
        (
            policies().policy(permit::<Document>("open", ["documents:read"])),
            r#"policy "open" permits without a condition"#,
        ),
    ];
    for (builder, expected) in cases {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // Without conditions a forbid is no danger.
    assert!(
        policies()
            .policy(forbid::<Document>("closed", ["*"]))
            .build()
            .is_ok()
    );
}
