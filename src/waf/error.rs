use std::fmt;
use std::path::{Path, PathBuf};

/// Why a ruleset, a policy or a rule cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct WafError(Box<Kind>);

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Pattern {
        pattern: String,
        reason: String,
    },
    UnknownRule(String),
    UnknownTag(String),
    DuplicateRule(String),
    Level(u8),
    Conditions {
        rule: String,
        count: usize,
    },
    Test {
        rule: String,
        request: String,
        matched: bool,
    },
    Route(String),
    UnknownRoute {
        route: String,
        known: Vec<String>,
    },
    FieldName,
    NothingExcluded(String),
    Covered(String),
    FieldTwice(String),
    Id(String),
    NegatedAttack(String),
    Text(String),
    Line {
        line: usize,
        error: WafError,
    },
    File {
        path: PathBuf,
        error: WafError,
    },
}

impl WafError {
    pub(super) fn pattern(pattern: &str, reason: &str) -> Self {
        Self(Box::new(Kind::Pattern {
            pattern: pattern.to_owned(),
            reason: reason.to_owned(),
        }))
    }

    pub(super) fn unknown_rule(id: &str) -> Self {
        Self(Box::new(Kind::UnknownRule(id.to_owned())))
    }

    pub(super) fn unknown_tag(tag: &str) -> Self {
        Self(Box::new(Kind::UnknownTag(tag.to_owned())))
    }

    pub(super) fn duplicate_rule(id: &str) -> Self {
        Self(Box::new(Kind::DuplicateRule(id.to_owned())))
    }

    pub(super) fn level(level: u8) -> Self {
        Self(Box::new(Kind::Level(level)))
    }

    pub(super) fn conditions(rule: &str, count: usize) -> Self {
        Self(Box::new(Kind::Conditions {
            rule: rule.to_owned(),
            count,
        }))
    }

    pub(super) fn test(rule: &str, request: String, matched: bool) -> Self {
        Self(Box::new(Kind::Test {
            rule: rule.to_owned(),
            request,
            matched,
        }))
    }

    pub(super) fn route(route: &str) -> Self {
        Self(Box::new(Kind::Route(route.to_owned())))
    }

    pub(super) fn unknown_route(route: &str, known: Vec<String>) -> Self {
        Self(Box::new(Kind::UnknownRoute {
            route: route.to_owned(),
            known,
        }))
    }

    pub(super) fn field_name() -> Self {
        Self(Box::new(Kind::FieldName))
    }

    pub(super) fn nothing_excluded(exclusion: String) -> Self {
        Self(Box::new(Kind::NothingExcluded(exclusion)))
    }

    pub(super) fn covered(exclusion: String) -> Self {
        Self(Box::new(Kind::Covered(exclusion)))
    }

    pub(super) fn field_twice(field: String) -> Self {
        Self(Box::new(Kind::FieldTwice(field)))
    }

    pub(super) fn id(id: &str) -> Self {
        Self(Box::new(Kind::Id(id.to_owned())))
    }

    pub(super) fn negated_attack(rule: &str) -> Self {
        Self(Box::new(Kind::NegatedAttack(rule.to_owned())))
    }

    pub(super) fn text(wrong: String) -> Self {
        Self(Box::new(Kind::Text(wrong)))
    }

    pub(super) fn in_line(line: usize, error: Self) -> Self {
        Self(Box::new(Kind::Line { line, error }))
    }

    pub(super) fn file(path: &Path, error: Self) -> Self {
        let path = path.to_owned();
        Self(Box::new(Kind::File { path, error }))
    }

    /// The line of a text of rules where the fault is, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match &*self.0 {
            Kind::Line { line, .. } => Some(*line),
            Kind::File { error, .. } => error.line(),
            _ => None,
        }
    }

    /// Whether a rule, tag or route is named that does not exist: an exclusion or a switch
    /// that would do nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match &*self.0 {
            Kind::UnknownRule(_)
            | Kind::UnknownTag(_)
            | Kind::UnknownRoute { .. }
            | Kind::NothingExcluded(_) => true,
            Kind::Line { error, .. } | Kind::File { error, .. } => error.is_unknown(),
            _ => false,
        }
    }
}

impl fmt::Display for WafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Pattern { pattern, reason } => {
                write!(f, "the pattern {pattern:?} cannot be used: {reason}")
            }
            Kind::UnknownRule(id) => write!(
                f,
                "there is no rule {id:?} in this ruleset; `Ruleset::rules` lists them"
            ),
            Kind::UnknownTag(tag) => write!(f, "no rule of this ruleset has the tag {tag:?}"),
            Kind::DuplicateRule(id) => write!(
                f,
                "there is a rule {id:?} already; give the new one another id"
            ),
            Kind::Level(level) => write!(f, "there is no level {level}; use 1, 2 or 3"),
            Kind::Conditions { rule, count } => write!(
                f,
                "the rule {rule:?} has {count} conditions; give it 1 to 64"
            ),
            Kind::Test {
                rule,
                request,
                matched,
            } => {
                let (did, should) = if *matched {
                    ("matches", "must not")
                } else {
                    ("does not match", "must")
                };
                write!(f, "the rule {rule:?} {did} `{request}`, which it {should}")
            }
            Kind::Route(route) => write!(
                f,
                "{route:?} is no route; write `/notes/{{id}}` or `/files/*`, from the first slash on"
            ),
            Kind::UnknownRoute { route, known } => write!(
                f,
                "there is no route {route:?}; the routes are {}",
                known.join(", ")
            ),
            Kind::FieldName => write!(f, "a field needs a name"),
            Kind::NothingExcluded(exclusion) => write!(
                f,
                "{exclusion} would exclude nothing; no rule that is switched on matches it"
            ),
            Kind::Covered(exclusion) => {
                write!(f, "{exclusion} is covered by another one; remove it")
            }
            Kind::FieldTwice(field) => write!(f, "{field} has two kinds; give it one"),
            Kind::Id(id) => write!(
                f,
                "{id:?} is no id; write 1 to 64 ASCII letters, digits and -_.:/"
            ),
            Kind::NegatedAttack(rule) => write!(
                f,
                "the rule {rule:?} asks that there be no attack, which is not known before the \
                 end; ask for what there is"
            ),
            Kind::Text(wrong) => f.write_str(wrong),
            Kind::Line { line, error } => write!(f, "line {line}: {error}"),
            Kind::File { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for WafError {}
