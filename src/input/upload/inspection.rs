use super::detect::{Detected, detect};
use super::feed::Scanner;
use super::format::{self, ArchiveTail};
use super::policy::{Rules, Settings, UploadPolicy};
use super::refusal::{RefusalKind, malformed, mismatch, polyglot};
use super::report::{Accepted, ContentHash, Flag};
use super::{FileType, Refusal};
use crate::input::file_name::FileName;
use crate::random::Random;
use sha2::{Digest, Sha256};

/// How many bytes are waited for before the type is decided.
const HEAD: usize = 8 << 10;

/// One file that is looked at while it comes.
///
/// Feed it with [`push`](Self::push), store what comes out, and when the file is over ask for
/// the verdict with [`finish`](Self::finish): until then what was stored may still have to be
/// thrown away.
///
/// The type is decided on the first 8 KiB. Memory: the piece at hand, twice, and what the
/// structure of the type needs: see the [module](super).
#[derive(Debug)]
pub struct Inspection {
    policy: UploadPolicy,
    expected: FileType,
    name: FileName,
    is_renamed: bool,
    is_declared: bool,
    stage: Stage,
    received: u64,
    stored: u64,
    hash: Sha256,
    tail: Option<ArchiveTail>,
    random: Random,
}

#[derive(Debug)]
enum Stage {
    Head(Vec<u8>),
    Body(Detected, Scanner),
    /// Nothing more is taken.
    Refused(Refusal),
}

impl Inspection {
    pub(super) fn new(
        policy: UploadPolicy,
        name: &str,
        declared: Option<&str>,
    ) -> Result<Self, Refusal> {
        let file_name = FileName::parse(name)
            .map_err(|error| Refusal::new(RefusalKind::Name, error.to_string()))?;
        let expected = expected_type(&file_name, policy.settings())?;
        let is_declared = agrees(declared, expected)?;
        Ok(Self {
            is_renamed: file_name.as_str() != name,
            name: file_name,
            expected,
            is_declared,
            stage: Stage::Head(Vec::new()),
            received: 0,
            stored: 0,
            hash: Sha256::new(),
            tail: (expected.family() != FileType::Zip).then(ArchiveTail::default),
            random: Random::secure(),
            policy,
        })
    }

    /// Takes the random bytes of the stored name from here.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// What the file has to be, by its name.
    #[must_use]
    pub const fn expected_type(&self) -> FileType {
        self.expected
    }

    /// Takes the next piece, and appends to `kept` what is to be stored.
    ///
    /// # Errors
    /// Why the file is refused. It stays refused, whatever else is pushed.
    pub fn push(&mut self, piece: &[u8], kept: &mut Vec<u8>) -> Result<(), Refusal> {
        if let Stage::Refused(refusal) = &self.stage {
            return Err(refusal.clone());
        }
        let result = self.take(piece, kept);
        if let Err(refusal) = &result {
            self.stage = Stage::Refused(refusal.clone());
        }
        result
    }

    fn take(&mut self, piece: &[u8], kept: &mut Vec<u8>) -> Result<(), Refusal> {
        self.received += piece.len() as u64;
        let limit = self.policy.settings().max_bytes;
        if self.received > limit {
            let reason = format!("more than {limit} bytes");
            return Err(Refusal::new(RefusalKind::TooLarge, reason));
        }
        if let Some(tail) = &mut self.tail {
            tail.push(piece);
        }
        match &mut self.stage {
            Stage::Refused(refusal) => return Err(refusal.clone()),
            Stage::Body(..) => {}
            Stage::Head(head) => {
                let room = HEAD - head.len();
                let Some((first, rest)) = piece.split_at_checked(room) else {
                    head.extend_from_slice(piece);
                    return Ok(());
                };
                head.extend_from_slice(first);
                self.decide(kept)?;
                return self.scan(rest, kept);
            }
        }
        self.scan(piece, kept)
    }

    /// Decides the type by the first bytes, and starts to scan.
    fn decide(&mut self, kept: &mut Vec<u8>) -> Result<(), Refusal> {
        let Stage::Head(head) = &mut self.stage else {
            return Ok(());
        };
        let head = std::mem::take(head);
        let detected = detect(&head);
        let expected = self.expected;
        if head.is_empty() {
            return Err(malformed("an empty file"));
        }
        if detected != Detected::Known(expected.family()) {
            return Err(mismatch(format!(
                "content is {detected}, the name says {expected}"
            )));
        }
        let settings = self.policy.settings();
        let rules = Rules {
            expected,
            strips: settings.strips,
            max_pixels: settings.max_pixels,
            archive: settings.archive,
        };
        self.stage = Stage::Body(detected, format::scanner(expected.family(), rules));
        self.scan(&head, kept)
    }

    fn scan(&mut self, piece: &[u8], kept: &mut Vec<u8>) -> Result<(), Refusal> {
        let from = kept.len();
        if let Stage::Body(_, scanner) = &mut self.stage {
            scanner.push(piece, kept)?;
        }
        self.note(kept, from);
        Ok(())
    }

    fn note(&mut self, kept: &[u8], from: usize) {
        let new = kept.get(from..).unwrap_or_default();
        self.stored += new.len() as u64;
        self.hash.update(new);
    }

    /// Says that there is no more, and gives the verdict. What is still to be stored is
    /// appended to `kept`.
    ///
    /// # Errors
    /// Why the file is refused.
    pub fn finish(mut self, kept: &mut Vec<u8>) -> Result<Accepted, Refusal> {
        self.decide(kept)?;
        let from = kept.len();
        let (detected, scanner) = match std::mem::replace(&mut self.stage, Stage::Head(Vec::new()))
        {
            Stage::Body(detected, scanner) => (detected, scanner),
            Stage::Refused(refusal) => return Err(refusal),
            Stage::Head(_) => return Err(malformed("an empty file")),
        };
        let facts = scanner.finish(kept)?;
        self.note(kept, from);
        let kind = facts.kind.unwrap_or(self.expected);
        if kind != self.expected {
            let expected = self.expected;
            return Err(mismatch(format!(
                "content is {kind}, the name says {expected}"
            )));
        }
        if self.tail.is_some_and(|tail| tail.found()) {
            return Err(polyglot("an archive within, for who reads from the end"));
        }
        let mut flags = facts.flags;
        if has_mixed_scripts(self.name.as_str()) {
            flags.push(Flag::MixedScripts);
        }
        Ok(Accepted {
            kind,
            detected,
            stored_name: stored_name(&self.random, kind),
            name: self.name,
            is_renamed: self.is_renamed,
            is_declared: self.is_declared,
            length: self.stored,
            hash: ContentHash(self.hash.finalize().into()),
            pixels: facts.pixels,
            cleaning: facts.cleaning,
            flags,
        })
    }
}

fn stored_name(random: &Random, kind: FileType) -> String {
    let number = u128::from_be_bytes(random.bytes());
    let extension = kind.extensions().first().copied().unwrap_or("bin");
    format!("{number:032x}.{extension}")
}

/// The type that the extension names, where the policy takes it.
fn expected_type(name: &FileName, settings: &Settings) -> Result<FileType, Refusal> {
    let Some(extension) = name.extension() else {
        return Err(Refusal::new(RefusalKind::Name, "the name has no extension"));
    };
    match FileType::from_extension(extension) {
        Some(kind) if settings.types.contains(&kind) => Ok(kind),
        _ => {
            let reason = format!("the policy does not take files named .{extension}");
            Err(Refusal::new(RefusalKind::NotAllowed, reason))
        }
    }
}

/// Whether a media type is declared; it has to be that of the extension then. Parameters are
/// for text, and say what is so anyway.
fn agrees(declared: Option<&str>, expected: FileType) -> Result<bool, Refusal> {
    let declared = declared.unwrap_or_default().trim_ascii();
    let (essence, parameters) = match declared.split_once(';') {
        Some((essence, parameters)) => (essence.trim_ascii(), parameters),
        None => (declared, ""),
    };
    let is_nothing = essence.is_empty() || essence.eq_ignore_ascii_case("application/octet-stream");
    let allows = |parameter: &str| {
        let parameter = parameter.trim_ascii().to_ascii_lowercase();
        let value = parameter
            .strip_prefix("charset=")
            .map(|value| value.trim_matches('"'));
        parameter.is_empty() || (expected.is_text() && matches!(value, Some("utf-8" | "us-ascii")))
    };
    if !(is_nothing || expected.is_declared_by(essence)) || !parameters.split(';').all(allows) {
        let shown: String = declared
            .chars()
            .take(80)
            .filter(|c| !c.is_control())
            .collect();
        return Err(mismatch(format!(
            "declared as {shown:?}, the name says {expected}"
        )));
    }
    Ok(!is_nothing)
}

/// Whether letters of Latin, Greek or Cyrillic stand in one word, which no language does.
fn has_mixed_scripts(name: &str) -> bool {
    let script = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' => Some(0),
        '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Some(1),
        '\u{400}'..='\u{52F}' => Some(2),
        _ => None,
    };
    let words = name.split(|c: char| !c.is_alphabetic());
    words.into_iter().any(|word| {
        let mut scripts = word.chars().filter_map(script);
        let first = scripts.next();
        scripts.any(|script| Some(script) != first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::upload::RefusalKind::*;

    #[test]
    fn declared_types() {
        let cases = [
            (None, FileType::Jpeg, Some(false)),
            (Some(""), FileType::Jpeg, Some(false)),
            (
                Some("application/octet-stream"),
                FileType::Jpeg,
                Some(false),
            ),
            (Some("IMAGE/JPEG"), FileType::Jpeg, Some(true)),
            (Some("image/jpg"), FileType::Jpeg, Some(true)),
            (Some("image/jpeg; charset=utf-7"), FileType::Jpeg, None),
            (Some("image/png"), FileType::Jpeg, None),
            (Some("image/jpeg, text/html"), FileType::Jpeg, None),
            (
                Some("text/plain; charset=UTF-8"),
                FileType::Text,
                Some(true),
            ),
            (Some("text/plain; charset=utf-7"), FileType::Text, None),
            (Some("application/vnd.ms-excel"), FileType::Csv, Some(true)),
            (
                Some("application/x-zip-compressed"),
                FileType::Zip,
                Some(true),
            ),
        ];
        for (declared, expected, result) in cases {
            assert_eq!(agrees(declared, expected).ok(), result, "{declared:?}");
        }
    }

    #[test]
    fn names() {
        let policy = UploadPolicy::images();
        let refused = |name: &str| policy.begin(name, None).map(|_| ()).map_err(|r| r.kind());
        assert_eq!(refused("a.jpg"), Ok(()));
        assert_eq!(refused("a.exe"), Err(NotAllowed));
        assert_eq!(refused("a"), Err(Name));
        assert_eq!(refused("../a.jpg"), Err(Name));
        assert_eq!(refused("a.svg"), Err(NotAllowed));
        assert!(has_mixed_scripts("p\u{430}yp\u{430}l.jpg"));
        assert!(!has_mixed_scripts("\u{444}\u{43E}\u{442}\u{43E} a.jpg"));
    }

    #[test]
    fn what_was_refused_stays_refused() {
        let mut kept = Vec::new();
        let mut inspection = UploadPolicy::images()
            .max_bytes(4)
            .begin("a.jpg", None)
            .unwrap();
        assert_eq!(
            inspection.push(b"12345", &mut kept).unwrap_err().kind(),
            TooLarge
        );
        assert_eq!(
            inspection.push(b"", &mut kept).unwrap_err().kind(),
            TooLarge
        );
        assert_eq!(inspection.finish(&mut kept).unwrap_err().kind(), TooLarge);
    }
}
