use super::super::{ConfigError, Cost, HashError, PasswordHash, PasswordVerifier};
use super::{NEXT_TO_NOTHING, repeatable};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The digits of phpass, from 0 up.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The most rounds that are taken from a stored hash, as a power of two: a second or two.
const MAX_COST: u32 = 20;

/// Verifies the portable hashes of phpass: `$P$` of WordPress (before 6.8) and `$H$` of phpBB.
///
/// They are salted MD5 of many rounds, which is little in the way of who guesses: have them
/// replaced soon. Each round takes the password in, so that one of more than 512 bytes is
/// refused, after the work of one of that length (CVE-2014-9034).
#[derive(Clone, Copy, Debug)]
pub struct Phpass {
    usual: u32,
}

impl Phpass {
    /// Verifies phpass hashes, of which the dearest stored ones have this cost: 2^cost rounds,
    /// 13 for WordPress. Hashes up to a cost of 20 are verified.
    ///
    /// # Errors
    /// When the cost is not 7 to 20.
    pub const fn up_to_cost(cost: u32) -> Result<Self, ConfigError> {
        if cost < 7 || cost > MAX_COST {
            return Err(ConfigError::ForeignCost("a phpass cost is 7 to 20"));
        }
        Ok(Self { usual: cost })
    }
}

impl PasswordVerifier for Phpass {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Some(Stored::read(hash)?.map(|_| NEXT_TO_NOTHING))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let stored = Stored::read(hash).ok_or(HashError::Malformed)??;
        let cut = repeatable(password);
        let made = encode(stretch(cut, stored.salt, 1 << stored.cost));
        let is_equal: bool = made.ct_eq(stored.hash).into();
        Ok(is_equal && cut.len() == password.len())
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(NEXT_TO_NOTHING)
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(|hash| Stored::read(hash)?.ok());
        let spent = spent.map_or(0, |stored| 1_u32 << stored.cost);
        let cut = repeatable(password);
        let missing = (1_u32 << self.usual).saturating_sub(spent);
        std::hint::black_box(stretch(cut, &[0; 8], missing));
        Ok(())
    }
}

struct Stored<'a> {
    cost: u32,
    salt: &'a [u8],
    hash: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Reads `$P$`, a digit of the cost, eight characters of salt and 22 of hash; `None` for
    /// another format.
    fn read(hash: &'a PasswordHash) -> Option<Result<Self, HashError>> {
        let text = hash.as_str();
        let rest = text
            .strip_prefix("$P$")
            .or_else(|| text.strip_prefix("$H$"))?;
        Some(
            Self::parse(rest.as_bytes())
                .ok_or(HashError::Malformed)
                .and_then(|stored| match stored.cost {
                    0..7 | 31.. => Err(HashError::Malformed),
                    cost if cost > MAX_COST => Err(HashError::TooCostly),
                    _ => Ok(stored),
                }),
        )
    }

    fn parse(rest: &'a [u8]) -> Option<Self> {
        let (digit, rest) = rest.split_first()?;
        let (salt, hash) = rest.split_at_checked(8)?;
        let cost = DIGITS.iter().position(|known| known == digit)?;
        (hash.len() == 22).then_some(Self {
            cost: u32::try_from(cost).ok()?,
            salt,
            hash,
        })
    }
}

fn stretch(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 16] {
    let first = Md5::new().chain_update(salt).chain_update(password);
    (0..rounds).fold(first.finalize().into(), |hash: [u8; 16], _| {
        let next = Md5::new().chain_update(hash).chain_update(password);
        next.finalize().into()
    })
}

/// Six bits a digit, the lowest first.
fn encode(hash: [u8; 16]) -> [u8; 22] {
    let number = u128::from_le_bytes(hash);
    // Groups of three bytes are four digits; sixteen bytes make five groups and two digits.
    std::array::from_fn(|n| {
        let group = number >> (24 * (n / 4)) & 0xFF_FFFF;
        let digit = (group >> (6 * (n % 4)) & 0x3F) as usize;
        DIGITS.get(digit).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::password::foreign::MAX_REPEATED;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn verifier() -> Phpass {
        Phpass::up_to_cost(7).unwrap()
    }

    #[test]
    fn hashes_of_others_are_verified() {
        for (name, hash) in [
            ("P", "$P$50P8GDyvtcsHqKWEj6UmfIpQnR9BiE0"),
            ("H", "$H$5kKEr3p9kSNTNzA6PpnaMfYKcpRIry0"),
        ] {
            let hash = PasswordHash::from(hash);
            assert_eq!(verifier().verify(&hash, PASSWORD), Ok(true), "{name}");
            assert_eq!(verifier().verify(&hash, b"another"), Ok(false), "{name}");
            assert_eq!(verifier().verify(&hash, b""), Ok(false), "{name}");
        }
    }

    #[test]
    fn what_is_malformed_costly_or_foreign_is_told_apart() {
        let tail = "0P8GDyvtcsHqKWEj6UmfIpQnR9BiE0";
        let malformed = Some(Err(HashError::Malformed));
        for (name, hash, expected) in [
            ("the ceiling", format!("$P$I{tail}"), Some(Ok(()))),
            (
                "above it",
                format!("$P$J{tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            (
                "the highest",
                format!("$P$S{tail}"),
                Some(Err(HashError::TooCostly)),
            ),
            ("no such cost", format!("$P$z{tail}"), malformed),
            ("too low", format!("$P$4{tail}"), malformed),
            ("no digit", format!("$P$!{tail}"), malformed),
            ("cut", "$P$50P8GDyvtcsHqKWEj6UmfIpQnR9BiE".into(), malformed),
            ("longer", format!("$P$5{tail}x"), malformed),
            ("nothing", "$P$".into(), malformed),
            ("another format", "$6$x$y".into(), None),
            ("empty", String::new(), None),
        ] {
            let cost = verifier().cost(&PasswordHash::from(hash));
            assert_eq!(cost.map(|cost| cost.map(drop)), expected, "{name}");
        }
        for cost in [0, 6, 21] {
            assert!(Phpass::up_to_cost(cost).is_err(), "{cost}");
        }
    }

    #[test]
    fn a_password_that_is_too_long_is_not_its_beginning() {
        let whole = vec![b'x'; MAX_REPEATED];
        let made = encode(stretch(&whole, b"saltsalt", 1 << 7));
        let text = format!("$P$5saltsalt{}", std::str::from_utf8(&made).unwrap());
        let hash = PasswordHash::from(text);
        assert_eq!(verifier().verify(&hash, &whole), Ok(true));
        let longer = vec![b'x'; MAX_REPEATED + 1];
        assert_eq!(verifier().verify(&hash, &longer), Ok(false));
    }
}
