//! Any names for resources, roles and permissions: build or refuse, and then decide.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};

type Roles<'a> = Vec<(&'a str, Vec<&'a str>, Vec<&'a str>)>;

fuzz_target!(|input: (Vec<(&str, Vec<&str>)>, Roles<'_>, Vec<&str>, Option<Vec<&str>>, &str)| {
    let (resources, roles, held, scopes, asked) = input;
    let mut builder = Rbac::builder();
    for (resource, actions) in resources {
        builder = builder.resource(resource, actions);
    }
    for (name, parents, grants) in roles {
        let role = parents.into_iter().fold(Role::new(name), Role::inherits);
        builder = builder.role(grants.into_iter().fold(role, Role::allow));
    }
    let Ok(rbac) = builder.build() else { return };

    let login = Authentication::new(Timestamp::from_unix_seconds(0));
    let mut principal = Principal::new("someone", login).with_roles(held.iter().copied());
    if let Some(scopes) = scopes {
        principal = principal.with_scopes(scopes);
    }
    let Ok(permission) = rbac.permission(asked) else { return };
    assert_eq!(permission.name(), asked);
    let granted = permission.is_granted_to(&principal);
    assert_eq!(permission.check(&principal).is_ok(), granted);
    assert!(!granted || held.iter().any(|role| rbac.has_role(role)));
});
