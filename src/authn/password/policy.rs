use super::guessed::is_guessed_early;
use super::normalize::{MAX_BYTES, MAX_CHARACTERS, is_stable, normalized};
use super::pattern::{is_mostly, is_mostly_sequential, is_repetitive, smallest_unit, words};
use super::{ConfigError, Violation, Violations};
use crate::secret::SecretString;
use zeroize::Zeroizing;

/// The fewest characters of a password that is the only factor (NIST SP 800-63B-4 section
/// 3.1.1.2).
const MIN_ALONE: usize = 15;

/// The fewest characters of a password beside a second factor (same section).
const MIN_WITH_SECOND_FACTOR: usize = 8;

/// The most characters that a verifier may refuse to exceed (same section).
const MIN_MAXIMUM: usize = 64;

/// The most characters without [`PasswordPolicy::at_most`].
const DEFAULT_MAX: usize = 256;

/// Which passwords may be chosen: the rules of NIST SP 800-63B-4 section 3.1.1.2.
///
/// Judge a password by it where one is set or changed, never where one is verified: the rules
/// may become stricter, and users must still get in to choose a new one.
///
/// 1. At least 15 characters where the password is the only factor, 8 beside a second one.
///    A character is a Unicode code point of the normal form.
/// 2. At most 256, where 64 is the least that a policy may allow.
/// 3. Not one of 19,000 common passwords, compared as a whole and without case; nor what those
///    who guess make of them: one over and over, one with up to four digits before or behind it,
///    two in a row, whatever spaces and signs are between and whichever digits stand for letters.
///    Three words that are common each are not refused.
/// 4. Not, by half of its characters or more, the words of its context: the service's name,
///    the user's name and address, also with the usual digits for letters.
/// 5. Not, by half or more, rows of the alphabet or of the digits, or walks over neighboring
///    keys; nor a few characters or one short piece over and over.
/// 6. No code point that Unicode has not assigned, whose normal form may change.
///
/// There are no rules about kinds of characters, and no expiry: the standard forbids both.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    least: usize,
    most: usize,
    words: Vec<String>,
}

impl Default for PasswordPolicy {
    /// [`PasswordPolicy::only_factor`].
    fn default() -> Self {
        Self::only_factor()
    }
}

impl PasswordPolicy {
    /// For passwords that alone let a user in: at least 15 characters.
    #[must_use]
    pub const fn only_factor() -> Self {
        Self::with_least(MIN_ALONE)
    }

    /// For passwords that are always asked for together with a second factor: at least 8
    /// characters.
    #[must_use]
    pub const fn with_second_factor() -> Self {
        Self::with_least(MIN_WITH_SECOND_FACTOR)
    }

    const fn with_least(least: usize) -> Self {
        Self {
            least,
            most: DEFAULT_MAX,
            words: Vec::new(),
        }
    }

    /// Asks for more characters than the standard does, up to 64. Less than it asks for changes
    /// nothing.
    #[must_use]
    pub fn at_least(mut self, characters: usize) -> Self {
        self.least = self.least.max(characters.min(MIN_MAXIMUM));
        self
    }

    /// Sets the most characters.
    ///
    /// # Errors
    /// When it is below 64, which the standard forbids, or above 1024.
    pub fn at_most(mut self, characters: usize) -> Result<Self, ConfigError> {
        if !(MIN_MAXIMUM..=MAX_CHARACTERS).contains(&characters) {
            return Err(ConfigError::CharacterLimit(characters));
        }
        self.most = characters;
        Ok(self)
    }

    /// Refuses passwords about these: the name of the service, of the company.
    #[must_use]
    pub fn about<'a>(mut self, context: impl IntoIterator<Item = &'a str>) -> Self {
        self.words.extend(context.into_iter().flat_map(words));
        self
    }

    /// Judges a password that a user chose. `about` is what is known of the user: name,
    /// e-mail address.
    ///
    /// A look-up among breached passwords is a step of its own after this one, for it waits
    /// for a network.
    ///
    /// # Errors
    /// All that is wrong, so that the user can mend it at once.
    pub fn check<'a>(
        &self,
        password: &SecretString,
        about: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Violations> {
        if password.expose().len() > MAX_BYTES {
            return Violations::check(vec![Violation::TooLong(self.most)]);
        }
        let password = normalized(password.expose());
        let length = password.chars().count();
        if length > self.most {
            return Violations::check(vec![Violation::TooLong(self.most)]);
        }
        let lower = folded(&password);
        let unit = smallest_unit(&lower);
        let about: Vec<_> = about.into_iter().flat_map(words).collect();
        let context = || self.words.iter().chain(&about).map(String::as_str);
        let rules: [(Violation, &dyn Fn() -> bool); 6] = [
            (Violation::TooShort(self.least), &|| length < self.least),
            (Violation::Common, &|| is_guessed_early(&lower)),
            (Violation::ContextWord, &|| is_mostly(&lower, context())),
            (Violation::Repetitive, &|| {
                unit.len() < self.least.min(length) || is_repetitive(&lower)
            }),
            (Violation::Sequential, &|| is_mostly_sequential(&lower)),
            (Violation::UnassignedCharacter, &|| !is_stable(&password)),
        ];
        let broken = rules.into_iter().filter(|(_, is_broken)| is_broken());
        Violations::check(broken.map(|(violation, _)| violation).collect())
    }
}

/// The characters without case, one for one.
fn folded(password: &str) -> Zeroizing<Vec<char>> {
    let mut folded = Zeroizing::new(Vec::with_capacity(password.len()));
    folded.extend(password.chars().map(lower));
    folded
}

/// The lower case of a character, or its first character: lengths must stay.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}
