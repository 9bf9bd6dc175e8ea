//! Names of files that clients choose, against writing outside a folder, running what is
//! stored, and showing another name than the one that is there.
//!
//! A [`FileName`] is one segment of a path and no more. What comes is brought into Unicode
//! Normalization Form C, and then:
//!
//! 1. It has 1 to 255 bytes, and is neither `.` nor `..`.
//! 2. No separator of paths (`/`, `\`, or what looks like one), no NUL, and none of these as
//!    percent-encoding, once or twice.
//! 3. No control characters, no characters that are not seen or turn the direction of text.
//! 4. None of `< > : " | ? * ; & $` and the backtick, which Windows, shells, servers and HTML
//!    read as more than a name. No space, dot, hyphen or tilde at the start; no space or dot
//!    at the end, which Windows drops (`a.php.` becomes `a.php`).
//! 5. No name of a device (`NUL`, `com1.txt`), and no name that a web server reads as its
//!    settings (`.htaccess`, `web.config`).
//! 6. An extension is of ASCII letters and digits. None that a server runs stands before it:
//!    some servers run `a.php.jpg`.
//!
//! Whether the last extension is one to take is the business of who takes the file: a list of
//! those allowed, as `input::upload` has one. [`FileName::is_active`] says which are never
//! harmless.
//!
//! ```
//! use portcullis::input::file_name::{FileName, FileNameError};
//!
//! let name = FileName::parse("cafe\u{301} menu (1).png")?;
//! assert_eq!(name.as_str(), "café menu (1).png");
//! assert_eq!(name.extension(), Some("png"));
//!
//! let refused = FileName::parse("../../etc/passwd");
//! assert_eq!(refused, Err(FileNameError::Separator));
//! assert_eq!(FileName::repair("../../etc/passwd")?.as_str(), "passwd");
//! # Ok::<(), FileNameError>(())
//! ```
//!
//! The safest name for what is stored is one that the server makes; keep the client's as data.
//!
//! ASVS 5.0: 5.3.2 (names that clients choose), 5.2.2 (extensions).

mod error;
mod extension;
mod name;

pub use error::FileNameError;
pub use name::FileName;
