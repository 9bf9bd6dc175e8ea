use super::account::PendingEmail;
use super::{Account, AccountError, Email, Lifecycle, purpose};
use crate::authn::Refusal;
use crate::authn::one_time_code::{CodeError, Recipient};
use crate::event::EventKind;
use crate::principal::Principal;
use crate::secret::SecretString;
use std::net::IpAddr;

/// How far the change of an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailChange {
    /// One end has confirmed it, and the other has not yet.
    Waiting,
    /// Both have: it is changed.
    Done,
}

impl Lifecycle {
    /// Asks both addresses, the old and the new one, to confirm a change, by links. The last
    /// request counts. It takes the password again, and tells nobody whether the new address has
    /// an account: such a one just gets no link.
    ///
    /// # Errors
    /// When the address is none, the password is wrong, it was asked for too often, or something
    /// fails.
    pub async fn request_email_change(
        &self,
        principal: &Principal,
        client: IpAddr,
        password: &SecretString,
        new: &str,
    ) -> Result<(), AccountError> {
        let new = Email::parse(new)?;
        let account = self.account(principal.id()).await?;
        self.login.confirm(&account, password, client).await?;
        let found = self.login.directory.find(&new).await?;
        let confirmed = account.parts.password.clone();
        let ask = |account: &mut Account| {
            account.still_has(confirmed.as_ref())?;
            if !account.is_open() {
                return Err(AccountError::Gone);
            }
            account.parts.pending = Some(PendingEmail {
                email: new.as_str().to_owned(),
                is_confirmed_by_old: false,
                is_confirmed_by_new: false,
            });
            Ok(())
        };
        let id = account.id();
        let to_old = Recipient::new(id, account.email().as_str()).about(new.as_str());
        let to_new = Some(Recipient::new(id, new.as_str())).filter(|_| found.is_none());
        // Aloud, and before anything is changed: its limit is what keeps a user from filling the
        // mailboxes of others.
        let (for_old, for_new) = (purpose::CONFIRM_OLD_EMAIL, purpose::CONFIRM_NEW_EMAIL);
        self.links.issue(for_old, &to_old).await?;
        self.change(id, ask).await?;
        self.links.issue_quietly(for_new, to_new.as_ref()).await?;
        self.tell(EventKind::UserUpdated, "email_change_requested", id);
        Ok(())
    }

    /// Confirms the change of an address by the token of one of the two links. By the second
    /// one it is done: both addresses are told, and no link that was sent to the old one resets
    /// the password any more.
    ///
    /// # Errors
    /// When the token is none, was used, or is of another request than the last;
    /// [`EmailTaken`](AccountError::EmailTaken) when another account has the address by now.
    pub async fn confirm_email_change(&self, token: &str) -> Result<EmailChange, AccountError> {
        let places = [self.reserve()?, self.reserve()?];
        let ends = [purpose::CONFIRM_OLD_EMAIL, purpose::CONFIRM_NEW_EMAIL];
        let mut found = None;
        for (end, what) in ends.into_iter().enumerate() {
            match self.links.redeem(what, token).await {
                Ok(redeemed) => found = Some((end == 1, redeemed)),
                Err(CodeError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let no_link = || AccountError::Link(CodeError::Refused(Refusal::Absent));
        let (is_new, redeemed) = found.ok_or_else(no_link)?;
        let confirm = |account: &mut Account| {
            let old = account.email.as_str().to_owned();
            let is_open = account.is_open();
            let pending = account.parts.pending.as_mut().ok_or_else(no_link)?;
            let end = if is_new { &pending.email } else { &old };
            // The old end agrees to the address that its mail named, and to no other.
            let is_meant = is_new || redeemed.about() == Some(&*pending.email);
            if end != redeemed.address() || !is_meant || !is_open {
                return Err(no_link());
            }
            pending.is_confirmed_by_new |= is_new;
            pending.is_confirmed_by_old |= !is_new;
            if pending.is_confirmed_by_new && pending.is_confirmed_by_old {
                account.email = Email::parse(&pending.email)?;
                account.parts.pending = None;
            }
            Ok(())
        };
        let (before, account) = self.change(redeemed.user(), confirm).await?;
        if before.email == account.email {
            return Ok(EmailChange::Waiting);
        }
        for (place, address) in places.into_iter().zip([&before.email, &account.email]) {
            self.notify(place, purpose::EMAIL_CHANGED, address.as_str());
        }
        self.tell(EventKind::UserUpdated, "email_changed", account.id());
        self.void_resets(account.id()).await?;
        Ok(EmailChange::Done)
    }
}
