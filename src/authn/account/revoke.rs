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
    note = "implement `portcullis::authn::account::Revoke`"
)]
pub trait Revoke: fmt::Debug + Send + Sync + 'static {
    /// Ends all that the user of this id holds.
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a>;

    /// Ends all but what the principal came by, where there is such a thing.
    fn revoke_others<'a>(&'a self, principal: &'a Principal) -> Revoking<'a> {
        self.revoke_all(principal.id())
    }
}

/// Sessions, remembered browsers, logins under way, and what else asks for the same epochs.
#[cfg(feature = "session")]
impl Revoke for crate::authn::session::Sessions {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }

    fn revoke_others<'a>(&'a self, principal: &'a Principal) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_others(principal).await?;
            Ok(())
        })
    }
}

/// Refresh tokens, and what else asks for the same epochs. The family at hand ends too: after a
/// change of the password, give the client another.
#[cfg(feature = "refresh-token")]
impl Revoke for crate::authn::refresh_token::RefreshTokens {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }
}

/// API keys in whatever tenant.
#[cfg(feature = "api-key")]
impl Revoke for crate::authn::api_key::ApiKeys {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }
}

/// The authenticator app: for the deletion of an account, never for a reset.
#[cfg(feature = "totp")]
impl Revoke for crate::authn::totp::Totp {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.remove(user).await?;
            Ok(())
        })
    }
}

/// The recovery codes: for the deletion of an account, never for a reset.
#[cfg(feature = "recovery-codes")]
impl Revoke for crate::authn::recovery_codes::RecoveryCodes {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.remove(user).await?;
            Ok(())
        })
    }
}
