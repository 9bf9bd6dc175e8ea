use super::super::{ConfigError, Cost, HashError, PasswordHash, PasswordVerifier};
use super::NEXT_TO_NOTHING;
use super::text::{number, unhex};
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The most rounds that are taken from a stored hash: some seconds.
const MAX_ROUNDS: u64 = 10_000_000;

/// Outputs of 80 bits at least, and no longer than anybody makes them.
const OUTPUT: std::ops::RangeInclusive<usize> = 10..=128;

/// The hash inside of PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pbkdf2Digest {
    /// SHA-1, of old programs.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Pbkdf2Digest {
    fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn derive(self, password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, rounds, output),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, rounds, output),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, rounds, output),
        }
    }
}

/// Verifies PBKDF2 hashes (RFC 8018 section 5.2) as several programs write them:
///
/// - `$pbkdf2-sha256$i=600000,l=32$salt$hash`, the PHC string,
/// - `$pbkdf2-sha256$29000$salt$hash` and `$pbkdf2$29000$salt$hash`, passlib,
/// - `pbkdf2_sha256$600000$salt$hash` and `pbkdf2_sha1$…`, Django,
/// - `pbkdf2:sha256:600000$salt$hash`, Werkzeug,
/// - base64 that begins with a byte of 0 or 1, ASP.NET Core Identity 2 and 3.
#[derive(Clone, Copy, Debug)]
pub struct Pbkdf2 {
    digest: Pbkdf2Digest,
    usual: u32,
}

impl Pbkdf2 {
    /// Verifies PBKDF2 hashes, of which the dearest stored ones are of this digest and this
    /// many rounds. Hashes up to 10,000,000 rounds are verified.
    ///
    /// # Errors
    /// When there are no rounds, or more.
    pub const fn up_to_rounds(digest: Pbkdf2Digest, rounds: u32) -> Result<Self, ConfigError> {
        if rounds == 0 || rounds as u64 > MAX_ROUNDS {
            return Err(ConfigError::ForeignCost(
                "PBKDF2 has 1 to 10,000,000 rounds",
            ));
        }
        Ok(Self {
            digest,
            usual: rounds,
        })
    }
}

impl PasswordVerifier for Pbkdf2 {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Some(Stored::read(hash)?.map(|_| NEXT_TO_NOTHING))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let stored = Stored::read(hash).ok_or(HashError::Malformed)??;
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        let Stored { digest, rounds, .. } = stored;
        digest.derive(password, &stored.salt, rounds, &mut output);
        Ok(output.ct_eq(&stored.output).into())
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(NEXT_TO_NOTHING)
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(|hash| Stored::read(hash)?.ok());
        let spent = spent.map_or(0, |stored| stored.work());
        let missing = u64::from(self.usual).saturating_sub(spent);
        let mut output = Zeroizing::new([0; 64]);
        let output = output
            .get_mut(..self.digest.output_len())
            .unwrap_or_default();
        if let Ok(rounds @ 1..) = u32::try_from(missing) {
            self.digest.derive(password, &[0; 16], rounds, output);
            std::hint::black_box(&output);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stored {
    digest: Pbkdf2Digest,
    rounds: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// `None` for what is of no such form.
    fn read(hash: &PasswordHash) -> Option<Result<Self, HashError>> {
        let text = hash.as_str();
        let parsed = if let Some(rest) = text.strip_prefix("$pbkdf2") {
            dollars(rest)
        } else if let Some(rest) = text.strip_prefix("pbkdf2_") {
            django(rest)
        } else if let Some(rest) = text.strip_prefix("pbkdf2:") {
            werkzeug(rest)
        } else if text.starts_with("AQAAAA") {
            identity_3(text)
        } else if text.starts_with('A') && text.len() == 68 {
            identity_2(text)
        } else {
            return None;
        };
        Some(parsed.map_or(Err(HashError::Malformed), Self::checked))
    }

    fn checked(self) -> Result<Self, HashError> {
        if self.rounds == 0 || !OUTPUT.contains(&self.output.len()) {
            return Err(HashError::Malformed);
        }
        match self.work() {
            0..=MAX_ROUNDS => Ok(self),
            _ => Err(HashError::TooCostly),
        }
    }

    /// Rounds for each part of the output.
    fn work(&self) -> u64 {
        let parts = self.output.len().div_ceil(self.digest.output_len());
        u64::from(self.rounds).saturating_mul(parts as u64)
    }
}

/// passlib's base64 has a dot for the plus sign.
const DOTTED: Option<GeneralPurpose> = dotted();

const fn dotted() -> Option<GeneralPurpose> {
    let text = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";
    match base64::alphabet::Alphabet::new(text) {
        Ok(alphabet) => Some(GeneralPurpose::new(&alphabet, NO_PAD)),
        Err(_) => None,
    }
}

/// `-sha256$i=600000,l=32$salt$hash`, or with bare rounds and dots.
fn dollars(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let digest = match fields.next()? {
        "" => Pbkdf2Digest::Sha1,
        name => Pbkdf2Digest::named(name.strip_prefix('-')?)?,
    };
    let [parameters, salt, output] = [fields.next()?, fields.next()?, fields.next()?];
    if fields.next().is_some() {
        return None;
    }
    let Some(parameters) = parameters.strip_prefix("i=") else {
        let decode = |text: &str| DOTTED?.decode(text).ok();
        return Some(Stored {
            digest,
            rounds: number(parameters)?,
            salt: decode(salt)?,
            output: decode(output)?,
        });
    };
    let (rounds, len) = match parameters.split_once(",l=") {
        Some((rounds, len)) => (rounds, Some(number::<usize>(len)?)),
        None => (parameters, None),
    };
    let output = STANDARD_NO_PAD.decode(output).ok()?;
    (len.is_none_or(|len| len == output.len())).then_some(Stored {
        digest,
        rounds: number(rounds)?,
        salt: STANDARD_NO_PAD.decode(salt).ok()?,
        output,
    })
}

/// `sha256$600000$salt$hash`: the salt is text.
fn django(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let digest = Pbkdf2Digest::named(fields.next()?)?;
    let rounds = number(fields.next()?)?;
    let [salt, output] = [fields.next()?, fields.next()?];
    fields.next().is_none().then_some(Stored {
        digest,
        rounds,
        salt: salt.as_bytes().to_vec(),
        output: STANDARD.decode(output).ok()?,
    })
}

/// `sha256:600000$salt$hash`: the salt is text, the hash hexadecimal.
fn werkzeug(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let (digest, rounds) = fields.next()?.split_once(':')?;
    let [salt, output] = [fields.next()?, fields.next()?];
    fields.next().is_none().then_some(Stored {
        digest: Pbkdf2Digest::named(digest)?,
        rounds: number(rounds)?,
        salt: salt.as_bytes().to_vec(),
        output: unhex(output)?,
    })
}

/// A byte of 0, the salt, the hash.
fn identity_2(text: &str) -> Option<Stored> {
    let bytes = STANDARD.decode(text).ok()?;
    let (salt, output) = bytes.strip_prefix(&[0])?.split_at_checked(16)?;
    Some(Stored {
        digest: Pbkdf2Digest::Sha1,
        rounds: 1000,
        salt: salt.to_vec(),
        output: output.to_vec(),
    })
}

/// A byte of 1; the digest, the rounds and the length of the salt, of four bytes each; the
/// salt; the hash.
fn identity_3(text: &str) -> Option<Stored> {
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.strip_prefix(&[1])?.split_first_chunk::<12>()?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let [digest, rounds, salt_len] = *numbers else {
        return None;
    };
    let [digest, rounds, salt_len] = [digest, rounds, salt_len].map(u32::from_be_bytes);
    let (salt, output) = rest.split_at_checked(usize::try_from(salt_len).ok()?)?;
    let digest = match digest {
        0 => Pbkdf2Digest::Sha1,
        1 => Pbkdf2Digest::Sha256,
        2 => Pbkdf2Digest::Sha512,
        _ => return None,
    };
    Some(Stored {
        digest,
        rounds,
        salt: salt.to_vec(),
        output: output.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn verifier() -> Pbkdf2 {
        Pbkdf2::up_to_rounds(Pbkdf2Digest::Sha256, 10).unwrap()
    }

    #[test]
    fn hashes_of_others_are_verified() {
        for (name, hash) in [
            (
                "PHC",
                "$pbkdf2-sha256$i=10,l=32$iJGyNgagFMK4dw6hlJISAg$PweT8ns0lYNMXKhMEjnsqlELm1F2kWXLVbmkLrhM3n0",
            ),
            (
                "PHC, no length",
                "$pbkdf2-sha256$i=10$iJGyNgagFMK4dw6hlJISAg$PweT8ns0lYNMXKhMEjnsqlELm1F2kWXLVbmkLrhM3n0",
            ),
            (
                "passlib, SHA-1",
                "$pbkdf2$10$m5OScs6Z8/6/d845h1BKKQ$xy2bzWv0pc7nfuRpE0.VkDeUOuA",
            ),
            (
                "passlib, SHA-256",
                "$pbkdf2-sha256$10$iJGyNgagFMK4dw6hlJISAg$PweT8ns0lYNMXKhMEjnsqlELm1F2kWXLVbmkLrhM3n0",
            ),
            (
                "passlib, SHA-512",
                "$pbkdf2-sha512$10$gHDOmRMihFBqLQVASGntvQ$zSOX6nO6ldxCgoyDzxiJIYnN1Gt5wHausWXVHjn9xxsMBd/NLTJVgEnnwBYIhr5LTldv..tkQ.VDZOgbD35ZuA",
            ),
            (
                "Django",
                "pbkdf2_sha256$10$thbAVgy5N7TMvqVeGhZOhf$xk9DuRxNwZi40LfpkrcHF6m2oZ1TJ1M0s/o2wBBM1Zo=",
            ),
            (
                "Django, SHA-1",
                "pbkdf2_sha1$10$fTEle89JRr4VkYOh075659$pGwFmRis1MYy9tRQQMN8vsCiXNI=",
            ),
            (
                "Werkzeug",
                "pbkdf2:sha256:10$6Kodiw0uq5yh1zI6$cf0ed8081bdc2d86519b3e5aba857aa559584afe2608856a79805eba4d3ec455",
            ),
            (
                "Werkzeug, SHA-512",
                "pbkdf2:sha512:10$yKQRQeNg8uFHEa8o$6353e375c56af36a8e41071c5feca8e79353bd26dd2dbcd96cbcbc12d3f2ba4e14dd6aa7c92f91c9a8c5d35102eb7c7a131ac280b152d382a51058ac0aca2196",
            ),
            (
                "Identity 2",
                "AAABAgMEBQYHCAkKCwwNDg8A6b+Q5v/5gBndnBKiBiA27187WD3zrXpRRPbHcnNx7A==",
            ),
            (
                "Identity 3",
                "AQAAAAEAAAAKAAAAEAABAgMEBQYHCAkKCwwNDg/z48pAC9LWKVp3drO1aui9L/rkO6QqxY/qPolpSvPxog==",
            ),
            (
                "Identity 3, SHA-512",
                "AQAAAAIAAAAKAAAAEAABAgMEBQYHCAkKCwwNDg8ok7vdRse5MoVN4QM0cemedkPeUX+t6qdyQQOvoemAgQ==",
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
        let tail = "iJGyNgagFMK4dw6hlJISAg$PweT8ns0lYNMXKhMEjnsqlELm1F2kWXLVbmkLrhM3n0";
        let malformed = Some(Err(HashError::Malformed));
        let costly = Some(Err(HashError::TooCostly));
        for (name, hash, expected) in [
            ("the ceiling", format!("$pbkdf2-sha256$10000000${tail}"), Some(Ok(()))),
            ("above it", format!("$pbkdf2-sha256$10000001${tail}"), costly),
            ("half, twice as long", "pbkdf2:sha1:6000000$s$".to_owned() + &"00".repeat(40), costly),
            ("no rounds", format!("$pbkdf2-sha256$0${tail}"), malformed),
            ("a sign", format!("$pbkdf2-sha256$+10${tail}"), malformed),
            ("more than 32 bits", format!("$pbkdf2-sha256$4294967296${tail}"), malformed),
            ("another digest", format!("$pbkdf2-md5$10${tail}"), malformed),
            ("another length", format!("$pbkdf2-sha256$i=10,l=31${tail}"), malformed),
            ("one field more", format!("$pbkdf2-sha256$10${tail}$x"), malformed),
            ("no output", "$pbkdf2-sha256$10$iJGyNgagFMK4dw6hlJISAg$".into(), malformed),
            ("a short output", "pbkdf2:sha256:10$s$00112233".into(), malformed),
            ("a long output", "pbkdf2:sha256:10$s$".to_owned() + &"00".repeat(129), malformed),
            ("a salt longer than all", "AQAAAAEAAAAKAAAA/wABAgMEBQYHCAkKCwwNDg8=".into(), malformed),
            ("an unknown digest", "AQAAAAMAAAAKAAAAEAABAgMEBQYHCAkKCwwNDg/z48pAC9LWKVp3drO1aui9L/rkO6QqxY/qPolpSvPxog==".into(), malformed),
            ("another format", "$6$x$y".into(), None),
            ("empty", String::new(), None),
        ] {
            let cost = verifier().cost(&PasswordHash::from(hash));
            assert_eq!(cost.map(|cost| cost.map(drop)), expected, "{name}");
        }
        for rounds in [0, 10_000_001] {
            let made = Pbkdf2::up_to_rounds(Pbkdf2Digest::Sha1, rounds);
            assert!(made.is_err(), "{rounds}");
        }
    }
}
