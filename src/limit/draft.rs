//! A decision in the making, while the sets of its keys are locked.

use super::decision::{Judgment, Outcome, State};
use super::set::{Set, tag};
use super::window::{Step, Window};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

/// How many windows of one key may lie in one set. More would not leave room there for others,
/// and are spread over sets by [`PART`].
pub(super) const MAX_IN_SET: u8 = 4;
const PART: u8 = 2;

/// Some windows, in a row, that hold a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u8,
    pub(super) len: u8,
}

impl Span {
    /// Parts small enough to lie in one set, and how their hash differs.
    pub(super) fn parts(self) -> impl Iterator<Item = (Self, u32)> {
        let size = if self.len > MAX_IN_SET {
            PART
        } else {
            MAX_IN_SET
        };
        let parts = self.len.div_ceil(size);
        (0..parts).map(move |part| {
            let before = part * size;
            let span = Self {
                first: self.first.saturating_add(before),
                len: (self.len - before).min(size),
            };
            (span, u32::from(part) * 16)
        })
    }

    #[inline]
    pub(super) fn of<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let first = usize::from(self.first);
        all.get(first..first + usize::from(self.len))
            .unwrap_or_default()
    }
}

/// What is asked for one key: by its hash, at what cost, and which windows it is held to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ask {
    pub(super) hash: u64,
    pub(super) cost: u32,
    pub(super) span: Span,
    /// Which rule asks.
    pub(super) rule: u8,
}

/// Of at most so many states.
pub(super) struct Draft<'a, const MAX: usize> {
    windows: &'a [Window],
    now: u64,
    judgment: &'a mut Judgment,
    entries: [Entry; MAX],
    is_new: bool,
    /// Into how many sets something new was put, or should have been; and whether room was
    /// scarce there.
    insertions: u8,
    is_scarce: bool,
}

/// Where the state of the same place is written, and what would be owed then.
#[derive(Clone, Copy)]
struct Entry {
    slot: usize,
    charged: u64,
}

const NO_SLOT: usize = usize::MAX;

impl<'a, const MAX: usize> Draft<'a, MAX> {
    #[inline]
    pub(super) const fn new(windows: &'a [Window], now: u64, judgment: &'a mut Judgment) -> Self {
        let entry = Entry {
            slot: NO_SLOT,
            charged: 0,
        };
        Self {
            windows,
            now,
            judgment,
            entries: [entry; MAX],
            is_new: false,
            insertions: 0,
            is_scarce: false,
        }
    }

    #[inline]
    pub(super) const fn is_admitted(&self) -> bool {
        matches!(self.judgment.outcome, Outcome::Admitted)
    }

    /// For each set into which something was put, whether room was scarce.
    #[inline]
    pub(super) fn insertions(&self) -> impl Iterator<Item = bool> {
        std::iter::repeat_n(self.is_scarce, usize::from(self.insertions))
    }

    /// Whether there are places that have no slot yet.
    #[inline]
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Asks the windows, and changes nothing. Gives the places of their states.
    #[inline]
    pub(super) fn read(&mut self, set: &Set, ask: &Ask) -> Range<usize> {
        let start = self.judgment.states.len();
        for (window, index) in ask.span.of(self.windows).iter().zip(ask.span.first..) {
            let place = self.judgment.states.len();
            let Some(entry) = self.entries.get_mut(place) else {
                break;
            };
            let mut state = State::default();
            match set.find(tag(ask.hash, index)) {
                Some((slot, full_at)) => {
                    entry.slot = slot;
                    state.debt = full_at.saturating_sub(self.now);
                }
                None => self.is_new = true,
            }
            entry.charged = state.debt;
            if let Some(cost) = NonZeroU32::new(ask.cost) {
                match window.step(state.debt, cost) {
                    Step::Fits(debt) => entry.charged = debt,
                    Step::Wait(wait) => {
                        state.wait = wait;
                        self.judgment.outcome.wait(wait);
                    }
                    Step::Never => {
                        state.wait = u64::MAX;
                        self.judgment.outcome = Outcome::CostTooHigh;
                    }
                }
            }
            self.judgment.states.push(index, state);
        }
        start..self.judgment.states.len()
    }

    /// The slots, by bits, that already hold states of these places.
    pub(super) fn known_slots(&self, places: Range<usize>) -> u32 {
        let entries = self.entries.get(places).unwrap_or_default();
        let known = entries.iter().filter(|entry| entry.slot != NO_SLOT);
        known.fold(0, |taken, entry| taken | 1 << entry.slot)
    }

    /// Finds a slot for each place that has none, not one of those `taken`. When there is none
    /// to be had, the request is refused.
    pub(super) fn reserve(&mut self, set: &Set, places: Range<usize>, taken: &mut u32) {
        let mut is_new = false;
        for entry in self.entries.get_mut(places).unwrap_or_default() {
            if entry.slot != NO_SLOT {
                continue;
            }
            is_new = true;
            let tolerance = |window| {
                let window: Option<&Window> = self.windows.get(usize::from(window));
                window.map_or(0, Window::tolerance)
            };
            match set.make_room(self.now, tolerance, *taken) {
                Ok(room) => {
                    *taken |= 1 << room.slot;
                    entry.slot = room.slot;
                    self.is_scarce |= room.is_scarce;
                }
                Err(wait) => {
                    self.is_scarce = true;
                    self.judgment.outcome = Outcome::Crowded {
                        retry_after: Duration::from_nanos(wait),
                    };
                    break;
                }
            }
        }
        self.insertions += u8::from(is_new);
    }

    /// Charges these places: writes what is owed now into their slots.
    #[inline]
    pub(super) fn charge(&mut self, set: &mut Set, ask: &Ask, places: Range<usize>) {
        let entries = self.entries.get(places.clone()).unwrap_or_default();
        let states = self.judgment.states.at(places);
        for ((entry, state), index) in entries.iter().zip(states).zip(ask.span.first..) {
            let full_at = self.now.saturating_add(entry.charged);
            set.put(entry.slot, tag(ask.hash, index), full_at);
            state.debt = entry.charged;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_set_holds_too_much_of_one_key() {
        let parts = |len| {
            let span = Span { first: 10, len };
            span.parts()
                .map(|(part, turn)| (part.first, part.len, turn))
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(0), []);
        assert_eq!(parts(1), [(10, 1, 0)]);
        assert_eq!(parts(4), [(10, 4, 0)]);
        assert_eq!(parts(5), [(10, 2, 0), (12, 2, 16), (14, 1, 32)]);
        assert_eq!(parts(8).len(), 4);
    }
}
