use super::{Account, Email};
use crate::store::{StoreFuture, Version};
use std::fmt;

/// Where accounts are kept: [`Accounts`](super::Accounts), or a table of users of yours.
///
/// 1. Ids and addresses are unique. Addresses come normalized, see [`Email`].
/// 2. A write names what it read by its version, and changes nothing when another came first.
/// 3. [`find`](Self::find) does the same work whether there is such an account or not.
/// 4. Every part of an account is kept.
///
/// Futures own what they need, as for a [`StoreBackend`](crate::store::StoreBackend).
#[diagnostic::on_unimplemented(
    message = "`{Self}` keeps no accounts",
    note = "use `portcullis::authn::account::Accounts`, or implement `Directory` for a table of yours"
)]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The account of this address.
    fn find(&self, email: &Email) -> StoreFuture<Option<Account>>;

    /// The account of this id.
    fn get(&self, id: &str) -> StoreFuture<Option<Account>>;

    /// Stores a new account.
    fn insert(&self, account: &Account) -> StoreFuture<Written>;

    /// Stores `new` in the place of `old`, at one moment. They differ in whatever may change,
    /// the address included; where even the id differs, the old account is gone.
    fn replace(&self, old: &Account, new: &Account) -> StoreFuture<Written>;

    /// Deletes an account.
    fn remove(&self, account: &Account) -> StoreFuture<Written>;
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an account that was not written is not changed"]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller must know of every way in which nothing was written"
)]
pub enum Written {
    /// It is stored, with this version.
    Done(Version),
    /// Another came first: the account was changed or deleted. Nothing was written.
    Changed,
    /// Another account has the address. Nothing was written.
    EmailTaken,
}
