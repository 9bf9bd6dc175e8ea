use thiserror::Error;

/// Why there is no cipher for a column.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldError {
    /// What is named, and how long the name is.
    #[error("the name of the {0} has {1} bytes; 1 to 255 are allowed")]
    Name(&'static str, usize),
    /// Padding to blocks of no bytes.
    #[error("the padding is to blocks of 0 bytes; use Padding::None for no padding")]
    NoBlock,
}

/// The text is not that of a sealed value: `pc1.` and base64url without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the text of a sealed value is \"pc1.\" and base64url without padding")]
pub struct InvalidText(pub(super) ());
