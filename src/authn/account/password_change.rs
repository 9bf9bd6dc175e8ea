use super::{Account, AccountError, Lifecycle, purpose};
use crate::authn::Refusal;
use crate::authn::one_time_code::{CodeError, Place, Recipient, Redeemed};
use crate::authn::password::PasswordHash;
use crate::authn::throttle::{DeviceToken, Door};
use crate::event::EventKind;
use crate::principal::Principal;
use crate::secret::SecretString;
use std::net::IpAddr;

/// A password was reset. That is no login: ask for the new password, and for the second factor
/// where there is one (ASVS 5.0 6.4.3).
#[derive(Debug)]
#[must_use = "the device is known from now on: send its token"]
pub struct PasswordReset {
    user: Box<str>,
    device: DeviceToken,
}

impl PasswordReset {
    /// The id of the account.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// By this the device is known: strangers who locked the account do not keep its owner from
    /// logging in with the new password.
    pub const fn device(&self) -> &DeviceToken {
        &self.device
    }
}

impl Lifecycle {
    /// Changes the password of who has logged in, by the old one (ASVS 5.0 6.2.3). All other
    /// logins of the user end, and the user is told by mail. The session at hand stays: renew
    /// it.
    ///
    /// # Errors
    /// [`Refused`](AccountError::Refused) when the old password is another;
    /// [`Policy`](AccountError::Policy) when the new one is refused;
    /// [`PasswordChanged`](AccountError::PasswordChanged) when another request was faster; and
    /// [`NotEnded`](AccountError::NotEnded) when it was changed and another login may go on.
    pub async fn change_password(
        &self,
        principal: &Principal,
        client: IpAddr,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), AccountError> {
        let account = self.account(principal.id()).await?;
        if let Err(error) = self.login.confirm(&account, old, client).await {
            if let AccountError::Refused(_) = error {
                self.tell(
                    EventKind::AuthnPasswordChangeFail,
                    "wrong_password",
                    principal.id(),
                );
            }
            return Err(error);
        }
        self.policy.check(new, [account.email.as_str()])?;
        let place = self.reserve()?;
        let hash = self.login.passwords.hash(new).await?;
        let confirmed = account.parts.password.clone();
        let set = |account: &mut Account| {
            account.still_has(confirmed.as_ref())?;
            set_password(account, &hash);
            Ok(())
        };
        let (_, account) = self.change(principal.id(), set).await?;
        self.told_of_password(place, &account);
        self.end_other_logins(principal).await
    }

    /// Sends a link to set a new password, if there is an account that may have one. The answer
    /// and the work are the same in any case. An administrator helps a user by this too, and
    /// never by a password (ASVS 5.0 6.4.6).
    ///
    /// # Errors
    /// None that tells of an account.
    pub async fn request_reset(&self, email: &str) -> Result<(), AccountError> {
        let found = self.login.find(email).await?;
        let open = found.as_ref().filter(|account| account.is_open());
        let to = open.map(|account| Recipient::new(account.id(), account.email().as_str()));
        let sent = self
            .links
            .issue_quietly(purpose::RESET_PASSWORD, to.as_ref());
        Ok(sent.await?)
    }

    /// Sets a new password by the token of a link, which is good once. All logins and keys of
    /// the user end, the failures of strangers are forgotten, and the user is told by mail. The
    /// second factor stays as it is.
    ///
    /// Keys too, unlike at a [change](Self::change_password): who has lost an account to somebody
    /// else gets it back by this, and whatever that one made for himself is worth nothing.
    ///
    /// A password that the policy refuses uses up nothing.
    ///
    /// # Errors
    /// When the token is none, was used or has expired, the policy refuses the password, or
    /// something fails. After [`NotEnded`](AccountError::NotEnded) the new password is set, and
    /// a login or a key of before may go on.
    pub async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        client: IpAddr,
    ) -> Result<PasswordReset, AccountError> {
        let mut found: Option<(_, Redeemed)> = None;
        for what in purpose::RESETS {
            if let Some(redeemed) = self.links.look(what, token).await? {
                found = Some((what, redeemed));
            }
        }
        let no_link = || AccountError::Link(CodeError::Refused(Refusal::Absent));
        let (what, redeemed) = found.ok_or_else(no_link)?;
        self.policy.check(new, [redeemed.address()])?;
        let place = self.reserve()?;
        let hash = self.login.passwords.hash(new).await?;
        // At one moment: of many who bring it, one gets on.
        let redeemed = self.links.redeem(what, token).await?;
        let set = |account: &mut Account| {
            // Links go by the address: one to an address from before is worth nothing.
            if account.email.as_str() != redeemed.address() || !account.is_open() {
                return Err(no_link());
            }
            set_password(account, &hash);
            Ok(())
        };
        let (_, account) = self.change(redeemed.user(), set).await?;
        self.told_of_password(place, &account);
        // First of all, and whatever fails beside it.
        let ended = self.end_everything(account.id()).await;
        let name = account.email().as_str();
        let throttle = &self.login.throttle;
        throttle.forget(Door::PASSWORD, name, Some(client)).await?;
        ended?;
        Ok(PasswordReset {
            device: throttle.known_from_now(name),
            user: account.id,
        })
    }

    fn told_of_password(&self, place: Place, account: &Account) {
        self.notify(place, purpose::PASSWORD_CHANGED, account.email().as_str());
        self.tell(
            EventKind::AuthnPasswordChange,
            "password_changed",
            account.id(),
        );
    }
}

impl Account {
    /// Whether it may be changed by who has confirmed this password a moment ago.
    pub(super) fn still_has(&self, confirmed: Option<&PasswordHash>) -> Result<(), AccountError> {
        if self.is_disabled() {
            return Err(AccountError::Gone);
        }
        if self.parts.password.as_ref() != confirmed {
            return Err(AccountError::PasswordChanged);
        }
        Ok(())
    }
}

/// Whoever knew the old password may have asked for another address.
fn set_password(account: &mut Account, hash: &PasswordHash) {
    account.parts.password = Some(hash.clone());
    account.parts.pending = None;
}
