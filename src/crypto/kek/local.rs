use super::{DataKey, Kek, KekContext, KekError, KekErrorKind, KekFuture, WrappedKey};
use crate::crypto::field::{FieldCipher, FieldColumn};
use crate::crypto::keyring::LiveKeyring;
use crate::crypto::{Refused, SecretSealer};
use std::future::ready;

/// What keys are wrapped for, so that nothing else that the keyring sealed is taken for one.
const PURPOSE: &str = "portcullis/v1/kek";

/// A key encryption key in this process: wraps with the primary key of a keyring, by
/// XAES-256-GCM with the context as associated data, and unwraps with any that may open.
///
/// The keyring should be one of its own, that seals nothing but keys: its text in the
/// environment or in a file, read by a [key source](crate::crypto::key_source). Who has it
/// has all keys that it wrapped.
#[derive(Clone, Debug)]
pub struct LocalKek(FieldColumn);

impl LocalKek {
    /// Wraps with the keys of this keyring.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the names are fixed, and good ones")]
    pub fn new(keyring: impl Into<LiveKeyring>) -> Self {
        let cipher = FieldCipher::new(keyring, "portcullis").with_full_commitment();
        Self(cipher.column("keys", "wrapped").expect("good names"))
    }
}

impl Kek for LocalKek {
    fn wrap(&self, key: &DataKey, context: &KekContext) -> KekFuture<WrappedKey> {
        let wrapped = self.0.seal_secret(PURPOSE, &context.encode(), key.expose());
        Box::pin(ready(wrapped.map(WrappedKey::from_bytes).map_err(refused)))
    }

    fn unwrap(&self, key: &WrappedKey, context: &KekContext) -> KekFuture<DataKey> {
        let opened = self
            .0
            .open_secret(PURPOSE, &context.encode(), key.as_bytes());
        let key = opened.map_err(refused).and_then(|bytes| {
            DataKey::from_bytes(&bytes).ok_or(KekError::new(KekErrorKind::Refused))
        });
        Box::pin(ready(key))
    }
}

fn refused(refused: Refused) -> KekError {
    KekError::new(KekErrorKind::Refused).with_source(refused)
}
