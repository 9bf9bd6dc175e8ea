//! From a URL to a connection: resolve, ask the policy about each address, connect to one of
//! those that may be called, agree on TLS.

use super::resolve::Resolve;
use super::stream::Stream;
use super::target::bare_host;
use super::{ClientError, ClientErrorKind};
use crate::net::address::{AddressClass, AddressPolicy};
use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// How many of a host's addresses are tried.
const MAX_TRIED: usize = 4;

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Arc<Dialer>);

pub(super) struct Dialer {
    pub(super) addresses: AddressPolicy,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) allows_http: bool,
    pub(super) timeout: Duration,
    pub(super) tls: TlsConnector,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, ClientError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ClientError;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let dialer = Arc::clone(&self.0);
        Box::pin(async move {
            let end = Instant::now() + dialer.timeout;
            match timeout_at(end, dialer.dial(&uri, end)).await {
                Ok(connected) => connected.map(TokioIo::new),
                Err(_) => Err(ClientErrorKind::ConnectTimeout.into()),
            }
        })
    }
}

impl Dialer {
    async fn dial(&self, uri: &Uri, end: Instant) -> Result<Stream, ClientError> {
        let host = bare_host(uri);
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let addresses = self.addresses_of(host, is_tls).await?;
        let stream = connect(&addresses, port, end).await?;
        // Small requests and answers are not to wait for each other.
        stream.set_nodelay(true).ok();
        if !is_tls {
            return Ok(Stream::Plain(stream));
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| ClientError::from(ClientErrorKind::Tls).because(error))?;
        let stream = self.tls.connect(name, stream).await;
        let stream =
            stream.map_err(|error| ClientError::from(ClientErrorKind::Tls).because(error))?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// The addresses of a host that may be called. Those that may not are passed over: where a
    /// name has both, none of the others is ever connected to.
    async fn addresses_of(&self, host: &str, is_tls: bool) -> Result<Vec<IpAddr>, ClientError> {
        let found =
            match host.parse() {
                Ok(address) => vec![address],
                Err(_) => self.resolver.resolve(host).await.map_err(|error| {
                    ClientError::from(ClientErrorKind::Unresolved).because(error)
                })?,
            };
        if found.is_empty() {
            return Err(ClientErrorKind::Unresolved.into());
        }
        let mut allowed = Vec::new();
        let mut refusal = ClientError::from(ClientErrorKind::ForbiddenAddress);
        for address in found {
            // A host that calls itself `localhost` has to be it, when there is no TLS.
            let is_local = AddressClass::of(address) == AddressClass::Loopback;
            if !is_tls && !self.allows_http && !is_local {
                refusal = ClientErrorKind::PlainHttp.into();
                continue;
            }
            match self.addresses.check(address) {
                Ok(()) => allowed.push(address),
                Err(forbidden) => refusal = refusal.because(forbidden),
            }
        }
        allowed.truncate(MAX_TRIED);
        if allowed.is_empty() {
            return Err(refusal);
        }
        Ok(allowed)
    }
}

/// Connects to the first address that answers, none of which may take the time of the others.
async fn connect(addresses: &[IpAddr], port: u16, end: Instant) -> Result<TcpStream, ClientError> {
    let mut last = ClientError::from(ClientErrorKind::Unreachable);
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let share = end.saturating_duration_since(Instant::now()) / left.max(1);
        let address = SocketAddr::new(*address, port);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = ClientError::from(ClientErrorKind::Unreachable).because(error),
            Err(_) => last = ClientErrorKind::ConnectTimeout.into(),
        }
    }
    Err(last)
}
