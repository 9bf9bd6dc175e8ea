//! A decision in the making, while the sets of its keys are locked.

use super::Quotas;
use super::decision::{Judgment, Outcome, States};
use super::set::{Set, tag};
use super::window::{Step, Window};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

/// How many windows of one key may lie in one set. More would not leave room there for others,
/// and are spread over sets by [`PART`].
pub(super) const MOST_IN_SET: u8 = 4;
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
        let size = if self.len > MOST_IN_SET {
            PART
        } else {
            MOST_IN_SET
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

const NO_SLOT: u8 = u8::MAX;

pub(super) struct Draft<'a> {
    windows: &'a [Window],
    now: u64,
    judgment: Judgment,
    charged: [u64; Quotas::MOST],
    slots: [u8; Quotas::MOST],
    is_new: bool,
    /// Into how many sets something new was put, or should have been; and whether room was
    /// scarce there.
    insertions: u8,
    is_scarce: bool,
}

impl<'a> Draft<'a> {
    #[inline]
    pub(super) fn new(windows: &'a [Window], now: u64) -> Self {
        Self {
            windows,
            now,
            judgment: Judgment {
                outcome: Outcome::Admitted,
                states: States::default(),
            },
            charged: [0; Quotas::MOST],
            slots: [NO_SLOT; Quotas::MOST],
            is_new: false,
            insertions: 0,
            is_scarce: false,
        }
    }

    #[inline]
    pub(super) const fn is_admitted(&self) -> bool {
        matches!(self.judgment.outcome, Outcome::Admitted)
    }

    #[inline]
    pub(super) const fn judgment(&self) -> Judgment {
        self.judgment
    }

    /// For each set into which something was put, whether room was scarce.
    #[inline]
    pub(super) fn insertions(&self) -> impl Iterator<Item = bool> {
        std::iter::repeat_n(self.is_scarce, usize::from(self.insertions))
    }

    /// Asks the windows, and changes nothing. Gives the places of their states.
    #[inline]
    pub(super) fn read(&mut self, set: &Set, ask: &Ask) -> Range<usize> {
        let start = self.judgment.states.len();
        let windows = ask.span.of(self.windows);
        let places = self.judgment.states.add(ask.span);
        let to = self.slots.iter_mut().zip(&mut self.charged).skip(start);
        for (((index, window), state), (slot, charged)) in
            (ask.span.first..).zip(windows).zip(places).zip(to)
        {
            match set.find(tag(ask.hash, index)) {
                Some((found, full_at)) => {
                    *slot = found as u8;
                    state.debt = full_at.saturating_sub(self.now);
                }
                None => self.is_new = true,
            }
            *charged = state.debt;
            let Some(cost) = NonZeroU32::new(ask.cost) else {
                continue;
            };
            match window.step(state.debt, cost) {
                Step::Fits(debt) => *charged = debt,
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
        start..self.judgment.states.len()
    }

    /// Whether there are places that have no slot yet.
    #[inline]
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// The slots, by bits, that already hold states of these places.
    #[inline]
    pub(super) fn known_slots(&self, places: Range<usize>) -> u32 {
        let slots = self.slots.get(places).unwrap_or_default();
        let known = slots.iter().filter(|slot| **slot != NO_SLOT);
        known.fold(0, |taken, slot| taken | 1 << slot)
    }

    /// Finds a slot for each place that has none, not one of those `taken`. When there is none
    /// to be had, the request is refused.
    #[inline]
    pub(super) fn reserve(&mut self, set: &Set, places: Range<usize>, taken: &mut u32) {
        let mut is_new = false;
        for slot in self.slots.get_mut(places).unwrap_or_default() {
            if *slot != NO_SLOT {
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
                    *slot = room.slot as u8;
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
        let from = self.slots.iter().zip(self.charged).skip(places.start);
        let states = self.judgment.states.at(places);
        for ((index, state), (slot, charged)) in (ask.span.first..).zip(states).zip(from) {
            let full_at = self.now.saturating_add(charged);
            set.put(usize::from(*slot), tag(ask.hash, index), full_at);
            state.debt = charged;
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
