//! Roles and permissions: over a real stack, and against a simple model.

use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Empty;
use portcullis::authz::rbac::{ConfigError, Rbac, RequireLayer, Role};
use portcullis::clock::Timestamp;
use portcullis::event::EventKind;
use portcullis::guard::{Challenge, Check, Rejection, RejectionKind};
use portcullis::principal::{Authentication, Principal};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tower::{Layer, ServiceExt};

fn rbac() -> Rbac {
    Rbac::builder()
        .resource("users", ["read", "write"])
        .resource("invoices", ["read", "pay"])
        .role(Role::new("viewer").allow("*:read"))
        .role(
            Role::new("accountant")
                .inherits("viewer")
                .allow("invoices:*"),
        )
        .role(Role::new("admin").allow("*"))
        .build()
        .unwrap()
}

fn principal(roles: &[&str]) -> Principal {
    let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000));
    Principal::new("user-17", login).with_roles(roles.iter().copied())
}

/// What comes of a request, and how often the service behind was called.
async fn send(layer: &RequireLayer, principal: Option<Principal>) -> (Response<()>, usize) {
    let spy = Spy::default();
    let mut request = Request::new(Empty::<Bytes>::new());
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
    (response.map(drop), spy.calls())
}

#[tokio::test]
async fn only_who_is_allowed_reaches_the_service() {
    let rbac = rbac();
    let read = rbac.require("users:read").unwrap();
    let both = rbac.require_all(["users:read", "invoices:pay"]).unwrap();
    let either = rbac.require_any(["users:write", "invoices:pay"]).unwrap();
    for (name, layer, roles, status) in [
        ("by a wildcard of actions", &read, &["viewer"][..], 200),
        ("inherited", &read, &["accountant"], 200),
        ("by the wildcard of all", &read, &["admin"], 200),
        ("no role", &read, &[], 403),
        ("an unknown role", &read, &["pirate"], 403),
        ("an unknown role beside", &read, &["pirate", "viewer"], 200),
        ("a role in another case", &read, &["Viewer"], 403),
        ("both, has both", &both, &["accountant"], 200),
        ("both, has one", &both, &["viewer"], 403),
        ("either, has one", &either, &["accountant"], 200),
        ("either, has none", &either, &["viewer"], 403),
    ] {
        let (response, calls) = send(layer, Some(principal(roles))).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(calls, usize::from(status == 200), "{name}");
    }
}

#[test]
fn all_permissions_are_told() {
    let names = ["users:read", "users:write", "invoices:read", "invoices:pay"];
    let rbac = rbac();
    let told: Vec<_> = rbac.permissions().map(|it| it.name().to_owned()).collect();
    assert_eq!(told, names);
    let admin = principal(&["admin"]);
    assert!(rbac.permissions().all(|it| it.is_granted_to(&admin)));
}

#[tokio::test]
async fn without_a_principal_it_is_401_with_a_challenge() {
    let read = rbac().require("users:read").unwrap();
    let (response, calls) = send(&read, None).await;
    assert_eq!((response.status().as_u16(), calls), (401, 0));
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    let basic = read.challenge(Challenge::new("Basic").with("realm", "office"));
    let (response, _) = send(&basic, None).await;
    let expected = r#"Basic realm="office""#;
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], expected);
}

#[tokio::test]
async fn the_operator_learns_why_and_the_client_does_not() {
    let write = rbac().require("users:write").unwrap();
    let (response, _) = send(&write, Some(principal(&["viewer", "pirate"]))).await;
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Forbidden);
    assert_eq!(rejection.code(), "forbidden");
    assert_eq!(rejection.subject(), Some("user-17"));
    assert_eq!(rejection.event(), Some(EventKind::AuthzFail));
    let expected = "asked for users:write; roles: viewer; unknown roles: pirate";
    assert_eq!(rejection.reason(), Some(expected));
    assert!(rejection.headers().is_empty());
}

#[tokio::test]
async fn scopes_limit_what_roles_allow() {
    let read = rbac().require("users:read").unwrap();
    for (name, roles, scopes, status, code) in [
        (
            "the very one",
            &["viewer"][..],
            &["users:read"][..],
            200,
            "",
        ),
        ("a wildcard of actions", &["viewer"], &["users:*"], 200, ""),
        ("a wildcard of resources", &["viewer"], &["*:read"], 200, ""),
        ("all", &["viewer"], &["*"], 200, ""),
        (
            "another",
            &["viewer"],
            &["users:write"],
            403,
            "insufficient_scope",
        ),
        (
            "of another vocabulary",
            &["viewer"],
            &["openid", "profile"],
            403,
            "insufficient_scope",
        ),
        ("none", &["viewer"], &[], 403, "insufficient_scope"),
        ("more than the roles", &[], &["*"], 403, "forbidden"),
        ("neither", &[], &[], 403, "forbidden"),
    ] {
        let principal = principal(roles).with_scopes(scopes.iter().copied());
        let (response, calls) = send(&read, Some(principal)).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(calls, usize::from(status == 200), "{name}");
        let rejection = response.extensions().get::<Rejection>();
        assert_eq!(
            rejection.map_or("", |rejection| rejection.code()),
            code,
            "{name}"
        );
        if code == "insufficient_scope" {
            let challenge = &response.headers()[header::WWW_AUTHENTICATE];
            assert_eq!(challenge, r#"Bearer error="insufficient_scope""#, "{name}");
        }
    }
}

#[test]
fn roles_alone_decide_when_told_so() {
    let rbac = Rbac::builder()
        .resource("users", ["read"])
        .role(Role::new("viewer").allow("users:read"))
        .insecure_ignore_scopes()
        .build()
        .unwrap();
    let read = rbac.permission("users:read").unwrap();
    assert!(read.is_granted_to(&principal(&["viewer"]).with_scopes(["openid"])));
    assert!(!read.is_granted_to(&principal(&[]).with_scopes(["users:read"])));
}

#[test]
fn a_handler_asks_a_permission() {
    let pay = rbac().permission("invoices:pay").unwrap();
    assert_eq!(pay.name(), "invoices:pay");
    assert!(pay.check(&principal(&["accountant"])).is_ok());
    assert_eq!(
        pay.check(&principal(&["viewer"])).unwrap_err().status(),
        403
    );
}

#[test]
fn mistakes_show_at_start() {
    let rbac = rbac();
    for (name, made) in [
        ("unknown", rbac.require("users:fly")),
        ("a wildcard", rbac.require("users:*")),
        ("malformed", rbac.require("users")),
        (
            "one of several",
            rbac.require_any(["users:read", "users:fly"]),
        ),
        ("none of none", rbac.require_any([])),
        ("all of none", rbac.require_all([])),
    ] {
        assert!(made.is_err(), "{name}");
    }
    let error = rbac.permission("users:raed").unwrap_err().to_string();
    assert!(
        error.contains("users:raed") && error.contains("users:read"),
        "{error}"
    );
    let built = Rbac::builder().role(Role::new("admin").allow("*")).build();
    assert!(matches!(built, Err(ConfigError::UnknownPermission { .. })));
}

#[tokio::test]
async fn roles_are_replaced_while_layers_stand() {
    let rbac = rbac();
    let read = rbac.require("users:read").unwrap();
    assert_eq!(
        send(&read, Some(principal(&["viewer"]))).await.0.status(),
        200
    );

    let wrong = [Role::new("auditor").allow("users:fly")];
    assert!(rbac.replace_roles(wrong).is_err());
    assert_eq!(
        send(&read, Some(principal(&["viewer"]))).await.0.status(),
        200
    );

    rbac.replace_roles([Role::new("auditor").allow("users:read")])
        .unwrap();
    assert!(rbac.has_role("auditor") && !rbac.has_role("viewer"));
    assert_eq!(
        send(&read, Some(principal(&["viewer"]))).await.0.status(),
        403
    );
    assert_eq!(
        send(&read, Some(principal(&["auditor"]))).await.0.status(),
        200
    );
}

#[test]
fn a_request_sees_the_old_roles_or_the_new_ones() {
    let holding = |permission: &str| [Role::new("a").allow(permission)];
    let rbac = Rbac::builder()
        .resource("x", ["one", "two"])
        .build()
        .unwrap();
    // The role has either permission at each moment, and both at none.
    let both = rbac.require_all(["x:one", "x:two"]).unwrap();
    let has_both = || {
        let mut request = Request::new(());
        request.extensions_mut().insert(principal(&["a"]));
        both.check(&mut request).is_ok()
    };
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            for turn in 0..2000 {
                let permission = if turn % 2 == 0 { "x:one" } else { "x:two" };
                rbac.replace_roles(holding(permission)).unwrap();
            }
        });
        while !swapping.is_finished() {
            assert!(!has_both());
        }
    });
}

/// The model: sets of names, wildcards and inheritance followed at each question.
#[derive(Clone, Debug)]
struct Model {
    resources: BTreeMap<String, BTreeSet<String>>,
    roles: Vec<(String, Vec<String>, BTreeSet<String>)>,
}

impl Model {
    fn build(&self) -> Rbac {
        let mut builder = Rbac::builder();
        for (resource, actions) in &self.resources {
            builder = builder.resource(resource, actions.iter().map(String::as_str));
        }
        for (name, parents, grants) in &self.roles {
            let role = parents.iter().fold(Role::new(name), Role::inherits);
            builder = builder.role(grants.iter().fold(role, Role::allow));
        }
        builder.build().unwrap()
    }

    fn allows(&self, role: &str, resource: &str, action: &str) -> bool {
        let Some((_, parents, grants)) = self.roles.iter().find(|(name, ..)| name == role) else {
            return false;
        };
        let stands_for = |pattern: &str| stands_for(pattern, resource, action);
        grants.iter().any(|pattern| stands_for(pattern))
            || parents
                .iter()
                .any(|parent| self.allows(parent, resource, action))
    }
}

fn stands_for(pattern: &str, resource: &str, action: &str) -> bool {
    let all = [
        format!("{resource}:{action}"),
        format!("{resource}:*"),
        format!("*:{action}"),
        "*:*".to_owned(),
        "*".to_owned(),
    ];
    all.iter().any(|one| one == pattern)
}

/// Up to 12 resources with up to 12 actions: more than a word of permissions, often enough.
fn models() -> impl Strategy<Value = Model> {
    let actions = prop::collection::btree_set((0..12_u8).prop_map(|n| format!("a{n}")), 1..12);
    let names = (0..12_u8).prop_map(|n| format!("r{n}"));
    let resources = prop::collection::btree_map(names, actions, 1..12);
    let role = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8), 0..4),
    );
    (resources, prop::collection::vec(role, 0..10)).prop_map(|(resources, drawn)| {
        let all: Vec<_> = resources
            .iter()
            .flat_map(|(resource, actions)| actions.iter().map(move |action| (resource, action)))
            .collect();
        let mut roles: Vec<(String, Vec<String>, BTreeSet<String>)> = Vec::new();
        for (parents, grants) in drawn {
            // Only roles before this one: so there is no circle.
            let earlier = roles.len();
            let parents: BTreeSet<_> = parents
                .iter()
                .filter(|_| earlier > 0)
                .map(|parent| format!("role{}", parent.index(earlier)))
                .collect();
            let grants = grants.iter().map(|(index, form)| {
                let (resource, action) = index.get(&all);
                match form {
                    0 => format!("{resource}:*"),
                    1 => format!("*:{action}"),
                    2 if index.index(20) == 0 => "*".to_owned(),
                    _ => format!("{resource}:{action}"),
                }
            });
            roles.push((
                format!("role{earlier}"),
                parents.into_iter().collect(),
                grants.collect(),
            ));
        }
        // Definitions may come in any order.
        roles.reverse();
        Model { resources, roles }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn decides_as_the_model_does(
        model in models(),
        held in prop::collection::vec(0..12_u8, 0..4),
        scopes in prop::option::of(prop::collection::vec(("r[0-9]|\\*", "a[0-9]|\\*"), 0..4)),
    ) {
        let rbac = model.build();
        let held: Vec<_> = held.iter().map(|number| format!("role{number}")).collect();
        let held: Vec<_> = held.iter().map(String::as_str).collect();
        let scopes: Option<Vec<_>> = scopes.map(|scopes| {
            scopes.iter().map(|(resource, action)| format!("{resource}:{action}")).collect()
        });
        let mut principal = principal(&held);
        if let Some(scopes) = &scopes {
            principal = principal.with_scopes(scopes.iter().map(String::as_str));
        }
        for (resource, actions) in &model.resources {
            for action in actions {
                let by_role = held.iter().any(|role| model.allows(role, resource, action));
                let by_scope = scopes.as_ref().is_none_or(|scopes| {
                    scopes.iter().any(|scope| stands_for(scope, resource, action))
                });
                let permission = rbac.permission(&format!("{resource}:{action}")).unwrap();
                let granted = permission.is_granted_to(&principal);
                prop_assert_eq!(granted, by_role && by_scope, "{}", permission);
                prop_assert_eq!(permission.check(&principal).is_ok(), granted);
            }
        }
    }
}
