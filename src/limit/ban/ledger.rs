//! Bans in the store: counted, set, listed and lifted by any number of machines at once.
//!
//! Three kinds of entries: for each rule and [place](super::counts), what was counted there; the
//! subject's file, which holds its last ban and outlives it until the ban is forgiven; and the
//! ban itself, which is what requests are checked against, under one of [`BUCKETS`] owners so
//! that bans can be listed.
//!
//! The file decides. It is changed by compare-and-swap, so of many that break a rule at one
//! moment one sets the ban, and its level rises once. Who changed the file, or finds it ahead
//! of the entry because whoever changed it went away, brings the entry in line and then looks
//! whether the file is still the same.

use super::counts::{CountTable, Tag, place_of};
use super::record::Record;
use super::{Ban, BanPolicy, BanRule, BanSubject};
use crate::clock::{Clock, Timestamp};
use crate::store::{
    Key, Namespace, OwnedEntry, OwnedPut, Owner, OwnerLimit, Store, StoreError, StoreErrorKind,
    StoreFuture, Swap,
};
use bytes::Bytes;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

const BANS: Namespace = Namespace::values("ban");
const FILES: Namespace = Namespace::values("ban-file");
const COUNTS: Namespace = Namespace::values("ban-count");

/// Among how many owners the bans are spread.
pub(super) const BUCKETS: u16 = 1024;
/// How many of them are listed at once.
const LISTED_AT_ONCE: usize = 64;
/// How often an operation begins anew because another came between: each time, the other got
/// ahead.
const ATTEMPTS: usize = 32;

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) store: Store,
    pub(super) policy: BanPolicy,
    pub(super) clock: Clock,
}

/// What became of a sentence.
#[derive(Debug)]
pub(super) enum Sentence {
    /// A new ban was set, for which so many others had to go.
    New { record: Record, evicted: usize },
    /// There was one already.
    Standing(Record),
}

impl Ledger {
    /// The entry of this subject's ban.
    pub(super) fn find(&self, subject: &BanSubject) -> StoreFuture<Option<Bytes>> {
        subject.with_id(|id| self.store.get(Owner::new(BANS, &bucket(id)).key(id)))
    }

    /// Counts an offense; the count so far.
    pub(super) async fn count(
        &self,
        subject: &BanSubject,
        rule: &BanRule,
        weight: u64,
    ) -> Result<u64, StoreError> {
        self.recount(subject, rule, |table, tag| {
            Some(table.count(tag, weight, self.clock.now(), rule.window()))
        })
        .await
        .map(Option::unwrap_or_default)
    }

    pub(super) async fn clear_count(
        &self,
        subject: &BanSubject,
        rule: &BanRule,
    ) -> Result<(), StoreError> {
        self.recount(subject, rule, |table, tag| table.forget(tag).then_some(()))
            .await?;
        Ok(())
    }

    /// Writes what `change` makes of the counts of the subject's place, unless that is nothing.
    async fn recount<T>(
        &self,
        subject: &BanSubject,
        rule: &BanRule,
        change: impl Fn(&mut CountTable, Tag) -> Option<T> + Send,
    ) -> Result<Option<T>, StoreError> {
        let (place, tag) = place_of(subject);
        // No name holds a colon.
        let id = [rule.name().as_bytes(), b":", &place.to_be_bytes()].concat();
        let key = Key::new(COUNTS, &id);
        let mut found = self.store.get(key).await?;
        for _ in 0..ATTEMPTS {
            let mut table = found.as_deref().map(CountTable::decode).unwrap_or_default();
            let Some(result) = change(&mut table, tag) else {
                return Ok(None);
            };
            let kept_for = match table.is_empty() {
                true => Duration::ZERO,
                false => rule.window(),
            };
            let (expected, bytes) = (found.as_deref(), table.encode());
            let swap = self.store.compare_and_swap(key, expected, &bytes, kept_for);
            match swap.await? {
                Swap::Swapped => return Ok(Some(result)),
                Swap::Conflict(other) => found = other,
            }
        }
        Err(crowded())
    }

    /// Bans a subject that broke the rule, unless it is banned.
    pub(super) async fn sentence(
        &self,
        subject: &BanSubject,
        rule: &BanRule,
    ) -> Result<Sentence, StoreError> {
        let escalation = self.policy.escalates();
        let decide = |last: Option<&Record>, now| {
            let is_banned = last.is_some_and(|last| !last.remaining(now).is_zero());
            (!is_banned).then(|| Record::next(last, escalation, rule.name(), now))
        };
        self.change(subject, decide).await
    }

    /// Bans a subject for so long, whether it is banned or not.
    pub(super) async fn sentence_by_hand(
        &self,
        subject: &BanSubject,
        duration: Duration,
        reason: &str,
    ) -> Result<Sentence, StoreError> {
        let escalation = self.policy.escalates();
        let decide = |last: Option<&Record>, now| {
            Some(Record::by_hand(last, escalation, reason, now, duration))
        };
        self.change(subject, decide).await
    }

    /// Writes what `decide` makes of the subject's file, unless that is nothing.
    async fn change(
        &self,
        subject: &BanSubject,
        decide: impl Fn(Option<&Record>, Timestamp) -> Option<Record> + Send,
    ) -> Result<Sentence, StoreError> {
        let id = subject.with_id(<[u8]>::to_vec);
        for _ in 0..ATTEMPTS {
            let found = self.store.get(Key::new(FILES, &id)).await?;
            let last = found.as_deref().and_then(Record::decode);
            let now = self.clock.now();
            let Some(record) = decide(last.as_ref(), now) else {
                // Nothing is decided where there is nothing.
                let record = last.unwrap_or_else(|| Record::unreadable(now));
                if self.find(subject).await?.is_none() {
                    self.enforce(&id, found).await?;
                }
                return Ok(Sentence::Standing(record));
            };
            let bytes = record.encode();
            let kept_for = record.kept_for(self.policy.escalates(), now);
            let swap = self.store.compare_and_swap(
                Key::new(FILES, &id),
                found.as_deref(),
                &bytes,
                kept_for,
            );
            if swap.await? == Swap::Swapped {
                let evicted = self.enforce(&id, Some(bytes.into())).await?;
                return Ok(Sentence::New { record, evicted });
            }
        }
        Err(crowded())
    }

    /// Brings the entry of a ban in line with the file; how many other bans had to go for it.
    async fn enforce(&self, id: &[u8], mut file: Option<Bytes>) -> Result<usize, StoreError> {
        let bucket = bucket(id);
        let key = Owner::new(BANS, &bucket).key(id);
        let limit = OwnerLimit::evict_above(OwnerLimit::MAX);
        let mut gone = 0;
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let record = file.as_deref().and_then(Record::decode);
            let remaining = record.map_or(Duration::ZERO, |record| record.remaining(now));
            match &file {
                Some(bytes) if !remaining.is_zero() => {
                    match self.store.put_owned(key, bytes, remaining, limit).await? {
                        OwnedPut::Stored { evicted } => gone += evicted.len(),
                        OwnedPut::LimitReached => return Err(crowded()),
                    }
                }
                _ => {
                    self.store.delete(key).await?;
                }
            }
            let file_now = self.store.get(Key::new(FILES, id)).await?;
            if file_now == file {
                return Ok(gone);
            }
            file = file_now;
        }
        Err(crowded())
    }

    /// Ends a ban, forgives the level, and forgets what was counted. Whether there was a ban.
    pub(super) async fn lift(&self, subject: &BanSubject) -> Result<bool, StoreError> {
        let id = subject.with_id(<[u8]>::to_vec);
        for rule in self.policy.rules() {
            self.clear_count(subject, rule).await?;
        }
        self.store.delete(Key::new(FILES, &id)).await?;
        let bucket = bucket(&id);
        self.store.delete(Owner::new(BANS, &bucket).key(&id)).await
    }

    /// All bans, those first that end first.
    pub(super) async fn list(&self) -> Result<Vec<Ban>, StoreError> {
        let buckets: Vec<_> = (0..BUCKETS).map(u16::to_be_bytes).collect();
        let mut bans = Vec::new();
        for some in buckets.chunks(LISTED_AT_ONCE) {
            let lists = some
                .iter()
                .map(|bucket| self.store.list_owned(Owner::new(BANS, bucket)));
            let lists = all(lists.collect()).await?;
            bans.extend(lists.iter().flatten().filter_map(|entry| self.read(entry)));
        }
        bans.sort_by_key(|ban| ban.until);
        Ok(bans)
    }

    fn read(&self, entry: &OwnedEntry) -> Option<Ban> {
        let subject = BanSubject::from_id(entry.id())?;
        let record = Record::decode(entry.value());
        let record = record.unwrap_or_else(|| Record::unreadable(self.clock.now()));
        Some(Ban::of(subject, &record))
    }
}

/// Awaits all at once.
async fn all<T>(mut waiting: Vec<StoreFuture<T>>) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::with_capacity(waiting.len());
    poll_fn(|context| {
        let mut failed = None;
        waiting.retain_mut(|future| match Pin::new(future).poll(context) {
            Poll::Pending => true,
            Poll::Ready(Ok(answer)) => {
                found.push(answer);
                false
            }
            Poll::Ready(Err(error)) => {
                failed = Some(error);
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waiting.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await?;
    Ok(found)
}

/// The same on all machines, and even enough. Who fills a bucket on purpose drives out bans
/// that end sooner than his own, and nobody's else.
fn bucket(id: &[u8]) -> [u8; 2] {
    let spread = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let sum = id.iter().fold(id.len() as u64, spread);
    let bucket = (sum >> 32) % u64::from(BUCKETS);
    u16::try_from(bucket).unwrap_or_default().to_be_bytes()
}

fn crowded() -> StoreError {
    StoreError::new(
        StoreErrorKind::Conflict,
        "what is to be changed for a ban was changed by others all the time",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    #[test]
    fn buckets_are_even_enough() {
        let v4 = |n: u32| IpAddr::from(Ipv4Addr::from(0xC633_0000 + n));
        let scattered = |n: u32| IpAddr::from(Ipv4Addr::from(n.wrapping_mul(2_654_435_761)));
        let v6 =
            |n: u32| IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64));
        let makers: [(&str, &dyn Fn(u32) -> IpAddr); 3] =
            [("neighbors", &v4), ("scattered", &scattered), ("IPv6", &v6)];
        for (name, address) in makers {
            let mut full: HashMap<[u8; 2], usize> = HashMap::new();
            for n in 0..50_000 {
                let subject = BanSubject::from(address(n));
                *full.entry(subject.with_id(bucket)).or_default() += 1;
            }
            let most = full.values().max().copied();
            assert!(most < Some(OwnerLimit::MAX), "{name}: {most:?}");
        }
    }

    #[tokio::test]
    async fn where_there_are_too_many_those_go_that_end_first() {
        let ledger = Ledger {
            store: Store::memory(),
            policy: BanPolicy::recommended(),
            clock: Clock::system(),
        };
        let addresses = (0..).map(|n: u32| BanSubject::from(IpAddr::from(Ipv4Addr::from(n))));
        let mut same_bucket = addresses.filter(|subject| subject.with_id(bucket) == [0, 7]);
        let mut evicted = 0;
        for (cause, hours, count) in [("long", 2, 100), ("flood", 1, 60)] {
            let duration = Duration::from_secs(hours * 60 * 60);
            for subject in same_bucket.by_ref().take(count) {
                match ledger.sentence_by_hand(&subject, duration, cause).await {
                    Ok(Sentence::New { evicted: gone, .. }) => evicted += gone,
                    other => panic!("{other:?}"),
                }
            }
        }
        let bans = ledger.list().await.unwrap();
        assert_eq!(bans.len(), OwnerLimit::MAX);
        assert_eq!(evicted, 160 - OwnerLimit::MAX);
        let long = bans.iter().filter(|ban| ban.cause == "long");
        assert_eq!(long.count(), 100, "the longer ones stay");
    }
}
