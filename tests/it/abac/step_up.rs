use super::*;
use portcullis::authz::abac::{DenyKind, Outcome, StepUp};
use portcullis::principal::{Assurance, Method};
use std::time::Duration;

/// Nobody reads at night without a second factor of the last hour.
fn authz() -> Authz {
    policies()
        .policy(
            forbid::<Document>("out-of-hours", ["documents:*"])
                .given("at night", |_, context| !(8..18).contains(&context.hour()))
                .given("without a second factor", |_, context| {
                    !context.has_mfa_within(Duration::from_secs(3600))
                })
                .or_step_up(StepUp::multi_factor().within(Duration::from_secs(3600))),
        )
        .policy(
            permit::<Document>("strong-reads-all", ["documents:read"])
                .given("AAL3", |_, context| {
                    context.assurance() == Some(Assurance::Aal3)
                })
                .given("is an auditor", |who, _| who.has_role("auditor"))
                .or_step_up(StepUp::to(Assurance::Aal3)),
        )
        .build()
        .unwrap()
}

#[test]
fn it_is_offered_only_where_the_stronger_login_would_be_allowed() {
    let authz = authz();
    let secret = |is_secret| {
        let mut row = document(1, "sales");
        row.is_secret = is_secret;
        row
    };
    const NIGHT: u64 = MONDAY_MORNING + 12 * 3600;
    let at = |time| Authentication::new(Timestamp::from_unix_seconds(time));
    for (name, department, roles, login, time, row, expected) in [
        (
            "by day",
            "sales",
            &[][..],
            at(NIGHT),
            MONDAY_MORNING,
            secret(false),
            "allow",
        ),
        (
            "by night",
            "sales",
            &[],
            at(NIGHT),
            NIGHT,
            secret(false),
            "step_up",
        ),
        (
            "by night with it",
            "sales",
            &[],
            at(NIGHT - 3600).with_method(Method::MultiFactor),
            NIGHT,
            secret(false),
            "allow",
        ),
        (
            "with it, too long ago",
            "sales",
            &[],
            at(NIGHT - 3601).with_method(Method::MultiFactor),
            NIGHT,
            secret(false),
            "step_up",
        ),
        (
            "not permitted either way",
            "legal",
            &[],
            at(NIGHT),
            NIGHT,
            secret(false),
            "forbidden",
        ),
        (
            "another forbids as well",
            "sales",
            &[],
            at(NIGHT),
            NIGHT,
            secret(true),
            "forbidden",
        ),
        (
            "a permit that asks",
            "legal",
            &["auditor"],
            at(NIGHT),
            MONDAY_MORNING,
            secret(false),
            "step_up",
        ),
        (
            "both ask",
            "legal",
            &["auditor"],
            at(NIGHT),
            NIGHT,
            secret(false),
            "step_up",
        ),
        (
            "nobody to step up",
            "legal",
            &[],
            at(NIGHT),
            MONDAY_MORNING,
            secret(false),
            "not_permitted",
        ),
    ] {
        let who = principal(department, roles).with_authentication(login);
        let context = Context::new(Timestamp::from_unix_seconds(time)).of_principal(&who);
        let decision = authz.decide(&who, "documents:read", &row, &context);
        assert_eq!(decision.outcome().code(), expected, "{name}");
    }
}

#[test]
fn no_more_is_asked_for_than_is_needed() {
    let authz = authz();
    let night = Timestamp::from_unix_seconds(MONDAY_MORNING + 12 * 3600);
    for (name, department, roles, assurance) in [
        (
            "the second factor is enough",
            "sales",
            &["auditor"][..],
            None,
        ),
        (
            "both are needed",
            "legal",
            &["auditor"],
            Some(Assurance::Aal3),
        ),
    ] {
        let who = principal(department, roles);
        let context = Context::new(night).of_principal(&who);
        let decision = authz.decide(&who, "documents:read", &document(1, "sales"), &context);
        let Outcome::StepUp(step_up) = decision.outcome() else {
            panic!("{name}: {:?}", decision.outcome())
        };
        assert_eq!(step_up.assurance(), assurance, "{name}");
        assert_eq!(step_up.methods(), [Method::MultiFactor], "{name}");
        assert_eq!(step_up.max_age(), Some(Duration::from_secs(3600)), "{name}");
    }
}

#[test]
fn scopes_and_roles_come_first() {
    let who = principal("sales", &[]).with_scopes(["openid"]);
    let night = Timestamp::from_unix_seconds(MONDAY_MORNING + 12 * 3600);
    let context = Context::new(night).of_principal(&who);
    let decision = authz().decide(&who, "documents:read", &document(1, "sales"), &context);
    assert_eq!(decision.outcome(), &Outcome::Deny(DenyKind::NoPermission));
}

#[test]
fn the_refusal_is_the_challenge_of_rfc_9470() {
    let who = principal("sales", &[]);
    let night = Timestamp::from_unix_seconds(MONDAY_MORNING + 12 * 3600);
    let context = Context::new(night).of_principal(&who);
    let refused = authz().check(&who, "documents:read", &document(1, "sales"), &context);
    let refused = refused.unwrap_err();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.code(), "insufficient_user_authentication");
    assert_eq!(refused.members()["max_age"], 3600);
    assert!(
        refused
            .reason()
            .unwrap()
            .contains("a stronger login would be allowed")
    );
    // Without a token there is no scheme that a challenge could be of.
    assert!(refused.headers().is_empty());
}

/// Who logs in, and comes back a moment later, must not be asked again.
#[test]
fn a_login_that_is_too_old_at_once_is_not_promised() {
    for (seconds, expected) in [(0, "forbidden"), (2, "forbidden"), (60, "step_up")] {
        let age = Duration::from_secs(seconds);
        let authz = policies()
            .policy(
                forbid::<Document>("old", ["documents:*"])
                    .given("old", move |_, context| !context.has_mfa_within(age))
                    .or_step_up(StepUp::multi_factor().within(age)),
            )
            .build()
            .unwrap();
        let who = principal("sales", &[]);
        let row = document(1, "sales");
        let decision = authz.decide(&who, "documents:read", &row, &context(&who));
        assert_eq!(decision.outcome().code(), expected, "{seconds}");
    }
}

/// The handler asks about the tenant of the row, which a login does not change.
#[test]
fn a_login_is_imagined_in_the_same_tenant() {
    let authz = policies()
        .policy(
            forbid::<Document>("other-tenant", ["documents:*"])
                .given("other", |_, context| context.tenant() != Some("acme")),
        )
        .policy(
            forbid::<Document>("weak", ["documents:*"])
                .given("weak", |_, context| context.mfa_age().is_none())
                .or_step_up(StepUp::multi_factor()),
        )
        .build()
        .unwrap();
    let who = principal("sales", &[]).with_tenant("acme");
    for (tenant, expected) in [("acme", "step_up"), ("globex", "forbidden")] {
        let context = context(&who).with_tenant(tenant);
        let decision = authz.decide(&who, "documents:read", &document(1, "sales"), &context);
        assert_eq!(decision.outcome().code(), expected, "{tenant}");
    }
}
