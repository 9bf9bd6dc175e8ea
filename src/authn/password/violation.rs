use crate::guard::FieldError;
use std::fmt;

/// What is wrong with a password that somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// It has fewer characters than this.
    TooShort(usize),
    /// It has more characters than this.
    TooLong(usize),
    /// It is one of those that guessers try first.
    Common,
    /// It was seen in a breach.
    Breached,
    /// It is, for the most part, the name of the service, of the user, or their address.
    ContextWord,
    /// It is, for the most part, a few characters or one short piece over and over.
    Repetitive,
    /// It is, for the most part, rows of the alphabet or the digits, or walks over a keyboard.
    Sequential,
    /// It holds a character that Unicode has not assigned yet, whose form may change.
    UnassignedCharacter,
}

impl Violation {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "password_too_short",
            Self::TooLong(_) => "password_too_long",
            Self::Common => "password_common",
            Self::Breached => "password_breached",
            Self::ContextWord => "password_context_word",
            Self::Repetitive => "password_repetitive",
            Self::Sequential => "password_sequential",
            Self::UnassignedCharacter => "password_unassigned_character",
        }
    }
}

/// How to mend it, for people.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort(least) => return write!(f, "use at least {least} characters"),
            Self::TooLong(most) => return write!(f, "use at most {most} characters"),
            Self::Common => "choose a password that is less common",
            Self::Breached => "choose a password that no data breach has made known",
            Self::ContextWord => "choose a password that is not about you or this service",
            Self::Repetitive => "choose a password that repeats itself less",
            Self::Sequential => "choose a password that is less of a sequence",
            Self::UnassignedCharacter => "leave out the characters that are not assigned yet",
        })
    }
}

/// All that is wrong with a password, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// `Ok` when there are none.
    pub(super) fn check(found: Vec<Violation>) -> Result<(), Self> {
        if found.is_empty() {
            return Ok(());
        }
        Err(Self(found))
    }

    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Violation> {
        self.0.iter().copied()
    }

    /// One field error for each, at this JSON pointer (RFC 6901), such as `/password`.
    pub fn at(&self, pointer: &'static str) -> impl Iterator<Item = FieldError> {
        self.iter()
            .map(move |one| FieldError::new(pointer, one.code(), one.to_string()))
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.iter().map(Violation::code).collect();
        write!(f, "the password is refused: {}", codes.join(", "))
    }
}

impl std::error::Error for Violations {}
