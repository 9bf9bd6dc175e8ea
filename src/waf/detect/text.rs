//! What every tokenizer needs to walk over bytes that an attacker chose.

use memchr::memmem::Finder;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// A text that answers 0 for what lies beyond its end, so that looking ahead needs no checks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t>(pub(super) &'t [u8]);

impl<'t> Text<'t> {
    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn at(self, index: usize) -> u8 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// The bytes from `start` to `end`, or to the end of the text.
    pub(super) fn slice(self, start: usize, end: usize) -> &'t [u8] {
        self.0.get(start..end.min(self.len())).unwrap_or_default()
    }

    pub(super) fn from(self, start: usize) -> &'t [u8] {
        self.0.get(start..).unwrap_or_default()
    }

    /// Whether these letters stand at `index`, in whatever case. `letters` is lower case.
    pub(super) fn has(self, index: usize, letters: &[u8]) -> bool {
        // Nearly all lookups end at the first letter.
        letters.first() == Some(&self.at(index).to_ascii_lowercase())
            && self
                .0
                .get(index..index.saturating_add(letters.len()))
                .is_some_and(|found| found.eq_ignore_ascii_case(letters))
    }

    /// The first index from `start` on whose byte is not accepted.
    pub(super) fn skip(self, start: usize, accepted: impl Fn(u8) -> bool) -> usize {
        let run = self.from(start).iter().take_while(|&&byte| accepted(byte));
        start.saturating_add(run.count()).min(self.len().max(start))
    }

    /// As [`Self::skip`], but no further than `most` bytes: for looking ahead again and again.
    pub(super) fn skip_some(
        self,
        start: usize,
        most: usize,
        accepted: impl Fn(u8) -> bool,
    ) -> usize {
        let run = self.slice(start, start.saturating_add(most));
        let count = run.iter().take_while(|&&byte| accepted(byte)).count();
        start.saturating_add(count)
    }

    /// The index of the first `byte` from `start` on, or the end.
    pub(super) fn find(self, start: usize, byte: u8) -> usize {
        match memchr::memchr(byte, self.from(start)) {
            Some(offset) => start.saturating_add(offset),
            None => self.len().max(start),
        }
    }

    /// The first index from `start` on where white space ends.
    pub(super) fn skip_space(self, start: usize) -> usize {
        self.skip(start, is_space)
    }

    /// The index after the white space before `end`, going back from there.
    pub(super) fn back_space(self, end: usize) -> usize {
        let before = self.slice(0, end);
        let run = before.iter().rev().take_while(|&&byte| is_space(byte));
        end.saturating_sub(run.count())
    }

    /// The end of the word of letters, digits, `_` and `$` that starts at `start`.
    pub(super) fn word_end(self, start: usize) -> usize {
        self.skip(start, is_word)
    }
}

/// A set of bytes, by a look into a table.
#[derive(Debug)]
pub(super) struct Bytes([bool; 256]);

impl Bytes {
    pub(super) const fn of(bytes: &[u8]) -> Self {
        let mut held = [false; 256];
        let mut rest = bytes;
        while let [first, others @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "while compiling")]
            {
                held[*first as usize] = true;
            }
            rest = others;
        }
        Self(held)
    }

    pub(super) fn holds(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)) == Some(&true)
    }
}

/// White space as parsers of commands and queries see it: also vertical tabs, form feeds and the
/// two bytes of a space that does not break.
pub(super) fn is_space(byte: u8) -> bool {
    SPACE.holds(byte)
}

static SPACE: Bytes = Bytes::of(b" \t\n\r\x0b\x0c\xa0\xc2");

pub(super) fn is_word(byte: u8) -> bool {
    IN_WORDS.holds(byte)
}

static IN_WORDS: Bytes = {
    let mut held = [false; 256];
    let mut byte = 0;
    #[expect(clippy::indexing_slicing, reason = "while compiling")]
    while byte < held.len() {
        let of_text = byte >= 0x80 && !SPACE.0[byte];
        held[byte] =
            (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'$') || of_text;
        byte += 1;
    }
    Bytes(held)
};

/// A word in lower case, held on the stack. Longer words than `N` are cut: they are in no list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lower<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Lower<N> {
    /// The lower-case form of `word`, or nothing where it is longer than `N`.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let mut bytes = [0; N];
        let target = bytes.get_mut(..word.len())?;
        for (to, from) in target.iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self {
            bytes,
            len: word.len(),
        })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The word as text; empty where it is not ASCII, for lists hold nothing else.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// What is known of many words, in whatever case, found by one look. The words are ours, in
/// lower case, so nobody can choose them to collide.
#[derive(Debug)]
pub(super) struct Dictionary<V> {
    words: HashMap<&'static [u8], V, BuildHasherDefault<Fnv>>,
    /// By the first two letters, how long words are that begin with them: most words are in no
    /// list.
    lengths: Box<[u32]>,
}

/// The end of a comment, looked for again and again.
pub(super) static COMMENT_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"*/"));

/// The longest word of any list.
const MAX_WORD_LEN: usize = 32;

impl<V: Copy> Dictionary<V> {
    /// Of a word that comes twice, what is said first holds.
    pub(super) fn new(list: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let mut words = HashMap::default();
        let mut lengths = vec![0; 1 << 10];
        for (word, known) in list {
            let (letters, length) = shape(word.as_bytes());
            if let Some(lengths) = lengths.get_mut(letters) {
                *lengths |= length;
            }
            words.entry(word.as_bytes()).or_insert(known);
        }
        Self {
            words,
            lengths: lengths.into(),
        }
    }

    pub(super) fn get(&self, word: &[u8]) -> Option<V> {
        let (letters, length) = shape(word);
        if self.lengths.get(letters)? & length == 0 {
            return None;
        }
        let lower = Lower::<MAX_WORD_LEN>::of(word)?;
        self.words.get(lower.as_bytes()).copied()
    }
}

/// The first two letters as an index, and the length as a bit.
fn shape(word: &[u8]) -> (usize, u32) {
    let letter = |at: usize| usize::from(word.get(at).copied().unwrap_or(0) & 31);
    (letter(0) << 5 | letter(1), 1 << word.len().min(31))
}

/// The hash function of Fowler, Noll and Vo: the fastest for short words.
#[derive(Debug)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x0100_0000_01B3);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Words without more to know of them.
pub(super) type Words = LazyLock<Dictionary<()>>;

pub(super) fn words(list: &[&'static str]) -> Dictionary<()> {
    Dictionary::new(list.iter().map(|word| (*word, ())))
}

/// Whether a list holds the word, in whatever case.
pub(super) fn listed(list: &Dictionary<()>, word: &[u8]) -> bool {
    list.get(word).is_some()
}

/// Where `needle`, in lower case, first occurs in whatever case.
pub(super) fn find_lower(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let upper = first.to_ascii_uppercase();
    memchr::memchr2_iter(first, upper, text).find(|&at| Text(text).has(at, needle))
}
