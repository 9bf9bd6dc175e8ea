use super::RedisStore;
use super::address::{Address, Url};
use super::cluster::Cluster;
use super::dial::Dialer;
use super::error::RedisStoreError;
use super::keys::Keys;
use super::node::Node;
use super::servers::Servers;
use super::tls::Connector;
use crate::secret::SecretString;
use redis::RedisConnectionInfo;
use std::sync::Arc;
use std::time::Duration;

/// Opens a [`RedisStore`]. Made by [`RedisStore::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `connect` is called"]
pub struct RedisStoreBuilder {
    urls: Vec<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    database: Option<i64>,
    prefix: String,
    deadline: Duration,
    connect_timeout: Duration,
    max_in_flight: usize,
    trusted: Option<Vec<u8>>,
    accepts_eviction: bool,
}

impl RedisStoreBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            urls: vec![url.into()],
            username: None,
            password: None,
            database: None,
            prefix: RedisStore::DEFAULT_PREFIX.to_owned(),
            deadline: RedisStore::DEFAULT_DEADLINE,
            connect_timeout: RedisStore::DEFAULT_CONNECT_TIMEOUT,
            max_in_flight: RedisStore::DEFAULT_MAX_IN_FLIGHT,
            trusted: None,
            accepts_eviction: false,
        }
    }

    /// One more server of the same Cluster, to begin with when others are down. User, password
    /// and database are those of the first URL.
    pub fn seed(mut self, url: &str) -> Self {
        self.urls.push(url.into());
        self
    }

    /// The user, in place of one in the URL.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// The password, in place of one in the URL.
    pub fn password(mut self, password: impl Into<SecretString>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The database, in place of one in the URL. A Cluster may know only the first, 0.
    pub const fn database(mut self, number: u16) -> Self {
        self.database = Some(number as i64);
        self
    }

    /// What all keys begin with, so that several programs can share a server. Default
    /// [`RedisStore::DEFAULT_PREFIX`].
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long an operation may take. Default [`RedisStore::DEFAULT_DEADLINE`].
    ///
    /// While the server is silent and the breaker still closed, requests wait this long.
    /// Choose it above the slowest answer of a server that is well, and below the time that
    /// your requests have in all: what they give up by themselves opens the breaker late.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long opening a connection may take. Default
    /// [`RedisStore::DEFAULT_CONNECT_TIMEOUT`]. Only [`connect`](Self::connect) waits for it;
    /// later it happens in the background.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How many operations may be under way on one connection, and how many charges may wait
    /// beside. Default [`RedisStore::DEFAULT_MAX_IN_FLIGHT`]; at least 1.
    pub const fn max_in_flight(mut self, operations: usize) -> Self {
        self.max_in_flight = if operations == 0 { 1 } else { operations };
        self
    }

    /// Certificates to trust with `rediss://`, as PEM text, in place of those of the operating
    /// system.
    pub fn trusted_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trusted = Some(pem.into());
        self
    }

    /// Accepts a server whose `maxmemory-policy` is not `noeviction`.
    ///
    /// Such a server throws entries away when its memory is full. Whoever can make it fill up,
    /// with sessions or limits of invented clients, thereby undoes bans, resets limits and makes
    /// used one-time codes good again.
    pub const fn dangerous_accept_eviction(mut self) -> Self {
        self.accepts_eviction = true;
        self
    }

    /// Opens the store: connects, and looks whether the server is fit. Must be called on a
    /// tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// What is wrong with the configuration, or with the server.
    pub async fn connect(self) -> Result<RedisStore, RedisStoreError> {
        check_prefix(&self.prefix)?;
        let urls = self.urls.iter().map(|url| Url::parse(url.expose()));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let Some(first) = urls.first() else {
            return Err(RedisStoreError::NoUrl);
        };
        let database = self.database.or(first.database).unwrap_or_default();
        let tls = self.tls(&urls)?;
        let keys = Keys::new(&self.prefix);
        let dialer = Arc::new(Dialer {
            credentials: self.credentials(first, database),
            tls,
            connect_timeout: self.connect_timeout,
            deadline: self.deadline,
            max_in_flight: self.max_in_flight,
            accepts_eviction: self.accepts_eviction,
            keys: keys.clone(),
        });
        let seeds: Vec<_> = urls.into_iter().map(|url| url.address).collect();
        let servers = connect(&dialer, seeds).await?;
        Ok(RedisStore { keys, servers })
    }

    fn credentials(&self, url: &Url, database: i64) -> RedisConnectionInfo {
        let mut info = RedisConnectionInfo::default()
            .set_db(database)
            .set_skip_set_lib_name();
        if let Some(name) = self.username.as_ref().or(url.username.as_ref()) {
            info = info.set_username(name);
        }
        if let Some(password) = self.password.as_ref().or(url.password.as_ref()) {
            info = info.set_password(password.expose());
        }
        info
    }

    fn tls(&self, urls: &[Url]) -> Result<Option<Connector>, RedisStoreError> {
        let plain = urls.iter().find(|url| !url.address.uses_tls());
        match (plain, &self.trusted) {
            (None, trusted) => Connector::new(trusted.as_deref()).map(Some),
            (Some(url), Some(_)) => {
                let address = url.address.to_string();
                Err(RedisStoreError::CertificatesWithoutTls(address))
            }
            (Some(_), None) if urls.iter().any(|url| url.address.uses_tls()) => {
                Connector::new(None).map(Some)
            }
            (Some(_), None) => Ok(None),
        }
    }
}

/// Takes the first server that answers.
async fn connect(dialer: &Arc<Dialer>, seeds: Vec<Address>) -> Result<Servers, RedisStoreError> {
    let mut failed = RedisStoreError::NoUrl;
    for address in &seeds {
        let (link, facts) = match dialer.dial(address).await {
            Ok(dialed) => dialed,
            Err(error) => {
                failed = error;
                continue;
            }
        };
        if !facts.is_cluster {
            if seeds.len() > 1 {
                return Err(RedisStoreError::NoCluster(address.to_string()));
            }
            let node = Node::new(address.clone(), Some(link), dialer);
            return Ok(Servers::one(node, dialer));
        }
        let first = (address.clone(), link);
        let cluster = Cluster::open(Arc::clone(dialer), seeds, first).await?;
        return Ok(Servers::cluster(cluster, dialer.deadline));
    }
    Err(failed)
}

fn check_prefix(prefix: &str) -> Result<(), RedisStoreError> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
    if (1..=64).contains(&prefix.len()) && prefix.bytes().all(fits) {
        return Ok(());
    }
    Err(RedisStoreError::Prefix(prefix.to_owned()))
}
