use super::{Account, AccountError, Login, MAX_TRIES, Written, contended, purpose};
use crate::authn::one_time_code::{LinkTokens, Place, Purpose};
use crate::authn::password::PasswordPolicy;
use crate::authn::{Revoke, Revoking};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::random::Random;
use std::sync::Arc;

/// The life of accounts: registration, verification, change and reset of the password, change
/// of the address, disabling and deletion. Cheap to clone. See the [module](super) for the
/// rules.
///
/// Its methods are what handlers call; they know no request and no response.
#[derive(Clone, Debug)]
#[must_use]
pub struct Lifecycle {
    pub(super) login: Login,
    pub(super) links: LinkTokens,
    pub(super) policy: PasswordPolicy,
    pub(super) random: Random,
    held: Arc<Held>,
}

/// What users hold, and what ends it.
#[derive(Clone, Debug, Default)]
struct Held {
    logins: Vec<Arc<dyn Revoke>>,
    keys: Vec<Arc<dyn Revoke>>,
    factors: Vec<Arc<dyn Revoke>>,
}

impl Lifecycle {
    /// For the accounts that are logged in to by `login`, with links and notices sent by
    /// `links`. Passwords are judged as the only factor.
    pub fn new(login: Login, links: LinkTokens) -> Self {
        Self {
            login,
            links,
            policy: PasswordPolicy::only_factor(),
            random: Random::secure(),
            held: Arc::default(),
        }
    }

    /// Sets how new passwords are judged.
    pub fn policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets where ids come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Ends this too when a password is changed or reset, and when an account is disabled or
    /// deleted: sessions, refresh tokens, remembered browsers. The first that is given is the
    /// first that is ended.
    pub fn ends_logins(self, logins: impl Revoke) -> Self {
        self.holding(|held| held.logins.push(Arc::new(logins)))
    }

    /// Ends this too when a password is reset, and when an account is disabled or deleted: API
    /// keys. A change of the password by the old one leaves them.
    pub fn ends_keys(self, keys: impl Revoke) -> Self {
        self.holding(|held| held.keys.push(Arc::new(keys)))
    }

    /// Deletes this with an account, and never before: second factors, recovery codes.
    pub fn deletes(self, factors: impl Revoke) -> Self {
        self.holding(|held| held.factors.push(Arc::new(factors)))
    }

    fn holding(mut self, add: impl FnOnce(&mut Held)) -> Self {
        let mut held = Held::clone(&self.held);
        add(&mut held);
        self.held = Arc::new(held);
        self
    }

    /// The same; what happens by this handle is told by `emitter`: in a handler, that of the
    /// request.
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            login: self.login.telling(emitter),
            ..self.clone()
        }
    }

    /// The account of this id.
    pub(super) async fn account(&self, id: &str) -> Result<Account, AccountError> {
        let found = self.login.directory.get(id).await?;
        found.ok_or(AccountError::Gone)
    }

    /// Changes an account by one decision, which sees it as it is at the moment of the write:
    /// when another comes in between, it decides anew. Gives back the account before and after.
    pub(super) async fn change(
        &self,
        id: &str,
        mut decide: impl FnMut(&mut Account) -> Result<(), AccountError>,
    ) -> Result<(Account, Account), AccountError> {
        for _ in 0..MAX_TRIES {
            let old = self.account(id).await?;
            let mut new = old.clone();
            decide(&mut new)?;
            match self.login.directory.replace(&old, &new).await? {
                Written::Done(version) => {
                    new.version = Some(version);
                    return Ok((old, new));
                }
                Written::Changed => {}
                Written::EmailTaken => return Err(AccountError::EmailTaken),
            }
        }
        Err(contended().into())
    }

    pub(super) async fn end_other_logins(
        &self,
        principal: &crate::principal::Principal,
    ) -> Result<(), AccountError> {
        all(&self.held.logins, |held| held.revoke_others(principal)).await
    }

    pub(super) async fn end_everything(&self, user: &str) -> Result<(), AccountError> {
        let logins = all(&self.held.logins, |held| held.revoke_all(user)).await;
        let keys = all(&self.held.keys, |held| held.revoke_all(user)).await;
        self.void_resets(user).await?;
        logins.and(keys)
    }

    /// Voids the links that set a new password.
    pub(super) async fn void_resets(&self, user: &str) -> Result<(), AccountError> {
        for what in purpose::RESETS {
            self.links.void(what, user).await?;
        }
        Ok(())
    }

    pub(super) async fn delete_factors(&self, user: &str) -> Result<(), AccountError> {
        all(&self.held.factors, |held| held.revoke_all(user)).await
    }

    /// A place for a notice, taken before anything is changed: a change that the user cannot be
    /// told of is not made.
    pub(super) fn reserve(&self) -> Result<Place, AccountError> {
        Ok(self.links.outbox().reserve()?)
    }

    pub(super) fn notify(&self, place: Place, what: Purpose, address: &str) {
        self.links.outbox().notify(place, what, address);
    }

    pub(super) fn tell(&self, kind: EventKind, code: &'static str, user: &str) {
        let event = SecurityEvent::new(kind).with_code(code).with_subject(user);
        self.login.emitter.emit(event);
    }
}

/// Ends all of these, whatever becomes of each: one that fails holds up no other.
async fn all<'a>(
    held: &'a [Arc<dyn Revoke>],
    end: impl Fn(&'a dyn Revoke) -> Revoking<'a>,
) -> Result<(), AccountError> {
    let mut outcome = Ok(());
    for one in held {
        if let Err(rejection) = end(&**one).await {
            outcome = Err(AccountError::NotEnded(rejection));
        }
    }
    outcome
}
