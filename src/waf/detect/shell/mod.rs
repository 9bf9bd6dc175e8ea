//! Commands for a shell: what a value would run if a program put it into a command line.
//!
//! The value is read word by word, with all that shells drop from words: quotes, backslashes,
//! carets, empty substitutions, variables. A word that names a command counts where a command
//! stands: at the beginning, after `;`, `|`, `&`, or within a substitution. Names that are also
//! English (`cat`, `find`) need the arguments of a command: options, paths, redirections.

mod commands;
mod findings;
mod glob;
mod shape;
mod syntax;
mod word;

use super::Detector;
use super::text::{Bytes, Text, is_space};
use crate::waf::signal::Signals;
use crate::waf::view::{Places, View};
use commands::Command;
use findings as found;
use shape::{has_shape, is_script_file};
use std::ops::Range;
use word::Word;

pub(super) static DETECTOR: Detector = Detector {
    findings: found::ALL,
    places: Places::VALUES,
    bytes: b";|&`$<>\n'\"^\\/{!~",
    literals: &[
        " -",
        "time ",
        "nohup ",
        "strace ",
        "sudo ",
        " install ",
        "::",
        "busybox",
        ".sh",
        ".py",
        ".pl",
        "http",
    ],
    cost: 2,
    run,
};

fn run(view: &View<'_>, signals: &mut Signals) {
    let text = Text(view.bytes);
    if text.has(0, b"data:") {
        return;
    }
    let mut shell = Shell {
        text,
        signals,
        gap: 0..0,
        hard: None,
        soft: None,
    };
    shell.history();
    shell.command(0, Place::Start);
    let acts = |at: usize| text.skip(at, |byte| !ACTS.holds(byte));
    let mut at = acts(0);
    while at < text.len() {
        let byte = text.at(at);
        let next = at.saturating_add(1);
        match byte {
            // Of several separators in a row the last one counts.
            b';' | b'|' | b'&' | b'\n' if matches!(text.at(next), b';' | b'|' | b'\n') => {}
            b';' | b'|' => shell.command(next, Place::After(byte)),
            b'&' if text.at(next) == b'&' => {
                shell.command(next.saturating_add(1), Place::After(b';'));
            }
            b'&' if !is_entity(text, next) => shell.command(next, Place::After(b'&')),
            b'\n' => shell.command(next, Place::After(b'\n')),
            b'`' => shell.backtick(at),
            b'$' => shell.dollar(at),
            // Of a run of them the first one counts, and the last.
            b'<' | b'>'
                if text.at(next) == byte && at > 0 && text.at(at.saturating_sub(1)) == byte => {}
            b'<' | b'>' => shell.redirection(at, byte),
            b'/' => shell.path(at),
            b'(' if text.at(next) == b')' => shell.function(at),
            b'{' if at == 0
                || is_space(text.at(at.saturating_sub(1)))
                || text.at(at.saturating_sub(1)) == b'=' =>
            {
                shell.brace(next);
            }
            _ => {}
        }
        at = acts(next);
    }
}

/// What means something to a shell, wherever it stands.
static ACTS: Bytes = Bytes::of(b";|&\n`$<>/({");

/// `&amp;`, `&#8222;`.
fn is_entity(text: Text<'_>, start: usize) -> bool {
    let end = text.skip_some(start, 10, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'#'
    });
    text.at(end) == b';' && end > start && end < start.saturating_add(10)
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    After(u8),
    /// Within `$(...)`, backticks or `<(...)`.
    Substitution,
}

struct Shell<'v, 's> {
    text: Text<'v>,
    signals: &'s mut Signals,
    /// The last run of separators and white space that was looked past.
    gap: Range<usize>,
    /// Where the command stands that was looked at last behind a separator which nothing but
    /// shells have, and behind any other.
    hard: Option<usize>,
    soft: Option<(usize, Place)>,
}

/// What it costs to read a word, and each byte of it, to weigh one that is a command, and to
/// hold a path with wildcards against those that are known, in steps.
const STEPS_OF_WORD: usize = 16;
const STEPS_IN_WORD: usize = 4;
const STEPS_TO_WEIGH: usize = 256;
const STEPS_OF_GLOB: usize = 512;

/// How many items of a list are looked at, and how long the text of one may be, in bytes.
const MOST_ITEMS: usize = 12;
const MAX_LIST: usize = 256;

/// What stands after the name of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arguments {
    /// Nothing: the end of the text or of the command.
    None,
    /// Options, paths, variables, addresses: no prose has them behind a word.
    Shaped,
    /// Words.
    Words,
}

impl Shell<'_, '_> {
    /// `!-2`, `!!`, `~+`: a command out of the history, or a directory out of the stack, whole.
    fn history(&mut self) {
        let end = self.text.back_space(self.text.len());
        let start = self.text.skip_space(0);
        let length = end.saturating_sub(start);
        if !(2..=12).contains(&length) {
            return;
        }
        let rest = self.text.slice(start.saturating_add(1), end);
        let numbers = rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'!'));
        let referring = match self.text.at(start) {
            b'!' => {
                numbers
                    && rest.first().is_some_and(|byte| *byte != b'+')
                    && rest.last() != Some(&b'-')
            }
            b'~' => numbers && !rest.contains(&b'!'),
            _ => false,
        };
        if referring && (rest.iter().any(u8::is_ascii_digit) || length == 2) {
            self.signals.push(&found::HISTORY, start..end);
        }
    }

    /// The command that stands at `start`, if one does.
    fn command(&mut self, start: usize, place: Place) {
        let mut at = self.skip_to_command(start);
        // Several separators in a row stand before one command.
        if matches!(place, Place::After(_)) {
            if self.hard == Some(at) || self.soft == Some((at, place)) {
                return;
            }
            if matches!(place, Place::After(b';' | b'|')) {
                self.hard = Some(at);
            } else {
                self.soft = Some((at, place));
            }
        }
        if self.is_own_program(start, place) {
            self.signals.push(&found::COMMAND, start..at);
            return;
        }
        let mut prefixed = false;
        for _ in 0..4 {
            let word = Word::read(self.text, at);
            let read = word.end.saturating_sub(at);
            let cost = read.saturating_mul(STEPS_IN_WORD);
            if !self.signals.spend(cost.saturating_add(STEPS_OF_WORD)) {
                return;
            }
            if word.name().is_empty()
                && (word.hidden || matches!(word.name_start(), b'.'))
                && is_space(self.text.at(word.end))
            {
                at = self.text.skip_space(word.end);
                continue;
            }
            if word.name().is_empty() {
                let options = self.text.slice(start, at);
                let long = memchr::memmem::find(options, b" --").is_some() && at >= self.text.len();
                if prefixed && (long || (place != Place::Start && options.contains(&b'-'))) {
                    self.signals.push(&found::COMMAND, start..at);
                }
                return;
            }
            if self.text.at(word.end) == b'=' || self.text.slice(at, word.end).contains(&b'=') {
                // An assignment before the command: `A=b cmd`.
                if place == Place::Start && !is_space(self.text.at(word.end)) {
                    return;
                }
                at = self.text.skip_space(word.end.saturating_add(1));
                continue;
            }
            if commands::is_prefix(word.name())
                && matches!(self.text.at(word.end), b' ' | b'\t' | b';')
            {
                prefixed = true;
                at = self.skip_options(
                    word.end
                        .saturating_add(usize::from(self.text.at(word.end) == b';')),
                );
                continue;
            }
            self.weigh(at, &word, place, prefixed);
            return;
        }
    }

    /// `;./x`: a program in the folder where the shell is, and nothing but its name.
    fn is_own_program(&self, start: usize, place: Place) -> bool {
        let path = self.text.skip_space(start);
        let end = self.text.skip_some(path, 32, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'_' | b'-')
        });
        matches!(place, Place::After(b';' | b'|'))
            && self.text.has(path, b"./")
            && self.text.at(path.saturating_add(2)).is_ascii_alphanumeric()
            && matches!(self.text.at(end), 0 | b';' | b'|' | b'&' | b'`')
            && self.is_lone_before(start)
    }

    /// Past white space, quotes that the value closes, and signs that shells allow there.
    fn skip_to_command(&mut self, start: usize) -> usize {
        if !self.gap.contains(&start) {
            let end = self.text.skip(start, |byte| {
                is_space(byte)
                    || matches!(
                        byte,
                        b'(' | b'{' | b'@' | b'!' | b';' | b'|' | b'&' | b'.' | b'`'
                    )
            });
            self.gap = start..end;
        }
        self.gap.end.max(start)
    }

    /// Past options, and numbers as `timeout 5` and `nice -n 10` have them.
    fn skip_options(&self, start: usize) -> usize {
        let mut at = self.text.skip_space(start);
        for _ in 0..4 {
            if self.text.at(at) != b'-' && !self.text.at(at).is_ascii_digit() {
                break;
            }
            at = self
                .text
                .skip_space(self.text.skip_some(at, 96, |byte| !is_space(byte)));
        }
        at
    }

    fn weigh(&mut self, start: usize, word: &Word, place: Place, prefixed: bool) {
        let Some(command) = commands::find(word.name()) else {
            return;
        };
        if self.is_shouted(start, word.end, place) {
            return;
        }
        if !self.signals.spend(STEPS_TO_WEIGH) {
            return;
        }
        let mut arguments = self.arguments(word.end, command);
        if word.name() == b"sleep"
            && self
                .text
                .at(self.text.skip_space(word.end))
                .is_ascii_digit()
        {
            arguments = Arguments::Shaped;
        }
        let hard = matches!(place, Place::After(b';' | b'|') | Place::Substitution)
            || (place == Place::After(b'&') && self.is_apart_before(start));
        let hidden = word.hidden && (word.name().len() > 2 || arguments == Arguments::Shaped);
        let strong = match (command, arguments) {
            _ if is_here_string(self.text, word.end) => true,
            _ if self.is_last_shell(word, place) => true,
            _ if hard && self.is_redirected(word) => true,
            _ if hidden && (word.split || arguments == Arguments::Shaped) => true,
            (_, Arguments::Shaped) if word.path && word.name().len() > 1 => true,
            (Command::Plain, Arguments::Words) if word.hidden && place == Place::Start => {
                is_space(self.text.at(word.end))
            }
            (_, Arguments::None) if word.path => true,
            (Command::Plain, Arguments::Words) => {
                is_space(self.text.at(word.end))
                    && (prefixed || (hard && self.is_short_before(start)))
            }
            (Command::Plain, Arguments::Shaped) => true,
            (Command::Plain, Arguments::None) => {
                hard || prefixed
                    || self.is_broken_off(start, word.end, place)
                    || (place != Place::Start
                        && self.is_short_before(start)
                        && place != Place::After(b'\n'))
            }
            (Command::English, Arguments::Shaped) => {
                hard || prefixed || place == Place::After(b'&') || self.is_certain(word)
            }
            (Command::English, Arguments::None) => {
                (hard
                    || self.is_broken_off(start, word.end, place)
                    || (place == Place::After(b'&')
                        && start > 1
                        && self.text.at(start.saturating_sub(1)) == b'&'))
                    && self.is_lone_before(start)
                    && (word.name().len() > 1 || start == 1)
                    && !self.is_listed(start, place)
            }
            (Command::English, Arguments::Words) => match place {
                Place::Substitution => {
                    word.end.saturating_sub(start) > 1 && (prefixed || self.is_dollar_before(start))
                }
                Place::After(_) => hard && self.is_led_by(start),
                Place::Start => false,
            },
        };
        let end = word.end;
        if strong {
            self.signals.push(&found::COMMAND, start..end);
        } else if place == Place::Substitution
            && command == Command::English
            && arguments != Arguments::Words
        {
            self.signals.push(&found::SUBSTITUTED, start..end);
        }
    }

    /// Commands in English letters that with a path behind them are nothing else at the
    /// beginning of a value: `cat /etc/passwd`.
    fn is_certain(&self, word: &Word) -> bool {
        let after = self.text.skip_space(word.end);
        let file_end = self.text.skip_some(after, 96, |byte| {
            !is_space(byte) && !matches!(byte, b';' | b'|' | b'&')
        });
        if is_script_file(self.text.slice(after, file_end)) {
            return true;
        }
        let path = match self.text.at(after) {
            b'/' => self.text.at(after.saturating_add(1)).is_ascii_alphabetic(),
            b'-' => {
                let long = usize::from(self.text.has(after, b"--"));
                self.text
                    .at(after.saturating_add(1).saturating_add(long))
                    .is_ascii_alphabetic()
                    && word.name().len() > 1
            }
            _ => false,
        };
        let words = self.text.slice(after, after.saturating_add(40));
        path && !words
            .windows(3)
            .any(|window| window == b" & " || window == b" - ")
    }

    /// Whether what stands before a separator is short: a value that was to be, no prose.
    fn is_short_before(&self, start: usize) -> bool {
        let before = self.text.slice(0, start);
        before.len() < 64 && before.iter().filter(|byte| is_space(**byte)).count() < 4
    }

    /// `&dir`, `7&dir`: an ampersand that no name and no sentence stands before.
    fn is_apart_before(&self, start: usize) -> bool {
        let before = self.text.slice(0, start.saturating_sub(1));
        let name = self.text.slice(start, start.saturating_add(4));
        self.text.at(start.saturating_sub(1)) == b'&'
            && before.len() < 16
            && !before.iter().any(u8::is_ascii_alphabetic)
            && !name.eq_ignore_ascii_case(b"copy")
    }

    /// `7\nid`: a line of its own, where the value is short and has but one.
    fn is_broken_off(&self, start: usize, end: usize, place: Place) -> bool {
        let before = self.text.slice(0, start.min(MAX_LIST)).trim_ascii();
        place == Place::After(b'\n')
            && start < MAX_LIST
            && before.len() < 16
            && !before.iter().any(|byte| is_space(*byte))
            && (before.len() < 3 || before.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
            && self.text.skip_space(end) >= self.text.len()
    }

    /// `;docker ps`: the value begins with a separator, or with a number and a separator, a
    /// command right behind it, and has few words.
    fn is_led_by(&self, start: usize) -> bool {
        let separator = self.text.at(start.saturating_sub(1));
        let before = self.text.slice(0, start.saturating_sub(1));
        separator == b';'
            && before.len() < 8
            && !before
                .iter()
                .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || is_space(*byte))
            && self.text.len() < MAX_LIST
            && self.text.0.split(|byte| is_space(*byte)).count() < 6
    }

    /// Whether `$(` stands before: backticks are for Markdown, too.
    fn is_dollar_before(&self, start: usize) -> bool {
        let open = self.text.back_space(start);
        self.text
            .slice(open.saturating_sub(2), open)
            .starts_with(b"$(")
    }

    /// `find;sort;cut`, `| more | less |`, `head&tail`: a list of words. A command has numbers,
    /// signs or nothing at one of its sides.
    fn is_listed(&self, start: usize, place: Place) -> bool {
        let Place::After(separator) = place else {
            return false;
        };
        if self.text.len() > MAX_LIST {
            return false;
        }
        let text = self.text.0.trim_ascii();
        let framed = text.first() == Some(&separator) && text.last() == Some(&separator);
        let inner = if framed {
            text.get(1..text.len().saturating_sub(1)).unwrap_or(text)
        } else {
            text
        };
        let items = inner.split(|byte| *byte == separator);
        let words = items.clone().take(MOST_ITEMS).all(|item| {
            let item = item.trim_ascii();
            !item.is_empty()
                && item
                    .iter()
                    .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-'))
        });
        let count = items.take(MOST_ITEMS).count();
        let ampersand = separator == b'&' && self.text.at(start.saturating_sub(2)) != b'&';
        words && !self.is_telling(start) && (count > 2 || (framed && count > 1) || ampersand)
    }

    /// A command that is hardly a word at all, or does harm by itself: `x&id`, `a;reboot;b;c`. A
    /// list of words is soon made around it.
    fn is_telling(&self, start: usize) -> bool {
        const TELLING: [&[u8]; 11] = [
            b"cat", b"cmd", b"dir", b"ftp", b"halt", b"id", b"perl", b"php", b"reboot", b"sudo",
            b"who",
        ];
        let start = self.text.skip_space(start);
        let name = self.text.slice(start, self.text.word_end(start));
        TELLING.iter().any(|told| name.eq_ignore_ascii_case(told))
    }

    /// `` `SELECT` ``: a word of other languages in the backticks of Markdown, written as no shell
    /// knows a command. What stands around them tells nothing: whoever attacks writes that, too.
    fn is_shouted(&self, start: usize, end: usize, place: Place) -> bool {
        place == Place::Substitution
            && self.text.at(start.saturating_sub(1)) == b'`'
            && self
                .text
                .slice(start, end)
                .iter()
                .all(u8::is_ascii_uppercase)
    }

    /// `cat<flag`, `id>x`: without a space, and not a tag.
    fn is_redirected(&self, word: &Word) -> bool {
        let sign = self.text.at(word.end);
        let target = self.text.at(word.end.saturating_add(1));
        let end = self.text.skip_some(word.end.saturating_add(1), 32, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-')
        });
        matches!(sign, b'<' | b'>')
            && target.is_ascii_alphanumeric()
            && word.name().len() > 1
            && matches!(self.text.at(end), 0 | b';' | b'|' | b'&' | b'\n')
    }

    /// `... | sh` at the end: whatever was printed is run.
    fn is_last_shell(&self, word: &Word, place: Place) -> bool {
        const SHELLS: [&[u8]; 2] = [b"sh", b"bash"];
        let end = self.text.skip_space(word.end);
        place == Place::After(b'|')
            && SHELLS.contains(&word.name())
            && matches!(self.text.at(end), 0 | b'#' | b';' | b'"')
    }

    fn is_lone_before(&self, start: usize) -> bool {
        let before = self.text.slice(0, start).trim_ascii_end();
        before.len() < 32 && before.iter().filter(|byte| is_space(**byte)).count() < 2
    }

    fn arguments(&self, end: usize, command: Command) -> Arguments {
        let at = self.text.skip_some(end, 96, |byte| {
            matches!(byte, b' ' | b'\t' | b'\'' | b'"' | b'+')
        });
        let next = self.text.at(at);
        if next == 0
            || matches!(
                next,
                b';' | b'|' | b'&' | b')' | b'`' | b'\n' | b'\r' | b'}'
            )
            || (next == b'#'
                && (at == end || self.text.skip_space(at.saturating_add(1)) >= self.text.len()))
        {
            return Arguments::None;
        }
        if matches!(next, b'<' | b'>') {
            // `cat<<<x`, `id>/tmp/x`: tags begin so, too.
            let target = self.text.at(at.saturating_add(1));
            return if matches!(target, b'<' | b'>' | b'(' | b'/' | b'&' | b' ') {
                Arguments::Shaped
            } else {
                Arguments::Words
            };
        }
        if !is_space(self.text.at(end))
            && self.text.at(end) != b'+'
            && !matches!(next, b'$' | b'`' | b'{' | b',')
        {
            return Arguments::Words;
        }
        let line = self.text.slice(at, at.saturating_add(80));
        let line = line
            .split(|byte| matches!(byte, b';' | b'|' | b'\n'))
            .next()
            .unwrap_or_default();
        if has_shape(line, command) {
            Arguments::Shaped
        } else {
            Arguments::Words
        }
    }
}

/// `cat<<<x`: no prose has three of them.
fn is_here_string(text: Text<'_>, end: usize) -> bool {
    text.has(text.skip_space(end), b"<<<")
}
