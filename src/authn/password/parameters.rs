use super::{ConfigError, Cost};

/// The least memory for each number of passes from one up, KiB: the five settings of the
/// OWASP Password Storage Cheat Sheet, "Argon2id", which it calls equally strong.
const OWASP_MINIMUMS_KIB: [u32; 5] = [47_104, 19_456, 12_288, 9_216, 7_168];

/// Lanes are computed one after the other here, so that they cost no threads. They bound the
/// least memory, and no honest hash has more.
const MAX_LANES: u32 = 64;

/// Memory that each lane needs, KiB (RFC 9106 section 3.1).
const KIB_PER_LANE: u32 = 8;

/// How many sizes of memory there are for work that is done to no end.
const SIZES: u32 = 64;

/// The parameters of Argon2 (RFC 9106 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

impl Parameters {
    /// 19 MiB, two passes, one lane: the setting of the [OWASP Password Storage Cheat
    /// Sheet][owasp] for Argon2id, and the default.
    ///
    /// [owasp]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
    pub const OWASP: Self = Self::unchecked(19_456, 2, 1);

    /// 64 MiB, three passes, four lanes: the second recommended option of RFC 9106 section 4,
    /// about five times the work of [`Parameters::OWASP`] for you and for who guesses.
    pub const RFC_9106_LOW_MEMORY: Self = Self::unchecked(65_536, 3, 4);

    /// Parameters no weaker than those that OWASP recommends.
    ///
    /// # Errors
    /// When they are weaker, or Argon2 does not know them.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, ConfigError> {
        let parameters = Self::unchecked(memory_kib, iterations, parallelism);
        if !parameters.is_valid() {
            return Err(ConfigError::InvalidParameters {
                memory_kib,
                iterations,
                parallelism,
                limit: MAX_LANES,
            });
        }
        let [.., least] = OWASP_MINIMUMS_KIB;
        let passes = usize::try_from(iterations).unwrap_or(usize::MAX);
        let minimum_kib = OWASP_MINIMUMS_KIB
            .get(passes.saturating_sub(1))
            .map_or(least, |minimum| *minimum);
        if memory_kib < minimum_kib {
            return Err(ConfigError::WeakParameters {
                memory_kib,
                iterations,
                minimum_kib,
            });
        }
        Ok(parameters)
    }

    /// 8 KiB, one pass: hashes that can be guessed as fast as they are made. For tests of
    /// whatever is not about hashing.
    #[must_use]
    pub const fn insecure_fast_for_tests() -> Self {
        Self::unchecked(8, 1, 1)
    }

    pub(super) const fn unchecked(memory_kib: u32, iterations: u32, parallelism: u32) -> Self {
        Self {
            memory_kib,
            iterations,
            parallelism,
        }
    }

    pub(super) const fn is_valid(self) -> bool {
        self.iterations >= 1
            && self.parallelism >= 1
            && self.parallelism <= MAX_LANES
            && self.memory_kib >= KIB_PER_LANE * self.parallelism
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
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    pub(super) const fn cost(self) -> Cost {
        Cost::new(self.memory_kib, self.iterations)
    }

    /// Whether no parameter is below that of `other`.
    pub(super) const fn reaches(self, other: Self) -> bool {
        self.memory_kib >= other.memory_kib
            && self.iterations >= other.iterations
            && self.parallelism >= other.parallelism
    }

    /// One lane, the passes of these, and as much memory as comes to `work_kib` or slightly
    /// more; never more than these have.
    pub(super) fn scaled_to(self, work_kib: u64) -> Self {
        let memory = work_kib.div_ceil(u64::from(self.iterations.max(1)));
        let memory = u32::try_from(memory).unwrap_or(u32::MAX);
        // An allocator that meets a new size takes its time, which would tell of the hash. So
        // there are few sizes, and a hash that costs next to nothing leaves the whole one.
        let step = self.memory_kib.div_ceil(SIZES);
        let memory = memory.div_ceil(step.max(1)).saturating_mul(step);
        Self {
            memory_kib: memory.min(self.memory_kib).max(KIB_PER_LANE),
            parallelism: 1,
            ..self
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::OWASP
    }
}

/// The most that a stored hash may ask for.
///
/// A hash is data: who can write one into your database, or has you import it, must not be
/// able to take the machine's memory or time with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    memory_kib: u32,
    iterations: u32,
    work_kib: u64,
}

impl Ceiling {
    /// Memory up to 1 GiB, up to ten passes, and not both: 4 GiB written in all, which takes
    /// seconds.
    pub const DEFAULT: Self = Self {
        memory_kib: 1 << 20,
        iterations: 10,
        work_kib: 1 << 22,
    };

    /// Sets the most memory, KiB.
    #[must_use]
    pub const fn memory_kib(mut self, most: u32) -> Self {
        self.memory_kib = most;
        self
    }

    /// Sets the most passes.
    #[must_use]
    pub const fn iterations(mut self, most: u32) -> Self {
        self.iterations = most;
        self
    }

    /// Sets the most work: memory times passes, KiB.
    #[must_use]
    pub const fn work_kib(mut self, most: u64) -> Self {
        self.work_kib = most;
        self
    }

    pub(super) const fn allows(self, parameters: Parameters) -> bool {
        parameters.memory_kib <= self.memory_kib
            && parameters.iterations <= self.iterations
            && parameters.cost().work_kib() <= self.work_kib
    }
}

impl Default for Ceiling {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_owasp_recommends_is_taken_and_less_is_not() {
        let settings = [
            (47_104, 1),
            (19_456, 2),
            (12_288, 3),
            (9_216, 4),
            (7_168, 5),
        ];
        for (memory, passes) in settings {
            assert!(Parameters::new(memory, passes, 1).is_ok(), "{memory}");
            let error = Parameters::new(memory - 1, passes, 1).unwrap_err();
            assert!(error.to_string().contains(&memory.to_string()), "{error}");
        }
        assert!(Parameters::new(7_167, 1000, 1).is_err());
        for known in [Parameters::OWASP, Parameters::RFC_9106_LOW_MEMORY] {
            let again = Parameters::new(known.memory_kib, known.iterations, known.parallelism);
            assert_eq!(again.unwrap(), known);
        }
    }

    #[test]
    fn what_argon2_does_not_know_is_refused() {
        for (name, memory, passes, lanes) in [
            ("no pass", 19_456, 0, 1),
            ("no lane", 19_456, 2, 0),
            ("too many lanes", 1 << 20, 2, 65),
            ("no memory", 0, 2, 1),
            ("less than the lanes need", 8 * 64 - 1, 100, 64),
            ("the largest numbers", u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(Parameters::new(memory, passes, lanes).is_err(), "{name}");
        }
    }

    #[test]
    fn the_ceiling_holds_each_and_all() {
        for (name, memory, passes, allowed) in [
            ("the default", 19_456, 2, true),
            ("most memory", 1 << 20, 4, true),
            ("too much memory", (1 << 20) + 1, 1, false),
            ("most passes", 1 << 10, 10, true),
            ("too many passes", 1 << 10, 11, false),
            ("too much in all", 1 << 20, 5, false),
            ("all there is", u32::MAX, u32::MAX, false),
        ] {
            let parameters = Parameters::unchecked(memory, passes, 1);
            assert_eq!(Ceiling::DEFAULT.allows(parameters), allowed, "{name}");
        }
    }

    #[test]
    fn scaled_parameters_do_the_work_asked_for() {
        let ours = Parameters::OWASP;
        let whole = ours.cost().work_kib();
        for work in [1, 16, 1000, 20_000, whole - 16, whole, u64::MAX] {
            let scaled = ours.scaled_to(work);
            assert!(scaled.is_valid(), "{work}");
            let done = scaled.cost().work_kib();
            let least = work.min(whole);
            assert!((least..=least + whole / 64).contains(&done), "{work}");
        }
        assert_eq!(ours.scaled_to(whole - 16), ours);
        let tiny = Parameters::insecure_fast_for_tests();
        assert_eq!(tiny.scaled_to(8), tiny);
    }
}
