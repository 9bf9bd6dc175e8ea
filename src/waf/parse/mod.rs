//! Takes a request apart as the application behind will, and as a wrong one might.
//!
//! Nothing is built in memory: each part is handed to a [`Visit`] as it is found, and parsing
//! stops as soon as that has seen enough.

mod body;
mod content_type;
mod form;
mod graphql;
mod headers;
mod json;
mod multipart;
mod xml;

pub(super) use headers::RequestHeaders;
pub(super) use {graphql::document as graphql, graphql::looks_like_one as looks_like_graphql};
pub(super) use {json::Ending, json::document as json, json::looks_like_one as looks_like_json};

use super::decode;
use super::limits::Limits;
use super::protocol;
use super::request::RawRequest;
use super::signal::Finding;
use super::view::Place;
use std::ops::ControlFlow;

/// Whether to go on.
pub(super) type Flow = ControlFlow<()>;

/// Hears what a request consists of.
pub(super) trait Visit {
    /// A name that the client chose, and its value.
    fn pair(&mut self, place: Place, name: &[u8], value: &[u8]) -> Flow;

    /// A value whose name, if any, is not the client's to choose.
    fn value(&mut self, place: Place, name: &[u8], value: &[u8]) -> Flow;

    /// A name without a value of its own, such as that of a JSON object.
    fn name(&mut self, place: Place, name: &[u8]) -> Flow;

    /// Something is wrong with how the request is made, here.
    fn wrong(&mut self, finding: &'static Finding, place: Place, name: &[u8], text: &[u8]) -> Flow;

    /// What is likely to come again with the next request, letter by letter. `look` hands it
    /// over, part by part, and need not be called where it was found clean before.
    fn recurring(&mut self, name: &str, text: &[u8], look: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let _unused = (name, text);
        look(self)
    }

    /// A buffer to decode into, whatever it holds, and what becomes of it then.
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        drop(buffer);
    }
}

/// Hands all of a request to `visit`.
pub(super) fn request(
    request: &RawRequest<'_>,
    limits: &Limits,
    duplicates_are_wrong: bool,
    visit: &mut impl Visit,
) -> Flow {
    method(request, visit)?;
    visit.recurring("path", request.path, |visit| path(request.path, visit))?;
    if let Some(query) = request.query {
        form::pairs(query, Place::Query, duplicates_are_wrong, visit)?;
    }
    headers::all(&request.headers, visit)?;
    body::any(request, limits, duplicates_are_wrong, visit)
}

fn method(request: &RawRequest<'_>, visit: &mut impl Visit) -> Flow {
    let method = request.method;
    let forbidden = |name: &&str| name.eq_ignore_ascii_case(method);
    if protocol::FORBIDDEN_METHODS.iter().any(forbidden) {
        visit.wrong(&protocol::METHOD, Place::Path, b"", method.as_bytes())?;
    }
    if !request.body.is_empty() && matches!(method, "GET" | "HEAD") {
        visit.wrong(&protocol::BODY_OF_GET, Place::Body, b"", method.as_bytes())?;
    }
    Flow::Continue(())
}

/// The path as it came, and its last segments decoded from base64 where they may be that: the
/// rest of decoding is the visitor's.
fn path(path: &[u8], visit: &mut impl Visit) -> Flow {
    visit.value(Place::Path, b"", path)?;
    if path.len() <= MIN_HIDDEN_LEN {
        return Flow::Continue(());
    }
    let mut decoded = visit.buffer();
    for segment in pieces(path, b'/') {
        if segment.len() >= MIN_HIDDEN_LEN && decode::base64(segment, &mut decoded) {
            visit.value(Place::Path, b"", &decoded)?;
        }
    }
    visit.give_back(decoded);
    Flow::Continue(())
}

/// What stands between separators, from the first to the last.
fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(separator, text);
        rest = end.and_then(|end| text.get(end + 1..));
        Some(end.and_then(|end| text.get(..end)).unwrap_or(text))
    })
}

/// Shorter segments of a path are not tried as base64.
const MIN_HIDDEN_LEN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes all it hears.
    #[derive(Default)]
    pub(super) struct Heard {
        pub(super) values: Vec<String>,
        pub(super) names: Vec<String>,
        pub(super) wrong: Vec<&'static str>,
    }

    impl Visit for Heard {
        fn pair(&mut self, place: Place, name: &[u8], value: &[u8]) -> Flow {
            self.value(place, name, value)
        }

        fn value(&mut self, _: Place, name: &[u8], value: &[u8]) -> Flow {
            let text = String::from_utf8_lossy;
            self.values.push(format!("{}={}", text(name), text(value)));
            Flow::Continue(())
        }

        fn name(&mut self, _: Place, name: &[u8]) -> Flow {
            self.names.push(String::from_utf8_lossy(name).into_owned());
            Flow::Continue(())
        }

        fn wrong(&mut self, finding: &'static Finding, _: Place, _: &[u8], _: &[u8]) -> Flow {
            self.wrong.push(finding.id);
            Flow::Continue(())
        }
    }

    fn read(raw: &RawRequest<'_>) -> Heard {
        let mut heard = Heard::default();
        assert!(request(raw, &Limits::new(), true, &mut heard).is_continue());
        heard
    }

    #[test]
    fn bodies_by_type_and_by_looks() {
        let form = "application/x-www-form-urlencoded";
        let cases: [(&str, &str, &str, &[&str]); 8] = [
            ("a form", form, "a=1+2&b=%27", &["a=1 2", "b='"]),
            ("json", "application/json", "{\"a\":\"x\"}", &["a=x"]),
            ("json that says form", form, "{\"a\":\"x\"}", &["a=x"]),
            ("json without a type", "", "{\"a\":\"x\"}", &["a=x"]),
            (
                "form that says json",
                "application/json",
                "a=%27",
                &["a='", "=a=%27"],
            ),
            (
                "form that says text",
                "text/plain",
                "a=%27",
                &["a='", "=a=%27"],
            ),
            ("text", "text/plain", "it's", &["=it's"]),
            ("a file", "image/png", "it's", &["=it's"]),
        ];
        for (name, content_type, body, expected) in cases {
            let mut raw = RawRequest::new("POST", "/").body(body);
            if !content_type.is_empty() {
                raw = raw.header("Content-Type", content_type);
            }
            let values = read(&raw).values;
            let values: Vec<_> = values
                .iter()
                .filter(|v| !v.starts_with("content-type=") && *v != "=/")
                .collect();
            assert_eq!(values, expected, "{name}");
        }
    }

    #[test]
    fn heads() {
        let raw = RawRequest::new("GET", "/a/PHNjcmlwdD5hbGVydCgxKQ?x=%253C&y&z=1&z=2#f")
            .header("Cookie", "s=1; t=a=b; u")
            .header("Accept", "text/html, */*;q=0.8")
            .header("X-Odd", "{}")
            .header("Authorization", "Bearer abc.def-_")
            .header("Referer", "https://example.com/a?q=1%27&r");
        let heard = read(&raw);
        let expected = [
            "=/a/PHNjcmlwdD5hbGVydCgxKQ",
            "=<script>alert(1)",
            "x=%3C",
            "=y",
            "z=1",
            "z=2",
            "s=1",
            "t=a=b",
            "=u",
            "x-odd={}",
            "referer=https://example.com/a",
            "referer=1'",
            "referer=r",
        ];
        assert_eq!(heard.values, expected);
        assert_eq!(heard.wrong, ["protocol-duplicate"]);
    }
}
