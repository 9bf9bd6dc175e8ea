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
    is_as_received: bool,
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
            is_as_received: false,
        }
    }

    /// Hashes and verifies passwords exactly as they came, byte for byte (ASVS 5.0 6.2.8),
    /// without bringing them to Unicode Normalization Form C, as NIST SP 800-63B-4 section
    /// 3.1.1.2 advises and is done by default. Who types an accent on another system may then
    /// not get in. Decide it once: it is part of what every hash is made of.
    #[must_use]
    pub fn exactly_as_received(mut self) -> Self {
        self.is_as_received = true;
        self
    }

    fn candidates(&self, password: &SecretString) -> Candidates {
        match self.is_as_received {
            true => Candidates::as_received(password),
            false => Candidates::of(password),
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
        let candidates = self.candidates(password);
        if candidates.is_too_long() {
            return Err(PasswordError::TooLong);
        }
        self.hasher.hash(candidates.normalized()).map_err(failed)
    }

    /// Whether `password` is the one that `stored` was made of.
    ///
    /// `None` is for a user who is not there or has no password: it is rejected after the
    /// same work as a wrong password, so that the time does not tell who has an account. So
    /// is every hash that cannot be verified, and one of lower cost than new ones. With other
    /// formats, each refusal takes the work of all of them. (A hash of higher cost than new
    /// ones takes longer: when you lower the parameters, or lower the memory for more passes,
    /// time tells of users who have not logged in since.)
    ///
    /// # Errors
    /// When there is no memory, never for what the hash or the password is.
    pub fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &SecretString,
    ) -> Result<Verification, PasswordError> {
        let candidates = self.candidates(password);
        match self.judge(stored, &candidates) {
            Ok(needs_rehash) => Ok(Verification::accepted(needs_rehash)),
            Err(Refusal::Mismatch { mismatch, spent }) => {
                self.level(&candidates, spent.zip(stored)).map_err(failed)?;
                Ok(Verification::rejected(mismatch))
            }
            Err(Refusal::Failed) => Err(PasswordError::Failed),
        }
    }

    /// The most memory that verifying against `stored`, or making a hash, takes at one time.
    pub(super) fn memory_kib(&self, stored: Option<&PasswordHash>) -> u32 {
        let found = stored.and_then(|hash| self.verifier_of(hash)?.cost.ok());
        let usual = self.others.iter().filter_map(|other| other.usual_cost());
        let own = std::iter::once(self.hasher.hash_cost());
        let costs = own.chain(usual).chain(found);
        costs.map(Cost::memory_kib).max().unwrap_or_default()
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
        let Found {
            place,
            verifier,
            cost,
        } = self
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
            spent: Some(Spent {
                place,
                cost,
                is_leveled: verifier.usual_cost().is_some(),
            }),
        })
    }

    /// Brings the work for each candidate up to that of a new hash and one of each other
    /// format.
    fn level(
        &self,
        candidates: &Candidates,
        spent: Option<(Spent, &PasswordHash)>,
    ) -> Result<(), HashError> {
        let counts = |(spent, _): &(Spent, _)| spent.place == OWN || !spent.is_leveled;
        let spent_kib = spent
            .filter(counts)
            .map_or(0, |(spent, _)| spent.cost.work_kib());
        let missing = self.hasher.hash_cost().work_kib().saturating_sub(spent_kib);
        for candidate in candidates.iter() {
            if missing > 0 {
                self.hasher.burn(candidate, missing)?;
            }
            for (place, other) in (OWN + 1..).zip(&self.others) {
                let spent = spent.filter(|(spent, _)| spent.place == place);
                other.level(candidate, spent.map(|(_, hash)| hash))?;
            }
        }
        Ok(())
    }

    fn verifier_of(&self, hash: &PasswordHash) -> Option<Found<'_>> {
        let own: &dyn PasswordVerifier = &*self.hasher;
        let all = std::iter::once(own).chain(self.others.iter().map(|other| &**other));
        (OWN..).zip(all).find_map(|(place, verifier)| {
            let cost = verifier.cost(hash)?;
            Some(Found {
                place,
                verifier,
                cost,
            })
        })
    }
}

/// The place of the hasher among the verifiers; the others come after it.
const OWN: usize = 0;

/// Who reads a hash.
struct Found<'a> {
    place: usize,
    verifier: &'a dyn PasswordVerifier,
    cost: Result<Cost, HashError>,
}

/// The work that a refusal took already, for each candidate.
#[derive(Clone, Copy)]
struct Spent {
    place: usize,
    cost: Cost,
    /// Whether its verifier brings the work up to the same by itself.
    is_leveled: bool,
}

fn failed(_error: HashError) -> PasswordError {
    PasswordError::Failed
}

enum Refusal {
    Mismatch {
        mismatch: Mismatch,
        spent: Option<Spent>,
    },
    Failed,
}

impl Refusal {
    const fn at_once(mismatch: Mismatch) -> Self {
        Self::Mismatch {
            mismatch,
            spent: None,
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
