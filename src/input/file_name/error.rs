use thiserror::Error;

/// Why a text is no [`FileName`](super::FileName).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// There is nothing, or nothing is left.
    #[error("the name is empty")]
    Empty,
    /// It has more bytes than file systems take.
    #[error("the name has more than 255 bytes")]
    TooLong,
    /// It is `.` or `..`.
    #[error("the name is that of the folder or of its parent")]
    Dots,
    /// It holds a separator of paths, or what looks like one.
    #[error("the name holds a separator of paths")]
    Separator,
    /// It holds a NUL, where C ends a text, as such or percent-encoded.
    #[error("the name holds a NUL")]
    Nul,
    /// It holds percent-encoding of what would be refused as such.
    #[error("the name holds percent-encoded characters that are not allowed in names")]
    Encoded,
    /// It holds a control character.
    #[error("the name holds a control character")]
    Control,
    /// It holds characters that are not seen, or that turn the direction of text.
    #[error("the name holds characters that are not seen")]
    Hidden,
    /// It holds a character that others read as more than a name.
    #[error("the name holds {0:?}, which is not allowed in names")]
    Character(char),
    /// It starts with a space, a dot, a hyphen or a tilde.
    #[error("the name starts with {0:?}")]
    Start(char),
    /// It ends with a space or a dot.
    #[error("the name ends with {0:?}, which some systems drop")]
    End(char),
    /// It is the name of a device on Windows.
    #[error("the name is that of a device")]
    Device,
    /// It is the name of a web server's settings.
    #[error("the name is that of a server's settings")]
    Settings,
    /// Its extension is not of ASCII letters and digits, of which it has 16 at most.
    #[error("the extension is not of ASCII letters and digits")]
    Extension,
    /// An extension that servers run stands before the last one.
    #[error("an extension that servers run stands before the last one")]
    DoubleExtension,
}

impl FileNameError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "file_name_empty",
            Self::TooLong => "file_name_too_long",
            Self::Dots => "file_name_dots",
            Self::Separator => "file_name_separator",
            Self::Nul => "file_name_nul",
            Self::Encoded => "file_name_encoded",
            Self::Control => "file_name_control",
            Self::Hidden => "file_name_hidden",
            Self::Character(_) => "file_name_character",
            Self::Start(_) => "file_name_start",
            Self::End(_) => "file_name_end",
            Self::Device => "file_name_device",
            Self::Settings => "file_name_settings",
            Self::Extension => "file_name_extension",
            Self::DoubleExtension => "file_name_double_extension",
        }
    }
}
