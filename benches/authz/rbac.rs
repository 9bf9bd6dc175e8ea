//! What a check of a permission costs: 20 roles, ten of which inherit from the other ten, and
//! 200 permissions; against sets of strings that a hand-written check would look into.
//!
//! Bars: at most 50 ns for a check of the layer, with the principal in the request.

use crate::common::Race;
use http::Request;
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::clock::Timestamp;
use portcullis::guard::Check;
use portcullis::principal::{Authentication, Principal};
use std::collections::{HashMap, HashSet};
use std::hint::black_box;

const RESOURCES: usize = 40;
const ACTIONS: [&str; 5] = ["read", "write", "create", "delete", "approve"];

pub(crate) fn checks() {
    let rbac = ours();
    let by_hand = naive();
    check("one-role", &rbac, &by_hand, &principal(&["role-17"]));
    check(
        "three-roles",
        &rbac,
        &by_hand,
        &principal(&["role-3", "role-9", "role-17"]),
    );
    let scoped = principal(&["role-17"]).with_scopes(["resource-3:read", ASKED]);
    check("with-scopes", &rbac, &by_hand, &scoped);
}

fn check(
    title: &'static str,
    rbac: &Rbac,
    by_hand: &HashMap<String, HashSet<String>>,
    who: &Principal,
) {
    let layer = rbac.require(ASKED).expect("it is declared");
    let permission = rbac.permission(ASKED).expect("it is declared");
    let mut request = Request::new(());
    request.extensions_mut().insert(who.clone());
    let times = Race::new(title)
        .operation("layer", || layer.check(black_box(&mut request)).is_ok())
        .operation("permission", || permission.is_granted_to(black_box(who)))
        .operation("sets-of-strings", || {
            let (resource, action) = black_box(("resource-17", "approve"));
            let wanted = format!("{resource}:{action}");
            let who = black_box(who);
            let mut roles = who.roles();
            let holds = |role| by_hand.get(role).is_some_and(|held| held.contains(&wanted));
            who.scopes()
                .is_none_or(|mut scopes| scopes.any(|scope| scope == wanted))
                && roles.any(holds)
        })
        .run();
    times.ratio(&format!("rbac-{title}"), "layer", "sets-of-strings");
}

const ASKED: &str = "resource-17:approve";

fn principal(roles: &[&str]) -> Principal {
    let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000));
    Principal::new("user-17", login).with_roles(roles.iter().copied())
}

fn resource(number: usize) -> String {
    format!("resource-{number}")
}

/// Role n may do all with the resources n and n + 20; from 10 on it inherits role n - 10.
fn grants(role: usize) -> Vec<String> {
    let own = |role| [resource(role), resource(role + RESOURCES / 2)];
    let inherited = (role >= 10).then(|| own(role - 10));
    own(role)
        .into_iter()
        .chain(inherited.into_iter().flatten())
        .collect()
}

fn ours() -> Rbac {
    let mut builder = Rbac::builder();
    for number in 0..RESOURCES {
        builder = builder.resource(&resource(number), ACTIONS);
    }
    for number in 0..20 {
        let role = Role::new(format!("role-{number}"))
            .allow(format!("{}:*", resource(number)))
            .allow(format!("{}:*", resource(number + RESOURCES / 2)));
        builder = builder.role(match number {
            10.. => role.inherits(format!("role-{}", number - 10)),
            _ => role,
        });
    }
    builder.build().expect("the roles are right")
}

fn naive() -> HashMap<String, HashSet<String>> {
    let permissions = |role| {
        let pairs = grants(role)
            .into_iter()
            .flat_map(|resource| ACTIONS.map(|action| format!("{resource}:{action}")));
        pairs.collect()
    };
    (0..20)
        .map(|role| (format!("role-{role}"), permissions(role)))
        .collect()
}
