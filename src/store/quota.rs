use super::gcra::{Rate, Status};
use super::{EntryKind, Key, StoreError};
use std::fmt;
use std::time::Duration;

/// A cost to charge to one quota.
///
/// Quotas that are charged together should have keys under one [`Owner`](super::Owner), the
/// client: then they live together, and a Redis Cluster decides them in one trip.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    key: Key<'a>,
    rate: Rate,
    cost: u64,
}

impl<'a> Charge<'a> {
    /// The most quotas that can be charged together.
    pub const MAX_BATCH: usize = 8;

    /// Charges one unit to the quota of this key, which must be in a namespace of
    /// [`quotas`](super::Namespace::quotas).
    #[must_use]
    pub const fn new(key: Key<'a>, rate: Rate) -> Self {
        Self { key, rate, cost: 1 }
    }

    /// Charges this many units. Zero charges nothing and tells what is left.
    #[must_use]
    pub const fn with_cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// Whose quota.
    #[must_use]
    pub const fn key(&self) -> Key<'a> {
        self.key
    }

    /// How fast it refills, and how much it holds.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// How many units.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.cost
    }
}

pub(super) fn check_batch(charges: &[Charge<'_>]) -> Result<(), StoreError> {
    if charges.len() > Charge::MAX_BATCH {
        return Err(StoreError::invalid("at most 8 quotas are charged together"));
    }
    let mut rest = charges;
    while let [charge, others @ ..] = rest {
        charge.key.checked(EntryKind::Quota)?;
        if others.iter().any(|other| other.key == charge.key) {
            return Err(StoreError::invalid("a quota is in the batch twice"));
        }
        rest = others;
    }
    Ok(())
}

/// What several quotas, charged together, said: all were charged, or none was.
#[derive(Clone, Copy)]
pub struct Decision {
    allowed: bool,
    len: usize,
    statuses: [Status; Charge::MAX_BATCH],
}

impl Decision {
    /// Decides by rate, cost and backlog (see [`Rate::backlog`]) of each quota, as found
    /// before the charge. Looks at the first [`Charge::MAX_BATCH`] only.
    ///
    /// Every store decides by this function, or by a script that mirrors it and whose
    /// backlogs are then put through it.
    #[must_use]
    pub fn of(quotas: impl Iterator<Item = (Rate, u64, u64)> + Clone) -> Self {
        let allowed = quotas
            .clone()
            .all(|(rate, cost, backlog)| rate.charge(backlog, cost).is_some());
        let mut statuses = [Status::NOTHING; Charge::MAX_BATCH];
        let mut len = 0;
        for (status, (rate, cost, before)) in statuses.iter_mut().zip(quotas) {
            *status = match rate.charge(before, cost) {
                Some(charged) if allowed => Status::new(rate, charged, 0),
                _ => Status::new(rate, before, cost),
            };
            len += 1;
        }
        Self {
            allowed,
            len,
            statuses,
        }
    }

    /// Whether the charge was admitted.
    #[must_use]
    pub const fn allowed(&self) -> bool {
        self.allowed
    }

    /// What each quota has left, in the order of the charges.
    #[must_use]
    pub fn statuses(&self) -> &[Status] {
        self.statuses.get(..self.len).unwrap_or_default()
    }

    /// How long until all quotas admit the charge: zero when they did, `None` when one never
    /// will.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.statuses()
            .iter()
            .try_fold(Duration::ZERO, |longest, status| {
                Some(longest.max(status.retry_after()?))
            })
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("allowed", &self.allowed)
            .field("statuses", &self.statuses())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Namespace, StoreErrorKind};
    use super::*;

    const QUOTAS: Namespace = Namespace::quotas("quota");

    fn rate(count: u64, seconds: u64) -> Rate {
        Rate::new(count, Duration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn one_refusal_charges_none() {
        let (small, large) = (rate(1, 1), rate(10, 10));
        let quotas = [(small, 1, 1_000_000_000), (large, 2, 0)];
        let decision = Decision::of(quotas.into_iter());
        assert!(!decision.allowed());
        assert_eq!(decision.retry_after(), Some(Duration::from_secs(1)));
        let remaining: Vec<_> = decision.statuses().iter().map(Status::remaining).collect();
        assert_eq!(remaining, [0, 10]);
    }

    #[test]
    fn all_are_charged_when_all_admit() {
        let (small, large) = (rate(1, 1), rate(10, 10));
        let decision = Decision::of([(small, 1, 0), (large, 2, 0)].into_iter());
        assert!(decision.allowed());
        assert_eq!(decision.retry_after(), Some(Duration::ZERO));
        let remaining: Vec<_> = decision.statuses().iter().map(Status::remaining).collect();
        assert_eq!(remaining, [0, 8]);
    }

    #[test]
    fn a_cost_above_the_limit_is_never_admitted() {
        let decision = Decision::of([(rate(10, 1), 1, 0), (rate(1, 1), 2, 0)].into_iter());
        assert!(!decision.allowed());
        assert_eq!(decision.retry_after(), None);
    }

    #[test]
    fn an_empty_batch_is_allowed() {
        let decision = Decision::of(std::iter::empty());
        assert!(decision.allowed() && decision.statuses().is_empty());
    }

    #[test]
    fn batches_that_make_no_sense() {
        let one = Charge::new(Key::new(QUOTAS, "a"), rate(1, 1));
        let ids: Vec<_> = (0u8..9).map(|id| [id]).collect();
        let nine: Vec<_> = ids
            .iter()
            .map(|id| Charge::new(Key::new(QUOTAS, id), rate(1, 1)))
            .collect();
        let value = Charge::new(Key::new(Namespace::values("quota"), "a"), rate(1, 1));
        for (name, batch) in [
            ("twice", &[one, one.with_cost(2)][..]),
            ("nine", &nine),
            ("value", &[value]),
        ] {
            let error = check_batch(batch).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{name}");
        }
        assert!(check_batch(nine.get(..8).unwrap()).is_ok());
    }
}
