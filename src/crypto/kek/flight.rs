use crate::clock::Clock;
use crate::lock::lock;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// How long something that was fetched may be used, and how often.
#[derive(Clone, Copy, Debug)]
pub(in crate::crypto) struct Limits {
    pub(in crate::crypto) age: Duration,
    pub(in crate::crypto) messages: u64,
    pub(in crate::crypto) bytes: u64,
    pub(in crate::crypto) entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(300),
            messages: 1 << 20,
            bytes: 1 << 36,
            entries: 1024,
        }
    }
}

/// Names an entry: a hash, so that what was hashed is not kept.
pub(in crate::crypto) type EntryId = [u8; 32];

type Outcome<T, E> = Option<Result<T, E>>;

/// What was fetched, and what is being fetched: many that ask for the same at once cause one
/// fetch, and share its outcome. Clones share everything.
pub(in crate::crypto) struct FlightCache<T, E> {
    pub(in crate::crypto) limits: Limits,
    pub(in crate::crypto) clock: Clock,
    state: Arc<Mutex<State<T, E>>>,
}

struct State<T, E> {
    entries: HashMap<EntryId, Entry<T, E>>,
    /// Counts everything that happens: for who was used last, and which flight is which.
    moment: u64,
}

enum Entry<T, E> {
    Here(Held<T>),
    Coming {
        flight: u64,
        outcome: watch::Receiver<Outcome<T, E>>,
    },
}

struct Held<T> {
    value: T,
    since: Duration,
    messages: u64,
    bytes: u64,
    used: u64,
}

enum Step<T, E> {
    Here(T),
    Wait(watch::Receiver<Outcome<T, E>>),
    Fetch {
        flight: u64,
        outcome: watch::Sender<Outcome<T, E>>,
    },
}

impl<T: Clone, E: Clone> FlightCache<T, E> {
    /// Gives an entry for one message of so many bytes, after fetching it when it is not here
    /// or used up. A failure is handed to all who waited for it, and not kept.
    pub(in crate::crypto) async fn get<F>(
        &self,
        id: EntryId,
        bytes: u64,
        fetch: impl Fn() -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        loop {
            match self.step(id, bytes) {
                Step::Here(value) => return Ok(value),
                Step::Fetch { flight, outcome } => {
                    let fetched = fetch().await;
                    self.land(id, flight, bytes, &fetched);
                    outcome.send_replace(Some(fetched.clone()));
                    return fetched;
                }
                Step::Wait(mut outcome) => {
                    let failed = match outcome.wait_for(Option::is_some).await {
                        Ok(outcome) => outcome.as_ref().and_then(|it| it.as_ref().err().cloned()),
                        // Whoever fetched it was cancelled.
                        Err(_) => None,
                    };
                    if let Some(error) = failed {
                        return Err(error);
                    }
                    // It is here now, and this use of it has to be counted.
                }
            }
        }
    }

    /// Forgets an entry. What is being fetched is not kept when it comes.
    pub(in crate::crypto) fn forget(&self, id: &EntryId) {
        self.lock().entries.remove(id);
    }

    /// Forgets all entries.
    pub(in crate::crypto) fn clear(&self) {
        self.lock().entries.clear();
    }

    pub(in crate::crypto) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    fn step(&self, id: EntryId, bytes: u64) -> Step<T, E> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.moment += 1;
        let moment = state.moment;
        let found = state.entries.get_mut(&id);
        if let Some(Entry::Here(held)) = found {
            if held.take(&self.limits, now, bytes, moment) {
                return Step::Here(held.value.clone());
            }
        } else if let Some(Entry::Coming { outcome, .. }) = found
            // A flight whose pilot is gone has an end that never comes.
            && outcome.has_changed().is_ok()
        {
            return Step::Wait(outcome.clone());
        }
        state.make_room(&id, &self.limits, now);
        let (sender, receiver) = watch::channel(None);
        let coming = Entry::Coming {
            flight: moment,
            outcome: receiver,
        };
        state.entries.insert(id, coming);
        Step::Fetch {
            flight: moment,
            outcome: sender,
        }
    }

    /// Puts what was fetched in its place, unless that was forgotten meanwhile.
    fn land(&self, id: EntryId, flight: u64, bytes: u64, fetched: &Result<T, E>) {
        let since = self.clock.elapsed();
        let mut state = self.lock();
        match state.entries.get(&id) {
            Some(Entry::Coming { flight: mine, .. }) if *mine == flight => {}
            _ => return,
        }
        match fetched {
            Ok(value) => {
                state.moment += 1;
                let held = Held {
                    value: value.clone(),
                    since,
                    messages: 1,
                    bytes,
                    used: state.moment,
                };
                state.entries.insert(id, Entry::Here(held));
            }
            Err(_) => {
                state.entries.remove(&id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        lock(&self.state)
    }
}

impl<T> Held<T> {
    /// Counts a use, when there is one left.
    fn take(&mut self, limits: &Limits, now: Duration, bytes: u64, moment: u64) -> bool {
        let total = self.bytes.saturating_add(bytes);
        let is_good =
            self.is_young(limits, now) && self.messages < limits.messages && total <= limits.bytes;
        if is_good {
            self.messages += 1;
            self.bytes = total;
            self.used = moment;
        }
        is_good
    }

    fn is_young(&self, limits: &Limits, now: Duration) -> bool {
        now.saturating_sub(self.since) < limits.age
    }
}

impl<T, E> State<T, E> {
    /// Drops what is too old, and what was not used for longest, until there is room for one
    /// more. What is being fetched stays: there is no more of it than callers wait.
    fn make_room(&mut self, id: &EntryId, limits: &Limits, now: Duration) {
        if self.entries.len() < limits.entries || self.entries.contains_key(id) {
            return;
        }
        self.entries.retain(|_, entry| match entry {
            Entry::Here(held) => held.is_young(limits, now),
            Entry::Coming { outcome, .. } => outcome.has_changed().is_ok(),
        });
        while self.entries.len() >= limits.entries {
            let held = self.entries.iter().filter_map(|(id, entry)| match entry {
                Entry::Here(held) => Some((held.used, *id)),
                Entry::Coming { .. } => None,
            });
            let Some((_, oldest)) = held.min() else { break };
            self.entries.remove(&oldest);
        }
    }
}

impl<T, E> FlightCache<T, E> {
    pub(in crate::crypto) fn new() -> Self {
        let state = State {
            entries: HashMap::new(),
            moment: 0,
        };
        Self {
            limits: Limits::default(),
            clock: Clock::system(),
            state: Arc::new(Mutex::new(state)),
        }
    }
}

impl<T, E> Clone for FlightCache<T, E> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits,
            clock: self.clock.clone(),
            state: Arc::clone(&self.state),
        }
    }
}

impl<T, E> fmt::Debug for FlightCache<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightCache")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
