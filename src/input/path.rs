//! Paths that clients choose, against leaving the folder they belong to.
//!
//! ```
//! use portcullis::input::path::{PathError, join_under};
//! use std::path::Path;
//!
//! let root = Path::new("/srv/files");
//! assert_eq!(join_under(root, "2026/report.pdf")?, Path::new("/srv/files/2026/report.pdf"));
//! assert!(join_under(root, "../../etc/passwd").is_err());
//! assert!(join_under(root, "/etc/passwd").is_err());
//! # Ok::<(), PathError>(())
//! ```
//!
//! ASVS 5.0: 5.3.2.

use super::file_name::{FileName, FileNameError};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The most segments that a path may have.
const MAX_SEGMENTS: usize = 32;

/// The most bytes that a path may have.
const MAX_BYTES: usize = 4096;

/// Why a path is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PathError {
    /// It has more bytes than 4096, or more segments than 32.
    #[error("the path is too long")]
    TooLong,
    /// A segment is not the name of a file: empty, `..`, hidden, or with characters that names
    /// do not have.
    #[error("a segment of the path is refused")]
    Segment(#[from] FileNameError),
    /// What is there lies elsewhere: a symbolic link leads out.
    #[error("the path leads out of its folder")]
    Outside,
    /// Nothing is there, or it cannot be looked at.
    #[error("the path cannot be followed")]
    Io(#[from] io::Error),
}

impl PathError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "path_too_long",
            Self::Segment(error) => error.code(),
            Self::Outside => "path_outside",
            Self::Io(_) => "path_not_found",
        }
    }
}

/// Joins a relative path to a folder. Its segments are separated by `/`, and each has to be a
/// [`FileName`]; so the path cannot be absolute, nor lead up.
///
/// Nothing is looked up: where others may make symbolic links below the folder, use
/// [`follow_under`].
///
/// # Errors
/// When a segment is not a name, or there are too many.
pub fn join_under(root: &Path, path: &str) -> Result<PathBuf, PathError> {
    if path.len() > MAX_BYTES || path.split('/').count() > MAX_SEGMENTS {
        return Err(PathError::TooLong);
    }
    let mut joined = root.to_path_buf();
    for segment in path.split('/') {
        joined.push(FileName::parse(segment)?.as_str());
    }
    Ok(joined)
}

/// Joins a relative path to a folder, follows the symbolic links on it, and gives where it
/// ends, which is below the folder.
///
/// Blocks, for it asks the file system. Who may change the folder while this runs may still
/// change where the path leads: links that untrusted users make need a folder of their own, or
/// `openat2` with `RESOLVE_BENEATH`.
///
/// # Errors
/// When a segment is not a name, when nothing is there, or when a link leads out.
pub fn follow_under(root: &Path, path: &str) -> Result<PathBuf, PathError> {
    let joined = join_under(root, path)?.canonicalize()?;
    if !joined.starts_with(root.canonicalize()?) {
        return Err(PathError::Outside);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths() {
        let root = Path::new("/srv/files");
        for (path, expected) in [
            ("a.txt", Ok("/srv/files/a.txt")),
            ("a/b c/d.txt", Ok("/srv/files/a/b c/d.txt")),
            ("cafe\u{301}/a.txt", Ok("/srv/files/café/a.txt")),
            ("", Err("file_name_empty")),
            ("/etc/passwd", Err("file_name_empty")),
            ("a//b", Err("file_name_empty")),
            ("a/", Err("file_name_empty")),
            ("..", Err("file_name_dots")),
            ("a/../../b", Err("file_name_dots")),
            ("./a", Err("file_name_dots")),
            ("..\\a", Err("file_name_separator")),
            ("C:/a", Err("file_name_character")),
            ("a/%2e%2e/b", Err("file_name_encoded")),
            ("a/\u{FF0E}\u{FF0E}/b", Err("file_name_character")),
            ("a\0b", Err("file_name_nul")),
            (".ssh/authorized_keys", Err("file_name_settings")),
            ("a/nul/b", Err("file_name_device")),
        ] {
            let found = join_under(root, path);
            let found = found.as_deref().map_err(PathError::code);
            assert_eq!(found, expected.map(Path::new), "{path:?}");
        }
        let deep = "a/".repeat(32) + "b";
        assert!(matches!(join_under(root, &deep), Err(PathError::TooLong)));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("inside")).unwrap();
        std::fs::write(root.join("inside/a.txt"), "a").unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("out")).unwrap();
        std::os::unix::fs::symlink("inside", root.join("in")).unwrap();
        let found = follow_under(&root, "in/a.txt").unwrap();
        assert_eq!(found, root.canonicalize().unwrap().join("inside/a.txt"));
        assert!(matches!(
            follow_under(&root, "out"),
            Err(PathError::Outside)
        ));
        assert!(matches!(follow_under(&root, "none"), Err(PathError::Io(_))));
    }

    proptest! {
        #[test]
        fn no_path_leads_up(path in "[a-c./\\\\% 25eE~:]{0,24}") {
            if let Ok(joined) = join_under(Path::new("/r"), &path) {
                prop_assert!(joined.starts_with("/r"));
                let depth = joined.components().count();
                prop_assert_eq!(depth, 2 + path.split('/').count());
                let is_plain = |it: std::path::Component<'_>| !matches!(it, std::path::Component::ParentDir);
                prop_assert!(joined.components().all(is_plain));
            }
        }
    }
}
