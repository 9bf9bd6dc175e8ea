//! What was counted against whom, in so much room and no more.
//!
//! An entry of the store for each subject would be as many as strangers have networks, and of
//! IPv6 they have as many as they like. So subjects are spread over [`PLACES`], and what is
//! counted in a place is one value, of [`CountTable::MAX`] subjects at most. Where there are more,
//! whoever weighs least is forgotten: nobody is ever counted what another did. Who has so many
//! networks that he drives out his own counts needs none of them twice.

use super::BanSubject;
use crate::clock::Timestamp;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Among how many places the subjects are spread.
pub(super) const PLACES: u16 = 4096;

/// Whom a count is about: enough of a hash that no two are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag([u8; 16]);

/// Where a subject is counted, and as whom there: the same on all machines.
pub(super) fn place_of(subject: &BanSubject) -> (u16, Tag) {
    let hash = subject.with_id(|id| Sha256::digest(id));
    let [a, b, rest @ ..] = <[u8; 32]>::from(hash);
    let tag = rest.first_chunk().copied().unwrap_or_default();
    (u16::from_be_bytes([a, b]) % PLACES, Tag(tag))
}

/// What is counted against the subjects of one place by one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CountTable(Vec<Entry>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: Tag,
    weight: u64,
    /// Unix time in milliseconds: the window that began with the first offense.
    ends: u64,
}

impl CountTable {
    /// The most subjects. With all places full, these are 131,072 for each rule.
    pub(super) const MAX: usize = 32;

    /// An entry in bytes.
    const ENTRY_LEN: usize = 32;

    /// What the store holds. Rubbish has counted nothing.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let (entries, rest) = bytes.as_chunks::<{ Self::ENTRY_LEN }>();
        if !rest.is_empty() || entries.len() > Self::MAX {
            return Self::default();
        }
        Self(entries.iter().map(Entry::decode).collect())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(Entry::encode).collect()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts so much more; what is counted by now.
    pub(super) fn count(&mut self, tag: Tag, weight: u64, now: Timestamp, window: Duration) -> u64 {
        let now = millis(now.unix_duration());
        let ends = now.saturating_add(millis(window).max(1));
        self.0.retain(|entry| entry.ends > now);
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.tag == tag) {
            entry.weight = entry.weight.saturating_add(weight);
            // By a clock that was ahead, it would never end.
            entry.ends = entry.ends.min(ends);
            return entry.weight;
        }
        if self.0.len() >= Self::MAX {
            self.forget_the_lightest();
        }
        self.0.push(Entry { tag, weight, ends });
        weight
    }

    /// Of those that weigh the least, the one whose window ends first.
    fn forget_the_lightest(&mut self) {
        let entries = self.0.iter().enumerate();
        let lightest = entries.min_by_key(|(_, entry)| (entry.weight, entry.ends));
        if let Some((place, _)) = lightest {
            self.0.swap_remove(place);
        }
    }

    /// Forgets a subject. Whether anything was counted against it.
    pub(super) fn forget(&mut self, tag: Tag) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.tag != tag);
        self.0.len() < before
    }
}

impl Entry {
    fn decode(bytes: &[u8; CountTable::ENTRY_LEN]) -> Self {
        let [
            tag @ ..,
            w0,
            w1,
            w2,
            w3,
            w4,
            w5,
            w6,
            w7,
            e0,
            e1,
            e2,
            e3,
            e4,
            e5,
            e6,
            e7,
        ] = *bytes;
        Self {
            tag: Tag(tag),
            weight: u64::from_be_bytes([w0, w1, w2, w3, w4, w5, w6, w7]),
            ends: u64::from_be_bytes([e0, e1, e2, e3, e4, e5, e6, e7]),
        }
    }

    fn encode(&self) -> impl Iterator<Item = u8> {
        let numbers = [self.weight, self.ends].map(u64::to_be_bytes);
        self.tag.0.into_iter().chain(numbers.into_iter().flatten())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv6Addr};

    const MINUTE: Duration = Duration::from_secs(60);

    fn tag(number: u8) -> Tag {
        Tag([number; 16])
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn counts_end_with_the_window_of_the_first() {
        let mut table = CountTable::default();
        assert_eq!(table.count(tag(1), 2, at(100), MINUTE), 2);
        assert_eq!(table.count(tag(2), 1, at(100), MINUTE), 1, "another");
        assert_eq!(table.count(tag(1), 3, at(159), MINUTE), 5);
        assert_eq!(table.count(tag(1), 1, at(160), MINUTE), 1, "anew");
        assert!(table.forget(tag(1)) && !table.forget(tag(1)));
        assert_eq!(table.count(tag(1), u64::MAX, at(160), MINUTE), u64::MAX);
        assert_eq!(table.count(tag(1), 1, at(160), MINUTE), u64::MAX);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_no_count_for_ever() {
        let mut table = CountTable::default();
        table.count(tag(1), 1, at(1_000_000), MINUTE);
        assert_eq!(table.count(tag(1), 1, at(100), MINUTE), 2);
        assert_eq!(table.count(tag(1), 1, at(160), MINUTE), 1);
    }

    #[test]
    fn strangers_drive_out_those_who_did_least() {
        let mut table = CountTable::default();
        table.count(tag(255), 9, at(100), MINUTE);
        for number in 0..200 {
            assert_eq!(table.count(tag(number), 1, at(100), MINUTE), 1, "{number}");
            assert!(table.0.len() <= CountTable::MAX);
        }
        assert_eq!(table.count(tag(255), 1, at(100), MINUTE), 10);
        assert!(table.encode().len() <= 1024);
    }

    #[test]
    fn rubbish_has_counted_nothing() {
        let mut table = CountTable::default();
        table.count(tag(1), 1, at(100), MINUTE);
        let bytes = table.encode();
        assert_eq!(CountTable::decode(&bytes), table);
        let cut = bytes.split_last().map(|(_, rest)| rest);
        for rubbish in [cut.unwrap_or_default(), b"x", &[0; 33 * 32]] {
            assert!(CountTable::decode(rubbish).is_empty());
        }
    }

    #[test]
    fn places_are_even_enough() {
        let network = |n: u128| IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | n << 64));
        let mut full: HashMap<u16, usize> = HashMap::new();
        for n in 0..65_536 {
            let (place, _) = place_of(&network(n).into());
            *full.entry(place).or_default() += 1;
        }
        assert_eq!(full.len(), usize::from(PLACES));
        assert!(full.values().max() < Some(&64), "a /48 is spread over all");
    }

    proptest! {
        /// Where nobody has to be forgotten, it is what a counter for each would say.
        #[test]
        fn few_are_counted_exactly(steps in prop::collection::vec((0..8_u8, 0..50_u64, 1..4_u64), 0..200)) {
            let mut table = CountTable::default();
            let mut model: HashMap<u8, (u64, u64)> = HashMap::new();
            let mut now = 1000;
            for (who, wait, weight) in steps {
                now += wait;
                let (count, ends) = model.entry(who).or_insert((0, now + 60));
                if *ends <= now {
                    (*count, *ends) = (0, now + 60);
                }
                *count += weight;
                prop_assert_eq!(table.count(tag(who), weight, at(now), MINUTE), *count);
                table = CountTable::decode(&table.encode());
            }
        }
    }
}
