use super::{HashError, PasswordHash};
use std::fmt;

/// What it takes to hash a password once.
///
/// In the measure of Argon2, memory and how often it is filled; the time goes with the
/// product. A format that knows no memory states what takes Argon2 as long on your machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// This much memory, in KiB, filled this often.
    #[must_use]
    pub const fn new(memory_kib: u32, passes: u32) -> Self {
        Self { memory_kib, passes }
    }

    /// Memory, KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// KiB written in all.
    #[must_use]
    pub const fn work_kib(self) -> u64 {
        self.memory_kib as u64 * self.passes as u64
    }
}

/// Verifies passwords against the hashes of one family of formats.
///
/// Implement it for a format that you have stored hashes in, and hand it to
/// [`PasswordScheme::also_verifying`](super::PasswordScheme::also_verifying): users keep
/// their passwords, and each hash is replaced when its user next logs in.
///
/// Time tells whose hash is of which format, unless each refusal takes the work of all: say what
/// the dearest stored hash costs by [`usual_cost`](Self::usual_cost), and do as much in
/// [`level`](Self::level). Without the two, `cost` has to say what takes Argon2 as long, and a
/// hash that costs more than a new one shows.
///
/// [`cost`](Self::cost) is asked before a password waits for its turn, and must be quick. The
/// other methods run on the pool's threads, may take long, and must take no more memory than it
/// says, whatever the hash says.
pub trait PasswordVerifier: fmt::Debug + Send + Sync + 'static {
    /// What verifying against `hash` takes; `None` when it is of another format.
    ///
    /// # Errors
    /// When the hash is of this format, and malformed or above this verifier's ceiling.
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>>;

    /// Whether `hash` was made of `password`. Compares in constant time.
    ///
    /// # Errors
    /// When the hash cannot be worked with.
    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError>;

    /// What verifying against the dearest of the stored hashes takes; `None` when
    /// [`level`](Self::level) does nothing.
    fn usual_cost(&self) -> Option<Cost> {
        None
    }

    /// Does the work of verifying against the dearest of the stored hashes, less what
    /// verifying against `spent` took, to no end.
    ///
    /// # Errors
    /// When there is not enough memory.
    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let _nothing_to_level = (password, spent);
        Ok(())
    }
}

/// Makes new hashes, and verifies them.
pub trait PasswordHasher: PasswordVerifier {
    /// What making a hash takes.
    fn hash_cost(&self) -> Cost;

    /// A hash of `password` with a fresh salt.
    ///
    /// # Errors
    /// When there is not enough memory.
    fn hash(&self, password: &[u8]) -> Result<PasswordHash, HashError>;

    /// Whether `hash` is as strong as a new one would be.
    fn is_current(&self, hash: &PasswordHash) -> bool;

    /// Does about as much work as `work_kib` says, at most that of one new hash, to no end:
    /// so that a user who is not there takes as long as one who is.
    ///
    /// # Errors
    /// When there is not enough memory.
    fn burn(&self, password: &[u8], work_kib: u64) -> Result<(), HashError>;
}
