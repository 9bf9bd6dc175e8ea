//! Attributes: event handlers, URLs that are scripts, styles that are scripts.

use super::{Markup, findings as found, names, scheme};
use crate::waf::decode::hex_number;
use crate::waf::detect::text::{COMMENT_END, is_space};

/// What an attribute costs, and each byte of it, in steps.
const STEPS_OF_ATTRIBUTE: usize = 48;
const STEPS_IN_ATTRIBUTE: usize = 6;

/// How far a tag was read.
pub(super) struct Read {
    pub(super) end: usize,
    pub(super) attributes: u32,
    /// The tag has its `>`.
    pub(super) complete: bool,
}

impl Markup<'_, '_> {
    /// The attributes of a tag from `start` on, to its `>` or the next `<`.
    pub(super) fn attributes(&mut self, open: usize, start: usize, tag: &[u8]) -> Read {
        let mut at = start;
        let mut attributes = 0_u32;
        loop {
            at = self.text.skip(at, |byte| {
                is_space(byte) || matches!(byte, b'/' | b'"' | b'\'' | b'`' | b';' | b',' | 0)
            });
            match self.text.at(at) {
                b'>' => {
                    return Read {
                        end: at.saturating_add(1),
                        attributes,
                        complete: true,
                    };
                }
                b'<' | 0 if at >= self.text.len() || self.text.at(at) == b'<' => {
                    return Read {
                        end: at,
                        attributes,
                        complete: false,
                    };
                }
                _ => {}
            }
            let name_end = self.text.skip(at, |byte| {
                !is_space(byte) && !matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\'' | b'<' | 0)
            });
            let name_end = name_end.max(at.saturating_add(1));
            let name = self.text.slice(at, name_end);
            let equals = self.text.skip(name_end, |byte| is_space(byte) || byte == 0);
            let (value_start, value_end, next) = if self.text.at(equals) == b'=' {
                self.attribute_value(equals.saturating_add(1))
            } else {
                (name_end, name_end, name_end)
            };
            attributes = attributes.saturating_add(1);
            let read = value_end.saturating_sub(at);
            let cost = read.saturating_mul(STEPS_IN_ATTRIBUTE);
            if !self.signals.spend(cost.saturating_add(STEPS_OF_ATTRIBUTE)) {
                return Read {
                    end: self.text.len(),
                    attributes,
                    complete: false,
                };
            }
            self.attribute(
                open,
                tag,
                name,
                value_start..value_end,
                self.text.at(equals) == b'=',
            );
            at = next.max(name_end);
        }
    }

    /// Start and end of the value, and where reading goes on.
    fn attribute_value(&mut self, start: usize) -> (usize, usize, usize) {
        let start = self
            .text
            .skip(start, |byte| is_space(byte) || byte == 0 || byte == b'=');
        let quote = self.text.at(start);
        let flag = match quote {
            b'"' => 1,
            b'\'' => 2,
            b'`' => 4,
            _ => 0,
        };
        if flag != 0 && self.no_close & flag == 0 {
            let inner = start.saturating_add(1);
            let end = self.text.find(inner, quote);
            if end < self.text.len() {
                return (inner, end, end.saturating_add(1));
            }
            self.no_close |= flag;
        }
        let start = if flag == 0 {
            start
        } else {
            start.saturating_add(1)
        };
        let end = self.text.skip(start, |byte| {
            !is_space(byte) && !matches!(byte, b'>' | b'<')
        });
        (start, end, end)
    }

    fn attribute(
        &mut self,
        open: usize,
        tag: &[u8],
        name: &[u8],
        value: std::ops::Range<usize>,
        assigned: bool,
    ) {
        let end = value.end;
        if is_event(name) && assigned {
            self.signals.push(&found::EVENT_HANDLER, open..end);
        }
        let text = self.text.slice(value.start, value.end);
        if scheme::script_scheme(text) {
            self.signals.push(&found::SCRIPT_URL, open..end);
        }
        if names::is_dangerous_attribute(name) && assigned && !self.document {
            self.signals.push(&found::DANGEROUS_ATTRIBUTE, open..end);
        }
        if tag.eq_ignore_ascii_case(b"form")
            && name.eq_ignore_ascii_case(b"action")
            && scheme::leads_elsewhere(text)
        {
            self.signals.push(&found::FOREIGN_FORM, open..end);
        }
        let named = name.eq_ignore_ascii_case(b"id") || name.eq_ignore_ascii_case(b"name");
        if named && names::clobbers(tag, text) {
            self.signals.push(&found::CLOBBERING, open..end);
        }
        if assigned && !tag.is_empty() && names::is_of_library(name) {
            self.signals.push(&found::LIBRARY_ATTRIBUTE, open..end);
        }
        if name.eq_ignore_ascii_case(b"style")
            && (is_active_style(text) || contains_folded(text, LOADS_IN_STYLE))
        {
            self.signals.push(&found::ACTIVE_STYLE, open..end);
        }
        if (tag.eq_ignore_ascii_case(b"style") || tag.is_empty()) && is_active_style(text) {
            self.signals.push(&found::ACTIVE_STYLE, open..end);
        }
    }

    /// The rules of a style sheet from `start` on, up to the next tag.
    pub(super) fn style_sheet(&mut self, open: usize, start: usize) {
        let end = self.text.find(start, b'<');
        let rules = self.text.slice(start, end);
        if !self
            .signals
            .spend(rules.len().saturating_mul(STEPS_IN_ATTRIBUTE))
        {
            return;
        }
        if contains_folded(rules, SCRIPTS_IN_STYLE) || contains_folded(rules, LOADS_IN_STYLE) {
            self.signals.push(&found::ACTIVE_STYLE, open..end);
        }
    }

    /// A value that begins within an attribute: `" onfocus=alert(1) x="`.
    pub(super) fn attribute_context(&mut self) {
        if self.signals.has(&found::EVENT_HANDLER) {
            return;
        }
        for at in memchr::memchr2_iter(b'o', b'O', self.text.0) {
            if !matches!(self.text.at(at.saturating_add(1)), b'n' | b'N') {
                continue;
            }
            let before = if at == 0 {
                b' '
            } else {
                self.text.at(at.saturating_sub(1))
            };
            if !(is_space(before)
                || matches!(
                    before,
                    b'"' | b'\'' | b'`' | b'/' | b';' | b'>' | b'=' | b',' | b'(' | b'0'..=b'9'
                ))
            {
                continue;
            }
            let end = self.text.skip(at, |byte| byte.is_ascii_alphabetic());
            let equals = self.text.skip(end, |byte| is_space(byte) || byte == 0);
            let name = self.text.slice(at.saturating_add(2), end);
            let compared = self.text.at(equals.saturating_add(1)) == b'=';
            let valued = equals.saturating_add(1) < self.text.len();
            if self.text.at(equals) == b'=' && !compared && valued && names::begins_event(name) {
                self.signals
                    .push(&found::EVENT_BEHIND, at..equals.saturating_add(1));
                return;
            }
        }
    }

    /// ` onwhatever` as the name of a parameter: nobody begins one with a space, and what stands
    /// behind its equals sign is the value.
    pub(super) fn event_name(&mut self) {
        let name = self.text.0.trim_ascii();
        if name.len() < self.text.len() && is_event(name) {
            self.signals.push(&found::EVENT_BEHIND, 0..self.text.len());
        }
    }

    /// `" formaction=...`: attributes that act, behind the quote that ends another.
    fn acting_attribute(&mut self) {
        const ACTING: &[&[u8]] = &[b"formaction", b"srcdoc", b"xlink:href"];
        for at in memchr::memchr_iter(b'=', self.text.0) {
            let name_end = self.text.back_space(at);
            let name = ACTING.iter().find(|name| {
                let start = name_end.saturating_sub(name.len());
                let before = self.text.at(self.text.back_space(start).saturating_sub(1));
                start > 0 && self.text.has(start, name) && matches!(before, b'"' | b'\'' | b'`')
            });
            if let Some(name) = name {
                let start = name_end.saturating_sub(name.len());
                self.signals.push(&found::ATTRIBUTE_BEHIND, start..at);
                return;
            }
        }
    }

    /// What the value is as a whole: a URL that is a script, or CSS.
    pub(super) fn whole_value(&mut self) {
        self.acting_attribute();
        let span = scheme::script_url(self.text);
        if let Some(span) = span.filter(|_| !self.signals.has(&found::SCRIPT_URL)) {
            self.signals.push(&found::SCRIPT_VALUE, span);
        }
        let bytes = self.text.0;
        let style = super::super::text::find_lower(bytes, b"style");
        let assigned = style.is_some_and(|at| {
            let end = self.text.skip_space(at.saturating_add(5));
            matches!(self.text.at(end), b'=' | b'>')
        });
        if (assigned && contains_folded(bytes, SCRIPTS_IN_STYLE))
            || contains_folded(bytes, FUNCTIONS_OF_SCRIPTS)
        {
            self.signals.push(&found::ACTIVE_STYLE, 0..bytes.len());
        }
    }
}

/// `onload`, `onwhatever`: names that browsers to come may know, too.
fn is_event(name: &[u8]) -> bool {
    let prefix = name
        .get(..2)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"on"));
    prefix
        && name.len() > 4
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | 0x80..))
}

/// Styles that run scripts, in whatever browser, or load more styles. Comments and backslashes
/// hide nothing: `expr/**/ession`.
fn is_active_style(text: &[u8]) -> bool {
    text.len() > 5
        && (contains_folded(text, SCRIPTS_IN_STYLE) || memchr::memchr(b'<', text).is_some())
}

const SCRIPTS_IN_STYLE: &[Needle] = &[
    needle("expression("),
    needle("javascript:"),
    needle("vbscript:"),
    needle("behavior:url("),
    needle("moz-binding:url("),
    needle("@import'"),
    needle("@import\""),
    needle("@importurl("),
    needle("url(data:text"),
    needle("url('data:text"),
    needle("url(\"data:text"),
];

/// What loads something from elsewhere in the style of an element.
const LOADS_IN_STYLE: &[Needle] = &[needle("url(")];

/// `url(javascript` and `x:expression(` where no attribute stands before.
const FUNCTIONS_OF_SCRIPTS: &[Needle] = &[
    needle(":url(javascript"),
    needle(":url('javascript"),
    needle(":url(\"javascript"),
    needle(":expression("),
    needle("@import'"),
    needle("@import\""),
];

/// The character that the digits after a backslash spell, as in `expression\28 1\29`, and how
/// many they are; nothing where there are none.
fn css_escape(text: &[u8]) -> (u8, usize) {
    let (code, length) = hex_number(text, 6);
    let spelled = u8::try_from(code).unwrap_or(b'?');
    if length < 2 {
        (0, 0)
    } else {
        (spelled, length)
    }
}

/// Letters to look for, of which no more than sixteen are held against the text.
struct Needle {
    letters: u128,
    mask: u128,
}

const fn needle(text: &str) -> Needle {
    let (mut letters, mut mask) = (0, 0);
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        letters = (letters << 8) | *first as u128;
        mask = (mask << 8) | 0xFF;
        rest = others;
    }
    Needle { letters, mask }
}

/// Whether one of the needles occurs, without white space, comments and backslashes, in
/// whatever case. One pass, with the last sixteen letters at hand.
fn contains_folded(text: &[u8], needles: &[Needle]) -> bool {
    // Every needle has one of these, and no more than a backslash can hide it.
    let may_contain = memchr::memchr3(b'(', b':', b'\\', text).is_some()
        || memchr::memchr2(b'\'', b'"', text).is_some();
    if !may_contain {
        return false;
    }
    let mut window = 0_u128;
    let mut at = 0;
    let mut comment_end_missing = false;
    while let Some(&byte) = text.get(at) {
        let next = text.get(at.saturating_add(1)).copied().unwrap_or(0);
        if byte == b'/' && next == b'*' && !comment_end_missing {
            match COMMENT_END.find(text.get(at..).unwrap_or_default()) {
                Some(length) => {
                    at = at.saturating_add(length).saturating_add(2);
                    continue;
                }
                None => comment_end_missing = true,
            }
        }
        at = at.saturating_add(1);
        let (byte, length) = if byte == b'\\' {
            css_escape(text.get(at..).unwrap_or_default())
        } else {
            (byte, 0)
        };
        at = at.saturating_add(length);
        if is_space(byte) || byte < b' ' {
            continue;
        }
        window = (window << 8) | u128::from(byte.to_ascii_lowercase());
        let ends = matches!(byte, b'(' | b':' | b't' | b'T' | b'\'' | b'"');
        if ends
            && needles
                .iter()
                .any(|needle| window & needle.mask == needle.letters)
        {
            return true;
        }
    }
    false
}
