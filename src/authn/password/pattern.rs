//! What makes a long password easy to guess: words, rows, repetition.

/// The shortest word of a context that counts. Shorter ones stand in every other password.
const MIN_WORD_LEN: usize = 3;

/// The most words that are looked for, and the most text they are taken from, for a name may
/// be anything that a client sent.
const MAX_WORDS: usize = 32;
const MAX_CONTEXT: usize = 512;

/// The shortest row that counts, in characters.
const MIN_ROW_LEN: usize = 4;

/// The fewest different characters of a password that is not repetitive.
const MIN_DIFFERENT: usize = 4;

/// The rows of a keyboard, one below the other.
const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// What to look for of a context such as a name or an address: it as a whole, and its parts.
pub(super) fn words(context: &str) -> impl Iterator<Item = String> {
    let end = context.floor_char_boundary(MAX_CONTEXT);
    let context = context.get(..end).unwrap_or_default().trim();
    let local_part = context.rsplit_once('@').map(|(local, _domain)| local);
    let parts = context.split(|c: char| !c.is_alphanumeric());
    std::iter::once(context)
        .chain(local_part)
        .chain(parts)
        .take(MAX_WORDS)
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .map(plain)
                .collect()
        })
        .filter(|word: &String| word.chars().count() >= MIN_WORD_LEN)
}

/// The letter that a digit or sign usually stands for. `i` and `l` share their signs, so they
/// are one.
fn plain(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Whether half of the characters or more belong to one of the words.
pub(super) fn is_mostly<'a>(password: &[char], words: impl Iterator<Item = &'a str>) -> bool {
    let plain: zeroize::Zeroizing<Vec<char>> =
        zeroize::Zeroizing::new(password.iter().copied().map(plain).collect());
    let mut covered = vec![false; plain.len()];
    for word in words {
        let word: Vec<char> = word.chars().collect();
        for (start, window) in plain.windows(word.len().max(1)).enumerate() {
            if *window == *word {
                covered
                    .iter_mut()
                    .skip(start)
                    .take(word.len())
                    .for_each(|one| *one = true);
            }
        }
    }
    is_half(covered.iter().filter(|one| **one).count(), plain.len())
}

/// Whether half of the characters or more are in rows of the alphabet or of the digits, forward
/// or backward, or in walks over neighboring keys of the keyboard.
pub(super) fn is_mostly_sequential(password: &[char]) -> bool {
    is_half(in_runs(password, steps), password.len())
}

/// Whether there are fewer than four different characters, or half of them or more are in
/// runs of one.
pub(super) fn is_repetitive(password: &[char]) -> bool {
    let mut different = zeroize::Zeroizing::new(password.to_vec());
    different.sort_unstable();
    different.dedup();
    let same = |a, b| u8::from(a == b);
    let has_few = different.len() < MIN_DIFFERENT.min(password.len());
    has_few || is_half(in_runs(password, same), password.len())
}

/// The shortest piece of which the password is a whole number of repetitions; the password
/// itself, when there is none.
pub(super) fn smallest_unit<T: PartialEq>(password: &[T]) -> &[T] {
    let length = password.len();
    (1..=length / 2)
        .filter(|size| length.is_multiple_of(*size))
        .filter_map(|size| password.get(..size))
        .find(|unit| password.chunks(unit.len()).all(|chunk| chunk == *unit))
        .unwrap_or(password)
}

fn is_half(part: usize, whole: usize) -> bool {
    whole > 0 && part * 2 >= whole
}

/// How many characters stand in runs of at least [`MIN_ROW_LEN`], where a run goes on as
/// long as one kind of step does. `steps` has a bit for each kind that leads from one
/// character to the next.
fn in_runs(password: &[char], steps: impl Fn(char, char) -> u8) -> usize {
    let (mut total, mut run, mut kinds) = (0, 1, 0);
    for pair in password.windows(2) {
        let &[a, b] = pair else { continue };
        let found = steps(a, b);
        if run > 1 && found & kinds != 0 {
            run += 1;
            kinds &= found;
            continue;
        }
        total += counted(run);
        // A new run begins with the character that ended the old one, unless that was counted.
        run = if found == 0 { 1 } else { 2 };
        kinds = found;
    }
    (total + counted(run)).min(password.len())
}

fn counted(run: usize) -> usize {
    if run >= MIN_ROW_LEN { run } else { 0 }
}

/// The kinds of row in which `b` comes next to `a`: a bit for each.
fn steps(a: char, b: char) -> u8 {
    let distance = i64::from(u32::from(b)) - i64::from(u32::from(a));
    let kinds = [distance == 1, distance == -1, are_neighbors(a, b)];
    let bits = kinds.into_iter().enumerate();
    bits.filter(|(_, is_step)| *is_step)
        .fold(0, |kinds, (bit, _)| kinds | 1 << bit)
}

/// Whether two keys are neighbors: side by side, or above each other, straight or aslant.
fn are_neighbors(a: char, b: char) -> bool {
    let (Some((row, column)), Some((other_row, other_column))) = (key(a), key(b)) else {
        return false;
    };
    a != b && (other_row - row).abs() <= 1 && (other_column - column).abs() <= 1
}

/// Where a character is on the keyboard: row and column.
fn key(c: char) -> Option<(i8, i8)> {
    ROWS.iter().zip(0..).find_map(|(row, index)| {
        let column = row.chars().zip(0..).find(|(key, _)| *key == c);
        Some((index, column?.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn units() {
        for (password, unit) in [
            ("", ""),
            ("a", "a"),
            ("aaaa", "a"),
            ("abab", "ab"),
            ("ababa", "ababa"),
            ("passwordpassword", "password"),
            ("abcabcabd", "abcabcabd"),
        ] {
            let password = characters(password);
            assert_eq!(smallest_unit(&password), characters(unit), "{password:?}");
        }
    }

    #[test]
    fn rows() {
        for (password, expected) in [
            ("12345678", true),
            ("87654321", true),
            ("1234567890", true),
            ("abcdefgh", true),
            ("qwertyuiopasdfg", true),
            ("poiuytrewq", true),
            ("1q2w3e4r5t6y7u8i9o", true),
            ("q1w2e3r4t5y6u7i8", true),
            ("1qaz2wsx3edc4rfv", true),
            ("zaq1xsw2cde3vfr4", true),
            ("qawsedrftgyhujik", true),
            ("the weather tower", false),
            ("qpwoeirutyalskdj", false),
            ("αβγδεζηθ", true),
            ("abcd-efgh-ijkl", true),
            ("mypass12345678", true),
            ("portable-harbour-1234", false),
            ("acegikmo", false),
            ("abc-def-ghi-jkl", false),
            ("aaaaaaaa", false),
            ("", false),
        ] {
            let password_characters = characters(password);
            assert_eq!(
                is_mostly_sequential(&password_characters),
                expected,
                "{password}"
            );
        }
    }

    #[test]
    fn repetition() {
        for (password, expected) in [
            ("aaaaaaaa", true),
            ("aabbaabbc", true),
            ("aaaa1111bbbb2222", true),
            ("xxxxxxxx-correct", true),
            ("correct horse battery", false),
            ("aabbccdd", false),
        ] {
            assert_eq!(is_repetitive(&characters(password)), expected, "{password}");
        }
    }

    #[test]
    fn context() {
        let about = ["Portcullis", "ann.smith@mail.example.com", "Zoë O'Hara"];
        let all: Vec<_> = about.into_iter().flat_map(words).collect();
        for (password, expected) in [
            ("portcullis", true),
            ("portcullis12345", true),
            ("p0rtcu11is-2026", true),
            ("ann.smith@mail.example.com", true),
            ("ann.smith", true),
            ("smithsmithsmith-9", true),
            ("example-smith-1", true),
            ("the smith of the village", false),
            ("portcullis of the old castle", false),
            ("zoë o'hara", true),
        ] {
            let found = is_mostly(&characters(password), all.iter().map(String::as_str));
            assert_eq!(found, expected, "{password}");
        }
        assert!(!is_mostly(&[], all.iter().map(String::as_str)));
    }

    #[test]
    fn a_context_of_any_size_gives_few_words() {
        assert!(words(&"word ".repeat(100_000)).count() <= MAX_WORDS);
        assert_eq!(words("").count(), 0);
        assert_eq!(words("a b c").count(), 1);
    }
}
