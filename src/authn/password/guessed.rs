//! Passwords that guessers try early: common ones, and what they make of common ones.
//!
//! Lists of common passwords hold few long ones. Guessers make them by joining the short ones,
//! and so do these rules: each says of a whole password that it is on the list which such a
//! guesser would write. None looks for a word within a password.

use super::common::is_common;
use super::pattern::smallest_unit;
use zeroize::Zeroizing;

/// The most digits that are put before or behind a common password: those of a year or a PIN.
const MAX_NUMBER_LEN: usize = 4;

/// What a digit or sign stands for where people write one for a letter. A `1` is one of two.
const SPELLINGS: [fn(char) -> char; 3] = [
    |c| c,
    |c| if c == '1' { 'i' } else { letter(c) },
    |c| if c == '1' { 'l' } else { letter(c) },
];

const fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Whether a password, in lower case, is common, or one of these with any spaces and signs
/// between the parts:
///
/// 1. a common one over and over;
/// 2. a common one, also over and over, with up to four digits before or behind it;
/// 3. two common ones, one behind the other.
///
/// In the second and third, digits and signs may stand for letters.
pub(super) fn is_guessed_early(password: &[char]) -> bool {
    // All common ones are ASCII: so is whatever is made of them.
    if !password.iter().all(char::is_ascii) {
        return false;
    }
    SPELLINGS.into_iter().any(|spelled| {
        let [whole, before, behind] = [
            password,
            without_number_before(password),
            without_number_behind(password),
        ]
        .map(|part| text(part, spelled));
        is_two(&whole) || [whole, before, behind].iter().any(|it| is_one(it))
    })
}

/// One common password, as often as may be.
fn is_one(text: &str) -> bool {
    let mut parts = text.split(is_sign).filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    let unit = |text: &str| is_listed(text.get(..smallest_unit(text.as_bytes()).len()));
    is_listed(Some(text)) || unit(text) || (parts.all(|part| part == first) && unit(first))
}

/// Two common passwords, the one behind the other.
fn is_two(text: &str) -> bool {
    let mut cuts = (1..text.len()).filter_map(|at| text.split_at_checked(at));
    cuts.any(|(first, second)| is_listed(Some(first)) && is_listed(Some(second)))
}

/// Whether a text is common, with or without the signs around it.
fn is_listed(text: Option<&str>) -> bool {
    let is_found = |text: &str| is_common(text) || is_common(text.trim_matches(is_sign));
    text.is_some_and(is_found)
}

const fn is_sign(c: char) -> bool {
    !c.is_ascii_alphanumeric()
}

fn without_number_before(password: &[char]) -> &[char] {
    let number = digits(password.iter());
    password.get(number..).unwrap_or_default()
}

fn without_number_behind(password: &[char]) -> &[char] {
    let number = digits(password.iter().rev());
    let end = password.len().saturating_sub(number);
    password.get(..end).unwrap_or_default()
}

/// How many digits come first; none where there are too many for a year.
fn digits<'a>(characters: impl Iterator<Item = &'a char>) -> usize {
    let found = characters.take_while(|c| c.is_ascii_digit()).count();
    if found <= MAX_NUMBER_LEN { found } else { 0 }
}

fn text(characters: &[char], spelled: fn(char) -> char) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(characters.len()));
    text.extend(characters.iter().map(|c| spelled(*c)));
    text
}

#[cfg(test)]
mod tests {
    use super::super::common::COMMON;
    use super::*;
    use std::collections::HashSet;

    fn is_refused(password: &str) -> bool {
        let characters: Vec<char> = password.chars().collect();
        is_guessed_early(&characters)
    }

    #[test]
    fn what_is_made_of_common_ones() {
        for (name, password, expected) in [
            ("common", "manchesterunited", true),
            ("with signs, as it is listed", "friend of emily", true),
            ("twice", "passwordpassword", true),
            ("thrice and a sign", "dragondragondragon!", true),
            ("apart", "monkey-monkey-monkey", true),
            ("a year behind", "manchesterunited1999", true),
            ("a year before", "1999 manchesterunited", true),
            ("twice and a number", "letmeinletmein12", true),
            ("two", "iloveyouforever", true),
            ("two with a space", "football baseball", true),
            ("two and a sign", "iloveyou, princess!", true),
            ("digits for letters", "dr4g0nfootb4ll!!", true),
            ("signs for letters", "p@$$wordprince$$", true),
            ("one for i", "sh0ppingpr1ncess", true),
            ("one for l", "1ovelyprincess11", false),
            ("three words", "correct horse battery", false),
            ("words that are not common", "portable-harbour-1234", false),
            ("a long number", "manchesterunited19991", false),
            ("within another", "xmanchesterunitedx", false),
            ("letters one by one", "a b c d e f g hi", false),
            ("of no letters", "- - - - - - - -", false),
            ("not ASCII", "passwörtpasswört", false),
            ("nothing", "", false),
        ] {
            assert_eq!(is_refused(password), expected, "{name}: {password}");
        }
    }

    /// What ASVS 6.2.4 asks for: 3,000 that the policy would let pass by their length.
    #[test]
    fn of_fifteen_characters_far_more_than_3000_are_refused() {
        let common: Vec<_> = COMMON.lines().step_by(97).collect();
        let joined = common
            .iter()
            .flat_map(|one| common.iter().map(move |other| format!("{one}{other}")));
        let long: HashSet<_> = joined.filter(|it| it.chars().count() >= 15).collect();
        assert!(long.len() > 10_000, "{}", long.len());
        for password in long {
            assert!(is_refused(&password), "{password}");
        }
    }
}
