//! The certificate by which the client authenticated its TLS connection.
//!
//! Whoever accepts connections puts a [`PeerCertificate`] into the extensions of each request
//! that came over one where a certificate was asked for **and verified**. It is never taken
//! from a header: any client can write one. Behind a proxy that ends TLS and forwards the
//! certificate (RFC 9440), a layer of yours may put it here, when it has made sure that the
//! header is the proxy's own.
//!
//! ```
//! use http::Request;
//! use portcullis::net::peer_certificate::PeerCertificate;
//!
//! // With `rustls`: `connection.peer_certificates()`, of which the first is the client's.
//! let der: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x00];
//! let request = Request::builder()
//!     .extension(PeerCertificate::new(der.to_vec()))
//!     .body(())?;
//! assert_eq!(request.extensions().get::<PeerCertificate>().unwrap().der(), der);
//! # Ok::<(), http::Error>(())
//! ```

use bytes::Bytes;
use std::fmt;

/// The end-entity certificate of a client, in DER, whose private key it has shown to hold.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate(Bytes);

impl PeerCertificate {
    /// The certificate of this DER encoding, after it was verified.
    #[must_use]
    pub fn new(der: impl Into<Bytes>) -> Self {
        Self(der.into())
    }

    /// The DER encoding.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerCertificate({} bytes)", self.0.len())
    }
}
