use super::{ProxyTrust, Unresolved};
use crate::event::{Emitter, TellOnce};
use crate::guard::{Check, Rejection, impl_layer};
use http::{Extensions, Request};
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

/// Who is at the other end of the connection: an extension that the server puts into each
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(SocketAddr);

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Deref for PeerAddr {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}

/// The client's address, as [`ClientIpLayer`] made it out: an extension of the request, and
/// with feature `axum` an extractor. IPv4 in IPv6 clothes is always IPv4 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(IpAddr);

impl ClientIp {
    /// The address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for ClientIp {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }
}

impl From<ClientIp> for IpAddr {
    fn from(client: ClientIp) -> Self {
        client.0
    }
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for ClientIp {
    type Rejection = Rejection;

    /// The address, or 500 where the service was put together without a [`ClientIpLayer`], or
    /// that does not find the peer's address.
    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Rejection> {
        parts.extensions.get().copied().ok_or_else(|| {
            Rejection::new(crate::guard::RejectionKind::Internal)
                .with_reason("no client address: there is no ClientIpLayer, or it finds no peer")
        })
    }
}

/// Finds the client's address and puts it into the request as [`ClientIp`]. Admits every
/// request.
///
/// Where the headers do not hold what was promised ([`Unresolved`]), the peer counts: that is
/// never an address which the client could choose. Where there is no peer address either,
/// there is no [`ClientIp`], and the first such request says so in an event.
///
/// The peer's address is the extension [`PeerAddr`], unless
/// [`peer_from`](Self::peer_from) names another.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientIpLayer {
    trust: Arc<ProxyTrust>,
    peer: fn(&Extensions) -> Option<SocketAddr>,
    missing_peer: TellOnce,
}

impl ClientIpLayer {
    /// Believes the proxies as `trust` says.
    pub fn new(trust: ProxyTrust) -> Self {
        Self {
            trust: Arc::new(trust),
            peer: deref_extension::<PeerAddr>,
            missing_peer: TellOnce::default(),
        }
    }

    /// Believes proxies in these ranges in what they append to `X-Forwarded-For`, which most
    /// do. Short for [`ProxyTrust::x_forwarded_for`].
    pub fn trusting(proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(ProxyTrust::x_forwarded_for(proxies))
    }

    /// Takes the peer's address from this extension: `ConnectInfo<SocketAddr>` in axum.
    pub fn peer_from<T>(mut self) -> Self
    where
        T: Deref<Target = SocketAddr> + Clone + Send + Sync + 'static,
    {
        self.peer = deref_extension::<T>;
        self
    }
}

impl Default for ClientIpLayer {
    /// Trusts no proxy: the peer is the client.
    fn default() -> Self {
        Self::new(ProxyTrust::none())
    }
}

fn deref_extension<T>(extensions: &Extensions) -> Option<SocketAddr>
where
    T: Deref<Target = SocketAddr> + Send + Sync + 'static,
{
    extensions.get::<T>().map(|address| **address)
}

impl Check for ClientIpLayer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let peer = (self.peer)(request.extensions()).map(|peer| peer.ip());
        let resolved = self.trust.client_ip(peer, request.headers());
        let Some(address) = resolved.ok().or(peer) else {
            self.missing_peer.tell(
                request.extensions(),
                "client_ip_unknown",
                Unresolved::NoPeer,
            );
            return Ok(());
        };
        let client = ClientIp::from(address);
        if let Some(emitter) = request.extensions().get::<Emitter>() {
            emitter.note_client_ip(client.address());
        }
        request.extensions_mut().insert(client);
        Ok(())
    }
}

impl_layer!(ClientIpLayer);
