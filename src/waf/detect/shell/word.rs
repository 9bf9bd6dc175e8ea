//! A word as a shell reads it, without what the shell drops.

use crate::waf::detect::text::{Text, is_space};

const MAX_LEN: usize = 28;

#[derive(Debug)]
pub(super) struct Word {
    name: [u8; MAX_LEN],
    len: usize,
    /// Where the word ends in the text.
    pub(super) end: usize,
    /// Something was dropped from it.
    pub(super) hidden: bool,
    /// Something was dropped from within it, with letters on both sides.
    pub(super) split: bool,
    /// It was written with the directory of a program: `/bin/cat`.
    pub(super) path: bool,
}

impl Word {
    /// The word at `start`, in lower case, its directory cut off.
    pub(super) fn read(text: Text<'_>, start: usize) -> Self {
        let mut word = Self {
            name: [0; MAX_LEN],
            len: 0,
            end: start,
            hidden: false,
            split: false,
            path: false,
        };
        let mut dropped_within = false;
        let mut directory = false;
        let mut at = start;
        let limit = start.saturating_add(96);
        while at < text.len() && at < limit {
            let byte = text.at(at);
            let skip = dropped(text, at, byte);
            if skip > 0 {
                word.hidden = true;
                dropped_within |= word.len > 0;
                at = at.saturating_add(skip);
                continue;
            }
            if is_space(byte) || ends_word(byte) {
                break;
            }
            if byte == b'/' && (directory || word.may_be_directory()) {
                // A directory: what counts is the file.
                word.path |= matches!(word.name.get(..word.len), Some(b"bin" | b"sbin" | b"usr"));
                word.len = 0;
                directory = true;
                at = at.saturating_add(1);
                continue;
            }
            if byte == b'/' {
                break;
            }
            word.split |= dropped_within;
            dropped_within = false;
            word.push(byte.to_ascii_lowercase());
            at = at.saturating_add(1);
        }
        word.end = at;
        word
    }

    /// The name, without `.exe`.
    pub(super) fn name(&self) -> &[u8] {
        let name = self.name.get(..self.len).unwrap_or_default();
        name.strip_suffix(b".exe").unwrap_or(name)
    }

    /// `bin` of `bin/cat` and the nothing before `/bin/cat`; no switch of Windows as in
    /// `bcdboot/r`.
    fn may_be_directory(&self) -> bool {
        let name = self.name.get(..self.len).unwrap_or_default();
        name.is_empty()
            || matches!(
                name,
                b"bin" | b"usr" | b"sbin" | b"." | b".." | b"opt" | b"local" | b"~"
            )
    }

    /// The first letter, or 0.
    pub(super) fn name_start(&self) -> u8 {
        self.name.first().copied().unwrap_or(0)
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.name.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        } else {
            // Longer than any command: it is none.
            self.len = 0;
            self.name = [b'-'; MAX_LEN];
        }
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'|'
            | b'&'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'{'
            | b'}'
            | b','
            | b'='
            | b'`'
            | b'#'
            | b':'
            | b'+'
            | 0
    )
}

/// How many bytes a shell drops here.
fn dropped(text: Text<'_>, at: usize, byte: u8) -> usize {
    let next = text.at(at.saturating_add(1));
    let third = text.at(at.saturating_add(2));
    match (byte, next) {
        (b'\'' | b'"' | b'^', _) => 1,
        (b'\\', b'a'..=b'z' | b'A'..=b'Z' | b'\'' | b'"' | b'0'..=b'9') => 1,
        (b'\\', b'\n') => 2,
        (b'`', b'`') => 2,
        (b'$', b'@' | b'*' | b'#' | b'?' | b'!' | b'_' | b'-' | b'0'..=b'9') => 2,
        (b'$', b'$') => text
            .skip_some(at, 24, |byte| byte == b'$')
            .saturating_sub(at)
            .min(16),
        (b'$', b'(') if third == b')' => 3,
        (b'<' | b'>', b'(') if third == b')' => 3,
        (b'$', b'{') => braced(text, at),
        (b'$', b'a'..=b'z' | b'A'..=b'Z') => text
            .skip_some(at.saturating_add(1), 24, |byte| byte.is_ascii_alphabetic())
            .saturating_sub(at),
        _ => 0,
    }
}

/// `${x}`, short ones only.
fn braced(text: Text<'_>, at: usize) -> usize {
    let inner = text.slice(at, at.saturating_add(24));
    memchr::memchr(b'}', inner).map_or(0, |close| close.saturating_add(1))
}
