//! The memory store against a model so simple that it is plainly right: a list of entries,
//! searched from the start.

use super::{MINUTE, bounded, now};
use portcullis::store::gcra::Rate;
use portcullis::store::{
    Charge, Key, Namespace, OwnedEntry, OwnedPut, Owner, OwnerLimit, Store, StoreErrorKind, Swap,
};
use proptest::prelude::*;
use std::time::Duration;

const VALUES: Namespace = Namespace::values("model");
const COUNTERS: Namespace = Namespace::counters("model");
const QUOTAS: Namespace = Namespace::quotas("model");

const MAX_ENTRIES: usize = 6;

/// What a key is made of. Few of each, so that they meet.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Name {
    namespace: Namespace,
    owner: Option<u8>,
    id: u8,
}

/// Ids to borrow from.
static BYTES: [[u8; 1]; 4] = [[0], [1], [2], [3]];

impl Name {
    fn key(self) -> Key<'static> {
        let id = &BYTES[usize::from(self.id)];
        match self.owner {
            None => Key::new(self.namespace, id),
            Some(owner) => Owner::new(self.namespace, &BYTES[usize::from(owner)]).key(id),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Held {
    Value(u8),
    Count(u64),
    Quota,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Name,
    held: Held,
    due: u64,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Advance(u64),
    Get(Name),
    Put(Name, u8, u64),
    PutIfAbsent(Name, u8, u64),
    Swap(Name, Option<u8>, u8, u64),
    Take(Name),
    Delete(Name),
    Increment(Name, u64, u64),
    Charge([(Name, u64); 2]),
    PutOwned(Name, u8, u64, OwnerLimit),
    List(u8),
    DeleteOwned(u8, Option<u8>),
}

fn op() -> impl Strategy<Value = Op> {
    let name = |namespace, owner: Option<u8>| {
        (0u8..4).prop_map(move |id| Name {
            namespace,
            owner,
            id,
        })
    };
    let plain = move || name(VALUES, None);
    let owned = move || (0u8..2).prop_flat_map(move |owner| name(VALUES, Some(owner)));
    let value = move || prop_oneof![plain(), owned()];
    let counter = move || name(COUNTERS, None);
    let quota = move || {
        let owner = prop_oneof![Just(None), Just(Some(1))];
        owner.prop_flat_map(move |owner| name(QUOTAS, owner))
    };
    let held = || 0u8..3;
    let ttl = || 0u64..12;
    let limit = (0usize..4, any::<bool>()).prop_map(|(max, evict)| match evict {
        true => OwnerLimit::evict_above(max),
        false => OwnerLimit::refuse_above(max),
    });
    prop_oneof![
        3 => (0u64..6).prop_map(Op::Advance),
        2 => value().prop_map(Op::Get),
        2 => (plain(), held(), ttl()).prop_map(|(n, v, t)| Op::Put(n, v, t)),
        2 => (plain(), held(), ttl()).prop_map(|(n, v, t)| Op::PutIfAbsent(n, v, t)),
        2 => (plain(), prop::option::of(held()), held(), ttl())
            .prop_map(|(n, e, v, t)| Op::Swap(n, e, v, t)),
        2 => (owned(), held(), held(), ttl()).prop_map(|(n, e, v, t)| Op::Swap(n, Some(e), v, t)),
        1 => value().prop_map(Op::Take),
        1 => prop_oneof![value(), counter(), quota()].prop_map(Op::Delete),
        2 => (counter(), 0u64..3, ttl()).prop_map(|(n, by, t)| Op::Increment(n, by, t)),
        2 => ((quota(), 0u64..3), (quota(), 0u64..3))
            .prop_filter("different quotas", |(a, b)| a.0 != b.0)
            .prop_map(|(a, b)| Op::Charge([a, b])),
        3 => (owned(), held(), ttl(), limit).prop_map(|(n, v, t, l)| Op::PutOwned(n, v, t, l)),
        1 => (0u8..2).prop_map(Op::List),
        1 => (0u8..2, prop::option::of(0u8..4)).prop_map(|(o, k)| Op::DeleteOwned(o, k)),
    ]
}

/// A store at its bound.
#[derive(Debug, PartialEq)]
struct Full;

#[derive(Default)]
struct Model {
    now: u64,
    entries: Vec<Entry>,
}

impl Model {
    fn expire(&mut self) {
        self.entries.retain(|entry| self.now < entry.due);
    }

    fn find(&self, name: Name) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn value(&self, name: Name) -> Option<u8> {
        match self.find(name)?.held {
            Held::Value(value) => Some(value),
            _ => None,
        }
    }

    fn remove(&mut self, name: Name) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() < before
    }

    fn set(&mut self, name: Name, held: Held, due: u64) -> Result<(), Full> {
        let others = self.entries.iter().filter(|entry| entry.name != name);
        if others.count() >= MAX_ENTRIES {
            return Err(Full);
        }
        self.remove(name);
        self.entries.push(Entry { name, held, due });
        Ok(())
    }

    fn owned(&self, owner: u8) -> Vec<&Entry> {
        let is_owned = |name: Name| name.owner == Some(owner) && name.namespace == VALUES;
        let mut owned: Vec<_> = self.entries.iter().filter(|e| is_owned(e.name)).collect();
        owned.sort_by_key(|entry| entry.due);
        owned
    }
}

/// What the model expects of a charge: the backlogs, or that the store is full.
fn charge(model: &mut Model, charges: [(Name, u64); 2], rate: Rate) -> Result<bool, Full> {
    let backlogs = charges.map(|(name, cost)| {
        let arrival = model.find(name).map_or(0, |entry| entry.due);
        rate.charge(rate.backlog(arrival, model.now), cost)
    });
    let [Some(first), Some(second)] = backlogs else {
        return Ok(false);
    };
    let charged = charges.iter().zip([first, second]);
    let charged = charged.filter(|((_, cost), _)| *cost > 0);
    let new = charged
        .clone()
        .filter(|((name, _), _)| model.find(*name).is_none());
    if model.entries.len() + new.count() > MAX_ENTRIES {
        return Err(Full);
    }
    for ((name, _), backlog) in charged {
        model.set(*name, Held::Quota, model.now + backlog)?;
    }
    Ok(true)
}

fn nanos(ttl: u64) -> Duration {
    Duration::from_nanos(ttl)
}

/// The answer, or that the store is full.
fn answer<T>(future: portcullis::store::StoreFuture<T>) -> Result<T, Full> {
    now(future).map_err(|error| {
        assert_eq!(error.kind(), StoreErrorKind::Full);
        Full
    })
}

fn apply(store: &Store, model: &mut Model, op: Op, rate: Rate) -> Result<(), TestCaseError> {
    match op {
        Op::Advance(by) => model.now += by,
        Op::Get(name) => {
            let found = answer(store.get(name.key())).unwrap();
            prop_assert_eq!(found.map(|value| value[0]), model.value(name));
        }
        Op::Put(name, value, ttl) => {
            let put = answer(store.put(name.key(), &[value], nanos(ttl)));
            prop_assert_eq!(put, model.set(name, Held::Value(value), model.now + ttl));
        }
        Op::PutIfAbsent(name, value, ttl) => {
            let put = answer(store.put_if_absent(name.key(), &[value], nanos(ttl)));
            let expected = match model.find(name) {
                Some(_) => Ok(false),
                None => model
                    .set(name, Held::Value(value), model.now + ttl)
                    .map(|()| true),
            };
            prop_assert_eq!(put, expected);
        }
        Op::Swap(name, expected, value, ttl) => {
            let wanted = expected.map(|value| [value]);
            let wanted = wanted.as_ref().map(<[u8; 1]>::as_slice);
            let swap = answer(store.compare_and_swap(name.key(), wanted, &[value], nanos(ttl)));
            let found = model.value(name);
            if found == expected {
                let set = model.set(name, Held::Value(value), model.now + ttl);
                prop_assert_eq!(swap, set.map(|()| Swap::Swapped));
            } else {
                let found = found.map(|value| vec![value].into());
                prop_assert_eq!(swap, Ok(Swap::Conflict(found)));
            }
        }
        Op::Take(name) => {
            let taken = answer(store.take(name.key())).unwrap();
            prop_assert_eq!(taken.map(|value| value[0]), model.value(name));
            model.remove(name);
        }
        Op::Delete(name) => {
            prop_assert_eq!(
                answer(store.delete(name.key())).unwrap(),
                model.remove(name)
            );
        }
        Op::Increment(name, by, window) => {
            let count = answer(store.increment(name.key(), by, nanos(window)));
            let found = model
                .find(name)
                .map(|entry| (entry.held.clone(), entry.due));
            let (before, due) = match found {
                Some((Held::Count(count), due)) => (count, due),
                _ => (0, model.now + window),
            };
            let exists = model.find(name).is_some();
            if by == 0 && !exists {
                prop_assert_eq!(count.unwrap().count(), 0);
                return Ok(());
            }
            let set = model.set(name, Held::Count(before + by), due);
            prop_assert_eq!(
                count.map(|count| (count.count(), count.remaining())),
                set.map(|()| (before + by, nanos(due - model.now)))
            );
        }
        Op::Charge(charges) => {
            let batch = charges.map(|(name, cost)| Charge::new(name.key(), rate).with_cost(cost));
            let decision = answer(store.charge(&batch)).map(|decision| decision.allowed());
            prop_assert_eq!(decision, charge(model, charges, rate));
        }
        Op::PutOwned(name, value, ttl, limit) => {
            let put = answer(store.put_owned(name.key(), &[value], nanos(ttl), limit));
            check_put_owned(model, put, name, value, model.now + ttl, limit)?;
        }
        Op::List(owner) => {
            let owner_id = &BYTES[usize::from(owner)];
            let listed = answer(store.list_owned(Owner::new(VALUES, owner_id))).unwrap();
            prop_assert!(listed.is_sorted_by_key(OwnedEntry::remaining));
            let mut found: Vec<_> = listed
                .iter()
                .map(|entry| (entry.remaining(), entry.id()[0], entry.value()[0]))
                .collect();
            found.sort_unstable();
            let expected = model.owned(owner).into_iter().map(|entry| {
                let value = model.value(entry.name).unwrap();
                (nanos(entry.due - model.now), entry.name.id, value)
            });
            let mut expected: Vec<_> = expected.collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
        Op::DeleteOwned(owner, keep) => {
            let kept = keep.map(|id| [id]);
            let owner_id = Owner::new(VALUES, &BYTES[usize::from(owner)]);
            let kept = kept.as_ref().map(<[u8; 1]>::as_slice);
            let deleted = answer(store.delete_owned(owner_id, kept)).unwrap();
            let before = model.entries.len();
            model.entries.retain(|Entry { name, .. }| {
                name.owner != Some(owner) || name.namespace != VALUES || Some(name.id) == keep
            });
            prop_assert_eq!(deleted, before - model.entries.len());
        }
    }
    Ok(())
}

/// Which of several that expire at one moment has to go is not said, so the model follows.
fn check_put_owned(
    model: &mut Model,
    put: Result<OwnedPut, Full>,
    name: Name,
    value: u8,
    due: u64,
    limit: OwnerLimit,
) -> Result<(), TestCaseError> {
    let owned = model.owned(name.owner.unwrap());
    let full = model.find(name).is_none() && owned.len() >= limit.max();
    if full && (!limit.evicts() || limit.max() == 0) {
        prop_assert_eq!(put, Ok(OwnedPut::LimitReached));
        return Ok(());
    }
    let to_go = if full {
        owned.len() + 1 - limit.max()
    } else {
        0
    };
    let latest_to_go = owned.iter().take(to_go).map(|entry| entry.due).max();
    match put {
        Ok(OwnedPut::Stored { evicted }) => {
            prop_assert_eq!(evicted.len(), to_go);
            for id in evicted {
                let id = id[0];
                let gone = model.find(Name { id, ..name });
                prop_assert!(gone.is_some_and(|entry| Some(entry.due) <= latest_to_go));
                model.remove(Name { id, ..name });
            }
            prop_assert_eq!(model.set(name, Held::Value(value), due), Ok(()));
        }
        other => {
            prop_assert_eq!(other, Err(Full));
            prop_assert_eq!(to_go, 0, "entries that go make room");
            prop_assert_eq!(model.set(name, Held::Value(value), due), Err(Full));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_store_does_what_the_model_does(ops in prop::collection::vec(op(), 1..120)) {
        let (memory, store, clock) = bounded(MAX_ENTRIES);
        let rate = Rate::new(3, nanos(12)).unwrap();
        let mut model = Model::default();
        // Time begins at one, so that an arrival at zero is in the past.
        clock.advance(nanos(1));
        model.now = 1;
        for op in ops {
            if let Op::Advance(by) = op {
                clock.advance(nanos(by));
            }
            apply(&store, &mut model, op, rate)?;
            model.expire();
            let entries = memory.usage().entries();
            prop_assert!((model.entries.len()..=MAX_ENTRIES).contains(&entries));
        }
        // Whatever happened, all of the room comes back.
        clock.advance(MINUTE);
        for id in 0..MAX_ENTRIES {
            let put = store.put(Key::new(VALUES, &id.to_be_bytes()), b"", MINUTE);
            prop_assert!(answer(put).is_ok());
        }
        for id in 0..MAX_ENTRIES {
            prop_assert!(answer(store.delete(Key::new(VALUES, &id.to_be_bytes()))).unwrap());
        }
        prop_assert_eq!((memory.usage().entries(), memory.usage().bytes()), (0, 0));
    }
}
