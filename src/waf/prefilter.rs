//! What spares most values most of the work: one pass over the bytes, one over the literals of
//! all rules, and what they leave to be run.

mod literals;

use super::detect::{DETECTORS, Detector, PATTERNS, Pattern};
use super::view::Place;
use literals::Literals;
use std::sync::LazyLock;

/// Which sorts of bytes a text holds: the lower bits by what they may encode, the upper ones
/// by whom they wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(u64);

impl Seen {
    /// A letter.
    const LETTER: Self = Self(1);
    /// Neither a letter nor a digit nor a dash.
    const OTHER: Self = Self(1 << 1);
    /// No part of base64.
    const NOT_BASE64: Self = Self(1 << 2);
    pub(super) const PERCENT: Self = Self(1 << 3);
    pub(super) const AMPERSAND: Self = Self(1 << 4);
    pub(super) const BACKSLASH: Self = Self(1 << 5);
    /// NUL, or the start of a character that may be folded to ASCII.
    pub(super) const ODD: Self = Self(1 << 6);
    /// What JSON starts with.
    pub(super) const BRACKET: Self = Self(1 << 7);
    /// A control character that has no place in text.
    pub(super) const CONTROL: Self = Self(1 << 8);
    /// From here on: bytes that wake the same detectors.
    const FIRST_WAKING: u32 = 16;

    pub(super) const fn has(self, sort: Self) -> bool {
        self.0 & sort.0 != 0
    }

    /// Whether it may be base64 from end to end.
    pub(super) const fn may_be_base64(self) -> bool {
        !self.has(Self::NOT_BASE64) && self.has(Self::LETTER)
    }

    /// Whether a round of decoding may change it.
    pub(super) const fn may_be_encoded(self) -> bool {
        let encodings = Self::PERCENT.0 | Self::AMPERSAND.0 | Self::BACKSLASH.0 | Self::ODD.0;
        self.0 & encodings != 0
    }

    const fn of_byte(byte: u8) -> u64 {
        let mut sorts = 0;
        if byte.is_ascii_alphabetic() {
            sorts |= Self::LETTER.0;
        }
        if !byte.is_ascii_alphanumeric() && byte != b'-' {
            sorts |= Self::OTHER.0;
        }
        if !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=') {
            sorts |= Self::NOT_BASE64.0;
        }
        if byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7F {
            sorts |= Self::CONTROL.0;
        }
        sorts
            | match byte {
                b'%' => Self::PERCENT.0,
                b'&' => Self::AMPERSAND.0,
                b'\\' => Self::BACKSLASH.0,
                b'{' | b'[' => Self::BRACKET.0,
                0 | 0xC0 | 0xC1 | 0xCA | 0xCB | 0xE0 | 0xE2 | 0xEF | 0xF0 => Self::ODD.0,
                _ => 0,
            }
    }
}

/// A set of detectors and patterns: the detectors in the first word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Live([u64; 4]);

impl Live {
    const fn one(slot: usize) -> Self {
        let mut words = [0; 4];
        let [a, b, c, d] = &mut words;
        let word = match slot / 64 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        *word = 1 << (slot % 64);
        Self(words)
    }

    fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word &= other;
        }
    }

    fn holds(&self, other: &Self) -> bool {
        let mut words = self.0.iter().zip(other.0);
        words.all(|(word, other)| other & !word == 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The detectors of this set.
    pub(super) fn detectors(&self) -> impl Iterator<Item = &'static Detector> {
        let [word, ..] = self.0;
        bits(word).filter_map(|bit| DETECTORS.get(bit).copied())
    }

    /// The patterns of this set, by their index.
    pub(super) fn patterns(&self) -> impl Iterator<Item = usize> + use<> {
        let [_, words @ ..] = self.0;
        let words = words.into_iter().enumerate();
        words.flat_map(|(index, word)| bits(word).map(move |bit| index * 64 + bit))
    }
}

/// The positions of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.checked_sub(1)?;
        Some(bit as usize)
    })
}

/// Texts of letters, digits and dashes up to this length hold no attack and no literal.
const MAX_PLAIN_LEN: usize = 3;

/// The tables behind [`Seen`] and [`Live`], built once for the builtin detectors.
#[derive(Debug)]
pub(super) struct Prefilter {
    sorts: [u64; 256],
    literals: Literals,
    /// By sorts of waking bytes, in order: whom they wake.
    bytes: Vec<Live>,
    /// By the number of a place: who looks there at all.
    by_place: [Live; 32],
    /// Patterns without a literal.
    always: Live,
}

impl Prefilter {
    /// The one for the builtin detectors.
    pub(super) fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Prefilter> = LazyLock::new(|| Prefilter::new(DETECTORS, PATTERNS));
        &BUILTIN
    }

    fn new(detectors: &[&'static Detector], patterns: &[&'static Pattern]) -> Self {
        let mut sorts = std::array::from_fn(|byte| Seen::of_byte(byte as u8));
        let mut bytes: Vec<(u8, Live)> = Vec::new();
        let mut words: Vec<(&str, Live)> = Vec::new();
        let mut by_place = [Live::default(); 32];
        let mut always = Live::default();
        let woken = detectors
            .iter()
            .enumerate()
            .map(|(index, detector)| (index, detector.bytes, detector.literals, detector.places));
        let tried = patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| (64 + index, &[][..], pattern.literals, pattern.places));
        for (slot, single, literals, places) in woken.chain(tried) {
            let live = Live::one(slot);
            if slot >= 64 && literals.is_empty() {
                always.add(&live);
            }
            bytes.extend(single.iter().map(|byte| (*byte, live)));
            for literal in literals {
                match literal.as_bytes() {
                    [byte] => bytes.push((*byte, live)),
                    _ => words.push((literal, live)),
                }
            }
            for place in Place::ALL.iter().filter(|place| places.contains(**place)) {
                if let Some(there) = by_place.get_mut(*place as usize) {
                    there.add(&live);
                }
            }
        }
        Self {
            bytes: sorted(&bytes, &mut sorts),
            sorts,
            literals: Literals::new(words),
            by_place,
            always,
        }
    }

    /// Which sorts of bytes this text holds.
    pub(super) fn seen(&self, text: &[u8]) -> Seen {
        let sort = |byte: &u8| self.sorts.get(usize::from(*byte)).copied().unwrap_or(0);
        Seen(text.iter().fold(0, |seen, byte| seen | sort(byte)))
    }

    /// Whether this is a word that nobody has to look at, wherever it stands: most names and
    /// many values are.
    pub(super) fn is_plain(&self, text: &[u8], seen: Seen) -> bool {
        if seen.has(Seen::OTHER) {
            return false;
        }
        text.len() <= MAX_PLAIN_LEN || !seen.has(Seen::LETTER) || !self.literals.may_be_in(text)
    }

    /// Who has to look at this text.
    pub(super) fn live(&self, text: &[u8], seen: Seen, place: Place) -> Live {
        let mut live = Live::default();
        if seen.has(Seen::OTHER) {
            live.add(&self.always);
        } else if text.len() <= MAX_PLAIN_LEN || !seen.has(Seen::LETTER) {
            return live;
        }
        for group in bits(seen.0 >> Seen::FIRST_WAKING) {
            if let Some(wakes) = self.bytes.get(group) {
                live.add(wakes);
            }
        }
        self.literals.wake(text, &mut live);
        live.keep(self.by_place.get(place as usize).unwrap_or(&Live([0; 4])));
        live
    }
}

/// Gives bytes that wake somebody sorts of their own: one for all that wake the same.
fn sorted(bytes: &[(u8, Live)], sorts: &mut [u64; 256]) -> Vec<Live> {
    let mut groups: Vec<Live> = Vec::new();
    for (byte, sort) in (0..=u8::MAX).zip(sorts) {
        let mut wakes = Live::default();
        let waking = bytes.iter().filter(|(waking, _)| *waking == byte);
        waking.for_each(|(_, live)| wakes.add(live));
        if wakes.is_empty() {
            continue;
        }
        let group = groups.iter().position(|known| *known == wakes);
        let group = group.unwrap_or_else(|| {
            groups.push(wakes);
            groups.len() - 1
        });
        let bit = Seen::FIRST_WAKING + group as u32;
        *sort |= 1u64.checked_shl(bit).unwrap_or(0);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_all() {
        assert!(DETECTORS.len() <= 64, "a detector has no bit of `Live`");
        assert!(PATTERNS.len() <= 192, "a pattern has no bit of `Live`");
        let groups = Prefilter::builtin().bytes.len();
        assert!(
            groups <= 48,
            "{groups} sorts of bytes, and one has no bit of `Seen`"
        );
    }

    #[test]
    fn bits_are_positions() {
        assert_eq!(bits(0).count(), 0);
        assert_eq!(bits(0b1001).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(bits(1 << 63).collect::<Vec<_>>(), [63]);
    }
}
