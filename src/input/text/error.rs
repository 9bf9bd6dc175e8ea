use thiserror::Error;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum TextError {
    /// It has fewer characters than this.
    #[error("use at least {0} characters")]
    TooShort(usize),
    /// It has more characters than this, as readers count or as Unicode does.
    #[error("use at most {0} characters")]
    TooLong(usize),
    /// It has more bytes than this in UTF-8.
    #[error("use at most {0} bytes")]
    TooManyBytes(usize),
    /// It holds a control character.
    #[error("leave out control characters")]
    Control,
    /// It holds a line break, and may not.
    #[error("write it on one line")]
    LineBreak,
    /// It holds a character that turns the direction of text.
    #[error("leave out characters that turn the direction of text")]
    Direction,
    /// It holds a character that cannot be seen.
    #[error("leave out characters that cannot be seen")]
    Invisible,
    /// It holds a character that Unicode has not assigned, or has left to private use.
    #[error("leave out characters that Unicode does not know")]
    Unassigned,
    /// It is not in Normalization Form C.
    #[error("write it in Unicode Normalization Form C")]
    NotNormalized,
    /// It starts or ends with white space.
    #[error("leave out white space at the start and at the end")]
    Surrounded,
    /// It is not an identifier.
    #[error("use letters, digits, dots, hyphens and underscores, and start with a letter")]
    NotIdentifier,
}

impl TextError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "text_too_short",
            Self::TooLong(_) => "text_too_long",
            Self::TooManyBytes(_) => "text_too_many_bytes",
            Self::Control => "text_control_character",
            Self::LineBreak => "text_line_break",
            Self::Direction => "text_direction",
            Self::Invisible => "text_invisible_character",
            Self::Unassigned => "text_unassigned_character",
            Self::NotNormalized => "text_not_normalized",
            Self::Surrounded => "text_surrounded_by_space",
            Self::NotIdentifier => "text_not_identifier",
        }
    }
}
