//! Who is connected, and how often.

use ipnet::IpNet;
use portcullis::net::client_ip::rate_key;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections there may be.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    /// Fewer than the 1,024 files that a process may usually have open.
    pub(crate) in_all: u32,
    /// Of one address of IPv4, or one network of 64 bits of IPv6.
    pub(crate) per_client: usize,
    /// Behind these are all clients, so the limit for one does not hold for them.
    pub(crate) proxies: Vec<IpNet>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            in_all: 900,
            per_client: 100,
            proxies: Vec::new(),
        }
    }
}

/// Who is connected, and how often. As large as there are connections.
#[derive(Clone)]
pub(super) struct Clients {
    limits: Arc<Connections>,
    connected: Arc<Mutex<HashMap<IpNet, usize>>>,
}

impl Clients {
    pub(super) fn new(limits: Connections) -> Self {
        Self {
            limits: Arc::new(limits),
            connected: Arc::default(),
        }
    }

    /// One more connection of this client, unless it has enough.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        if self
            .limits
            .proxies
            .iter()
            .any(|proxy| proxy.contains(&peer))
        {
            return Some(Place(None));
        }
        let client = rate_key(peer);
        let mut connected = self.lock();
        let count = connected.entry(client).or_default();
        if *count >= self.limits.per_client {
            return None;
        }
        *count += 1;
        Some(Place(Some((self.clone(), client))))
    }

    fn leave(&self, client: IpNet) {
        let mut connected = self.lock();
        if let Some(count) = connected.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                connected.remove(&client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpNet, usize>> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's share of the connections, given back when it is dropped.
pub(super) struct Place(Option<(Clients, IpNet)>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((clients, client)) = self.0.take() {
            clients.leave(client);
        }
    }
}
