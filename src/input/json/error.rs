use crate::guard::{FieldError, Rejection, RejectionKind};
use thiserror::Error;

/// Why JSON is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is no JSON from this byte on.
    #[error("what is at byte {0} is not JSON")]
    Malformed(usize),
    /// It has more bytes than this.
    #[error("the JSON has more than {0} bytes")]
    TooLarge(usize),
    /// It nests more deeply than this.
    #[error("the JSON nests more than {0} deep")]
    TooDeep(usize),
    /// It has more values than this.
    #[error("the JSON has more than {0} values")]
    TooMany(usize),
    /// A name has more bytes than this.
    #[error("a name in the JSON has more than {0} bytes")]
    LongName(usize),
    /// A number has more characters than this.
    #[error("a number in the JSON has more than {0} characters")]
    LongNumber(usize),
    /// An object has a name twice; here is its JSON pointer.
    #[error("the field {0} is there twice")]
    Duplicate(String),
    /// A field that is not one of the known ones; here is its JSON pointer.
    #[error("the field {0} is not known")]
    Unknown(String),
}

impl JsonError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "json_malformed",
            Self::TooLarge(_) => "json_too_large",
            Self::TooDeep(_) => "json_too_deep",
            Self::TooMany(_) => "json_too_many_values",
            Self::LongName(_) => "json_name_too_long",
            Self::LongNumber(_) => "json_number_too_long",
            Self::Duplicate(_) => "json_duplicate_field",
            Self::Unknown(_) => "json_unknown_field",
        }
    }
}

/// 422 that names the field, where it is about one; 413 for size, and 400 for the others.
impl From<JsonError> for Rejection {
    fn from(error: JsonError) -> Self {
        let (code, reason) = (error.code(), error.to_string());
        match error {
            JsonError::Duplicate(pointer) => {
                Self::invalid([FieldError::new(pointer, code, "name the field once")])
            }
            JsonError::Unknown(pointer) => {
                Self::invalid([FieldError::new(pointer, code, "leave out the field")])
            }
            JsonError::TooLarge(_) => Self::new(RejectionKind::PayloadTooLarge).with_code(code),
            _ => Self::new(RejectionKind::Malformed).with_code(code),
        }
        .with_reason(reason)
    }
}
