use super::{KeySource, KeySourceError, KeySourceFuture, sealed};
use crate::crypto::Stretch;
use crate::crypto::kek::Kek;
use crate::crypto::keyring::Keyring;
use crate::secret::SecretString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// The longest file: a keyring's longest text, sealed.
const LONGEST: usize = 1 << 17;

/// A keyring in a file that nobody but its owner may read: mode 0600 or 0400.
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

    /// Takes the file although others may read it, or write it and so choose the keys.
    #[must_use]
    pub const fn insecure_readable_by_others(mut self) -> Self {
        self.is_any_mode = true;
        self
    }

    /// Writes a keyring: into a new file of mode 0600 beside the old one, which it then
    /// replaces, so that there is a whole file at every moment.
    ///
    /// # Errors
    /// When it cannot be sealed or written. The file that was there is still there.
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
            let written = replace(&file.path, text.expose().as_bytes());
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
        let file = File::open(&self.path).map_err(|error| self.failed(error))?;
        self.check(&file)?;
        // All at once: what moves leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST + 1));
        let limit = LONGEST as u64 + 1;
        let read = file.take(limit).read_to_string(&mut text);
        read.map_err(|error| self.failed(error))?;
        if text.len() > LONGEST {
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
        match mode(&metadata) {
            None => Err(KeySourceError::PermissionsUnknown),
            Some(mode) if mode & 0o077 != 0 => Err(KeySourceError::Permissions {
                path: self.path.clone(),
                mode,
            }),
            Some(_) => Ok(()),
        }
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

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let done = write_new(&new, bytes).and_then(|()| fs::rename(&new, path));
    if done.is_err() {
        // What is left of it, if anything: the error that is told is the first one.
        let _gone = fs::remove_file(&new);
    }
    done?;
    sync_folder(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> Option<u32> {
    None
}
