use super::super::{ConfigError, Cost, HashError, PasswordHash, PasswordVerifier};
use super::text::number;
use super::{NEXT_TO_NOTHING, repeatable};
use sha_crypt::{Params, PasswordHashRef, PasswordVerifier as _, sha512_crypt};

/// What a hash that states no rounds has.
const DEFAULT_ROUNDS: u32 = 5000;

/// The most rounds that are taken from a stored hash: some seconds.
const MAX_ROUNDS: u32 = 5_000_000;

/// The longest text: the salt has 16 characters at most, the hash 86.
const MAX_LEN: usize = 128;

/// Verifies the SHA-crypt hashes of the C library: `$5$` (SHA-256) and `$6$` (SHA-512), as in
/// `/etc/shadow`.
///
/// Each round takes the password in, so that one of more than 512 bytes is refused, after the
/// work of one of that length.
#[derive(Clone, Copy, Debug)]
pub struct ShaCrypt {
    usual: u32,
}

impl ShaCrypt {
    /// Verifies SHA-crypt hashes, of which the dearest stored ones have this many rounds (5000
    /// where nothing is stated). Hashes up to 5,000,000 rounds are verified.
    ///
    /// # Errors
    /// When there are less than 1000 rounds, or more than that.
    pub const fn up_to_rounds(rounds: u32) -> Result<Self, ConfigError> {
        if rounds < Params::ROUNDS_MIN || rounds > MAX_ROUNDS {
            return Err(ConfigError::ForeignCost(
                "SHA-crypt has 1000 to 5,000,000 rounds",
            ));
        }
        Ok(Self { usual: rounds })
    }
}

impl PasswordVerifier for ShaCrypt {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Some(rounds(hash)?.map(|_| NEXT_TO_NOTHING))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        rounds(hash).ok_or(HashError::Malformed)??;
        let cut = repeatable(password);
        let stored = PasswordHashRef::new(hash.as_str()).map_err(|_| HashError::Malformed)?;
        match sha_crypt::ShaCrypt::default().verify_password(cut, stored) {
            Ok(()) => Ok(cut.len() == password.len()),
            Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(HashError::Malformed),
        }
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(NEXT_TO_NOTHING)
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(|hash| rounds(hash)?.ok()).unwrap_or(0);
        let cut = repeatable(password);
        // Less than 1000 rounds cannot be had, nor told from none.
        if let Ok(params) = Params::new(self.usual.saturating_sub(spent)) {
            std::hint::black_box(sha512_crypt(cut, &[b'.'; 16], params));
        }
        Ok(())
    }
}

/// The rounds of `$5$rounds=535000$salt$hash` or `$6$salt$hash`; `None` for another format.
fn rounds(hash: &PasswordHash) -> Option<Result<u32, HashError>> {
    let text = hash.as_str();
    let (rest, hash_len) = match text.strip_prefix("$5$") {
        Some(rest) => (rest, 43),
        None => (text.strip_prefix("$6$")?, 86),
    };
    Some(match fields(rest) {
        Some((rounds, salt, hash))
            if text.len() <= MAX_LEN && salt.len() <= 16 && hash.len() == hash_len =>
        {
            match rounds {
                0..Params::ROUNDS_MIN => Err(HashError::Malformed),
                rounds if rounds > MAX_ROUNDS => Err(HashError::TooCostly),
                rounds => Ok(rounds),
            }
        }
        _ => Err(HashError::Malformed),
    })
}

fn fields(rest: &str) -> Option<(u32, &str, &str)> {
    let mut fields = rest.split('$');
    let first = fields.next()?;
    let (rounds, salt) = match first.strip_prefix("rounds=") {
        Some(rounds) => (number(rounds)?, fields.next()?),
        None => (DEFAULT_ROUNDS, first),
    };
    let hash = fields.next()?;
    fields.next().is_none().then_some((rounds, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::password::foreign::MAX_REPEATED;
    use sha_crypt::PasswordHasher;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn verifier() -> ShaCrypt {
        ShaCrypt::up_to_rounds(1000).unwrap()
    }

    #[test]
    fn hashes_of_others_are_verified() {
        for (name, hash) in [
            (
                "SHA-256",
                "$5$rounds=1000$a9jveI7hE1lQZa71$U1Y8jsEfF7Op6t8gKU8eTlmhi/uHUlGIPPqj5o0pDw.",
            ),
            (
                "SHA-256, rounds not said",
                "$5$gSEX0TpQ9P.cfnf1$s9wCPZjkGrKZIV9RnuFEgBrnupUA.BjJbpBdHht..16",
            ),
            (
                "SHA-512",
                "$6$rounds=1000$KEB3jcB8ewpdvZ3T$zNiDWTSJd6aHzZcYyrBJxkDvNWVRoGYCyeoQkl6IQODOJBqDotV1N3EZ8FYfkdY7rB36tJ1rl6W5RKMroKh39.",
            ),
            (
                "SHA-512, rounds not said",
                "$6$43oeK/dNNGLci2gM$mm5JY0R6fE3d1dOVz2bWRquO3zklOiW2w4XR3Hmc7rBzeH7xKwCVDjXDl5u/hqASa8GQKFktV50/CBZJmtp9j1",
            ),
        ] {
            let hash = PasswordHash::from(hash);
            assert_eq!(verifier().verify(&hash, PASSWORD), Ok(true), "{name}");
            assert_eq!(verifier().verify(&hash, b"another"), Ok(false), "{name}");
            assert_eq!(verifier().verify(&hash, b""), Ok(false), "{name}");
        }
    }

    #[test]
    fn what_is_malformed_costly_or_foreign_is_told_apart() {
        let tail = "a9jveI7hE1lQZa71$U1Y8jsEfF7Op6t8gKU8eTlmhi/uHUlGIPPqj5o0pDw.";
        let malformed = Some(Err(HashError::Malformed));
        for (name, hash, expected) in [
            (
                "the ceiling",
                format!("$5$rounds=5000000${tail}"),
                Some(Ok(())),
            ),
            (
                "above it",
                format!("$5$rounds=5000001${tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            (
                "the most there is",
                format!("$5$rounds=999999999${tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            ("too few", format!("$5$rounds=999${tail}"), malformed),
            ("a sign", format!("$5$rounds=+5000${tail}"), malformed),
            (
                "the length of the other",
                format!("$6$rounds=5000${tail}"),
                malformed,
            ),
            (
                "one field more",
                format!("$5$rounds=5000${tail}$x"),
                malformed,
            ),
            ("a long salt", format!("$5$x{tail}"), malformed),
            ("no salt and no hash", "$5$".into(), malformed),
            ("MD5", "$1$salt$hash".into(), None),
            ("empty", String::new(), None),
        ] {
            let cost = verifier().cost(&PasswordHash::from(hash));
            assert_eq!(cost.map(|cost| cost.map(drop)), expected, "{name}");
        }
        for rounds in [0, 999, 5_000_001] {
            assert!(ShaCrypt::up_to_rounds(rounds).is_err(), "{rounds}");
        }
    }

    #[test]
    fn a_password_that_is_too_long_is_not_its_beginning() {
        let whole = vec![b'x'; MAX_REPEATED];
        let params = Params::new(1000).unwrap();
        let hasher = sha_crypt::ShaCrypt::new(sha_crypt::Algorithm::Sha256Crypt, params);
        let made = hasher.hash_password_with_salt(&whole, b"salt").unwrap();
        let hash = PasswordHash::from(made.as_str());
        assert_eq!(verifier().verify(&hash, &whole), Ok(true));
        let longer = vec![b'x'; MAX_REPEATED + 1];
        assert_eq!(verifier().verify(&hash, &longer), Ok(false));
    }
}
