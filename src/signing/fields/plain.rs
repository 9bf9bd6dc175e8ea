//! One signature in the spelling that signers write, read in one pass.
//!
//! It takes only what is spelled as it would be written again: then its text is what was
//! signed. All else, good or bad, is left to the whole grammar, which gives the same where this
//! one gives anything.

use super::{Draft, Input, List, Lists, MAX_COMPONENTS, SignatureBytes, Text};
use crate::signing::component::Identity;
use crate::signing::received::Received;
use crate::signing::structured::are_all;
use crate::signing::{ReceivedSignature, packed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// The most digits of an integer of structured fields (RFC 9651 section 3.3.1).
const MAX_DIGITS: usize = 15;

/// The signature of these two fields; `None` where the whole grammar has to look.
pub(super) fn read(input: &[u8], signature: &[u8], known: &Lists) -> Option<ReceivedSignature> {
    let field = std::str::from_utf8(input).ok()?;
    // Without escapes, a string ends at the next quote.
    if !are_all(Some(input), |byte| {
        matches!(byte, b' '..=b'~') && byte != b'\\'
    }) {
        return None;
    }
    let (label, value) = key(field)?;
    let value = value.strip_prefix('=')?;
    let signature = signature.strip_prefix(label.as_bytes())?;
    let signature = signature.strip_prefix(b"=:")?.strip_suffix(b":")?;
    let list = match known.at_start_of(value) {
        Some(list) => list,
        None => read_list(value)?,
    };
    let parameters = value.get(list.text().len()..)?;
    let mut received = Box::new(Received {
        input: Input::new(label, field.to_owned(), list),
        signature: read_signature(signature)?,
    });
    read_parameters(&mut received.input, field, parameters)?;
    Some(ReceivedSignature(received))
}

/// Of each byte string this takes the one spelling there is.
fn read_signature(text: &[u8]) -> Option<SignatureBytes> {
    if let Some(mac) = packed::read_32(text) {
        return Some(SignatureBytes::Mac(mac));
    }
    STANDARD.decode(text).ok().map(SignatureBytes::from)
}

/// The list that a text begins with.
fn read_list(text: &str) -> Option<Arc<List>> {
    let mut draft = Draft::default();
    let mut rest = text.strip_prefix('(')?;
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            text.get(..text.len() - after.len())?
                .clone_into(&mut draft.text);
            return Some(draft.finish());
        }
        if !draft.covered.is_empty() {
            rest = rest.strip_prefix(' ')?;
        }
        let start = text.len() - rest.len();
        let (identity, after) = read_component(rest)?;
        if draft.has(&identity) || draft.len() == MAX_COMPONENTS {
            return None;
        }
        draft.cover(identity, start..text.len() - after.len());
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

/// The parameters that are registered, each at most once, to the end of the field.
fn read_parameters(input: &mut Input, field: &str, mut rest: &str) -> Option<()> {
    while let Some(parameter) = rest.strip_prefix(';') {
        rest = if let Some(value) = parameter.strip_prefix("created=") {
            time(&mut input.created, value)
        } else if let Some(value) = parameter.strip_prefix("keyid=") {
            text(&mut input.key_id, field, value)
        } else if let Some(value) = parameter.strip_prefix("nonce=") {
            text(&mut input.nonce, field, value)
        } else if let Some(value) = parameter.strip_prefix("expires=") {
            time(&mut input.expires, value)
        } else if let Some(value) = parameter.strip_prefix("alg=") {
            text(&mut input.algorithm, field, value)
        } else if let Some(value) = parameter.strip_prefix("tag=") {
            text(&mut input.tag, field, value)
        } else {
            None
        }?;
    }
    rest.is_empty().then_some(())
}

/// Takes a time that is not there yet, and gives what follows it.
fn time<'a>(place: &mut Option<u64>, value: &'a str) -> Option<&'a str> {
    let (seconds, after) = integer(value)?;
    place.replace(seconds).is_none().then_some(after)
}

/// Takes a text that is not there yet, and gives what follows it.
fn text<'a>(place: &mut Text, field: &str, value: &'a str) -> Option<&'a str> {
    let Text::Absent = place else { return None };
    let (value, after) = string(value)?;
    let end = field.len() - after.len() - 1;
    *place = Text::Inside(end - value.len()..end);
    Some(after)
}

/// A string, and what follows it. No text here has escapes.
fn string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let end = inside.bytes().position(|byte| byte == b'"')?;
    let (value, after) = inside.split_at_checked(end)?;
    Some((value, after.strip_prefix('"')?))
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
    let (mut number, mut length) = (0, 0);
    for digit in text.bytes().map(|byte| byte.wrapping_sub(b'0')) {
        if digit > 9 {
            break;
        }
        // So few digits fit.
        if length == MAX_DIGITS {
            return None;
        }
        number = number * 10 + u64::from(digit);
        length += 1;
    }
    let (digits, after) = text.split_at_checked(length)?;
    let is_one_spelling = digits == "0" || !(digits.is_empty() || digits.starts_with('0'));
    (is_one_spelling && !after.starts_with('.')).then_some((number, after))
}

#[cfg(test)]
mod tests {
    use super::super::{input, value};
    use super::*;
    use proptest::prelude::*;

    /// The same by the whole grammar.
    fn whole(input: &str, signature: &str) -> Option<ReceivedSignature> {
        let input = input::read(input.as_bytes()).ok()?;
        let signature = value::read(signature.as_bytes()).ok()?;
        let [input] = <[_; 1]>::try_from(input).ok()?;
        let [(label, signature)] = <[_; 1]>::try_from(signature).ok()?;
        let signature = signature.into();
        let received = Box::new(Received { input, signature });
        (*label == *received.input.label()).then_some(ReceivedSignature(received))
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
            let read = read(input.as_bytes(), signature.as_bytes(), &Lists::new());
            assert_eq!(read.is_some(), is_taken, "{name}");
            if read.is_some() {
                assert_eq!(read, whole(&input, signature), "{name}");
            }
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            Just("("),
            Just(")"),
            Just(" "),
            Just(";"),
            Just("="),
            Just("a="),
            Just("\""),
            Just("\"@method\""),
            Just("\"date\""),
            Just("\"x\";key=\"a\""),
            Just(";req"),
            Just("\"x\";key=\"\\\"\""),
            Just("\"x\";key=\")\""),
            Just(";created=1"),
            Just(";expires=20"),
            Just(";keyid=\"k\""),
            Just(";nonce=\"\""),
            Just(";tag=\"\\\\\""),
            Just(";alg=\"x y\""),
            Just("0"),
            Just("."),
            Just(","),
            Just("\t"),
            Just("é"),
            Just("?1"),
        ];
        proptest::collection::vec(pieces, 0..9).prop_map(|pieces| format!("a=({}", pieces.concat()))
    }

    fn signatures() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("a=:AA==:"),
            Just("a=:AAAA:"),
            Just("a=::"),
            Just("a=:AA==:;b"),
            Just("b=:AA==:"),
        ]
    }

    proptest! {
        /// Whatever this reads, the whole grammar reads alike.
        #[test]
        fn it_reads_as_the_whole_grammar_does(input in pieces(), signature in signatures()) {
            if let Some(read) = read(input.as_bytes(), signature.as_bytes(), &Lists::new()) {
                prop_assert_eq!(Some(read), whole(&input, signature), "{}", input);
            }
        }

        /// What is known of other messages, and of this one, changes nothing.
        #[test]
        fn known_lists_are_read_as_the_whole_grammar_does(
            before in proptest::collection::vec(pieces(), 0..6),
            ends in proptest::collection::vec(pieces(), 1..4),
            signature in signatures(),
        ) {
            let known = Lists::new();
            let mut inputs = Vec::new();
            for input in &before {
                // Any list that the grammar takes, as a signature that was good leaves it.
                for read in input::read(input.as_bytes()).unwrap_or_default() {
                    known.keep(read.list());
                    let list = read.list().text().to_owned();
                    // The same list, with what follows another one, or nothing of the kind.
                    inputs.extend(ends.iter().map(|end| format!("a={list}{}", &end[3..])));
                    inputs.push(input.replace("a=(", "a=( "));
                }
                inputs.push(input.clone());
            }
            for input in &inputs {
                let found = read(input.as_bytes(), signature.as_bytes(), &known);
                let without = read(input.as_bytes(), signature.as_bytes(), &Lists::new());
                if found.is_some() {
                    prop_assert_eq!(&found, &whole(input, signature), "{}", input);
                }
                prop_assert_eq!(found, without, "{}", input);
            }
        }
    }
}
