use super::{Account, AccountError, Lifecycle, Written, contended, purpose};
use crate::event::EventKind;

impl Lifecycle {
    /// Disables an account: nobody logs in, and every session, token and key of its user ends
    /// (ASVS 5.0 7.4.2). The user is told by mail. Doing it again ends again what is held.
    ///
    /// # Errors
    /// When there is no such account, or something fails. After
    /// [`NotEnded`](AccountError::NotEnded) it is disabled: do it again, to end the rest.
    pub async fn disable(&self, id: &str) -> Result<(), AccountError> {
        let place = self.reserve()?;
        if let Some(account) = self.set_disabled(id, true).await? {
            self.notify(place, purpose::ACCOUNT_DISABLED, account.email().as_str());
            self.tell(EventKind::UserUpdated, "account_disabled", id);
        }
        self.end_everything(id).await
    }

    /// Enables an account again. Its user logs in anew: what was held before is gone.
    ///
    /// # Errors
    /// As of [`disable`](Self::disable).
    pub async fn enable(&self, id: &str) -> Result<(), AccountError> {
        let place = self.reserve()?;
        // Before anybody gets in: what came between, or could not be ended then.
        self.end_everything(id).await?;
        if let Some(account) = self.set_disabled(id, false).await? {
            self.notify(place, purpose::ACCOUNT_ENABLED, account.email().as_str());
            self.tell(EventKind::UserUpdated, "account_enabled", id);
        }
        Ok(())
    }

    /// The account, if it was otherwise before.
    async fn set_disabled(
        &self,
        id: &str,
        is_disabled: bool,
    ) -> Result<Option<Account>, AccountError> {
        let set = |account: &mut Account| {
            account.parts.is_disabled = is_disabled;
            account.parts.pending = None;
            Ok(())
        };
        let (before, account) = self.change(id, set).await?;
        Ok((before.is_disabled() != is_disabled).then_some(account))
    }

    /// Deletes an account, with every session, token and key of its user, and the second
    /// factors. The user is told by mail. What else is kept of a user is for you to delete.
    ///
    /// It is disabled first, and there until all has ended: when something fails, do it again.
    /// Its id is never given away again; its address may be.
    ///
    /// # Errors
    /// When there is no such account, or something fails.
    pub async fn delete(&self, id: &str) -> Result<(), AccountError> {
        let place = self.reserve()?;
        let disable = |account: &mut Account| {
            account.parts.is_disabled = true;
            Ok(())
        };
        let (_, account) = self.change(id, disable).await?;
        self.end_everything(id).await?;
        self.delete_factors(id).await?;
        match self.login.directory.remove(&account).await? {
            Written::Done(_) => {}
            // Enabled meanwhile, as by another administrator: let them agree.
            Written::Changed | Written::EmailTaken => return Err(contended().into()),
        }
        self.notify(place, purpose::ACCOUNT_DELETED, account.email().as_str());
        self.tell(EventKind::UserDeleted, "account_deleted", id);
        Ok(())
    }

    /// Ends every session, token and key of a user, as an administrator may (ASVS 5.0 7.4.5).
    ///
    /// # Errors
    /// When something could not be ended: do it again.
    pub async fn end_all(&self, id: &str) -> Result<(), AccountError> {
        self.end_everything(id).await
    }
}
