use super::{Flow, Visit, pieces};
use crate::waf::decode;
use crate::waf::protocol;
use crate::waf::view::Place;
use std::collections::HashSet;

/// `a=1&b=2`: of a query or a body.
pub(super) fn pairs(
    text: &[u8],
    place: Place,
    duplicates_are_wrong: bool,
    visit: &mut impl Visit,
) -> Flow {
    let (mut name_buffer, mut value_buffer) = (visit.buffer(), visit.buffer());
    let mut names = HashSet::new();
    for pair in pieces(text, b'&').filter(|pair| !pair.is_empty()) {
        let Some(at) = memchr::memchr(b'=', pair) else {
            // `?text`: an application may take it for a name or for the whole.
            let text = decode::form(pair, &mut value_buffer);
            visit.value(place, b"", text)?;
            if let Some(at) = memchr::memchr(b'=', text) {
                // Encoded as a whole, by a client that encodes twice.
                let (name, value) = text.split_at(at);
                visit.value(place, name, value.get(1..).unwrap_or_default())?;
            }
            continue;
        };
        let (name, value) = pair.split_at(at);
        let name = decode::form(name, &mut name_buffer);
        let encoded = value.get(1..).unwrap_or_default();
        encoding(encoded, place, name, visit)?;
        let value = decode::form(encoded, &mut value_buffer);
        if duplicates_are_wrong && !names.insert(name.to_vec()) {
            visit.wrong(&protocol::DUPLICATE, place, name, value)?;
        }
        if name == b"_method" {
            visit.wrong(&protocol::METHOD_OVERRIDE, place, name, value)?;
        }
        visit.pair(place, name, value)?;
        if let Some(at) = memchr::memchr(b'=', name) {
            let (name, value) = name.split_at(at);
            visit.value(place, name, value.get(1..).unwrap_or_default())?;
        }
    }
    visit.give_back(name_buffer);
    visit.give_back(value_buffer);
    Flow::Continue(())
}

/// Escapes that are none, and those by which some decoders are fooled.
fn encoding(value: &[u8], place: Place, name: &[u8], visit: &mut impl Visit) -> Flow {
    for at in memchr::memchr_iter(b'%', value) {
        let finding = match value.get(at + 1..).unwrap_or_default() {
            [b'u' | b'U', b'f' | b'F', b'f' | b'F', b, c, ..]
                if b.is_ascii_hexdigit() && c.is_ascii_hexdigit() =>
            {
                &protocol::FULLWIDTH_ESCAPE
            }
            [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => continue,
            [b'u' | b'U', ..] => continue,
            _ => &protocol::PERCENT,
        };
        // Told once: a body of percent signs is no reason to repeat it.
        return visit.wrong(finding, place, name, value);
    }
    Flow::Continue(())
}

/// Whether a text without a type looks like a form: `name=value`, names without oddities.
pub(super) fn looks_like_one(text: &[u8]) -> bool {
    let name_length = text.iter().take(64).take_while(|b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$')
    });
    let length = name_length.count();
    length > 0 && text.get(length) == Some(&b'=')
}
