use super::Question;
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// What can come of a question.
const OUTCOMES: [&str; 8] = [
    "allow",
    "forbidden",
    "no_permission",
    "not_permitted",
    "policy_failed",
    "step_up",
    "unknown_obligation",
    "unknown_permission",
];

/// Questions, and what should come of each: a file of TOML.
///
/// ```toml
/// [[case]]
/// name = "members read what is their department's"
/// principal = { id = "ann", roles = ["member"], attributes = { department = "sales" } }
/// action = "documents:read"
/// resource = { type = "Document", id = "7", department = "sales" }
/// context = { time = "2026-11-23T10:00:00Z" }
/// expect = "allow"
/// reasons = ["same-department"]
/// ```
///
/// `expect` is a code of [`Outcome`](crate::authz::abac::Outcome). `reasons`, which may be left
/// out, are the ids of the policies that the outcome rests on, in any order. The rest is a
/// [`Question`].
#[derive(Clone, Debug)]
pub struct Cases(Vec<Case>);

/// A question, and what should come of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// What it is about, in a few words.
    pub name: String,
    /// The line it begins at, from 1.
    pub line: usize,
    /// The question.
    pub question: Question,
    /// The code of the outcome.
    pub expect: String,
    /// The policies that the outcome should rest on.
    pub reasons: Option<BTreeSet<String>>,
}

/// What a case says beside its question.
#[derive(Deserialize)]
struct Expected {
    name: String,
    expect: String,
    #[serde(default)]
    reasons: Option<BTreeSet<String>>,
}

impl Cases {
    /// The longest file, in bytes.
    pub const MAX_LEN: usize = 4 * 1024 * 1024;

    /// Reads cases.
    ///
    /// # Errors
    /// When the text is too long or no TOML, a key is missing, misspelled or not what it has to
    /// be, two cases have one name, or there is none: with the line.
    pub fn parse(text: &str) -> Result<Self, CasesError> {
        if text.len() > Self::MAX_LEN {
            let what = format!("longer than {} bytes; split it", Self::MAX_LEN);
            return Err(CasesError { line: 1, what });
        }
        let document = DeTable::parse(text).map_err(|error| {
            let what = format!("this is no TOML: {}", error.message().trim());
            CasesError::at(text, &error.span().unwrap_or_default(), what)
        })?;
        let mut cases = Vec::new();
        for (key, value) in document.get_ref() {
            let (DeValue::Array(tables), "case") = (value.get_ref(), &**key.get_ref()) else {
                let what = format!("{:?} is not expected here; write [[case]]", key.get_ref());
                return Err(CasesError::at(text, &key.span(), what));
            };
            for table in tables {
                let case = read(table.get_ref(), line(text, &table.span()));
                cases.push(case.map_err(|what| CasesError::at(text, &table.span(), what))?);
            }
        }
        check_names(&cases)?;
        Ok(Self(cases))
    }

    /// The cases, as they stand in the file.
    #[must_use]
    pub fn as_slice(&self) -> &[Case] {
        &self.0
    }
}

fn check_names(cases: &[Case]) -> Result<(), CasesError> {
    let mut names = BTreeSet::new();
    if let Some(again) = cases.iter().find(|case| !names.insert(&case.name)) {
        let what = format!("the name {:?} is there twice; change one", again.name);
        return Err(CasesError {
            line: again.line,
            what,
        });
    }
    match cases.is_empty() {
        true => {
            let what = "there is no case; write [[case]]".to_owned();
            Err(CasesError { line: 1, what })
        }
        false => Ok(()),
    }
}

fn read(case: &DeValue<'_>, line: usize) -> Result<Case, String> {
    let Value::Object(mut keys) = to_json(case)? else {
        return Err("a case is a table; write [[case]]".to_owned());
    };
    let mut expected = Map::new();
    for name in ["name", "expect", "reasons"] {
        expected.extend(keys.remove_entry(name));
    }
    let expected: Expected =
        serde_json::from_value(Value::Object(expected)).map_err(|error| error.to_string())?;
    if !OUTCOMES.contains(&&*expected.expect) {
        let (found, known) = (expected.expect, OUTCOMES.join(", "));
        return Err(format!(
            "there is no outcome {found:?}; the outcomes are {known}"
        ));
    }
    let question = serde_json::from_value(Value::Object(keys));
    Ok(Case {
        name: expected.name,
        line,
        question: question.map_err(|error| error.to_string())?,
        expect: expected.expect,
        reasons: expected.reasons,
    })
}

fn to_json(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            let parsed =
                parsed.map_err(|_| format!("{} is too large a number", number.as_str()))?;
            Value::Number(parsed.into())
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
            let parsed = parsed.ok_or_else(|| format!("{} is no number", number.as_str()))?;
            Value::Number(parsed)
        }
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(values) => {
            let values = values.iter().map(|value| to_json(value.get_ref()));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        DeValue::Table(keys) => {
            let entries = keys.iter().map(|(key, value)| {
                Ok::<_, String>((key.get_ref().to_string(), to_json(value.get_ref())?))
            });
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
    })
}

/// What is wrong with a file of cases, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasesError {
    line: usize,
    what: String,
}

impl CasesError {
    fn at(text: &str, span: &Range<usize>, what: String) -> Self {
        Self {
            line: line(text, span),
            what,
        }
    }

    /// The line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for CasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for CasesError {}

fn line(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::abac::{Cause, DenyKind};

    const GOOD: &str = r#"
[[case]]
name = "a"
principal = { id = "ann", attributes = { level = 3, admin = true, ratio = 0.5 } }
action = "documents:read"
resource = { type = "Document", id = "7", labels = ["x"] }
context = { time = 2026-11-23T10:00:00Z, ip = "192.0.2.1", mfa_age = 60, assurance = "aal2" }
expect = "allow"
reasons = ["p"]
"#;

    #[test]
    fn a_case_is_read_whole() {
        let cases = Cases::parse(GOOD).unwrap();
        let [case] = cases.as_slice() else {
            panic!("one case")
        };
        assert_eq!((&*case.name, case.line, &*case.expect), ("a", 2, "allow"));
        let attributes = Value::Object(case.question.principal.attributes.clone());
        let expected = serde_json::json!({"level": 3, "admin": true, "ratio": 0.5});
        assert_eq!(attributes, expected);
        assert_eq!(
            case.question.context.time.as_deref(),
            Some("2026-11-23T10:00:00Z")
        );
        let resource = case.question.resource.as_ref().unwrap();
        assert_eq!(
            (&*resource.type_name, resource.fields.len()),
            ("Document", 2)
        );
        assert_eq!(case.reasons.as_ref().map(BTreeSet::len), Some(1));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let changed = |from: &str, to: &str| GOOD.replacen(from, to, 1);
        for (name, text, line, expected) in [
            ("empty", String::new(), 1, "there is no case"),
            (
                "no TOML",
                changed("expect = ", "expect "),
                8,
                "this is no TOML",
            ),
            (
                "misspelled",
                changed("action", "acton"),
                2,
                "unknown field `acton`",
            ),
            (
                "nothing expected",
                changed("expect", "expects"),
                2,
                "missing field `expect`",
            ),
            (
                "no outcome",
                changed("\"allow\"", "\"alow\""),
                2,
                r#"there is no outcome "alow""#,
            ),
            (
                "no principal",
                changed("principal", "# "),
                2,
                "missing field `principal`",
            ),
            (
                "no address",
                changed("192.0.2.1", "x"),
                2,
                "invalid IP address",
            ),
            (
                "no number",
                changed("60", "-1"),
                2,
                "invalid value: integer `-1`",
            ),
            (
                "too large",
                changed("60", "99999999999999999999"),
                2,
                "too large a number",
            ),
            (
                "not a case",
                changed("[[case]]", "[[cases]]"),
                2,
                r#""cases" is not expected"#,
            ),
            (
                "not a list",
                changed("[[case]]", "[case]"),
                2,
                r#""case" is not expected"#,
            ),
            (
                "twice",
                GOOD.repeat(2),
                11,
                r#"the name "a" is there twice"#,
            ),
            ("too long", " ".repeat(Cases::MAX_LEN + 1), 1, "split it"),
        ] {
            let error = Cases::parse(&text).unwrap_err();
            assert!(error.to_string().contains(expected), "{name}: {error}");
            assert_eq!(error.line(), line, "{name}: {error}");
        }
    }

    #[test]
    fn every_outcome_can_be_expected() {
        let denials = DenyKind::ALL.iter().map(|kind| kind.code());
        let causes = Cause::ALL.iter().map(|cause| cause.code());
        let mut codes: Vec<_> = denials.chain(causes).chain(["allow", "step_up"]).collect();
        codes.sort_unstable();
        assert_eq!(codes, OUTCOMES);
    }
}
