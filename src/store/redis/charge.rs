//! Charging quotas. On a single server the charges of many callers that come at the same
//! time go into one call of the script, which decides each of them for itself: a call costs
//! more than a decision.

use super::failure::Failure;
use super::keys::Keys;
use super::node::Node;
use super::request::Request;
use super::{answer, scripts};
use crate::clock::nanos;
use crate::store::Charge;
use redis::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Calls of the script that are under way at once: one runs while the next one is on its way.
const CALLS_IN_FLIGHT: usize = 2;

/// Quotas in one call. A few hundred keep the server from others for less than a millisecond.
const QUOTAS_IN_CALL: usize = 256;

/// One quota, and what is charged to it, in nanoseconds of backlog.
#[derive(Debug)]
pub(super) struct Quota {
    pub(super) key: Vec<u8>,
    pub(super) need: u64,
    capacity: u64,
}

/// How much each quota of a batch had to refill before the charge.
pub(super) type Backlogs = [u64; Charge::MAX_BATCH];

type Answer = Result<Backlogs, Failure>;

impl Quota {
    pub(super) fn of(keys: &Keys, charge: &Charge<'_>) -> Self {
        let capacity = charge.rate().capacity_nanos();
        let interval = nanos(charge.rate().interval());
        // What never fits need not fit a double either.
        let need = interval.saturating_mul(charge.cost()).min(capacity + 1);
        Self {
            key: keys.entry(charge.key()),
            need,
            capacity,
        }
    }

    pub(super) const fn fits(&self, backlog: u64) -> bool {
        backlog + self.need <= self.capacity
    }
}

/// A call that decides these batches, each for itself.
pub(super) fn request<'q>(batches: impl Iterator<Item = &'q [Quota]> + Clone) -> Request {
    let count = batches.clone().map(<[Quota]>::len).sum();
    let mut places = HashMap::with_capacity(count);
    let mut keys: Vec<&[u8]> = Vec::with_capacity(count);
    let mut charges = Vec::with_capacity(count * 19);
    for batch in batches {
        for (left, quota) in (0..batch.len()).rev().zip(batch) {
            let place = *places.entry(quota.key.as_slice()).or_insert_with(|| {
                keys.push(&quota.key);
                u16::try_from(keys.len()).unwrap_or(u16::MAX)
            });
            charges.push(u8::from(left == 0));
            charges.extend_from_slice(&place.to_le_bytes());
            charges.extend_from_slice(&(quota.need as f64).to_le_bytes());
            charges.extend_from_slice(&(quota.capacity as f64).to_le_bytes());
        }
    }
    Request::script(&scripts::CHARGE, &keys).arg(charges)
}

/// The backlogs in an answer to [`request`], those of one batch after those of the other.
fn backlogs(value: Value) -> Result<Vec<u64>, Failure> {
    let bytes = answer::bytes(value)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Failure::corrupt());
    }
    let numbers = numbers.iter().map(|number| f64::from_le_bytes(*number));
    Ok(numbers.map(|number| number as u64).collect())
}

/// The backlogs in an answer to a [`request`] for one batch.
pub(super) fn backlogs_of_one(value: Value, count: usize) -> Answer {
    take_batch(&mut backlogs(value)?.as_slice(), count)
}

/// Takes the first so many from the backlogs of several batches.
fn take_batch(all: &mut &[u64], count: usize) -> Answer {
    let mut batch = Backlogs::default();
    let found = all.split_off(..count).ok_or_else(Failure::corrupt)?;
    for (place, backlog) in batch.iter_mut().zip(found) {
        *place = *backlog;
    }
    Ok(batch)
}

/// Brings charges together.
///
/// While few calls are under way a batch goes by itself, at once. Those that come meanwhile
/// stand in line, and go together in the next call.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    calls: Calls,
    line: mpsc::Sender<Waiting>,
}

/// Calls the script, on tasks of their own: who waits for a charge may go away at any time, or
/// stop to look, and must not hold up the others.
#[derive(Clone, Debug)]
struct Calls {
    node: Arc<Node>,
    free: Arc<Semaphore>,
    runtime: Handle,
    deadline: Duration,
}

/// A batch that was not sent yet, and who waits for it.
#[derive(Debug)]
struct Waiting {
    quotas: Vec<Quota>,
    deadline: Instant,
    reply: oneshot::Sender<Answer>,
}

impl Collector {
    pub(super) fn new(node: Arc<Node>, deadline: Duration, max_waiting: usize) -> Self {
        let (line, receiver) = mpsc::channel(max_waiting);
        let calls = Calls {
            node,
            free: Arc::new(Semaphore::new(CALLS_IN_FLIGHT)),
            runtime: Handle::current(),
            deadline,
        };
        tokio::spawn(calls.clone().collect(receiver));
        Self { calls, line }
    }

    /// Charges a batch. What is dropped before it was sent is not charged.
    pub(super) fn charge(
        &self,
        quotas: Vec<Quota>,
    ) -> Result<impl Future<Output = Answer> + use<>, Failure> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            quotas,
            deadline: Instant::now() + self.calls.deadline,
            reply,
        };
        if let Ok(permit) = Arc::clone(&self.calls.free).try_acquire_owned() {
            self.calls.start(vec![waiting], permit);
        } else if self.line.try_send(waiting).is_err() {
            return Err(Failure::unavailable(
                "too many charges wait for redis; this one was not sent",
            ));
        }
        Ok(async move {
            answer.await.unwrap_or_else(|_| {
                Err(Failure::unavailable(
                    "the runtime on which the store was opened has ended",
                ))
            })
        })
    }
}

impl Calls {
    async fn collect(self, mut line: mpsc::Receiver<Waiting>) {
        while let Some(first) = line.recv().await {
            let Ok(permit) = Arc::clone(&self.free).acquire_owned().await else {
                return;
            };
            let mut count = first.quotas.len();
            let mut batches = vec![first];
            while count < QUOTAS_IN_CALL
                && let Ok(next) = line.try_recv()
            {
                count += next.quotas.len();
                batches.push(next);
            }
            self.start(batches, permit);
        }
    }

    fn start(&self, batches: Vec<Waiting>, permit: OwnedSemaphorePermit) {
        let calls = self.clone();
        self.runtime.spawn(async move {
            calls.decide(batches).await;
            drop(permit);
        });
    }

    async fn decide(&self, mut batches: Vec<Waiting>) {
        batches.retain(|waiting| !waiting.reply.is_closed());
        match self.ask(&batches).await {
            Ok(backlogs) => {
                let mut rest = backlogs.as_slice();
                for waiting in batches {
                    let answer = take_batch(&mut rest, waiting.quotas.len());
                    // Who went away does not want it.
                    drop(waiting.reply.send(answer));
                }
            }
            Err(failure) if failure.may_be_another_charge() && batches.len() > 1 => {
                for waiting in batches {
                    let calls = self.clone();
                    self.runtime.spawn(async move {
                        let alone = calls.ask(std::slice::from_ref(&waiting)).await;
                        let answer = alone.and_then(|backlogs| {
                            take_batch(&mut backlogs.as_slice(), waiting.quotas.len())
                        });
                        drop(waiting.reply.send(answer));
                    });
                }
            }
            Err(failure) => {
                for waiting in batches {
                    drop(waiting.reply.send(Err(failure.clone())));
                }
            }
        }
    }

    async fn ask(&self, batches: &[Waiting]) -> Result<Vec<u64>, Failure> {
        let Some(deadline) = batches.iter().map(|waiting| waiting.deadline).min() else {
            return Ok(Vec::new());
        };
        let request = request(batches.iter().map(|waiting| waiting.quotas.as_slice()));
        backlogs(self.node.run(&request, false, deadline).await?)
    }
}
