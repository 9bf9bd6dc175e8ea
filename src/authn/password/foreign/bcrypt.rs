use super::super::{ConfigError, Cost, HashError, PasswordHash, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use zeroize::Zeroizing;

/// What bcrypt keeps of a password, in bytes.
const MAX_PASSWORD: usize = 72;

/// The most rounds that are taken from a stored hash: about two seconds.
const MAX_COST: u32 = 15;

/// What a hash needs: the Blowfish state.
const MEMORY_KIB: u32 = 5;

/// Verifies bcrypt hashes.
///
/// bcrypt ignores what comes after the 72nd byte of a password, and in C after the first NUL.
/// Here such passwords are refused, after the same work: otherwise whoever knows their
/// beginning gets in (CVE-2025-22228). The formats that hash with SHA-256 before (Django's
/// `bcrypt_sha256`, passlib's `bcrypt-sha256`) have no such limits.
///
/// `$2x$` is not read: it was made by a bug that lets several passwords in.
#[derive(Clone, Copy, Debug)]
pub struct Bcrypt {
    usual: u32,
    takes_long: bool,
}

impl Bcrypt {
    /// Verifies bcrypt hashes, of which the dearest stored ones are of this cost (2^cost
    /// rounds). Hashes up to a cost of 15 are verified, and up to this one.
    ///
    /// # Errors
    /// When the cost is not 4 to 31.
    pub const fn up_to_cost(cost: u32) -> Result<Self, ConfigError> {
        if cost < 4 || cost > 31 {
            return Err(ConfigError::ForeignCost("a bcrypt cost is 4 to 31"));
        }
        Ok(Self {
            usual: cost,
            takes_long: false,
        })
    }

    /// Accepts passwords of more than 72 bytes by their first 72, as the program did that
    /// made the hashes. Whoever knows those gets in with whatever follows.
    #[must_use]
    pub const fn dangerous_accept_truncated_passwords(mut self) -> Self {
        self.takes_long = true;
        self
    }

    fn read(self, hash: &PasswordHash) -> Option<Result<Stored, HashError>> {
        let stored = Stored::parse(hash.as_str())?;
        Some(stored.and_then(|stored| match stored.cost {
            0..4 => Err(HashError::Malformed),
            cost if cost > MAX_COST.max(self.usual) => Err(HashError::TooCostly),
            _ => Ok(stored),
        }))
    }
}

impl PasswordVerifier for Bcrypt {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Some(self.read(hash)?.map(|_| Cost::new(MEMORY_KIB, 1)))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let stored = self.read(hash).ok_or(HashError::Malformed)??;
        let password = stored.form.prepare(password, &stored.text);
        let cut = password.get(..MAX_PASSWORD).unwrap_or(&password);
        let is_whole = cut.len() == password.len() || self.takes_long;
        let is_equal = bcrypt::verify(cut, &stored.text).map_err(|_| HashError::Malformed)?;
        Ok(is_equal && is_whole && !cut.contains(&0))
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(Cost::new(MEMORY_KIB, 1))
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(|hash| self.read(hash)?.ok());
        let cut = password.get(..MAX_PASSWORD).unwrap_or(password);
        // 2^a and 2^a and 2^(a+1) and so on until 2^(b-1) are 2^b rounds together.
        let costs = match spent {
            None => self.usual..self.usual.saturating_add(1),
            Some(stored) => stored.cost..self.usual,
        };
        for cost in costs {
            let made = bcrypt::hash_with_salt(cut, cost, [0; 16]);
            std::hint::black_box(&made)
                .as_ref()
                .map_err(|_| HashError::Malformed)?;
        }
        Ok(())
    }
}

/// What is done to a password before bcrypt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// SHA-256, in hexadecimal.
    Django,
    /// SHA-256, in base64.
    Passlib1,
    /// HMAC-SHA-256 with the salt as key, in base64.
    Passlib2,
}

struct Stored {
    form: Form,
    cost: u32,
    /// `$2b$04$` and so on.
    text: String,
}

impl Stored {
    /// `None` for what is of no form of bcrypt.
    fn parse(text: &str) -> Option<Result<Self, HashError>> {
        let (form, text) = if let Some(text) = text.strip_prefix("bcrypt$") {
            (Form::Plain, text.to_owned())
        } else if let Some(text) = text.strip_prefix("bcrypt_sha256$") {
            (Form::Django, text.to_owned())
        } else if let Some(text) = text.strip_prefix("$bcrypt-sha256$") {
            match passlib(text) {
                Some(found) => found,
                None => return Some(Err(HashError::Malformed)),
            }
        } else if ["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|id| text.starts_with(id))
        {
            (Form::Plain, text.to_owned())
        } else {
            return None;
        };
        let is_bug = text.starts_with("$2x$");
        let cost = text.as_bytes().get(4..6).unwrap_or_default();
        let is_sound = !is_bug && cost.iter().all(u8::is_ascii_digit);
        let parts: Result<HashParts, _> = text.parse();
        Some(match parts {
            Ok(parts) if is_sound => Ok(Self {
                form,
                cost: parts.get_cost(),
                text,
            }),
            _ => Err(HashError::Malformed),
        })
    }
}

/// Reads `v=2,t=2b,r=12$salt$hash` or, of the first version, `2b,12$salt$hash`.
fn passlib(text: &str) -> Option<(Form, String)> {
    let (parameters, rest) = text.split_once('$')?;
    let (salt, hash) = rest.split_once('$')?;
    let (form, id, cost) = match parameters.strip_prefix("v=2,t=") {
        Some(parameters) => {
            let (id, cost) = parameters.split_once(",r=")?;
            (Form::Passlib2, id, cost)
        }
        None => {
            let (id, cost) = parameters.split_once(',')?;
            (Form::Passlib1, id, cost)
        }
    };
    let cost: u32 = super::text::number(cost)?;
    Some((form, format!("${id}${cost:02}${salt}{hash}")))
}

impl Form {
    fn prepare(self, password: &[u8], hash: &str) -> Zeroizing<Vec<u8>> {
        let digest = || Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
        Zeroizing::new(match self {
            Self::Plain => password.to_vec(),
            Self::Django => {
                let mut text = String::with_capacity(64);
                for byte in *digest() {
                    // Writing to a string does not fail.
                    let _written = write!(text, "{byte:02x}");
                }
                text.into_bytes()
            }
            Self::Passlib1 => STANDARD.encode(*digest()).into_bytes(),
            Self::Passlib2 => {
                let salt = hash.get(7..29).unwrap_or_default();
                let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes());
                let tag = mac.map(|mac| mac.chain_update(password).finalize().into_bytes());
                tag.map(|tag| STANDARD.encode(tag).into_bytes())
                    .unwrap_or_default()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn verify(hash: &str, password: &[u8]) -> Result<bool, HashError> {
        let bcrypt = Bcrypt::up_to_cost(4).unwrap();
        bcrypt.verify(&PasswordHash::from(hash), password)
    }

    #[test]
    fn hashes_of_others_are_verified() {
        for (name, hash) in [
            (
                "2a",
                "$2a$04$4MIvkVjI9EQ.fHxJV8dFf.J4eNq240UDwfIQb/b8XkKSXChriz3Vq",
            ),
            (
                "2b",
                "$2b$04$hv82QC3rhmxu3eVWb90zQebslWUPmmCCX0RRIK0G0eTSzbDeg9ctK",
            ),
            (
                "2y",
                "$2y$04$5OCmas6W.FWEAFStQJW6DOkb3X805O2iXkVwCWTaO6FXDzo2GuHn2",
            ),
            (
                "Django",
                "bcrypt$$2b$04$1RJMVucgiwSU66/SSpPQEeJyBUPdBpN.IQ0eDVnh//C9C4YIX0Xwe",
            ),
            (
                "Django, SHA-256",
                "bcrypt_sha256$$2b$04$LfZiQ1obsbWzYykwl.TdOeKENeKwQlHM3lvUDnWiWgpCjME1rPLH2",
            ),
            (
                "passlib, version 2",
                "$bcrypt-sha256$v=2,t=2b,r=4$ko0L16PHpgvAaFIsFlop5.$.AGTrFAz4KjFJKXi27bMf5WFOqDUFJO",
            ),
            (
                "passlib, version 1",
                "$bcrypt-sha256$2b,4$6qHeT1C.xKvldPcppHIsFO$JaalAJwYHesJluEx1ZIE4VWyshc/7DK",
            ),
        ] {
            assert_eq!(verify(hash, PASSWORD), Ok(true), "{name}");
            assert_eq!(verify(hash, b"another"), Ok(false), "{name}");
            assert_eq!(verify(hash, b""), Ok(false), "{name}");
        }
    }

    #[test]
    fn the_beginning_of_a_password_is_not_the_password() {
        let of_72 = "$2b$04$H9yK697ERpHgaQKx/98X2OWf13hguMLdEXBCJKMTLBwbgvpURnYE6";
        let of_80 = "$2b$04$exEcF/B0NuqrMGVRtlRalOir3cP3gGMvkNezF0JPe70tZoNuxXbb6";
        let x = |count| vec![b'x'; count];
        for (name, hash, password, expected) in [
            ("whole", of_72, x(72), true),
            ("one more", of_72, x(73), false),
            ("one less", of_72, x(71), false),
            ("made of more than there is room for", of_80, x(80), false),
            ("its beginning", of_80, x(72), true),
        ] {
            assert_eq!(verify(hash, &password), Ok(expected), "{name}");
        }
        let lenient = Bcrypt::up_to_cost(4).unwrap();
        let lenient = lenient.dangerous_accept_truncated_passwords();
        assert_eq!(lenient.verify(&of_80.into(), &x(80)), Ok(true));
        assert_eq!(lenient.verify(&of_80.into(), &x(71)), Ok(false));
    }

    #[test]
    fn nothing_hides_behind_a_nul() {
        // Of the empty password, which a NUL ends.
        let hash = bcrypt::hash_with_salt(b"", 4, [1; 16]).unwrap().to_string();
        for password in [b"\0".as_slice(), b"\0\0", b"\0rest"] {
            assert_eq!(verify(&hash, password), Ok(false), "{password:?}");
        }
    }

    #[test]
    fn what_is_malformed_costly_or_foreign_is_told_apart() {
        let tail = "hv82QC3rhmxu3eVWb90zQebslWUPmmCCX0RRIK0G0eTSzbDeg9ctK";
        let bcrypt = Bcrypt::up_to_cost(4).unwrap();
        for (name, hash, expected) in [
            ("good", format!("$2b$04${tail}"), Some(Ok(()))),
            ("the ceiling", format!("$2b$15${tail}"), Some(Ok(()))),
            (
                "above it",
                format!("$2b$16${tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            (
                "the highest",
                format!("$2b$31${tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            (
                "no such cost",
                format!("$2b$99${tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            (
                "too low",
                format!("$2b$03${tail}"),
                Some(Err(HashError::Malformed)),
            ),
            (
                "a sign",
                format!("$2b$+4${tail}"),
                Some(Err(HashError::Malformed)),
            ),
            (
                "cut",
                format!("$2b$04${}", &tail[1..]),
                Some(Err(HashError::Malformed)),
            ),
            (
                "longer",
                format!("$2b$04${tail}x"),
                Some(Err(HashError::Malformed)),
            ),
            (
                "not ASCII",
                format!("$2b$04${}é", &tail[2..]),
                Some(Err(HashError::Malformed)),
            ),
            ("the bug", format!("$2x$04${tail}"), None),
            (
                "the bug, in Django",
                format!("bcrypt$$2x$04${tail}"),
                Some(Err(HashError::Malformed)),
            ),
            (
                "the bug, in passlib",
                format!("$bcrypt-sha256$2x,4${}${}", &tail[..22], &tail[22..]),
                Some(Err(HashError::Malformed)),
            ),
            (
                "nothing",
                "$bcrypt-sha256$".into(),
                Some(Err(HashError::Malformed)),
            ),
            ("another format", "$6$x$y".into(), None),
            ("empty", String::new(), None),
        ] {
            let cost = bcrypt.cost(&PasswordHash::from(hash));
            assert_eq!(cost.map(|cost| cost.map(drop)), expected, "{name}");
        }
        for cost in [0, 3, 32] {
            assert!(Bcrypt::up_to_cost(cost).is_err(), "{cost}");
        }
    }
}
