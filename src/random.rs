//! Randomness, from one place.
//!
//! Nonces, identifiers and keys come from [`Random::secure`]: a cryptographic generator that
//! the operating system seeds. Tests that need the same bytes twice use a seeded one, whose
//! name says that it is not for anything else.
//!
//! # Copies of a process
//!
//! A generator in memory is copied with the process, and both copies would give the same bytes.
//!
//! * **`fork(2)`**: [`Random::secure`] notices, and the child begins anew. It is told by
//!   `pthread_atfork(3)`, so a child made by the bare system call `clone(2)`, past the C
//!   library, is not noticed. (Asking for the process id instead costs 164 ns each time,
//!   measured; this costs less than one.)
//! * **Snapshots of a virtual machine**, restored more than once: nobody is told. Services that
//!   live on such hosts use [`Random::system`], which asks the kernel each time; it is up to
//!   the kernel to notice (Linux does since 5.18 where the host offers `vmgenid`).

use crate::lock::lock;
use rand::rngs::{StdRng, SysRng, ThreadRng};
use rand::{Rng, SeedableRng, TryRng};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// Where random bytes come from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Random(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Secure,
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// The process's cryptographic generator, seeded and reseeded by the operating system.
    #[must_use]
    pub const fn secure() -> Self {
        Self(Source::Secure)
    }

    /// The operating system's generator, asked anew for each piece: about 300 ns, where
    /// [`secure`](Self::secure) needs 10. For hosts whose memory is copied, as by snapshots of
    /// virtual machines.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
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
    ///
    /// # Panics
    /// When the operating system has no randomness to give: there is no way on without it.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::Secure => generator().fill_bytes(bytes),
            Source::System => fill_from_system(bytes),
            Source::Seeded(generator) => lock(generator).fill_bytes(bytes),
        }
    }

    /// `N` random bytes: 16 for a nonce, 32 for a key.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Whether nothing of it is kept in memory, which may be copied.
    #[cfg(feature = "field-encryption")]
    pub(crate) const fn keeps_nothing(&self) -> bool {
        matches!(self.0, Source::System)
    }
}

#[expect(
    clippy::expect_used,
    reason = "without randomness no key and no nonce is safe; the generator itself panics alike"
)]
fn fill_from_system(bytes: &mut [u8]) {
    SysRng
        .try_fill_bytes(bytes)
        .expect("the operating system gives randomness");
}

/// This thread's generator, seeded anew when the process is a child that has not used it yet.
#[expect(
    clippy::expect_used,
    reason = "without randomness no key and no nonce is safe; the generator itself panics alike"
)]
fn generator() -> ThreadRng {
    thread_local! {
        // Empty at first: the generator may be older than the guard, and have crossed a fork.
        static FORKS: RefCell<Option<ForkGuard>> = const { RefCell::new(None) };
    }
    let mut generator = rand::rng();
    FORKS.with_borrow_mut(|forks| {
        if forks.as_mut().is_none_or(ForkGuard::forked) {
            *forks = Some(ForkGuard::new());
            generator
                .reseed()
                .expect("the operating system gives randomness");
        }
    });
    generator
}

/// Tells whether the process was forked since it was asked last, and is the child.
#[derive(Debug)]
pub(crate) struct ForkGuard(forkguard::Guard);

impl ForkGuard {
    pub(crate) fn new() -> Self {
        Self(forkguard::Guard::default())
    }

    #[inline]
    pub(crate) fn forked(&mut self) -> bool {
        self.0.detected_fork()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let bytes = || Random::insecure_seeded(7).bytes::<16>();
        assert_eq!(bytes(), bytes());
        for random in [Random::secure(), Random::system()] {
            assert_ne!(random.bytes::<16>(), random.bytes::<16>(), "{random:?}");
        }
    }
}
