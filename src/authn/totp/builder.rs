use super::authenticator::{Authenticator, Tolerance};
use super::control::{Inner, Totp};
use super::parameters::Parameters;
use super::{Algorithm, ConfigError};
use crate::authn::LockOut;
use crate::clock::Clock;
use crate::crypto::SecretSealer;
use crate::random::Random;
use crate::store::Records;
use std::sync::Arc;
use std::time::Duration;

/// The longest name of an issuer, in bytes: with the account's it must fit into a QR code.
const MAX_ISSUER_LEN: usize = 64;

/// How long an enrollment waits for its first code.
const PENDING: Duration = Duration::from_secs(15 * 60);

/// Sets up [`Totp`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct TotpBuilder {
    issuer: String,
    records: Records,
    sealer: Arc<dyn SecretSealer>,
    parameters: Parameters,
    tolerance: Tolerance,
    lock_out: LockOut,
    pending: Duration,
    clock: Clock,
    random: Random,
}

impl TotpBuilder {
    pub(super) fn new(issuer: String, records: Records, sealer: Arc<dyn SecretSealer>) -> Self {
        let tolerance = Tolerance {
            window: 1,
            drift: 10,
        };
        Self {
            issuer,
            records,
            sealer,
            parameters: Parameters::default(),
            tolerance,
            lock_out: LockOut::standard(),
            pending: PENDING,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// Sets the hash function for new authenticators: SHA-1 by default. Many apps ignore any
    /// other, and show wrong codes.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.parameters.algorithm = algorithm;
        self
    }

    /// Sets the number of digits for new authenticators: 6 by default, at most 8.
    pub const fn digits(mut self, digits: u8) -> Self {
        self.parameters.digits = digits;
        self
    }

    /// Sets the length of a step for new authenticators, in seconds: 30 by default, 15 to 30.
    pub const fn period(mut self, seconds: u64) -> Self {
        self.parameters.period = seconds;
        self
    }

    /// Sets how many steps early or late a code may come: 1 by default (RFC 6238 section
    /// 5.2), at most 2. With 0 a code lives no longer than its step (ASVS 5.0 6.5.5 to the letter),
    /// and who types slowly has to try again.
    pub const fn window(mut self, steps: u8) -> Self {
        self.tolerance.window = steps;
        self
    }

    /// Sets how many steps a device's clock may be off in all: 10 by default, at most 60. So
    /// far drift is followed, and a gap closed by two codes in a row. With 0 nothing is
    /// learned.
    pub const fn drift(mut self, steps: u8) -> Self {
        self.tolerance.drift = steps;
        self
    }

    /// Sets how wrong codes lock the second factor.
    pub const fn lock_out(mut self, policy: LockOut) -> Self {
        self.lock_out = policy;
        self
    }

    /// Sets how long an enrollment waits for its first code: 15 minutes by default.
    pub const fn pending_for(mut self, time: Duration) -> Self {
        self.pending = time;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where secrets come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of bounds, or the sealer does not seal.
    pub fn build(self) -> Result<Totp, ConfigError> {
        let issuer = self.issuer.trim();
        let is_unfit = |c: char| c == ':' || c.is_control();
        if issuer.is_empty() || issuer.len() > MAX_ISSUER_LEN || issuer.contains(is_unfit) {
            return Err(ConfigError::Issuer(self.issuer));
        }
        let Parameters { digits, period, .. } = self.parameters;
        if !(6..=8).contains(&digits) {
            return Err(ConfigError::Digits(digits));
        }
        if !(15..=30).contains(&period) {
            return Err(ConfigError::Period(period));
        }
        if self.tolerance.window > 2 {
            return Err(ConfigError::Window(self.tolerance.window));
        }
        if self.tolerance.drift > 60 {
            return Err(ConfigError::Drift(self.tolerance.drift));
        }
        let secret = self.parameters.algorithm.secret(&self.random);
        let nobody = Authenticator::seal(self.parameters, &secret, "", &*self.sealer)
            .map_err(ConfigError::Sealer)?;
        Ok(Totp::of(Inner {
            issuer: issuer.into(),
            records: self.records,
            sealer: self.sealer,
            parameters: self.parameters,
            tolerance: self.tolerance,
            lock_out: self.lock_out,
            pending: self.pending,
            clock: self.clock,
            random: self.random,
            nobody,
        }))
    }
}
