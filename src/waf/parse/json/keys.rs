//! Which keys an object has had: one that comes twice is read by some as the first and by others
//! as the last.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// As many keys are compared one by one; more are kept by their hash.
const FEW: usize = 16;

/// The keys of a document, by the object they are of.
#[derive(Default)]
pub(super) struct Keys<'t> {
    few: [(u32, &'t [u8]); FEW],
    /// How many of them there are.
    count: usize,
    many: Option<Hashes>,
}

impl<'t> Keys<'t> {
    /// Takes in a key of this object, and says whether it is new.
    pub(super) fn insert(&mut self, object: u32, key: &'t [u8]) -> bool {
        if self.many.is_none() {
            let known = self.few.get(..self.count).unwrap_or_default();
            if known.contains(&(object, key)) {
                return false;
            }
            if let Some(place) = self.few.get_mut(self.count) {
                *place = (object, key);
                self.count += 1;
                return true;
            }
        }
        self.hashes().insert(object, key)
    }

    /// The same for one that does not stand in the text as it is.
    pub(super) fn insert_escaped(&mut self, object: u32, key: &[u8]) -> bool {
        self.hashes().insert(object, key)
    }

    /// All keys so far, by their hashes.
    fn hashes(&mut self) -> &mut Hashes {
        self.many.get_or_insert_with(|| {
            let mut hashes = Hashes::default();
            for (object, key) in self.few.iter().take(self.count) {
                hashes.insert(*object, key);
            }
            hashes
        })
    }
}

/// Keys by a hash that nobody can foresee.
#[derive(Default)]
struct Hashes {
    known: HashSet<u64, BuildHasherDefault<Hashed>>,
    hasher: RandomState,
}

impl Hashes {
    fn insert(&mut self, object: u32, key: &[u8]) -> bool {
        self.known.insert(self.hasher.hash_one((object, key)))
    }
}

/// The hasher of what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_new_once_in_each_object(
            keys in prop::collection::vec((0..3_u32, "[ab]{0,3}", prop::bool::weighted(0.1)), 0..40),
        ) {
            let (mut told, mut model) = (Keys::default(), HashSet::new());
            for (object, key, is_escaped) in &keys {
                let is_new = if *is_escaped {
                    told.insert_escaped(*object, key.as_bytes())
                } else {
                    told.insert(*object, key.as_bytes())
                };
                prop_assert_eq!(is_new, model.insert((*object, key)));
            }
        }
    }
}
