use super::{KeySource, KeySourceFuture};
use crate::crypto::keyring::{Keyring, KeyringError};
use std::future::ready;
use zeroize::Zeroizing;

/// The keyring whose text is in an environment variable: `PORTCULLIS_KEYS` unless told.
#[derive(Clone, Debug)]
pub struct EnvKeys {
    variable: String,
}

impl Default for EnvKeys {
    fn default() -> Self {
        Self::variable(Keyring::VARIABLE)
    }
}

impl EnvKeys {
    /// The variable `PORTCULLIS_KEYS`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This variable.
    #[must_use]
    pub fn variable(name: &str) -> Self {
        Self {
            variable: name.to_owned(),
        }
    }
}

impl KeySource for EnvKeys {
    fn load(&self) -> KeySourceFuture {
        let text = std::env::var(&self.variable).map(Zeroizing::new);
        let ring = text
            .map_err(|_| KeyringError::Variable(self.variable.clone()))
            .and_then(|text| Keyring::parse(&text));
        Box::pin(ready(ring.map_err(Into::into)))
    }
}
