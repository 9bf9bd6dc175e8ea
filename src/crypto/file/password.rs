use super::{FileError, FileKey};
use crate::crypto::stretch::Stretch;
use crate::lock::lock;
use crate::secret::SecretString;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

/// Bytes of salt (RFC 9106 section 3.1).
pub(super) const SALT_LENGTH: usize = 16;

/// The most that the header of a file may ask for when its key is derived from a password. It
/// is held to that before anything is computed: who made the file chose the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLimits {
    memory_kib: u32,
    work_kib: u64,
}

impl PasswordLimits {
    /// Memory up to 256 MiB, and 1 GiB written in all passes, which takes about a second.
    pub const DEFAULT: Self = Self {
        memory_kib: 1 << 18,
        work_kib: 1 << 20,
    };

    /// Sets the most memory, KiB. More than 1 GiB is never taken.
    #[must_use]
    pub const fn memory_kib(mut self, most: u32) -> Self {
        self.memory_kib = most;
        self
    }

    /// Sets the most work: memory times passes, KiB. More than 4 GiB is never taken.
    #[must_use]
    pub const fn work_kib(mut self, most: u64) -> Self {
        self.work_kib = most;
        self
    }

    pub(super) fn check(self, asked: Asked) -> Result<Stretch, FileError> {
        let work = u64::from(asked.memory_kib) * u64::from(asked.iterations);
        let is_within = asked.memory_kib <= self.memory_kib && work <= self.work_kib;
        let stretch = Stretch::new(asked.memory_kib, asked.iterations, asked.lanes.into());
        match stretch {
            Ok(stretch) if is_within => Ok(stretch),
            _ => Err(FileError::PasswordCost {
                memory_kib: asked.memory_kib,
                iterations: asked.iterations,
                lanes: asked.lanes,
            }),
        }
    }
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The parameters that a header asks for, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u8,
}

impl Asked {
    /// Bytes of memory, passes and lanes in a header.
    pub(super) const LENGTH: usize = 9;

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let [a, b, c, d] = self.memory_kib.to_be_bytes();
        let [e, f, g, h] = self.iterations.to_be_bytes();
        [a, b, c, d, e, f, g, h, self.lanes]
    }

    pub(super) const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let [a, b, c, d, e, f, g, h, lanes] = bytes;
        Self {
            memory_kib: u32::from_be_bytes([a, b, c, d]),
            iterations: u32::from_be_bytes([e, f, g, h]),
            lanes,
        }
    }
}

impl From<Stretch> for Asked {
    fn from(stretch: Stretch) -> Self {
        Self {
            memory_kib: stretch.memory_kib(),
            iterations: stretch.iterations(),
            // There are no more than 64.
            lanes: u8::try_from(stretch.lanes()).unwrap_or(u8::MAX),
        }
    }
}

/// Derives a key, on this thread. No more keys are derived at a time than there are cores:
/// others wait.
pub(super) fn derive(
    stretch: Stretch,
    password: &SecretString,
    salt: &[u8; SALT_LENGTH],
) -> Result<FileKey, FileError> {
    let _turn = Turn::wait();
    let key = stretch.derive(password.expose().as_bytes(), salt);
    key.map(FileKey::from).map_err(|_| FileError::OutOfMemory)
}

/// How many keys are being derived.
static RUNNING: Mutex<usize> = Mutex::new(0);
static DONE: Condvar = Condvar::new();

/// Leave to derive a key.
struct Turn;

impl Turn {
    fn wait() -> Self {
        let most = available_parallelism().map_or(1, usize::from);
        let running = lock(&RUNNING);
        let mut running = DONE
            .wait_while(running, |running| *running >= most)
            .unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&RUNNING) -= 1;
        DONE.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_each_and_all() {
        for (name, memory_kib, iterations, lanes, is_taken) in [
            ("the default", 65_536, 3, 4, true),
            ("OWASP", 19_456, 2, 1, true),
            ("most memory", 1 << 18, 4, 1, true),
            ("too much memory", (1 << 18) + 1, 1, 1, false),
            ("too much in all", 1 << 18, 5, 1, false),
            ("weak", 19_456, 1, 1, false),
            ("no pass", 65_536, 0, 4, false),
            ("no lane", 65_536, 3, 0, false),
            ("too many lanes", 65_536, 3, 65, false),
            ("all there is", u32::MAX, u32::MAX, u8::MAX, false),
        ] {
            let asked = Asked {
                memory_kib,
                iterations,
                lanes,
            };
            assert_eq!(Asked::from_bytes(asked.to_bytes()), asked, "{name}");
            let checked = PasswordLimits::default().check(asked);
            assert_eq!(checked.is_ok(), is_taken, "{name}");
        }
    }

    #[test]
    fn many_at_a_time_take_turns() {
        let password = SecretString::from("p");
        let fast = Stretch::insecure_fast_for_tests();
        let one = derive(fast, &password, &[0; 16]).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let again = derive(fast, &password, &[0; 16]).unwrap();
                    assert_eq!(again.expose(), one.expose());
                });
            }
        });
    }
}
