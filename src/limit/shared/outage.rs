//! Whether the store answers, and when it is asked again.

use crate::clock::nanos;
use crate::store::StoreErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// For how long a store that failed is not asked.
const PAUSE: Duration = Duration::from_millis(500);
/// How often failures are told that do not last, such as of a store that is full.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What is known of the store, for all who share a limiter. Times are those of the limiter.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// When the store is asked again; zero while it answers.
    until: AtomicU64,
    /// Whether the outage has been told of.
    told: AtomicBool,
    /// From when on another failure of one operation is told; and whether it is to be.
    next_failure: AtomicU64,
    has_failed: AtomicBool,
}

/// Whether to ask the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It answers, as far as is known.
    Ask,
    /// It does not, and is not asked for a while.
    Wait,
    /// It did not; this caller alone finds out whether it does now.
    Probe,
}

/// What operators should hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::limit) enum News {
    /// The store does not answer any more.
    Lost,
    /// The store answers again.
    Back,
    /// The store answers, and could not do what it was asked.
    Failed,
}

impl Outage {
    pub(super) fn look(&self, now: u64) -> Look {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Look::Ask;
        }
        if now < until {
            return Look::Wait;
        }
        let next = now.saturating_add(nanos(PAUSE));
        let swapped = self
            .until
            .compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire);
        match swapped {
            Ok(_) => Look::Probe,
            Err(_) => Look::Wait,
        }
    }

    pub(super) fn failed(&self, kind: StoreErrorKind, now: u64) {
        match kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Timeout => {
                let until = now.saturating_add(nanos(PAUSE));
                self.until.store(until, Ordering::Release);
            }
            _ => self.failed_once(now),
        }
    }

    fn failed_once(&self, now: u64) {
        let next = self.next_failure.load(Ordering::Acquire);
        let later = now.saturating_add(nanos(TELL_AGAIN));
        if now >= next
            && self
                .next_failure
                .compare_exchange(next, later, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        {
            self.has_failed.store(true, Ordering::Release);
        }
    }

    /// How long until the store is asked again.
    pub(super) fn pause_left(&self, now: u64) -> Duration {
        let left = self.until.load(Ordering::Acquire).saturating_sub(now);
        Duration::from_nanos(left).min(PAUSE)
    }

    pub(super) fn ended(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.until.load(Ordering::Acquire) != 0
    }

    /// What has not been told yet; each thing once.
    #[inline]
    pub(super) fn news(&self) -> Option<News> {
        let is_lost = self.is_lost();
        if self.told.load(Ordering::Relaxed) != is_lost
            && self.told.swap(is_lost, Ordering::AcqRel) != is_lost
        {
            return Some(if is_lost { News::Lost } else { News::Back });
        }
        let has_failed = self.has_failed.load(Ordering::Relaxed)
            && self.has_failed.swap(false, Ordering::AcqRel);
        has_failed.then_some(News::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE_NANOS: u64 = 500_000_000;

    #[test]
    fn one_finds_out_for_all() {
        let outage = Outage::default();
        assert_eq!(outage.look(7), Look::Ask);
        outage.failed(StoreErrorKind::Timeout, 7);
        assert_eq!(outage.look(7), Look::Wait);
        assert_eq!(outage.pause_left(7), PAUSE);
        assert_eq!(outage.pause_left(7 + PAUSE_NANOS / 2), PAUSE / 2);
        assert_eq!(outage.look(7 + PAUSE_NANOS - 1), Look::Wait);
        assert_eq!(outage.look(7 + PAUSE_NANOS), Look::Probe);
        assert_eq!(outage.look(7 + PAUSE_NANOS), Look::Wait);
        outage.ended();
        assert_eq!(outage.look(7 + PAUSE_NANOS), Look::Ask);
    }

    #[test]
    fn each_thing_is_told_once() {
        let outage = Outage::default();
        assert_eq!(outage.news(), None);
        outage.failed(StoreErrorKind::Unavailable, 7);
        assert_eq!(outage.news(), Some(News::Lost));
        outage.failed(StoreErrorKind::Unavailable, 8);
        assert_eq!(outage.news(), None);
        outage.ended();
        assert_eq!(outage.news(), Some(News::Back));
        assert_eq!(outage.news(), None);

        outage.failed(StoreErrorKind::Full, 9);
        assert!(!outage.is_lost());
        assert_eq!(outage.news(), Some(News::Failed));
        outage.failed(StoreErrorKind::Full, 10);
        assert_eq!(outage.news(), None);
        outage.failed(StoreErrorKind::Full, 9 + nanos(TELL_AGAIN));
        assert_eq!(outage.news(), Some(News::Failed));
    }
}
