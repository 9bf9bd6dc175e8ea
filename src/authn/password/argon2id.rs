use super::memory::Memory;
use super::pepper::Peppers;
use super::stored::Stored;
use super::{
    Ceiling, ConfigError, Cost, HashError, Parameters, PasswordHash, PasswordHasher,
    PasswordVerifier, Pepper,
};
use crate::random::Random;
use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of salt in a new hash (RFC 9106 section 3.1 recommends 16).
const SALT_LENGTH: usize = 16;

/// Bytes of output in a new hash.
const OUTPUT_LENGTH: usize = 32;

/// Makes Argon2id hashes (RFC 9106), and verifies those of Argon2id, Argon2i and Argon2d.
///
/// The form is the PHC string, as other implementations write it too:
/// `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. A hash of another variant, version 16, or of
/// lower parameters, shorter salt or output than new ones is verified, and is not current.
///
/// Memory for as many hashes as there are cores is kept from one hash to the next, by all
/// clones together.
#[derive(Clone, Debug)]
pub struct Argon2id {
    parameters: Parameters,
    ceiling: Ceiling,
    peppers: Peppers,
    random: Random,
    memory: Memory,
}

impl Default for Argon2id {
    /// New hashes as OWASP recommends them.
    fn default() -> Self {
        Self::new(Parameters::default())
    }
}

impl Argon2id {
    /// New hashes with these parameters.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            ceiling: Ceiling::default(),
            peppers: Peppers::default(),
            random: Random::default(),
            memory: Memory::of(blocks_of(parameters)),
        }
    }

    /// Sets the most that a stored hash may ask for. What new hashes ask for is always allowed.
    #[must_use]
    pub fn with_ceiling(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Puts a pepper into new hashes. Those with a previous one, and those with none, are
    /// still verified, and are not current. To rotate, move the current pepper to the
    /// previous ones; drop it from there when no stored hash names it any more.
    ///
    /// # Errors
    /// When two peppers have the same id.
    pub fn with_pepper(
        mut self,
        current: Pepper,
        previous: impl IntoIterator<Item = Pepper>,
    ) -> Result<Self, ConfigError> {
        self.peppers = Peppers::new(current, previous)?;
        Ok(self)
    }

    /// Refuses hashes without a pepper, once all stored ones have one: so that who can write
    /// to the database, and does not know the pepper, cannot plant a password.
    #[must_use]
    pub fn refusing_unpeppered(mut self) -> Self {
        self.peppers.require();
        self
    }

    /// The parameters of new hashes.
    #[must_use]
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Reads a stored hash, holds it against the ceiling and finds its pepper.
    fn read(&self, hash: &PasswordHash) -> Result<(Stored, Option<&Pepper>), HashError> {
        let stored = Stored::parse(hash.as_str())?;
        let asked = stored.parameters;
        if !self.ceiling.allows(asked) && !self.parameters.reaches(asked) {
            return Err(HashError::TooCostly);
        }
        let pepper = self.peppers.named(stored.pepper_id())?;
        Ok((stored, pepper))
    }

    /// The output of a new hash.
    fn derive(
        &self,
        parameters: Parameters,
        password: &[u8],
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; OUTPUT_LENGTH]>, HashError> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let pepper = self.peppers.current();
        let mut output = Zeroizing::new([0; OUTPUT_LENGTH]);
        let context = context(algorithm, version, parameters, OUTPUT_LENGTH, pepper)?;
        self.run(&context, password, salt, &mut *output)?;
        Ok(output)
    }

    fn run(
        &self,
        context: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let blocks = context.params().block_count();
        let run = |memory: &mut [_]| {
            context.hash_password_into_with_memory(password, salt, output, memory)
        };
        self.memory.lend(blocks, run)?.map_err(from_argon2)
    }

    /// The parameters of a new hash, as it states them.
    fn params_string(&self) -> Result<ParamsString, HashError> {
        let mut params = ParamsString::new();
        for (name, value) in [
            ("m", self.parameters.memory_kib()),
            ("t", self.parameters.iterations()),
            ("p", self.parameters.parallelism()),
        ] {
            params.add_decimal(name, value).map_err(from_phc)?;
        }
        if let Some(pepper) = self.peppers.current() {
            params
                .add_b64_bytes("keyid", pepper.id().as_bytes())
                .map_err(from_phc)?;
        }
        Ok(params)
    }

    fn could_be_ours(&self, stored: &Stored) -> bool {
        stored.algorithm == Algorithm::Argon2id
            && stored.version == Version::V0x13
            && stored.parameters.reaches(self.parameters)
            && stored.salt.len() >= SALT_LENGTH
            && stored.output.len() >= OUTPUT_LENGTH
            && self.peppers.is_current(stored.pepper_id())
    }
}

impl PasswordVerifier for Argon2id {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        let is_argon2 = hash.as_str().starts_with("$argon2");
        is_argon2.then(|| self.read(hash).map(|(stored, _)| stored.parameters.cost()))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let (stored, pepper) = self.read(hash)?;
        let context = context(
            stored.algorithm,
            stored.version,
            stored.parameters,
            stored.output.len(),
            pepper,
        )?;
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        self.run(&context, password, &stored.salt, &mut output)?;
        Ok(output.ct_eq(stored.output.as_bytes()).into())
    }
}

impl PasswordHasher for Argon2id {
    fn hash_cost(&self) -> Cost {
        self.parameters.cost()
    }

    fn hash(&self, password: &[u8]) -> Result<PasswordHash, HashError> {
        let salt = Salt::new(&self.random.bytes::<SALT_LENGTH>()).map_err(from_phc)?;
        let output = self.derive(self.parameters, password, &salt)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: self.params_string()?,
            salt: Some(salt),
            hash: Some(Output::new(&*output).map_err(from_phc)?),
        };
        Ok(PasswordHash::from(hash.to_string()))
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        self.read(hash)
            .is_ok_and(|(stored, _)| self.could_be_ours(&stored))
    }

    fn burn(&self, password: &[u8], work_kib: u64) -> Result<(), HashError> {
        let parameters = self.parameters.scaled_to(work_kib);
        let output = self.derive(parameters, password, &[0; SALT_LENGTH])?;
        std::hint::black_box(&output);
        Ok(())
    }
}

/// The blocks of a hash with these parameters.
fn blocks_of(parameters: Parameters) -> usize {
    let context = context(
        Algorithm::Argon2id,
        Version::V0x13,
        parameters,
        OUTPUT_LENGTH,
        None,
    );
    context.map_or(0, |context| context.params().block_count())
}

fn context(
    algorithm: Algorithm,
    version: Version,
    parameters: Parameters,
    output_length: usize,
    pepper: Option<&Pepper>,
) -> Result<Argon2<'_>, HashError> {
    let params = Params::new(
        parameters.memory_kib(),
        parameters.iterations(),
        parameters.parallelism(),
        Some(output_length),
    )
    .map_err(from_argon2)?;
    match pepper {
        None => Ok(Argon2::new(algorithm, version, params)),
        Some(pepper) => Argon2::new_with_secret(pepper.secret(), algorithm, version, params)
            .map_err(from_argon2),
    }
}

pub(super) fn from_argon2(error: argon2::Error) -> HashError {
    match error {
        argon2::Error::OutOfMemory => HashError::OutOfMemory,
        _ => HashError::Malformed,
    }
}

pub(super) fn from_phc(_error: phc::Error) -> HashError {
    HashError::Malformed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn fast() -> Argon2id {
        Argon2id::new(Parameters::insecure_fast_for_tests())
    }

    fn pepper(id: &str, secret: &str) -> Pepper {
        Pepper::new(id, SecretBytes::from(secret.as_bytes())).unwrap()
    }

    /// Made by the reference implementation.
    const REFERENCE: [(&str, &str); 7] = [
        (
            "Argon2id",
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Sr6N/nCmohWCvF7EZislLIdwA8ojCXux0K30ccqFS30",
        ),
        (
            "Argon2i",
            "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$zEgUAfk8nkAqqwmxnskapVML0TG0qJm7u/61l2dzSuc",
        ),
        (
            "Argon2d",
            "$argon2d$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$TYCIR3aQ15m2cpHojTnmLj2bxVYijp2/+yX/kkgt3Vg",
        ),
        (
            "version 16",
            "$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$om9h6QpUtL/b2yfUAK6XwantwRNrvPCx4xm44OXJaLk",
        ),
        (
            "version 16, not named",
            "$argon2id$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$om9h6QpUtL/b2yfUAK6XwantwRNrvPCx4xm44OXJaLk",
        ),
        (
            "four lanes",
            "$argon2id$v=19$m=256,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$CsJ3WxeTeTdClsxWySfuYODqKZu8hWqBEju+SEx7dsI",
        ),
        (
            "short salt and output",
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$T9NkbowTwYBXW3/717Ey/A",
        ),
    ];

    /// The same, with the secret `0123456789abcdef` and the id of its pepper written in.
    const PEPPERED: &str = "$argon2id$v=19$m=64,t=2,p=1,keyid=azE$c29tZXNhbHRzb21lc2FsdA$Qt/UwCLBcuDy4X8kNB09ry2Bn65gfXEpJhB0TK0erPA";

    #[test]
    fn memory_is_allocated_once() {
        let argon2id = fast();
        let memory = u64::from(argon2id.parameters().memory_kib()) * 1024;
        let hash = argon2id.hash(PASSWORD).unwrap();
        let measured = allocation_counter::measure(|| {
            argon2id.hash(PASSWORD).unwrap();
            assert!(argon2id.verify(&hash, PASSWORD).unwrap());
            argon2id
                .burn(PASSWORD, argon2id.hash_cost().work_kib())
                .unwrap();
        });
        assert!(measured.bytes_total < memory, "{measured:?}");
    }

    #[test]
    fn verifies_what_the_reference_implementation_made() {
        for (name, hash) in REFERENCE {
            let hash = PasswordHash::from(hash);
            assert_eq!(fast().verify(&hash, PASSWORD), Ok(true), "{name}");
            assert_eq!(fast().verify(&hash, b"another"), Ok(false), "{name}");
        }
        let hash = PasswordHash::from(PEPPERED);
        let peppered = fast().with_pepper(pepper("k1", "0123456789abcdef"), []);
        assert_eq!(peppered.unwrap().verify(&hash, PASSWORD), Ok(true));
    }

    #[test]
    fn only_what_a_new_hash_could_be_is_current() {
        let like = |m, t, p| Argon2id::new(Parameters::unchecked(m, t, p));
        let current = |hasher: &Argon2id, hash| hasher.is_current(&PasswordHash::from(hash));
        let plain = REFERENCE[0].1;
        for (name, hasher, expected) in [
            ("the same", like(64, 2, 1), true),
            ("stronger than ours", like(32, 1, 1), true),
            ("less memory", like(65, 2, 1), false),
            ("fewer passes", like(64, 3, 1), false),
            ("fewer lanes", like(64, 2, 2), false),
        ] {
            assert_eq!(current(&hasher, plain), expected, "{name}");
        }
        for (name, hash) in REFERENCE {
            let expected = matches!(name, "Argon2id" | "four lanes");
            assert_eq!(current(&fast(), hash), expected, "{name}");
        }
    }

    #[test]
    fn a_new_hash_is_current_salted_and_read_back() {
        for hasher in [
            fast(),
            fast()
                .with_pepper(pepper("k1", "0123456789abcdef"), [])
                .unwrap(),
        ] {
            let [one, two] = [(); 2].map(|()| hasher.hash(PASSWORD).unwrap());
            assert_ne!(one, two);
            assert!(hasher.is_current(&one));
            assert_eq!(hasher.verify(&one, PASSWORD), Ok(true));
            assert_eq!(hasher.verify(&one, b""), Ok(false));
        }
    }

    #[test]
    fn peppers_rotate() {
        let old = fast()
            .with_pepper(pepper("k1", "0123456789abcdef"), [])
            .unwrap();
        let new = fast()
            .with_pepper(
                pepper("k2", "fedcba9876543210"),
                [pepper("k1", "0123456789abcdef")],
            )
            .unwrap();
        let (plain, first) = (fast().hash(PASSWORD).unwrap(), old.hash(PASSWORD).unwrap());
        let second = new.hash(PASSWORD).unwrap();
        for (name, hasher, hash, verified, current) in [
            ("made before peppers", &old, &plain, Ok(true), false),
            ("made with the current", &old, &first, Ok(true), true),
            ("made with a previous", &new, &first, Ok(true), false),
            ("made with the new", &new, &second, Ok(true), true),
            (
                "made with one unknown",
                &old,
                &second,
                Err(HashError::UnknownPepper),
                false,
            ),
            (
                "peppers taken away",
                &fast(),
                &first,
                Err(HashError::UnknownPepper),
                false,
            ),
        ] {
            assert_eq!(hasher.verify(hash, PASSWORD), verified, "{name}");
            assert_eq!(hasher.is_current(hash), current, "{name}");
        }
        let strict = old.refusing_unpeppered();
        assert_eq!(strict.verify(&plain, PASSWORD), Err(HashError::Unpeppered));
        assert_eq!(strict.verify(&first, PASSWORD), Ok(true));
    }

    #[test]
    fn a_pepper_matters_and_bad_ones_are_refused() {
        let hash = PasswordHash::from(PEPPERED);
        let wrong = fast()
            .with_pepper(pepper("k1", "0123456789abcdeX"), [])
            .unwrap();
        assert_eq!(wrong.verify(&hash, PASSWORD), Ok(false));
        let secret = || SecretBytes::from(vec![1; 16]);
        assert!(Pepper::new("", secret()).is_err());
        assert!(Pepper::new("nine-byte", secret()).is_err());
        assert!(Pepper::new("short", SecretBytes::from(vec![1; 15])).is_err());
        let one = pepper("k1", "0123456789abcdef");
        assert!(fast().with_pepper(one.clone(), [one.clone()]).is_err());
        assert!(!format!("{one:?}").contains("0123"));
    }

    #[test]
    fn costly_malformed_and_foreign_hashes_are_told_apart() {
        let tail = "c29tZXNhbHRzb21lc2FsdA$Sr6N/nCmohWCvF7EZislLIdwA8ojCXux0K30ccqFS30";
        let malformed = PasswordHash::from("$argon2id$v=19$m=64,t=2,p=1");
        assert_eq!(fast().cost(&malformed), Some(Err(HashError::Malformed)));
        assert_eq!(
            fast().verify(&malformed, PASSWORD),
            Err(HashError::Malformed)
        );
        for (name, parameters) in [
            ("4 GiB", "m=4194304,t=1,p=1"),
            ("eleven passes", "m=64,t=11,p=1"),
            ("much of both", "m=1048576,t=5,p=1"),
            ("all there is", "m=4294967295,t=4294967295,p=1"),
        ] {
            let hash = PasswordHash::from(format!("$argon2id$v=19${parameters}${tail}"));
            assert_eq!(
                fast().cost(&hash),
                Some(Err(HashError::TooCostly)),
                "{name}"
            );
            assert_eq!(
                fast().verify(&hash, PASSWORD),
                Err(HashError::TooCostly),
                "{name}"
            );
        }
        for other in ["", "$2b$12$abc", "argon2id", "password"] {
            assert_eq!(fast().cost(&PasswordHash::from(other)), None, "{other}");
        }
    }

    #[test]
    fn a_ceiling_never_shuts_out_new_hashes() {
        let hasher = Argon2id::new(Parameters::unchecked(64, 2, 1));
        let low = hasher.with_ceiling(Ceiling::DEFAULT.memory_kib(8));
        let hash = low.hash(PASSWORD).unwrap();
        assert_eq!(low.verify(&hash, PASSWORD), Ok(true));
        let tail = "c29tZXNhbHRzb21lc2FsdA$Sr6N/nCmohWCvF7EZislLIdwA8ojCXux0K30ccqFS30";
        let above = PasswordHash::from(format!("$argon2id$v=19$m=65,t=2,p=1${tail}"));
        assert_eq!(low.verify(&above, PASSWORD), Err(HashError::TooCostly));
    }
}
