use super::names::Place;
use super::throttle::Throttle;
use super::{ConfigError, ThrottleError};
use crate::event::{EventKind, Level, SecurityEvent};
use crate::secret::SecretString;
use crate::store::{Key, Namespace, OwnedEntry, OwnedPut, Owner, OwnerLimit};
use std::time::Duration;

/// The accounts that a client failed at.
const ACCOUNTS: Namespace = Namespace::values("throttle-spray");
/// The accounts that a guess failed at.
const GUESSES: Namespace = Namespace::values("throttle-guess");
/// What was told of already.
const TOLD: Namespace = Namespace::values("throttle-told");

/// How long failures are put together.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// Finds those who try a few passwords at many accounts, where no single one is tried often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spray {
    pub(super) accounts_per_client: usize,
    pub(super) accounts_per_guess: usize,
}

impl Spray {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let limits = [self.accounts_per_client, self.accounts_per_guess];
        let is_usable = |limit: &usize| (1..=super::MAX_ACCOUNTS).contains(limit);
        match limits.into_iter().find(|limit| !is_usable(limit)) {
            None => Ok(()),
            Some(limit) => Err(ConfigError::Accounts(limit)),
        }
    }

    /// Counts an account that a client tries, and tells whether it is none of those before: one
    /// more than the limit has to wait until the oldest is forgotten.
    pub(super) async fn account(
        &self,
        throttle: &Throttle,
        client: &Place,
        account: &Place,
    ) -> Result<bool, ThrottleError> {
        let limit = self.accounts_per_client;
        let owner = Owner::new(ACCOUNTS, client);
        let key = owner.key(account);
        let is_new = throttle.settings.store.get(key).await?.is_none();
        if put(throttle, key, limit).await? {
            return Ok(is_new);
        }
        let id = [&b"client"[..], client].concat();
        let reason = "one client failed at many accounts";
        tell_once(throttle, &id, reason, limit).await?;
        let entries = throttle.settings.store.list_owned(owner).await?;
        let first = entries.first().map(OwnedEntry::remaining);
        let retry_after = first.unwrap_or_default().max(Duration::from_secs(1));
        Err(ThrottleError::Delayed { retry_after })
    }

    /// Forgets an account that the client turned out to be at home at, or not to have tried.
    pub(super) async fn forget_account(
        &self,
        throttle: &Throttle,
        client: &Place,
        account: &Place,
    ) -> Result<(), ThrottleError> {
        let key = Owner::new(ACCOUNTS, client).key(account);
        throttle.settings.store.delete(key).await?;
        Ok(())
    }

    /// Counts an account that a guess failed at, and tells of one that fails at many.
    ///
    /// Nothing is refused for it: honest people choose the same passwords. And the password
    /// cannot be found from what is stored: there are 4096 places for all passwords, which one
    /// is whose changes with every hour, and only failures come here.
    pub(super) async fn guess(
        &self,
        throttle: &Throttle,
        guess: &SecretString,
        account: &Place,
    ) -> Result<(), ThrottleError> {
        let settings = &*throttle.settings;
        let window = settings.clock.now().unix_seconds() / WINDOW.as_secs();
        let guess = settings.names.guess(guess.expose(), window);
        let limit = self.accounts_per_guess;
        if put(throttle, Owner::new(GUESSES, &guess).key(account), limit).await? {
            return Ok(());
        }
        let id = [&b"guess"[..], &window.to_be_bytes(), &guess].concat();
        tell_once(throttle, &id, "one password failed at many accounts", limit).await
    }
}

/// Whether there was room for one more.
async fn put(throttle: &Throttle, key: Key<'_>, limit: usize) -> Result<bool, ThrottleError> {
    let limit = OwnerLimit::refuse_above(limit);
    let put = throttle.settings.store.put_owned(key, b"", WINDOW, limit);
    Ok(put.await? != OwnedPut::LimitReached)
}

async fn tell_once(
    throttle: &Throttle,
    id: &[u8],
    reason: &'static str,
    limit: usize,
) -> Result<(), ThrottleError> {
    let key = Key::new(TOLD, id);
    if throttle
        .settings
        .store
        .put_if_absent(key, b"", WINDOW)
        .await?
    {
        let event = SecurityEvent::new(EventKind::AuthnLoginFailMax)
            .with_level(Level::Critical)
            .with_code("password_spray")
            .with_reason(reason)
            .with_detail("accounts", &limit.to_string());
        throttle.emitter.emit(event);
    }
    Ok(())
}
