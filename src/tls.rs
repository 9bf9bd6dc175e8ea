//! What clients that speak TLS have in common.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};
use std::sync::Arc;

/// TLS on `ring`, whatever the process has chosen as its default provider, or not chosen.
/// Trusts the certificates of this PEM text, or else those of the operating system.
///
/// An error says what is wrong with the certificates.
pub(crate) fn client_config(trusted: Option<&[u8]>) -> Result<ClientConfig, String> {
    let roots = match trusted {
        Some(pem) => given(pem)?,
        None => of_the_system()?,
    };
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn given(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("the PEM text holds no certificate".to_owned());
    }
    Ok(roots)
}

fn of_the_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let none = "this system has none: install ca-certificates, or name your own";
        return Err(none.to_owned());
    }
    Ok(roots)
}
