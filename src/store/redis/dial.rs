use super::address::Address;
use super::error::RedisStoreError;
use super::keys::Keys;
use super::{scripts, tls};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Opens connections to servers, and looks at what it finds there.
pub(super) struct Dialer {
    pub(super) credentials: RedisConnectionInfo,
    pub(super) tls: Option<tls::Connector>,
    pub(super) connect_timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) max_in_flight: usize,
    pub(super) accepts_eviction: bool,
    pub(super) keys: Keys,
}

/// An open connection, on which many commands are under way at once. Closed when the last
/// clone is gone, or by [`close`](Link::close).
pub(super) struct Link {
    connection: MultiplexedConnection,
    driver: AbortHandle,
    ended: Arc<Notify>,
}

/// What a server tells of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) is_cluster: bool,
}

impl Dialer {
    /// A connection to a server that is fit for use: it is new enough, it keeps what it is
    /// given, it takes writes, and it answers in time.
    pub(super) async fn dial(&self, address: &Address) -> Result<(Link, Facts), RedisStoreError> {
        let within = self.connect_timeout;
        let dialed = timeout(within, self.dial_patiently(address)).await;
        dialed.unwrap_or_else(|_| {
            let address = address.to_string();
            Err(RedisStoreError::NoAnswer { address, within })
        })
    }

    async fn dial_patiently(&self, address: &Address) -> Result<(Link, Facts), RedisStoreError> {
        let unreachable = |error: io::Error| RedisStoreError::Unreachable {
            address: address.to_string(),
            reason: error.to_string(),
        };
        let link = match address {
            Address::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                let stream = stream.map_err(unreachable)?;
                stream.set_nodelay(true).map_err(unreachable)?;
                match &self.tls {
                    Some(connector) if *tls => {
                        let stream = connector.connect(host, stream).await;
                        self.greet(address, stream.map_err(unreachable)?).await?
                    }
                    _ => self.greet(address, stream).await?,
                }
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                self.greet(address, stream.map_err(unreachable)?).await?
            }
            #[cfg(not(unix))]
            Address::Unix(_) => {
                return Err(unreachable(io::ErrorKind::Unsupported.into()));
            }
        };
        let facts = self.inspect(address, &link).await?;
        for script in scripts::ALL {
            // One that is not there is sent when it is needed.
            let mut load = Cmd::new();
            load.arg("SCRIPT").arg("LOAD").arg(script.text());
            link.ask(address, &load).await.ok();
        }
        self.probe(address, &link, facts).await?;
        Ok((link, facts))
    }

    async fn greet<S>(&self, address: &Address, stream: S) -> Result<Link, RedisStoreError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_pipeline_buffer_size(self.max_in_flight);
        let greeted =
            MultiplexedConnection::new_with_config(&self.credentials, stream, config).await;
        let (connection, driver) = greeted.map_err(|error| RedisStoreError::Refused {
            address: address.to_string(),
            reason: error.to_string(),
        })?;
        let ended = Arc::new(Notify::new());
        let tell = TellOnDrop(Arc::clone(&ended));
        let driver = tokio::spawn(async move {
            driver.await;
            drop(tell);
        });
        Ok(Link {
            connection,
            driver: driver.abort_handle(),
            ended,
        })
    }

    async fn inspect(&self, address: &Address, link: &Link) -> Result<Facts, RedisStoreError> {
        let mut info = Cmd::new();
        info.arg("INFO");
        let answer = match link.ask(address, &info).await? {
            Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Value::VerbatimString { text, .. } => text,
            _ => String::new(),
        };
        let told = |name: &str| {
            let mut lines = answer.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        let version = told("redis_version").unwrap_or_default();
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        if major.unwrap_or(0) < OLDEST_MAJOR {
            return Err(RedisStoreError::TooOld {
                address: address.to_string(),
                version: version.to_owned(),
            });
        }
        let policy = told("maxmemory_policy").unwrap_or("noeviction");
        if policy != "noeviction" && !self.accepts_eviction {
            return Err(RedisStoreError::Evicts {
                address: address.to_string(),
                policy: policy.to_owned(),
            });
        }
        let is_cluster = told("cluster_enabled") == Some("1");
        Ok(Facts { is_cluster })
    }

    /// Writes something that expires at once. This finds replicas, servers that still load
    /// their data, and those that are slow: what follows would only run into its deadline.
    async fn probe(
        &self,
        address: &Address,
        link: &Link,
        facts: Facts,
    ) -> Result<(), RedisStoreError> {
        let mut write = Cmd::new();
        if facts.is_cluster {
            // Which slots it serves is not known here.
            write.arg("PING");
        } else {
            write
                .arg("SET")
                .arg(self.keys.probe())
                .arg("")
                .arg("PX")
                .arg(1);
        }
        let within = self.deadline;
        match timeout(within, link.ask(address, &write)).await {
            Err(_) => Err(RedisStoreError::NoAnswer {
                address: address.to_string(),
                within,
            }),
            // Full is fit: reading goes on, and what is there expires.
            Ok(Err(RedisStoreError::Refused { reason, .. })) if reason.contains("OOM") => Ok(()),
            Ok(answer) => answer.map(drop),
        }
    }
}

const OLDEST_MAJOR: u32 = 7;

impl Link {
    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Ends the connection. Whoever still waits for an answer is told at once.
    pub(super) fn close(&self) {
        self.driver.abort();
    }

    /// Told once, when the connection has ended, by whichever side.
    pub(super) fn ended(&self) -> Arc<Notify> {
        Arc::clone(&self.ended)
    }

    /// Asks before the connection is used by all.
    pub(super) async fn ask(
        &self,
        address: &Address,
        command: &Cmd,
    ) -> Result<Value, RedisStoreError> {
        let answer = self.connection().send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        answer.map_err(|error| RedisStoreError::Refused {
            address: address.to_string(),
            reason: error.to_string(),
        })
    }
}

/// Tells also when the task it belongs to is aborted.
struct TellOnDrop(Arc<Notify>);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// Credentials are left out.
impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("tls", &self.tls.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("deadline", &self.deadline)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}
