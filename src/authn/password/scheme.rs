use super::normalize::Candidates;
use super::{
    Argon2id, Cost, HashError, Mismatch, PasswordError, PasswordHash, PasswordHasher,
    PasswordVerifier, Verification,
};
use crate::secret::SecretString;
use std::sync::Arc;

/// How passwords are hashed, and which hashes are verified: the decision, without threads.
///
/// Its methods take as long as a hash takes, on the calling thread. In a server use
/// [`Passwords`](super::Passwords), which calls them on threads of its own; a command-line
/// tool or a batch job may call them here.
#[derive(Clone, Debug)]
pub struct PasswordScheme {
    hasher: Arc<dyn PasswordHasher>,
    others: Vec<Arc<dyn PasswordVerifier>>,
}

impl Default for PasswordScheme {
    /// [`Argon2id`] with the parameters that OWASP recommends.
    fn default() -> Self {
        Self::new(Argon2id::default())
    }
}

impl PasswordScheme {
    /// New hashes by this hasher.
    #[must_use]
    pub fn new(hasher: impl PasswordHasher) -> Self {
        Self {
            hasher: Arc::new(hasher),
            others: Vec::new(),
        }
    }

    /// Verifies the hashes of one more format, and asks for each to be replaced.
    #[must_use]
    pub fn also_verifying(mut self, other: impl PasswordVerifier) -> Self {
        self.others.push(Arc::new(other));
        self
    }

    /// A hash of `password` to store. Judge the password by a
    /// [policy](super::PasswordPolicy) first.
    ///
    /// # Errors
    /// When the password is too long, or there is no memory.
    pub fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let candidates = Candidates::of(password);
        if candidates.is_too_long() {
            return Err(PasswordError::TooLong);
        }
        self.hasher.hash(candidates.normalized()).map_err(failed)
    }

    /// Whether `password` is the one that `stored` was made of.
    ///
    /// `None` is for a user who is not there or has no password: it is rejected after the
    /// same work as a wrong password, so that the time does not tell who has an account. So
    /// is every hash that cannot be verified, and one of lower cost than new ones. (One of
    /// higher cost takes longer: when you lower the parameters, or lower the memory for more
    /// passes, time tells of users who have not logged in since.)
    ///
    /// # Errors
    /// When there is no memory, never for what the hash or the password is.
    pub fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &SecretString,
    ) -> Result<Verification, PasswordError> {
        let candidates = Candidates::of(password);
        match self.judge(stored, &candidates) {
            Ok(needs_rehash) => Ok(Verification::accepted(needs_rehash)),
            Err(Refusal::Mismatch {
                mismatch,
                spent_kib,
            }) => {
                self.level(&candidates, spent_kib)?;
                Ok(Verification::rejected(mismatch))
            }
            Err(Refusal::Failed) => Err(PasswordError::Failed),
        }
    }

    /// The most memory that verifying against `stored`, or making a hash, takes at one time.
    pub(super) fn memory_kib(&self, stored: Option<&PasswordHash>) -> u32 {
        let own = self.hasher.hash_cost().memory_kib();
        let found = stored.and_then(|hash| self.verifier_of(hash));
        match found {
            Some((_, Ok(cost))) => own.max(cost.memory_kib()),
            _ => own,
        }
    }

    /// Whether the right password needs a new hash.
    fn judge(
        &self,
        stored: Option<&PasswordHash>,
        candidates: &Candidates,
    ) -> Result<bool, Refusal> {
        if candidates.is_too_long() {
            return Err(Refusal::at_once(Mismatch::PasswordTooLong));
        }
        let hash = stored.ok_or(Refusal::at_once(Mismatch::NoHash))?;
        let (verifier, cost) = self
            .verifier_of(hash)
            .ok_or(Refusal::at_once(Mismatch::UnknownFormat))?;
        let cost = cost.map_err(Refusal::from)?;
        if verifier.verify(hash, candidates.normalized())? {
            return Ok(!self.hasher.is_current(hash));
        }
        if let Some(raw) = candidates.raw()
            && verifier.verify(hash, raw)?
        {
            return Ok(true);
        }
        Err(Refusal::Mismatch {
            mismatch: Mismatch::WrongPassword,
            spent_kib: cost.work_kib(),
        })
    }

    /// Brings the work for each candidate up to that of a new hash.
    fn level(&self, candidates: &Candidates, spent_kib: u64) -> Result<(), PasswordError> {
        let whole = self.hasher.hash_cost().work_kib();
        let missing = whole.saturating_sub(spent_kib);
        if missing == 0 {
            return Ok(());
        }
        candidates
            .iter()
            .try_for_each(|candidate| self.hasher.burn(candidate, missing))
            .map_err(failed)
    }

    fn verifier_of(
        &self,
        hash: &PasswordHash,
    ) -> Option<(&dyn PasswordVerifier, Result<Cost, HashError>)> {
        let own: &dyn PasswordVerifier = &*self.hasher;
        std::iter::once(own)
            .chain(self.others.iter().map(|other| &**other))
            .find_map(|verifier| Some((verifier, verifier.cost(hash)?)))
    }
}

fn failed(_error: HashError) -> PasswordError {
    PasswordError::Failed
}

enum Refusal {
    Mismatch { mismatch: Mismatch, spent_kib: u64 },
    Failed,
}

impl Refusal {
    const fn at_once(mismatch: Mismatch) -> Self {
        Self::Mismatch {
            mismatch,
            spent_kib: 0,
        }
    }
}

impl From<HashError> for Refusal {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Malformed => Self::at_once(Mismatch::MalformedHash),
            HashError::TooCostly => Self::at_once(Mismatch::HashTooCostly),
            HashError::UnknownPepper | HashError::Unpeppered => {
                Self::at_once(Mismatch::PepperMismatch)
            }
            HashError::OutOfMemory => Self::Failed,
        }
    }
}
