//! Commands for a shell: what a value would run if a program put it into a command line.
//!
//! The value is read word by word, with all that shells drop from words: quotes, backslashes,
//! carets, empty substitutions, variables. A word that names a command counts where a command
//! stands: at the beginning, after `;`, `|`, `&`, or within a substitution. Names that are also
//! English (`cat`, `find`) need the arguments of a command: options, paths, redirections.

mod commands;
mod findings;
mod glob;
mod word;

use super::Detector;
use super::text::{Text, is_space};
use crate::waf::signal::Signals;
use crate::waf::view::{Places, View};
use commands::Command;
use findings as found;
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
        seen: None,
    };
    shell.history();
    shell.command(0, Place::Start);
    for (at, &byte) in view.bytes.iter().enumerate() {
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
    }
}

/// `&amp;`, `&#8222;`.
fn is_entity(text: Text<'_>, start: usize) -> bool {
    let end = text.skip_some(start, 96, |byte| {
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
    /// Where the command was that was looked at last.
    seen: Option<usize>,
}

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
        if matches!(place, Place::After(_)) && self.seen == Some(at) {
            return;
        }
        if matches!(place, Place::After(b';' | b'|')) {
            self.seen = Some(at);
        }
        let mut prefixed = false;
        for _ in 0..4 {
            let word = Word::read(self.text, at);
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

    /// Past white space, quotes that the value closes, and signs that shells allow there.
    fn skip_to_command(&self, start: usize) -> usize {
        self.text
            .skip_some(start, 96, |byte| {
                is_space(byte)
                    || matches!(
                        byte,
                        b'(' | b'{' | b'@' | b'!' | b';' | b'|' | b'&' | b'.' | b'`'
                    )
            })
            .min(start.saturating_add(64))
    }

    fn skip_options(&self, start: usize) -> usize {
        let mut at = self.text.skip_space(start);
        for _ in 0..3 {
            if self.text.at(at) != b'-' {
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
        let mut arguments = self.arguments(word.end, command);
        if word.name() == b"sleep"
            && self
                .text
                .at(self.text.skip_space(word.end))
                .is_ascii_digit()
        {
            arguments = Arguments::Shaped;
        }
        let hard = matches!(place, Place::After(b';' | b'|') | Place::Substitution);
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
                    || (place != Place::Start
                        && self.is_short_before(start)
                        && place != Place::After(b'\n'))
            }
            (Command::English, Arguments::Shaped) => {
                hard || prefixed || place == Place::After(b'&') || self.is_certain(word)
            }
            (Command::English, Arguments::None) => {
                (hard
                    || (place == Place::After(b'&')
                        && start > 1
                        && self.text.at(start.saturating_sub(1)) == b'&'))
                    && self.is_lone_before(start)
                    && word.name().len() > 1
            }
            (Command::English, Arguments::Words) => {
                place == Place::Substitution && word.end.saturating_sub(start) > 1 && prefixed
            }
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
                self.text.at(after.saturating_add(1)).is_ascii_alphabetic()
                    && word.name().len() > 1
                    && !is_space(self.text.at(after.saturating_add(1)))
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
        let before = self.text.slice(0, start);
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
            || (next == b'#' && at == end)
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

    fn backtick(&mut self, at: usize) {
        let inner = at.saturating_add(1);
        // A fence of Markdown.
        if self.text.at(inner) == b'`' || (at > 0 && self.text.at(at.saturating_sub(1)) == b'`') {
            return;
        }
        let close = memchr::memchr(b'`', self.text.slice(inner, inner.saturating_add(200)));
        if close.is_some() {
            self.command(inner, Place::Substitution);
        }
    }

    /// `$(...)`, `${IFS}`, `$[...]`, `$'\x63at'`.
    fn dollar(&mut self, at: usize) {
        let next = at.saturating_add(1);
        match self.text.at(next) {
            b'(' => {
                self.command(next.saturating_add(1), Place::Substitution);
                let opener = self.text.at(next.saturating_add(1));
                if matches!(opener, b'(' | b'$' | b'<' | b')' | b'`')
                    || self.text.at(next.saturating_add(2)) == 0
                {
                    self.signals
                        .push(&found::SUBSTITUTED, at..next.saturating_add(1));
                }
            }
            b'{' => {
                let name = next.saturating_add(1);
                if self.text.has(name, b"ifs")
                    || self.text.has(name, b"path:")
                    || self.text.has(name, b"home:")
                    || self.text.at(name) == b'`'
                    || self.text.has(name, b"shell")
                {
                    self.signals
                        .push(&found::SHELL_VARIABLE, at..name.saturating_add(4));
                }
            }
            b'[' if matches!(self.text.at(next.saturating_add(1)), b'$' | b'0'..=b'9') => {
                self.signals.push(&found::SUBSTITUTED, at..next);
            }
            b'\'' if self.text.at(next.saturating_add(1)) == b'\\' => {
                self.signals.push(&found::SHELL_VARIABLE, at..next);
            }
            _ => {
                let shell = self.text.slice(next, next.saturating_add(7)) == b"SHELL -";
                if shell || self.text.slice(next, next.saturating_add(3)) == b"IFS" {
                    self.signals
                        .push(&found::SHELL_VARIABLE, at..next.saturating_add(3));
                }
            }
        }
    }

    /// `<(cmd)`, `>(cmd)`, `<<<`, `2>&1`, `>/dev/tcp/...`.
    fn redirection(&mut self, at: usize, byte: u8) {
        let next = at.saturating_add(1);
        if self.text.at(next) == b'(' {
            self.command(next.saturating_add(1), Place::Substitution);
            let inner = self.text.skip_space(next.saturating_add(1));
            let end = self.text.skip_some(inner, 96, |byte| {
                byte.is_ascii_alphanumeric() || byte == b' '
            });
            if at == 0 && end > inner && self.text.at(end) == b')' {
                self.signals.push(&found::COMMAND, at..end);
            }
        }
        if self.text.has(at, b">&")
            && self.text.at(next.saturating_add(1)).is_ascii_digit()
            && self.text.at(at.saturating_sub(1)).is_ascii_digit()
        {
            self.signals.push(&found::REDIRECTION, at..next);
        }
        let target = self.text.skip_space(
            self.text
                .skip_some(at, 4, |next| next == byte || next == b'&'),
        );
        if self.text.has(target, b"/dev/tcp/") || self.text.has(target, b"/dev/udp/") {
            self.signals.push(&found::COMMAND, at..target);
        } else if self.text.has(target, b"/dev/null") {
            self.signals.push(&found::REDIRECTION, at..target);
        }
    }

    /// A path with wildcards that names a program or a file everybody knows.
    fn path(&mut self, at: usize) {
        let before = if at == 0 {
            b' '
        } else {
            self.text.at(at.saturating_sub(1))
        };
        if !(is_space(before)
            || matches!(
                before,
                b'=' | b';' | b'|' | b'&' | b'\'' | b'"' | b'`' | b'(' | b'<' | b'>' | b',' | b'{'
            ))
        {
            return;
        }
        let end = self.text.skip_some(at, 96, |byte| {
            !is_space(byte)
                && !matches!(byte, b';' | b'|' | b'&' | b'<' | b'>' | b'(' | b')' | b',')
        });
        let end = end.min(at.saturating_add(48));
        if glob::names_known_file(self.text.slice(at, end)) {
            self.signals.push(&found::WILDCARD_PATH, at..end);
        }
    }

    /// `() { :;}` and `f(){ f|f& };f`.
    fn function(&mut self, at: usize) {
        let open = self.text.skip_space(at.saturating_add(2));
        if self.text.at(open) != b'{' {
            return;
        }
        let body = self.text.skip_space(open.saturating_add(1));
        let anonymous = at == 0 || !self.text.at(at.saturating_sub(1)).is_ascii_alphanumeric();
        if anonymous && matches!(self.text.at(body), b':' | b'_' | b';') {
            self.signals.push(&found::FUNCTION, at..body);
            return;
        }
        let inner = self.text.slice(body, body.saturating_add(64));
        let close = memchr::memchr(b'}', inner);
        let recursive = close.is_some_and(|close| {
            let piped = inner
                .get(..close)
                .is_some_and(|inner| inner.iter().any(|byte| matches!(byte, b'|' | b'&')));
            let name = self.text.at(at.saturating_sub(1));
            piped && inner.first() == Some(&name)
        });
        if recursive {
            self.signals.push(&found::FUNCTION, at..body);
        }
    }

    /// `{cat,/etc/passwd}`.
    fn brace(&mut self, start: usize) {
        let led = self.text.at(start) == b',';
        let word = Word::read(self.text, start.saturating_add(usize::from(led)));
        let end = self
            .text
            .skip_some(start, 96, |byte| !is_space(byte) && byte != b'}')
            .min(start.saturating_add(80));
        let inner = self.text.slice(start, end);
        let listed =
            self.text.at(word.end) == b',' && self.text.at(end) == b'}' && !inner.contains(&b':');
        let options = inner.windows(2).any(|pair| pair == b",-" || pair == b",/");
        if listed && (led || commands::find(word.name()).is_some() || options) {
            self.signals.push(&found::COMMAND, start..end);
        }
    }
}

/// `cat<<<x`: no prose has three of them.
fn is_here_string(text: Text<'_>, end: usize) -> bool {
    text.has(text.skip_space(end), b"<<<")
}

/// Whether a line holds what only commands have behind their name.
fn has_shape(line: &[u8], command: Command) -> bool {
    let first = line.first().copied().unwrap_or(0);
    let second = line.get(1).copied().unwrap_or(0);
    let begins = match first {
        b'-' => second.is_ascii_alphanumeric() || second == b'-',
        b'/' => second.is_ascii_alphanumeric() || matches!(second, b'?' | b'*' | b'[' | b'$'),
        b'~' | b'.' => matches!(second, b'/' | b'.'),
        b'$' => second.is_ascii_alphabetic() || matches!(second, b'(' | b'{' | b'@' | b'I'),
        b'`' | b'*' | b'{' => true,
        b'\\' => second == b'\\',
        b'a'..=b'z' | b'A'..=b'Z' => second == b':' && line.get(2) == Some(&b'\\'),
        _ => false,
    };
    if begins {
        return true;
    }
    let words = || line.split(|byte| is_space(*byte));
    let word_is = |test: &dyn Fn(&[u8]) -> bool| words().take(6).any(test);
    let url = word_is(&|word| {
        word.starts_with(b"http://")
            || word.starts_with(b"https://")
            || word.starts_with(b"ftp://")
            || is_address(word)
    });
    let option = word_is(&|word| {
        word.len() > 1
            && word.len() < 20
            && word.starts_with(b"-")
            && word
                .get(1)
                .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
            && word != b"--"
    });
    let path = word_is(&|word| {
        word.len() > 4 && word.starts_with(b"/") && word.iter().skip(1).any(|byte| *byte == b'/')
    });
    let file = words().next().is_some_and(is_file_or_host);
    let script = words().take(4).any(is_script_file);
    let nested = words()
        .next()
        .is_some_and(|word| word.len() > 2 && commands::find(word) == Some(Command::Plain));
    url || path
        || script
        || nested
        || (option && (command == Command::Plain || words().count() < 6))
        || (file && command == Command::Plain)
        || (file && words().count() < 3)
}

/// `x.sh`: what nothing but a shell or an interpreter reads.
fn is_script_file(word: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b".sh", b".py", b".pl", b".rb", b".php", b".bat", b".ps1", b".exe", b".elf", b".cmd",
        b".vbs",
    ];
    word.len() > 4 && ENDINGS.iter().any(|ending| word.ends_with(ending)) && is_file_or_host(word)
}

/// `127.0.0.1`, `10.1.1.1:80`.
fn is_address(word: &[u8]) -> bool {
    let host = word
        .split(|byte| matches!(byte, b':' | b'`' | b')'))
        .next()
        .unwrap_or_default();
    let parts = host.split(|byte| *byte == b'.');
    host.len() > 6
        && parts.clone().count() == 4
        && parts
            .clone()
            .all(|part| !part.is_empty() && part.len() < 4 && part.iter().all(u8::is_ascii_digit))
}

/// `script.sh`, `google.com`, `.htaccess`: letters on both sides of a dot.
fn is_file_or_host(word: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', word) else {
        return false;
    };
    let (stem, ending) = (
        word.get(..dot).unwrap_or_default(),
        word.get(dot.saturating_add(1)..).unwrap_or_default(),
    );
    !stem.is_empty()
        && (2..=6).contains(&ending.len())
        && ending.iter().all(u8::is_ascii_alphanumeric)
        && stem
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
}
