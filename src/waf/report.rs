use super::{Class, Place, RuleId};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// The longest excerpt of a value, in bytes.
const MAX_EXCERPT_LEN: usize = 96;
/// The longest name of a field that a report keeps, in bytes.
const MAX_NAME_LEN: usize = 64;
/// Digits in a row from which on they may be a number of a card or an account.
const TELLING_DIGITS: usize = 6;

/// What was found in a request, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    pub(super) hostile: bool,
    pub(super) score: u32,
    pub(super) matches: Vec<Match>,
}

impl Report {
    /// Whether the request is to be refused.
    #[must_use]
    pub const fn is_hostile(&self) -> bool {
        self.hostile
    }

    /// The sum of the weights of all rules that matched, each counted once.
    #[must_use]
    pub const fn score(&self) -> u32 {
        self.score
    }

    /// The score of one class.
    #[must_use]
    pub fn score_of(&self, class: Class) -> u32 {
        let of_class = self.distinct().filter(|found| found.class == class);
        of_class.map(|found| u32::from(found.weight)).sum()
    }

    /// What matched, in the order it was found.
    #[must_use]
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// The class that weighs most, where anything was found.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        let classes = self.matches.iter().map(|found| found.class);
        // Of equals the first found.
        classes.rev().max_by_key(|class| self.score_of(*class))
    }

    pub(super) fn distinct(&self) -> impl Iterator<Item = &Match> {
        self.matches
            .iter()
            .enumerate()
            .filter_map(|(index, found)| {
                let before = self.matches.get(..index).unwrap_or_default();
                let first = !before.iter().any(|earlier| earlier.rule == found.rule);
                first.then_some(found)
            })
    }

    /// One line for people: what was found where.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("score {}", self.score);
        for found in self.distinct().take(4) {
            text.push_str(&format!("; {} in {}", found.rule, found.location()));
        }
        text
    }
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Match {
    pub(super) rule: RuleId,
    pub(super) class: Class,
    pub(super) weight: u8,
    #[serde(serialize_with = "place_name")]
    pub(super) place: Place,
    pub(super) name: Box<str>,
    pub(super) excerpt: Box<str>,
}

impl Match {
    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> &RuleId {
        &self.rule
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// What it counts in this field.
    #[must_use]
    pub const fn weight(&self) -> u8 {
        self.weight
    }

    /// Where in the request.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The name of the field, where it has one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What matched, decoded, cut short, with long numbers masked; of fields whose names
    /// speak of secrets, nothing.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// Place and name in one: `query:id`.
    #[must_use]
    pub fn location(&self) -> Location<'_> {
        Location {
            place: self.place,
            name: &self.name,
        }
    }
}

/// Where something was found: `query:id`, `path`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Location<'a> {
    place: Place,
    name: &'a str,
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.as_str())?;
        if !self.name.is_empty() {
            write!(f, ":{}", self.name)?;
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn place_name<S: serde::Serializer>(place: &Place, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(place.as_str())
}

/// A name as a report keeps it.
pub(super) fn name_of(name: &[u8]) -> Box<str> {
    let cut = name.get(..MAX_NAME_LEN).unwrap_or(name);
    String::from_utf8_lossy(cut).into()
}

/// What stands for a value that may be secret.
pub(super) fn not_shown() -> Box<str> {
    "(not shown)".into()
}

/// What may be shown of a value that goes by these names.
pub(super) fn excerpt(names: &[&[u8]], text: &[u8], span: Range<usize>) -> Box<str> {
    if names.iter().any(|name| is_secret(name)) {
        return not_shown();
    }
    let end = span.end.min(span.start.saturating_add(MAX_EXCERPT_LEN));
    let found = text.get(span.start..end).unwrap_or_default();
    let found = if found.is_empty() {
        text.get(..MAX_EXCERPT_LEN).unwrap_or(text)
    } else {
        found
    };
    let mut shown = String::with_capacity(found.len());
    let mut digits = 0;
    for c in String::from_utf8_lossy(found).chars() {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        match c {
            c if c.is_control() => shown.push('\u{FFFD}'),
            _ if digits >= TELLING_DIGITS => shown.push('#'),
            c => shown.push(c),
        }
    }
    shown.into()
}

/// Whether a name says that its value is nobody else's business.
fn is_secret(name: &[u8]) -> bool {
    const SECRETS: [&[u8]; 10] = [
        b"pass", b"pwd", b"secret", b"token", b"auth", b"session", b"cookie", b"key", b"card",
        b"pin",
    ];
    let lower = name
        .get(..MAX_NAME_LEN)
        .unwrap_or(name)
        .to_ascii_lowercase();
    SECRETS
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (
        &'static str,
        &'static [u8],
        &'static [u8],
        Range<usize>,
        &'static str,
    );

    #[test]
    fn excerpts_keep_secrets() {
        let cases: [Case; 5] = [
            ("the span", b"q", b"abc<script>x", 3..11, "<script>"),
            (
                "a password",
                b"new_password",
                b"' or 1=1",
                0..8,
                "(not shown)",
            ),
            (
                "a long number",
                b"q",
                b"4111111111111111'--",
                0..19,
                "41111###########'--",
            ),
            ("controls", b"q", b"a\r\nb", 0..4, "a\u{FFFD}\u{FFFD}b"),
            ("a span that is none", b"q", b"abc", 7..9, "abc"),
        ];
        for (case, name, text, span, expected) in cases {
            assert_eq!(&*excerpt(&[name], text, span), expected, "{case}");
        }
        assert_eq!(
            excerpt(&[b"q"], &[b'x'; 1000], 0..1000).len(),
            MAX_EXCERPT_LEN
        );
    }
}
