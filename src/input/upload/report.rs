use super::{Detected, FileType};
use crate::input::file_name::FileName;
use std::fmt;

/// What was taken out of a file, the graver last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cleaning {
    /// Metadata.
    Metadata,
    /// Metadata with code in it, which made the file more than an image.
    Code,
}

/// What is not refused, but for an operator to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// A table has cells that spreadsheets run.
    Formula,
    /// A text holds markup of web pages.
    Markup,
    /// The name has letters of several alphabets in one word, as look-alikes have.
    MixedScripts,
}

impl Flag {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Formula => "upload_formula",
            Self::Markup => "upload_markup",
            Self::MixedScripts => "upload_mixed_scripts",
        }
    }
}

/// A SHA-256 hash of a file, as it is to be stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub(super) [u8; 32]);

impl ContentHash {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// A file that was looked at to its end, and may be stored.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub(super) kind: FileType,
    pub(super) detected: Detected,
    pub(super) name: FileName,
    pub(super) is_renamed: bool,
    pub(super) is_declared: bool,
    pub(super) stored_name: String,
    pub(super) length: u64,
    pub(super) hash: ContentHash,
    pub(super) pixels: Option<(u32, u32)>,
    pub(super) cleaning: Option<Cleaning>,
    pub(super) flags: Vec<Flag>,
}

impl Accepted {
    /// What it is. Serve it under this type's media type, not under the declared one.
    #[must_use]
    pub const fn file_type(&self) -> FileType {
        self.kind
    }

    /// What its first bytes said.
    #[must_use]
    pub const fn detected(&self) -> Detected {
        self.detected
    }

    /// The name the client gave it, in Unicode Normalization Form C. Data: show it, offer it
    /// for download, but do not store under it.
    #[must_use]
    pub const fn original_name(&self) -> &FileName {
        &self.name
    }

    /// Whether the client gave the name in another normalization form.
    #[must_use]
    pub const fn is_name_normalized(&self) -> bool {
        self.is_renamed
    }

    /// Whether the client declared the type. `application/octet-stream` declares none.
    #[must_use]
    pub const fn is_type_declared(&self) -> bool {
        self.is_declared
    }

    /// The name to store it under: 128 random bits in hexadecimal digits, and the usual
    /// extension of its type.
    #[must_use]
    pub fn stored_name(&self) -> &str {
        &self.stored_name
    }

    /// How many bytes are to be stored.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The hash of what is to be stored.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Width and height of an image.
    #[must_use]
    pub const fn pixels(&self) -> Option<(u32, u32)> {
        self.pixels
    }

    /// What was taken out.
    #[must_use]
    pub const fn cleaning(&self) -> Option<Cleaning> {
        self.cleaning
    }

    /// What an operator should know.
    #[must_use]
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }
}
