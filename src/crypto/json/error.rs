use thiserror::Error;

/// Why a text is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It does not follow the grammar of RFC 8259, or something follows the value.
    #[error("the text is not JSON (RFC 8259)")]
    Syntax,
    /// It is not an object.
    #[error("the text is JSON, but not an object")]
    NotAnObject,
    /// An object has two members of one name.
    #[error("an object has two members of the same name")]
    DuplicateMember,
    /// A string has half of a surrogate pair.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// A number is beyond what a double can hold.
    #[error("a number is out of range")]
    NumberOutOfRange,
    /// The text nests deeper, or has more members, than is ever needed.
    #[error("the text is nested too deeply or has too many members")]
    TooComplex,
}

impl JsonError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "json_syntax",
            Self::NotAnObject => "json_not_an_object",
            Self::DuplicateMember => "json_duplicate_member",
            Self::LoneSurrogate => "json_lone_surrogate",
            Self::NumberOutOfRange => "json_number_out_of_range",
            Self::TooComplex => "json_too_complex",
        }
    }
}
