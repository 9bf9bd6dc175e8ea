use crate::secret::SecretString;
use unicode_normalization::char::is_public_assigned;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// The most characters a policy may allow.
pub(super) const MAX_CHARACTERS: usize = 1024;

/// The longest password that is hashed or verified, in bytes: 1024 characters of four bytes.
///
/// Argon2 itself takes long input lightly, but it is normalized first, kept until its turn
/// comes, and some other formats take time by length. So there is an end, far above what
/// anybody types or generates.
pub const MAX_BYTES: usize = 4 * MAX_CHARACTERS;

/// Canonical composition grows UTF-8 at most threefold (UAX #15, section 12).
const GROWTH: usize = 3;

/// The form of a password that is hashed: Unicode Normalization Form C, as NIST SP 800-63B-4
/// section 3.1.1.2 asks, so that the same password typed on different systems is the same.
/// (Its third revision asked for NFKC or NFKD. NFC keeps apart what the user sees apart.)
pub(super) fn normalized(password: &str) -> Zeroizing<String> {
    if is_nfc(password) {
        return Zeroizing::new(password.to_owned());
    }
    // Enough room from the start: a string that moves as it grows leaves copies behind.
    let room = password.len().saturating_mul(GROWTH);
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.extend(password.nfc());
    text
}

/// Whether later versions of Unicode could give a character another normal form. The process
/// for stabilized strings (UAX #15, section 12.1) refuses such a string.
pub(super) fn is_stable(password: &str) -> bool {
    password.chars().all(is_public_assigned)
}

/// The byte strings that a stored hash may have been made of: the normal form, and the bytes
/// as they came where those differ, for hashes that came from a system that does not
/// normalize. How many there are depends on what was typed, never on the user.
pub(super) struct Candidates {
    normalized: Zeroizing<String>,
    raw: Option<SecretString>,
    is_too_long: bool,
}

impl Candidates {
    /// The bytes as they came, and no others.
    pub(super) fn as_received(password: &SecretString) -> Self {
        let is_too_long = password.expose().len() > MAX_BYTES;
        let text = if is_too_long { "" } else { password.expose() };
        Self {
            normalized: Zeroizing::new(text.to_owned()),
            raw: None,
            is_too_long,
        }
    }

    pub(super) fn of(password: &SecretString) -> Self {
        if password.expose().len() > MAX_BYTES {
            // Not verified, but as much work is done as for any other.
            return Self {
                normalized: Zeroizing::default(),
                raw: None,
                is_too_long: true,
            };
        }
        let normalized = normalized(password.expose());
        let raw = (*normalized != *password.expose()).then(|| password.clone());
        Self {
            normalized,
            raw,
            is_too_long: false,
        }
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    pub(super) fn normalized(&self) -> &[u8] {
        self.normalized.as_bytes()
    }

    pub(super) fn raw(&self) -> Option<&[u8]> {
        self.raw.as_ref().map(|raw| raw.expose().as_bytes())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.normalized()).chain(self.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_equivalents_are_one() {
        let cases = [
            ("plain", "password", "password"),
            ("composed", "é", "é"),
            ("decomposed", "e\u{301}", "é"),
            ("Hangul", "\u{1112}\u{1161}\u{11AB}", "\u{D55C}"),
            ("compatibility characters stay", "ﬁ①", "ﬁ①"),
            ("spaces stay", "  a  b ", "  a  b "),
        ];
        for (name, password, expected) in cases {
            assert_eq!(*normalized(password), expected, "{name}");
        }
    }

    #[test]
    fn composition_never_outgrows_its_room() {
        let worst = "\u{1D160}".repeat(MAX_CHARACTERS);
        let grown = normalized(&worst);
        assert!(grown.len() > worst.len());
        assert!(grown.len() <= worst.len() * GROWTH);
    }

    #[test]
    fn unassigned_characters_are_not_stable() {
        assert!(is_stable("naïve 雪 👍"));
        assert!(!is_stable("\u{0378}"));
    }
}
