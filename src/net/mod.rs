//! Where does a request come from, and what do we call?
//!
//! - [`client_ip`]: the client's address, behind proxies that are trusted by name.
//! - [`request_id`]: an id for each request, and the trace it belongs to.
//! - [`address`]: which addresses may be called.
#![cfg_attr(
    feature = "client",
    doc = "- [`client`]: calls to other services, bounded in time and size."
)]

pub mod address;
#[cfg(feature = "client")]
pub mod client;
pub mod client_ip;
pub mod request_id;
