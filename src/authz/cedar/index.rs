use super::LoadError;
use cedar_policy::{
    ActionConstraint, Effect, Entities, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    PolicySetError, PrincipalConstraint, Request, ResourceConstraint,
};
use hashbrown::{HashMap, HashSet};

/// Policies by what their scope asks of action, resource and principal.
///
/// Cedar looks at each policy of a set for each request. The index gives small sets instead,
/// made when it is built, which together hold every policy whose scope can be true for a
/// request. It leaves out only policies whose scope is false, and the scope is true or false
/// without errors; so what Cedar finds in the small sets, put together by [`Fold`](super::Fold),
/// is what it finds in the whole: the decision, its reasons, and its errors.
///
/// Each constraint of a scope (`==`, `in`, `is`, none) is a key: the entity that it names, else
/// the type, else anything. A request is looked up by the entity itself, by each of its
/// ancestors, and by its type.
#[derive(Clone, Debug, Default)]
pub struct ScopeIndex {
    by_action: Level<Level<Level<Bucket>>>,
    len: usize,
}

impl ScopeIndex {
    /// A policy that names more actions than this is kept with those that name none. Cedar
    /// still asks it, for every action.
    pub const MAX_ACTIONS: usize = 64;

    /// The index of all policies of a set, those linked to templates among them.
    ///
    /// # Errors
    /// When Cedar does not take into a small set what it had in the whole one.
    pub fn new(policies: &PolicySet) -> Result<Self, LoadError> {
        let mut index = Self::default();
        for policy in policies.policies() {
            index.insert(policy, policies)?;
        }
        Ok(index)
    }

    fn insert(&mut self, policy: &Policy, all: &PolicySet) -> Result<(), LoadError> {
        for action in ScopeKey::of_actions(policy.action_constraint()) {
            let by_principal = self
                .by_action
                .entry(action)
                .entry(policy.resource_constraint());
            let bucket = by_principal.entry(policy.principal_constraint());
            let bucket = match policy.effect() {
                Effect::Permit => &mut bucket.permits,
                Effect::Forbid => &mut bucket.forbids,
            };
            // `action in [a, a]` names it twice.
            if bucket.policy(policy.id()).is_none() {
                copy_into(bucket, policy, all)?;
            }
        }
        self.len += 1;
        Ok(())
    }

    /// The sets that hold all policies whose scope can be true for this request. Each holds
    /// either permits or forbids. A policy that names several actions can be in several sets.
    pub fn candidates<'a>(&'a self, lineage: &Lineage<'_>) -> Vec<&'a PolicySet> {
        let mut found = Vec::new();
        for by_resource in self.by_action.matching(&lineage.actions) {
            for by_principal in by_resource.matching(&lineage.resources) {
                for bucket in by_principal.matching(&lineage.principals) {
                    let sets = [&bucket.permits, &bucket.forbids].into_iter();
                    found.extend(sets.filter(|set| !set.is_empty()));
                }
            }
        }
        found
    }

    /// The policies whose scope can be true for the principal and the action of a lineage, and
    /// whose constraint of the resource stands under this key, or under none where the key is a
    /// type. One can come twice.
    pub(super) fn under(&self, lineage: &Lineage<'_>, resource: &ResourceKey) -> Vec<&Policy> {
        let mut found = Vec::new();
        for by_resource in self.by_action.matching(&lineage.actions) {
            let (any, here) = match resource {
                ResourceKey::Type(name) => {
                    (by_resource.any.as_ref(), by_resource.by_type.get(name))
                }
                ResourceKey::Entity(entity) => (None, by_resource.by_entity.get(entity)),
            };
            for by_principal in any.into_iter().chain(here) {
                for bucket in by_principal.matching(&lineage.principals) {
                    found.extend(bucket.permits.policies().chain(bucket.forbids.policies()));
                }
            }
        }
        found
    }

    /// Whether a policy about the action of a lineage names a resource, or what it is part of.
    pub(super) fn names_resources(&self, lineage: &Lineage<'_>) -> bool {
        let mut about = self.by_action.matching(&lineage.actions);
        about.any(|by_resource| !by_resource.by_entity.is_empty())
    }

    /// How many policies there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Policies of one scope. Cedar does not say which permits hold where a forbid does, so they are
/// asked apart.
#[derive(Clone, Debug, Default)]
struct Bucket {
    permits: PolicySet,
    forbids: PolicySet,
}

/// A linked policy comes with its template: Cedar has no other way to make one.
fn copy_into(bucket: &mut PolicySet, policy: &Policy, all: &PolicySet) -> Result<(), LoadError> {
    let refused = |error: PolicySetError| LoadError::Index(error.to_string());
    let (Some(template), Some(values)) = (policy.template_id(), policy.template_links()) else {
        return bucket.add(policy.clone()).map_err(refused);
    };
    if bucket.template(template).is_none()
        && let Some(template) = all.template(template)
    {
        bucket.add_template(template.clone()).map_err(refused)?;
    }
    bucket
        .link(template.clone(), policy.id().clone(), values)
        .map_err(refused)
}

/// Where policies about things stand: under a type, or under one thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ResourceKey {
    Type(EntityTypeName),
    Entity(EntityUid),
}

/// A set of one policy.
pub(super) fn alone(policy: &Policy, all: &PolicySet) -> Result<PolicySet, LoadError> {
    let mut set = PolicySet::new();
    copy_into(&mut set, policy, all)?;
    Ok(set)
}

/// What one constraint of a scope asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ScopeKey {
    Any,
    Type(EntityTypeName),
    /// The entity itself, or one below it.
    Entity(EntityUid),
}

impl ScopeKey {
    fn of_actions(constraint: ActionConstraint) -> Vec<Self> {
        match constraint {
            ActionConstraint::Any => vec![Self::Any],
            ActionConstraint::Eq(action) => vec![Self::Entity(action)],
            ActionConstraint::In(actions) if actions.len() > ScopeIndex::MAX_ACTIONS => {
                vec![Self::Any]
            }
            ActionConstraint::In(actions) => actions.into_iter().map(Self::Entity).collect(),
        }
    }
}

impl From<PrincipalConstraint> for ScopeKey {
    fn from(constraint: PrincipalConstraint) -> Self {
        match constraint {
            PrincipalConstraint::Any => Self::Any,
            PrincipalConstraint::Is(name) => Self::Type(name),
            PrincipalConstraint::Eq(entity)
            | PrincipalConstraint::In(entity)
            | PrincipalConstraint::IsIn(_, entity) => Self::Entity(entity),
        }
    }
}

impl From<ResourceConstraint> for ScopeKey {
    fn from(constraint: ResourceConstraint) -> Self {
        match constraint {
            ResourceConstraint::Any => Self::Any,
            ResourceConstraint::Is(name) => Self::Type(name),
            ResourceConstraint::Eq(entity)
            | ResourceConstraint::In(entity)
            | ResourceConstraint::IsIn(_, entity) => Self::Entity(entity),
        }
    }
}

/// What stands under the keys of one constraint.
#[derive(Clone, Debug, Default)]
struct Level<T> {
    any: Option<T>,
    by_type: HashMap<EntityTypeName, T>,
    by_entity: HashMap<EntityUid, T>,
}

impl<T: Default> Level<T> {
    fn entry(&mut self, key: impl Into<ScopeKey>) -> &mut T {
        match key.into() {
            ScopeKey::Any => self.any.get_or_insert_default(),
            ScopeKey::Type(name) => self.by_type.entry(name).or_default(),
            ScopeKey::Entity(entity) => self.by_entity.entry(entity).or_default(),
        }
    }
}

impl<T> Level<T> {
    /// What stands under the entity of a line, its ancestors and its type. As many look-ups as
    /// there are entities here or in the line, whichever are fewer.
    fn matching<'a>(&'a self, line: &Line<'_>) -> impl Iterator<Item = &'a T> {
        let of_type = line
            .entities
            .first()
            .filter(|_| !self.by_type.is_empty())
            .and_then(|entity| self.by_type.get(entity.type_name()));
        let (mut here, mut there) = (None, None);
        match &line.among {
            Some(among) if self.by_entity.len() < among.len() => {
                let entities = self.by_entity.iter();
                here = Some(entities.filter(|(entity, _)| among.contains(entity)));
            }
            _ if self.by_entity.is_empty() => {}
            _ => {
                let entities = line.entities.iter();
                there = Some(entities.filter_map(|entity| self.by_entity.get(*entity)));
            }
        }
        let here = here.into_iter().flatten().map(|(_, under)| under);
        let there = there.into_iter().flatten();
        self.any.iter().chain(of_type).chain(here).chain(there)
    }
}

/// The principal, the action and the resource of a request, each with all its ancestors.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    principals: Line<'a>,
    actions: Line<'a>,
    resources: Line<'a>,
}

/// An entity of the request, and then its ancestors.
#[derive(Clone, Debug)]
struct Line<'a> {
    entities: Vec<&'a EntityUid>,
    /// The same, where there are many.
    among: Option<HashSet<&'a EntityUid>>,
}

impl<'a> From<Vec<&'a EntityUid>> for Line<'a> {
    fn from(entities: Vec<&'a EntityUid>) -> Self {
        const FEW: usize = 16;
        let among = (entities.len() > FEW).then(|| entities.iter().copied().collect());
        Self { entities, among }
    }
}

impl<'a> Lineage<'a> {
    /// What these entities say of the request's. Entities that are not among them have no
    /// ancestors, as for Cedar; so they have to hold the actions when policies name groups of
    /// actions, which they do when they were read with a schema.
    #[must_use]
    pub fn of(request: &'a Request, entities: &'a Entities) -> Self {
        let line = |entity: Option<&'a EntityUid>| -> Vec<&'a EntityUid> {
            let ancestors = entity.and_then(|entity| entities.ancestors(entity));
            entity
                .into_iter()
                .chain(ancestors.into_iter().flatten())
                .collect()
        };
        Self::from_complete_lines(
            line(request.principal()),
            line(request.action()),
            line(request.resource()),
        )
    }

    /// Lines that are known already: each begins with the entity of the request, and goes on
    /// with all its ancestors in any order. Whoever leaves one out loses policies.
    #[must_use]
    pub fn from_complete_lines(
        principals: Vec<&'a EntityUid>,
        actions: Vec<&'a EntityUid>,
        resources: Vec<&'a EntityUid>,
    ) -> Self {
        Self {
            principals: principals.into(),
            actions: actions.into(),
            resources: resources.into(),
        }
    }
}

/// The ids of the policies in some sets, each once and in order.
pub(super) fn ids<'a>(sets: &[&'a PolicySet]) -> Vec<&'a PolicyId> {
    let policies = sets.iter().flat_map(|set| set.policies());
    let mut ids: Vec<_> = policies.map(Policy::id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entities with far more groups than policies name, and the other way round.
    #[test]
    fn long_lines_find_what_short_ones_find() {
        let uid = |name: &str, number: usize| -> EntityUid {
            format!("{name}::\"{number}\"").parse().unwrap()
        };
        let policies: String = (0..40)
            .map(|number| {
                format!(
                    "permit(principal in G::\"{}\", action, resource in F::\"{number}\");",
                    number * 7
                )
            })
            .collect();
        let index = ScopeIndex::new(&policies.parse().unwrap()).unwrap();
        let action = uid("Action", 0);
        for (groups, folders) in [(1, 1), (5, 60), (60, 5), (300, 300), (17, 17)] {
            let principals: Vec<_> = (0..groups).map(|number| uid("G", number)).collect();
            let resources: Vec<_> = (0..folders).map(|number| uid("F", number)).collect();
            let lineage = Lineage::from_complete_lines(
                principals.iter().collect(),
                vec![&action],
                resources.iter().collect(),
            );
            let expected = (0..40)
                .filter(|number| number * 7 < groups && *number < folders)
                .count();
            let found = ids(&index.candidates(&lineage)).len();
            assert_eq!(found, expected, "{groups} {folders}");
        }
    }
}
