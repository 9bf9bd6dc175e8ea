//! Does an answer say too much? Stack traces, errors of databases, keys, lists of folders and
//! source code in responses (ASVS 5.0 13.4.1, 13.4.3, 13.4.6, 16.5.1).

mod body;
mod future;
mod layer;
mod patterns;

pub use body::LeakBody;
pub use future::LeakFuture;
pub use layer::{LeakLayer, LeakService};

use super::report;
use aho_corasick::{AhoCorasick, MatchKind};
use patterns::{PATTERNS, Pattern};
use regex::bytes::Regex;
use std::fmt;
use std::sync::LazyLock;

/// What a response must not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeakKind {
    /// A private key.
    PrivateKey,
    /// A key or token of a cloud, a forge or a payment service, or a file of settings with
    /// passwords.
    Credential,
    /// A file of the operating system.
    SystemFile,
    /// A stack trace, or the page of a debugger.
    StackTrace,
    /// An error message of a database.
    DatabaseError,
    /// A list of the files in a folder.
    DirectoryListing,
    /// Source code that should have been run.
    SourceCode,
}

impl LeakKind {
    /// The name, as events carry it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKey => "private_key",
            Self::Credential => "credential",
            Self::SystemFile => "system_file",
            Self::StackTrace => "stack_trace",
            Self::DatabaseError => "database_error",
            Self::DirectoryListing => "directory_listing",
            Self::SourceCode => "source_code",
        }
    }

    /// Whether what matched may be shown to nobody.
    const fn is_secret(self) -> bool {
        matches!(self, Self::PrivateKey | Self::Credential | Self::SystemFile)
    }
}

impl fmt::Display for LeakKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that a response must not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leak {
    /// What it is.
    pub kind: LeakKind,
    /// Which pattern saw it, such as `leak-java-trace`.
    pub rule: &'static str,
    /// What was seen, cut short, with long numbers masked; of keys and files, nothing.
    pub excerpt: Box<str>,
}

impl Leak {
    /// All leaks of a text, the gravest first, each pattern once. Linear in the length of the
    /// text.
    ///
    /// ```
    /// use portcullis::waf::{Leak, LeakKind};
    ///
    /// let page = b"<b>Warning</b>: mysqli_query(): (42000/1064): You have an error in your SQL syntax";
    /// assert_eq!(Leak::find(page)[0].kind, LeakKind::DatabaseError);
    /// assert!(Leak::find(b"There is an error in your essay on SQL").is_empty());
    /// ```
    #[must_use]
    pub fn find(text: &[u8]) -> Vec<Self> {
        FINDER.find(text)
    }
}

static FINDER: LazyLock<Finder> = LazyLock::new(Finder::new);

/// All patterns, behind one automaton of their literals.
struct Finder {
    literals: Option<AhoCorasick>,
    /// Which pattern a literal is of.
    owners: Vec<usize>,
    patterns: Vec<Option<Regex>>,
}

impl Finder {
    fn new() -> Self {
        let literals = PATTERNS.iter().flat_map(|pattern| pattern.literals);
        let owners = PATTERNS
            .iter()
            .enumerate()
            .flat_map(|(index, pattern)| pattern.literals.iter().map(move |_| index));
        Self {
            owners: owners.collect(),
            // That all of them compile is shown by the tests.
            literals: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .build(literals)
                .ok(),
            patterns: PATTERNS.iter().map(Pattern::compiled).collect(),
        }
    }

    fn find(&self, text: &[u8]) -> Vec<Leak> {
        let mut live = vec![false; PATTERNS.len()];
        let found = self.literals.iter();
        for literal in found.flat_map(|literals| literals.find_overlapping_iter(text)) {
            let owner = self.owners.get(literal.pattern().as_usize());
            if let Some(live) = owner.and_then(|owner| live.get_mut(*owner)) {
                *live = true;
            }
        }
        let patterns = PATTERNS.iter().zip(&self.patterns).zip(live);
        let leaks = patterns.filter_map(|((pattern, compiled), live)| {
            let found = compiled.as_ref().filter(|_| live)?.find(text)?;
            let excerpt = if pattern.kind.is_secret() {
                "(not shown)".into()
            } else {
                report::excerpt(&[], text, found.range())
            };
            Some(Leak {
                kind: pattern.kind,
                rule: pattern.id,
                excerpt,
            })
        });
        leaks.collect()
    }
}
