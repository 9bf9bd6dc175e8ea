//! Policies and the application that decides by them have to be about the same.

use portcullis::authz::abac::{
    AttributeSchema, AttributeType, Authz, TypeSchema, attributes, permit,
};
use portcullis::authz::cedar::{
    AppSchema, CedarPolicies, CedarSource, LivePolicies, LoadError, PolicyFolder,
};
use std::fs;

struct User {
    id: String,
    is_admin: bool,
    department: String,
}

attributes! {
    User as "User" {
        id = user => &*user.id;
        is_admin: bool;
        department: text;
    }
}

fn schema() -> AppSchema {
    let department = AttributeSchema::new("department", AttributeType::Text);
    AppSchema::builder()
        .principal(TypeSchema::new("User").attribute(department))
        .resource::<User>("users", ["read"])
        .build()
        .unwrap()
}

const POLICY: &str = "permit(principal, action, resource) when { principal == resource };";

fn policies(schema: &str, text: &str) -> CedarPolicies {
    let builder = CedarPolicies::builder().schema(schema);
    builder.text(text).build().unwrap()
}

#[test]
fn policies_are_checked_against_the_schema_that_decides() {
    let schema = schema();
    let own = schema.to_string();
    let spaced = own.replace('\n', "\n\n // what users can do\n");
    let wider = format!("{own}\nentity Folder;");
    let other = own.replace("\"is_admin\": __cedar::Bool", "\"is_admin\": __cedar::Long");
    assert_ne!(own, other);
    for (name, text, fits) in [
        ("the same", &own, true),
        ("the same, written otherwise", &spaced, true),
        ("one type more", &wider, false),
        ("another kind", &other, false),
    ] {
        let found = CedarSource::new(policies(text, POLICY), &schema);
        assert_eq!(found.is_ok(), fits, "{name}: {found:?}");
    }

    let error = CedarSource::new(policies(&other, POLICY), &schema).unwrap_err();
    assert!(matches!(error, LoadError::OtherSchema(_)), "{error}");
    assert!(error.to_string().contains("another schema"), "{error}");

    let unchecked = CedarPolicies::builder().insecure_without_schema();
    let unchecked = unchecked.text(POLICY).build().unwrap();
    let error = CedarSource::new(unchecked.clone(), &schema).unwrap_err();
    assert!(error.to_string().contains("no schema"), "{error}");
    let _wanted = CedarSource::insecure_of_any_schema(unchecked, &schema);
}

/// A reload is no way around it.
#[test]
fn what_replaces_policies_fits_as_well() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.cedar", POLICY);
    write("app.cedarschema", &schema.to_string());
    let live = LivePolicies::from_folder(PolicyFolder::new(folder.path())).unwrap();
    let _source = CedarSource::new(live.clone(), &schema).unwrap();
    let first = live.current().version().clone();

    write("app.cedarschema", &format!("{schema}\nentity Folder;"));
    let error = live.reload().unwrap_err();
    assert!(matches!(error, LoadError::OtherSchema(_)), "{error}");
    let wider = policies(&format!("{schema}\nentity Folder;"), POLICY);
    assert!(live.replace(wider).is_err());
    assert_eq!(live.current().version(), &first);

    write("app.cedarschema", &schema.to_string());
    write("a.cedar", "forbid(principal, action, resource);");
    assert_ne!(live.reload().unwrap(), first);
    live.replace(policies(&schema.to_string(), POLICY)).unwrap();
}

/// What a row says of a user does not make the user who asks more than it is.
#[test]
fn what_only_rows_say_is_not_read_of_the_principal() {
    let schema = schema();
    let fits = |condition: &str| {
        let text =
            format!("@id(\"it\") permit(principal, action, resource) when {{ {condition} }};");
        CedarSource::new(policies(&schema.to_string(), &text), &schema)
    };
    for (condition, is_refused) in [
        ("principal.is_admin", true),
        ("principal has is_admin && principal.is_admin", true),
        (
            "(if context.hour < 8 then principal else resource).is_admin",
            true,
        ),
        ("resource == principal && {a: principal}.a.is_admin", true),
        ("resource.is_admin", false),
        ("principal == resource && resource.is_admin", false),
        ("principal.department == resource.department", false),
        ("principal.id == \"ann\"", false),
    ] {
        let found = fits(condition);
        assert_eq!(found.is_err(), is_refused, "{condition}: {found:?}");
    }
    let error = fits("principal.is_admin").unwrap_err().to_string();
    for named in [
        "\"it\"",
        "`principal.is_admin`",
        "AppSchemaBuilder::principal",
    ] {
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn no_two_policies_have_one_id_wherever_they_are_from() {
    let schema = schema();
    let source = |id: &str| {
        let text = format!("@id(\"{id}\") {POLICY}");
        CedarSource::new(policies(&schema.to_string(), &text), &schema).unwrap()
    };
    let authz = || {
        let policy = permit("own-row", ["users:read"]);
        Authz::builder()
            .resource("users", ["read"])
            .policy(policy.when("is it", |who, user: &User, _| who.id() == user.id))
    };
    assert!(authz().source(source("another")).build().is_ok());
    let with_typed = authz().source(source("own-row")).build();
    let with_text = authz().source(source("a")).source(source("a")).build();
    for (refused, id) in [(with_typed, "\"own-row\""), (with_text, "\"a\"")] {
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains(id) && error.contains("there twice"),
            "{error}"
        );
    }
}
