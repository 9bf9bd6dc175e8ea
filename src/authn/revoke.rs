use crate::guard::Rejection;
use crate::principal::Principal;
use std::fmt;
use std::pin::Pin;

/// The future of a revocation.
pub type Revoking<'a> = Pin<Box<dyn Future<Output = Result<(), Rejection>> + Send + 'a>>;

/// Ends what a user holds: sessions, tokens, keys, second factors.
///
/// What is ended already is not an error: what failed halfway is called again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` ends nothing that a user holds",
    note = "implement `portcullis::authn::Revoke`"
)]
pub trait Revoke: fmt::Debug + Send + Sync + 'static {
    /// Ends all that the user of this id holds.
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a>;

    /// Ends all but what the principal came by, where there is such a thing.
    fn revoke_others<'a>(&'a self, principal: &'a Principal) -> Revoking<'a> {
        self.revoke_all(principal.id())
    }
}
