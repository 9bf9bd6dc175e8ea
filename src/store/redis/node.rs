use super::address::Address;
use super::dial::{Dialer, Link};
use super::failure::{Failure, Remedy};
use super::request::Request;
use crate::lock::lock;
use crate::random::Random;
use arc_swap::ArcSwapOption;
use redis::{Cmd, RedisResult, Value};
use std::mem;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// Operations in a row without an answer, after which no more are sent.
const TOLERATED_TIMEOUTS: u32 = 3;

/// Between attempts to reach a server that is gone.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// One server, and the connection to it while there is one.
///
/// This is the circuit breaker, too. It is closed while there is a connection. It opens when
/// that is lost, or when several operations in a row got no answer: then the connection is
/// closed, whoever waits on it is told, and all that follow fail at once. A task in the
/// background dials again, and only a connection that proved its worth closes the breaker.
#[derive(Debug)]
pub(super) struct Node {
    address: Address,
    deadline: Duration,
    link: ArcSwapOption<Link>,
    /// In a row.
    timeouts: AtomicU32,
    /// Operations that were sent and then dropped, since the last answer. Answers come in
    /// order, so this is how many the connection may still keep for nobody.
    dropped: AtomicUsize,
    max_in_flight: usize,
    in_flight: Semaphore,
    /// Why there is no connection.
    reason: Mutex<String>,
    /// Told when so many were dropped that somebody should ask whether the server lives.
    doubt: Arc<Notify>,
    keeper: OnceLock<[AbortHandle; 2]>,
}

impl Node {
    /// A server, and the connection to it, if there is one yet.
    pub(super) fn new(address: Address, link: Option<Link>, dialer: &Arc<Dialer>) -> Arc<Self> {
        let node = Arc::new(Self {
            address,
            deadline: dialer.deadline,
            link: ArcSwapOption::from(link.map(Arc::new)),
            timeouts: AtomicU32::new(0),
            dropped: AtomicUsize::new(0),
            max_in_flight: dialer.max_in_flight,
            in_flight: Semaphore::new(dialer.max_in_flight),
            reason: Mutex::default(),
            doubt: Arc::default(),
            keeper: OnceLock::new(),
        });
        // Afterwards: a keeper that runs before the node is there would take it for gone.
        let keeper = tokio::spawn(keep(Arc::downgrade(&node), Arc::clone(dialer)));
        let doubter = tokio::spawn(doubt(Arc::downgrade(&node), Arc::clone(&node.doubt)));
        node.keeper
            .get_or_init(|| [keeper.abort_handle(), doubter.abort_handle()]);
        node
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Whether there is a connection.
    pub(super) fn is_up(&self) -> bool {
        self.link.load().is_some()
    }

    /// What to answer at once, while there is no connection.
    pub(super) fn refusal(&self) -> Option<Failure> {
        (!self.is_up()).then(|| self.out_of_reach())
    }

    fn out_of_reach(&self) -> Failure {
        let reason = lock(&self.reason);
        Failure::unavailable(format!(
            "redis is out of reach, and tried again in the background: {reason}"
        ))
        .and(Remedy::Refresh)
    }

    /// Sends a request, and waits for the answer until the deadline. `asking` is for a server
    /// that is about to get the slot.
    pub(super) async fn run(
        &self,
        request: &Request,
        asking: bool,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let answer = self.send(request.command(), asking, deadline).await;
        if let Err(failure) = &answer
            && *failure.remedy() == Remedy::ScriptText
            && let Some(command) = request.with_text()
        {
            // The server has restarted, or forgotten its scripts. It did nothing.
            return self.send(&command, asking, deadline).await;
        }
        answer
    }

    async fn send(&self, command: &Cmd, asking: bool, deadline: Instant) -> Result<Value, Failure> {
        let (link, _permit) = self.admit(deadline).await?;
        let sent = Sent {
            node: self,
            link: &link,
        };
        let mut connection = link.connection();
        let answer = timeout_at(deadline, async {
            if !asking {
                return connection.send_packed_command(command).await;
            }
            let mut both = redis::pipe();
            both.cmd("ASKING").add_command(command.clone());
            let answers = connection.send_packed_commands(&both, 0, 2).await?;
            Ok(answers.into_iter().next_back().unwrap_or(Value::Nil))
        });
        let answer = answer.await.ok();
        mem::forget(sent);
        self.judge(&link, answer)
    }

    async fn admit(&self, deadline: Instant) -> Result<(Arc<Link>, SemaphorePermit<'_>), Failure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let permit = timeout_at(deadline, self.in_flight.acquire()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(Failure::unavailable(
                "too many operations are under way to redis; this one was not sent",
            ));
        };
        let link = self.link.load_full();
        let link = link.ok_or_else(|| self.out_of_reach())?;
        Ok((link, permit))
    }

    /// What an answer, or that none came, says of the server.
    fn judge(
        &self,
        link: &Arc<Link>,
        answer: Option<RedisResult<Value>>,
    ) -> Result<Value, Failure> {
        let failure = match answer {
            None => {
                if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TOLERATED_TIMEOUTS {
                    self.give_up(link, "it did not answer in time");
                }
                return Err(Failure::timeout(self.deadline));
            }
            Some(Err(error)) => Failure::lost(&error),
            Some(Ok(Value::ServerError(error))) => Failure::answered(&error),
            Some(Ok(value)) => {
                self.forgive();
                return Ok(value);
            }
        };
        if *failure.remedy() == Remedy::Reconnect {
            self.give_up(link, failure.message());
        }
        Err(failure)
    }

    fn forgive(&self) {
        // Written only when it changes, so that all who pass do not fight for it.
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
        if self.dropped.load(Ordering::Relaxed) != 0 {
            self.dropped.store(0, Ordering::Relaxed);
        }
    }

    /// Opens the breaker, unless another did already, and it may be closed again since.
    fn give_up(&self, link: &Arc<Link>, reason: &str) {
        let is_it = |other: &Option<Arc<Link>>| {
            let other = other.as_ref();
            other.is_some_and(|other| Arc::ptr_eq(other, link))
        };
        if is_it(&self.link.load()) {
            self.note(reason);
            self.link.rcu(|current| {
                if is_it(current) {
                    None
                } else {
                    current.clone()
                }
            });
            link.close();
        }
    }

    fn note(&self, reason: &str) {
        let mut noted = lock(&self.reason);
        reason.clone_into(&mut noted);
    }
}

/// An operation that waits for its answer. Forgotten when it has one, or its time is over.
struct Sent<'a> {
    node: &'a Node,
    link: &'a Arc<Link>,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let dropped = self.node.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped == self.node.max_in_flight.div_ceil(2) {
            self.node.doubt.notify_one();
        }
        if dropped >= self.node.max_in_flight {
            self.node
                .give_up(self.link, "it did not answer for as long as anybody waited");
        }
    }
}

/// Asks a server that lives whenever many operations were dropped: those who sent them do not
/// see its answers. Its answer to this comes after all of theirs, so they can be forgotten;
/// otherwise clients that leave early could have a sound connection closed.
async fn doubt(node: Weak<Node>, doubt: Arc<Notify>) {
    loop {
        doubt.notified().await;
        let Some(node) = node.upgrade() else { return };
        let deadline = Instant::now() + node.deadline;
        let _judged = node.send(&redis::cmd("PING"), false, deadline).await;
    }
}

/// Waits for the end of the connection, and dials again, one attempt after the other. Ends
/// with the node.
async fn keep(node: Weak<Node>, dialer: Arc<Dialer>) {
    // Between two steps nothing here may hold the node alive.
    while let Some(alive) = node.upgrade() {
        let link = alive.link.load_full();
        drop(alive);
        if let Some(link) = link {
            let ended = link.ended();
            let gone = Arc::downgrade(&link);
            drop(link);
            ended.notified().await;
            if let (Some(node), Some(link)) = (node.upgrade(), gone.upgrade()) {
                node.give_up(&link, "the connection was closed");
            }
        }
        let mut pause = FIRST_PAUSE;
        while let Some(address) = node.upgrade().map(|node| node.address.clone()) {
            let dialed = dialer.dial(&address).await;
            let Some(node) = node.upgrade() else { return };
            match dialed {
                Ok((link, _)) => {
                    node.forgive();
                    node.link.store(Some(Arc::new(link)));
                    break;
                }
                Err(error) => node.note(&error.to_string()),
            }
            drop(node);
            // Half to all of it, so that not all machines come at the same moment.
            let [byte] = Random::secure().bytes();
            sleep(pause.mul_f64(0.5 + f64::from(byte) / 512.0)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for task in self.keeper.get().into_iter().flatten() {
            task.abort();
        }
    }
}
