//! Many things and one caller: what depends on the caller alone is worked out once, what the
//! policies ask of a thing is asked without Cedar where that is certain to find the same.

use super::by_value::ByValue;
use super::index::ResourceKey;
use super::inputs::{Frame, Inputs, Row};
use super::node::Node;
use super::rule::{Rule, Scope};
use super::settle::Caller;
use super::sight::Sight;
use super::source::Asked;
use super::{CedarPolicies, Fold};
use crate::authz::abac::{Findings, Prepared, Resource};
use cedar_policy::{ActionConstraint, EntityUid, PrincipalConstraint, ResourceConstraint};
use hashbrown::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most places in the index whose policies are kept ready, one for each type and folder of
/// the list. Those of others are made ready each time.
const MAX_GROUPS: usize = 1_024;

/// Policies that are about to be asked of many things.
pub(super) struct Many {
    asked: Arc<Asked>,
    caller: Result<Callers, String>,
}

/// What is the same for all things.
struct Callers {
    frame: Frame,
    names_resources: bool,
    groups: RwLock<HashMap<ResourceKey, Arc<Group>>>,
}

/// The policies of one place in the index, as far as they depend on the thing.
struct Group {
    policies: Vec<Left>,
    by_value: ByValue,
}

/// What is left of a policy.
struct Left {
    rule: Arc<Rule>,
    conditions: Vec<Node>,
}

impl Many {
    pub(super) fn new(asked: Arc<Asked>, frame: Result<Frame, String>) -> Self {
        let index = asked.policies.index();
        let caller = frame.map(|frame| {
            let names_resources = index.names_resources(&frame.lineage());
            Callers {
                frame,
                names_resources,
                groups: RwLock::default(),
            }
        });
        Self { asked, caller }
    }

    fn find(&self, caller: &Callers, resource: &dyn Resource) -> Result<Fold, String> {
        let row = Row::of(&caller.frame, resource)?;
        if !row.is_flat(&caller.frame) {
            let Inputs { request, entities } = caller.frame.inputs(&row)?;
            return Ok(self.asked.policies.fold(&request, &entities));
        }
        let mut found = Found::default();
        let sight = Sight {
            frame: &caller.frame,
            row: Some(&row),
        };
        let of_type = ResourceKey::Type(row.resource.type_name().clone());
        found.ask(&self.group(caller, of_type), sight);
        if caller.names_resources {
            for parent in row.parents(&caller.frame) {
                let of_parent = ResourceKey::Entity(parent.clone());
                found.ask(&self.group(caller, of_parent), sight);
            }
            let own = ResourceKey::Entity(row.resource.clone());
            found.ask(&self.make(caller, &own, true), sight);
        }
        let Found { mut fold, unclear } = found;
        if !unclear.is_empty() {
            let Inputs { request, entities } = caller.frame.inputs(&row)?;
            for rule in unclear {
                let alone = rule.alone(self.asked.policies.policy_set());
                let alone = alone.ok_or("a policy cannot be asked alone")?;
                fold.ask(alone, &request, &entities);
            }
        }
        fold.settle();
        Ok(fold)
    }

    fn group(&self, caller: &Callers, key: ResourceKey) -> Arc<Group> {
        let known = caller.groups.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = known.get(&key) {
            return Arc::clone(group);
        }
        drop(known);
        let group = Arc::new(self.make(caller, &key, false));
        let mut known = caller
            .groups
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_GROUPS {
            known.insert(key, Arc::clone(&group));
        }
        group
    }

    /// The policies under a key. `is_thing` when it is the thing itself, and not what it is
    /// part of.
    fn make(&self, caller: &Callers, key: &ResourceKey, is_thing: bool) -> Group {
        let policies: &CedarPolicies = &self.asked.policies;
        let settling = Caller::new(&caller.frame);
        let mut left = Vec::new();
        let mut ids = policies.index().under(&caller.frame.lineage(), key);
        ids.sort_unstable_by(|left, right| left.id().cmp(right.id()));
        ids.dedup_by(|left, right| left.id() == right.id());
        for policy in ids {
            let Some(rule) = policies.rule(policy.id()) else {
                continue;
            };
            let Some(of_thing) = rule.scope.left(&caller.frame, is_thing) else {
                continue;
            };
            let conditions = of_thing.iter().chain(rule.nodes());
            if let Some(conditions) = settling.settle_all(conditions) {
                let rule = Arc::clone(rule);
                left.push(Left { rule, conditions });
            }
        }
        Group {
            by_value: ByValue::new(left.iter().map(|left| &*left.conditions)),
            policies: left,
        }
    }
}

impl Prepared for Many {
    fn evaluate(&self, resource: &dyn Resource, findings: &mut Findings) {
        let caller = self.caller.as_ref().map_err(Clone::clone);
        match caller.and_then(|caller| self.find(caller, resource)) {
            Ok(fold) => self.asked.tell(&fold, findings, |_| true, |_| true),
            Err(message) => Asked::broken(message, findings),
        }
    }
}

/// What holds for one thing, and what Cedar has to be asked.
#[derive(Default)]
struct Found {
    fold: Fold,
    unclear: Vec<Arc<Rule>>,
}

impl Found {
    fn ask(&mut self, group: &Group, sight: Sight<'_>) {
        group.by_value.each(sight, |number| {
            let Some(left) = group.policies.get(number) else {
                return;
            };
            match sight.all(&left.conditions) {
                Ok(true) => self.fold.hold(&left.rule.policy),
                Ok(false) => {}
                Err(_) => self.unclear.push(Arc::clone(&left.rule)),
            }
        });
    }
}

impl Scope {
    /// What is left to be asked of a thing that was found under the key of this scope; `None`
    /// where the scope cannot hold.
    fn left(&self, frame: &Frame, is_thing: bool) -> Option<Option<Node>> {
        let principal = &frame.principal;
        let is_in =
            |group: &EntityUid| principal.uid == *group || principal.parents.contains(group);
        let of_principal = match &self.principal {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(name) => principal.uid.type_name() == name,
            PrincipalConstraint::Eq(uid) => principal.uid == *uid,
            PrincipalConstraint::In(group) => is_in(group),
            PrincipalConstraint::IsIn(name, group) => {
                principal.uid.type_name() == name && is_in(group)
            }
        };
        let action = &frame.action;
        let is_in = |group: &EntityUid| action.uid == *group || action.groups.contains(group);
        let of_action = match &self.action {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => action.uid == *uid,
            ActionConstraint::In(groups) => groups.iter().any(is_in),
        };
        let of_resource = match &self.resource {
            ResourceConstraint::Eq(_) if !is_thing => return None,
            ResourceConstraint::IsIn(name, _) => {
                Some(Node::Is(Box::new(Node::Resource), name.clone()))
            }
            _ => None,
        };
        (of_principal && of_action).then_some(of_resource)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AppSchema, CedarPolicies};
    use super::*;
    use crate::authz::abac::{
        AttributeSchema, AttributeType, Context, EntityId, Query, TypeSchema,
    };
    use crate::clock::Timestamp;
    use crate::principal::{Authentication, Principal};

    struct Folder;

    crate::attributes! {
        Folder as "Folder" {
            id = _folder => "outer";
        }
    }

    struct Document {
        owner: &'static str,
        title: &'static str,
        level: i64,
        labels: Vec<&'static str>,
        time: Timestamp,
        folder: Option<Folder>,
    }

    crate::attributes! {
        Document as "Document" {
            id = _document => "1";
            parents "Folder" = _document => [EntityId::new("Folder", "outer")];
            owner: reference "User";
            title: text;
            level: long;
            labels: set text;
            time: time;
            folder: optional entity "Folder";
        }
    }

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_428_000);

    fn document() -> Document {
        Document {
            owner: "ann",
            title: "plan",
            level: 2,
            labels: vec!["open"],
            time: NOW,
            folder: None,
        }
    }

    fn asked(text: &str) -> (Arc<Asked>, AppSchema) {
        let clearance = AttributeSchema::new("clearance", AttributeType::Long);
        let schema = AppSchema::builder()
            .principal(TypeSchema::new("User").attribute(clearance))
            .resource::<Document>("documents", ["read"])
            .build()
            .unwrap();
        let policies = CedarPolicies::builder().insecure_without_schema();
        let policies = policies.text(text).build().unwrap();
        let schema_of_asked = schema.clone();
        (Asked::new(policies, schema_of_asked), schema)
    }

    /// The policies that hold, and those that Cedar was asked.
    fn find(text: &str, row: &Document) -> (usize, usize) {
        let (asked, schema) = asked(text);
        let who = Principal::new("ann", Authentication::new(NOW))
            .with_attribute("clearance", 2)
            .with_roles(["editor"]);
        let context = Context::new(NOW).with_client_ip([192, 0, 2, 1].into());
        let query = Query::new(&who, "documents:read", None, &context);
        let many = Many::new(Arc::clone(&asked), Frame::of(&schema, &query));
        let fold = many.find(many.caller.as_ref().unwrap(), row).unwrap();
        let rules = asked.policies.policy_set().policies();
        let rules = rules.filter_map(|policy| asked.policies.rule(policy.id()));
        let of_cedar = rules.filter(|rule| rule.was_asked_alone()).count();
        (fold.permits().len() + fold.forbids().len(), of_cedar)
    }

    #[test]
    fn what_is_common_needs_no_cedar() {
        for (name, condition, holds) in [
            ("a number", "principal.clearance >= resource.level", 1),
            (
                "a text",
                "resource.title == \"plan\" && resource.title like \"p*\"",
                1,
            ),
            (
                "a set",
                "resource.labels.contains(\"open\") && !resource.labels.isEmpty()",
                1,
            ),
            ("sets", "resource.labels.containsAny([\"a\", \"open\"])", 1),
            (
                "an entity",
                "resource.owner == principal && resource.owner is User",
                1,
            ),
            (
                "a folder",
                "resource in [Folder::\"a\", Folder::\"outer\"]",
                1,
            ),
            (
                "a role",
                "principal in Role::\"editor\" && action in Action::\"*:read\"",
                1,
            ),
            ("times", "resource.time <= context.time", 1),
            ("arithmetic", "resource.level * 2 - 1 == 3", 1),
            (
                "a choice",
                "if resource has missing then resource.missing else true",
                1,
            ),
            (
                "what is missing is not asked",
                "false && resource.missing",
                0,
            ),
            (
                "only Cedar knows it, but once for all",
                "context.ip.isInRange(ip(\"192.0.2.0/24\")) && resource.level == 2",
                1,
            ),
            (
                "a time as text",
                "context.time > datetime(\"2026-01-01\") || resource.missing",
                1,
            ),
        ] {
            let text = format!("permit(principal, action, resource) when {{ {condition} }};");
            assert_eq!(find(&text, &document()), (holds, 0), "{name}: {condition}");
        }
    }

    #[test]
    fn what_is_not_certain_cedar_is_asked() {
        for (name, condition, holds) in [
            ("an attribute that is missing", "resource.missing", 0),
            ("another kind", "resource.title < 3", 0),
            ("too large", "resource.level + 9223372036854775807 > 0", 0),
            (
                "a time as text",
                "resource.time > datetime(\"2026-01-01\")",
                1,
            ),
            ("a record", "{a: resource.level} == {a: 2}", 1),
            ("a tag", "resource.hasTag(\"a\")", 0),
        ] {
            let text = format!(
                "permit(principal, action, resource) when {{ {condition} }};
                 permit(principal, action, resource);"
            );
            assert_eq!(
                find(&text, &document()),
                (holds + 1, 1),
                "{name}: {condition}"
            );
        }
    }

    /// The folder that the document is in is known as well, and could be in another.
    #[test]
    fn groups_of_groups_are_left_to_cedar() {
        let row = Document {
            folder: Some(Folder),
            ..document()
        };
        let text = "permit(principal, action, resource in Folder::\"outer\");";
        assert_eq!(find(text, &row).0, 1);
    }

    #[test]
    fn policies_of_other_values_are_not_asked() {
        let policy = |level: usize| {
            format!(
                "permit(principal, action, resource) when {{ resource has title && {level} == resource.level }};"
            )
        };
        let text: String = (0..1_000).map(policy).collect();
        let (asked, schema) = asked(&text);
        let who = Principal::new("ann", Authentication::new(NOW));
        let context = Context::new(NOW);
        let query = Query::new(&who, "documents:read", None, &context);
        let many = Many::new(asked, Frame::of(&schema, &query));
        let caller = many.caller.as_ref().unwrap();
        for (level, expected) in [(2, 1), (-1, 0)] {
            let row = Row::of(
                &caller.frame,
                &Document {
                    level,
                    ..document()
                },
            )
            .unwrap();
            let sight = Sight {
                frame: &caller.frame,
                row: Some(&row),
            };
            let name = row.resource.type_name().clone();
            let mut asked = 0;
            let group = many.group(caller, ResourceKey::Type(name));
            group.by_value.each(sight, |_| asked += 1);
            assert_eq!(asked, expected, "{level}");
        }
    }

    /// Rows of ever new folders do not make the list grow without end.
    #[test]
    fn what_is_kept_ready_is_bounded() {
        let (asked, schema) = asked("permit(principal, action, resource in Folder::\"7\");");
        let who = Principal::new("ann", Authentication::new(NOW));
        let context = Context::new(NOW);
        let query = Query::new(&who, "documents:read", None, &context);
        let many = Many::new(asked, Frame::of(&schema, &query));
        let caller = many.caller.as_ref().unwrap();
        for number in 0..2 * MAX_GROUPS {
            let uid = schema.uid("Folder", &number.to_string()).unwrap();
            let group = many.group(caller, ResourceKey::Entity(uid));
            assert_eq!(group.policies.len(), usize::from(number == 7));
        }
        assert_eq!(caller.groups.read().unwrap().len(), MAX_GROUPS);
    }
}
