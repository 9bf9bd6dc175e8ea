//! Keys that wrap keys: envelope encryption with a key management service, or without one.
//!
//! A [`Kek`] (key encryption key) never leaves where it lives. It wraps a [`DataKey`] for a
//! [`KekContext`] and unwraps it for the same context only, so that one subject's wrapped key
//! is of no use in the place of another's. The wrapped key is stored with the data.
//!
//! [`LocalKek`] has its keys in this process. [`DataKeyCache`] spares most trips to a service,
//! within bounds of age, messages and bytes. [`ScriptedKek`] fails as your tests tell it to.
//!
//! ```
//! use portcullis::crypto::kek::{DataKey, Kek, KekContext, LocalKek};
//! use portcullis::crypto::keyring::Keyring;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let kek = LocalKek::new(Keyring::generate());
//! let ann = KekContext::new("subject-key").with("subject", "ann")?;
//! let key = DataKey::generate();
//!
//! let wrapped = kek.wrap(&key, &ann).await?;
//! assert_eq!(kek.unwrap(&wrapped, &ann).await?, key);
//!
//! let bob = KekContext::new("subject-key").with("subject", "bob")?;
//! assert!(kek.unwrap(&wrapped, &bob).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

mod cache;
mod context;
mod data_key;
mod error;
pub(super) mod flight;
mod local;
mod scripted;

pub use cache::DataKeyCache;
pub use context::KekContext;
pub use data_key::{DataKey, WrappedKey};
pub use error::{KekError, KekErrorKind, PurposeIsSet};
pub use local::LocalKek;
pub use scripted::ScriptedKek;

use std::fmt;
use std::pin::Pin;

/// What a [`Kek`] will have done.
pub type KekFuture<T> = Pin<Box<dyn Future<Output = Result<T, KekError>> + Send>>;

/// A key that wraps others: in a key management service, a hardware module, or this process.
///
/// Whoever implements it for a service maps the context to what the service authenticates
/// (the encryption context of AWS KMS, the associated data of Vault), and answers
/// [`Refused`](KekErrorKind::Refused) when the service says that the wrapped key, the context
/// or the caller is wrong, [`Unavailable`](KekErrorKind::Unavailable) when it cannot say. The
/// futures own what they need.
pub trait Kek: fmt::Debug + Send + Sync + 'static {
    /// Wraps a key for this context.
    fn wrap(&self, key: &DataKey, context: &KekContext) -> KekFuture<WrappedKey>;

    /// Unwraps what was wrapped for this context.
    fn unwrap(&self, key: &WrappedKey, context: &KekContext) -> KekFuture<DataKey>;
}
