//! A list of breached passwords on disk, searched where it lies.

use super::source::{parse, parse_line};
use super::{BreachAnswer, BreachDigest, BreachError, BreachSource};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use tokio::runtime::Handle;

/// When so much is left it is read as a whole.
const BLOCK: u64 = 4096;
/// The longest line: 40 digits, a colon, a count, the end.
const MAX_LINE: usize = 64;
/// How many places of the file are looked at when it is opened.
const SAMPLES: u64 = 64;

/// A file of SHA-1 hashes in hex, one on each line with how often it was seen behind a colon,
/// in the order of the hashes: as the list of Have I Been Pwned is, of some 40 GB. A look-up
/// reads about thirty pieces of it, on a thread for such things, and keeps nothing in memory.
///
/// The file is opened for each look-up, so that it can be replaced; do that by renaming the new
/// one over it.
#[derive(Clone, Debug)]
pub struct BreachFile(PathBuf);

impl BreachFile {
    /// Looks at a file, and at some places of it.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it should be where it was looked at.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, BreachError> {
        let path = path.into();
        let mut lines = Lines::of(File::open(&path)?)?;
        let mut last: Option<[u8; 20]> = None;
        for sample in 0..SAMPLES {
            let offset = lines.length / SAMPLES * sample;
            let Some((start, _)) = lines.next_line(offset)? else {
                continue;
            };
            let digest = lines.digest_at(start)?;
            if last.is_some_and(|last| last > digest) {
                return Err(BreachError::NotSorted(start));
            }
            last = Some(digest);
        }
        Ok(Self(path))
    }

    fn find(&self, digest: &BreachDigest) -> Result<u64, BreachError> {
        Lines::of(File::open(&self.0)?)?.find(digest.expose())
    }
}

impl BreachSource for BreachFile {
    fn times(&self, digest: BreachDigest) -> BreachAnswer {
        let file = self.clone();
        Box::pin(async move {
            let find = move || file.find(&digest);
            match Handle::try_current() {
                Ok(runtime) => runtime
                    .spawn_blocking(find)
                    .await
                    .map_err(|error| BreachError::Other(error.to_string()))?,
                Err(_) => find(),
            }
        })
    }
}

/// The lines of a file, by where they begin.
struct Lines<F> {
    file: F,
    length: u64,
}

impl<F: Read + Seek> Lines<F> {
    fn of(mut file: F) -> Result<Self, BreachError> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, length })
    }

    /// Up to so many bytes from here on.
    fn read(&mut self, offset: u64, limit: u64) -> Result<Vec<u8>, BreachError> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The first line that begins at this place or after it, and where: at the start of the
    /// file or behind a line's end.
    fn next_line(&mut self, offset: u64) -> Result<Option<(u64, Vec<u8>)>, BreachError> {
        // From one byte before, which is a line's end when one begins here.
        let from = offset.saturating_sub(1);
        let bytes = self.read(from, 2 * MAX_LINE as u64)?;
        let mut start = 0;
        if offset > 0 {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            match end {
                Some(end) => start = end + 1,
                None if from + bytes.len() as u64 >= self.length => return Ok(None),
                None => return Err(BreachError::Malformed(from)),
            }
        }
        let rest = bytes.get(start..).unwrap_or_default();
        let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let start = from + start as u64;
        Ok((start < self.length).then(|| (start, line.to_vec())))
    }

    fn digest_at(&mut self, start: u64) -> Result<[u8; 20], BreachError> {
        let line = self.next_line(start)?;
        let line = line.map(|(_, line)| line).unwrap_or_default();
        entry(&line, start).map(|(digest, _)| digest)
    }

    /// How often the password of this hash was seen. The line, if there is one, begins at `low`
    /// or after it, and before `high`.
    fn find(&mut self, wanted: &[u8; 20]) -> Result<u64, BreachError> {
        let (mut low, mut high) = (0, self.length);
        while high - low > BLOCK {
            let middle = low + (high - low) / 2;
            match self.next_line(middle)? {
                Some((start, line)) if start < high => {
                    let (digest, times) = entry(&line, start)?;
                    match digest.cmp(wanted) {
                        std::cmp::Ordering::Equal => return Ok(times),
                        std::cmp::Ordering::Less => low = start,
                        std::cmp::Ordering::Greater => high = middle,
                    }
                }
                _ => high = middle,
            }
        }
        self.scan(low, high, wanted)
    }

    /// Reads the lines that begin between these places.
    fn scan(&mut self, low: u64, high: u64, wanted: &[u8; 20]) -> Result<u64, BreachError> {
        let bytes = self.read(low, high - low + MAX_LINE as u64)?;
        let mut start = low;
        for line in bytes.split(|&byte| byte == b'\n') {
            if start >= high {
                break;
            }
            let (digest, times) = entry(line, start)?;
            if digest == *wanted {
                return Ok(times);
            }
            start += line.len() as u64 + 1;
        }
        Ok(0)
    }
}

fn entry(line: &[u8], start: u64) -> Result<([u8; 20], u64), BreachError> {
    let entry = parse_line(line, 40).and_then(|(hash, times)| Some((parse(hash)?, times)));
    entry.ok_or(BreachError::Malformed(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn find(text: &str, password: &str) -> Result<u64, BreachError> {
        let mut lines = Lines::of(Cursor::new(text.as_bytes().to_vec()))?;
        lines.find(BreachDigest::of(password).expose())
    }

    /// Some thousand passwords, with lines of several lengths.
    fn list(ending: &str) -> (String, Vec<(String, u64)>) {
        let passwords =
            (0..3000_u64).map(|number| (format!("password {number}"), number * number + 1));
        let mut lines: Vec<_> = passwords
            .map(|(password, times)| {
                (
                    BreachDigest::of(&password).to_hex().to_string(),
                    password,
                    times,
                )
            })
            .collect();
        lines.sort();
        let text = lines
            .iter()
            .map(|(hex, _, times)| format!("{hex}:{times}{ending}"));
        let text = text.collect();
        (
            text,
            lines
                .into_iter()
                .map(|(_, password, times)| (password, times))
                .collect(),
        )
    }

    #[test]
    fn what_is_in_the_list_is_found_and_nothing_else() {
        for ending in ["\n", "\r\n"] {
            let (text, passwords) = list(ending);
            for (password, times) in &passwords {
                assert_eq!(find(&text, password).unwrap(), *times, "{password}");
            }
            for number in 3000..6000 {
                assert_eq!(find(&text, &format!("password {number}")).unwrap(), 0);
            }
        }
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        let (text, passwords) = list("\n");
        let (last, times) = passwords.last().unwrap();
        assert_eq!(find(text.trim_end(), last).unwrap(), *times);
        let one = BreachDigest::of("x").to_hex();
        assert_eq!(find(&one, "x").unwrap(), 1);
        assert_eq!(find("", "x").unwrap(), 0);
    }

    #[test]
    fn what_is_no_list_is_told() {
        let (text, _) = list("\n");
        for (name, text) in [
            ("another separator", text.replace(':', " ")),
            ("one line", "x".repeat(10_000)),
            ("empty lines", "\n".repeat(10_000)),
            ("few empty lines", "\n\n".to_owned()),
            ("cut", text[..39].to_owned()),
        ] {
            let found = find(&text, "x");
            assert!(
                matches!(found, Err(BreachError::Malformed(_))),
                "{name}: {found:?}"
            );
        }
    }
}
