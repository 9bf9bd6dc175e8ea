//! Where does a request come from, and what do we call?
//!
//! - [`client_ip`]: the client's address, behind proxies that are trusted by name.
//! - [`request_id`]: an id for each request, and the trace it belongs to.

pub mod client_ip;
pub mod request_id;
