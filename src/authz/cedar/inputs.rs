//! What Cedar is asked, made of what the application is asked.

use super::AppSchema;
use crate::authz::abac::{
    AttributeSchema, AttributeType, Attributes, Context, NoResource, Query, Resource, Value,
};
use crate::clock::Timestamp;
use crate::principal::Principal;
use cedar_policy::{
    Context as CedarContext, Entities, Entity, EntityUid, Request, RestrictedExpression,
};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};

/// Things within things. What is deeper is an error: without its attributes and groups, a
/// forbid about it would be false.
const MAX_DEPTH: usize = 8;

/// The most things that one request brings.
const MAX_THINGS: usize = 1_000;

/// A request with its entities.
pub(super) struct Inputs {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

/// All that does not depend on the thing.
pub(super) struct Frame {
    schema: AppSchema,
    principal: Thing,
    action: Entity,
    context: CedarContext,
}

#[derive(Clone)]
struct Thing {
    uid: EntityUid,
    attributes: HashMap<String, RestrictedExpression>,
    parents: HashSet<EntityUid>,
    is_principal: bool,
}

impl Inputs {
    pub(super) fn of(schema: &AppSchema, query: &Query<'_>) -> Result<Self, String> {
        Frame::of(schema, query)?.on(query.resource)
    }
}

impl Frame {
    pub(super) fn of(schema: &AppSchema, query: &Query<'_>) -> Result<Self, String> {
        Ok(Self {
            schema: schema.clone(),
            principal: principal(schema, query.principal)?,
            action: schema.action(query.action)?,
            context: context(schema, query.context)?,
        })
    }

    /// With this thing.
    pub(super) fn on(&self, resource: Option<&dyn Resource>) -> Result<Inputs, String> {
        let mut things = Things {
            schema: &self.schema,
            found: vec![self.principal.clone()],
        };
        let resource = match resource {
            Some(resource) => things.add(resource, 0)?,
            None => self.schema.uid(NoResource.type_name(), "")?,
        };
        let request = Request::new(
            self.principal.uid.clone(),
            self.action.uid(),
            resource,
            self.context.clone(),
            None,
        );
        let mut entities = things.into_entities()?;
        entities.push(self.action.clone());
        Ok(Inputs {
            request: request.map_err(|error| error.to_string())?,
            entities: Entities::from_entities(entities, None).map_err(|error| error.to_string())?,
        })
    }
}

fn principal(schema: &AppSchema, principal: &Principal) -> Result<Thing, String> {
    let mut attributes = HashMap::new();
    for attribute in schema.principal().attributes() {
        let value = principal.attribute(attribute.name());
        if let Some(value) = declared(schema, attribute, value)? {
            attributes.insert(attribute.name().to_owned(), value);
        }
    }
    // What the application calls `id` and `tenant`, it means.
    let mut own = |name: &str, value: &str| {
        let declared = schema.principal().attributes().iter();
        if !declared.into_iter().any(|declared| declared.name() == name) {
            let value = RestrictedExpression::new_string(value.to_owned());
            attributes.insert(name.to_owned(), value);
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
        is_principal: true,
    })
}

/// Whether principals have an attribute of this name of their own.
fn brings(schema: &AppSchema, name: &str) -> bool {
    let mut declared = schema.principal().attributes().iter();
    name == "id" || name == "tenant" || declared.any(|declared| declared.name() == name)
}

fn context(schema: &AppSchema, context: &Context) -> Result<CedarContext, String> {
    let mut pairs = Vec::new();
    let mut things = Things {
        schema,
        found: Vec::new(),
    };
    let mut failed = None;
    context.visit(&mut |name, value| match things.value(value, MAX_DEPTH) {
        Ok(value) => pairs.push((name.to_owned(), value)),
        Err(error) => failed = Some(error),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    for fact in schema.facts() {
        let value = context.fact(fact.name());
        if let Some(value) = declared(schema, fact, value)? {
            pairs.push((fact.name().to_owned(), value));
        }
    }
    CedarContext::from_pairs(pairs).map_err(|error| error.to_string())
}

/// The things that were met.
struct Things<'a> {
    schema: &'a AppSchema,
    found: Vec<Thing>,
}

impl Things<'_> {
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
        if self.found.len() >= MAX_THINGS {
            return Err(format!("a request brings more than {MAX_THINGS} things"));
        }
        let mut attributes = HashMap::new();
        let mut failed = None;
        resource.visit(&mut |name, value| match self.value(value, depth + 1) {
            Ok(value) => {
                attributes.insert(name.to_owned(), value);
            }
            Err(error) => failed = Some(error),
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let parents = resource.parents();
        let parents = parents
            .iter()
            .map(|parent| self.schema.uid(parent.type_name(), parent.id()));
        let parents = parents.collect::<Result<HashSet<_>, _>>()?;
        let schema = self.schema;
        match self.found.iter_mut().find(|thing| thing.uid == uid) {
            Some(known) => {
                if !known.is_principal {
                    known.parents.extend(parents);
                }
                for (name, value) in attributes {
                    if !known.is_principal || !brings(schema, &name) {
                        known.attributes.entry(name).or_insert(value);
                    }
                }
            }
            None => self.found.push(Thing {
                uid: uid.clone(),
                attributes,
                parents,
                is_principal: false,
            }),
        }
        Ok(uid)
    }

    fn value(&mut self, value: Value<'_>, depth: usize) -> Result<RestrictedExpression, String> {
        Ok(match value {
            Value::Bool(value) => RestrictedExpression::new_bool(value),
            Value::Long(value) => RestrictedExpression::new_long(value),
            Value::Text(value) => RestrictedExpression::new_string(value.to_owned()),
            Value::Ip(value) => RestrictedExpression::new_ip(value.to_string()),
            Value::Time(value) => time(value),
            Value::Set(values) => {
                let values = values.into_iter().map(|value| self.value(value, depth));
                RestrictedExpression::new_set(values.collect::<Result<Vec<_>, _>>()?)
            }
            Value::Record(record) => self.record(record, depth)?,
            Value::Entity(thing) => RestrictedExpression::new_entity_uid(self.add(thing, depth)?),
            Value::Reference(id) => {
                RestrictedExpression::new_entity_uid(self.schema.uid(id.type_name(), id.id())?)
            }
        })
    }

    fn record(
        &mut self,
        record: &dyn Attributes,
        depth: usize,
    ) -> Result<RestrictedExpression, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("records nest deeper than {MAX_DEPTH}"));
        }
        let mut fields = Vec::new();
        let mut failed = None;
        record.visit(&mut |name, value| match self.value(value, depth + 1) {
            Ok(value) => fields.push((name.to_owned(), value)),
            Err(error) => failed = Some(error),
        });
        match failed {
            Some(error) => Err(error),
            None => RestrictedExpression::new_record(fields).map_err(|error| error.to_string()),
        }
    }

    fn into_entities(self) -> Result<Vec<Entity>, String> {
        let entity = |thing: Thing| {
            Entity::new(thing.uid, thing.attributes, thing.parents)
                .map_err(|error| error.to_string())
        };
        self.found.into_iter().map(entity).collect()
    }
}

fn time(time: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(time.to_string())
}

/// A value that was declared; `None` where there is none, as is JSON's `null`.
fn declared(
    schema: &AppSchema,
    attribute: &AttributeSchema,
    value: Option<&Json>,
) -> Result<Option<RestrictedExpression>, String> {
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
fn of_json(schema: &AppSchema, kind: &AttributeType, json: &Json) -> Option<RestrictedExpression> {
    Some(match kind {
        AttributeType::Bool => RestrictedExpression::new_bool(json.as_bool()?),
        AttributeType::Long => RestrictedExpression::new_long(json.as_i64()?),
        AttributeType::Text => RestrictedExpression::new_string(json.as_str()?.to_owned()),
        AttributeType::Ip => {
            let address: std::net::IpAddr = json.as_str()?.parse().ok()?;
            RestrictedExpression::new_ip(address.to_string())
        }
        // NumericDate, as in tokens.
        AttributeType::Time => time(Timestamp::from_unix_seconds(json.as_u64()?)),
        AttributeType::Set(kind) => {
            let values = json.as_array()?.iter();
            let values = values.map(|value| of_json(schema, kind, value));
            RestrictedExpression::new_set(values.collect::<Option<Vec<_>>>()?)
        }
        AttributeType::Record(attributes) => {
            let mut fields = Vec::new();
            for field in attributes {
                if let Some(value) = declared(schema, field, json.get(field.name())).ok()? {
                    fields.push((field.name().to_owned(), value));
                }
            }
            json.as_object()?;
            RestrictedExpression::new_record(fields).ok()?
        }
        AttributeType::Entity(name) => {
            let uid = schema.uid(name, json.as_str()?).ok()?;
            RestrictedExpression::new_entity_uid(uid)
        }
    })
}
