use crate::guard::{Rejection, RejectionKind};
use std::borrow::Cow;
use std::fmt;

/// Each variant with its stable code and the kind of rejection it is answered with.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $code:literal, $answer:ident;)+) => {
        /// Why a file was refused, in broad terms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RefusalKind {
            $($(#[$doc])+ $variant,)+
        }

        impl RefusalKind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable code, `snake_case`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            const fn answer(self) -> RejectionKind {
                match self { $(Self::$variant => RejectionKind::$answer,)+ }
            }
        }
    };
}

kinds! {
    /// The name is one that does harm somewhere, or has no extension.
    Name = "upload_name", Invalid;
    /// The policy does not take this type.
    NotAllowed = "upload_type_not_allowed", UnsupportedMediaType;
    /// Content, extension and declared type do not agree.
    Mismatch = "upload_type_mismatch", UnsupportedMediaType;
    /// More bytes than the policy takes.
    TooLarge = "upload_too_large", PayloadTooLarge;
    /// More files or fields than the policy takes.
    TooMany = "upload_too_many", PayloadTooLarge;
    /// More pixels or frames than the policy takes.
    TooManyPixels = "upload_too_many_pixels", Invalid;
    /// It ends too early.
    Truncated = "upload_truncated", Invalid;
    /// It is not well formed.
    Malformed = "upload_malformed", Invalid;
    /// It is more than one thing: data after its end, or code where nobody looks.
    Polyglot = "upload_polyglot", Invalid;
    /// It does something when it is opened: scripts, actions, macros, outside references.
    Active = "upload_active_content", Invalid;
    /// It expands beyond the limits.
    Bomb = "upload_expands_too_far", Invalid;
    /// An entry of the archive is a trap: a path that escapes, a link, a duplicate.
    Entry = "upload_archive_entry", Invalid;
    /// It is encrypted, or packed in a way that cannot be looked into.
    Opaque = "upload_not_inspectable", Invalid;
    /// It has metadata that cannot be taken out without encoding it anew.
    Metadata = "upload_metadata", Invalid;
    /// A scanner found malware.
    Malware = "upload_malware", Invalid;
    /// A scanner could not be asked, and the policy is to refuse then.
    Unscanned = "upload_scanner_unavailable", Unavailable;
    /// The multipart body is not one.
    Multipart = "upload_multipart", Malformed;
}

/// Why a file was refused. The reason is for operators; the client learns the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    reason: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    /// Why, in broad terms.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The stable code, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Why exactly, for operators.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file was refused: {}", self.reason)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        use crate::event::EventKind;
        Self::new(refusal.kind.answer())
            .with_code(refusal.kind.code())
            .with_event(Some(EventKind::UploadValidation))
            .with_reason(refusal.reason)
    }
}

/// A refusal of each kind that structure checks give.
macro_rules! shorthands {
    ($($name:ident => $kind:ident),+) => {$(
        pub(super) fn $name(reason: impl Into<Cow<'static, str>>) -> Refusal {
            Refusal::new(RefusalKind::$kind, reason)
        }
    )+};
}
shorthands!(
    active => Active, bomb => Bomb, entry => Entry, malformed => Malformed,
    mismatch => Mismatch, opaque => Opaque, polyglot => Polyglot
);
