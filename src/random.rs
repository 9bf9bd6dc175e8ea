//! Randomness, from one place.
//!
//! Nonces, identifiers and keys come from [`Random::secure`]: a cryptographic generator that
//! the operating system seeds. Tests that need the same bytes twice use a seeded one, whose
//! name says that it is not for anything else.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};

/// Where random bytes come from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Random(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Secure,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// The process's cryptographic generator, seeded and reseeded by the operating system.
    #[must_use]
    pub const fn secure() -> Self {
        Self(Source::Secure)
    }

    /// The same bytes for the same seed. For tests: anyone who knows the seed knows every
    /// nonce, token and key that comes from it.
    #[must_use]
    pub fn insecure_seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(
            seed,
        )))))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::Secure => rand::rng().fill_bytes(bytes),
            Source::Seeded(generator) => generator
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .fill_bytes(bytes),
        }
    }

    /// `N` random bytes: 16 for a nonce, 32 for a key.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let bytes = || Random::insecure_seeded(7).bytes::<16>();
        assert_eq!(bytes(), bytes());
        let secure = Random::secure();
        assert_ne!(secure.bytes::<16>(), secure.bytes::<16>());
    }
}
