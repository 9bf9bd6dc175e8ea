use cedar_policy::ffi::DetailedError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why policies were not taken. Comes when they are loaded, never from a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is no Cedar.
    #[error("cannot read the policies: {0}")]
    Syntax(Problem),
    /// The schema is none, in Cedar's own format and in its JSON format.
    #[error("cannot read the schema: {0}")]
    Schema(Problem),
    /// The entities are not what they should be.
    #[error("cannot read the entities: {0}")]
    Entities(String),
    /// Policies do not fit the schema: they name what there is not, or compare what cannot be
    /// compared.
    #[error("{}", Problem::first_of(.0))]
    Invalid(Vec<Problem>),
    /// There is no schema to check the policies against.
    #[error("there is no schema; give one, or call `insecure_without_schema`")]
    NoSchema,
    /// The policies are about another application than the one that is to decide by them.
    #[error(
        "the policies were checked against {0}, not against the schema of the application; load them with `.schema(schema.to_string())` of the `AppSchema` that decides by them"
    )]
    OtherSchema(&'static str),
    /// A policy reads of the principal what only rows of its type have.
    #[error(
        "policy {policy:?} reads `principal.{attribute}`, which principals do not bring and only a row would say; declare it with `AppSchemaBuilder::principal`, or read it of `resource`"
    )]
    OnlyOfRows {
        /// The policy.
        policy: String,
        /// The attribute.
        attribute: String,
    },
    /// There are two schemas.
    #[error("there are two schemas, {0} and {1}; remove one")]
    TwoSchemas(String, String),
    /// The policies came from no folder that could be read again.
    #[error("the policies came from no folder; use `replace`")]
    NoFolder,
    /// There is no policy, which is more often a wrong path than a wish to refuse everything.
    #[error(
        "there is no policy in {0}; write one, `forbid(principal, action, resource);` where nobody may do anything"
    )]
    Empty(String),
    /// Two policies, templates or links have one name.
    #[error("{file}: {id:?} is there twice; give one of the two another `@id`")]
    DuplicateId {
        /// Where the second one is.
        file: String,
        /// The name.
        id: String,
    },
    /// An annotation cannot be understood.
    #[error("{file}: policy {policy:?}: {message}")]
    Annotation {
        /// The file.
        file: String,
        /// The policy.
        policy: String,
        /// What is wrong.
        message: String,
    },
    /// The schema cannot be made of the types of the application.
    #[error("cannot make a schema of the types: {0}")]
    AppSchema(String),
    /// A link to a template cannot be made.
    #[error("cannot link {id:?} to the template {template:?}: {message}")]
    Link {
        /// The name of the link.
        id: String,
        /// The template.
        template: String,
        /// What Cedar says.
        message: String,
    },
    /// The file of links is not what it should be.
    #[error("{file}: cannot read the links: {message}")]
    Links {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The text is too long.
    #[error("{name} brings the text to more than {most} bytes; load less of it")]
    TooLarge {
        /// The file that was too much.
        name: String,
        /// The longest text that is read, all files together.
        most: usize,
    },
    /// The schema is short to write and long to read.
    #[error(
        "{name}: the groups within groups and the types within types of the schema come to more than {most}; write it with fewer levels"
    )]
    SchemaTooLarge {
        /// The file.
        name: String,
        /// The most steps up in groups, and parts of types, that are read.
        most: usize,
    },
    /// There are too many policies.
    #[error("there are {count} policies and templates, {most} are the most; load less of them")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The text is nested too deep to be read without danger.
    #[error("{file}:{line}: {what} is nested deeper than {most}; write it as several policies")]
    TooDeep {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is nested.
        what: &'static str,
        /// How deep it may be.
        most: usize,
    },
    /// An expression has more levels than every thread could evaluate.
    #[error(
        "{file}: policy {policy:?} has more than {most} levels of operators, one below the other; write long lists as a set, `[...].contains(...)`, or as several policies"
    )]
    TooManyLevels {
        /// The file.
        file: String,
        /// The policy.
        policy: String,
        /// How many there may be.
        most: usize,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The reading came to no end.
    #[error("cannot read the policies: {0}")]
    Stopped(String),
    /// Cedar refused to put together what it had taken apart.
    #[error("cannot build the index: {0}")]
    Index(String),
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong; it names the policy where there is one.
    pub message: String,
    /// What to do, where Cedar knows.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(file: &str, text: &str, error: &DetailedError) -> Self {
        let start = error.source_locations.first().map(|label| label.loc.start);
        let label = error.source_locations.first();
        let label = label.and_then(|label| label.label.as_deref());
        Self {
            file: file.to_owned(),
            line: start.map(|start| line_of(text, start)),
            message: match label {
                Some(label) if !error.message.contains(label) => {
                    format!("{}: {label}", error.message)
                }
                _ => error.message.clone(),
            },
            help: error.help.clone(),
        }
    }

    fn first_of(problems: &[Self]) -> String {
        let first = problems.first().map(Self::to_string).unwrap_or_default();
        match problems.len() {
            0 | 1 => first,
            more => format!("{first} (and {} more)", more - 1),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte);
    1 + before.filter(|byte| *byte == b'\n').count()
}

/// An error with what caused it.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
