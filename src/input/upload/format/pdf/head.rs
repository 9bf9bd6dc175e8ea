//! Heads of objects, `1 0 obj`, where there should be none.

use super::lexer::is_blank;
use crate::input::upload::format::seam::Seam;
use memchr::memmem;

const WORD: &[u8] = b"obj";
/// How far before its word a head in a stream is looked for. Where nothing but blanks and a
/// comment fill this, the numbers are taken to stand before it.
const WINDOW: usize = 1024;

/// Follows bytes as a reader would that starts at any of them: two numbers, each with blanks and
/// comments behind it, and the word. What follows a number may be the start of another head, and
/// what stands in a comment as well, so several places are held at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heads(u16);

/// The places within a head; a bit each.
mod place {
    pub(super) const NUMBER: u16 = 1;
    pub(super) const BEHIND_NUMBER: u16 = 1 << 1;
    pub(super) const COMMENT: u16 = 1 << 2;
    pub(super) const GENERATION: u16 = 1 << 3;
    pub(super) const BEHIND_GENERATION: u16 = 1 << 4;
    pub(super) const LATER_COMMENT: u16 = 1 << 5;
    pub(super) const O: u16 = 1 << 6;
    pub(super) const B: u16 = 1 << 7;
    pub(super) const J: u16 = 1 << 8;
}

impl Heads {
    /// Where two numbers may have stood before, and a comment may have begun.
    const UNKNOWN: Self = Self(place::BEHIND_GENERATION | place::LATER_COMMENT);

    /// Takes the next byte. Says whether it ended a head.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        use place::{
            B, BEHIND_GENERATION, BEHIND_NUMBER, COMMENT, GENERATION, J, LATER_COMMENT, NUMBER, O,
        };
        let was = |places: u16| self.0 & places != 0;
        let mut next = self.0 & (COMMENT | LATER_COMMENT);
        let mut go = |from: u16, to: u16| next |= if was(from) { to } else { 0 };
        match byte {
            // Readers take signs and points in numbers.
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                go(BEHIND_NUMBER | GENERATION | BEHIND_GENERATION, GENERATION);
                next |= NUMBER;
            }
            b'%' => {
                go(NUMBER | BEHIND_NUMBER, COMMENT);
                go(GENERATION | BEHIND_GENERATION, LATER_COMMENT);
            }
            b'o' => go(GENERATION | BEHIND_GENERATION, O),
            b'b' => go(O, B),
            b'j' => go(B, J),
            blank if is_blank(blank) => {
                go(NUMBER | BEHIND_NUMBER, BEHIND_NUMBER);
                go(GENERATION | BEHIND_GENERATION, BEHIND_GENERATION);
                if matches!(blank, b'\r' | b'\n') {
                    go(COMMENT, BEHIND_NUMBER);
                    go(LATER_COMMENT, BEHIND_GENERATION);
                    next &= !(COMMENT | LATER_COMMENT);
                }
            }
            _ => {}
        }
        self.0 = next & !J;
        next & J != 0
    }

    /// Whether a head ends in these bytes.
    pub(super) fn any(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.push(*byte))
    }
}

/// Looks for heads in the content of a stream, which may be long and any bytes.
#[derive(Debug, Default)]
pub(super) struct HeadFinder(Seam<WINDOW>);

impl HeadFinder {
    /// Whether there is one in the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> bool {
        self.0.any(piece, has_head)
    }
}

fn has_head(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, WORD).any(|at| {
        let text = bytes.get(..at + WORD.len()).unwrap_or_default();
        match text.split_last_chunk::<WINDOW>() {
            Some((_, end)) => ends_in_head(Heads::UNKNOWN, end),
            None => ends_in_head(Heads::default(), text),
        }
    })
}

fn ends_in_head(mut heads: Heads, text: &[u8]) -> bool {
    let ends = text.iter().map(|byte| heads.push(*byte));
    ends.last().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_objects() {
        for (text, expected) in [
            (&b"x 1 0 obj <<"[..], true),
            (b"1\n0\tobj", true),
            (b"1 0obj", true),
            (b"1 0 objx", true),
            (b"1 2 3 obj", true),
            (b"+1 0.0 obj", true),
            (b"1 0 %\nobj", true),
            (b"1 %a %b\r0 %c\n %d\n\0obj", true),
            (b"1%\n0%\nobj", true),
            (b"% 1 0 obj", true),
            (b"1 0 % 2 0 obj", true),
            (b"endobj", false),
            (b"an object", false),
            (b"0 obj", false),
            (b"1 0 % obj", false),
            (b"1 0 x obj", false),
            (b"1 (0) obj", false),
            (b"10 o bj", false),
        ] {
            let shown = text.escape_ascii();
            assert_eq!(has_head(text), expected, "{shown}");
            assert_eq!(Heads::default().any(text), expected, "{shown}");
        }
    }

    #[test]
    fn no_filling_and_no_cut_hides_a_head() {
        for filling in [
            vec![b' '; 5_000],
            [&b"%"[..], &[b'x'; 5_000], b"\n"].concat(),
        ] {
            let text = [&b"7 0"[..], &filling, b"obj"].concat();
            assert!(has_head(&text));
            for piece in [1, 700, 1_023, 1_024, 1_025, 4_000] {
                let mut finder = HeadFinder::default();
                assert!(
                    text.chunks(piece).any(|piece| finder.push(piece)),
                    "{piece}"
                );
            }
        }
        let mut finder = HeadFinder::default();
        let text = [&[b'x'; 3_000][..], b" obj\nendobj of 1 object"].concat();
        assert!(!text.chunks(100).any(|piece| finder.push(piece)));
    }
}
