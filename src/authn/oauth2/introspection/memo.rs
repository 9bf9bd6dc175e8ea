use std::collections::HashMap;
use std::time::Duration;

/// What a token goes by: a keyed hash of its text. What lies in memory is no token that could be
/// used.
pub(super) type Name = [u8; 32];

/// At most so many entries, each until its time.
///
/// Who is asked for moves to the young. When there are as many young ones as allowed, they are
/// the old ones, and the old ones are gone.
pub(super) struct Memo<V> {
    half: usize,
    young: HashMap<Name, Entry<V>>,
    old: HashMap<Name, Entry<V>>,
}

struct Entry<V> {
    until: Duration,
    value: V,
}

impl<V: Clone> Memo<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            half: capacity / 2,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// What is remembered, unless its time is over.
    pub(super) fn find(&mut self, name: &Name, now: Duration) -> Option<V> {
        if let Some(entry) = self.young.get(name) {
            let value = (now < entry.until).then(|| entry.value.clone());
            if value.is_none() {
                self.young.remove(name);
            }
            return value;
        }
        let entry = self.old.remove(name).filter(|entry| now < entry.until)?;
        self.keep(*name, entry.until, entry.value.clone());
        Some(entry.value)
    }

    /// Remembers this until then.
    pub(super) fn keep(&mut self, name: Name, until: Duration, value: V) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        // What was said before must not come back.
        self.old.remove(&name);
        self.young.insert(name, Entry { until, value });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(number: u8) -> Name {
        [number; 32]
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut memo = Memo::new(4);
        let never = Duration::MAX;
        let now = Duration::ZERO;
        for number in 0..100 {
            memo.keep(name(number), never, number);
            assert_eq!(memo.find(&name(0), now), Some(0), "after {number}");
            assert!(memo.len() <= 4);
        }
        assert_eq!(memo.find(&name(1), now), None);
    }

    proptest! {
        /// Never too many, never too late, never another's.
        #[test]
        fn what_is_found_was_kept(steps in proptest::collection::vec((any::<bool>(), 0_u8..8, 0_u64..20), 1..60)) {
            let mut memo = Memo::new(6);
            let mut kept = HashMap::new();
            let mut now = 0;
            for (is_kept, number, time) in steps {
                if is_kept {
                    let until = now + time;
                    memo.keep(name(number), Duration::from_secs(until), (number, until));
                    kept.insert(number, until);
                } else {
                    now += time / 4;
                    let found = memo.find(&name(number), Duration::from_secs(now));
                    if let Some((found, until)) = found {
                        prop_assert_eq!(found, number);
                        prop_assert_eq!(kept.get(&number), Some(&until));
                        prop_assert!(now < until);
                    }
                }
                prop_assert!(memo.len() <= 6);
            }
        }
    }
}
