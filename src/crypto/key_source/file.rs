use super::{KeySource, KeySourceError, KeySourceFuture, sealed};
use crate::crypto::Stretch;
use crate::crypto::kek::Kek;
use crate::crypto::keyring::Keyring;
use crate::random::Random;
use crate::secret::SecretString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// The longest file: a keyring's longest text, sealed.
const MAX_LEN: usize = 1 << 17;

/// A keyring in a file that nobody but its owner may read: mode 0600 or 0400, and the owner is
/// the user that the service runs as, or root.
///
/// Its text lies there as [`Keyring::to_text`] gives it, or sealed. A file that is not sealed
/// although it should be is refused, so that nobody can put another keyring in its place.
/// Reading and deriving keys is done on a thread of its own.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    lock: Lock,
    stretch: Stretch,
    is_any_mode: bool,
}

#[derive(Clone, Debug)]
enum Lock {
    None,
    Passphrase(SecretString),
    Kek(Arc<dyn Kek>),
}

impl KeyFile {
    /// The file at this path, not sealed. On Kubernetes, mount the secret with `defaultMode:
    /// 0400`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            lock: Lock::None,
            stretch: Stretch::RFC_9106_LOW_MEMORY,
            is_any_mode: false,
        }
    }

    /// The file is sealed with a passphrase.
    ///
    /// The file says what Argon2id costs, and is held to the bounds of [`Stretch`] before
    /// anything is computed.
    #[must_use]
    pub fn sealed_with_passphrase(mut self, passphrase: impl Into<SecretString>) -> Self {
        self.lock = Lock::Passphrase(passphrase.into());
        self
    }

    /// The file is sealed under a key that this KEK wraps.
    #[must_use]
    pub fn sealed_with_kek(mut self, kek: impl Kek) -> Self {
        self.lock = Lock::Kek(Arc::new(kek));
        self
    }

    /// What it costs to try a passphrase on files that are written from now on.
    #[must_use]
    pub const fn stretch(mut self, stretch: Stretch) -> Self {
        self.stretch = stretch;
        self
    }

    /// Takes the file although others may read it, or write it and so choose the keys, and
    /// whoever owns it.
    #[must_use]
    pub const fn insecure_readable_by_others(mut self) -> Self {
        self.is_any_mode = true;
        self
    }

    /// Writes a keyring: into a new file beside the old one, which it then replaces, so that
    /// there is a whole file at every moment. The new file has the permissions of the old one,
    /// if that could be loaded with these, else 0600. A process that is killed meanwhile leaves
    /// it behind, as `NAME.` and 16 digits and `.new`.
    ///
    /// # Errors
    /// When it cannot be sealed or written. The file that was there is still there, unless only
    /// its folder could not be written to the disk in the end.
    pub async fn write(&self, ring: &Keyring) -> Result<(), KeySourceError> {
        let (file, ring) = (self.clone(), ring.clone());
        let text = match &self.lock {
            Lock::Kek(kek) => Some(sealed::seal_with_kek(&ring, &**kek).await?),
            Lock::None | Lock::Passphrase(_) => None,
        };
        on_a_thread(move || {
            let text = match (text, &file.lock) {
                (Some(text), _) => SecretString::from(text),
                (None, Lock::Passphrase(passphrase)) => {
                    sealed::seal_with_passphrase(&ring, passphrase, file.stretch)?.into()
                }
                (None, _) => ring.to_text(),
            };
            let written = file.replace(text.expose().as_bytes());
            written.map_err(|error| file.failed(error))
        })
        .await
    }

    /// Reads the file, and opens it with what is at hand.
    fn read_and_open(&self) -> Result<Keyring, KeySourceError> {
        let text = self.read()?;
        match &self.lock {
            Lock::Passphrase(passphrase) => sealed::open_with_passphrase(&text, passphrase),
            _ if sealed::is_sealed(&text) => Err(KeySourceError::Sealed),
            _ => Ok(Keyring::parse(&text)?),
        }
    }

    fn read(&self) -> Result<Zeroizing<String>, KeySourceError> {
        let file = open(&self.path).map_err(|error| self.failed(error))?;
        self.check(&file)?;
        // All at once: what moves leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_LEN + 1));
        let limit = MAX_LEN as u64 + 1;
        let read = file.take(limit).read_to_string(&mut text);
        read.map_err(|error| self.failed(error))?;
        if text.len() > MAX_LEN {
            return Err(KeySourceError::TooLong);
        }
        Ok(text)
    }

    /// Looks at the file that was opened, not at the path, which may be another by now.
    fn check(&self, file: &File) -> Result<(), KeySourceError> {
        let metadata = file.metadata().map_err(|error| self.failed(error))?;
        if !metadata.is_file() {
            return Err(KeySourceError::NotAFile(self.path.clone()));
        }
        if self.is_any_mode {
            return Ok(());
        }
        let path = || self.path.clone();
        let Some(access) = Access::of(&metadata) else {
            return Err(KeySourceError::PermissionsUnknown);
        };
        match access {
            Access { mode, .. } if mode & 0o077 != 0 => {
                Err(KeySourceError::Permissions { path: path(), mode })
            }
            Access { owner, .. } if !access.is_ours() => Err(KeySourceError::Owner {
                path: path(),
                owner,
            }),
            _ => Ok(()),
        }
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let new = Unfinished::beside(&self.path, self.mode_of_new())?;
        new.fill(bytes)?;
        fs::rename(&new.path, &self.path)?;
        // It is not ours any more, whatever comes.
        new.keep();
        sync_folder(&self.path)
    }

    fn mode_of_new(&self) -> u32 {
        let metadata = fs::metadata(&self.path).ok().filter(fs::Metadata::is_file);
        let mode = metadata.and_then(|metadata| Some(Access::of(&metadata)?.mode));
        mode.filter(|mode| self.is_any_mode || mode & 0o077 == 0)
            .unwrap_or(0o600)
    }

    fn failed(&self, error: io::Error) -> KeySourceError {
        KeySourceError::Io {
            path: self.path.clone(),
            error: Arc::new(error),
        }
    }
}

impl KeySource for KeyFile {
    fn load(&self) -> KeySourceFuture {
        let file = self.clone();
        Box::pin(async move {
            let Lock::Kek(kek) = &file.lock else {
                return on_a_thread(move || file.read_and_open()).await;
            };
            let kek = Arc::clone(kek);
            let text = on_a_thread(move || file.read()).await?;
            sealed::open_with_kek(&text, &*kek).await
        })
    }
}

/// Does what would hold up others who share the thread.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeySourceError> + Send + 'static,
) -> Result<T, KeySourceError> {
    let (reply, answer) = oneshot::channel();
    let work = move || {
        // Who asked may have left.
        let _unheard = reply.send(work());
    };
    let started = thread::Builder::new()
        .name("key-file".to_owned())
        .spawn(work);
    started.map_err(|_| KeySourceError::NoThread)?;
    answer.await.map_err(|_| KeySourceError::NoThread)?
}

/// A file under a name that nobody else uses, which goes when it is dropped unless it is kept.
struct Unfinished {
    path: PathBuf,
    file: File,
    mode: u32,
    is_kept: bool,
}

impl Unfinished {
    fn beside(path: &Path, mode: u32) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        let unique = u64::from_be_bytes(Random::secure().bytes());
        name.push(format!(".{unique:016x}.new"));
        let path = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self {
            file: options.open(&path)?,
            path,
            mode,
            is_kept: false,
        })
    }

    fn fill(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        // No longer what the file was made with only when all is written.
        #[cfg(unix)]
        self.file
            .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(self.mode))?;
        self.file.sync_all()
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_kept {
            // The error that is told is the one that left it unfinished.
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// Does not wait for who writes into it, should it be a pipe.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nonblocking());
    options.open(path)
}

#[cfg(unix)]
fn nonblocking() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

/// The new name of a file is durable when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Who can get at a file.
#[derive(Clone, Copy, Debug)]
struct Access {
    mode: u32,
    owner: u32,
}

impl Access {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        Some(Self {
            mode: metadata.permissions().mode() & 0o777,
            owner: metadata.uid(),
        })
    }

    #[cfg(not(unix))]
    fn of(_metadata: &fs::Metadata) -> Option<Self> {
        None
    }

    /// Root can reach everything anyway.
    #[cfg(unix)]
    fn is_ours(self) -> bool {
        self.owner == 0 || self.owner == rustix::process::geteuid().as_raw()
    }

    #[cfg(not(unix))]
    fn is_ours(self) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_ours_or_roots() {
        let ours = rustix::process::geteuid().as_raw();
        for (owner, is_ours) in [
            (ours, true),
            (0, true),
            (ours + 1, false),
            (u32::MAX, false),
        ] {
            let access = Access { mode: 0o600, owner };
            assert_eq!(access.is_ours(), is_ours, "{owner}");
        }
    }
}
