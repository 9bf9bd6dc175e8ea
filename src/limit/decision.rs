use super::window::Window;
use super::{Quota, Quotas};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

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
    /// The store that counts does not answer, and the rule is to refuse then
    /// ([`Fallback::Refuse`](super::Fallback::Refuse)).
    Unavailable {
        /// When the store is asked again.
        retry_after: Duration,
    },
}

impl Outcome {
    /// Of several waits the longest counts, and never is longer than any.
    pub(super) fn wait(&mut self, nanos: u64) {
        let wait = Duration::from_nanos(nanos);
        match self {
            Self::Admitted => *self = Self::OverQuota { retry_after: wait },
            Self::OverQuota { retry_after } => *retry_after = wait.max(*retry_after),
            Self::CostTooHigh | Self::Crowded { .. } | Self::Unavailable { .. } => {}
        }
    }
}

/// What a key owes under one quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) debt: u64,
    /// Where the quota refuses, for how long; the end of time where it always will.
    pub(super) wait: u64,
}

/// The states of the windows that a decision is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct States {
    len: u8,
    windows: [u8; Quotas::MAX],
    states: [State; Quotas::MAX],
}

impl States {
    const NONE: Self = Self {
        len: 0,
        windows: [0; Quotas::MAX],
        states: [State { debt: 0, wait: 0 }; Quotas::MAX],
    };

    /// Adds the state of a window, as long as there is room.
    #[inline]
    pub(super) fn push(&mut self, window: u8, state: State) {
        let place = self.len();
        if let (Some(to), Some(index)) = (self.states.get_mut(place), self.windows.get_mut(place)) {
            (*to, *index) = (state, window);
            self.len += 1;
        }
    }

    /// The states at these places.
    #[inline]
    pub(super) fn at(&mut self, places: Range<usize>) -> &mut [State] {
        self.states.get_mut(places).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The windows' indices with their states.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &State)> {
        let windows = self.windows.iter().copied();
        windows.zip(&self.states).take(self.len())
    }
}

/// A decision, apart from the windows it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgment {
    pub(super) outcome: Outcome,
    pub(super) states: States,
}

impl Judgment {
    /// Of a request that asks nothing.
    pub(super) const ADMITTED: Self = Self {
        outcome: Outcome::Admitted,
        states: States::NONE,
    };
}

/// What a limiter says, and where the key stands now.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    windows: &'a [Window],
    judgment: Judgment,
}

impl<'a> Decision<'a> {
    #[inline]
    pub(super) const fn new(windows: &'a [Window], judgment: Judgment) -> Self {
        Self { windows, judgment }
    }

    /// Whether the request is within all quotas.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        matches!(self.judgment.outcome, Outcome::Admitted)
    }

    /// Whether it is, and if not, why and for how long.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.judgment.outcome
    }

    /// Where the key stands with each quota that was asked, in their order.
    pub fn standings(&self) -> impl Iterator<Item = Standing<'a>> + Clone {
        standings(self.windows, self.judgment.states)
    }

    pub(super) const fn judgment(&self) -> &Judgment {
        &self.judgment
    }

    pub(super) const fn judgment_mut(&mut self) -> &mut Judgment {
        &mut self.judgment
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standings: Vec<_> = self.standings().collect();
        f.debug_struct("Decision")
            .field("outcome", &self.outcome())
            .field("standings", &standings)
            .finish()
    }
}

pub(super) fn standings(
    windows: &[Window],
    states: States,
) -> impl Iterator<Item = Standing<'_>> + Clone {
    (0..states.len()).filter_map(move |place| {
        let (window, state) = (states.windows.get(place)?, states.states.get(place)?);
        Some(Standing {
            window: windows.get(usize::from(*window))?,
            state: *state,
        })
    })
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

    pub(super) const fn window(&self) -> &'a Window {
        self.window
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
