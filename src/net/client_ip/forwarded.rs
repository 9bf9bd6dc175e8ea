//! The `Forwarded` header, RFC 7239 section 4.

use super::address::parse_node;
use std::borrow::Cow;
use std::net::IpAddr;

/// The clients that a line of `Forwarded` names, the last first: `None` for an element that
/// names no address. A line whose quotes do not close cannot be taken apart, and is one such.
pub(super) fn clients(line: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
    let elements = split_outside_quotes(line, b',').unwrap_or_else(|| vec![&[]]);
    elements.into_iter().rev().map(client_of)
}

fn client_of(element: &[u8]) -> Option<IpAddr> {
    let element = element.trim_ascii();
    let mut client = None;
    for pair in split_outside_quotes(element, b';')? {
        // Empty pairs are allowed: `for=192.0.2.1;;proto=https`.
        if pair.is_empty() {
            continue;
        }
        let (name, value) = parse_pair(std::str::from_utf8(pair).ok()?)?;
        if name.eq_ignore_ascii_case("for") && client.replace(value).is_some() {
            return None;
        }
    }
    parse_node(&client?)
}

/// `token "=" value`, without white space between.
fn parse_pair(pair: &str) -> Option<(&str, Cow<'_, str>)> {
    let (name, value) = pair.split_once('=')?;
    let value = match value.strip_prefix('"') {
        Some(rest) => unquote(rest.strip_suffix('"')?)?,
        None => Cow::Borrowed(Some(value).filter(|value| is_token(value))?),
    };
    is_token(name).then_some((name, value))
}

/// What stands between the quotes, without the backslashes of quoted pairs.
fn unquote(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['"', '\\']) {
        return Some(Cow::Borrowed(text));
    }
    let mut unquoted = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => unquoted.push(characters.next()?),
            _ => unquoted.push(character),
        }
    }
    Some(Cow::Owned(unquoted))
}

/// `token` of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// The parts between separators that stand outside quoted strings; `None` when a quoted
/// string is not closed.
fn split_outside_quotes(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text
        .split(|&byte| {
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                return false;
            }
            quoted = byte == b'"';
            byte == separator
        })
        .collect();
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let cases = [
            ("plain", "for=203.0.113.7", Some("203.0.113.7")),
            ("any case", "FoR=203.0.113.7", Some("203.0.113.7")),
            ("quoted", r#"for="203.0.113.7""#, Some("203.0.113.7")),
            ("quoted pair", r#"for="203.0.113.\7""#, Some("203.0.113.7")),
            (
                "port in quotes",
                r#"for="203.0.113.7:80""#,
                Some("203.0.113.7"),
            ),
            (
                "RFC 7239 section 4",
                r#"For="[2001:db8:cafe::17]:4711""#,
                Some("2001:db8:cafe::17"),
            ),
            (
                "RFC 7239 section 4, more parameters",
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                Some("192.0.2.60"),
            ),
            (
                "separators in quotes",
                r#"host="a,b;for=1.2.3.4\"";for=203.0.113.7"#,
                Some("203.0.113.7"),
            ),
            ("empty pairs", ";for=203.0.113.7;;", Some("203.0.113.7")),
            (
                "white space around",
                "\t for=203.0.113.7 ",
                Some("203.0.113.7"),
            ),
            ("extension", "secret=x;for=1.2.3.4", Some("1.2.3.4")),
            ("port without quotes", "for=203.0.113.7:80", None),
            ("brackets without quotes", "for=[2001:db8::1]", None),
            ("IPv6 without brackets", r#"for="2001:db8::1""#, None),
            ("zone", r#"for="[fe80::1%25eth0]""#, None),
            ("unknown", "for=unknown", None),
            ("unknown, quoted", r#"for="unknown""#, None),
            ("obfuscated", "for=_SEVKISEK", None),
            ("no value", "for=", None),
            ("empty string", r#"for="""#, None),
            ("only a name", "for", None),
            ("no for", "proto=https;by=203.0.113.7", None),
            ("for twice", "for=203.0.113.7;for=203.0.113.7", None),
            ("for twice, case", "for=203.0.113.7;FOR=1.2.3.4", None),
            ("space after =", "for= 203.0.113.7", None),
            ("space before =", "for =203.0.113.7", None),
            ("space after ;", "proto=https; for=203.0.113.7", None),
            ("text after quotes", r#"for="203.0.113.7"x"#, None),
            ("text before quotes", r#"for=x"203.0.113.7""#, None),
            ("another broken pair", "for=203.0.113.7;(", None),
            ("no name", "=x;for=203.0.113.7", None),
            ("escape at the end", r#"for="203.0.113.7\""#, None),
            ("empty", "", None),
        ];
        for (name, line, expected) in cases {
            let expected = expected.map(|text| text.parse().unwrap());
            let found: Vec<_> = clients(line.as_bytes()).collect();
            assert_eq!(found, [expected], "{name}");
        }
    }

    #[test]
    fn an_open_quote_spoils_its_line() {
        for line in [
            r#"for="1.2.3.4, for=203.0.113.7"#,
            r#"for=1.2.3.4, for="203.0.113.7"#,
            // A client that opens a quote cannot swallow what a proxy appends in quotes.
            r#"for=1.2.3.4;x=", for="203.0.113.7""#,
            r#"for=1.2.3.4;x="\, for="203.0.113.7""#,
        ] {
            assert_eq!(
                clients(line.as_bytes()).collect::<Vec<_>>(),
                [None],
                "{line}"
            );
        }
    }

    #[test]
    fn the_last_element_comes_first() {
        let line = br#"for=192.0.2.43, for="[2001:db8:cafe::17]""#;
        let expected = ["2001:db8:cafe::17", "192.0.2.43"].map(|text| Some(text.parse().unwrap()));
        assert_eq!(clients(line).collect::<Vec<_>>(), expected);
    }
}
