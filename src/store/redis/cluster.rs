//! A Redis Cluster: which server has which slot, and what to do when that changes.

use super::address::Address;
use super::dial::{Dialer, Link};
use super::error::RedisStoreError;
use super::failure::{Failure, Remedy};
use super::keys::SLOTS;
use super::node::Node;
use super::request::Request;
use arc_swap::ArcSwap;
use redis::Value;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Servers that one operation is sent on to, at most. The first knows the second; more only
/// happens while slots move.
const HOPS: usize = 5;

/// Until a slot that is on its way has come.
const MOVING: Duration = Duration::from_millis(5);

/// Between two looks at a Cluster that is not whole.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Cluster {
    dialer: Arc<Dialer>,
    /// Where to begin again when all others are gone.
    seeds: Vec<Address>,
    map: ArcSwap<Vec<Range>>,
    nodes: Mutex<HashMap<Address, Arc<Node>>>,
    stale: Arc<Notify>,
    mapper: OnceLock<AbortHandle>,
}

/// Slots that one server has.
#[derive(Clone, Debug)]
struct Range {
    first: u16,
    last: u16,
    node: Arc<Node>,
}

impl Cluster {
    /// The Cluster which the server at the other end of this link belongs to.
    pub(super) async fn open(
        dialer: Arc<Dialer>,
        seeds: Vec<Address>,
        (address, link): (Address, Link),
    ) -> Result<Arc<Self>, RedisStoreError> {
        let first = Node::new(address.clone(), Some(link), &dialer);
        let stale = Arc::new(Notify::new());
        let cluster = Arc::new(Self {
            dialer,
            seeds,
            map: ArcSwap::default(),
            nodes: Mutex::new(HashMap::from([(address.clone(), first)])),
            stale: Arc::clone(&stale),
            mapper: OnceLock::new(),
        });
        let mapper = tokio::spawn(keep_map(Arc::downgrade(&cluster), stale));
        cluster.mapper.get_or_init(|| mapper.abort_handle());
        let is_whole = cluster.refresh().await;
        if cluster.map.load().is_empty() {
            return Err(RedisStoreError::Refused {
                address: address.to_string(),
                reason: "it does not tell which server has which slots".to_owned(),
            });
        }
        if !is_whole {
            cluster.stale.notify_one();
        }
        Ok(cluster)
    }

    pub(super) fn refusal(&self, slot: u16) -> Option<Failure> {
        match self.node(slot) {
            Ok(node) => {
                let refusal = node.refusal()?;
                self.stale.notify_one();
                Some(refusal)
            }
            Err(failure) => Some(failure),
        }
    }

    fn node(&self, slot: u16) -> Result<Arc<Node>, Failure> {
        let map = self.map.load();
        let place = map.partition_point(|range| range.last < slot);
        let range = map.get(place).filter(|range| range.first <= slot);
        range.map(|range| Arc::clone(&range.node)).ok_or_else(|| {
            self.stale.notify_one();
            Failure::unavailable(format!("no server of the Cluster has slot {slot}"))
        })
    }

    /// Sends a request to the server that has the slot, wherever that is by now.
    pub(super) async fn run(
        &self,
        slot: u16,
        request: &Request,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let mut node = self.node(slot)?;
        let mut asking = false;
        let mut hops = 1..HOPS;
        loop {
            let answer = node.run(request, asking, deadline).await;
            let Err(failure) = answer else { return answer };
            // Only what was not done is sent on.
            let told = match failure.remedy() {
                Remedy::Moved(told) | Remedy::Ask(told) => Some(told.as_str()),
                Remedy::Again => None,
                Remedy::Reconnect | Remedy::Refresh => {
                    self.stale.notify_one();
                    return Err(failure);
                }
                Remedy::None | Remedy::ScriptText => return Err(failure),
            };
            if hops.next().is_none() {
                return Err(failure);
            }
            match told {
                Some(told) => {
                    asking = matches!(failure.remedy(), Remedy::Ask(_));
                    if !asking {
                        self.stale.notify_one();
                    }
                    let Some(address) = node.address().told_by(told) else {
                        return Err(failure);
                    };
                    let found = timeout_at(deadline, self.node_at(&address)).await;
                    node = found.map_err(|_| failure)?;
                }
                None => sleep_until(deadline.min(Instant::now() + MOVING)).await,
            }
        }
    }

    /// The node of an address. A new one is dialed.
    async fn node_at(&self, address: &Address) -> Arc<Node> {
        let mut nodes = self.nodes.lock().await;
        if let Some(node) = nodes.get(address) {
            return Arc::clone(node);
        }
        let link = self.dialer.dial(address).await.ok();
        let node = Node::new(address.clone(), link.map(|(link, _)| link), &self.dialer);
        nodes.insert(address.clone(), Arc::clone(&node));
        node
    }

    /// Asks anew who has which slots. Tells whether all slots have a server, and all servers
    /// are there.
    async fn refresh(&self) -> bool {
        let Some(told) = self.ask_for_slots().await else {
            return false;
        };
        let mut map = Vec::with_capacity(told.len());
        for (first, last, address) in told {
            let node = self.node_at(&address).await;
            map.push(Range { first, last, node });
        }
        map.sort_by_key(|range| range.first);
        self.nodes
            .lock()
            .await
            .retain(|_, node| map.iter().any(|range| Arc::ptr_eq(&range.node, node)));
        let all = map
            .iter()
            .map(|range| u32::from(range.last - range.first) + 1);
        let is_whole = all.sum::<u32>() == u32::from(SLOTS);
        let are_up = map.iter().all(|range| range.node.is_up());
        self.map.store(Arc::new(map));
        is_whole && are_up
    }

    async fn ask_for_slots(&self) -> Option<Vec<(u16, u16, Address)>> {
        let request = Request::plain("CLUSTER").arg("SLOTS");
        let nodes: Vec<_> = self.nodes.lock().await.values().cloned().collect();
        for node in nodes.iter().filter(|node| node.is_up()) {
            let deadline = Instant::now() + self.dialer.deadline;
            if let Ok(answer) = node.run(&request, false, deadline).await
                && let Some(slots) = slots(answer, node.address())
            {
                return Some(slots);
            }
        }
        for seed in &self.seeds {
            if let Ok((link, _)) = self.dialer.dial(seed).await
                && let Ok(answer) = link.ask(seed, request.command()).await
                && let Some(slots) = slots(answer, seed)
            {
                return Some(slots);
            }
        }
        None
    }
}

/// Reads the answer to `CLUSTER SLOTS`: of each range the first slot, the last, and the
/// servers, of which the first is the primary.
fn slots(answer: Value, teller: &Address) -> Option<Vec<(u16, u16, Address)>> {
    fn array(value: Option<Value>) -> Option<std::vec::IntoIter<Value>> {
        match value {
            Some(Value::Array(items)) => Some(items.into_iter()),
            _ => None,
        }
    }
    fn number(value: Option<&Value>) -> Option<u16> {
        match value {
            Some(Value::Int(number)) => u16::try_from(*number).ok(),
            _ => None,
        }
    }
    let mut found = Vec::new();
    for range in array(Some(answer))? {
        let mut range = array(Some(range))?;
        let (first, last) = (
            number(range.next().as_ref())?,
            number(range.next().as_ref())?,
        );
        let mut primary = array(range.next())?;
        let host = match primary.next()? {
            Value::BulkString(host) => String::from_utf8(host).ok()?,
            Value::Nil => String::new(),
            _ => return None,
        };
        let address = teller.beside(&host, number(primary.next().as_ref())?)?;
        if first > last || last >= SLOTS {
            return None;
        }
        found.push((first, last, address));
    }
    Some(found).filter(|found| !found.is_empty())
}

/// Looks again whenever something is not where it should be, until all is well.
async fn keep_map(cluster: Weak<Cluster>, stale: Arc<Notify>) {
    loop {
        stale.notified().await;
        loop {
            let Some(cluster) = cluster.upgrade() else {
                return;
            };
            let is_well = cluster.refresh().await;
            drop(cluster);
            sleep(PAUSE).await;
            if is_well {
                break;
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mapper) = self.mapper.get() {
            mapper.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: i64) -> Value {
        let name = match name {
            "" => Value::Nil,
            name => Value::BulkString(name.into()),
        };
        Value::Array(vec![
            name,
            Value::Int(port),
            Value::BulkString(b"id".to_vec()),
        ])
    }

    fn range(first: i64, last: i64, primary: Value) -> Value {
        let replica = host("replica", 1);
        Value::Array(vec![Value::Int(first), Value::Int(last), primary, replica])
    }

    #[test]
    fn slots_are_read_or_refused() {
        let teller = Address::Tcp {
            host: "seed".to_owned(),
            port: 7000,
            tls: false,
        };
        let two = vec![range(0, 99, host("a", 1)), range(100, 16_383, host("", 2))];
        let found = slots(Value::Array(two), &teller).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(first, last, address)| (*first, *last, address.to_string()))
            .collect();
        assert_eq!(
            found,
            [
                (0, 99, "a:1".to_owned()),
                (100, 16_383, "seed:2".to_owned())
            ]
        );
        for (name, answer) in [
            ("nothing", Value::Array(vec![])),
            ("no array", Value::Okay),
            ("backwards", Value::Array(vec![range(9, 1, host("a", 1))])),
            (
                "too far",
                Value::Array(vec![range(0, 16_384, host("a", 1))]),
            ),
            ("negative", Value::Array(vec![range(-1, 5, host("a", 1))])),
            (
                "no port",
                Value::Array(vec![range(0, 5, host("a", 70_000))]),
            ),
            ("no primary", Value::Array(vec![range(0, 5, Value::Nil)])),
        ] {
            assert!(slots(answer, &teller).is_none(), "{name}");
        }
    }
}
