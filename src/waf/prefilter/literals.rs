//! Which of many literals a text holds, at little more than the cost of a look at each byte.
//!
//! Of each literal three bytes in a row are its key, those that honest texts hold least often. A
//! text is read three bytes at a time, and only where these are a key are the literals of that
//! key held against it. Keys that many literals share are passed over for others, so that no
//! text costs much more than another.

use super::Live;
use std::collections::{BTreeMap, HashMap};

/// Bytes are told apart by 64 classes: letters without case, digits as one.
const BITS: u32 = 6;
/// The class of what stands before and behind the text.
const NOTHING: usize = 0;
/// How many pairs of classes there are.
const PAIRS: usize = 1 << (2 * BITS);

const CLASSES: [u8; 256] = {
    let mut classes = [NOTHING as u8; 256];
    let (mut byte, mut marks) = (0_usize, 0);
    #[expect(clippy::indexing_slicing, reason = "while compiling")]
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            letter @ (b'A'..=b'Z' | b'a'..=b'z') => (letter | 0x20) - b'a' + 1,
            b'0'..=b'9' => 27,
            b' ' => 28,
            b'\t'..=b'\r' => 29,
            0..0x20 | 0x7F => 30,
            0x80.. => 31,
            _ => {
                marks += 1;
                31 + marks
            }
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> usize {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .map_or(0, usize::from)
}

/// A literal under one of its keys.
#[derive(Clone, Debug)]
struct Entry {
    /// In lower case.
    word: Box<[u8]>,
    /// How far before the end of the key it begins.
    before: usize,
    wakes: Live,
}

#[derive(Debug)]
pub(super) struct Literals {
    /// By the classes of two bytes, which classes of a third make them a key.
    keys: Box<[u64; PAIRS]>,
    /// By the same, how many keys there are before theirs.
    ranks: Box<[usize]>,
    /// By the number of the key.
    entries: Box<[Key]>,
}

/// The literals that share a key.
#[derive(Debug)]
struct Key {
    /// Whom all of them wake together.
    wakes: Live,
    entries: Box<[Entry]>,
}

impl From<Vec<Entry>> for Key {
    fn from(entries: Vec<Entry>) -> Self {
        let mut wakes = Live::default();
        entries.iter().for_each(|entry| wakes.add(&entry.wakes));
        Self {
            wakes,
            entries: entries.into(),
        }
    }
}

impl Literals {
    /// Of literals of two bytes and more, and whom each wakes.
    pub(super) fn new<'w>(words: impl IntoIterator<Item = (&'w str, Live)>) -> Self {
        // In order of length: the shortest have the least to choose from.
        let mut sorted: BTreeMap<(usize, Box<[u8]>), Live> = BTreeMap::new();
        for (word, wakes) in words {
            let lower = word.to_ascii_lowercase().into_bytes();
            let known = sorted.entry((word.len(), lower.into())).or_default();
            known.add(&wakes);
        }
        let ordinary = in_ordinary();
        let mut by_key: BTreeMap<(usize, usize), Vec<Entry>> = BTreeMap::new();
        for ((_, word), wakes) in sorted {
            let (before, pair, thirds) = match *word {
                [first, second] => (2, pair(first, second), 0..1 << BITS),
                _ => match key(&word, &ordinary, &by_key) {
                    Some((before, pair, third)) => (before, pair, third..third + 1),
                    None => continue,
                },
            };
            for third in thirds {
                by_key.entry((pair, third)).or_default().push(Entry {
                    word: word.clone(),
                    before,
                    wakes,
                });
            }
        }
        Self::of_keys(by_key)
    }

    fn of_keys(by_key: BTreeMap<(usize, usize), Vec<Entry>>) -> Self {
        let mut keys = Box::new([0_u64; PAIRS]);
        for (pair, third) in by_key.keys() {
            if let Some(thirds) = keys.get_mut(*pair) {
                *thirds |= 1 << third;
            }
        }
        let ranks = keys.iter().scan(0, |before, thirds| {
            let rank = *before;
            *before += thirds.count_ones() as usize;
            Some(rank)
        });
        Self {
            ranks: ranks.collect(),
            keys,
            entries: by_key.into_values().map(Into::into).collect(),
        }
    }

    /// Whether there is a key in this text.
    pub(super) fn may_be_in(&self, text: &[u8]) -> bool {
        let mut pair = NOTHING;
        let found = text.iter().any(|byte| {
            let third = class(*byte);
            let found = self.is_key(pair, third);
            pair = (pair << BITS | third) % PAIRS;
            found
        });
        found || self.is_key(pair, NOTHING)
    }

    /// Adds whom the literals in this text wake.
    pub(super) fn wake(&self, text: &[u8], live: &mut Live) {
        let mut pair = NOTHING;
        for (at, byte) in text.iter().enumerate() {
            let third = class(*byte);
            if self.is_key(pair, third) {
                self.compare(text, at, pair, third, live);
            }
            pair = (pair << BITS | third) % PAIRS;
        }
        if self.is_key(pair, NOTHING) {
            self.compare(text, text.len(), pair, NOTHING, live);
        }
    }

    fn is_key(&self, pair: usize, third: usize) -> bool {
        let thirds = self.keys.get(pair % PAIRS);
        thirds.is_some_and(|thirds| thirds.wrapping_shr(third as u32) & 1 != 0)
    }

    /// Holds the literals of a key against the text around its last byte.
    #[cold]
    fn compare(&self, text: &[u8], at: usize, pair: usize, third: usize, live: &mut Live) {
        let thirds = self.keys.get(pair).copied().unwrap_or(0);
        let before = (thirds & ((1 << third) - 1)).count_ones() as usize;
        let rank = self.ranks.get(pair).copied().unwrap_or(0) + before;
        // A text of one literal over and over wakes whom it wakes once.
        let Some(key) = self.entries.get(rank).filter(|key| !live.holds(&key.wakes)) else {
            return;
        };
        for entry in &key.entries {
            if live.holds(&entry.wakes) {
                continue;
            }
            let found = at
                .checked_sub(entry.before)
                .and_then(|start| text.get(start..)?.get(..entry.word.len()));
            // Most end at the first or last letter.
            let ends = |found: &&[u8]| {
                found.first().map(u8::to_ascii_lowercase) == entry.word.first().copied()
                    && found.last().map(u8::to_ascii_lowercase) == entry.word.last().copied()
            };
            if let Some(found) = found.filter(ends)
                && found.eq_ignore_ascii_case(&entry.word)
            {
                live.add(&entry.wakes);
            }
        }
    }
}

fn pair(first: u8, second: u8) -> usize {
    class(first) << BITS | class(second)
}

/// What honest requests hold, in short: no key is taken from here where another is to be had.
const ORDINARY: &str = include_str!("ordinary.txt");

/// How often three bytes stand in [`ORDINARY`], by their classes.
fn in_ordinary() -> HashMap<(usize, usize), usize> {
    let mut counts = HashMap::new();
    for window in ORDINARY.as_bytes().windows(3) {
        if let [first, second, third] = *window {
            *counts
                .entry((pair(first, second), class(third)))
                .or_default() += 1;
        }
    }
    counts
}

/// The best key of a literal: how far its end is from the literal's beginning, and the key.
fn key(
    word: &[u8],
    ordinary: &HashMap<(usize, usize), usize>,
    taken: &BTreeMap<(usize, usize), Vec<Entry>>,
) -> Option<(usize, usize, usize)> {
    let cost = |window: &[u8]| match *window {
        [first, second, third] => {
            let key = (pair(first, second), class(third));
            let shared = taken.get(&key).map_or(0, Vec::len);
            let seen = ordinary.get(&key).copied().unwrap_or(0);
            let rare = frequency(first) * frequency(second) * frequency(third);
            (seen * 1_000_000 + rare) * (shared + 1)
        }
        _ => usize::MAX,
    };
    let (at, window) = word
        .windows(3)
        .enumerate()
        .min_by_key(|(_, window)| cost(window))?;
    match *window {
        [first, second, third] => Some((at + 2, pair(first, second), class(third))),
        _ => None,
    }
}

/// How often bytes of this class are met in what people and programs send, roughly, a thousand
/// times over.
const fn frequency(byte: u8) -> usize {
    match byte {
        b'e' => 100,
        b't' | b'a' | b'o' => 75,
        b'i' | b'n' | b's' => 66,
        b'r' => 58,
        b'h' | b'l' | b'd' => 41,
        b'u' | b'c' | b'm' => 30,
        b'p' | b'f' | b'g' => 22,
        b'y' | b'w' | b'b' => 15,
        b'v' | b'k' => 9,
        b'j' | b'x' | b'q' | b'z' => 3,
        b'0'..=b'9' | b' ' => 150,
        b'.' | b'-' | b'/' | b':' | b'"' | b'_' | b',' | b'=' => 20,
        b'\t'..=b'\r' => 12,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::detect::{DETECTORS, PATTERNS};
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// Every literal wakes the slot of its number, as far as there are slots.
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let detectors = DETECTORS.iter().flat_map(|detector| detector.literals);
        let patterns = PATTERNS.iter().flat_map(|pattern| pattern.literals);
        let words = detectors.chain(patterns).filter(|word| word.len() > 1);
        let mut words: Vec<_> = words.map(|word| word.to_ascii_lowercase()).collect();
        words.sort();
        words.dedup();
        words
    });

    fn slot(number: usize) -> Live {
        Live::one(number % 256)
    }

    static LITERALS: LazyLock<Literals> = LazyLock::new(|| {
        let words = WORDS.iter().enumerate();
        Literals::new(words.map(|(number, word)| (&**word, slot(number))))
    });
    static MODEL: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).build(&*WORDS).unwrap()
    });

    fn check(text: &[u8]) {
        let (mut found, mut expected) = (Live::default(), Live::default());
        LITERALS.wake(text, &mut found);
        for word in MODEL.find_overlapping_iter(text) {
            expected.add(&slot(word.pattern().as_usize()));
        }
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn each_literal_is_found_wherever_it_stands() {
        for word in &*WORDS {
            for text in [
                word.clone(),
                word.to_ascii_uppercase(),
                format!("x{word}"),
                format!("{word}\u{e9}"),
                format!("{word}{word}"),
            ] {
                check(text.as_bytes());
            }
        }
    }

    #[test]
    fn classes_fit() {
        assert!(CLASSES.iter().all(|class| (1..1 << BITS).contains(class)));
    }

    #[test]
    fn keys_are_shared_by_few() {
        let most = LITERALS.entries.iter().map(|key| key.entries.len()).max();
        assert!(most <= Some(8), "{most:?}");
    }

    proptest! {
        #[test]
        fn pieces_of_literals_are_found_as_an_automaton_finds_them(
            pieces in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8, 0_usize..12), 0..12),
            noise in prop::collection::vec(any::<u8>(), 0..6),
        ) {
            let mut text = noise;
            for (index, from, length) in pieces {
                let word = index.get(&WORDS).as_bytes();
                text.extend(word.iter().skip(from).take(length));
            }
            check(&text);
        }
    }
}
