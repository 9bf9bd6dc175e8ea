//! What shells put around commands: substitutions, redirections, wildcards, functions, braces.

use super::word::Word;
use super::{Place, STEPS_OF_GLOB, STEPS_OF_WORD, Shell, commands, findings as found, glob};
use crate::waf::detect::text::{Bytes, is_space};

/// Where the path of a file ends.
static ENDS_PATH: Bytes = Bytes::of(b" \t\n\r\x0b\x0c\xa0\xc2;|&<>(),");

impl Shell<'_, '_> {
    pub(super) fn backtick(&mut self, at: usize) {
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
    pub(super) fn dollar(&mut self, at: usize) {
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
            b'0' if self.text.has(next.saturating_add(1), b"<<<")
                || self.text.has(next.saturating_add(1), b" -c ") =>
            {
                self.signals.push(&found::COMMAND, at..next);
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
    pub(super) fn redirection(&mut self, at: usize, byte: u8) {
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
    pub(super) fn path(&mut self, at: usize) {
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
        let end = self.text.skip_some(at, 48, |byte| !ENDS_PATH.holds(byte));
        let path = self.text.slice(at, end);
        if glob::may_name_file(path)
            && self.signals.spend(STEPS_OF_GLOB)
            && glob::names_known_file(path)
        {
            self.signals.push(&found::WILDCARD_PATH, at..end);
        }
    }

    /// `() { :;}` and `f(){ f|f& };f`.
    pub(super) fn function(&mut self, at: usize) {
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
    pub(super) fn brace(&mut self, start: usize) {
        let led = self.text.at(start) == b',';
        let word = Word::read(self.text, start.saturating_add(usize::from(led)));
        let end = self
            .text
            .skip_some(start, 80, |byte| !is_space(byte) && byte != b'}');
        let inner = self.text.slice(start, end);
        if !self
            .signals
            .spend(inner.len().saturating_add(STEPS_OF_WORD))
        {
            return;
        }
        let listed =
            self.text.at(word.end) == b',' && self.text.at(end) == b'}' && !inner.contains(&b':');
        let options = inner.windows(2).any(|pair| pair == b",-" || pair == b",/");
        if listed && (led || commands::find(word.name()).is_some() || options) {
            self.signals.push(&found::COMMAND, start..end);
        }
    }
}
