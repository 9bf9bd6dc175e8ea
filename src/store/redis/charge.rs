//! Charging quotas. On a single server the charges of many callers that come at the same
//! time go into one call of the script, which decides each of them for itself: a call costs
//! more than a decision.

use super::failure::Failure;
use super::keys::Keys;
use super::node::Node;
use super::request::Request;
use super::{answer, scripts};
use crate::store::Charge;
use redis::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
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
pub(super) type Backlogs = Vec<u64>;

type Answer = Result<Backlogs, Failure>;

impl Quota {
    pub(super) fn of(keys: &Keys, charge: &Charge<'_>) -> Self {
        let capacity = charge.rate().capacity_nanos();
        let interval = u64::try_from(charge.rate().interval().as_nanos()).unwrap_or(u64::MAX);
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
    let mut places = HashMap::new();
    let mut keys: Vec<&[u8]> = Vec::new();
    let mut charges = Vec::new();
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

/// The backlogs in an answer to [`request`].
pub(super) fn backlogs(value: Value) -> Answer {
    let bytes = answer::bytes(value)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Failure::corrupt());
    }
    Ok(numbers
        .iter()
        .map(|number| f64::from_le_bytes(*number) as u64)
        .collect())
}

/// Brings charges together.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    deadline: Duration,
    waiting: mpsc::Sender<Waiting>,
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
        let (sender, receiver) = mpsc::channel(max_waiting);
        tokio::spawn(collect(node, receiver));
        Self {
            deadline,
            waiting: sender,
        }
    }

    /// Puts a batch in line. What is dropped before it was sent is not charged.
    pub(super) fn charge(
        &self,
        quotas: Vec<Quota>,
    ) -> Result<impl Future<Output = Answer> + use<>, Failure> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.deadline;
        let sent = self.waiting.try_send(Waiting {
            quotas,
            deadline,
            reply,
        });
        if sent.is_err() {
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

async fn collect(node: Arc<Node>, mut line: mpsc::Receiver<Waiting>) {
    let free = Arc::new(Semaphore::new(CALLS_IN_FLIGHT));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else {
            return;
        };
        let Some(first) = line.recv().await else {
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
        let node = Arc::clone(&node);
        tokio::spawn(async move {
            decide(&node, batches).await;
            drop(permit);
        });
    }
}

async fn decide(node: &Arc<Node>, mut batches: Vec<Waiting>) {
    batches.retain(|waiting| !waiting.reply.is_closed());
    match ask(node, &batches).await {
        Ok(backlogs) => {
            let mut rest = backlogs.as_slice();
            for waiting in batches {
                let own = rest.split_off(..waiting.quotas.len());
                // Who went away does not want it.
                let answer = own.map(<[u64]>::to_vec).ok_or_else(Failure::corrupt);
                drop(waiting.reply.send(answer));
            }
        }
        Err(failure) if failure.may_be_another_charge() && batches.len() > 1 => {
            for waiting in batches {
                let node = Arc::clone(node);
                tokio::spawn(async move {
                    let answer = ask(&node, std::slice::from_ref(&waiting)).await;
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

async fn ask(node: &Node, batches: &[Waiting]) -> Answer {
    let Some(deadline) = batches.iter().map(|waiting| waiting.deadline).min() else {
        return Ok(Vec::new());
    };
    let request = request(batches.iter().map(|waiting| waiting.quotas.as_slice()));
    backlogs(node.run(&request, false, deadline).await?)
}
