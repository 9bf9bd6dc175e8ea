//! One signature in the spelling that signers write, read in one pass.
//!
//! It takes only what is spelled as it would be written again: then its text is what was
//! signed. All else, good or bad, is left to the whole grammar, which gives the same where this
//! one gives anything.

use super::{Covered, Input, Labeled, MAX_COMPONENTS};
use crate::signing::Parameters;
use crate::signing::component::Identity;
use crate::signing::structured::are_all;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The most digits of an integer of structured fields (RFC 9651 section 3.3.1).
const MAX_DIGITS: usize = 15;

/// The signature of these two fields; `None` where the whole grammar has to look.
pub(super) fn read(input: &[u8], signature: &[u8]) -> Option<Labeled> {
    let (label, text) = std::str::from_utf8(input).ok()?.split_once('=')?;
    let (signed, value) = std::str::from_utf8(signature).ok()?.split_once("=:")?;
    if label != signed || key(label)? != (label, "") {
        return None;
    }
    // Of each byte string this takes the one spelling there is.
    let signature = STANDARD.decode(value.strip_suffix(':')?).ok()?;
    let (covered, rest) = read_covered(text)?;
    let input = Input {
        label: label.into(),
        text: text.to_owned(),
        covered,
        parameters: read_parameters(rest)?,
    };
    Some(Labeled { input, signature })
}

/// The components of a list, and what follows it.
fn read_covered(text: &str) -> Option<(Vec<Covered>, &str)> {
    let mut covered: Vec<Covered> = Vec::with_capacity(6);
    let mut rest = text.strip_prefix('(')?;
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return Some((covered, after));
        }
        if !covered.is_empty() {
            rest = rest.strip_prefix(' ')?;
        }
        let start = text.len() - rest.len();
        let (identity, after) = read_component(rest)?;
        let span = start..text.len() - after.len();
        let is_new = covered.iter().all(|it| it.identity != identity);
        if !is_new || covered.len() == MAX_COMPONENTS {
            return None;
        }
        covered.push(Covered { identity, span });
        rest = after;
    }
}

fn read_component(text: &str) -> Option<(Identity, &str)> {
    let (name, mut rest) = string(text)?;
    let mut identity = Identity::named(name).ok()?;
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, after) = key(parameter)?;
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => string(value).map(|(value, after)| (Some(value), after))?,
            None => (None, after),
        };
        identity.parameter(key, value).ok()?;
        rest = after;
    }
    Some((identity.checked().ok()?, rest))
}

/// The parameters that are registered, each at most once, to the end.
fn read_parameters(text: &str) -> Option<Parameters> {
    let mut parameters = Parameters::default();
    let mut rest = text;
    while let Some(parameter) = rest.strip_prefix(';') {
        let (name, value) = parameter.split_once('=')?;
        let is_again = match name {
            "created" | "expires" => {
                let (seconds, after) = integer(value)?;
                rest = after;
                match name {
                    "created" => parameters.created.replace(seconds).is_some(),
                    _ => parameters.expires.replace(seconds).is_some(),
                }
            }
            _ => {
                let place = match name {
                    "nonce" => &mut parameters.nonce,
                    "alg" => &mut parameters.algorithm,
                    "keyid" => &mut parameters.key_id,
                    "tag" => &mut parameters.tag,
                    _ => return None,
                };
                let (value, after) = string(value)?;
                rest = after;
                place.replace(value.into()).is_some()
            }
        };
        if is_again {
            return None;
        }
    }
    rest.is_empty().then_some(parameters)
}

/// A string without escapes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', inside.as_bytes())?;
    let (value, after) = inside.split_at_checked(end)?;
    let after = after.strip_prefix('"')?;
    let is_visible = are_all(Some(value.as_bytes()), |byte| matches!(byte, b' '..=b'~'));
    is_visible.then_some((value, after))
}

/// A key, and what follows it.
fn key(text: &str) -> Option<(&str, &str)> {
    let is_inside =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(byte);
    let end = text.bytes().take_while(|byte| is_inside(byte)).count();
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
    text.split_at_checked(end).filter(|_| begins)
}

/// A number that is not negative, in its one spelling, and what follows it.
fn integer(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = text.split_at_checked(end)?;
    let is_spelled_well = digits.len() <= MAX_DIGITS && (digits == "0" || !digits.starts_with('0'));
    let is_whole = !after.starts_with('.');
    let number = digits.parse().ok()?;
    (is_spelled_well && is_whole).then_some((number, after))
}

#[cfg(test)]
mod tests {
    use super::super::{input, value};
    use super::*;
    use proptest::prelude::*;

    /// The same by the whole grammar.
    fn whole(input: &str, signature: &str) -> Option<Labeled> {
        let input = input::read(input.as_bytes()).ok()?;
        let signature = value::read(signature.as_bytes()).ok()?;
        let [input] = <[_; 1]>::try_from(input).ok()?;
        let [(label, signature)] = <[_; 1]>::try_from(signature).ok()?;
        (label == input.label).then_some(Labeled { input, signature })
    }

    #[test]
    fn what_signers_write_is_taken_and_what_others_may_is_left() {
        let list = "(\"@method\" \"content-digest\";req \"x\";key=\"a\")";
        let end = "created=1;keyid=\"k\";nonce=\"n\"";
        for (name, input, signature, is_taken) in [
            ("usual", format!("a={list};{end}"), "a=:AA==:", true),
            ("nothing covered", format!("a=();{end}"), "a=:AA==:", true),
            ("no parameters", format!("a={list}"), "a=:AA==:", true),
            ("zero", "a=();created=0".to_owned(), "a=:AA==:", true),
            ("another label", format!("a={list}"), "b=:AA==:", false),
            ("two", "a=(), b=()".to_owned(), "a=:AA==:, b=:AA==:", false),
            (
                "an escape",
                "a=();nonce=\"\\\"\"".to_owned(),
                "a=:AA==:",
                false,
            ),
            (
                "two spaces",
                "a=(\"x\"  \"y\")".to_owned(),
                "a=:AA==:",
                false,
            ),
            ("a space inside", "a=( \"x\")".to_owned(), "a=:AA==:", false),
            ("a space before", " a=()".to_owned(), "a=:AA==:", false),
            ("a space behind", "a=() ".to_owned(), "a=:AA==:", false),
            (
                "a zero before",
                "a=();created=01".to_owned(),
                "a=:AA==:",
                false,
            ),
            (
                "a fraction",
                "a=();created=1.0".to_owned(),
                "a=:AA==:",
                false,
            ),
            ("a sign", "a=();created=-1".to_owned(), "a=:AA==:", false),
            (
                "16 digits",
                "a=();created=1000000000000000".to_owned(),
                "a=:AA==:",
                false,
            ),
            (
                "twice",
                "a=();created=1;created=1".to_owned(),
                "a=:AA==:",
                false,
            ),
            (
                "a component twice",
                "a=(\"x\" \"x\")".to_owned(),
                "a=:AA==:",
                false,
            ),
            ("another parameter", "a=();x".to_owned(), "a=:AA==:", false),
            ("loose bits", "a=()".to_owned(), "a=:AB==:", false),
            ("no padding", "a=()".to_owned(), "a=:AA:", false),
            (
                "a parameter of bytes",
                "a=()".to_owned(),
                "a=:AA==:;x",
                false,
            ),
            ("upper case", "A=()".to_owned(), "A=:AA==:", false),
            ("no label", "=()".to_owned(), "=:AA==:", false),
        ] {
            let read = read(input.as_bytes(), signature.as_bytes());
            assert_eq!(read.is_some(), is_taken, "{name}");
            if read.is_some() {
                assert_eq!(read, whole(&input, signature), "{name}");
            }
        }
    }

    proptest! {
        /// Whatever this reads, the whole grammar reads alike.
        #[test]
        fn it_reads_as_the_whole_grammar_does(
            pieces in proptest::collection::vec(prop_oneof![
                Just("("), Just(")"), Just(" "), Just(";"), Just("="), Just("a="), Just("\""),
                Just("\"@method\""), Just("\"date\""), Just("\"x\";key=\"a\""), Just(";req"),
                Just(";created=1"), Just(";expires=20"), Just(";keyid=\"k\""), Just(";nonce=\"\""),
                Just(";tag=\"\\\\\""), Just(";alg=\"x y\""), Just("0"), Just("."), Just(","),
                Just("\t"), Just("é"), Just("?1"),
            ], 0..9),
            signature in prop_oneof![
                Just("a=:AA==:"), Just("a=:AAAA:"), Just("a=::"), Just("a=:AA==:;b"), Just("b=:AA==:"),
            ],
        ) {
            let input = format!("a=({}", pieces.concat());
            if let Some(read) = read(input.as_bytes(), signature.as_bytes()) {
                prop_assert_eq!(Some(read), whole(&input, signature), "{}", input);
            }
        }
    }
}
