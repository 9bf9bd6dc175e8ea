use super::error::Why;
use super::{Account, AccountError, Directory, Email, Written};
use crate::authn::password::{PasswordHash, Passwords, Verification};
use crate::authn::throttle::{Attempt, DeviceToken, Door, Permit, Throttle, ThrottleError};
use crate::clock::{Clock, Timestamp};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::principal::{Assurance, Authentication, Method, Principal};
use crate::secret::SecretString;
use http::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Passwords that are asked for again, of who has logged in: counted apart, so that strangers
/// cannot keep a user from changing a password.
const AGAIN: Door = Door::new("password-again");

/// Logging in with an address and a password, with all that belongs to it. Cheap to clone.
///
/// 1. The account is looked up, the try is counted by a [`Throttle`], and one hash is computed,
///    whether there is such an account or not.
/// 2. Who is refused learns nothing else: an address that nobody has or that is none, a wrong
///    password, an account that is locked, disabled, not verified or has no password, a stored
///    hash that cannot be read: all get the same bytes after the same work. (ASVS 5.0 6.3.8)
/// 3. Who has to wait is told so, by 429 with `Retry-After`, before a hash is computed: and that
///    goes by what was typed, too.
/// 4. A hash that is weaker than new ones, or of another program, is replaced.
///
/// It is one factor. Ask for the second, where there is one, before you make a session.
#[derive(Clone, Debug)]
#[must_use]
pub struct Login {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) passwords: Passwords,
    pub(super) throttle: Throttle,
    pub(super) clock: Clock,
    pub(super) emitter: Emitter,
}

/// Who brought the right password, and since when that is known.
#[derive(Debug)]
#[must_use = "somebody logs in: ask for the second factor, or make a session"]
pub struct LoggedIn {
    account: Account,
    begun: Timestamp,
    device: DeviceToken,
}

impl LoggedIn {
    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// When it began, before anything was looked at: what was ended since holds for this login
    /// too.
    #[must_use]
    pub const fn begun(&self) -> Timestamp {
        self.begun
    }

    /// By this the device is known at the next login. Send it when the login is complete.
    pub const fn device(&self) -> &DeviceToken {
        &self.device
    }

    /// The principal, authenticated by a password and nothing more.
    #[must_use]
    pub fn principal(&self) -> Principal {
        let proof = Authentication::new(self.begun)
            .with_method(Method::Password)
            .with_assurance(Assurance::Aal1);
        Principal::new(self.account.id(), proof)
    }
}

impl Login {
    /// Looks accounts up in `directory`.
    pub fn new(directory: impl Directory, passwords: Passwords, throttle: Throttle) -> Self {
        Self {
            directory: Arc::new(directory),
            passwords,
            throttle,
            clock: Clock::system(),
            emitter: Emitter::default(),
        }
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The same; what happens by this handle is told by `emitter`: in a handler, that of the
    /// request.
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            throttle: self.throttle.telling(emitter.clone()),
            emitter,
            ..self.clone()
        }
    }

    /// Whether this is the token of a device that is known for this address.
    #[must_use]
    pub fn knows(&self, email: &str, device: Option<&str>) -> bool {
        self.throttle.knows(&Email::fold(email), device)
    }

    /// What a browser brought as the token of a device that is known for this address.
    #[must_use]
    pub fn device_in<'a>(&self, headers: &'a HeaderMap, email: &str) -> Option<&'a str> {
        self.throttle.device_in(headers, &Email::fold(email))
    }

    /// Checks an address and a password, from this client, with what it brought as the token of
    /// a known device.
    ///
    /// # Errors
    /// [`Refused`](AccountError::Refused) for whatever is wrong;
    /// [`Throttled`](AccountError::Throttled) for who has to wait; and when the store, the
    /// directory or the hashing fails, alike for everybody.
    pub async fn check(
        &self,
        email: &str,
        password: &SecretString,
        client: IpAddr,
        device: Option<&str>,
    ) -> Result<LoggedIn, AccountError> {
        let begun = self.clock.now();
        let account = self.find(email).await?;
        let name = Email::fold(email);
        let attempt = Attempt::new(Door::PASSWORD, &name, client)
            .with_device(device)
            .about(account.as_ref().map(Account::id));
        let permit = match self.throttle.begin(&attempt).await {
            Ok(permit) => Some(permit),
            // Answered like a wrong password, and after the same work.
            Err(ThrottleError::Locked { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let hash = account
            .as_ref()
            .filter(|account| permit.is_some() && account.is_open())
            .and_then(|account| account.parts.password.clone());
        let verification = match self.passwords.verify(hash.as_ref(), password).await {
            Ok(verification) => verification,
            Err(error) => {
                // Nothing was looked at, so nothing was guessed.
                if let Some(permit) = permit {
                    permit.abandoned().await?;
                }
                return Err(error.into());
            }
        };
        match (account, permit) {
            (Some(account), Some(permit)) if verification.is_accepted() => {
                let device = permit.succeeded().await?;
                let account = self.rehashed(account, verification, password).await;
                Ok(LoggedIn {
                    account,
                    begun,
                    device,
                })
            }
            (account, permit) => {
                let refused = refused(account.as_ref(), permit.as_ref(), verification);
                if let Some(permit) = permit {
                    permit.failed(Some(password)).await?;
                }
                Err(refused)
            }
        }
    }

    /// The account of an address. What is none is looked for like one.
    pub(super) async fn find(&self, email: &str) -> Result<Option<Account>, AccountError> {
        let parsed = Email::parse(email).ok();
        let nobody = Email::nobody();
        let found = self.directory.find(parsed.as_ref().unwrap_or(&nobody));
        Ok(found.await?.filter(|_| parsed.is_some()))
    }

    /// Asks somebody who has logged in for the password once more.
    pub(super) async fn confirm(
        &self,
        account: &Account,
        password: &SecretString,
        client: IpAddr,
    ) -> Result<(), AccountError> {
        let hash = [account.parts.password.as_ref()];
        let confirmed = self.confirm_one(account, &hash, password, client);
        confirmed.await.map(drop)
    }

    /// Asks for one of these passwords, which are an account's, and tells which it was.
    pub(super) async fn confirm_one(
        &self,
        account: &Account,
        hashes: &[Option<&PasswordHash>],
        password: &SecretString,
        client: IpAddr,
    ) -> Result<usize, AccountError> {
        let attempt = Attempt::new(AGAIN, &account.id, client).about(account.id());
        let permit = self.throttle.begin(&attempt).await?;
        let mut error = AccountError::refused(Why::Unknown, Some(account.id()));
        for (place, hash) in hashes.iter().enumerate() {
            let hash = hash.filter(|_| !account.is_disabled());
            match self.passwords.verify(hash, password).await {
                Ok(verification) if verification.is_accepted() => {
                    let _known_already = permit.succeeded().await?;
                    return Ok(place);
                }
                Ok(verification) => error = refused(Some(account), Some(&permit), verification),
                Err(error) => {
                    permit.abandoned().await?;
                    return Err(error.into());
                }
            }
        }
        permit.failed(Some(password)).await?;
        Err(error)
    }

    /// Replaces a hash that is weaker than new ones. When that fails, it is for another time:
    /// the password was right.
    async fn rehashed(
        &self,
        account: Account,
        verification: Verification,
        password: &SecretString,
    ) -> Account {
        if !verification.needs_rehash() {
            return account;
        }
        let failed = match self.passwords.hash(password).await {
            Ok(hash) => match self.store_hash(&account, hash).await {
                Ok(Some(new)) => return new,
                // Changed meanwhile: that one is newer.
                Ok(None) => return account,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let event = SecurityEvent::new(EventKind::SysControlDegraded)
            .with_code("password_not_rehashed")
            .with_subject(account.id())
            .with_reason(failed);
        self.emitter.emit(event);
        account
    }

    async fn store_hash(
        &self,
        account: &Account,
        hash: PasswordHash,
    ) -> Result<Option<Account>, AccountError> {
        let mut new = account.clone().with_password(hash);
        let written = self.directory.replace(account, &new).await?;
        let Written::Done(version) = written else {
            return Ok(None);
        };
        new.version = Some(version);
        Ok(Some(new))
    }
}

fn refused(
    account: Option<&Account>,
    permit: Option<&Permit>,
    verification: Verification,
) -> AccountError {
    let why = match (account, permit, verification.outcome()) {
        (_, None, _) => Why::Locked,
        (None, ..) => Why::Unknown,
        (Some(account), ..) if account.is_disabled() => Why::Disabled,
        (Some(account), ..) if !account.is_verified() => Why::Unverified,
        (.., Err(mismatch)) => Why::Password(mismatch),
        (.., Ok(())) => Why::Locked,
    };
    AccountError::refused(why, account.map(Account::id))
}
