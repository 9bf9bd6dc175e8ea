//! What a request is charged in the store.

use super::shared_limiter::Shared;
use crate::clock::nanos;
use crate::limit::draft::Ask;
use crate::limit::key::StoreId;
use crate::limit::limiter::Asks;
use crate::limit::{Demand, Quotas, RateLimiter};
use crate::store::{self, Charge, Namespace, Owner, StoreError, StoreErrorKind, StoreFuture};

const NAMESPACE: Namespace = Namespace::quotas("rate-limit");

/// For each window, which of a key's quotas it is: of which rule, at which place, how fast, how
/// large, called what. Processes whose quotas differ, as during an update, never misread each
/// other's.
pub(super) fn window_ids(limiter: &RateLimiter) -> Vec<Box<[u8]>> {
    let ids = limiter.windows().iter().zip(limiter.places());
    ids.map(|(window, (rule, place))| {
        let rate = window.quota().rate();
        let interval = nanos(rate.interval());
        let mut id = vec![rule, place];
        id.extend(interval.to_be_bytes());
        id.extend(rate.burst().to_be_bytes());
        id.extend(window.quota().name().bytes());
        id.into()
    })
    .collect()
}

impl Shared {
    /// One charge for each window; all of a key under one owner, so that they live together.
    pub(super) fn charge(
        &self,
        demands: &[Demand<'_>],
        asks: &Asks,
        of_nothing: bool,
    ) -> StoreFuture<store::Decision> {
        let owners: [Option<StoreId>; Quotas::MAX] =
            std::array::from_fn(|n| demands.get(n).map(|demand| StoreId::of(&demand.key)));
        let mut charges = asks.iter().flat_map(|ask| {
            let owner = owners.get(usize::from(ask.rule));
            let owner = owner
                .and_then(Option::as_ref)
                .map_or(&[][..], StoreId::as_bytes);
            let owner = Owner::new(NAMESPACE, owner);
            let windows = ask.span.of(self.known.windows());
            let ids = ask.span.of(&self.ids);
            let cost = if of_nothing { 0 } else { u64::from(ask.cost) };
            windows.iter().zip(ids).map(move |(window, id)| {
                Charge::new(owner.key(id), window.quota().rate()).with_cost(cost)
            })
        });
        let Some(first) = charges.next() else {
            return StoreError::new(StoreErrorKind::Invalid, "a request that asks nothing").into();
        };
        let mut all = [first; Charge::MAX_BATCH];
        let mut len = 1;
        for (room, charge) in all.iter_mut().skip(1).zip(charges) {
            *room = charge;
            len += 1;
        }
        self.store.charge(all.get(..len).unwrap_or_default())
    }

    /// The most that an ask can cost in this process alone.
    pub(super) fn most_local(&self, ask: &Ask) -> u32 {
        let windows = ask.span.of(self.local.windows()).iter();
        let most = windows.map(|window| window.quota().rate().burst()).min();
        most.and_then(|most| u32::try_from(most).ok())
            .unwrap_or(u32::MAX)
    }
}
