mod grammar;

use super::{Flow, Visit};
use crate::waf::view::Place;

/// Whether a text is a GraphQL document that a server would execute.
pub(in crate::waf) fn looks_like_one(text: &[u8]) -> bool {
    grammar::is_document(text)
}

/// Tells of the document, and of each string and comment in it.
pub(in crate::waf) fn document(text: &[u8], visit: &mut impl Visit) -> Flow {
    visit.value(Place::GraphqlDocument, b"", text)?;
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'#', rest) {
        let from = rest.get(at..).unwrap_or_default();
        let (inside, length) = if from.first() == Some(&b'"') {
            string(from).unwrap_or((from, from.len()))
        } else {
            let length = comment(from);
            (from.get(1..length).unwrap_or_default(), length)
        };
        visit.value(Place::Graphql, b"", inside)?;
        rest = from.get(length..).unwrap_or_default();
    }
    Flow::Continue(())
}

/// The text of the string or block string that starts here, and how long it is with its
/// quotes. Nothing where it has no end.
fn string(text: &[u8]) -> Option<(&[u8], usize)> {
    if let Some(inside) = text.strip_prefix(b"\"\"\"") {
        let length = memchr::memmem::find(inside, b"\"\"\"")?;
        return Some((inside.get(..length)?, length + 6));
    }
    let inside = text.get(1..)?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inside.get(at..)?)?;
        if inside.get(at) == Some(&b'"') {
            return Some((inside.get(..at)?, at + 2));
        }
        at += 2;
    }
}

/// How long the comment is that starts here.
fn comment(text: &[u8]) -> usize {
    memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::parse::tests::Heard;

    #[test]
    fn strings_and_comments_are_told_of() {
        let mut heard = Heard::default();
        let text = br#"{ a(b: "x' or 1", c: """y"z""") # "no"
            d(e: "\"f") }"#;
        assert!(document(text, &mut heard).is_continue());
        assert_eq!(
            &heard.values[1..],
            ["=x' or 1", "=y\"z", "= \"no\"", "=\\\"f"]
        );
    }
}
