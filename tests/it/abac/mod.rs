//! Policies over the application's types: decisions, layers, lists and what is told of them.

mod decisions;
mod explained;
mod layers;
mod lists;
#[cfg(feature = "guarded-router")]
mod router;
mod step_up;
#[cfg(feature = "policy-tests")]
mod trial;

use portcullis::authz::abac::{Authz, AuthzBuilder, Context, EntityId, attributes, forbid, permit};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};

/// Monday, 2026-11-23, 10:00 UTC.
pub(crate) const MONDAY_MORNING: u64 = 1_795_428_000;

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) department: String,
}

attributes! {
    User as "User" {
        id = user => &*user.id;
        department: public text;
    }
}

#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) id: u64,
    pub(crate) owner: User,
    pub(crate) level: u8,
    pub(crate) is_secret: bool,
    pub(crate) folder: Option<String>,
    pub(crate) labels: Vec<String>,
}

attributes! {
    Document as "Document" {
        id = document => document.id.to_string();
        parents "Folder" = document => document.folder.iter().map(|id| EntityId::new("Folder", id));
        owner: entity "User";
        department: public text = document => &document.owner.department;
        level: long;
        is_secret: bool;
        folder: optional reference "Folder";
        labels: set text;
    }
}

pub(crate) fn document(id: u64, department: &str) -> Document {
    Document {
        id,
        owner: User {
            id: "owner".to_owned(),
            department: department.to_owned(),
        },
        level: 1,
        is_secret: false,
        folder: None,
        labels: Vec::new(),
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(MONDAY_MORNING)
}

pub(crate) fn principal(department: &str, roles: &[&str]) -> Principal {
    Principal::new("ann", Authentication::new(now()))
        .with_roles(roles.iter().copied())
        .with_attribute("department", department)
}

pub(crate) fn context(principal: &Principal) -> Context {
    Context::new(now()).of_principal(principal)
}

/// Members read what their department owns, managers write it, nobody touches what is secret.
pub(crate) fn policies() -> AuthzBuilder {
    Authz::builder()
        .resource("documents", ["read", "write", "create"])
        .resource("users", ["read"])
        .policy(permit("read-own-department", ["documents:read"]).when(
            "same department",
            |who, document: &Document, _| {
                who.attribute_is("department", &document.owner.department)
            },
        ))
        .policy(
            permit("manage", ["documents:*"])
                .given("is a manager", |who, _| who.has_role("manager"))
                .when("same department", |who, document: &Document, _| {
                    who.attribute_is("department", &document.owner.department)
                }),
        )
        .policy(
            forbid("secret", ["documents:*"])
                .when("is secret", |_, document: &Document, _| document.is_secret),
        )
}

pub(crate) fn authz() -> Authz {
    policies().build().unwrap()
}
