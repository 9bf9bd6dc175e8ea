use super::{Flow, Visit};
use crate::waf::decode;
use crate::waf::limits::Limits;
use crate::waf::protocol;
use crate::waf::view::Place;

/// Whether a text without a type looks like XML.
pub(super) fn looks_like_one(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let [b'<', inside @ ..] = text else {
        return false;
    };
    matches!(inside, [b'?' | b'!', ..])
        || (inside.first().is_some_and(u8::is_ascii_alphabetic)
            && text.trim_ascii_end().ends_with(b">"))
}

/// Reads an XML text and tells of the document, its attributes and the text of its elements:
/// CDATA sections and what stands around comments joined, character references decoded,
/// entities left as they are, for nothing here resolves them.
///
/// It reads whatever it is given; what is no XML is told of as text.
pub(super) fn document(text: &[u8], limits: &Limits, visit: &mut impl Visit) -> Flow {
    visit.value(Place::XmlDocument, b"", text)?;
    let mut reader = Reader {
        rest: text,
        run: Vec::new(),
        buffer: Vec::new(),
        element: b"",
        depth: 0,
    };
    while let Some(at) = memchr::memchr(b'<', reader.rest) {
        let (before, from) = reader.rest.split_at(at);
        reader.run.extend_from_slice(before);
        reader.rest = from;
        reader.markup(limits, visit)?;
    }
    reader.run.extend_from_slice(reader.rest);
    reader.tell_run(visit)
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The text since the last tag.
    run: Vec<u8>,
    buffer: Vec<u8>,
    element: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    fn markup(&mut self, limits: &Limits, visit: &mut impl Visit) -> Flow {
        if let Some(inside) = self.rest.strip_prefix(b"<![CDATA[") {
            let text = self.until(inside, b"]]>");
            self.run.extend_from_slice(text);
            return Flow::Continue(());
        }
        if let Some(inside) = self.rest.strip_prefix(b"<!--") {
            let comment = self.until(inside, b"-->");
            return visit.value(Place::Xml, b"!--", comment);
        }
        if let Some(inside) = self.rest.strip_prefix(b"<?") {
            self.until(inside, b"?>");
            return Flow::Continue(());
        }
        let inside = self.rest.get(1..).unwrap_or_default();
        if inside.first() == Some(&b'!') {
            let end = doctype(inside);
            self.rest = inside.get(end..).unwrap_or_default();
            return Flow::Continue(());
        }
        self.tell_run(visit)?;
        self.tag(inside, limits, visit)
    }

    /// Goes on after `end`, and gives what stands before it.
    fn until(&mut self, inside: &'a [u8], end: &[u8]) -> &'a [u8] {
        let (text, rest) = match memchr::memmem::find(inside, end) {
            Some(at) => (inside.get(..at), inside.get(at + end.len()..)),
            None => (Some(inside), None),
        };
        self.rest = rest.unwrap_or_default();
        text.unwrap_or_default()
    }

    fn tell_run(&mut self, visit: &mut impl Visit) -> Flow {
        let run = std::mem::take(&mut self.run);
        let text = run.trim_ascii();
        if !text.is_empty() {
            let decoded =
                memchr::memchr(b'&', text).is_some() && decode::entities(text, &mut self.buffer);
            let text = if decoded { &self.buffer } else { text };
            visit.value(Place::Xml, self.element, text)?;
        }
        self.run = run;
        self.run.clear();
        Flow::Continue(())
    }

    fn tag(&mut self, inside: &'a [u8], limits: &Limits, visit: &mut impl Visit) -> Flow {
        let is_name = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/' | b'<' | b'=');
        if let [b'/', rest @ ..] = inside {
            self.depth = self.depth.saturating_sub(1);
            self.until(rest, b">");
            return Flow::Continue(());
        }
        let length = inside.iter().take_while(is_name).count();
        self.element = inside.get(..length).unwrap_or_default();
        let mut rest = inside.get(length..).unwrap_or_default();
        self.depth += 1;
        if self.depth > limits.depth {
            visit.wrong(&protocol::DEPTH, Place::Xml, b"", self.element)?;
        }
        loop {
            rest = rest.trim_ascii_start();
            match rest {
                [] => break,
                [b'>', after @ ..] => {
                    rest = after;
                    break;
                }
                [b'/', b'>', after @ ..] => {
                    self.depth = self.depth.saturating_sub(1);
                    rest = after;
                    break;
                }
                [b'<', ..] => break,
                _ => rest = self.attribute(rest, visit)?,
            }
        }
        self.rest = rest;
        Flow::Continue(())
    }

    fn attribute(
        &mut self,
        text: &'a [u8],
        visit: &mut impl Visit,
    ) -> std::ops::ControlFlow<(), &'a [u8]> {
        let end = text
            .iter()
            .position(|b| matches!(b, b'=' | b'>' | b'<' | b'/') || b.is_ascii_whitespace());
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.trim_ascii_start();
        let (value, rest) = match rest {
            [b'=', value @ ..] => match value.trim_ascii_start() {
                [quote @ (b'"' | b'\''), value @ ..] => {
                    let end = memchr::memchr(*quote, value).unwrap_or(value.len());
                    (value.get(..end), value.get(end + 1..))
                }
                value => {
                    let end = value
                        .iter()
                        .position(|b| b.is_ascii_whitespace() || *b == b'>');
                    let (value, rest) = value.split_at(end.unwrap_or(value.len()));
                    (Some(value), Some(rest))
                }
            },
            // A lone name, or a byte that is nothing: at least that is behind us.
            _ if name.is_empty() => (None, rest.get(1..)),
            _ => (None, Some(rest)),
        };
        let value = value.unwrap_or_default();
        let decoded =
            memchr::memchr(b'&', value).is_some() && decode::entities(value, &mut self.buffer);
        let value = if decoded { &self.buffer } else { value };
        // Namespaces are names, not addresses that anybody calls.
        if !name.starts_with(b"xmlns") {
            visit.value(Place::Xml, name, value)?;
        }
        std::ops::ControlFlow::Continue(rest.unwrap_or_default())
    }
}

/// How long a document type is, its internal subset included.
fn doctype(text: &[u8]) -> usize {
    let mut brackets = 0usize;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            b'>' if brackets == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::parse::tests::Heard;

    fn read(text: &str) -> Heard {
        let mut heard = Heard::default();
        assert!(document(text.as_bytes(), &Limits::new(), &mut heard).is_continue());
        heard
    }

    #[test]
    fn texts_and_attributes() {
        let heard = read(
            "<?xml version=\"1.0\"?>\n<order id=\"4275\" xmlns=\"urn:x\"><name>R&amp;B</name>\
             <note>uni<![CDATA[on sel]]>e<!-- - -->ct</note><x a='&#x3c;' b/></order>",
        );
        let expected = [
            "id=4275",
            "name=R&B",
            "!--= - ",
            "note=union select",
            "a=<",
            "b=",
        ];
        assert_eq!(&heard.values[1..], expected);
    }

    #[test]
    fn what_is_no_xml_is_text() {
        let cases = [
            "<", "<<<<", "< a", "a < b", "<a", "<a b", "<a b=", "<a b='", "</", "<!", "<![",
        ];
        for text in cases {
            read(text);
        }
        assert_eq!(read("plain").values, ["=plain", "=plain"]);
        assert!(read(&"<a>".repeat(100)).wrong.contains(&"protocol-depth"));
    }

    #[test]
    fn entities_stay() {
        let heard = read("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///x\">]><x>&e;</x>");
        assert_eq!(&heard.values[1..], ["x=&e;"]);
    }
}
