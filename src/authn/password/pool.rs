use super::PasswordError;
use crate::lock::lock;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A bounded number of threads that do work which takes long, in order, within a bound of
/// memory.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Threads.
    pub(super) workers: NonZeroUsize,
    /// How many may wait while all threads are busy.
    pub(super) queue: usize,
    /// Memory of all that runs, KiB. What needs more than this runs alone.
    pub(super) memory_kib: u64,
}

impl Pool {
    pub(super) fn start(limits: Limits) -> std::io::Result<Self> {
        let pool = Self {
            shared: Arc::new(Shared {
                limits,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            threads: Mutex::default(),
        };
        for number in 0..limits.workers.get() {
            let shared = Arc::clone(&pool.shared);
            // When one cannot be started, dropping the pool stops the others.
            let thread = std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || shared.work())?;
            lock(&pool.threads).push(thread);
        }
        Ok(pool)
    }

    /// Has `work` done on one of the threads. When the caller is dropped before its turn, it
    /// is not done at all.
    pub(super) async fn run<T, F>(&self, memory_kib: u32, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.shared.submit(Box::new(Call {
            memory_kib: memory_kib.into(),
            work,
            reply,
        }))?;
        answer
            .await
            .map_err(|_| match lock(&self.shared.state).is_closed {
                true => PasswordError::ShutDown,
                false => PasswordError::Failed,
            })
    }

    /// Takes nothing more, gives up what waits, and returns when what runs has ended.
    pub(super) fn shut_down(&self) {
        self.shared.close();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // A thread ends by a panic only if the payload of another panics when dropped.
            let _ended = thread.join();
        }
    }
}

impl Drop for Pool {
    /// The threads end by themselves: waiting for them would block an asynchronous thread.
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.shared.state);
        f.debug_struct("Pool")
            .field("limits", &self.shared.limits)
            .field("running", &state.running)
            .field("waiting", &state.waiting.len())
            .finish_non_exhaustive()
    }
}

struct Shared {
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Task>>,
    running: usize,
    memory_kib: u64,
    is_closed: bool,
}

trait Task: Send {
    fn memory_kib(&self) -> u64;
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>);
}

struct Call<T, F> {
    memory_kib: u64,
    work: F,
    reply: oneshot::Sender<T>,
}

impl<T: Send, F: FnOnce() -> T + Send> Task for Call<T, F> {
    fn memory_kib(&self) -> u64 {
        self.memory_kib
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>) {
        let Self { work, reply, .. } = *self;
        // A caller that left while it ran has no use for the answer.
        let _unheard = reply.send(work());
    }
}

impl Shared {
    fn submit(&self, task: Box<dyn Task>) -> Result<(), PasswordError> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(PasswordError::ShutDown);
        }
        if self.is_full(&state) {
            state.waiting.retain(|task| !task.is_abandoned());
            if self.is_full(&state) {
                return Err(PasswordError::Busy);
            }
        }
        state.waiting.push_back(task);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn is_full(&self, state: &State) -> bool {
        let limit = self.limits.workers.get().saturating_add(self.limits.queue);
        state.waiting.len() + state.running >= limit
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            let memory_kib = task.memory_kib();
            // A hasher of the application may panic. Its caller hears that the reply was
            // dropped, and the thread goes on.
            let _panic = catch_unwind(AssertUnwindSafe(|| task.run()));
            self.finish(memory_kib);
        }
    }

    /// The next task, as soon as there is one and memory for it; `None` after the end.
    fn next(&self) -> Option<Box<dyn Task>> {
        let mut state = lock(&self.state);
        while !state.is_closed {
            if let Some(task) = state.start_next(self.limits.memory_kib) {
                return Some(task);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn finish(&self, memory_kib: u64) {
        let mut state = lock(&self.state);
        state.running -= 1;
        state.memory_kib -= memory_kib;
        drop(state);
        self.changed.notify_all();
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        let given_up = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        // Wakes the callers, which is why the lock is gone by now.
        drop(given_up);
    }
}

impl State {
    fn start_next(&mut self, limit_kib: u64) -> Option<Box<dyn Task>> {
        while self.waiting.front()?.is_abandoned() {
            self.waiting.pop_front();
        }
        let wanted = self.waiting.front()?.memory_kib();
        let fits = self.memory_kib.saturating_add(wanted) <= limit_kib;
        // In order, so that one which needs much memory is not overtaken for ever.
        if !fits && self.running > 0 {
            return None;
        }
        self.running += 1;
        self.memory_kib += wanted;
        self.waiting.pop_front()
    }
}
