use super::{ConfigError, HashError};
use crate::secret::SecretBytes;
use std::fmt;

/// The longest id that a hash has room for (`keyid` of the PHC string format, eight bytes).
const MAX_ID: usize = 8;

/// NIST SP 800-63B-4 section 3.1.1.2 asks for 112 bits.
const MIN_SECRET_LEN: usize = 16;

/// A secret that goes into every hash and is not stored with them, so that a stolen table of
/// hashes cannot be guessed at.
///
/// Keep it where the database is not: a secret manager, the environment. When it is lost, no
/// password can be verified any more. Its id goes into each hash, so that it can be replaced:
/// see [`Argon2id::with_pepper`](super::Argon2id::with_pepper).
#[derive(Clone)]
pub struct Pepper {
    id: String,
    secret: SecretBytes,
}

impl Pepper {
    /// A pepper under an id of 1 to 8 bytes, such as `2026a`, that is never given to another.
    ///
    /// # Errors
    /// When the id is of another length, or the secret is shorter than 16 bytes.
    pub fn new(id: &str, secret: SecretBytes) -> Result<Self, ConfigError> {
        if id.is_empty() || id.len() > MAX_ID {
            return Err(ConfigError::PepperId(id.to_owned()));
        }
        let length = secret.expose().len();
        if length < MIN_SECRET_LEN {
            return Err(ConfigError::ShortPepper(length));
        }
        Ok(Self {
            id: id.to_owned(),
            secret,
        })
    }

    /// The id, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.expose()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The pepper of new hashes first, then those of older ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Peppers {
    all: Vec<Pepper>,
    are_required: bool,
}

impl Peppers {
    pub(super) fn new(
        current: Pepper,
        previous: impl IntoIterator<Item = Pepper>,
    ) -> Result<Self, ConfigError> {
        let mut all = vec![current];
        for pepper in previous {
            if all.iter().any(|known| known.id == pepper.id) {
                return Err(ConfigError::DuplicatePepper(pepper.id));
            }
            all.push(pepper);
        }
        Ok(Self {
            all,
            are_required: false,
        })
    }

    pub(super) fn require(&mut self) {
        self.are_required = true;
    }

    pub(super) fn current(&self) -> Option<&Pepper> {
        self.all.first()
    }

    /// The pepper that a hash names.
    pub(super) fn named(&self, id: Option<&[u8]>) -> Result<Option<&Pepper>, HashError> {
        match id {
            None if self.are_required => Err(HashError::Unpeppered),
            None => Ok(None),
            Some(id) => self
                .all
                .iter()
                .find(|pepper| pepper.id.as_bytes() == id)
                .map(Some)
                .ok_or(HashError::UnknownPepper),
        }
    }

    /// Whether new hashes name this pepper.
    pub(super) fn is_current(&self, id: Option<&[u8]>) -> bool {
        self.current().map(|pepper| pepper.id.as_bytes()) == id
    }
}
