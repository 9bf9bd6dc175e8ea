use super::breaker::Circuits;
use super::connect::Dialer;
use super::http_client::Inner;
use super::retry::Budget;
use super::transport::Over;
use super::{
    BreakerPolicy, ClientConfigError, HttpClient, Resolve, RetryPolicy, SystemResolver, Transport,
};
use crate::clock::Clock;
use crate::net::address::AddressPolicy;
use crate::random::Random;
use crate::tls;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tower_service::Service;

const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
const MAX_DEADLINE: Duration = Duration::from_secs(300);
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_MAX_RESPONSE: usize = 1024 * 1024;
const MAX_MAX_RESPONSE: usize = 64 * 1024 * 1024;

/// Sets up an [`HttpClient`].
#[derive(Clone, Debug)]
#[must_use = "nothing is called before `build`"]
pub struct ClientBuilder {
    deadline: Duration,
    connect_timeout: Duration,
    max_response: usize,
    addresses: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    trusted: Option<Vec<u8>>,
    allows_http: bool,
    retry: RetryPolicy,
    breaker: BreakerPolicy,
    clock: Clock,
    random: Random,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            deadline: DEFAULT_DEADLINE,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            max_response: DEFAULT_MAX_RESPONSE,
            addresses: AddressPolicy::public(),
            resolver: Arc::new(SystemResolver::default()),
            trusted: None,
            allows_http: false,
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            clock: Clock::system(),
            random: Random::secure(),
        }
    }
}

impl ClientBuilder {
    /// Sets by when a call ends, with its retries and the waits between them: 10 seconds by
    /// default, 300 at most.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long opening a connection may take, with resolving and TLS: 3 seconds by
    /// default.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how many bytes the body of a response may have: 1 MiB by default, 64 MiB at most.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sets which addresses may be called: public ones by default.
    pub fn addresses(mut self, policy: AddressPolicy) -> Self {
        self.addresses = policy;
        self
    }

    /// Sets who finds the addresses of a host: the operating system by default.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Trusts the certificates of this PEM text instead of those of the operating system.
    pub fn trusted_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trusted = Some(pem.into());
        self
    }

    /// Calls other machines over plain HTTP as well, where the URL says so: whoever is on the
    /// path reads and changes all of it.
    pub const fn insecure_plain_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Sets when a request is sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets when an origin is left alone.
    pub fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.breaker = policy;
        self
    }

    /// Sets the clock of the breaker. Deadlines and waits go by the runtime's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the randomness of the waits comes from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// The service that the client will call, for layers of yours to go around:
    /// `builder.clone().build_over(layer.layer(builder.transport()?))`.
    ///
    /// # Errors
    /// When the connect timeout is zero, or there are no certificates to trust.
    pub fn transport(&self) -> Result<Transport, ClientConfigError> {
        if self.connect_timeout.is_zero() {
            return Err(ClientConfigError::Zero("connect timeout"));
        }
        let config =
            tls::client_config(self.trusted.as_deref()).map_err(ClientConfigError::Certificates)?;
        Ok(Transport::new(Dialer {
            addresses: self.addresses.clone(),
            resolver: Arc::clone(&self.resolver),
            allows_http: self.allows_http,
            timeout: self.connect_timeout,
            tls: TlsConnector::from(Arc::new(config)),
        }))
    }

    /// The client, over `hyper` and `rustls`.
    ///
    /// # Errors
    /// When a setting is out of bounds, or there are no certificates to trust.
    pub fn build(self) -> Result<HttpClient, ClientConfigError> {
        let transport = self.transport()?;
        self.build_over(transport)
    }

    /// The client, over a service of yours. Which addresses that calls is its own affair, and
    /// so are redirects: it must not follow them.
    ///
    /// # Errors
    /// When a setting is out of bounds.
    pub fn build_over<S, B>(self, service: S) -> Result<HttpClient, ClientConfigError>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.check()?;
        Ok(HttpClient::of(Inner {
            transport: Box::new(Over(service)),
            deadline: self.deadline,
            max_response: self.max_response,
            allows_http: self.allows_http,
            retry: self.retry,
            budget: Budget::default(),
            circuits: Arc::new(Circuits::new(self.breaker, self.clock.clone())),
            clock: self.clock,
            random: self.random,
        }))
    }

    fn check(&self) -> Result<(), ClientConfigError> {
        if self.deadline.is_zero() {
            return Err(ClientConfigError::Zero("deadline"));
        }
        if self.deadline > MAX_DEADLINE {
            return Err(ClientConfigError::DeadlineTooLong(self.deadline.as_secs()));
        }
        if self.max_response == 0 {
            return Err(ClientConfigError::Zero("size of responses"));
        }
        if self.max_response > MAX_MAX_RESPONSE {
            return Err(ClientConfigError::ResponseTooLarge(self.max_response));
        }
        self.retry.check()?;
        match self.breaker.has_pause() {
            true => Ok(()),
            false => Err(ClientConfigError::Zero("breaker's pause")),
        }
    }
}
