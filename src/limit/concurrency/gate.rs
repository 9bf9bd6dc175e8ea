//! So many at once, and a queue before that.

use super::slots::{Slot, Slots};
use crate::limit::RateKey;
use crate::limit::deadline::within;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Decides who may begin. Clones share what they count.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    most: usize,
    free: Arc<Semaphore>,
    slots: Option<Arc<Slots>>,
    queue: Option<Queue>,
}

#[derive(Clone, Debug)]
struct Queue {
    most: usize,
    waiting: Arc<AtomicUsize>,
    deadline: Duration,
}

/// The right to be under way, until dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _total: OwnedSemaphorePermit,
    _slot: Option<Slot>,
}

/// Why a request may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Its key has as many under way as it may.
    Key,
    /// There are as many under way as may be, and as many in the queue.
    Total,
    /// It waited in the queue until its deadline.
    Deadline,
}

/// What the gate says.
pub(super) enum Answer {
    Begin(Permit),
    Refuse(Full),
    Wait(Turn),
}

/// A place in the queue, to be waited at.
pub(super) struct Turn {
    free: Arc<Semaphore>,
    slot: Option<Slot>,
    place: Place,
    deadline: Duration,
}

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            most,
            free: Arc::new(Semaphore::new(most)),
            slots: None,
            queue: None,
        }
    }

    pub(super) fn per_key(&mut self, most: u32) {
        let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
        self.slots = Some(Arc::new(Slots::new(most)));
    }

    pub(super) fn queue(&mut self, most: usize, deadline: Duration) {
        self.queue = Some(Queue {
            most,
            waiting: Arc::default(),
            deadline,
        });
    }

    pub(super) const fn most(&self) -> usize {
        self.most
    }

    pub(super) fn most_per_key(&self) -> Option<u32> {
        self.slots.as_ref().map(|slots| slots.most().get())
    }

    pub(super) fn under_way(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    pub(super) fn waiting(&self) -> usize {
        let queue = self.queue.as_ref();
        queue.map_or(0, |queue| queue.waiting.load(Ordering::Acquire))
    }

    /// Lets in, refuses, or says for what to wait. The key is asked for only where it counts;
    /// its slot is taken first, so that one key cannot fill the queue.
    pub(super) fn enter<'a>(&self, key: impl FnOnce() -> RateKey<'a>) -> Answer {
        let slot = match &self.slots {
            None => None,
            Some(slots) => match slots.take(&key()) {
                None => return Answer::Refuse(Full::Key),
                slot => slot,
            },
        };
        let free = Arc::clone(&self.free);
        if let Ok(total) = Arc::clone(&free).try_acquire_owned() {
            return Answer::Begin(Permit::new(total, slot));
        }
        match self.queue.as_ref().and_then(Queue::place) {
            None => Answer::Refuse(Full::Total),
            Some((place, deadline)) => Answer::Wait(Turn {
                free,
                slot,
                place,
                deadline,
            }),
        }
    }
}

impl Turn {
    /// Waits for it. Dropped, it gives up its place.
    pub(super) async fn come(self) -> Result<Permit, Full> {
        let _place = self.place;
        match within(self.deadline, self.free.acquire_owned()).await {
            Some(Ok(total)) => Ok(Permit::new(total, self.slot)),
            // Nobody closes it.
            None | Some(Err(_)) => Err(Full::Deadline),
        }
    }
}

impl Permit {
    const fn new(total: OwnedSemaphorePermit, slot: Option<Slot>) -> Self {
        Self {
            _total: total,
            _slot: slot,
        }
    }
}

impl Queue {
    fn place(&self) -> Option<(Place, Duration)> {
        let one_more = |waiting: usize| (waiting < self.most).then_some(waiting + 1);
        let waiting = &self.waiting;
        waiting
            .try_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .ok()?;
        Some((Place(Arc::clone(waiting)), self.deadline))
    }
}

/// A place in the queue, until dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
