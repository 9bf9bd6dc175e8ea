use super::{CedarPolicies, LoadError};
use crate::authz::abac::{
    AttributeSchema, AttributeType, Attributes, Context, NoResource, Resource, TypeSchema,
};
use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::sync::Arc;

/// The type of roles: `principal in Role::"editor"`.
const ROLE: &str = "Role";

/// What text policies may speak of, made of the application's own types.
///
/// | in policies | |
/// |---|---|
/// | `principal` | of the type that [`principal`](AppSchemaBuilder::principal) names: its attributes, `id`, and `tenant` where there are tenants; `in Role::"editor"` when it has that role |
/// | `action` | `Action::"documents:read"`, which is in `Action::"documents:*"`, `Action::"*:read"` and `Action::"*"` |
/// | `resource` | the thing, with the attributes of its struct; `NoResource::""` where nothing is named |
/// | `context` | that of [`Context`]: `time`, `hour`, `weekday`, and where they are known `ip`, `tenant`, `mfa_age` in seconds and `assurance`, 1 to 3; and the facts that were declared |
///
/// Its `Display` is the schema in Cedar's language, for editors and for
/// [`CedarPoliciesBuilder::schema`](super::CedarPoliciesBuilder::schema).
#[derive(Clone)]
pub struct AppSchema(Arc<Inner>);

struct Inner {
    principal: TypeSchema,
    facts: Vec<AttributeSchema>,
    types: HashMap<String, EntityTypeName>,
    actions: HashMap<String, Action>,
    /// What rows that are principals have, and principals do not bring.
    only_of_rows: BTreeSet<String>,
    text: String,
}

/// A permission, with all groups that it is in.
#[derive(Clone)]
pub(super) struct Action {
    pub(super) uid: EntityUid,
    pub(super) groups: Vec<EntityUid>,
}

impl Action {
    pub(super) fn entity(&self) -> Entity {
        Entity::new_no_attrs(self.uid.clone(), self.groups.iter().cloned().collect())
    }
}

/// Gathers what policies may speak of.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct AppSchemaBuilder {
    principal: TypeSchema,
    types: Vec<TypeSchema>,
    permissions: Vec<(String, String, String)>,
    facts: Vec<AttributeSchema>,
}

impl AppSchema {
    /// Starts with principals of the type `User`, and nothing that they could do.
    pub fn builder() -> AppSchemaBuilder {
        AppSchemaBuilder {
            principal: TypeSchema::new("User"),
            types: Vec::new(),
            permissions: Vec::new(),
            facts: Vec::new(),
        }
    }

    pub(super) fn principal(&self) -> &TypeSchema {
        &self.0.principal
    }

    /// Whether principals have an attribute of this name of their own.
    pub(super) fn is_brought(&self, name: &str) -> bool {
        brings(&self.0.principal, name)
    }

    /// Whether these policies were checked against this schema, and believe no row about the
    /// principal.
    pub(super) fn check(&self, policies: &CedarPolicies) -> Result<(), LoadError> {
        let text = policies.schema_text();
        let text = text.ok_or(LoadError::OtherSchema("no schema"))?;
        if *text != self.0.text && !super::builder::is_same_schema(text, &self.0.text)? {
            return Err(LoadError::OtherSchema("another schema"));
        }
        for rule in policies.rules() {
            let mut reads = rule.reads_of_principal.iter();
            if let Some(attribute) = reads.find(|name| self.0.only_of_rows.contains(&***name)) {
                return Err(LoadError::OnlyOfRows {
                    policy: rule.head.id().to_owned(),
                    attribute: attribute.to_string(),
                });
            }
        }
        Ok(())
    }

    pub(super) fn facts(&self) -> &[AttributeSchema] {
        &self.0.facts
    }

    /// The name of an entity, by what the application calls type and thing.
    pub(super) fn uid(&self, type_name: &str, id: &str) -> Result<EntityUid, String> {
        let name = match self.0.types.get(type_name) {
            Some(name) => name.clone(),
            None => type_of(type_name)?,
        };
        Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
    }

    pub(super) fn role(&self, role: &str) -> Result<EntityUid, String> {
        self.uid(ROLE, role)
    }

    /// The action of a permission, with the groups it is in. One that was not declared is in
    /// the groups of its name all the same: a policy about all actions is about it too.
    pub(super) fn action(&self, permission: &str) -> Result<Action, String> {
        match self.0.actions.get(permission) {
            Some(action) => Ok(action.clone()),
            None => action(permission),
        }
    }
}

impl fmt::Display for AppSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for AppSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSchema")
            .field("types", &self.0.types.len())
            .field("actions", &self.0.actions.len())
            .finish_non_exhaustive()
    }
}

impl AppSchemaBuilder {
    /// What principals are called, and which of their
    /// [attributes](crate::principal::Principal::attribute) policies may read. Where the value of
    /// one is not of its kind, nothing is decided.
    pub fn principal(mut self, principal: TypeSchema) -> Self {
        self.principal = principal;
        self
    }

    /// Declares what can be done with things of a type: each action is a permission,
    /// `resource:action`.
    pub fn resource<'a, R: Resource>(
        self,
        name: &str,
        actions: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let schema = R::schema();
        let type_name = schema.name().to_owned();
        self.declare(name, actions, &type_name).with_type(schema)
    }

    /// Declares what can be done where no thing is named, such as making one.
    pub fn actions<'a>(self, name: &str, actions: impl IntoIterator<Item = &'a str>) -> Self {
        let none = NoResource::schema();
        self.declare(name, actions, none.name())
    }

    /// Declares a type that others speak of: owners, folders.
    pub fn entity<T: Attributes>(self) -> Self {
        self.with_type(T::schema())
    }

    /// Declares a [fact](Context::fact) that the service adds to the context. Where the value of
    /// one is not of its kind, nothing is decided.
    pub fn fact(mut self, fact: AttributeSchema) -> Self {
        self.facts.push(fact);
        self
    }

    fn declare<'a>(
        mut self,
        name: &str,
        actions: impl IntoIterator<Item = &'a str>,
        type_name: &str,
    ) -> Self {
        let permission = |action: &str| (name.to_owned(), action.to_owned(), type_name.to_owned());
        self.permissions.extend(actions.into_iter().map(permission));
        self
    }

    fn with_type(mut self, schema: TypeSchema) -> Self {
        self.types.push(schema);
        self
    }

    /// Puts the schema together, and has Cedar read it.
    ///
    /// # Errors
    /// When a name cannot stand in a schema, or a type is there twice and not the same.
    pub fn build(self) -> Result<AppSchema, LoadError> {
        let refused = |message| LoadError::AppSchema(message);
        let types = self.all_types().map_err(refused)?;
        let text = self.write(&types).map_err(refused)?;
        super::builder::read_schema("the schema of the application", &text)?;
        let mut names = HashMap::new();
        for name in types.keys().map(String::as_str).chain([ROLE]) {
            names.insert(name.to_owned(), type_of(name).map_err(refused)?);
        }
        let mut actions = HashMap::new();
        for (resource, name, _) in &self.permissions {
            let permission = format!("{resource}:{name}");
            let action = action(&permission).map_err(refused)?;
            actions.insert(permission, action);
        }
        let of_rows = types.get(self.principal.name()).into_iter().flatten();
        let of_rows = of_rows.flat_map(TypeSchema::attributes);
        let of_rows = of_rows.map(|attribute| attribute.name().to_owned());
        let only_of_rows = of_rows
            .filter(|name| !brings(&self.principal, name))
            .collect();
        Ok(AppSchema(Arc::new(Inner {
            principal: self.principal,
            facts: self.facts,
            types: names,
            actions,
            only_of_rows,
            text,
        })))
    }

    /// Every type by its name. The principal's can be a struct of the application as well, and
    /// has the attributes of both. One that is only spoken of has no attributes.
    fn all_types(&self) -> Result<BTreeMap<String, Vec<TypeSchema>>, String> {
        let mut types: BTreeMap<String, Vec<TypeSchema>> = BTreeMap::new();
        let id = AttributeSchema::new("id", AttributeType::Text);
        let tenant = AttributeSchema::new("tenant", AttributeType::Text).optional();
        let principal = self.principal.clone().child_of(ROLE);
        let principal = [id, tenant].into_iter().fold(principal, add_missing);
        types.insert(principal.name().to_owned(), vec![principal]);
        types.insert(NoResource::schema().name().to_owned(), Vec::new());
        for schema in &self.types {
            if schema.name() == ROLE {
                return Err(format!("the type {ROLE:?} is that of roles"));
            }
            let known = types.entry(schema.name().to_owned()).or_default();
            let is_principal = schema.name() == self.principal.name();
            match known.iter().find(|_| !is_principal || known.len() > 1) {
                Some(_) if known.contains(schema) => {}
                Some(_) => return Err(format!("there are two types {:?}", schema.name())),
                None => known.push(schema.clone()),
            }
        }
        let mut spoken_of = BTreeSet::new();
        for schema in types.values().flatten() {
            spoken_of.extend(schema.parents().map(str::to_owned));
            for attribute in schema.attributes() {
                entities_in(attribute.kind(), &mut spoken_of);
            }
        }
        for name in spoken_of {
            types.entry(name).or_default();
        }
        types.remove(ROLE);
        Ok(types)
    }

    fn write(&self, types: &BTreeMap<String, Vec<TypeSchema>>) -> Result<String, String> {
        let mut text = format!("entity {ROLE};\n");
        let mut spaces: BTreeMap<&str, String> = BTreeMap::new();
        for (name, schemas) in types {
            type_of(name)?;
            let mut attributes: Vec<AttributeSchema> = Vec::new();
            for attribute in schemas.iter().flat_map(TypeSchema::attributes) {
                let known = attributes
                    .iter_mut()
                    .find(|it| it.name() == attribute.name());
                match known {
                    None => attributes.push(attribute.clone()),
                    Some(known) if known.kind() == attribute.kind() => {
                        // What one of the two may lack, policies have to ask for.
                        if !attribute.is_required() {
                            *known = attribute.clone();
                        }
                    }
                    Some(_) => {
                        let attribute = attribute.name();
                        return Err(format!(
                            "{name:?} has two attributes {attribute:?} of different kinds"
                        ));
                    }
                }
            }
            let parents: BTreeSet<_> = schemas.iter().flat_map(TypeSchema::parents).collect();
            let parents: Vec<_> = parents.into_iter().collect();
            let record = record(&attributes)?;
            let parents = parents.join(", ");
            let (space, name) = name.rsplit_once("::").unwrap_or(("", name));
            push(
                spaces.entry(space).or_default(),
                format_args!("entity {name} in [{parents}] {record};\n"),
            );
        }
        for (space, entities) in spaces {
            match space {
                "" => text += &entities,
                space => push(
                    &mut text,
                    format_args!("namespace {space} {{\n{entities}}}\n"),
                ),
            }
        }
        self.write_actions(&mut text)?;
        Ok(text)
    }

    fn write_actions(&self, text: &mut String) -> Result<(), String> {
        let mut groups = BTreeSet::from(["*".to_owned()]);
        let mut things: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for (resource, action, type_name) in &self.permissions {
            for name in [resource, action] {
                if !is_plain(name) || name.contains([':', '*']) {
                    return Err(format!(
                        "{name:?} cannot be the name of a resource or an action"
                    ));
                }
            }
            groups.extend([format!("{resource}:*"), format!("*:{action}")]);
            things
                .entry((resource, action))
                .or_default()
                .insert(type_name);
        }
        for group in groups {
            push(text, format_args!("action \"{group}\";\n"));
        }
        let context = Context::schema();
        let context: Vec<_> = context
            .attributes()
            .iter()
            .chain(&self.facts)
            .cloned()
            .collect();
        let context = record(&context)?;
        let principal = self.principal.name();
        for ((resource, action), types) in things {
            let types: Vec<_> = types.into_iter().collect();
            push(
                text,
                format_args!(
                    "action \"{resource}:{action}\" in [\"{resource}:*\", \"*:{action}\", \"*\"] appliesTo {{\n  principal: [{principal}], resource: [{}], context: {context}\n}};\n",
                    types.join(", "),
                ),
            );
        }
        Ok(())
    }
}

fn brings(principal: &TypeSchema, name: &str) -> bool {
    let mut declared = principal.attributes().iter();
    name == "id" || name == "tenant" || declared.any(|declared| declared.name() == name)
}

/// Writing to a string does not fail.
fn push(text: &mut String, more: fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

fn add_missing(schema: TypeSchema, attribute: AttributeSchema) -> TypeSchema {
    let mut known = schema.attributes().iter();
    match known.any(|known| known.name() == attribute.name()) {
        true => schema,
        false => schema.attribute(attribute),
    }
}

fn entities_in(kind: &AttributeType, found: &mut BTreeSet<String>) {
    match kind {
        AttributeType::Entity(name) => {
            found.insert(name.to_string());
        }
        AttributeType::Set(kind) => entities_in(kind, found),
        AttributeType::Record(attributes) => {
            for attribute in attributes {
                entities_in(attribute.kind(), found);
            }
        }
        _ => {}
    }
}

/// What the application calls a type, as Cedar does. `Action` is Cedar's own.
fn type_of(name: &str) -> Result<EntityTypeName, String> {
    match name.parse::<EntityTypeName>() {
        Ok(parsed) if parsed.basename() != "Action" => Ok(parsed),
        _ => Err(format!("{name:?} cannot be the name of a type")),
    }
}

/// `documents:read` in `documents:*`, `*:read` and `*`.
fn action(permission: &str) -> Result<Action, String> {
    let name: EntityTypeName = "Action"
        .parse()
        .map_err(|_| "there is no type of actions".to_owned())?;
    let uid = |id: &str| EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id));
    let mut groups = vec![uid("*")];
    if let Some((resource, action)) = permission.split_once(':') {
        groups.push(uid(&format!("{resource}:*")));
        groups.push(uid(&format!("*:{action}")));
    }
    Ok(Action {
        uid: uid(permission),
        groups,
    })
}

fn record(attributes: &[AttributeSchema]) -> Result<String, String> {
    let mut text = String::from("{");
    for attribute in attributes {
        let name = attribute.name();
        if !is_plain(name) {
            return Err(format!("{name:?} cannot be the name of an attribute"));
        }
        if attributes.iter().filter(|it| it.name() == name).count() > 1 {
            return Err(format!("the attribute {name:?} is there twice"));
        }
        let mark = if attribute.is_required() { "" } else { "?" };
        let kind = kind_of(attribute.kind())?;
        push(&mut text, format_args!(" \"{name}\"{mark}: {kind},"));
    }
    text.push_str(" }");
    Ok(text)
}

/// Cedar's own types by their long names, which no type of the application can take.
fn kind_of(kind: &AttributeType) -> Result<String, String> {
    Ok(match kind {
        AttributeType::Bool => "__cedar::Bool".to_owned(),
        AttributeType::Long => "__cedar::Long".to_owned(),
        AttributeType::Text => "__cedar::String".to_owned(),
        AttributeType::Ip => "__cedar::ipaddr".to_owned(),
        AttributeType::Time => "__cedar::datetime".to_owned(),
        AttributeType::Set(kind) => format!("Set<{}>", kind_of(kind)?),
        AttributeType::Record(attributes) => record(attributes)?,
        AttributeType::Entity(name) => type_of(name)?.to_string(),
    })
}

/// Whether it needs no escapes between quotation marks.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_control() || c == '"' || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::abac::Value;

    struct Folder;

    impl Attributes for Folder {
        fn schema() -> TypeSchema {
            let owner = AttributeType::Entity("User".into());
            let size = AttributeSchema::new("size", AttributeType::Long);
            let place = AttributeSchema::new("network", AttributeType::Ip).optional();
            TypeSchema::new("Files::Folder")
                .child_of("Files::Disk")
                .attribute(AttributeSchema::new("owner", owner))
                .attribute(AttributeSchema::new(
                    "readers",
                    AttributeType::Set(Box::new(AttributeType::Entity("Team".into()))),
                ))
                .attribute(AttributeSchema::new(
                    "about",
                    AttributeType::Record(vec![size, place]),
                ))
        }

        fn attribute(&self, _name: &str) -> Option<Value<'_>> {
            None
        }

        fn visit(&self, _visitor: &mut dyn FnMut(&'static str, Value<'_>)) {}
    }

    impl Resource for Folder {
        fn type_name(&self) -> &'static str {
            "Files::Folder"
        }

        fn id(&self) -> std::borrow::Cow<'_, str> {
            "1".into()
        }
    }

    #[test]
    fn the_schema_says_all_there_is() {
        let schema = AppSchema::builder()
            .resource::<Folder>("folders", ["open", "move"])
            .resource::<Folder>("archive", ["open"])
            .actions("folders", ["make"])
            .fact(AttributeSchema::new("managed", AttributeType::Bool))
            .build()
            .unwrap();
        let text = schema.to_string();
        for expected in [
            "entity Role;",
            "entity User in [Role] { \"id\": __cedar::String, \"tenant\"?: __cedar::String, };",
            "entity Folder in [Files::Disk] { \"owner\": User, \"readers\": Set<Team>, \"about\": { \"size\": __cedar::Long, \"network\"?: __cedar::ipaddr, }, };",
            "namespace Files {\nentity Disk in [] { };\nentity Folder",
            "entity Team",
            "action \"*\";",
            "action \"*:open\";",
            "action \"folders:*\";",
            "action \"archive:open\" in [\"archive:*\", \"*:open\", \"*\"] appliesTo",
            "resource: [NoResource], context: { \"time\": __cedar::datetime,",
            "\"managed\": __cedar::Bool,",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let text = |name: &'static str| AttributeSchema::new(name, AttributeType::Text);
        let user = || AppSchema::builder();
        for (name, builder, expected) in [
            (
                "a type",
                user().principal(TypeSchema::new("User {}")),
                "cannot be the name of a type",
            ),
            (
                "the type of actions",
                user().principal(TypeSchema::new("Action")),
                "cannot be the name of a type",
            ),
            (
                "the type of roles",
                user().with_type(TypeSchema::new("Role")),
                "is that of roles",
            ),
            (
                "an attribute",
                user().fact(text("a\"b")),
                "cannot be the name of an attribute",
            ),
            (
                "an action",
                user().actions("a", ["b\": x"]),
                "cannot be the name of a resource",
            ),
            (
                "a wildcard",
                user().actions("*", ["b"]),
                "cannot be the name of a resource",
            ),
            (
                "two of one name",
                user()
                    .with_type(TypeSchema::new("T").attribute(text("a")))
                    .with_type(TypeSchema::new("T").attribute(text("b"))),
                "there are two types \"T\"",
            ),
            (
                "two kinds",
                user()
                    .principal(TypeSchema::new("User").attribute(text("a")))
                    .with_type(
                        TypeSchema::new("User")
                            .attribute(AttributeSchema::new("a", AttributeType::Long)),
                    ),
                "has two attributes \"a\"",
            ),
            (
                "a fact that is there",
                user().actions("a", ["b"]).fact(text("time")),
                "\"time\" is there twice",
            ),
        ] {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
