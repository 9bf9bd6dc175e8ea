use super::error::RedisStoreError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// TLS on `ring`, whatever the process has chosen as its default provider, or not chosen.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    /// Trusts the certificates of this PEM file, or else those of the operating system.
    pub(super) fn new(trusted: Option<&[u8]>) -> Result<Self, RedisStoreError> {
        let roots = match trusted {
            Some(pem) => given(pem)?,
            None => of_the_system()?,
        };
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| RedisStoreError::Certificates(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

fn given(pem: &[u8]) -> Result<RootCertStore, RedisStoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let wrong =
            |error: &dyn std::fmt::Display| RedisStoreError::Certificates(error.to_string());
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        let none = "the PEM text holds no certificate";
        return Err(RedisStoreError::Certificates(none.to_owned()));
    }
    Ok(roots)
}

fn of_the_system() -> Result<RootCertStore, RedisStoreError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let none = "this system has none: install ca-certificates, or name your own";
        return Err(RedisStoreError::Certificates(none.to_owned()));
    }
    Ok(roots)
}
