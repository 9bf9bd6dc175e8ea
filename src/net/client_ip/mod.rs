//! The client's address, behind proxies that are trusted by name.
//!
//! Whatever a client sends in `X-Forwarded-For` reaches the service unless a proxy removes it.
//! A service that believes the leftmost entry lets every client choose its own address, and
//! with it leave every rate limit and ban. [`ClientIpLayer`] believes only what a proxy says
//! that it was told to trust. The rules, for header lists:
//!
//! 1. The peer of the connection is the client, unless it is a trusted proxy.
//! 2. The list is read from the right, its last line first. Past each trusted proxy the next
//!    entry counts; the first that is not a trusted proxy is the client. Nothing left of it is
//!    read.
//! 3. An entry that is not an address (`unknown`, obfuscated, empty, malformed) breaks the
//!    chain: the last good hop counts.
//! 4. More than [`ProxyTrust::MAX_HOPS`] trusted entries is no chain but an attack or a loop:
//!    the peer counts.
//! 5. An IPv4-mapped IPv6 address is the IPv4 address, here and in the trusted ranges. Zone
//!    identifiers, and leading zeros in IPv4, are refused.
//!
//! Deployment: trust the narrowest ranges that your proxies have. A range that holds clients
//! as well (`10.0.0.0/8` of a flat network, all of a cloud's addresses) lets those clients
//! choose their address. Where the addresses of the proxies are not known, count them:
//! [`ProxyTrust::hops`]; then the service must not be reachable past them.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::net::client_ip::{ClientIp, ClientIpLayer, PeerAddr};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ClientIpLayer::trusting(["10.0.0.0/8".parse()?]).layer(service_fn(
//!     async |request: Request<()>| {
//!         let client: ClientIp = *request.extensions().get().unwrap();
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(client.to_string()))))
//!     },
//! ));
//! let request = |peer: [u8; 4]| {
//!     Request::get("/")
//!         .header("x-forwarded-for", "192.0.2.66, 203.0.113.7")
//!         .extension(PeerAddr::from(std::net::SocketAddr::from((peer, 50_000))))
//!         .body(())
//!         .unwrap()
//! };
//! # use http_body_util::BodyExt;
//! // From the trusted proxy: what it appended counts, what the client wrote before does not.
//! let response = service.clone().oneshot(request([10, 0, 0, 1])).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "203.0.113.7");
//! // From anybody else: the header is not read.
//! let response = service.oneshot(request([198, 51, 100, 1])).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "198.51.100.1");
//! # Ok(())
//! # }
//! ```
//!
//! In axum, serve with `into_make_service_with_connect_info::<SocketAddr>()` and tell the
//! layer where the peer's address lies:
//! `ClientIpLayer::trusting(proxies).peer_from::<ConnectInfo<SocketAddr>>()`.

mod address;
mod forwarded;
mod layer;
mod rate_key;
mod trust;

pub use layer::{ClientIp, ClientIpLayer, PeerAddr};
pub use rate_key::{InvalidIpv6Prefix, Ipv6Prefix, rate_key, rate_key_with_prefix};
#[cfg(feature = "bans")]
pub(crate) use trust::canonical;
pub use trust::{ProxyTrust, TooManyHops, Unresolved};
