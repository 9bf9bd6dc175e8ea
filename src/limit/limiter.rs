use super::set::{Set, tag};
use super::table::Table;
use super::window::{Step, Window};
use super::{Quota, Quotas, RateKey};
use crate::clock::Clock;
use governor::clock::{Clock as _, QuantaClock, QuantaInstant, Reference};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Decides what is too much, without HTTP. Cheap to clone; clones share what they count.
///
/// # Memory
/// A limiter takes no more than its budget ([`max_bytes`](Self::max_bytes), 32 MiB by default),
/// whatever clients come: 32 KiB at first, and more as there are more clients at once. There
/// is no moment at which it takes stock or moves house; it grows by a few hundred bytes at a
/// time. An active key under one quota takes 17 bytes, and 34 with the room that a hash table
/// needs, so the default holds a million addresses that are active at once; with several
/// quotas, each takes as much. Idle keys cost nothing: one whose allowance is full again is as
/// good as one never seen.
///
/// Where there are more active keys than room, the one that is nearest to a full allowance is
/// forgotten. A key that is being refused is never forgotten: where there are only such, a
/// new key is refused until the first of them is not ([`Outcome::Crowded`]). Keys are known
/// by a hash of 61 bits under a random key: two of them share an allowance with a chance of
/// one in 10<sup>18</sup>, and nobody can look for such pairs.
#[derive(Clone)]
pub struct RateLimiter {
    windows: Arc<[Window]>,
    table: Arc<Table>,
    hasher: RandomState,
    time: Time,
}

impl RateLimiter {
    /// Bytes that it takes at most unless told otherwise: 32 MiB, room for a million addresses
    /// that are active at once.
    pub const DEFAULT_MAX_BYTES: usize = 32 * 1024 * 1024;

    /// Holds each key to these quotas.
    #[must_use]
    pub fn new(quotas: impl Into<Quotas>) -> Self {
        Self {
            windows: quotas.into().iter().cloned().map(Window::new).collect(),
            table: Arc::new(Table::new(Self::DEFAULT_MAX_BYTES)),
            hasher: RandomState::new(),
            time: Time::system(),
        }
    }

    /// Takes at most this many bytes: at least 32 KiB, at most 32 GiB. Default
    /// [`RateLimiter::DEFAULT_MAX_BYTES`]. Forgets what was counted.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.table = Arc::new(Table::new(bytes));
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.time = Time::Given(clock);
        self
    }

    /// The most bytes that the limiter will ever take for keys.
    #[must_use]
    pub fn capacity_bytes(&self) -> usize {
        self.table.capacity_bytes()
    }

    /// Charges this cost to the key, if all quotas admit it; else charges nothing. A cost of
    /// zero is always admitted.
    ///
    /// ```
    /// use portcullis::limit::{Outcome, Quota, RateLimiter};
    ///
    /// let limiter = RateLimiter::new(Quota::per_minute(10)?);
    /// assert!(limiter.check("ann", 9).is_admitted());
    /// assert!(matches!(limiter.check("ann", 2).outcome(), Outcome::OverQuota { .. }));
    /// assert!(limiter.check("ann", 1).is_admitted());
    /// assert!(matches!(limiter.check("bob", 11).outcome(), Outcome::CostTooHigh));
    /// # Ok::<(), portcullis::limit::InvalidQuota>(())
    /// ```
    #[inline]
    pub fn check<'a>(&self, key: impl Into<RateKey<'a>>, cost: u32) -> Decision<'_> {
        let hash = self.hasher.hash_one(key.into());
        let now = self.time.nanos();
        let mut set = self.table.lock(hash);
        let mut draft = Draft::new(&self.windows, now);
        draft.read(&set, hash, cost);
        if draft.outcome == Outcome::Admitted && cost > 0 {
            draft.write(&mut set, hash);
        }
        drop(set);
        if let Some(is_scarce) = draft.inserted {
            self.table.inserted(is_scarce);
        }
        Decision {
            windows: &self.windows,
            outcome: draft.outcome,
            states: draft.states,
        }
    }

    pub(super) const fn windows(&self) -> &Arc<[Window]> {
        &self.windows
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotas: Vec<_> = self.windows.iter().map(Window::quota).collect();
        f.debug_struct("RateLimiter")
            .field("quotas", &quotas)
            .field("capacity_bytes", &self.capacity_bytes())
            .finish_non_exhaustive()
    }
}

/// What a key owes under one quota, and where that is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    slot: Option<usize>,
    debt: u64,
    /// Where the quota refuses, for how long; the end of time where it always will.
    wait: u64,
}

/// A decision in the making, while the key's set is locked.
struct Draft<'a> {
    windows: &'a [Window],
    now: u64,
    outcome: Outcome,
    states: [State; Quotas::MOST],
    /// Whether a new key was put in, or should have been, and then whether room was scarce.
    inserted: Option<bool>,
}

impl<'a> Draft<'a> {
    #[inline]
    fn new(windows: &'a [Window], now: u64) -> Self {
        Self {
            windows,
            now,
            outcome: Outcome::Admitted,
            states: [State::default(); Quotas::MOST],
            inserted: None,
        }
    }

    /// Asks every window, and changes nothing.
    #[inline]
    fn read(&mut self, set: &Set, hash: u64, cost: u32) {
        let mut charged = [0; Quotas::MOST];
        let windows = self.windows.iter().zip(&mut self.states).zip(&mut charged);
        for (index, ((window, state), charged)) in windows.enumerate() {
            if let Some((slot, full_at)) = set.find(tag(hash, index)) {
                state.slot = Some(slot);
                state.debt = full_at.saturating_sub(self.now);
            }
            let Some(cost) = NonZeroU32::new(cost) else {
                *charged = state.debt;
                continue;
            };
            match window.step(state.debt, cost) {
                Step::Fits(debt) => *charged = debt,
                Step::Wait(wait) => {
                    state.wait = wait;
                    self.outcome.wait(wait);
                }
                Step::Never => {
                    state.wait = u64::MAX;
                    self.outcome = Outcome::CostTooHigh;
                }
            }
        }
        if self.outcome == Outcome::Admitted {
            for (state, charged) in self.states.iter_mut().zip(charged) {
                state.debt = charged;
            }
        }
    }

    /// Finds slots for all windows, and then writes them all; or none, when there is no room.
    #[inline]
    fn write(&mut self, set: &mut Set, hash: u64) {
        let known = self.states.iter().filter_map(|state| state.slot);
        let mut taken = known.fold(0, |taken, slot| taken | 1_u32 << slot);
        for state in self.states.iter_mut().take(self.windows.len()) {
            if state.slot.is_some() {
                continue;
            }
            let tolerance = |index| self.windows.get(index).map_or(0, Window::tolerance);
            match set.make_room(self.now, tolerance, taken) {
                Ok(room) => {
                    taken |= 1 << room.slot;
                    state.slot = Some(room.slot);
                    self.inserted = Some(self.inserted == Some(true) || room.is_scarce);
                }
                Err(wait) => {
                    self.inserted = Some(true);
                    self.outcome = Outcome::Crowded {
                        retry_after: Duration::from_nanos(wait),
                    };
                    return;
                }
            }
        }
        for (index, state) in self.states.iter().take(self.windows.len()).enumerate() {
            if let Some(slot) = state.slot {
                set.put(slot, tag(hash, index), self.now.saturating_add(state.debt));
            }
        }
    }
}

/// Whether a request is within its quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is, and has been charged.
    Admitted,
    /// It is not; nothing has been charged.
    OverQuota {
        /// When the same request would be admitted, if no other came before.
        retry_after: Duration,
    },
    /// It costs more than a quota ever allows at once.
    CostTooHigh,
    /// There is no room for another key, for those there are all being refused: somebody
    /// attacks with a great many of them, or the memory is too small.
    Crowded {
        /// When there may be room.
        retry_after: Duration,
    },
}

impl Outcome {
    /// Of several waits the longest counts, and never is longer than any.
    fn wait(&mut self, nanos: u64) {
        let wait = Duration::from_nanos(nanos);
        match self {
            Self::Admitted => *self = Self::OverQuota { retry_after: wait },
            Self::OverQuota { retry_after } => *retry_after = wait.max(*retry_after),
            Self::CostTooHigh | Self::Crowded { .. } => {}
        }
    }
}

/// What a [`RateLimiter`] says, and where the key stands now.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    windows: &'a [Window],
    outcome: Outcome,
    states: [State; Quotas::MOST],
}

impl<'a> Decision<'a> {
    /// Whether the request is within all quotas.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        matches!(self.outcome, Outcome::Admitted)
    }

    /// Whether it is, and if not, why and for how long.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Where the key stands with each quota, in their order.
    pub fn standings(&self) -> impl Iterator<Item = Standing<'a>> {
        standings(self.windows, self.states)
    }

    pub(super) const fn states(&self) -> [State; Quotas::MOST] {
        self.states
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standings: Vec<_> = self.standings().collect();
        f.debug_struct("Decision")
            .field("outcome", &self.outcome)
            .field("standings", &standings)
            .finish()
    }
}

pub(super) fn standings(
    windows: &[Window],
    states: [State; Quotas::MOST],
) -> impl Iterator<Item = Standing<'_>> {
    let windows = windows.iter().zip(states);
    windows.map(|(window, state)| Standing { window, state })
}

/// Where a key stands with one quota.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    window: &'a Window,
    state: State,
}

impl<'a> Standing<'a> {
    /// The quota.
    #[must_use]
    pub const fn quota(&self) -> &'a Quota {
        self.window.quota()
    }

    /// How many more are allowed at once.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.window.remaining(self.state.debt)
    }

    /// For how long the remaining ones should last: the time in which as many come to be
    /// allowed. After a refusal by this quota, the time to wait, where waiting helps.
    #[must_use]
    pub fn effective_window(&self) -> Duration {
        match self.state.wait {
            0 | u64::MAX => self.window.effective(self.state.debt),
            wait => Duration::from_nanos(wait),
        }
    }

    /// Whether it was this quota that refused.
    #[must_use]
    pub const fn is_exceeded(&self) -> bool {
        self.state.wait > 0
    }
}

impl fmt::Debug for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("quota", &self.quota().name())
            .field("remaining", &self.remaining())
            .field("effective_window", &self.effective_window())
            .field("is_exceeded", &self.is_exceeded())
            .finish()
    }
}

/// Time since the limiter was made, from the quickest clock there is, or the one given.
#[derive(Clone)]
enum Time {
    System {
        clock: QuantaClock,
        start: QuantaInstant,
    },
    Given(Clock),
}

impl Time {
    fn system() -> Self {
        let clock = QuantaClock::default();
        let start = clock.now();
        Self::System { clock, start }
    }

    #[inline]
    fn nanos(&self) -> u64 {
        match self {
            Self::System { clock, start } => clock.now().duration_since(*start).into(),
            Self::Given(clock) => u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }
}
