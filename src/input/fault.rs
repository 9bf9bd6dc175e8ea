use crate::guard::FieldError;
use std::borrow::Cow;
use std::fmt;

/// What is wrong with one value that a client sent: a stable code for programs, and how to mend
/// it for people. It must not repeat the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
}

impl Fault {
    /// A fault with this code, in `snake_case`, and this message.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// How to mend it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The fault of the field at this JSON pointer (RFC 6901).
    #[must_use]
    pub fn at(self, pointer: impl Into<Cow<'static, str>>) -> FieldError {
        FieldError::new(pointer, self.code, self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

macro_rules! from_errors {
    ($($(#[$cfg:meta])? $error:path;)+) => {
        $(
            $(#[$cfg])?
            impl From<$error> for Fault {
                fn from(error: $error) -> Self {
                    Self::new(error.code(), error.to_string())
                }
            }
        )+
    };
}

from_errors! {
    super::file_name::FileNameError;
    #[cfg(feature = "sanitize")]
    super::html::HtmlError;
    #[cfg(any(feature = "sanitize", feature = "validate"))]
    super::text::TextError;
    #[cfg(feature = "validate")]
    crate::net::url_policy::UrlError;
}
