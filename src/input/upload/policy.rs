use super::{FileType, Inspection, Refusal};
use std::sync::Arc;

/// What an archive may expand to. Office documents are archives, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    pub(super) max_entries: usize,
    pub(super) max_ratio: u32,
    pub(super) max_expanded_bytes: u64,
    pub(super) max_depth: usize,
}

impl Default for ArchiveLimits {
    /// 1,000 entries, 100 to 1, 64 MiB, paths of 32 segments.
    fn default() -> Self {
        Self {
            max_entries: 1_000,
            max_ratio: 100,
            max_expanded_bytes: 64 << 20,
            max_depth: 32,
        }
    }
}

impl ArchiveLimits {
    /// The limits that are the default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes at most so many entries. About 1 kB of memory is held for each.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Takes at most so many bytes expanded for each byte of the file. What expands to less
    /// than 64 KiB is never too much.
    #[must_use]
    pub const fn max_ratio(mut self, ratio: u32) -> Self {
        self.max_ratio = ratio;
        self
    }

    /// Takes at most so many bytes expanded, in all.
    #[must_use]
    pub const fn max_expanded_bytes(mut self, bytes: u64) -> Self {
        self.max_expanded_bytes = bytes;
        self
    }

    /// Takes paths of at most so many segments.
    #[must_use]
    pub const fn max_depth(mut self, segments: usize) -> Self {
        self.max_depth = segments;
        self
    }
}

/// What structure checks need of a policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) expected: FileType,
    pub(super) strips: bool,
    pub(super) max_pixels: u64,
    pub(super) archive: ArchiveLimits,
}

/// Which files to take. Cheap to clone. See the [module](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct UploadPolicy(Arc<Settings>);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) types: Vec<FileType>,
    pub(super) max_bytes: u64,
    pub(super) max_files: usize,
    pub(super) max_fields: usize,
    pub(super) max_field_bytes: usize,
    pub(super) strips: bool,
    pub(super) max_pixels: u64,
    pub(super) archive: ArchiveLimits,
}

impl UploadPolicy {
    /// Takes files of these types: of at most 10 MiB each, ten and twenty fields a request,
    /// fields of at most 64 KiB, images of at most 50 megapixels and without metadata.
    pub fn new(types: impl IntoIterator<Item = FileType>) -> Self {
        Self(Arc::new(Settings {
            types: types.into_iter().collect(),
            max_bytes: 10 << 20,
            max_files: 10,
            max_fields: 20,
            max_field_bytes: 64 << 10,
            strips: true,
            max_pixels: 50_000_000,
            archive: ArchiveLimits::default(),
        }))
    }

    /// Takes [raster images](FileType::IMAGES).
    pub fn images() -> Self {
        Self::new(FileType::IMAGES.iter().copied())
    }

    /// Takes [documents](FileType::DOCUMENTS).
    pub fn documents() -> Self {
        Self::new(FileType::DOCUMENTS.iter().copied())
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Takes this type, too. SVG images have to draw and do nothing else, but remain documents
    /// that browsers run by themselves: serve them with
    /// [`download_headers`](super::download_headers).
    pub fn also(self, kind: FileType) -> Self {
        self.with(|settings| settings.types.push(kind))
    }

    /// Takes files of at most so many bytes.
    pub fn max_bytes(self, bytes: u64) -> Self {
        self.with(|settings| settings.max_bytes = bytes)
    }

    /// Takes at most so many files in one request.
    pub fn max_files(self, files: usize) -> Self {
        self.with(|settings| settings.max_files = files)
    }

    /// Takes at most so many other fields in one request, of at most so many bytes each.
    pub fn max_fields(self, fields: usize, bytes_each: usize) -> Self {
        self.with(|settings| {
            settings.max_fields = fields;
            settings.max_field_bytes = bytes_each;
        })
    }

    /// Takes images of at most so many pixels: width times height, as they are declared.
    pub fn max_pixels(self, pixels: u64) -> Self {
        self.with(|settings| settings.max_pixels = pixels)
    }

    /// Takes archives and Office documents within these limits.
    pub fn archive_limits(self, limits: ArchiveLimits) -> Self {
        self.with(|settings| settings.archive = limits)
    }

    /// Leaves Exif, XMP, comments and other metadata in images: places, devices and names of
    /// people among it. TIFF and AVIF images with metadata are refused without this.
    pub fn keep_image_metadata(self) -> Self {
        self.with(|settings| settings.strips = false)
    }

    /// Begins with a file: its name and its media type, as the client declares them.
    ///
    /// # Errors
    /// When the name is one to refuse, the policy does not take the type, or the two do not
    /// agree.
    pub fn begin(&self, name: &str, declared_type: Option<&str>) -> Result<Inspection, Refusal> {
        Inspection::new(self.clone(), name, declared_type)
    }

    /// Judges a file that is all there. What is to be stored is in the answer, for it may be
    /// less than what came.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(
        &self,
        name: &str,
        declared_type: Option<&str>,
        content: &[u8],
    ) -> Result<(super::Accepted, Vec<u8>), Refusal> {
        let mut kept = Vec::with_capacity(content.len());
        let mut inspection = self.begin(name, declared_type)?;
        inspection.push(content, &mut kept)?;
        let accepted = inspection.finish(&mut kept)?;
        Ok((accepted, kept))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0
    }
}
