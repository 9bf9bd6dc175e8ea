//! What is asked, in values of our own: for lists as they are, for Cedar made into its own.

use super::AppSchema;
use super::app_schema::Action;
use super::datum::{Datum, Fields};
use super::index::Lineage;
use crate::authz::abac::{
    AttributeSchema, AttributeType, Attributes, Context, NoResource, Query, Resource, Value,
};
use crate::clock::Timestamp;
use crate::principal::Principal;
use cedar_policy::{Context as CedarContext, Entities, Entity, EntityUid, Request};
use serde_json::Value as Json;

/// Things within things. What is deeper is an error: without its attributes and groups, a
/// forbid about it would be false.
const MAX_DEPTH: usize = 8;

/// The most things that one request brings.
const MAX_THINGS: usize = 1_000;

/// A request with its entities, as Cedar takes them.
pub(super) struct Inputs {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

/// All that does not depend on the thing.
pub(super) struct Frame {
    pub(super) schema: AppSchema,
    pub(super) principal: Thing,
    pub(super) action: Action,
    pub(super) context: Datum,
    /// The same for Cedar.
    cedar_context: CedarContext,
}

/// Somebody or something, with all that is known of it.
pub(super) struct Thing {
    pub(super) uid: EntityUid,
    pub(super) attributes: Fields,
    pub(super) parents: Vec<EntityUid>,
}

/// What a thing brings: itself, and the things that it speaks of.
pub(super) struct Row {
    pub(super) resource: EntityUid,
    pub(super) things: Vec<Thing>,
    /// Of the principal, what it does not bring itself.
    pub(super) of_principal: Fields,
}

impl Inputs {
    pub(super) fn of(schema: &AppSchema, query: &Query<'_>) -> Result<Self, String> {
        let frame = Frame::of(schema, query)?;
        match query.resource {
            Some(resource) => frame.inputs(&Row::of(&frame, resource)?),
            None => frame.inputs(&Row::nothing(&frame)?),
        }
    }
}

impl Frame {
    pub(super) fn of(schema: &AppSchema, query: &Query<'_>) -> Result<Self, String> {
        let context = context(schema, query.context)?;
        let cedar_context = CedarContext::from_pairs(context.expressions()?);
        Ok(Self {
            schema: schema.clone(),
            principal: principal(schema, query.principal)?,
            action: schema.action(query.action)?,
            context: Datum::Record(context),
            cedar_context: cedar_context.map_err(|error| error.to_string())?,
        })
    }

    /// The principal and the action, by which policies are looked up.
    pub(super) fn lineage(&self) -> Lineage<'_> {
        let principals = std::iter::once(&self.principal.uid).chain(&self.principal.parents);
        let actions = std::iter::once(&self.action.uid).chain(&self.action.groups);
        Lineage::from_complete_lines(principals.collect(), actions.collect(), Vec::new())
    }

    /// For Cedar, with what a thing brings.
    pub(super) fn inputs(&self, row: &Row) -> Result<Inputs, String> {
        let request = Request::new(
            self.principal.uid.clone(),
            self.action.uid.clone(),
            row.resource.clone(),
            self.cedar_context.clone(),
            None,
        );
        let mut entities = vec![self.principal.entity(&row.of_principal)?];
        for thing in &row.things {
            entities.push(thing.entity(&Fields::default())?);
        }
        entities.push(self.action.entity());
        Ok(Inputs {
            request: request.map_err(|error| error.to_string())?,
            entities: Entities::from_entities(entities, None).map_err(|error| error.to_string())?,
        })
    }
}

impl Thing {
    fn entity(&self, more: &Fields) -> Result<Entity, String> {
        let mut attributes = self.attributes.expressions()?;
        attributes.extend(more.expressions()?);
        let parents = self.parents.iter().cloned().collect();
        Entity::new(self.uid.clone(), attributes, parents).map_err(|error| error.to_string())
    }
}

impl Row {
    pub(super) fn of(frame: &Frame, resource: &dyn Resource) -> Result<Self, String> {
        let mut things = Things::new(&frame.schema, Some(&frame.principal));
        let resource = things.add(resource, 0)?;
        Ok(Self {
            resource,
            things: things.found,
            of_principal: things.of_principal,
        })
    }

    /// Whether nothing that is known is part of something else that is known: then what a thing
    /// says it is part of is all that it is part of.
    pub(super) fn is_flat(&self, frame: &Frame) -> bool {
        let is_known = |uid: &EntityUid| {
            *uid == frame.principal.uid || self.things.iter().any(|thing| thing.uid == *uid)
        };
        let of_things = self.things.iter().flat_map(|thing| &thing.parents);
        let mut parents = of_things.chain(&frame.principal.parents);
        !parents.any(is_known)
    }

    /// What the thing is part of.
    pub(super) fn parents<'a>(&'a self, frame: &'a Frame) -> &'a [EntityUid] {
        if self.resource == frame.principal.uid {
            return &frame.principal.parents;
        }
        let thing = self.things.iter().rev();
        let thing = thing.into_iter().find(|thing| thing.uid == self.resource);
        thing.map_or(&[], |thing| &thing.parents)
    }

    /// Where no thing is named.
    pub(super) fn nothing(frame: &Frame) -> Result<Self, String> {
        Ok(Self {
            resource: frame.schema.uid(NoResource.type_name(), "")?,
            things: Vec::new(),
            of_principal: Fields::default(),
        })
    }
}

fn principal(schema: &AppSchema, principal: &Principal) -> Result<Thing, String> {
    let mut attributes = Fields::default();
    for attribute in schema.principal().attributes() {
        let value = principal.attribute(attribute.name());
        if let Some(value) = declared(schema, attribute, value)? {
            attributes.push(attribute.name().to_owned(), value);
        }
    }
    // What the application calls `id` and `tenant`, it means.
    let mut own = |name: &'static str, value: &str| {
        if !is_declared(schema, name) {
            attributes.push(name, Datum::Text(value.to_owned()));
        }
    };
    own("id", principal.id());
    if let Some(tenant) = principal.tenant() {
        own("tenant", tenant);
    }
    let parents = principal.roles().map(|role| schema.role(role));
    Ok(Thing {
        uid: schema.uid(schema.principal().name(), principal.id())?,
        attributes,
        parents: parents.collect::<Result<_, _>>()?,
    })
}

fn is_declared(schema: &AppSchema, name: &str) -> bool {
    let mut declared = schema.principal().attributes().iter();
    declared.any(|declared| declared.name() == name)
}

fn context(schema: &AppSchema, context: &Context) -> Result<Fields, String> {
    let mut fields = Fields::default();
    let mut things = Things::new(schema, None);
    let mut failed = None;
    context.visit(&mut |name, value| match things.value(value, MAX_DEPTH) {
        Ok(value) => fields.push(name, value),
        Err(error) => failed = Some(error),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    for fact in schema.facts() {
        let value = context.fact(fact.name());
        if let Some(value) = declared(schema, fact, value)? {
            fields.push(fact.name().to_owned(), value);
        }
    }
    Ok(fields)
}

/// The things that were met.
struct Things<'a> {
    schema: &'a AppSchema,
    principal: Option<&'a Thing>,
    of_principal: Fields,
    found: Vec<Thing>,
}

impl<'a> Things<'a> {
    fn new(schema: &'a AppSchema, principal: Option<&'a Thing>) -> Self {
        Self {
            schema,
            principal,
            of_principal: Fields::default(),
            found: Vec::new(),
        }
    }

    /// One that is there already keeps what is known of it, and is added what is not.
    ///
    /// The owner of a row can be the principal. Then the row adds no group that the principal
    /// would be in, and no attribute that principals bring with them: nobody gets a clearance by
    /// what was written into a row.
    fn add(&mut self, resource: &dyn Resource, depth: usize) -> Result<EntityUid, String> {
        let uid = self.schema.uid(resource.type_name(), &resource.id())?;
        if depth >= MAX_DEPTH {
            return Err(format!("things nest deeper than {MAX_DEPTH}"));
        }
        // The principal is one of them.
        if self.found.len() + 1 >= MAX_THINGS {
            return Err(format!("a request brings more than {MAX_THINGS} things"));
        }
        let attributes = self.fields(resource, depth)?;
        let parents = resource.parents();
        let parents = parents
            .iter()
            .map(|parent| self.schema.uid(parent.type_name(), parent.id()));
        let parents = parents.collect::<Result<Vec<_>, _>>()?;
        if self.principal.is_some_and(|known| known.uid == uid) {
            let schema = self.schema;
            self.of_principal
                .add_missing(attributes, |name| !schema.is_brought(name));
        } else if let Some(known) = self.found.iter_mut().find(|thing| thing.uid == uid) {
            known.parents.extend(parents);
            known.attributes.add_missing(attributes, |_| true);
        } else {
            self.found.push(Thing {
                uid: uid.clone(),
                attributes,
                parents,
            });
        }
        Ok(uid)
    }

    fn fields(&mut self, of: &dyn Attributes, depth: usize) -> Result<Fields, String> {
        let mut fields = Fields::default();
        let mut failed = None;
        of.visit(&mut |name, value| match self.value(value, depth + 1) {
            Ok(value) => fields.push(name, value),
            Err(error) => failed = Some(error),
        });
        failed.map_or(Ok(fields), Err)
    }

    fn value(&mut self, value: Value<'_>, depth: usize) -> Result<Datum, String> {
        Ok(match value {
            Value::Bool(value) => Datum::Bool(value),
            Value::Long(value) => Datum::Long(value),
            Value::Text(value) => Datum::Text(value.to_owned()),
            Value::Ip(value) => Datum::ip(value),
            Value::Time(value) => Datum::Time(value),
            Value::Set(values) => {
                let values = values.into_iter().map(|value| self.value(value, depth));
                Datum::Set(values.collect::<Result<_, _>>()?)
            }
            Value::Record(record) => self.record(record, depth)?,
            Value::Entity(thing) => Datum::Entity(self.add(thing, depth)?),
            Value::Reference(id) => Datum::Entity(self.schema.uid(id.type_name(), id.id())?),
        })
    }

    fn record(&mut self, record: &dyn Attributes, depth: usize) -> Result<Datum, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("records nest deeper than {MAX_DEPTH}"));
        }
        let fields = self.fields(record, depth)?;
        match fields.doubled() {
            Some(name) => Err(format!("a record has two fields {name:?}")),
            None => Ok(Datum::Record(fields)),
        }
    }
}

/// A value that was declared; `None` where there is none, as is JSON's `null`.
fn declared(
    schema: &AppSchema,
    attribute: &AttributeSchema,
    value: Option<&Json>,
) -> Result<Option<Datum>, String> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(value) => match of_json(schema, attribute.kind(), value) {
            Some(value) => Ok(Some(value)),
            None => Err(format!(
                "{:?} is not of the kind that the schema says",
                attribute.name()
            )),
        },
    }
}

/// A value that is of the declared kind; `None` when it is of another.
fn of_json(schema: &AppSchema, kind: &AttributeType, json: &Json) -> Option<Datum> {
    Some(match kind {
        AttributeType::Bool => Datum::Bool(json.as_bool()?),
        AttributeType::Long => Datum::Long(json.as_i64()?),
        AttributeType::Text => Datum::Text(json.as_str()?.to_owned()),
        AttributeType::Ip => Datum::ip(json.as_str()?.parse().ok()?),
        // NumericDate, as in tokens.
        AttributeType::Time => Datum::Time(Timestamp::from_unix_seconds(json.as_u64()?)),
        AttributeType::Set(kind) => {
            let values = json.as_array()?.iter();
            let values = values.map(|value| of_json(schema, kind, value));
            Datum::Set(values.collect::<Option<_>>()?)
        }
        AttributeType::Record(attributes) => {
            let mut fields = Fields::default();
            for field in attributes {
                if let Some(value) = declared(schema, field, json.get(field.name())).ok()? {
                    fields.push(field.name().to_owned(), value);
                }
            }
            json.as_object()?;
            Datum::Record(fields)
        }
        AttributeType::Entity(name) => Datum::Entity(schema.uid(name, json.as_str()?).ok()?),
    })
}
