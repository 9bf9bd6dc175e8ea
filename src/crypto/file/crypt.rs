use super::chunks::Chunks;
use super::header::{Header, check_wrapped};
use super::{ConfigError, FileError, FileKey, PasswordLimits, STREAM_HEADER, password};
use crate::crypto::aead::Backend;
use crate::crypto::keyring::{Key, LiveKeyring};
use crate::crypto::stretch::Stretch;
use crate::random::{ForkGuard, Random};
use crate::secret::SecretString;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// What the key of files is derived from a key of a ring for.
const KEY_INFO: &[u8] = b"portcullis/v1/file";

/// Seals and opens files, in one way, under one context. Cheap to clone.
///
/// See the [module](super) for what it does.
#[derive(Clone, Debug)]
pub struct FileCrypt {
    lock: Arc<Lock>,
    context: Arc<[u8]>,
    random: Random,
    pub(super) backend: Backend,
    pub(super) threads: NonZeroUsize,
}

#[derive(Debug)]
enum Lock {
    /// No container around the stream.
    Bare(FileKey),
    Keyring(LiveKeyring),
    Password {
        password: SecretString,
        stretch: Stretch,
        limits: PasswordLimits,
    },
    Wrapped {
        key: FileKey,
        wrapped: Vec<u8>,
    },
}

impl FileCrypt {
    /// Containers under the primary key of a keyring; those under its other keys are opened,
    /// as long as they may be.
    #[must_use]
    pub fn with_keyring(keyring: impl Into<LiveKeyring>) -> Self {
        Self::with_lock(Lock::Keyring(keyring.into()))
    }

    /// Containers under a password, from which a key is derived by Argon2id with 64 MiB and
    /// three passes. What others made is opened within the
    /// [default limits](PasswordLimits::default).
    ///
    /// The password is taken byte by byte: text that can be typed in two ways is two
    /// passwords.
    #[must_use]
    pub fn with_password(password: SecretString) -> Self {
        let limits = PasswordLimits::default();
        Self::with_password_at(password, Stretch::RFC_9106_LOW_MEMORY, limits)
    }

    /// Containers under a password, which cost this much to seal, and at most that much to
    /// open. What sealing costs is within the limits by itself.
    #[must_use]
    pub fn with_password_at(
        password: SecretString,
        stretch: Stretch,
        limits: PasswordLimits,
    ) -> Self {
        Self::with_lock(Lock::Password {
            password,
            stretch,
            limits,
        })
    }

    /// Containers under this key, which they carry along, wrapped by another one: that of a
    /// key management service, say.
    ///
    /// To seal, make a key, have it wrapped, and come here with both; one serves for as many
    /// files as you like. To open, [find](Self::wrapped_key) the wrapped key in the start of
    /// the file, have it unwrapped, and come here again.
    ///
    /// ```
    /// use portcullis::crypto::file::{FileCrypt, FileKey};
    /// # use portcullis::crypto::keyring::Keyring;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = FileCrypt::with_keyring(Keyring::generate());
    /// # let wrap = |key: &FileKey| service.seal(key.expose());
    /// # let unwrap = |wrapped: &[u8]| service.open(wrapped);
    /// let key = FileKey::generate();
    /// let wrapped = wrap(&key)?;
    /// let sealed = FileCrypt::with_wrapped_key(key, wrapped)?.seal(b"text")?;
    ///
    /// let wrapped = FileCrypt::wrapped_key(&sealed)?;
    /// let key = FileKey::from_bytes(unwrap(&wrapped)?.try_into().map_err(|_| "no key")?);
    /// let opened = FileCrypt::with_wrapped_key(key, wrapped)?.open(&sealed)?;
    /// assert_eq!(opened, b"text");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the wrapped key is empty or longer than 4096 bytes.
    pub fn with_wrapped_key(key: FileKey, wrapped: Vec<u8>) -> Result<Self, ConfigError> {
        check_wrapped(wrapped.len())?;
        Ok(Self::with_lock(Lock::Wrapped { key, wrapped }))
    }

    /// Finds the wrapped key in the start of a sealed file: its first 8 KiB, or all of it.
    ///
    /// # Errors
    /// When the file has none, or there is not enough of it.
    pub fn wrapped_key(start: &[u8]) -> Result<Vec<u8>, FileError> {
        let header = start.get(..Header::length(start)?);
        match Header::decode(header.ok_or(FileError::Truncated)?)? {
            Header::Wrapped(key) => Ok(key),
            other => Err(FileError::WrongLock {
                found: other.lock(),
                expected: "a wrapped key",
            }),
        }
    }

    /// Bare streams of Cobblestone-256, as other implementations read and write them.
    #[must_use]
    pub fn bare(key: FileKey) -> Self {
        Self::with_lock(Lock::Bare(key))
    }

    fn with_lock(lock: Lock) -> Self {
        Self {
            lock: Arc::new(lock),
            context: Arc::default(),
            random: Random::secure(),
            backend: Backend::default(),
            threads: NonZeroUsize::MIN,
        }
    }

    /// Binds files to what they are: a path, a tenant, a version. It is neither secret nor
    /// stored, and a file opens only under the context it was sealed under. None by default.
    #[must_use]
    pub fn context(mut self, context: impl AsRef<[u8]>) -> Self {
        self.context = context.as_ref().into();
        self
    }

    /// Sets where the randomness of files comes from; by default [`Random::secure`]. On hosts
    /// whose memory is copied, as by snapshots of virtual machines, [`Random::system`] has no
    /// two files begin alike.
    #[must_use]
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Sets the library that computes. It changes the speed and nothing else.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Sets how many threads work on one piece of memory, or on one file (on Unix), when it is
    /// large. One by default, and streams always have one.
    #[must_use]
    pub const fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Begins a file.
    pub(super) fn begin(&self) -> Result<Begun, FileError> {
        // Before the randomness: a fork between the two is noticed.
        let forks = ForkGuard::new();
        let (header, key) = match &*self.lock {
            Lock::Bare(key) => (Vec::new(), key.clone()),
            Lock::Keyring(keyring) => {
                let keyring = keyring.current();
                let key = keyring.primary();
                (Header::Key(key.id()).encode(), file_key(key)?)
            }
            Lock::Password {
                password, stretch, ..
            } => {
                let salt = self.random.bytes();
                let asked = (*stretch).into();
                let header = Header::Password { asked, salt };
                let key = password::derive(*stretch, password, &salt)?;
                (header.encode(), key)
            }
            Lock::Wrapped { key, wrapped } => {
                (Header::Wrapped(wrapped.clone()).encode(), key.clone())
            }
        };
        let context = [&*header, &*self.context];
        let (stream, chunks) = key.begin(self.backend, &self.random, &context);
        Ok(Begun {
            header: [&*header, &stream].concat(),
            chunks,
            forks,
        })
    }

    /// How much stands before the chunks of the file that begins with these bytes, or as much
    /// of it as they tell: see [`Header::length`].
    pub(super) fn length_before_chunks(&self, start: &[u8]) -> Result<usize, FileError> {
        let header = match *self.lock {
            Lock::Bare(_) => 0,
            _ => Header::length(start)?,
        };
        Ok(header + STREAM_HEADER)
    }

    /// What opens the chunks that stand behind these bytes. It may take a while: see
    /// [`Self::is_slow`].
    pub(super) fn unlock(&self, before_chunks: &[u8]) -> Result<Chunks, FileError> {
        let (header, stream) = before_chunks
            .split_last_chunk()
            .ok_or(FileError::Truncated)?;
        let key = self.key_of(header)?;
        key.resume(self.backend, stream, &[header, &self.context])
    }

    fn key_of(&self, header: &[u8]) -> Result<FileKey, FileError> {
        if let Lock::Bare(key) = &*self.lock {
            return Ok(key.clone());
        }
        match (&*self.lock, Header::decode(header)?) {
            (Lock::Keyring(keyring), Header::Key(id)) => {
                let keyring = keyring.current();
                file_key(keyring.key(id).ok_or(FileError::UnknownKey(id))?)
            }
            (
                Lock::Password {
                    password,
                    stretch: ours,
                    limits,
                },
                Header::Password { asked, salt },
            ) => {
                let is_ours = asked == (*ours).into();
                let stretch = if is_ours { *ours } else { limits.check(asked)? };
                password::derive(stretch, password, &salt)
            }
            (Lock::Wrapped { key, wrapped }, Header::Wrapped(found)) => {
                let is_it = *wrapped == found;
                is_it.then(|| key.clone()).ok_or(FileError::WrongKey)
            }
            (_, header) => Err(FileError::WrongLock {
                found: header.lock(),
                expected: self.lock.name(),
            }),
        }
    }

    /// Whether finding a key takes long enough that no task should wait for it.
    pub(super) fn is_slow(&self) -> bool {
        matches!(*self.lock, Lock::Password { .. })
    }
}

/// A file that was begun.
pub(super) struct Begun {
    /// All that stands before its chunks.
    pub(super) header: Vec<u8>,
    /// What seals them.
    pub(super) chunks: Chunks,
    /// Tells when the process is a copy of the one that began it.
    pub(super) forks: ForkGuard,
}

impl Lock {
    const fn name(&self) -> &'static str {
        match self {
            Self::Bare(_) => "a bare key",
            Self::Keyring(_) => "a keyring",
            Self::Password { .. } => "a password",
            Self::Wrapped { .. } => "a wrapped key",
        }
    }
}

/// The key of files that belongs to a key of a ring.
fn file_key(key: &Key) -> Result<FileKey, FileError> {
    let derived = key.derive(&[KEY_INFO]);
    derived
        .map(FileKey::from)
        .ok_or(FileError::UnusableKey(key.id()))
}
