//! The few slots among which a key's state is looked for.

/// How many states a set holds: with its lock, it takes four cache lines.
pub(super) const WAYS: usize = 15;
/// Where so many of a set's slots are in use, the table should grow.
const MANY: usize = 4;

/// The slots that may hold a key's state.
#[derive(Default)]
pub(super) struct Set([Slot; WAYS]);

/// The state of one key under one quota. Free when its time has passed.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// What is left of the key's hash, and which window; zero in a slot that was never used.
    tag: u64,
    /// When the key's allowance is full again, in nanoseconds on the limiter's clock.
    full_at: u64,
}

/// Eight bits of a window's index, and one that is set in every slot that was ever used.
const MARK_BITS: u32 = 9;

/// By which mark a key's state under the window of this index is known within its set. It
/// keeps 55 bits of the hash.
#[inline]
pub(super) const fn tag(hash: u64, window: u8) -> u64 {
    hash << MARK_BITS | (window as u64) << 1 | 1
}

const fn window_of(tag: u64) -> u8 {
    (tag >> 1) as u8
}

/// The hash as far as a tag keeps it: all but the highest bits.
const fn hash_of(tag: u64) -> u64 {
    tag >> MARK_BITS
}

/// A slot for a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) slot: usize,
    /// Whether the set is so full that the table should grow.
    pub(super) is_scarce: bool,
}

impl Set {
    /// The slot of this tag, and its time.
    #[inline]
    pub(super) fn find(&self, tag: u64) -> Option<(usize, u64)> {
        let slot = self.0.iter().position(|slot| slot.tag == tag)?;
        Some((slot, self.0.get(slot)?.full_at))
    }

    /// A slot to use for another key, none of those `taken` (by bits): one that is free, else
    /// the one whose allowance is full soonest. Never one whose key is refused: where there
    /// is none but those, says in how many nanoseconds the first of them no longer is.
    pub(super) fn make_room(
        &self,
        now: u64,
        tolerance: impl Fn(u8) -> u64,
        taken: u32,
    ) -> Result<Room, u64> {
        let mut soonest = None;
        let mut shortest_wait = u64::MAX;
        for (index, slot) in self.0.iter().enumerate() {
            if taken & (1 << index) != 0 {
                continue;
            }
            if slot.full_at <= now {
                return Ok(Room {
                    slot: index,
                    is_scarce: index >= MANY,
                });
            }
            let admitted_at = slot.full_at.saturating_sub(tolerance(window_of(slot.tag)));
            if admitted_at > now {
                shortest_wait = shortest_wait.min(admitted_at - now);
            } else if soonest.is_none_or(|(full_at, _)| slot.full_at < full_at) {
                soonest = Some((slot.full_at, index));
            }
        }
        let (_, slot) = soonest.ok_or(shortest_wait)?;
        Ok(Room {
            slot,
            is_scarce: true,
        })
    }

    #[inline]
    pub(super) fn put(&mut self, slot: usize, tag: u64, full_at: u64) {
        if let Some(slot) = self.0.get_mut(slot) {
            *slot = Slot { tag, full_at };
        }
    }

    /// Moves the keys whose hash says so to a set that is empty.
    pub(super) fn split(&mut self, empty: &mut Self, moves: impl Fn(u64) -> bool) {
        for (from, to) in self.0.iter_mut().zip(&mut empty.0) {
            if from.tag != 0 && moves(hash_of(from.tag)) {
                *to = std::mem::take(from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn full_set(full_at: impl Fn(u64) -> u64) -> Set {
        let mut set = Set::default();
        for (slot, index) in (0..WAYS).zip(0..) {
            set.put(slot, tag(index, 0), full_at(index));
        }
        set
    }

    #[test]
    fn room_is_made_where_least_is_forgotten() {
        let room = |slot, is_scarce| Ok(Room { slot, is_scarce });
        let free = |slot| full_set(move |i| if i == slot { NOW } else { NOW + 5 });
        let sooner_and_sooner = || full_set(|i| NOW + 50 - i);
        let cases = [
            ("all free", full_set(|_| NOW), 0, room(0, false)),
            ("one free", free(3), 0, room(3, false)),
            ("one free, late", free(4), 0, room(4, true)),
            ("the least debt", sooner_and_sooner(), 0, room(14, true)),
            ("but one", sooner_and_sooner(), 1 << 14, room(13, true)),
            (
                "one that is not refused",
                full_set(|i| if i == 7 { NOW + 100 } else { NOW + 101 }),
                0,
                room(7, true),
            ),
            ("only refused keys", full_set(|i| NOW + 120 - i), 0, Err(6)),
            ("none at all", full_set(|_| NOW), u32::MAX, Err(u64::MAX)),
        ];
        for (name, set, taken, expected) in cases {
            assert_eq!(set.make_room(NOW, |_| 100, taken), expected, "{name}");
        }
    }

    #[test]
    fn tags_tell_windows_and_keys_apart() {
        let of_key = |hash| (0..=u8::MAX).map(move |window| tag(hash, window));
        let mut tags: Vec<_> = (0..100).flat_map(of_key).collect();
        assert!(tags.iter().all(|tag| *tag != 0));
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 25_600);
    }

    #[test]
    fn a_split_loses_nothing() {
        let mut set = full_set(|i| NOW + i);
        let mut other = Set::default();
        set.split(&mut other, |hash| hash % 2 == 1);
        for hash in 0..WAYS as u64 {
            let (there, not_there) = if hash % 2 == 1 {
                (&other, &set)
            } else {
                (&set, &other)
            };
            let found = there.find(tag(hash, 0)).map(|(_, full_at)| full_at);
            assert_eq!(found, Some(NOW + hash));
            assert_eq!(not_there.find(tag(hash, 0)), None);
        }
    }
}
