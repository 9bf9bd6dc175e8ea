use super::{Flow, Visit};
use crate::waf::view::Place;

/// Whether a text may be a GraphQL document (October 2021, section 2): it starts as one, its
/// brackets are balanced, and it consists of tokens.
pub(in crate::waf) fn looks_like_one(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let starts = [&b"query"[..], b"mutation", b"subscription", b"fragment"];
    let keyword = starts.into_iter().find(|word| text.starts_with(word));
    let begins = match keyword {
        Some(word) => {
            let after = text.get(word.len()..).and_then(<[u8]>::first);
            matches!(
                after,
                Some(b' ' | b'\t' | b'\n' | b'\r' | b'{' | b'(' | b'@')
            )
        }
        None => matches!(text, [b'{', ..]),
    };
    begins && memchr::memchr(b'{', text).is_some() && are_tokens(text)
}

/// Tells of the document and of each string in it.
pub(in crate::waf) fn document(text: &[u8], visit: &mut impl Visit) -> Flow {
    visit.value(Place::GraphqlDocument, b"", text)?;
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'#', rest) {
        let from = rest.get(at..).unwrap_or_default();
        let (string, length) = match from.first() {
            Some(b'"') => string(from),
            _ => (None, comment(from)),
        };
        if let Some(string) = string {
            visit.value(Place::Graphql, b"", string)?;
        }
        rest = from.get(length.max(1)..).unwrap_or_default();
    }
    Flow::Continue(())
}

/// The text of a string or block string that starts here, and how long it is with its quotes.
fn string(text: &[u8]) -> (Option<&[u8]>, usize) {
    if let Some(inside) = text.strip_prefix(b"\"\"\"") {
        let end = memchr::memmem::find(inside, b"\"\"\"");
        let length = end.unwrap_or(inside.len());
        return (inside.get(..length), length + 6);
    }
    let inside = text.get(1..).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = inside
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if inside.get(at) == Some(&b'"') {
            return (inside.get(..at), at + 2);
        }
        at += 2;
    }
    (Some(inside), text.len())
}

fn comment(text: &[u8]) -> usize {
    memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len())
}

fn are_tokens(text: &[u8]) -> bool {
    let mut rest = text;
    let (mut braces, mut others) = (0i32, 0i32);
    // What the last token was: a selection may not begin with another selection.
    let mut opened = false;
    while let [first, after @ ..] = rest {
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => 1,
            b'#' => comment(rest).max(1),
            // A selection, and an object, begin with a name.
            first if opened && !may_follow_brace(*first) => return false,
            b'"' => string(rest).1,
            b'{' | b'}' => {
                braces += if *first == b'{' { 1 } else { -1 };
                1
            }
            b'(' | b'[' | b')' | b']' => {
                others += if matches!(first, b'(' | b'[') { 1 } else { -1 };
                1
            }
            b'$' if !after
                .first()
                .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') =>
            {
                return false;
            }
            b'!' | b'$' | b'&' | b':' | b'=' | b'@' | b'|' | b'-' => 1,
            b'.' if matches!(after, [b'.', b'.', ..]) => 3,
            b'0'..=b'9' => number(rest),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => word(rest),
            _ => return false,
        };
        if braces < 0 || others < 0 {
            return false;
        }
        if !first.is_ascii_whitespace() {
            opened = *first == b'{';
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    braces == 0 && others == 0
}

const fn may_follow_brace(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'}' | b'#' | b'$')
}

fn word(text: &[u8]) -> usize {
    let part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    text.iter().take_while(part).count()
}

fn number(text: &[u8]) -> usize {
    let part = |b: &&u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+');
    text.iter().take_while(part).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::parse::tests::Heard;

    #[test]
    fn what_is_a_document() {
        let cases = [
            ("query Q($id: ID!) { user(id: $id) { name ...F } }", true),
            (
                "{ viewer { login orders(last: 32) { nodes { id total } } } }",
                true,
            ),
            (
                "mutation { add(text: \"it's\", tags: [\"a\"], n: -1.5) { id } }",
                true,
            ),
            ("query { a # comment '\n }", true),
            ("{{7*7}}", false),
            ("{{config}}", false),
            ("{\"$gt\": 1}", false),
            ("query the weather", false),
            ("query { a '; drop table x; }", false),
            ("{ a } }", false),
            ("${a}", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(looks_like_one(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn strings_are_told_of() {
        let mut heard = Heard::default();
        let text = br#"{ a(b: "x' or 1", c: """y"z""") # "no"
            d(e: "\"f") }"#;
        assert!(document(text, &mut heard).is_continue());
        assert_eq!(&heard.values[1..], ["=x' or 1", "=y\"z", "=\\\"f"]);
    }
}
