use super::access::Access;
use crate::random::{ForkGuard, Random};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Leave it alone, and fail.
    #[default]
    Refuse,
    /// Replace it, all at once, by a file that is its owner's alone. A symbolic link is
    /// replaced, and what it points to is not. What is no regular file is left alone, and so
    /// are links to it.
    Replace,
}

/// A file that appears under its name when it is whole, and not before.
///
/// Until then it lies beside it under a random name, for its owner alone (mode 0600 on Unix).
/// What is dropped without [`commit`](Self::commit), as when opening a sealed file fails, is
/// removed; a process that is killed leaves it under the random name.
///
/// ```
/// use portcullis::crypto::file::{Existing, NewFile};
/// use std::io::Write;
///
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.txt");
/// let mut file = NewFile::create(&path, Existing::Refuse)?;
/// file.write_all(b"all of it")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"all of it");
///
/// let error = NewFile::create(&path, Existing::Refuse).unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    existing: Existing,
    access: Option<Access>,
    forks: ForkGuard,
    is_gone: bool,
}

impl NewFile {
    /// Begins a file that is to appear at `path`.
    ///
    /// # Errors
    /// When there is a file, and it is to be left alone; when there is something else, as a
    /// folder or a device; when `path` ends in no name; and those of creating a file.
    pub fn create(path: impl AsRef<Path>, existing: Existing) -> io::Result<Self> {
        let path = path.as_ref();
        if path.file_name().is_none() {
            return Err(no_file(path, "names no file"));
        }
        if let Ok(there) = fs::symlink_metadata(path) {
            // `commit` looks again, and for certain. This saves the work.
            if existing == Existing::Refuse {
                return Err(there_already(path));
            }
            // Renaming would put a file in the place of `/dev/null` or of `/dev/stdout`.
            let at_the_end = fs::metadata(path).unwrap_or(there);
            if !at_the_end.is_file() && !at_the_end.is_symlink() {
                return Err(no_file(path, "is no regular file, and is not replaced"));
            }
        }
        let number = u64::from_ne_bytes(Random::secure().bytes());
        let temporary = path.with_file_name(format!(".{number:016x}.part"));
        Ok(Self {
            file: private(&temporary)?,
            temporary,
            path: path.to_owned(),
            existing,
            access: None,
            forks: ForkGuard::new(),
            is_gone: false,
        })
    }

    /// Who is to do what with the file when it appears.
    pub(super) fn with_access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    #[cfg(unix)]
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Writes all to the disk, and has the file appear under its name.
    ///
    /// # Errors
    /// Those of the file system, and when a file has come there meanwhile that is to be left
    /// alone. There is then no new file.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(access) = self.access.take() {
            access.give_to(&self.file)?;
        }
        self.file.sync_all()?;
        match self.existing {
            Existing::Replace => {
                fs::rename(&self.temporary, &self.path)?;
                self.is_gone = true;
            }
            Existing::Refuse => self.appear()?,
        }
        sync_folder(&self.path)
    }

    /// Gives the file its name, if it is free.
    fn appear(&mut self) -> io::Result<()> {
        match fs::hard_link(&self.temporary, &self.path) {
            // Dropping removes the random name.
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(there_already(&self.path));
            }
            // There are file systems without links.
            Err(_) => drop(private(&self.path)?),
        }
        let renamed = fs::rename(&self.temporary, &self.path);
        match renamed {
            Ok(()) => self.is_gone = true,
            Err(_) => fs::remove_file(&self.path)?,
        }
        renamed
    }
}

fn there_already(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{} is there already", path.display()),
    )
}

fn no_file(path: &Path, why: &str) -> io::Error {
    let text = format!("{} {why}", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Creates a file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes the folder's entries to the disk, so that the name outlives a crash as well.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.file.write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // A child made by `fork(2)` has only a copy.
        if !self.is_gone && !self.forks.forked() {
            // Nobody is left to tell.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
