use super::attempt::{Attempt, Door};
use super::names::Place;
use super::throttle::Throttle;
use super::{DeviceToken, ThrottleError};
use crate::event::{EventKind, SecurityEvent};
use crate::secret::SecretString;
use std::fmt;

/// One try, counted as failed until it is said to have succeeded.
#[must_use = "a try that is never said to have succeeded has failed"]
pub struct Permit {
    throttle: Throttle,
    door: Door,
    account: Box<str>,
    subject: Option<Box<str>>,
    counted: Counted,
}

/// Where the try was counted, and whether that locks if it fails.
pub(super) enum Counted {
    Device {
        id: [u8; 16],
        place: [u8; 32],
        locks: bool,
    },
    Stranger(Stranger),
}

/// Where the try of a stranger was counted.
pub(super) struct Stranger {
    /// By client, by pair, by account.
    pub(super) places: [Place; 3],
    /// At how many of them.
    pub(super) counted: usize,
    /// The account, by whatever door, among those that the client tried.
    pub(super) sprayed: Place,
    /// Whether it was none of them before.
    pub(super) is_new_there: bool,
    pub(super) locks: bool,
}

impl Stranger {
    /// As if the try had not been: no secret was looked at.
    pub(super) async fn take_back(&self, throttle: &Throttle) -> Result<(), ThrottleError> {
        let settings = &*throttle.settings;
        let scopes = settings.scopes.of_strangers().into_iter();
        for (scope, place) in scopes.zip(&self.places).take(self.counted) {
            throttle.take_back(scope, place, 1).await?;
        }
        if self.is_new_there {
            self.forget_spray(throttle).await?;
        }
        Ok(())
    }

    /// The client is at home at the account, or did nothing there.
    async fn forget_spray(&self, throttle: &Throttle) -> Result<(), ThrottleError> {
        let [client, ..] = &self.places;
        let spray = &throttle.settings.spray;
        spray.forget_account(throttle, client, &self.sprayed).await
    }
}

/// As many as there are.
const ALL: u32 = u32::MAX;

impl Permit {
    pub(super) fn new(throttle: &Throttle, attempt: &Attempt<'_>, counted: Counted) -> Self {
        Self {
            throttle: throttle.clone(),
            door: attempt.door,
            account: attempt.account.into(),
            subject: attempt.subject.map(Into::into),
            counted,
        }
    }

    /// Whether the client is known to have logged in to this account before.
    #[must_use]
    pub const fn is_from_known_device(&self) -> bool {
        matches!(self.counted, Counted::Device { .. })
    }

    /// It was the secret: the failures of this client at this account are forgotten (NIST SP
    /// 800-63B-4 section 3.2.2), those of others stay. The client's failures at other accounts
    /// stay too, or who has one account would guess at others in between.
    ///
    /// The device is known from now on, by the token that comes back. After one of two factors
    /// keep it, and send it when the login is complete.
    ///
    /// # Errors
    /// When the store fails: do not let in who cannot be counted.
    pub async fn succeeded(self) -> Result<DeviceToken, ThrottleError> {
        let throttle = &self.throttle;
        let settings = &*throttle.settings;
        let scopes = &settings.scopes;
        let id = match &self.counted {
            Counted::Device { id, place, .. } => {
                throttle.take_back(&scopes.device, place, ALL).await?;
                *id
            }
            Counted::Stranger(stranger) => {
                let [client, pair, account] = &stranger.places;
                throttle.take_back(&scopes.client, client, 1).await?;
                stranger.forget_spray(throttle).await?;
                let own = throttle.take_back(&scopes.pair, pair, ALL).await?;
                throttle.take_back(&scopes.account, account, own).await?;
                settings.random.bytes()
            }
        };
        Ok(throttle.device_token(&self.account, id))
    }

    /// It was not. Of a password, say which was tried: many accounts tried with one password
    /// are told of, however many clients it came from.
    ///
    /// # Errors
    /// When the store fails. The failure was counted before.
    pub async fn failed(self, guess: Option<&SecretString>) -> Result<(), ThrottleError> {
        let throttle = &self.throttle;
        match &self.counted {
            Counted::Device { locks, .. } => {
                if *locks {
                    self.tell_lock("device");
                }
            }
            Counted::Stranger(stranger) => {
                if stranger.locks {
                    self.tell_lock("account");
                }
                if let Some(guess) = guess {
                    let spray = &throttle.settings.spray;
                    spray.guess(throttle, guess, &stranger.sprayed).await?;
                }
            }
        }
        Ok(())
    }

    /// The secret was not looked at, for something failed: takes back that this was counted.
    ///
    /// # Errors
    /// When the store fails. It has failed then.
    pub async fn abandoned(self) -> Result<(), ThrottleError> {
        let throttle = &self.throttle;
        match &self.counted {
            Counted::Device { place, .. } => {
                let scope = &throttle.settings.scopes.device;
                throttle.take_back(scope, place, 1).await?;
            }
            Counted::Stranger(stranger) => stranger.take_back(throttle).await?,
        }
        Ok(())
    }

    fn tell_lock(&self, what: &str) {
        let event = SecurityEvent::new(EventKind::AuthnLoginLock)
            .with_code("too_many_attempts")
            .with_reason("locked for a time after too many failures")
            .with_detail("door", self.door.name())
            .with_detail("locked", what);
        let event = match &self.subject {
            Some(subject) => event.with_subject(subject),
            None => event,
        };
        self.throttle.emitter.emit(event);
    }
}

/// What was typed can be a password in the wrong field, so it is not shown.
impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("door", &self.door)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
