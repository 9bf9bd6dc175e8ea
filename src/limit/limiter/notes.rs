//! What is noted of keys that another counts: a limiter of such notes is never charged.

use super::{Asks, RateLimiter};
use crate::limit::Plans;
use crate::limit::decision::Judgment;
use crate::limit::draft::Ask;
use crate::limit::set::tag;
use crate::limit::window::Window;

/// Marks a note that is about other notes: the indices of windows are below it.
const FRESH: u8 = 0x80;
const _: () = assert!(Plans::MAX_QUOTAS <= FRESH as usize);

impl RateLimiter {
    /// Notes what a key owes under a window, by when its allowance is full. Makes a new note
    /// only where that `is_worth_it`, and there is room.
    pub(in crate::limit) fn note(&self, hash: u64, window: u8, full_at: u64, is_worth_it: bool) {
        let tag = tag(hash, window);
        let mut set = self.table.lock(hash);
        if let Some((slot, _)) = set.find(tag) {
            set.put(slot, tag, full_at);
            return;
        }
        if !is_worth_it {
            return;
        }
        let tolerance = |window: u8| {
            let window = self.windows.get(usize::from(window));
            window.map_or(0, Window::tolerance)
        };
        let Ok(room) = set.make_room(self.now(), tolerance, 0) else {
            return;
        };
        set.put(room.slot, tag, full_at);
        drop(set);
        self.table.inserted(room.is_scarce);
    }

    /// Notes that what is noted of these asks holds for so long.
    pub(in crate::limit) fn note_fresh(&self, ask: &Ask, until: u64) {
        self.note(ask.hash, ask.span.first | FRESH, until, true);
    }

    /// Whether one of those that refuse is noted to hold.
    pub(in crate::limit) fn is_fresh(&self, asks: &Asks, judgment: &Judgment) -> bool {
        let mut states = judgment.states.iter();
        asks.iter().any(|ask| {
            let of_ask = states.by_ref().take(usize::from(ask.span.len));
            // All of them, so that the next ask begins with its own.
            let refusing = of_ask.filter(|(_, state)| state.wait > 0).count();
            let fresh = || {
                let set = self.table.lock(ask.hash);
                set.find(tag(ask.hash, ask.span.first | FRESH))
            };
            refusing > 0 && fresh().is_some_and(|(_, until)| until > self.now())
        })
    }
}
