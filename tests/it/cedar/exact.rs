//! The index against Cedar over the whole set: decision, reasons and errors, request by
//! request, in worlds made by chance. And indexes that are broken, which these worlds tell.

use super::dice::Dice;
use super::world::World;
use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Entities, EntityUid, PolicyId, PolicySet, Request,
};
use portcullis::authz::cedar::{Fold, Lineage, OnError, Ruling, ScopeIndex};
use portcullis::random::Random;
use std::collections::BTreeSet;

/// In each of the four tests.
const WORLDS: usize = 300;
const REQUESTS: usize = 100;

#[derive(Debug, PartialEq, Eq)]
struct Found {
    is_allowed: bool,
    reasons: BTreeSet<PolicyId>,
    errors: BTreeSet<PolicyId>,
}

fn by_cedar(policies: &PolicySet, request: &Request, entities: &Entities) -> Found {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let errors = response.diagnostics().errors().map(|error| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        error.policy_id().clone()
    });
    Found {
        is_allowed: response.decision() == Decision::Allow,
        reasons: response.diagnostics().reason().cloned().collect(),
        errors: errors.collect(),
    }
}

fn by_index(
    index: &ScopeIndex,
    lineage: &Lineage<'_>,
    request: &Request,
    entities: &Entities,
) -> Found {
    let fold = Fold::of(&index.candidates(lineage), request, entities);
    let is_allowed = fold.ruling(OnError::Cedar) == Ruling::Allow;
    let reasons = if is_allowed {
        fold.permits()
    } else {
        fold.forbids()
    };
    Found {
        is_allowed,
        reasons: reasons.iter().cloned().collect(),
        errors: fold
            .failures()
            .iter()
            .map(|it| it.policy().clone())
            .collect(),
    }
}

/// Calls with each request of each world, and what Cedar says.
fn each(seed: u64, worlds: usize, mut call: impl FnMut(&World, &ScopeIndex, &Request, Found)) {
    let mut dice = Dice::new(seed);
    for _ in 0..worlds {
        let world = World::new(&mut dice);
        let index = ScopeIndex::new(&world.policies).unwrap();
        assert_eq!(index.len(), world.policies.num_of_policies());
        for _ in 0..REQUESTS {
            let request = world.request(&mut dice);
            let found = by_cedar(&world.policies, &request, &world.entities);
            call(&world, &index, &request, found);
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    allowed: usize,
    forbidden: usize,
    with_errors: usize,
    policies: usize,
    candidates: usize,
}

fn no_difference() {
    let seed = u64::from_be_bytes(Random::default().bytes());
    let mut seen = Seen::default();
    each(seed, WORLDS, |world, index, request, expected| {
        let lineage = Lineage::of(request, &world.entities);
        let found = by_index(index, &lineage, request, &world.entities);
        assert_eq!(
            found, expected,
            "seed {seed}: {request}\n{}",
            world.policies
        );
        seen.requests += 1;
        seen.allowed += usize::from(found.is_allowed);
        seen.forbidden += usize::from(!found.is_allowed && !found.reasons.is_empty());
        seen.with_errors += usize::from(!found.errors.is_empty());
        seen.policies += index.len();
        let sets = index.candidates(&lineage);
        seen.candidates += sets.iter().map(|set| set.num_of_policies()).sum::<usize>();
    });
    println!("seed {seed}: {seen:?}");
    assert_eq!(seen.requests, WORLDS * REQUESTS);
    // Worlds in which nothing happens would show nothing.
    for often in [seen.allowed, seen.forbidden, seen.with_errors] {
        assert!(often * 20 > seen.requests, "{seen:?}");
    }
    assert!(seen.candidates * 2 < seen.policies, "{seen:?}");
}

#[test]
fn no_difference_to_cedar_1() {
    no_difference();
}

#[test]
fn no_difference_to_cedar_2() {
    no_difference();
}

#[test]
fn no_difference_to_cedar_3() {
    no_difference();
}

#[test]
fn no_difference_to_cedar_4() {
    no_difference();
}

#[test]
fn a_broken_index_is_told() {
    type Line<'a> = Vec<&'a EntityUid>;
    type Break = fn(Line<'_>, Line<'_>, Line<'_>) -> [usize; 3];
    let breaks: [(&str, Break); 3] = [
        ("no ancestors of the principal", |_, actions, resources| {
            [1, actions.len(), resources.len()]
        }),
        ("no groups of the action", |principals, _, resources| {
            [principals.len(), 1, resources.len()]
        }),
        ("no ancestors of the resource", |principals, actions, _| {
            [principals.len(), actions.len(), 1]
        }),
    ];
    let mut differences = [0; 3];
    each(7, 60, |world, index, request, expected| {
        let line = |entity: Option<&EntityUid>| -> Vec<EntityUid> {
            let entity = entity.unwrap();
            let ancestors = world.entities.ancestors(entity).into_iter().flatten();
            std::iter::once(entity).chain(ancestors).cloned().collect()
        };
        let lines = [request.principal(), request.action(), request.resource()].map(line);
        let [principals, actions, resources] =
            [0, 1, 2].map(|which| lines[which].iter().collect::<Vec<_>>());
        for ((_, cut), differences) in breaks.iter().zip(&mut differences) {
            let keep = cut(principals.clone(), actions.clone(), resources.clone());
            let lineage = Lineage::from_complete_lines(
                principals[..keep[0]].to_vec(),
                actions[..keep[1]].to_vec(),
                resources[..keep[2]].to_vec(),
            );
            let found = by_index(index, &lineage, request, &world.entities);
            *differences += usize::from(found != expected);
        }
    });
    println!("differences of broken indexes: {differences:?}");
    for ((name, _), differences) in breaks.iter().zip(differences) {
        assert!(differences > 100, "{name}: {differences}");
    }
}
