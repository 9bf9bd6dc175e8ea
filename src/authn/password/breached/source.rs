use super::BreachError;
use sha1::{Digest, Sha1};
use std::fmt;
use std::pin::Pin;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How often a password was seen, to come.
pub type BreachAnswer = Pin<Box<dyn Future<Output = Result<u64, BreachError>> + Send>>;

/// Knows passwords that were seen in breaches, by their hashes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know breached passwords",
    note = "implement `portcullis::authn::password::breached::BreachSource`, or use `BreachSet`, `BreachFile` or `BreachRange`"
)]
pub trait BreachSource: fmt::Debug + Send + Sync + 'static {
    /// How often the password of this hash was seen; zero when it was not.
    fn times(&self, digest: BreachDigest) -> BreachAnswer;
}

/// The SHA-1 of a password: what lists of breached passwords are made of. It protects nothing,
/// so it is wiped and not printed.
#[derive(Clone)]
pub struct BreachDigest(Zeroizing<[u8; 20]>);

impl BreachDigest {
    /// The digest of this text.
    #[must_use]
    pub fn of(password: &str) -> Self {
        Self(Zeroizing::new(Sha1::digest(password.as_bytes()).into()))
    }

    /// The digest itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; 20] {
        &self.0
    }

    /// The digest in upper-case hex, as the lists have it.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
        ];
        let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
        let mut hex = Zeroizing::new(String::with_capacity(40));
        for byte in *self.0 {
            hex.push(digit(byte >> 4));
            hex.push(digit(byte & 15));
        }
        hex
    }
}

impl PartialEq for BreachDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for BreachDigest {}

impl fmt::Debug for BreachDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreachDigest([redacted])")
    }
}

/// A digest in hex of 40 digits, of either case.
pub(super) fn parse(hex: &[u8]) -> Option<[u8; 20]> {
    let mut digest = [0; 20];
    if hex.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(high)? << 4 | value(low)?).ok()?;
    }
    Some(digest)
}

/// What stands in a line of a list: a hash of so many digits, and how often, once where that is
/// left out.
pub(super) fn parse_line(line: &[u8], digits: usize) -> Option<(&[u8], u64)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (hash, rest) = line.split_at_checked(digits)?;
    if !hash.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let Some((b':', count)) = rest.split_first() else {
        return rest.is_empty().then_some((hash, 1));
    };
    if count.is_empty() || !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let times = str::from_utf8(count).ok()?.parse().unwrap_or(u64::MAX);
    Some((hash, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_password() {
        let digest = BreachDigest::of("password");
        let hex = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
        assert_eq!(*digest.to_hex(), hex);
        assert_eq!(parse(hex.as_bytes()).unwrap(), *digest.expose());
        assert_eq!(
            parse(hex.to_lowercase().as_bytes()).unwrap(),
            *digest.expose()
        );
        assert_eq!(format!("{digest:?}"), "BreachDigest([redacted])");
    }

    #[test]
    fn lines_of_lists() {
        for (line, expected) in [
            ("0aF", Some(("0aF", 1))),
            ("0AF:12", Some(("0AF", 12))),
            ("0AF:12\r", Some(("0AF", 12))),
            ("0AF:0", Some(("0AF", 0))),
            ("0AF:99999999999999999999999", Some(("0AF", u64::MAX))),
            ("0AF:", None),
            ("0AF:-1", None),
            ("0AF: 1", None),
            ("0AF 1", None),
            ("0AFF", None),
            ("0A", None),
            ("0AG:1", None),
            ("", None),
            ("\r", None),
        ] {
            let found = parse_line(line.as_bytes(), 3);
            let expected = expected.map(|(hash, times): (&str, u64)| (hash.as_bytes(), times));
            assert_eq!(found, expected, "{line:?}");
        }
    }
}
