use super::budget::Usage;
use super::entry::{Slot, State};
use super::shard::{At, NoRoom};
use super::shards::{Locked, Place, Shards};
use crate::store::{Charge, Decision, StoreError};

/// Something for each charge of a batch.
type Each<T> = [T; Charge::MAX_BATCH];

impl Shards {
    /// Decides a batch with all its shards locked, so that it happens at one moment.
    pub(super) fn charge(&self, charges: &[Charge<'_>]) -> Result<Decision, StoreError> {
        let mut places = Each::<Place>::default();
        for (place, charge) in places.iter_mut().zip(charges) {
            *place = self.place(charge.key());
        }
        self.with_room(|| self.try_charge(charges, &places))
    }

    fn try_charge(&self, charges: &[Charge<'_>], places: &Each<Place>) -> Result<Decision, NoRoom> {
        let mut shards = LockedShards::lock(self, places.iter().take(charges.len()));
        let now = self.now();
        shards.sweep(now);
        let mut slots = Each::<Option<Slot>>::default();
        let mut backlogs = Each::<u64>::default();
        let (mut freed, mut needed) = (Usage::default(), Usage::default());
        let found = slots.iter_mut().zip(&mut backlogs);
        for ((charge, place), (slot, backlog)) in charges.iter().zip(places).zip(found) {
            let Some(shard) = shards.get(place.shard) else {
                continue;
            };
            let at = shard.at(charge.key(), place.hash);
            let arrival = shard.live(at, now).map_or(0, |entry| entry.due);
            *backlog = charge.rate().backlog(arrival, now);
            *slot = at.slot;
            if charge.cost() > 0 {
                let (before, after) = shard.quote(at, 0);
                freed += before;
                needed += after;
            }
        }
        let quotas = charges.iter().zip(backlogs);
        let decision = Decision::of(quotas.map(|(c, backlog)| (c.rate(), c.cost(), backlog)));
        if !decision.allowed() {
            return Ok(decision);
        }
        // Room for all of the batch, or for none.
        if !self.budget().exchange(freed, needed) {
            return Err(NoRoom { needed });
        }
        let found = slots.into_iter().zip(backlogs);
        for ((charge, place), (slot, backlog)) in charges.iter().zip(places).zip(found) {
            let (key, hash) = (charge.key(), place.hash);
            if let Some(shard) = shards.get(place.shard)
                && let Some(charged) = charge.rate().charge(backlog, charge.cost())
                && charge.cost() > 0
            {
                let due = now.saturating_add(charged);
                shard.place(At { key, hash, slot }, State::Quota, due);
            }
        }
        Ok(decision)
    }
}

/// The shards of a batch, each locked once.
struct LockedShards<'a>(Each<Option<(usize, Locked<'a>)>>);

impl<'a> LockedShards<'a> {
    /// Always in the order of their numbers: two batches cannot wait for each other.
    fn lock<'p>(shards: &'a Shards, places: impl Iterator<Item = &'p Place>) -> Self {
        let mut numbers = Each::<Option<usize>>::default();
        for (number, place) in numbers.iter_mut().zip(places) {
            *number = Some(place.shard);
        }
        numbers.sort_unstable();
        let mut last = None;
        Self(numbers.map(|number| {
            let new = number.filter(|_| number != last);
            last = number;
            new.map(|number| (number, shards.lock(number)))
        }))
    }

    fn get(&mut self, wanted: usize) -> Option<&mut Locked<'a>> {
        let mut locked = self.0.iter_mut().flatten();
        locked.find_map(|(number, shard)| (*number == wanted).then_some(shard))
    }

    fn sweep(&mut self, now: u64) {
        for (_, shard) in self.0.iter_mut().flatten() {
            shard.sweep(now, super::shards::SWEPT_BY_WRITE);
        }
    }
}
