//! Files that clients send, against what is not what it says, does something when it is
//! opened, or breaks who opens it.
//!
//! An [`UploadPolicy`] says which [types](FileType) to take. A file is taken when
//!
//! 1. its name is a [`FileName`](crate::input::file_name::FileName) with an extension of such
//!    a type;
//! 2. the declared media type, the extension and the content agree. `application/octet-stream`
//!    and none declare nothing, and the content decides;
//! 3. its structure is whole, to its last byte: nothing is cut off, nothing follows, nothing
//!    stands where programs do not look but others do (archives behind images, code in
//!    comments, in tables, behind compressed data);
//! 4. it does nothing: no script, handler or outside reference in SVG; no action, script,
//!    embedded file or outside content in PDF, and no link but to pages and people; no macro,
//!    embedded object, program or loaded reference in Office documents, and no field or formula
//!    that runs or fetches;
//! 5. it stays within its limits: bytes, pixels, and for archives entries, ratio, expanded
//!    size, paths; no links, no duplicates, no encryption, no archives within; local headers
//!    and directory agree.
//!
//! Metadata of images (Exif, XMP, comments, text) is taken out on the way, without encoding
//! them anew: from JPEG, PNG, GIF and WebP. TIFF and AVIF images that have some are refused,
//! unless the policy [keeps](UploadPolicy::keep_image_metadata) it. In TIFF, whatever is not
//! known to say how the image looks is taken for metadata.
//!
//! ```
//! use portcullis::input::upload::{RefusalKind, UploadPolicy};
//!
//! let policy = UploadPolicy::images();
//! let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
//! let (accepted, content) = policy.check("dot.gif", Some("image/gif"), gif)?;
//! assert_eq!(content, gif);
//! assert!(accepted.stored_name().ends_with(".gif"));
//!
//! // The same image, and a script behind it.
//! let both = [&gif[..], b"<script>alert(document.domain)</script>"].concat();
//! let refusal = policy.check("dot.gif", Some("image/gif"), &both).unwrap_err();
//! assert_eq!(refusal.kind(), RefusalKind::Polyglot);
//! # Ok::<(), portcullis::input::upload::Refusal>(())
//! ```
//!
//! # Over HTTP
//!
//! [`UploadLayer`] stands in front of a handler that takes [`Uploads`]: the parts of a
//! multipart body, one after the other, as they come. [`Clamd`] has them scanned for malware.
//! [`download_headers`] are for the way back.
//!
//! # Memory and time
//!
//! Files are judged while they pass: memory is the piece at hand, twice, and 8 KiB; for
//! archives the list of their entries (about 1 kB each, 1,000 entries) and one list of parts
//! (1 MiB); for AVIF the description (1 MiB); for JPEG one segment (64 KiB); for PDF the places
//! in one object stream (800 kB). JSON and TIFF are held as a whole (16 MiB), and so is SVG
//! (4 MiB). Time is linear in what comes and in what it expands to.
//!
//! # What is not found
//!
//! Images are not decoded: pixels may hold anything, and a decoder may have bugs. Compressed
//! pixels and sound, and what stands behind them, are searched for `<?php` and the tags
//! `<script` and `<iframe`; the short `<?=` is in many a photo by chance. Malware in well-formed
//! files is for a scanner.
//!
//! ASVS 5.0: 5.2.1 to 5.2.3, 5.2.5, 5.2.6, 5.3.2, 5.4.1, 14.2.8.

mod clamd;
mod detect;
mod download;
mod feed;
mod file_type;
mod format;
mod inspection;
mod layer;
mod multipart;
mod policy;
mod refusal;
mod report;

pub use clamd::{Clamd, ClamdError, Scan, ScanVerdict};
pub use detect::{Detected, detect};
pub use download::{download_headers, inline_headers};
pub use file_type::FileType;
pub use inspection::Inspection;
pub use layer::UploadLayer;
pub use multipart::{Field, FilePart, Part, Uploads};
pub use policy::{ArchiveLimits, UploadPolicy};
pub use refusal::{Refusal, RefusalKind};
pub use report::{Accepted, Cleaning, ContentHash, Flag};
