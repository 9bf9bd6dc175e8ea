//! What the body of a request is.

use crate::guard::{Rejection, RejectionKind, RequestHead};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// What is done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Form,
    Passed,
}

impl Content {
    /// What a body is by its headers.
    pub(super) fn of(head: &RequestHead<'_>, passed: &[String]) -> Result<Self, Rejection> {
        let Some(value) = head.single_header(&CONTENT_TYPE) else {
            return Err(unsupported("there is no content type, or more than one"));
        };
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let essence = essence.trim().to_ascii_lowercase();
        if passed.contains(&essence) {
            return Ok(Self::Passed);
        }
        if is_compressed(head.headers()) {
            return Err(unsupported("the body is compressed"));
        }
        if !is_utf8(parameters) {
            return Err(unsupported("the text is not in UTF-8"));
        }
        let is_json = |subtype: &str| subtype == "json" || subtype.ends_with("+json");
        match essence.strip_prefix("application/") {
            Some("x-www-form-urlencoded") => Ok(Self::Form),
            Some(subtype) if is_json(subtype) => Ok(Self::Json),
            _ => Err(unsupported("the content type is neither JSON nor a form")),
        }
    }
}

fn is_compressed(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether no other charset than UTF-8 is named.
fn is_utf8(parameters: &str) -> bool {
    let charset = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    };
    let mut charsets = parameters.split(';').filter_map(charset);
    charsets.all(|it| matches!(&*it, "utf-8" | "utf8"))
}

fn unsupported(reason: &'static str) -> Rejection {
    const TAKEN: HeaderValue =
        HeaderValue::from_static("application/json, application/x-www-form-urlencoded");
    // RFC 9110 section 15.5.16: the answer may say what is taken.
    Rejection::new(RejectionKind::UnsupportedMediaType)
        .with_header(ACCEPT, TAKEN)
        .with_reason(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn contents() {
        let passed = ["multipart/form-data".to_owned()];
        for (name, headers, expected) in [
            (
                "json",
                &[("content-type", "application/json")][..],
                Some(Content::Json),
            ),
            (
                "a charset",
                &[("content-type", "application/json; charset=UTF-8")],
                Some(Content::Json),
            ),
            (
                "capitals",
                &[("content-type", "Application/JSON")],
                Some(Content::Json),
            ),
            (
                "of a kind",
                &[("content-type", "application/merge-patch+json")],
                Some(Content::Json),
            ),
            (
                "form",
                &[("content-type", "application/x-www-form-urlencoded")],
                Some(Content::Form),
            ),
            (
                "passed",
                &[("content-type", "multipart/form-data; boundary=x")],
                Some(Content::Passed),
            ),
            (
                "not compressed",
                &[
                    ("content-type", "application/json"),
                    ("content-encoding", "identity"),
                ],
                Some(Content::Json),
            ),
            ("none", &[], None),
            (
                "two",
                &[
                    ("content-type", "application/json"),
                    ("content-type", "text/plain"),
                ],
                None,
            ),
            ("text", &[("content-type", "text/plain")], None),
            ("text of JSON", &[("content-type", "text/json")], None),
            ("xml", &[("content-type", "application/xml")], None),
            (
                "another charset",
                &[("content-type", "application/json; charset=utf-16")],
                None,
            ),
            (
                "compressed",
                &[
                    ("content-type", "application/json"),
                    ("content-encoding", "gzip"),
                ],
                None,
            ),
        ] {
            let request = headers
                .iter()
                .fold(Request::builder(), |it, (name, value)| {
                    it.header(*name, *value)
                });
            let request = request.body(()).unwrap();
            let content = Content::of(&RequestHead::of(&request), &passed);
            assert_eq!(content.ok(), expected, "{name}");
        }
    }
}
