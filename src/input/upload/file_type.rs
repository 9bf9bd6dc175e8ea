use std::fmt;

/// Each variant with its media type, extensions, and the other names it goes by.
macro_rules! types {
    ($($(#[$doc:meta])+ $variant:ident = $mime:literal, [$($extension:literal),+], [$($alias:literal),*];)+) => {
        /// A type of file that can be told from its content and checked to its end.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FileType {
            $($(#[$doc])+ $variant,)+
        }

        impl FileType {
            /// Every type there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The media type to store and serve it under.
            #[must_use]
            pub const fn media_type(self) -> &'static str {
                match self { $(Self::$variant => $mime,)+ }
            }

            /// The extensions it may have, the usual one first, without a dot.
            #[must_use]
            pub const fn extensions(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($extension),+],)+ }
            }

            /// Other media types that clients declare it as.
            const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alias),*],)+ }
            }
        }
    };
}

types! {
    /// A JPEG image.
    Jpeg = "image/jpeg", ["jpg", "jpeg", "jpe", "jfif"], ["image/jpg", "image/pjpeg"];
    /// A PNG image, animated or not.
    Png = "image/png", ["png", "apng"], ["image/apng", "image/x-png"];
    /// A GIF image.
    Gif = "image/gif", ["gif"], [];
    /// A WebP image.
    Webp = "image/webp", ["webp"], [];
    /// A Windows bitmap.
    Bmp = "image/bmp", ["bmp", "dib"], ["image/x-bmp", "image/x-ms-bmp"];
    /// A TIFF image.
    Tiff = "image/tiff", ["tif", "tiff"], [];
    /// An AVIF image.
    Avif = "image/avif", ["avif"], [];
    /// An SVG image: a program of sorts, so no set of types has it by itself.
    Svg = "image/svg+xml", ["svg"], [];
    /// A PDF document.
    Pdf = "application/pdf", ["pdf"], ["application/x-pdf"];
    /// A Word document without macros.
    Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ["docx"], [];
    /// An Excel workbook without macros.
    Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ["xlsx"], [];
    /// A PowerPoint presentation without macros.
    Pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation", ["pptx"], [];
    /// A ZIP archive that is nothing more special.
    Zip = "application/zip", ["zip"], ["application/x-zip-compressed"];
    /// One file, compressed by gzip.
    Gzip = "application/gzip", ["gz"], ["application/x-gzip"];
    /// An MP4 video.
    Mp4 = "video/mp4", ["mp4", "m4v"], ["video/x-m4v"];
    /// A WAVE sound.
    Wav = "audio/wav", ["wav"], ["audio/wave", "audio/x-wav", "audio/vnd.wave"];
    /// Plain text in UTF-8.
    Text = "text/plain", ["txt"], [];
    /// A table of comma-separated values in UTF-8. Browsers on Windows declare what the
    /// registry says, which Excel has changed.
    Csv = "text/csv", ["csv"], ["application/csv", "application/vnd.ms-excel"];
    /// A JSON document.
    Json = "application/json", ["json"], ["text/json"];
}

impl FileType {
    /// The raster images.
    pub const IMAGES: &[Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Bmp,
        Self::Tiff,
        Self::Avif,
    ];
    /// The documents: PDF, Office, text and data.
    pub const DOCUMENTS: &[Self] = &[
        Self::Pdf,
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Text,
        Self::Csv,
        Self::Json,
    ];
    /// Sound and video.
    pub const MEDIA: &[Self] = &[Self::Mp4, Self::Wav];
    /// Archives and compressed files.
    pub const ARCHIVES: &[Self] = &[Self::Zip, Self::Gzip];

    /// The type that has this extension, in any case.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| {
            let mut known = kind.extensions().iter();
            known.any(|known| known.eq_ignore_ascii_case(extension))
        })
    }

    /// Whether a client that declares this media type, in any case and without parameters, may
    /// mean this type of file.
    #[must_use]
    pub fn is_declared_by(self, media_type: &str) -> bool {
        let is_named = |name: &str| name.eq_ignore_ascii_case(media_type);
        is_named(self.media_type()) || self.aliases().iter().any(|alias| is_named(alias))
    }

    /// Whether it is text, so that a charset may be declared.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Csv | Self::Json | Self::Svg)
    }

    /// What the first bytes of such a file look like: documents of Office are archives, and
    /// tables are text.
    pub(super) const fn family(self) -> Self {
        match self {
            Self::Docx | Self::Xlsx | Self::Pptx => Self::Zip,
            Self::Csv | Self::Json => Self::Text,
            other => other,
        }
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_extension_and_no_media_type_is_of_two_types() {
        for (at, one) in FileType::ALL.iter().enumerate() {
            for other in FileType::ALL.iter().skip(at + 1) {
                assert!(
                    one.extensions()
                        .iter()
                        .all(|name| !other.extensions().contains(name))
                );
                assert!(!other.is_declared_by(one.media_type()));
            }
        }
        assert_eq!(FileType::from_extension("JPeG"), Some(FileType::Jpeg));
        assert_eq!(FileType::from_extension("php"), None);
    }
}
