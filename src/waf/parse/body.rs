use super::content_type::{ContentType, Kind};
use super::{Flow, Visit, form, graphql, json, multipart, xml};
use crate::waf::decode;
use crate::waf::limits::Limits;
use crate::waf::protocol;
use crate::waf::request::RawRequest;
use crate::waf::view::Place;

/// Reads the body by its type, and by what it looks like where the type is missing, unknown
/// or wrong.
pub(super) fn any(
    request: &RawRequest<'_>,
    limits: &Limits,
    duplicates_are_wrong: bool,
    visit: &mut impl Visit,
) -> Flow {
    let types = request.headers.all("content-type");
    let mut types = types.filter(|value| !value.trim_ascii().is_empty());
    let content_type = match types.next() {
        Some(value) => {
            let known = ContentType::read(value, visit)?;
            let top = value.get(..b"text/".len()).unwrap_or_default();
            if known.kind == Kind::Unknown && !top.eq_ignore_ascii_case(b"text/") {
                visit.wrong(
                    &protocol::UNKNOWN_TYPE,
                    Place::Header,
                    b"content-type",
                    value,
                )?;
            }
            known
        }
        None => ContentType::UNKNOWN,
    };
    if let Some(second) = types.next() {
        visit.wrong(
            &protocol::CONTENT_TYPE,
            Place::Header,
            b"content-type",
            second,
        )?;
    }
    if request.body.is_empty() && content_type.kind != Kind::Multipart {
        return Flow::Continue(());
    }
    let transcoded = match content_type.kind {
        Kind::Multipart => None,
        Kind::Binary => decode::to_utf8(request.body).filter(|text| !is_file(text)),
        _ => decode::to_utf8(request.body),
    };
    let body = Body {
        text: transcoded.as_deref().unwrap_or(request.body),
        whole: request.body_is_whole,
        limits,
        duplicates_are_wrong,
    };
    match content_type.kind {
        Kind::Form => body.form(visit),
        Kind::Json => body.json(visit),
        Kind::JsonLines => {
            let ending = json::lines(body.text, Place::Json, limits, visit)?;
            json::must_be_sound(ending, body.whole, body.text, visit)
        }
        Kind::Xml => body.xml(visit),
        Kind::Graphql if graphql::looks_like_one(body.text) => graphql::document(body.text, visit),
        Kind::Multipart => multipart::document(body.text, content_type.boundary, body.whole, visit),
        // An image or the like is not believed to be one: whoever does not ask for the type reads
        // it as what it is.
        Kind::Binary | Kind::Graphql | Kind::Unknown => body.unknown(content_type.kind, visit),
    }
}

struct Body<'a> {
    text: &'a [u8],
    whole: bool,
    limits: &'a Limits,
    duplicates_are_wrong: bool,
}

impl Body<'_> {
    /// What calls itself a form may be read as JSON or XML by somebody who does not ask.
    fn form(&self, visit: &mut impl Visit) -> Flow {
        if json::looks_like_one(self.text) {
            let ending = json::document(self.text, Place::Json, b"", self.limits, visit)?;
            if ending == json::Ending::Sound {
                return Flow::Continue(());
            }
        }
        if xml::looks_like_one(self.text) {
            xml::document(self.text, self.limits, visit)?;
        }
        form::pairs(self.text, Place::Form, self.duplicates_are_wrong, visit)
    }

    fn json(&self, visit: &mut impl Visit) -> Flow {
        let ending = json::document(self.text, Place::Json, b"", self.limits, visit)?;
        if ending == json::Ending::Broken && form::looks_like_one(self.text) {
            form::pairs(self.text, Place::Form, self.duplicates_are_wrong, visit)?;
        }
        json::must_be_sound(ending, self.whole, self.text, visit)
    }

    fn xml(&self, visit: &mut impl Visit) -> Flow {
        xml::document(self.text, self.limits, visit)
    }

    fn unknown(&self, kind: Kind, visit: &mut impl Visit) -> Flow {
        if json::looks_like_one(self.text) {
            let ending = json::document(self.text, Place::Json, b"", self.limits, visit)?;
            if ending == json::Ending::Sound {
                return Flow::Continue(());
            }
        }
        if xml::looks_like_one(self.text) {
            xml::document(self.text, self.limits, visit)?;
            return visit.value(Place::Body, b"", self.text);
        }
        if form::looks_like_one(self.text) {
            form::pairs(self.text, Place::Form, self.duplicates_are_wrong, visit)?;
            return visit.value(Place::Body, b"", self.text);
        }
        if is_binary(self.text) || (kind == Kind::Binary && is_file(self.text)) {
            // Some readers of JSON take the first value and leave what follows.
            if let [b'{' | b'[', ..] = self.text.trim_ascii_start() {
                let _ending = json::document(self.text, Place::Json, b"", self.limits, visit)?;
            }
            return visit.value(Place::File, b"", self.text);
        }
        visit.value(Place::Body, b"", self.text)
    }
}

/// Whether a text that calls itself something else is no text: images hold zeros, whatever
/// captions they begin with.
pub(super) fn is_file(text: &[u8]) -> bool {
    is_binary(text) || memchr::memchr(0, text).is_some()
}

/// Whether the beginning of a text is none: more than one byte in eight is a control
/// character or breaks UTF-8.
fn is_binary(text: &[u8]) -> bool {
    let beginning = text.get(..512).unwrap_or(text);
    let controls = beginning
        .iter()
        .filter(|b| **b < 0x20 && !b.is_ascii_whitespace());
    let broken: usize = beginning
        .utf8_chunks()
        .map(|chunk| chunk.invalid().len())
        .sum();
    (controls.count() + broken) * 8 > beginning.len()
}
