//! HTML injection and cross-site scripting: markup is read as a browser would read it, tag by
//! tag and attribute by attribute, also where the value begins within an attribute.
//!
//! Markup that does nothing (`<b>`, `<p class="x">`, `<a href="https://...">`) is no finding. Nor
//! is much that only a page can tell: which ids its scripts look up, what its libraries make of
//! an attribute. Where a field of markup is shown as markup, it is a sanitizer that decides what
//! stays of it; these findings refuse what is meant to do harm.

mod attribute;
mod findings;
mod names;
mod scheme;

use super::Detector;
use super::text::{Text, is_space};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Places, View};
use findings as found;

pub(super) static DETECTOR: Detector = Detector {
    findings: found::ALL,
    places: Places::VALUES,
    bytes: b"<",
    literals: &[
        " on",
        "/on",
        "\"on",
        "'on",
        "`on",
        "\ton",
        "\non",
        "\ron",
        ";on",
        "\u{b}on",
        "\u{c}on",
        "script",
        "s\tc",
        "a\tv",
        "a\nv",
        "a\rv",
        "j\ta",
        "j\na",
        "v\ta",
        "data:",
        "style",
        "url(",
        "expression",
        "vbs:",
        "-->",
        "\u{bc}s",
        "formaction",
        "srcdoc",
        "xlink:href",
    ],
    cost: 4,
    run,
};

fn run(view: &View<'_>, signals: &mut Signals) {
    let text = Text(view.bytes);
    let mut markup = Markup {
        text,
        signals,
        no_close: 0,
        wall: 0,
        no_wall: false,
        tags: 0,
        document: view.from_base64,
    };
    markup.tags();
    markup.attribute_context();
    markup.whole_value();
    if view.part == Part::Name {
        markup.event_name();
    }
}

/// What a tag costs beside its attributes, and any other `<`, in steps.
const STEPS_OF_TAG: usize = 48;
const STEPS_OF_BRACKET: usize = 24;

/// The state of reading one text.
struct Markup<'v, 's> {
    text: Text<'v>,
    signals: &'s mut Signals,
    /// Quotes of which no closing one is left, so that many openings cost one search.
    no_close: u8,
    /// Where the comment ends that is being read, or the element that holds no markup: no tag
    /// in it goes on behind.
    wall: usize,
    /// No comment ends any more.
    no_wall: bool,
    tags: u32,
    /// A document of its own, such as an assertion of SAML in base64: it may have namespaces.
    document: bool,
}

impl Markup<'_, '_> {
    fn tags(&mut self) {
        let mut at = self.text.find(0, b'<');
        while at < self.text.len() {
            let next = at.saturating_add(1);
            let steps = if self.text.at(next).is_ascii_alphabetic() {
                STEPS_OF_TAG
            } else {
                STEPS_OF_BRACKET
            };
            if !self.signals.spend(steps) {
                return;
            }
            let end = match self.text.at(next) {
                b'<' | 0 => next,
                byte if byte.is_ascii_alphabetic() => self.tag(at, next),
                b'/' => self.closing(at, next.saturating_add(1)),
                b'!' => self.declaration(at, next),
                b'?' => self.instruction(at, next),
                b'%' | b'&' => next,
                byte if is_space(byte) => self.spaced(at, next),
                byte => self.odd(at, next, byte),
            };
            let end = if at < self.wall {
                end.min(self.wall)
            } else {
                end
            };
            at = self.text.find(end.max(next), b'<');
        }
        // `--> here`: an arrow.
        let arrow = self.text.skip_space(0);
        let after = self.text.at(arrow.saturating_add(3));
        if self.text.has(arrow, b"-->") && !is_space(after) {
            self.signals.push(&found::COMMENT_END, 0..3);
        }
        self.latin_brackets();
    }

    /// A tag whose name starts at `start`: the end of what was read of it.
    fn tag(&mut self, open: usize, start: usize) -> usize {
        let end = self.text.skip(start, |byte| {
            !is_space(byte) && !matches!(byte, b'/' | b'>' | b'<' | b'"' | b'\'' | b'=' | b'(' | 0)
        });
        let name = self.text.slice(start, end);
        if name.len() == 1 && self.is_spelled(start) {
            self.signals.push(&found::SPELLED_TAG, open..end);
        }
        self.tags = self.tags.saturating_add(1);
        let local = local_name(name);
        let closed = self.attributes(open, end, local);
        if names::ends_text(local) {
            self.build_text_wall(open, closed.end, local);
        }
        if local.eq_ignore_ascii_case(b"style") && closed.complete {
            self.style_sheet(open, closed.end);
        }
        let drawn = local.len() < name.len() && names::is_active(prefix_name(name));
        if names::is_active(local) || drawn {
            // `<script` within a word, as in `a<scripted`, is none: the name must be whole.
            let finding = if self.is_open_script(local, &closed) {
                &found::OPEN_SCRIPT
            } else {
                &found::ACTIVE_TAG
            };
            self.signals.push(finding, open..end);
        } else if names::is_form(local)
            && self.tags < 3
            && closed.attributes == 0
            && closed.complete
        {
            self.signals.push(&found::FORM_TAG, open..end);
        } else if !self.document && local.len() < name.len() && local.len() > 2 && closed.complete {
            self.signals.push(&found::NAMESPACED, open..end);
        }
        closed.end
    }

    /// `<script> tag: what is it?`: without an end, browsers run nothing of it.
    fn is_open_script(&self, name: &[u8], read: &attribute::Read) -> bool {
        name == b"script"
            && read.complete
            && read.attributes == 0
            && self.tags == 1
            && memchr::memmem::find(self.text.from(read.end), b"</").is_none()
    }

    /// Finds the end of what begins with `<!`, as browsers do: what looks like a tag in it must
    /// not hide the tags behind.
    fn build_wall(&mut self, open: usize, start: usize) {
        if open < self.wall || self.no_wall {
            return;
        }
        let rest = self.text.from(start);
        let end = if self.text.has(start, b"--") {
            let ends = memchr::memmem::find_iter(rest, b"--");
            // `<!-->` is a comment, too.
            let mut ends = ends
                .map(|at| at.saturating_add(2))
                .filter(|at| matches!(rest.get(*at..), Some([b'>', ..] | [b'!', b'>', ..])));
            ends.next()
        } else {
            memchr::memchr(b'>', rest)
        };
        match end {
            Some(length) => self.wall = start.saturating_add(length),
            None => self.no_wall = true,
        }
    }

    /// As [`build_wall`](Self::build_wall), of an element that holds no markup.
    fn build_text_wall(&mut self, open: usize, start: usize, name: &[u8]) {
        if open < self.wall || self.no_wall {
            return;
        }
        let rest = self.text.from(start);
        let mut ends = memchr::memmem::find_iter(rest, b"</").filter(|at| {
            let from = at.saturating_add(2);
            let found = rest.get(from..from.saturating_add(name.len()));
            found.is_some_and(|found| found.eq_ignore_ascii_case(name))
        });
        match ends.next() {
            Some(length) => self.wall = start.saturating_add(length),
            None => self.no_wall = true,
        }
    }

    /// `<d i a l o g`: letters apart, put together by a filter behind us.
    fn is_spelled(&self, start: usize) -> bool {
        let mut at = start;
        for _ in 0..3 {
            let letter = self.text.at(at).is_ascii_alphabetic();
            let space = self.text.at(at.saturating_add(1));
            if !letter || !(is_space(space) || matches!(space, 0x0b | 0x0c)) {
                return false;
            }
            at = self.text.skip_space(at.saturating_add(1));
        }
        self.text.at(at).is_ascii_alphabetic()
            && !self.text.at(at.saturating_add(1)).is_ascii_alphanumeric()
    }

    /// `< script`: a browser reads no tag here, but what cleans up behind us may.
    fn spaced(&mut self, open: usize, start: usize) -> usize {
        let name = self.text.skip_space(start);
        let end = self.text.word_end(name);
        let word = self.text.slice(name, end);
        if matches!(self.text.at(end), b'>' | b'/' | b' ' | b'\t' | b'\n')
            && word.eq_ignore_ascii_case(b"script")
        {
            self.signals.push(&found::ACTIVE_TAG, open..end);
        }
        name
    }

    fn odd(&mut self, open: usize, start: usize, byte: u8) -> usize {
        // `<//x style=...>`, `<\x3c...`, `<0 onload=`: parsers of the past read tags here.
        if matches!(byte, 0 | b'\\' | b'+' | b'@' | b'=' | b'"' | b'\'') {
            return start;
        }
        let end = self.text.skip(start, |byte| {
            !is_space(byte) && !matches!(byte, b'>' | b'<' | b'/')
        });
        let name = self.text.slice(start, end);
        if names::is_active(name.strip_prefix(b":").unwrap_or_default()) {
            self.signals.push(&found::ACTIVE_TAG, open..end);
        }
        self.attributes(open, end, b"").end
    }

    fn closing(&mut self, open: usize, start: usize) -> usize {
        let end = self.text.skip(start, |byte| byte.is_ascii_alphanumeric());
        let name = self.text.slice(start, end);
        if names::ends_text(name) && self.tags == 0 {
            self.signals.push(&found::CONTEXT_END, open..end);
        }
        self.attributes(open, end, b"").end
    }

    fn declaration(&mut self, open: usize, start: usize) -> usize {
        let after = start.saturating_add(1);
        self.build_wall(open, after);
        if self.text.has(after, b"doctype")
            || self.text.has(after, b"entity")
            || self.text.has(after, b"attlist")
        {
            let head = self.text.slice(after, after.saturating_add(200));
            let inner = head.split(|byte| *byte == b'>').next().unwrap_or_default();
            if memchr::memchr(b'[', inner).is_some() || !self.text.has(after, b"doctype") {
                self.signals.push(&found::DECLARATION, open..after);
            }
            return after;
        }
        if self.text.has(after, b"--[if")
            || self.text.has(after, b"--#")
            || self.text.has(after, b"[if")
        {
            self.signals.push(&found::CONDITIONAL, open..after);
        }
        if self.text.has(after, b"--") {
            self.signals.push(&found::COMMENT, open..after);
        }
        after
    }

    fn instruction(&mut self, open: usize, start: usize) -> usize {
        let after = start.saturating_add(1);
        if self.text.has(after, b"xml-stylesheet") || self.text.has(after, b"import") {
            self.signals.push(&found::DECLARATION, open..after);
        }
        after
    }

    /// `\xbcscript\xbe`: US-ASCII as some browsers once read it, with the high bit set.
    fn latin_brackets(&mut self) {
        let bytes = self.text.0;
        if let Some(at) = memchr::memmem::find(bytes, b"\xbcscript")
            .or_else(|| memchr::memmem::find(bytes, b"\\xbcscript"))
        {
            self.signals
                .push(&found::ACTIVE_TAG, at..at.saturating_add(7));
        }
        if let Some(at) = memchr::memmem::find(bytes, b"+ADw-") {
            self.signals.push(&found::UTF7, at..at.saturating_add(5));
        } else if memchr::memmem::find(bytes, b" ADw-").is_some()
            && memchr::memmem::find(bytes, b"AD4-").is_some()
        {
            self.signals.push(&found::UTF7, 0..self.text.len());
        }
    }
}

/// `svg` of `svg:mask`.
fn prefix_name(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b':').next().unwrap_or_default()
}

/// `script` of `x:script`.
fn local_name(name: &[u8]) -> &[u8] {
    match memchr::memchr(b':', name) {
        Some(colon) => name.get(colon.saturating_add(1)..).unwrap_or_default(),
        None => name,
    }
}
