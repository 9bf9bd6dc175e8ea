//! Tables of TOML, read key by key. Whatever is wrong is an error that names its line.

use crate::waf::WafError;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table, and which of its keys somebody has asked for.
pub(super) struct Table<'t> {
    source: &'t str,
    keys: &'t DeTable<'t>,
    at: Range<usize>,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) const fn new(source: &'t str, keys: &'t DeTable<'t>, at: Range<usize>) -> Self {
        Self {
            source,
            keys,
            at,
            known: Vec::new(),
        }
    }

    /// What stands at this key, where it is there.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<Entry<'t>> {
        self.known.push(name);
        let mut keys = self.keys.iter();
        let (_, value) = keys.find(|(key, _)| key.get_ref() == name)?;
        Some(Entry {
            source: self.source,
            name,
            value,
        })
    }

    pub(super) fn required(&mut self, name: &'static str) -> Result<Entry<'t>, WafError> {
        let entry = self.optional(name);
        entry.ok_or_else(|| self.wrong(format!("there is no {name:?} here; add it")))
    }

    /// Every key with its text.
    pub(super) fn texts(&self) -> impl Iterator<Item = Result<(&'t str, &'t str), WafError>> {
        self.keys.iter().map(|(key, value)| {
            let entry = Entry {
                source: self.source,
                name: "the value",
                value,
            };
            Ok((&**key.get_ref(), entry.text()?))
        })
    }

    /// A key that nobody asked for is a misspelled one.
    pub(super) fn finish(self) -> Result<(), WafError> {
        let mut keys = self.keys.iter();
        match keys.find(|(key, _)| !self.known.contains(&&**key.get_ref())) {
            None => Ok(()),
            Some((key, _)) => {
                let (name, known) = (key.get_ref(), self.known.join(", "));
                let wrong = format!("there is no key {name:?} here; the keys are {known}");
                Err(at(self.source, &key.span(), WafError::text(wrong)))
            }
        }
    }

    /// An error about the table as a whole.
    pub(super) fn wrong(&self, what: String) -> WafError {
        self.caused_by(WafError::text(what))
    }

    pub(super) fn caused_by(&self, error: WafError) -> WafError {
        at(self.source, &self.at, error)
    }
}

/// What stands at a key.
#[derive(Clone, Copy)]
pub(super) struct Entry<'t> {
    source: &'t str,
    name: &'static str,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Entry<'t> {
    pub(super) fn text(&self) -> Result<&'t str, WafError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.is_no("a text")),
        }
    }

    /// A text that goes into events and logs: short, and of one line.
    pub(super) fn line(&self) -> Result<&'t str, WafError> {
        const MAX_LEN: usize = 200;
        let text = self.text()?;
        let wrong = if text.trim().is_empty() {
            "is empty; write something"
        } else if text.len() > MAX_LEN {
            "is longer than 200 bytes; say it shorter"
        } else if text.chars().any(char::is_control) {
            "holds a control character; leave it out"
        } else {
            return Ok(text);
        };
        Err(self.wrong(format!("{} {wrong}", self.name)))
    }

    pub(super) fn number<N: TryFrom<i64>>(&self) -> Result<N, WafError> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let number = number.and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| self.is_no("a whole number that fits"))
    }

    /// A key that is there or not: `true` is all it can be.
    pub(super) fn flag(&self) -> Result<(), WafError> {
        match self.value.get_ref() {
            DeValue::Boolean(true) => Ok(()),
            _ => Err(self.wrong(format!("write `{} = true`, or leave it out", self.name))),
        }
    }

    pub(super) fn table(&self) -> Result<Table<'t>, WafError> {
        match self.value.get_ref() {
            DeValue::Table(keys) => Ok(Table::new(self.source, keys, self.value.span())),
            _ => Err(self.is_no("a table")),
        }
    }

    /// The elements of a list; a single value is a list of one.
    pub(super) fn list(self) -> impl Iterator<Item = Self> {
        let values = match self.value.get_ref() {
            DeValue::Array(values) => values.iter().collect(),
            _ => vec![self.value],
        };
        values.into_iter().map(move |value| Self { value, ..self })
    }

    /// The two elements of a list of two.
    pub(super) fn pair(self) -> Result<[Self; 2], WafError> {
        let pair = <[Self; 2]>::try_from(self.list().collect::<Vec<_>>());
        pair.map_err(|_| self.is_no("a list of two"))
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    fn is_no(&self, what: &str) -> WafError {
        self.wrong(format!("{} is not {what}", self.name))
    }

    pub(super) fn wrong(&self, what: String) -> WafError {
        self.caused_by(WafError::text(what))
    }

    pub(super) fn caused_by(&self, error: WafError) -> WafError {
        at(self.source, &self.value.span(), error)
    }
}

/// This error, in the line where this stands.
pub(super) fn at(source: &str, span: &Range<usize>, error: WafError) -> WafError {
    let before = source.as_bytes().get(..span.start).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    WafError::in_line(line, error)
}
