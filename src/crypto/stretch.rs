use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;
use zeroize::Zeroizing;

/// What it costs to try one guess: the parameters of Argon2id (RFC 9106) that turns something
/// guessable into a key.
///
/// ```
/// use portcullis::crypto::Stretch;
///
/// assert_eq!(Stretch::OWASP.memory_kib(), 19_456);
/// assert!(Stretch::new(1024, 1, 1).is_err(), "a guess would be cheap");
/// assert!(Stretch::new(u32::MAX, 1, 1).is_err(), "it would take 4 TiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

/// Why something cannot be stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StretchError {
    /// Parameters that make guessing cheap, or that take the machine with them.
    #[error(
        "Argon2id with {memory_kib} KiB, {iterations} passes and {lanes} lanes is out of bounds; use at least 7168 KiB, at most 1048576 KiB, 1 to 10 passes, 1 to 64 lanes, and 19456 KiB times passes in all"
    )]
    OutOfBounds {
        /// Memory, KiB.
        memory_kib: u32,
        /// Passes over it.
        iterations: u32,
        /// Lanes.
        lanes: u32,
    },
    /// There is not enough memory.
    #[error("there is not enough memory for Argon2id")]
    OutOfMemory,
}

impl Stretch {
    /// 19 MiB, two passes: the setting of the OWASP Password Storage Cheat Sheet. About 10 to
    /// 20 ms of one core.
    pub const OWASP: Self = Self::unchecked(19_456, 2, 1);

    /// 64 MiB, three passes, four lanes: the second recommended option of RFC 9106 section 4.
    /// For what is guessed offline and opened seldom, such as a file of keys.
    pub const RFC_9106_LOW_MEMORY: Self = Self::unchecked(65_536, 3, 4);

    /// The least memory times passes, KiB. (The five settings that OWASP calls equally strong
    /// write 36 to 38 MiB, but for one pass over 46 MiB.)
    const MIN_WORK_KIB: u64 = 5 * 7_168;
    /// The most memory times passes, KiB: some seconds.
    const MAX_WORK_KIB: u64 = 1 << 22;

    /// These parameters, when they are neither weak nor ruinous. Whoever reads them from a
    /// file or a header asks this before any hashing is done.
    ///
    /// # Errors
    /// When they are out of bounds.
    pub const fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, StretchError> {
        let work_kib = memory_kib as u64 * iterations as u64;
        let is_sound = memory_kib >= 7_168
            && memory_kib <= 1 << 20
            && iterations >= 1
            && iterations <= 10
            && lanes >= 1
            && lanes <= 64
            && work_kib >= Self::MIN_WORK_KIB
            && work_kib <= Self::MAX_WORK_KIB;
        if !is_sound {
            return Err(StretchError::OutOfBounds {
                memory_kib,
                iterations,
                lanes,
            });
        }
        Ok(Self::unchecked(memory_kib, iterations, lanes))
    }

    /// 8 KiB, one pass: no protection at all. For tests of whatever is not about guessing.
    #[must_use]
    pub const fn insecure_fast_for_tests() -> Self {
        Self::unchecked(8, 1, 1)
    }

    const fn unchecked(memory_kib: u32, iterations: u32, lanes: u32) -> Self {
        Self {
            memory_kib,
            iterations,
            lanes,
        }
    }

    /// Memory, KiB (m).
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory (t).
    #[must_use]
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes (p).
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// The key that comes of a guessable secret and a salt of at least 8 bytes.
    pub(crate) fn derive(
        self,
        secret: &[u8],
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, StretchError> {
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(
            self.memory_kib,
            self.iterations,
            self.lanes,
            Some(key.len()),
        );
        params
            .and_then(|params| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(secret, salt, &mut *key)
            })
            .map_err(|error| match error {
                argon2::Error::OutOfMemory => StretchError::OutOfMemory,
                _ => StretchError::OutOfBounds {
                    memory_kib: self.memory_kib,
                    iterations: self.iterations,
                    lanes: self.lanes,
                },
            })?;
        Ok(key)
    }
}

impl Default for Stretch {
    fn default() -> Self {
        Self::OWASP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        for (name, memory, passes, lanes, is_ok) in [
            ("OWASP", 19_456, 2, 1, true),
            ("OWASP, one pass", 47_104, 1, 1, true),
            ("OWASP, least memory", 7_168, 5, 1, true),
            ("RFC 9106, second", 65_536, 3, 4, true),
            ("RFC 9106, first is 2 GiB", 2_097_152, 1, 4, false),
            ("the most", 1 << 20, 4, 64, true),
            ("too much of both", 1 << 20, 5, 1, false),
            ("too many passes", 7_168, 11, 1, false),
            ("too little of both", 7_168, 4, 1, false),
            ("too little memory", 7_167, 10, 1, false),
            ("no pass", 19_456, 0, 1, false),
            ("no lane", 19_456, 2, 0, false),
            ("too many lanes", 19_456, 2, 65, false),
            ("all there is", u32::MAX, u32::MAX, u32::MAX, false),
        ] {
            assert_eq!(Stretch::new(memory, passes, lanes).is_ok(), is_ok, "{name}");
        }
    }

    #[test]
    fn derives_what_the_reference_implementation_derives() {
        // As in the tests of the password hashes: 64 KiB, two passes.
        let key = Stretch::unchecked(64, 2, 1)
            .derive(b"password", b"somesaltsomesalt")
            .unwrap();
        assert_eq!(key.len(), 32);
        let other = Stretch::unchecked(64, 3, 1)
            .derive(b"password", b"somesaltsomesalt")
            .unwrap();
        assert_ne!(key, other);
    }
}
