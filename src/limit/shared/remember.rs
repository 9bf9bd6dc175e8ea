//! What is known of keys that are over their limit.

use super::shared_limiter::Shared;
use crate::clock::nanos;
use crate::limit::decision::{Judgment, Outcome};
use crate::limit::limiter::Asks;
use std::time::Duration;

/// For how long it is believed that a key is over its limit, where a store may have charged it
/// for a request that another key refused: the store takes that back, and then it is not.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(5);

impl Shared {
    /// Keeps what keys owe that are over their limit, or would be with one more. Counted from
    /// before the store was asked, it is never more than they owe.
    pub(super) fn remember(&self, asks: &Asks, asked_at: u64, judgment: &Judgment) {
        let mut states = judgment.states.iter();
        for ask in asks.iter() {
            let mut is_any_worth_it = false;
            for (index, state) in states.by_ref().take(usize::from(ask.span.len)) {
                let window = self.known.windows().get(usize::from(index));
                let is_spent = window.is_some_and(|window| state.debt > window.tolerance());
                let is_worth_it = is_spent || (state.wait > 0 && state.wait != u64::MAX);
                let full_at = asked_at.saturating_add(state.debt);
                self.known.note(ask.hash, index, full_at, is_worth_it);
                is_any_worth_it |= is_worth_it;
            }
            if is_any_worth_it && self.may_be_given_back() {
                let until = asked_at.saturating_add(nanos(GIVEN_BACK_WITHIN));
                self.known.note_fresh(ask, until);
            }
        }
    }

    /// Whether a store on several machines may charge a key, and then give back what it
    /// charged: only when other keys are charged with it.
    fn may_be_given_back(&self) -> bool {
        self.fallbacks.len() > 1
    }

    /// Whether a refusal out of memory holds.
    pub(super) fn is_known(&self, asks: &Asks, judgment: &Judgment) -> bool {
        match judgment.outcome {
            Outcome::Admitted => false,
            Outcome::OverQuota { .. } => {
                !self.may_be_given_back() || self.known.is_fresh(asks, judgment)
            }
            _ => true,
        }
    }
}
