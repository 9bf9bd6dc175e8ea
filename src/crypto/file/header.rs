use super::password::{Asked, SALT_LENGTH};
use super::{ConfigError, FileError};
use crate::crypto::keyring::KeyId;

/// What a container begins with.
pub(super) const MAGIC: [u8; 4] = *b"PCF1";

/// Bytes of the magic and the kind.
const PREFIX: usize = MAGIC.len() + 1;

const KEY: u8 = 1;
const PASSWORD: u8 = 2;
const WRAPPED: u8 = 3;

/// Bytes of a wrapped key at most. Those of key management services have some hundreds.
pub(super) const MAX_WRAPPED_LEN: usize = 4096;

/// How the key of a container is found.
#[derive(Clone, Debug)]
pub(super) enum Header {
    /// It is the key of this name.
    Key(KeyId),
    /// It is derived from a password.
    Password {
        asked: Asked,
        salt: [u8; SALT_LENGTH],
    },
    /// It lies here, wrapped under another.
    Wrapped(Vec<u8>),
}

impl Header {
    /// What the file is sealed with, for a message.
    pub(super) const fn lock(&self) -> &'static str {
        match self {
            Self::Key(_) => "a key of a ring",
            Self::Password { .. } => "a password",
            Self::Wrapped(_) => "a wrapped key",
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        match self {
            Self::Key(id) => {
                bytes.push(KEY);
                bytes.extend(id.to_bytes());
            }
            Self::Password { asked, salt } => {
                bytes.push(PASSWORD);
                bytes.extend(asked.to_bytes());
                bytes.extend(salt);
            }
            Self::Wrapped(key) => {
                bytes.push(WRAPPED);
                // No longer than `check_wrapped` lets it be.
                let length = u16::try_from(key.len()).unwrap_or_default();
                bytes.extend(length.to_be_bytes());
                bytes.extend(key);
            }
        }
        bytes
    }

    /// The length of the header that begins with these bytes, or as much of it as can be told
    /// from them. Whoever has that many bytes and is told no larger number has all of it.
    pub(super) fn length(start: &[u8]) -> Result<usize, FileError> {
        let magic = MAGIC.iter().zip(start);
        if magic.into_iter().any(|(magic, byte)| magic != byte) {
            return Err(FileError::NotAContainer);
        }
        let Some((kind, rest)) = start.get(MAGIC.len()..).and_then(<[u8]>::split_first) else {
            return Ok(PREFIX);
        };
        let length = match *kind {
            KEY => KeyId::LENGTH,
            PASSWORD => Asked::LENGTH + SALT_LENGTH,
            WRAPPED => match rest.first_chunk() {
                None => LENGTH,
                Some(length) => {
                    let length = usize::from(u16::from_be_bytes(*length));
                    check_wrapped(length).map_err(FileError::MalformedHeader)?;
                    LENGTH + length
                }
            },
            unknown => return Err(FileError::UnknownKind(unknown)),
        };
        Ok(PREFIX + length)
    }

    /// Reads a header of just the length that [`Self::length`] tells.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        if Self::length(bytes)? != bytes.len() {
            return Err(FileError::Truncated);
        }
        let (kind, rest) = bytes
            .get(MAGIC.len()..)
            .and_then(<[u8]>::split_first)
            .ok_or(FileError::Truncated)?;
        match *kind {
            KEY => array(rest).map(KeyId::from_bytes).map(Self::Key),
            PASSWORD => {
                let (asked, salt) = rest.split_first_chunk().ok_or(FileError::Truncated)?;
                Ok(Self::Password {
                    asked: Asked::from_bytes(*asked),
                    salt: array(salt)?,
                })
            }
            WRAPPED => {
                let key = rest.get(LENGTH..).ok_or(FileError::Truncated)?;
                Ok(Self::Wrapped(key.to_vec()))
            }
            unknown => Err(FileError::UnknownKind(unknown)),
        }
    }
}

/// Bytes of the length of a wrapped key.
const LENGTH: usize = 2;

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FileError> {
    bytes.try_into().map_err(|_| FileError::Truncated)
}

/// Whether a wrapped key of this length has a place in a header.
pub(super) fn check_wrapped(length: usize) -> Result<(), ConfigError> {
    let is_good = (1..=MAX_WRAPPED_LEN).contains(&length);
    is_good.then_some(()).ok_or(ConfigError::WrappedKey(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::stretch::Stretch;

    fn headers() -> [(&'static str, Header, usize); 4] {
        let asked = Stretch::RFC_9106_LOW_MEMORY.into();
        let salt = [2; 16];
        [
            ("key", Header::Key(KeyId::from_bytes([1; 8])), 13),
            ("password", Header::Password { asked, salt }, 30),
            ("wrapped", Header::Wrapped(vec![9; 40]), 47),
            ("longest", Header::Wrapped(vec![9; 4096]), 4103),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for (name, header, length) in headers() {
            let bytes = header.encode();
            assert_eq!(bytes.len(), length, "{name}");
            let again = Header::decode(&bytes).unwrap();
            assert_eq!(again.encode(), bytes, "{name}");
            assert_eq!(again.lock(), header.lock(), "{name}");
        }
    }

    #[test]
    fn a_part_asks_for_more_and_never_for_too_much() {
        for (name, header, _) in headers() {
            let bytes = header.encode();
            for known in 0..bytes.len() {
                let length = Header::length(&bytes[..known]).unwrap();
                assert!(
                    (known + 1..=bytes.len()).contains(&length),
                    "{name} {known}"
                );
                assert!(Header::decode(&bytes[..known]).is_err(), "{name} {known}");
            }
            let followed = [&bytes[..], &[0; 100]].concat();
            assert_eq!(Header::length(&followed).unwrap(), bytes.len(), "{name}");
            assert!(Header::decode(&followed).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_none_is_refused_at_the_first_byte_that_tells() {
        for (name, start, code) in [
            ("another first byte", b"Q".as_slice(), "not_a_container"),
            ("another version", b"PCF2", "not_a_container"),
            ("kind 0", b"PCF1\0", "unknown_kind"),
            ("kind 4", b"PCF1\x04", "unknown_kind"),
            ("kind 255", b"PCF1\xff", "unknown_kind"),
            ("no wrapped key", b"PCF1\x03\0\0", "malformed_header"),
            (
                "too long a wrapped key",
                b"PCF1\x03\x10\x01",
                "malformed_header",
            ),
        ] {
            let error = Header::length(start).unwrap_err();
            assert_eq!(error.code(), code, "{name}");
        }
    }
}
