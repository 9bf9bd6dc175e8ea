//! Where does a request come from, and what do we call?
//!
//! - [`client_ip`]: the client's address, behind proxies that are trusted by name.
//! - [`request_id`]: an id for each request, and the trace it belongs to.
//! - [`peer_certificate`]: the certificate by which the client authenticated its connection.
//! - [`address`]: which addresses may be called.
#![cfg_attr(
    any(feature = "client", feature = "upload"),
    doc = "- [`circuit`]: when a service that keeps failing is left alone."
)]
#![cfg_attr(
    feature = "client",
    doc = "- [`client`]: calls to other services, bounded in time and size."
)]
#![cfg_attr(
    feature = "validate",
    doc = "- [`url_policy`]: which URLs that users name may be called."
)]

pub mod address;
#[cfg(any(feature = "client", feature = "upload"))]
pub mod circuit;
#[cfg(feature = "client")]
pub mod client;
pub mod client_ip;
pub mod peer_certificate;
pub mod request_id;
#[cfg(feature = "validate")]
pub mod url_policy;
