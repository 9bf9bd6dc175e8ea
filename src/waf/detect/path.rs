//! Path traversal: steps out of the folder that was meant.

mod encoded;

use super::Detector;
use super::macros::findings;
use super::text::Text;
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};

findings! {
    class Lfi, tags &["path"];
    TRAVERSAL: "lfi-traversal", STRONG, "steps up out of a folder",
        ["../../etc/x", "./../../", "/../", "..0x2f..0x2fetc", "..\\..\\boot", "/static/..;/admin", "....//....//x", "%2e%2e%2fx", "..%5cx", "%c0%ee%c0%ee/%c0%ee%c0%ee/x", "..%bg%qf..%bg%qfx"],
        ["a.../b", "../.. means two folders up", "wait..."];
    STEP: "lfi-step-up", MEDIUM, "one step up out of a folder", [], [];
    FILE_URL: "lfi-file-url", STRONG, "a file by URL", ["file:///x", "url:file://x"], ["profile://x", "the file: x"];
}

pub(super) static DETECTOR: Detector = Detector {
    findings: ALL,
    places: Places::VALUES,
    bytes: b"",
    literals: &[
        "../", "..\\", "/..", "\\..", "..;", "file:", ".%00", "0x2e", "0x2f", "0x5c", "..%",
        "%2e%2e", ".%2e", "%2e.", "%252e", "%c0", "%c1", "%e0%80", "%f0%80", "%f8%8", "%fc%8",
        "%u221", "%uff", "%u00", "%uef", "%uf0", "%%3", "%bg", "%2%", "%5%", "%8s",
    ],
    cost: 2,
    run,
};

/// What two dots cost, in steps of work.
const STEPS_OF_STEP: usize = 32;

fn run(view: &View<'_>, signals: &mut Signals) {
    let text = Text(view.bytes);
    let mut steps = Steps::default();
    for at in memchr::memmem::find_iter(view.bytes, b"..") {
        if !signals.spend(STEPS_OF_STEP) {
            return;
        }
        steps.take(text, at);
    }
    let strict = matches!(view.place, Place::Path | Place::FileName)
        || (view.place == Place::PartHeader && view.part == Part::Value);
    let nothing_else = view
        .bytes
        .iter()
        .all(|&byte| byte == b'.' || is_slash(byte))
        && (steps.single > 1 || !view.bytes.ends_with(b"../") || view.bytes.starts_with(b"/"));
    let disguised = steps.disguised || nothing_else;
    if steps.chained > 1 || (steps.single > 0 && (strict || disguised)) {
        signals.push(&TRAVERSAL, steps.start..steps.end);
    } else if steps.single > 0 && steps.leading {
        signals.push(&STEP, steps.start..steps.end);
    }
    file_url(text, signals);
    if is_hexadecimal(text) {
        signals.push(&TRAVERSAL, 0..text.len());
    } else if let Some(span) = encoded::find(text, signals) {
        signals.push(&TRAVERSAL, span);
    }
}

/// `0x2e0x2e/`, `..0x2f`: for filters that undo it.
fn is_hexadecimal(text: Text<'_>) -> bool {
    let find = |digits| super::text::find_lower(text.0, digits);
    let dot =
        find(b"0x2e").is_some_and(|at| matches!(text.at(at.saturating_add(4)), b'.' | b'0' | b'/'));
    let slash = find(b"..0x2f").or_else(|| find(b"..0x5c")).is_some();
    dot || slash
}

/// The steps up that were seen.
#[derive(Default)]
struct Steps {
    /// Steps in all, with a slash on at least one side.
    single: u32,
    /// The longest run of steps one behind the other that goes on to a name.
    chained: u32,
    run: u32,
    last_end: usize,
    start: usize,
    end: usize,
    /// The text begins with a step.
    leading: bool,
    /// With `;`, doubled dots or a null byte: nothing that honest paths have.
    disguised: bool,
}

impl Steps {
    fn take(&mut self, text: Text<'_>, at: usize) {
        // Within a step, or within a run of dots that was looked at from its beginning.
        if at < self.last_end || (at > 0 && text.at(at.saturating_sub(1)) == b'.') {
            return;
        }
        let dots = text.skip(at, |byte| byte == b'.');
        let count = dots.saturating_sub(at);
        let before = if at == 0 {
            0
        } else {
            text.at(at.saturating_sub(1))
        };
        let opened = at == 0
            || is_slash(before)
            || matches!(
                before,
                b'=' | b':' | b';' | b',' | b'"' | b'\'' | b'(' | b' ' | b'<' | b'>'
            );
        let path_parameter = text.at(dots) == b';' && is_slash(text.at(dots.saturating_add(1)));
        let slash = text.skip(dots, |byte| byte == b';' && path_parameter);
        let closed = is_slash(text.at(slash)) || (text.at(slash) == 0 && is_slash(before));
        if !(opened && closed) || count > 4 || (count > 2 && text.at(slash) == 0) {
            return;
        }
        let end = text.skip(slash, is_slash);
        if self.single == 0 {
            self.start = at;
            self.leading = at == 0;
        }
        self.single = self.single.saturating_add(1);
        self.run = if self.last_end == at {
            self.run.saturating_add(1)
        } else {
            1
        };
        let named = text.at(end).is_ascii_alphanumeric()
            || matches!(text.at(end), b'_' | b'.' | b'%' | b'~' | b'*' | b'{' | b'[');
        if named || self.run > 2 {
            self.chained = self.chained.max(self.run);
        }
        self.disguised |= path_parameter
            || (count > 3 && end.saturating_sub(slash) > 1)
            || text.at(slash) == 0 && slash < text.len();
        self.last_end = end;
        self.end = end;
    }
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// `file:///etc/x`, `file:C:/x`, `url:file://x`.
fn file_url(text: Text<'_>, signals: &mut Signals) {
    let Some(at) = super::text::find_lower(text.0, b"file:") else {
        return;
    };
    let word = at > 0 && text.at(at.saturating_sub(1)).is_ascii_alphanumeric();
    let after = at.saturating_add(5);
    if !word
        && (text.has(after, b"//")
            || (is_slash(text.at(after)) && text.at(after.saturating_add(1)).is_ascii_alphabetic()))
    {
        signals.push(&FILE_URL, at..after);
    }
}
