use super::super::{ConfigError, Cost, HashError, PasswordHash, PasswordVerifier};
use super::text::{number, unhex};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The most memory that a stored hash may ask for, KiB: 256 MiB.
const MEMORY_CEILING_KIB: u64 = 256 * 1024;

/// The most blocks of 128 bytes that are filled: some 1 GiB, a second or two.
const WORK_CEILING: u64 = 1 << 23;

/// Outputs of 80 bits at least, and no longer than anybody makes them.
const OUTPUT: std::ops::RangeInclusive<usize> = 10..=128;

/// Verifies scrypt hashes (RFC 7914) as several programs write them:
///
/// - `$scrypt$ln=16,r=8,p=1$salt$hash`, the PHC string, also of passlib,
/// - `scrypt$16384$salt$8$5$hash`, Django,
/// - `scrypt:32768:8:1$salt$hash`, Werkzeug.
#[derive(Clone, Copy, Debug)]
pub struct Scrypt {
    usual: Parameters,
}

impl Scrypt {
    /// Verifies scrypt hashes, of which the dearest stored ones have these parameters: the
    /// logarithm of N to base 2, the block size r, the parallelism p. Hashes that take up to
    /// 256 MiB and fill up to 1 GiB are verified.
    ///
    /// # Errors
    /// When scrypt does not know such parameters, or they are above that.
    pub const fn up_to(log_n: u8, r: u32, p: u32) -> Result<Self, ConfigError> {
        let usual = Parameters { log_n, r, p };
        match usual.check() {
            Ok(()) => Ok(Self { usual }),
            Err(_) => Err(ConfigError::ForeignCost(
                "scrypt takes up to 256 MiB, which is 128 * N * r bytes, and fills up to 1 GiB",
            )),
        }
    }
}

impl PasswordVerifier for Scrypt {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Some(Stored::read(hash)?.map(|stored| stored.parameters.cost()))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let stored = Stored::read(hash).ok_or(HashError::Malformed)??;
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        stored
            .parameters
            .derive(password, &stored.salt, &mut output)?;
        Ok(output.ct_eq(&stored.output).into())
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(self.usual.cost())
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(|hash| Stored::read(hash)?.ok());
        let spent = spent.map_or(0, |stored| stored.parameters.work());
        let mut missing = self.usual.work().saturating_sub(spent);
        let mut output = Zeroizing::new([0; 32]);
        if missing == self.usual.work() {
            return self.usual.derive(password, &[0; 16], &mut *output);
        }
        // By powers of two, each at most once, down to what nobody can measure.
        let lane = Parameters { p: 1, ..self.usual };
        for log_n in (1..=self.usual.log_n).rev() {
            let part = Parameters { log_n, ..lane };
            while missing >= part.work() && part.work() >= 1 << 10 {
                part.derive(password, &[0; 16], &mut *output)?;
                missing -= part.work();
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parameters {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Parameters {
    const fn check(self) -> Result<(), HashError> {
        if self.log_n == 0 || self.r == 0 || self.p == 0 {
            return Err(HashError::Malformed);
        }
        if self.log_n > 30 || self.r > 1 << 20 || self.p > 1 << 20 {
            return Err(HashError::TooCostly);
        }
        if self.memory_kib() > MEMORY_CEILING_KIB || self.work() > WORK_CEILING {
            return Err(HashError::TooCostly);
        }
        Ok(())
    }

    /// With numbers as small as `check` lets them be, nothing overflows.
    const fn memory_kib(self) -> u64 {
        let lanes = (1_u64 << self.log_n) + self.p as u64;
        (lanes * self.r as u64).div_ceil(8)
    }

    const fn work(self) -> u64 {
        (1_u64 << self.log_n) * self.r as u64 * self.p as u64
    }

    fn cost(self) -> Cost {
        Cost::new(u32::try_from(self.memory_kib()).unwrap_or(u32::MAX), 1)
    }

    fn derive(self, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), HashError> {
        let params = Params::new(self.log_n, self.r, self.p).map_err(|_| HashError::Malformed)?;
        scrypt(password, salt, &params, output).map_err(|_| HashError::Malformed)?;
        std::hint::black_box(&output);
        Ok(())
    }
}

struct Stored {
    parameters: Parameters,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// `None` for what is of no such form.
    fn read(hash: &PasswordHash) -> Option<Result<Self, HashError>> {
        let text = hash.as_str();
        let parsed = if let Some(rest) = text.strip_prefix("$scrypt$") {
            phc(rest)
        } else if let Some(rest) = text.strip_prefix("scrypt$") {
            django(rest)
        } else if let Some(rest) = text.strip_prefix("scrypt:") {
            werkzeug(rest)
        } else {
            return None;
        };
        Some(parsed.map_or(Err(HashError::Malformed), |stored| {
            stored.parameters.check()?;
            match OUTPUT.contains(&stored.output.len()) {
                true => Ok(stored),
                false => Err(HashError::Malformed),
            }
        }))
    }
}

/// `ln=16,r=8,p=1$salt$hash`.
fn phc(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let mut parameters = fields.next()?.split(',');
    let mut parameter = |name| parameters.next()?.strip_prefix(name);
    let (log_n, r, p) = (parameter("ln=")?, parameter("r=")?, parameter("p=")?);
    let [salt, output] = [fields.next()?, fields.next()?];
    let is_all = parameters.next().is_none() && fields.next().is_none();
    is_all.then_some(Stored {
        parameters: Parameters {
            log_n: number(log_n)?,
            r: number(r)?,
            p: number(p)?,
        },
        salt: STANDARD_NO_PAD.decode(salt).ok()?,
        output: STANDARD_NO_PAD.decode(output).ok()?,
    })
}

/// `16384$salt$8$5$hash`: the salt is text.
fn django(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let [n, salt, r, p, output] = std::array::from_fn(|_| fields.next());
    let parameters = parameters(n?, r?, p?)?;
    fields.next().is_none().then_some(Stored {
        parameters,
        salt: salt?.as_bytes().to_vec(),
        output: STANDARD.decode(output?).ok()?,
    })
}

/// `32768:8:1$salt$hash`: the salt is text, the hash hexadecimal.
fn werkzeug(rest: &str) -> Option<Stored> {
    let mut fields = rest.split('$');
    let mut numbers = fields.next()?.split(':');
    let [n, r, p] = std::array::from_fn(|_| numbers.next());
    let [salt, output] = [fields.next()?, fields.next()?];
    let is_all = numbers.next().is_none() && fields.next().is_none();
    is_all.then_some(Stored {
        parameters: parameters(n?, r?, p?)?,
        salt: salt.as_bytes().to_vec(),
        output: unhex(output)?,
    })
}

/// With N itself, which has to be a power of two.
fn parameters(n: &str, r: &str, p: &str) -> Option<Parameters> {
    let n: u64 = number(n)?;
    let log_n = n.checked_ilog2().filter(|_| n.is_power_of_two())?;
    Some(Parameters {
        log_n: u8::try_from(log_n).ok()?,
        r: number(r)?,
        p: number(p)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn verifier() -> Scrypt {
        Scrypt::up_to(10, 8, 1).unwrap()
    }

    #[test]
    fn hashes_of_others_are_verified() {
        for (name, hash) in [
            (
                "passlib",
                "$scrypt$ln=4,r=8,p=1$RqjV+l8rBaC09n7POed8jw$uxtcjz/zXdRWkaC3xUuGZ5Mj4pgRXlexo+o79KqvxpU",
            ),
            (
                "passlib, two lanes",
                "$scrypt$ln=4,r=4,p=2$pzTGeO+9dw4hJASAkLK2dg$oT/QFitm4aL9fgEmUOYVe3mY52nrN+hv5ECTcJNvg+s",
            ),
            (
                "Django",
                "scrypt$16$WOGGiVgGRU79sAKViL0IQp$8$1$skJO0g6QGkhMnCqk0/THwHHRA/nHAq08tuiWv3aFHvCsCi7DWbIXVajJzZc5a3I85joyIpk36u908QMd7Mt0bQ==",
            ),
            (
                "Werkzeug",
                "scrypt:1024:8:1$SRcCRoLe2ivEyKzD$17f3ddfd46a0f9419c2e0e43e92d8c1e90718c8afe2e6c1056036685262d65970cb72e9cbf4fa1cc1f886028a73755126b17558a9aef484ed37b2a8a23276cb3",
            ),
        ] {
            let hash = PasswordHash::from(hash);
            assert_eq!(verifier().verify(&hash, PASSWORD), Ok(true), "{name}");
            assert_eq!(verifier().verify(&hash, b"another"), Ok(false), "{name}");
            assert_eq!(verifier().verify(&hash, b""), Ok(false), "{name}");
            assert_eq!(verifier().level(PASSWORD, Some(&hash)), Ok(()), "{name}");
        }
        assert_eq!(verifier().level(PASSWORD, None), Ok(()));
    }

    #[test]
    fn what_is_malformed_costly_or_foreign_is_told_apart() {
        let tail = "RqjV+l8rBaC09n7POed8jw$uxtcjz/zXdRWkaC3xUuGZ5Mj4pgRXlexo+o79KqvxpU";
        let malformed = Some(Err(HashError::Malformed));
        let costly = Some(Err(HashError::TooCostly));
        for (name, hash, expected) in [
            (
                "the usual",
                format!("$scrypt$ln=17,r=8,p=1${tail}"),
                Some(Ok(())),
            ),
            (
                "much memory",
                format!("$scrypt$ln=19,r=8,p=1${tail}"),
                costly,
            ),
            (
                "much work",
                format!("$scrypt$ln=17,r=8,p=16${tail}"),
                costly,
            ),
            (
                "many lanes",
                format!("$scrypt$ln=1,r=8,p=1048576${tail}"),
                costly,
            ),
            (
                "the largest numbers",
                format!("$scrypt$ln=255,r=4294967295,p=4294967295${tail}"),
                costly,
            ),
            ("no N", format!("$scrypt$ln=0,r=8,p=1${tail}"), malformed),
            (
                "no block",
                format!("$scrypt$ln=4,r=0,p=1${tail}"),
                malformed,
            ),
            ("no lane", format!("$scrypt$ln=4,r=8,p=0${tail}"), malformed),
            (
                "another order",
                format!("$scrypt$r=8,ln=4,p=1${tail}"),
                malformed,
            ),
            (
                "one field more",
                format!("$scrypt$ln=4,r=8,p=1${tail}$x"),
                malformed,
            ),
            (
                "no power of two",
                "scrypt:1000:8:1$s$00112233445566778899".into(),
                malformed,
            ),
            (
                "N of none",
                "scrypt:0:8:1$s$00112233445566778899".into(),
                malformed,
            ),
            (
                "a short output",
                "scrypt:1024:8:1$s$001122".into(),
                malformed,
            ),
            ("Django, cut", "scrypt$16$salt$8$1".into(), malformed),
            ("another format", "$6$x$y".into(), None),
            ("empty", String::new(), None),
        ] {
            let cost = verifier().cost(&PasswordHash::from(hash));
            assert_eq!(cost.map(|cost| cost.map(drop)), expected, "{name}");
        }
        assert!(Scrypt::up_to(0, 8, 1).is_err());
        assert!(Scrypt::up_to(19, 8, 1).is_err());
    }
}
