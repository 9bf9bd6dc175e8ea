use crate::waf::{Class, WafError};
use aho_corasick::AhoCorasick;
use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};
use std::net::IpAddr;

/// The largest program that a pattern may compile to, in bytes.
const MAX_PATTERN_LEN: usize = 4 << 20;

/// What is asked of a value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operator {
    /// It matches this pattern, somewhere.
    Regex(Regex),
    /// It is this text.
    Equals(String),
    /// It holds this text.
    Contains(String),
    /// It begins with this text.
    BeginsWith(String),
    /// It ends with this text.
    EndsWith(String),
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// It holds one of these phrases.
    ContainsAny(AhoCorasick),
    /// It is a number above this.
    Above(i64),
    /// It is a number below this.
    Below(i64),
    /// It is this number.
    Is(i64),
    /// It is longer than this, in bytes.
    LongerThan(usize),
    /// It holds a byte outside of these ranges, both ends included.
    BytesOutside(Vec<(u8, u8)>),
    /// It is an address of one of these networks.
    AddressIn(Vec<IpNet>),
    /// It is no UTF-8.
    NotUtf8,
    /// The builtin rules see an attack of this class in it.
    Attack(Class),
    /// It is there.
    Present,
    /// It is not there: holds when the whole request has no such value.
    Absent,
}

impl Operator {
    /// Matches this pattern of the `regex` crate, without regard to case in ASCII, by bytes,
    /// in linear time.
    ///
    /// # Errors
    /// When it is no pattern, or one too large.
    pub fn regex(pattern: &str) -> Result<Self, WafError> {
        RegexBuilder::new(pattern)
            .case_insensitive(true)
            .unicode(false)
            .size_limit(MAX_PATTERN_LEN)
            .build()
            .map(Self::Regex)
            .map_err(|error| WafError::pattern(pattern, &error.to_string()))
    }

    /// Holds one of these phrases, without regard to case in ASCII.
    ///
    /// # Errors
    /// When there are too many.
    pub fn contains_any<P: AsRef<[u8]>>(
        phrases: impl IntoIterator<Item = P>,
    ) -> Result<Self, WafError> {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(phrases)
            .map(Self::ContainsAny)
            .map_err(|error| WafError::pattern("a list of phrases", &error.to_string()))
    }

    /// Whether it holds for this value. [`Self::Attack`] and [`Self::Absent`] are no question
    /// of the value alone: the engine answers them.
    pub(in crate::waf) fn holds(&self, value: &[u8]) -> bool {
        let number = || std::str::from_utf8(value).ok()?.trim().parse::<i64>().ok();
        match self {
            Self::Regex(pattern) => pattern.is_match(value),
            Self::Equals(text) => value == text.as_bytes(),
            Self::Contains(text) => memchr::memmem::find(value, text.as_bytes()).is_some(),
            Self::BeginsWith(text) => value.starts_with(text.as_bytes()),
            Self::EndsWith(text) => value.ends_with(text.as_bytes()),
            Self::OneOf(texts) => texts.iter().any(|text| text.as_bytes() == value),
            Self::ContainsAny(phrases) => phrases.is_match(value),
            Self::Above(limit) => number().is_some_and(|number| number > *limit),
            Self::Below(limit) => number().is_some_and(|number| number < *limit),
            Self::Is(wanted) => number() == Some(*wanted),
            Self::LongerThan(limit) => value.len() > *limit,
            Self::BytesOutside(ranges) => {
                let inside = |byte: &u8| {
                    ranges
                        .iter()
                        .any(|(low, high)| (low..=high).contains(&byte))
                };
                !value.iter().all(inside)
            }
            Self::AddressIn(networks) => {
                let text = std::str::from_utf8(value).ok();
                let address = text.and_then(|text| text.trim().parse::<IpAddr>().ok());
                address.is_some_and(|address| networks.iter().any(|net| net.contains(&address)))
            }
            Self::NotUtf8 => std::str::from_utf8(value).is_err(),
            Self::Present => true,
            Self::Attack(_) | Self::Absent => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holds_for_what_it_says() {
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        let cases = [
            ("regex", Operator::regex("^a+$").unwrap(), "AAA", "b"),
            ("equals", Operator::Equals("a".into()), "a", "A"),
            ("contains", Operator::Contains("b".into()), "abc", "ac"),
            ("begins", Operator::BeginsWith("ab".into()), "abc", "cab"),
            ("ends", Operator::EndsWith("bc".into()), "abc", "bca"),
            (
                "one of",
                Operator::OneOf(vec!["a".into(), "b".into()]),
                "b",
                "ab",
            ),
            (
                "phrases",
                Operator::contains_any(["union", "select"]).unwrap(),
                "SELECT 1",
                "sel",
            ),
            ("above", Operator::Above(5), "6", "5"),
            ("below", Operator::Below(5), "-6", "x"),
            ("is", Operator::Is(5), " 5 ", "55"),
            ("longer", Operator::LongerThan(2), "abc", "ab"),
            (
                "bytes",
                Operator::BytesOutside(vec![(b'a', b'z')]),
                "aB",
                "ab",
            ),
            (
                "address",
                Operator::AddressIn(networks),
                "10.1.2.3",
                "11.1.2.3",
            ),
            ("present", Operator::Present, "", "none"),
        ];
        for (name, operator, yes, no) in cases {
            assert!(operator.holds(yes.as_bytes()), "{name}");
            assert_eq!(operator.holds(no.as_bytes()), name == "present", "{name}");
        }
        assert!(Operator::NotUtf8.holds(b"\xFF"));
        assert!(Operator::regex("(").is_err());
        assert!(Operator::regex("(?:a{500}){500}{500}").is_err());
    }

    /// ASVS 5.0 1.3.12. On any of these an engine that goes back would not be done in this life.
    #[test]
    fn expressions_that_go_on_for_ever_elsewhere_come_to_an_end() {
        let many = "a".repeat(100_000);
        for (pattern, value) in [
            ("^(a+)+$", format!("{many}!")),
            ("^(a|a)*$", format!("{many}!")),
            ("^(a|aa)+$", format!("{many}!")),
            ("^(.*a){12}$", format!("{many}!")),
            ("^([a-zA-Z]+)*$", format!("{many}!")),
            (r"^(([a-z])+\.)+[A-Z]([a-z])+$", format!("{many}!")),
            (r"^(\w+\s?)*$", format!("{many}!")),
            (
                r"^(a?){100}a{100}$",
                many.get(..99).unwrap_or_default().to_owned(),
            ),
            ("(x+x+)+y", "x".repeat(100_000)),
        ] {
            let operator = Operator::regex(pattern).unwrap();
            assert!(!operator.holds(value.as_bytes()), "{pattern}");
        }
        // What cannot be done in linear time is no pattern at all.
        for goes_back in [r"(a)\1", "(?=a)b", "(?!a)b", "(?<=a)b", "(?>a+)b"] {
            assert!(Operator::regex(goes_back).is_err(), "{goes_back}");
        }
    }
}
