use super::name::trim;
use http::{HeaderMap, HeaderValue, header};

/// What a request says of one cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    /// Another was put there by somebody else, and which is ours cannot be known.
    Several,
}

/// Looks for the cookie of this name in all `Cookie` headers.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut values = values(headers.get_all(header::COOKIE), name);
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Several,
    }
}

/// The values of all cookies of this name.
pub(crate) fn values<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let pairs = lines
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let is_ours = trim(parts.next()?) == name.as_bytes();
        parts.next().filter(|_| is_ours).map(trim)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "__Host-csrf";

    fn lines(lines: &[&[u8]]) -> HeaderMap {
        let lines = lines.iter().map(|line| {
            let line = HeaderValue::from_bytes(line).unwrap();
            (header::COOKIE, line)
        });
        lines.collect()
    }

    #[test]
    fn cookies() {
        let cases: [(&str, &[&str], Found<'_>); 14] = [
            ("none", &[], Found::Nothing),
            ("ours", &["__Host-csrf=x"], Found::One(b"x")),
            (
                "among others",
                &["a=b; __Host-csrf=x; c=d"],
                Found::One(b"x"),
            ),
            (
                "on a line of its own",
                &["a=b", "__Host-csrf=x"],
                Found::One(b"x"),
            ),
            ("two", &["__Host-csrf=x; __Host-csrf=y"], Found::Several),
            (
                "the same twice",
                &["__Host-csrf=x; __Host-csrf=x"],
                Found::Several,
            ),
            (
                "two on two lines",
                &["__Host-csrf=x", "__Host-csrf=y"],
                Found::Several,
            ),
            ("another letter case", &["__host-csrf=x"], Found::Nothing),
            (
                "a longer name",
                &["x__Host-csrf=x; __Host-csrf2=y"],
                Found::Nothing,
            ),
            ("no value", &["__Host-csrf"], Found::Nothing),
            ("an empty value", &["__Host-csrf="], Found::One(b"")),
            (
                "white space",
                &["a=b;\t __Host-csrf = x "],
                Found::One(b"x"),
            ),
            // A browser lets any subdomain set these: to it, they have no prefix.
            ("a space it keeps", &["\u{a0}__Host-csrf=x"], Found::Nothing),
            ("one behind", &["__Host-csrf\u{2000}=x"], Found::Nothing),
        ];
        for (name, text, expected) in cases {
            let text: Vec<_> = text.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(find(&lines(&text), NAME), expected, "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_hide_no_cookie() {
        let headers = lines(&[b"a=\xff; __Host-csrf=x\xfe"]);
        assert_eq!(find(&headers, NAME), Found::One(b"x\xfe"));
        let headers = lines(&[b"\xff=\xff", b"__Host-csrf=x; \xff; __Host-csrf=y"]);
        assert_eq!(find(&headers, NAME), Found::Several);
    }
}
