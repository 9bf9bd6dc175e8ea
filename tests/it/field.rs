//! Field encryption: what opens where, what is refused and what is never shown.

#[cfg(feature = "sqlx")]
mod database;
#[cfg(unix)]
mod fork;
mod leaks;
mod migration;
mod misuse;
mod rotation;
mod values;
mod vectors;
mod xaes;

use portcullis::clock::Timestamp;
use portcullis::crypto::field::{Encrypted, FieldCipher, FieldColumn};
use portcullis::crypto::keyring::{Key, Keyring};
use portcullis::crypto::{Reason, Refused};
use portcullis::secret::SecretBytes;

const EMAIL: &str = "ann@example.com";

/// The key of these 32 equal bytes, but for the first.
fn key(byte: u8) -> Key {
    let mut bytes = [byte; 32];
    bytes[0] = !byte;
    let bytes = SecretBytes::from(bytes.as_slice());
    Key::from_bytes(&bytes, Timestamp::from_unix_seconds(1_790_000_000)).unwrap()
}

fn fields() -> FieldCipher {
    FieldCipher::new(Keyring::new(key(1)), "shop")
}

fn email() -> FieldColumn {
    fields().column("users", "email").unwrap()
}

/// Opens bytes as text in row 1, and says why not.
fn open(column: &FieldColumn, bytes: &[u8]) -> Result<String, Reason> {
    let sealed = Encrypted::<String>::from_bytes(bytes.to_vec());
    let opened = column.open(&sealed, 1);
    let opened = opened.as_ref().map(|plain| plain.expose().clone());
    opened.map_err(Refused::reason)
}
