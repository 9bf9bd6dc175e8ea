//! Tokens that were verified a moment ago.

use super::VerifiedToken;
use crate::crypto::keys::KeySet;
use crate::lock::lock;
use crate::random::Random;
use arc_swap::{ArcSwap, Guard};
use ring::hmac;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Parts with a lock of their own, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// The fewest tokens that a cache holds: two of each age in each shard.
pub(super) const MIN_CAPACITY: usize = 4 * SHARDS;
/// The most.
pub(super) const MAX_CAPACITY: usize = 1 << 20;

/// What a token goes by: a keyed hash of its text. Nobody finds two texts of one name, and what
/// lies in memory is no token that could be used.
type Name = [u8; 32];

/// Tokens whose signature was good under one key set. Cheap to clone; the clones share it.
///
/// With another set it begins anew, so no entry outlives its key.
#[derive(Clone)]
pub(super) struct Cache(Arc<Inner>);

struct Inner {
    key: hmac::Key,
    /// Tokens of one age in one shard.
    half: usize,
    generation: ArcSwap<Generation>,
}

struct Generation {
    of: Arc<KeySet>,
    shards: [Mutex<Shard>; SHARDS],
}

/// Who is asked for moves to the young. When there are as many young ones as allowed, they are
/// the old ones, and the old ones are gone.
#[derive(Default)]
struct Shard {
    young: HashMap<Name, VerifiedToken>,
    old: HashMap<Name, VerifiedToken>,
}

impl Shard {
    fn find(&mut self, name: &Name, half: usize) -> Option<VerifiedToken> {
        if let Some(token) = self.young.get(name) {
            return Some(token.clone());
        }
        let token = self.old.remove(name)?;
        self.keep(*name, token.clone(), half);
        Some(token)
    }

    fn keep(&mut self, name: Name, token: VerifiedToken, half: usize) {
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, token);
    }
}

/// A place in the cache, for one token and the keys of this moment.
pub(super) struct Place<'a> {
    cache: &'a Inner,
    generation: Guard<Arc<Generation>>,
    name: Name,
}

impl Cache {
    /// A cache of at most so many tokens.
    pub(super) fn new(capacity: usize) -> Self {
        let secret: [u8; 32] = Random::secure().bytes();
        Self(Arc::new(Inner {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            half: (capacity / (2 * SHARDS)).max(1),
            generation: ArcSwap::from_pointee(Generation::of(Arc::default())),
        }))
    }

    /// Where this token lies, if it was verified with this set.
    pub(super) fn place(&self, token: &str, set: &Arc<KeySet>) -> Place<'_> {
        let tag = hmac::sign(&self.0.key, token.as_bytes());
        Place {
            cache: &self.0,
            generation: self.0.generation(set),
            name: tag.as_ref().try_into().unwrap_or_default(),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let generation = self.0.generation.load();
        let shards = generation.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        });
        shards.sum()
    }
}

impl Inner {
    fn generation(&self, set: &Arc<KeySet>) -> Guard<Arc<Generation>> {
        let known = self.generation.load();
        if Arc::ptr_eq(&known.of, set) {
            return known;
        }
        let new = Arc::new(Generation::of(Arc::clone(set)));
        self.generation.store(Arc::clone(&new));
        Guard::from_inner(new)
    }
}

impl Generation {
    fn of(set: Arc<KeySet>) -> Self {
        Self {
            of: set,
            shards: Default::default(),
        }
    }
}

impl Place<'_> {
    /// The token, if it is there. Its times and all that may change have to be looked at again.
    pub(super) fn find(&self) -> Option<VerifiedToken> {
        self.with(|shard| shard.find(&self.name, self.cache.half))
    }

    /// Keeps a token that was verified with the keys of this place.
    pub(super) fn keep(&self, token: &VerifiedToken) {
        self.with(|shard| shard.keep(self.name, token.clone(), self.cache.half));
    }

    fn with<T: Default>(&self, act: impl FnOnce(&mut Shard) -> T) -> T {
        let [first, ..] = self.name;
        let shard = self.generation.shards.get(usize::from(first) % SHARDS);
        let act = |shard: &Mutex<Shard>| act(&mut lock(shard));
        shard.map(act).unwrap_or_default()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("half", &self.0.half)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::jwt::{Issuer, Verifier};
    use crate::crypto::keys::{Algorithm, SigningKey};

    fn token() -> VerifiedToken {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let issuer = Issuer::new(key, "https://a", "https://b").unwrap();
        let verifier = Verifier::builder(
            "https://a",
            "https://b",
            Algorithm::EdDsa,
            issuer.public_keys(),
        );
        let token = issuer.token("ann").sign().unwrap();
        verifier.build().unwrap().verify(&token).unwrap()
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let (token, set) = (token(), Arc::new(KeySet::default()));
        for capacity in [MIN_CAPACITY, 1000] {
            let cache = Cache::new(capacity);
            cache.place("often", &set).keep(&token);
            for number in 0..10_000 {
                assert!(cache.place("often", &set).find().is_some(), "{number}");
                let name = number.to_string();
                assert!(cache.place(&name, &set).find().is_none());
                cache.place(&name, &set).keep(&token);
                assert!(cache.place(&name, &set).find().is_some());
                assert!(cache.len() <= capacity, "{} of {capacity}", cache.len());
            }
            assert!(cache.len() > capacity / 3, "{} of {capacity}", cache.len());
        }
    }

    #[test]
    fn other_keys_empty_it() {
        let (token, old) = (token(), Arc::new(KeySet::default()));
        let cache = Cache::new(1000);
        let late = cache.place("late", &old);
        for number in 0..100 {
            cache.place(&number.to_string(), &old).keep(&token);
        }
        assert_eq!(cache.len(), 100);
        let new = Arc::new(KeySet::default());
        assert!(cache.place("0", &new).find().is_none());
        assert_eq!(cache.len(), 0);
        // Who verified with the old keys keeps nothing for the new ones.
        late.keep(&token);
        assert_eq!(cache.len(), 0);
        assert!(cache.place("late", &new).find().is_none());
    }

    #[test]
    fn caches_name_tokens_differently() {
        let set = Arc::new(KeySet::default());
        let [one, two] = [(); 2].map(|()| Cache::new(1000));
        assert_ne!(one.place("x", &set).name, two.place("x", &set).name);
    }
}
