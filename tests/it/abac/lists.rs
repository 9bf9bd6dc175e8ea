use super::*;
use portcullis::authz::abac::{EvalError, NoResource};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_list_shows_what_may_be_seen() {
    let authz = authz();
    let rows: Vec<_> = (0..6)
        .map(|id| {
            let mut row = document(id, if id % 2 == 0 { "sales" } else { "legal" });
            row.is_secret = id >= 4;
            row
        })
        .collect();
    for (name, department, expected) in [
        ("sales", "sales", vec![0, 2]),
        ("legal", "legal", vec![1, 3]),
        ("elsewhere", "kitchen", vec![]),
    ] {
        let who = principal(department, &[]);
        let context = context(&who);
        let visible = authz.visible::<Document>(&who, "documents:read", &context);
        let seen = visible.select(&rows).unwrap();
        let seen: Vec<_> = seen.iter().map(|row| row.id).collect();
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn what_depends_on_the_caller_alone_is_judged_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let authz = policies()
        .policy(
            permit("watched", ["documents:read"])
                .given("counts", move |who, _| {
                    count.fetch_add(1, Ordering::SeqCst);
                    who.has_role("auditor")
                })
                .when("is at level 1", |_, document: &Document, _| {
                    document.level == 1
                }),
        )
        .build()
        .unwrap();
    let rows: Vec<_> = (0..100).map(|id| document(id, "sales")).collect();
    for (roles, expected) in [(&["auditor"][..], 100), (&[], 0)] {
        let who = principal("legal", roles);
        let context = context(&who);
        let visible = authz.visible::<Document>(&who, "documents:read", &context);
        assert_eq!(visible.select(&rows).unwrap().len(), expected);
        assert_eq!(asked.swap(0, Ordering::SeqCst), 1, "{roles:?}");
    }
}

#[test]
fn a_list_that_cannot_be_told_is_refused_not_shortened() {
    let authz = policies()
        .policy(forbid("blocked", ["documents:read"]).try_when(
            "asks",
            |_, document: &Document, _| match document.id {
                7 => Err(EvalError::outage("down")),
                _ => Ok(false),
            },
        ))
        .build()
        .unwrap();
    let who = principal("sales", &[]);
    let context = context(&who);
    let visible = authz.visible::<Document>(&who, "documents:read", &context);
    let rows: Vec<_> = (0..10).map(|id| document(id, "sales")).collect();
    assert_eq!(visible.select(&rows).unwrap_err().status(), 503);
    assert_eq!(visible.select(&rows[..7]).unwrap().len(), 7);
    assert_eq!(rows.iter().filter(|row| visible.matches(row)).count(), 9);
    let unknown = authz.visible::<Document>(&who, "documents:raed", &context);
    assert_eq!(unknown.select(&rows).unwrap_err().status(), 500);
}

#[test]
fn nothing_need_be_loaded_where_nothing_can_match() {
    let authz = policies()
        .policy(permit::<NoResource>("create", ["documents:create"]).always())
        .build()
        .unwrap();
    let who = principal("sales", &[]);
    let scoped = who.clone().with_scopes(["openid"]);
    let context = context(&who);
    assert!(
        !authz
            .visible::<Document>(&who, "documents:read", &context)
            .is_nothing()
    );
    assert!(
        authz
            .visible::<Document>(&scoped, "documents:read", &context)
            .is_nothing()
    );
    assert!(
        authz
            .visible::<User>(&who, "documents:read", &context)
            .is_nothing()
    );
    assert!(
        authz
            .visible::<Document>(&who, "documents:raed", &context)
            .is_nothing()
    );
}

/// One event for a list, however many rows it has.
#[cfg(feature = "monitor")]
#[tokio::test]
async fn a_list_is_one_decision_in_the_log() {
    use crate::support::Spy;
    use portcullis::clock::Clock;
    use portcullis::event::{EventKind, RecentEvents};
    use portcullis::guard::RequestHead;
    use portcullis::monitor::MonitorLayer;
    use tower::{Layer, ServiceExt, service_fn};

    let told = |logs: bool, department: &'static str, scopes: Option<&'static str>| async move {
        let fails =
            forbid("blocked", ["documents:read"]).try_when("asks", |_, document: &Document, _| {
                match document.id {
                    7 => Err(EvalError::outage("down")),
                    _ => Ok(false),
                }
            });
        let builder = policies().policy(fails);
        let builder = if logs {
            builder.log_decisions()
        } else {
            builder
        };
        let authz = builder.build().unwrap();
        let list = service_fn(
            move |request: http::Request<http_body_util::Empty<bytes::Bytes>>| {
                let authz = authz.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let context =
                        Context::of_request(&RequestHead::of_parts(&parts), &Clock::system());
                    let mut who = principal(department, &[]);
                    if let Some(scope) = scopes {
                        who = who.with_scopes([scope]);
                    }
                    let visible = authz.visible::<Document>(&who, "documents:read", &context);
                    for id in 0..10 {
                        let _ = visible.matches(&document(id, "sales"));
                    }
                    drop(visible);
                    Spy::default()
                        .oneshot(http::Request::from_parts(parts, body))
                        .await
                }
            },
        );
        let recent = Arc::new(RecentEvents::new(8));
        let service = MonitorLayer::new(Arc::clone(&recent)).layer(list);
        let request = http::Request::get("/documents").body(http_body_util::Empty::new());
        let _response = service.oneshot(request.unwrap()).await.unwrap();
        recent.snapshot()
    };
    for (name, department, scopes, code, allowed, undecided) in [
        ("one row fails", "sales", None, "list", "9", "1"),
        ("another department", "legal", None, "list", "0", "0"),
        (
            "no scope",
            "sales",
            Some("openid"),
            "no_permission",
            "0",
            "0",
        ),
    ] {
        let events = told(true, department, scopes).await;
        assert_eq!(events.len(), 1, "{name}: {events:?}");
        assert_eq!(events[0].kind(), EventKind::AuthzDecision, "{name}");
        assert_eq!(events[0].code(), Some(code), "{name}");
        assert_eq!(events[0].subject(), Some("ann"), "{name}");
        let details: Vec<_> = events[0].details().collect();
        let expected = [
            ("action", "documents:read"),
            ("version", "code"),
            ("type", "Document"),
            ("seen", "10"),
            ("allowed", allowed),
            ("undecided", undecided),
        ];
        assert_eq!(details, expected, "{name}");
    }
    assert!(told(false, "sales", None).await.is_empty());
}

/// A policy of the model: what it does, which bits of the caller and of the row it asks for, and
/// how its condition of the row fails where it does.
#[derive(Clone, Copy, Debug)]
struct Model {
    is_forbid: bool,
    caller_bit: u8,
    row_bit: u8,
    caller_fails: bool,
    row_fails: bool,
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    let model = (any::<bool>(), 0..3_u8, 0..3_u8, 0..6_u8).prop_map(
        |(is_forbid, caller_bit, row_bit, fails)| Model {
            is_forbid,
            caller_bit,
            row_bit,
            caller_fails: fails == 0,
            row_fails: fails == 1,
        },
    );
    prop::collection::vec(model, 0..6)
}

fn build(models: &[Model]) -> Authz {
    models
        .iter()
        .enumerate()
        .fold(
            Authz::builder().resource("documents", ["read"]),
            |builder, (number, model)| {
                let model = *model;
                let policy = match model.is_forbid {
                    true => forbid(number.to_string(), ["documents:read"]),
                    false => permit(number.to_string(), ["documents:read"]),
                };
                builder.policy(
                    policy
                        .try_given("caller", move |who, _| match model.caller_fails {
                            true => Err(EvalError::invalid("x")),
                            false => Ok(who.has_role(&model.caller_bit.to_string())),
                        })
                        .try_when("row", move |_, document: &Document, _| {
                            match model.row_fails {
                                true => Err(EvalError::outage("x")),
                                false => Ok(document.level & (1 << model.row_bit) != 0),
                            }
                        }),
                )
            },
        )
        .build()
        .unwrap()
}

/// `None` for a failure; a part that is false settles it.
fn holds(model: &Model, roles: u8, level: u8) -> Option<bool> {
    let caller = (!model.caller_fails).then_some(roles & (1 << model.caller_bit) != 0);
    let row = (!model.row_fails).then_some(level & (1 << model.row_bit) != 0);
    match (caller, row) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn expected(models: &[Model], roles: u8, level: u8) -> &'static str {
    let judged = |is_forbid| {
        let of_kind = models
            .iter()
            .filter(move |model| model.is_forbid == is_forbid);
        of_kind
            .map(|model| (model, holds(model, roles, level)))
            .collect::<Vec<_>>()
    };
    let (forbids, permits) = (judged(true), judged(false));
    let is_outage = |(model, held): &(&Model, Option<bool>)| held.is_none() && model.row_fails;
    if forbids.iter().any(|(_, held)| *held == Some(true)) {
        "forbidden"
    } else if permits.iter().any(|(_, held)| *held == Some(true)) {
        match forbids.iter().any(|(_, held)| held.is_none()) {
            true => "policy_failed",
            false => "allow",
        }
    } else if permits.iter().any(is_outage) {
        "policy_failed"
    } else {
        "not_permitted"
    }
}

proptest! {
    #[test]
    fn decisions_and_lists_agree_with_the_model(models in models()) {
        let authz = build(&models);
        for roles in 0..8_u8 {
            let held = (0..3_u8).filter(|bit| roles & (1 << bit) != 0).map(|bit| bit.to_string());
            let who = Principal::new("x", Authentication::new(now())).with_roles(held);
            let context = context(&who);
            let visible = authz.visible::<Document>(&who, "documents:read", &context);
            for level in 0..8 {
                let mut row = document(1, "sales");
                row.level = level;
                let found = authz.decide(&who, "documents:read", &row, &context);
                let expected = expected(&models, roles, level);
                prop_assert_eq!(found.outcome().code(), expected);
                prop_assert_eq!(visible.decide(&row).outcome().code(), expected);
                prop_assert_eq!(visible.matches(&row), expected == "allow");
            }
        }
    }
}
