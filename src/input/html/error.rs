use thiserror::Error;

/// Why HTML is not cleaned but refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum HtmlError {
    /// It has more bytes than the policy takes.
    #[error("the HTML has {bytes} bytes; the policy takes {limit}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Its elements are nested more deeply than the policy takes.
    #[error("the HTML has elements nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be nested.
        limit: usize,
    },
    /// It makes a parser work far harder than text of its size does.
    #[error("the HTML takes more work to parse than any that is meant to be read")]
    TooComplex,
}

impl HtmlError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "html_too_large",
            Self::TooDeep { .. } => "html_too_deep",
            Self::TooComplex => "html_too_complex",
        }
    }
}

/// A policy that would let through what no policy may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An element that runs, loads or submits something, changes how the rest is parsed, or is
    /// no element of HTML.
    #[error("the element {0:?} cannot be allowed: it is active, or changes how the rest is parsed")]
    Element(&'static str),
    /// An attribute that runs something, or by which markup takes the place of what scripts use.
    #[error(
        "the attribute {0:?} cannot be allowed: it is active, styles, or names things for scripts"
    )]
    Attribute(&'static str),
    /// A scheme whose URLs run something or bring their content along.
    #[error("the scheme {0:?} cannot be allowed: its URLs are active, or it is not in lower case")]
    Scheme(&'static str),
    /// An attribute of an element that is not allowed.
    #[error("there is an attribute of {0:?}, which the policy does not allow")]
    Orphan(&'static str),
    /// No depth, or one at which parsing gets slow.
    #[error("a depth of {0} is not within 1 to 512")]
    Depth(usize),
    /// No size, or one that takes long to parse.
    #[error("a size of {0} bytes is not within 1 to 1048576")]
    Size(usize),
}
