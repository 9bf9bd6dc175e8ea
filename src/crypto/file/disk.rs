use super::access::Access;
use super::{Existing, FileCrypt, NewFile};
use std::fs::{self, File};
use std::io;
use std::path::Path;

impl FileCrypt {
    /// Seals a file into another, and says how long its plaintext is. The other appears when
    /// it is whole, for its owner alone.
    ///
    /// ```
    /// use portcullis::crypto::file::{Existing, FileCrypt};
    /// use portcullis::crypto::keyring::Keyring;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let in_folder = |name| folder.path().join(name);
    /// let (plain, sealed, again) = (in_folder("a.txt"), in_folder("a.sealed"), in_folder("b.txt"));
    /// std::fs::write(&plain, "text")?;
    ///
    /// let files = FileCrypt::with_keyring(Keyring::generate());
    /// files.seal_file(&plain, &sealed, Existing::Refuse)?;
    /// assert_eq!(files.verify_file(&sealed)?, 4);
    ///
    /// let wrong = FileCrypt::with_keyring(Keyring::generate());
    /// assert!(wrong.open_file(&sealed, &again, Existing::Refuse).is_err());
    /// assert!(!again.exists());
    ///
    /// files.open_file(&sealed, &again, Existing::Refuse)?;
    /// assert_eq!(std::fs::read(&again)?, b"text");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the file system, and when the file's key cannot be made.
    pub fn seal_file(
        &self,
        plain: impl AsRef<Path>,
        sealed: impl AsRef<Path>,
        existing: Existing,
    ) -> io::Result<u64> {
        let plain = File::open(plain)?;
        self.seal_to(&plain, NewFile::create(sealed, existing)?)
    }

    /// Opens a sealed file into another, and says how long it is. The other appears when all
    /// of it was vouched for, for its owner alone.
    ///
    /// # Errors
    /// Those of the file system, and when the file is not what was sealed. There is then no
    /// other file, nor a part of one.
    pub fn open_file(
        &self,
        sealed: impl AsRef<Path>,
        plain: impl AsRef<Path>,
        existing: Existing,
    ) -> io::Result<u64> {
        let sealed = File::open(sealed)?;
        self.open_to(&sealed, NewFile::create(plain, existing)?)
    }

    /// Replaces a file by itself sealed, all at once, and says how long its plaintext is.
    ///
    /// Its permissions stay (but those to run as its owner or group), and its owner, group and,
    /// on Linux, access control list where the process may set them; where it may not, nobody
    /// gains by it. Its plaintext is not wiped from the disk, and stays under the file's other
    /// names (hard links).
    ///
    /// # Errors
    /// Those of the file system, when it is no regular file, and when the file's key cannot be
    /// made. The file is then as it was.
    pub fn seal_file_in_place(&self, path: impl AsRef<Path>) -> io::Result<u64> {
        let (plain, new) = replace(path.as_ref())?;
        self.seal_to(&plain, new)
    }

    /// Replaces a sealed file by itself opened, all at once, and says how long it is. Who may
    /// do what with it stays, as with [`seal_file_in_place`](Self::seal_file_in_place).
    ///
    /// # Errors
    /// Those of the file system, when it is no regular file, and when the file is not what was
    /// sealed. The file is then as it was.
    pub fn open_file_in_place(&self, path: impl AsRef<Path>) -> io::Result<u64> {
        let (sealed, new) = replace(path.as_ref())?;
        self.open_to(&sealed, new)
    }

    /// Reads a sealed file to its end, and says how long its plaintext is when all of it is
    /// what was sealed.
    ///
    /// # Errors
    /// Those of the file system, and when the file is not what was sealed.
    pub fn verify_file(&self, sealed: impl AsRef<Path>) -> io::Result<u64> {
        self.verify(File::open(sealed)?)
    }

    fn seal_to(&self, plain: &File, new: NewFile) -> io::Result<u64> {
        #[cfg(unix)]
        if self.is_worth_threads(plain)? {
            return self.seal_in_threads(plain, new);
        }
        let mut writer = self.sealing_writer(new)?;
        let length = writer.copy_from(plain)?;
        writer.finish()?.commit()?;
        Ok(length)
    }

    fn open_to(&self, sealed: &File, mut new: NewFile) -> io::Result<u64> {
        #[cfg(unix)]
        if self.is_worth_threads(sealed)? {
            return self.open_in_threads(sealed, new);
        }
        let length = self.opening_reader(sealed)?.copy_to(&mut new)?;
        new.commit()?;
        Ok(length)
    }
}

/// The file at the end of the links, and what is to replace it.
fn replace(path: &Path) -> io::Result<(File, NewFile)> {
    let path = fs::canonicalize(path)?;
    // Before it is opened: opening a pipe waits for whoever writes to it.
    let new = NewFile::create(&path, Existing::Replace)?;
    let old = File::open(&path)?;
    let access = Access::of(&old)?;
    Ok((old, new.with_access(access)))
}
