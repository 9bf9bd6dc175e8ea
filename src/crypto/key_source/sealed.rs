//! A keyring's text, sealed into a line of text, as `docs/formats.md` specifies it:
//!
//! ```text
//! pcs1.argon2id.MEMORY_KIB.PASSES.LANES.SALT.SEALED
//! pcs1.kek.WRAPPED.SEALED
//! ```
//!
//! SEALED is a field ciphertext (`pc1`, as base64url) with the full commitment, so that no file
//! opens under two passphrases. What stands before it is its owner, and so authenticated.

use super::KeySourceError;
use crate::clock::Timestamp;
use crate::crypto::field::{FieldCipher, FieldColumn};
use crate::crypto::kek::{DataKey, Kek, KekContext, WrappedKey};
use crate::crypto::keyring::{Key, Keyring};
use crate::crypto::{SecretSealer, Stretch};
use crate::random::Random;
use crate::secret::{SecretBytes, SecretString};
use base64ct::{Base64UrlUnpadded, Encoding};

/// What the text of every sealed keyring begins with.
const VERSION: &str = "pcs1.";
const PASSPHRASE: &str = "pcs1.argon2id.";
const KEK: &str = "pcs1.kek.";
const PURPOSE: &str = "portcullis/v1/keyring";
const SALT_LENGTH: usize = 16;

pub(super) fn is_sealed(text: &str) -> bool {
    text.trim_start().starts_with(VERSION)
}

pub(super) fn kek_context() -> KekContext {
    KekContext::new("keyring-file")
}

/// Takes as long as the stretching does.
pub(super) fn seal_with_passphrase(
    ring: &Keyring,
    passphrase: &SecretString,
    stretch: Stretch,
) -> Result<String, KeySourceError> {
    let salt = Random::secure().bytes::<SALT_LENGTH>();
    let (memory, passes, lanes) = (stretch.memory_kib(), stretch.iterations(), stretch.lanes());
    let salt_text = Base64UrlUnpadded::encode_string(&salt);
    let header = format!("{PASSPHRASE}{memory}.{passes}.{lanes}.{salt_text}.");
    let key = stretch.derive(passphrase.expose().as_bytes(), &salt)?;
    seal(ring, &key, &header)
}

/// Takes as long as the stretching does, which the header chose within the bounds.
pub(super) fn open_with_passphrase(
    text: &str,
    passphrase: &SecretString,
) -> Result<Keyring, KeySourceError> {
    let (header, sealed) = split(text, PASSPHRASE, "with a passphrase")?;
    let mut parts = header.trim_end_matches('.').split('.').skip(2);
    let mut number = || parse_number(parts.next());
    // Held to the bounds before any work is done.
    let stretch = Stretch::new(number()?, number()?, number()?)?;
    let mut salt = [0; SALT_LENGTH];
    match (parts.next(), parts.next()) {
        (Some(text), None) => decode_exactly(text, &mut salt)?,
        _ => return Err(KeySourceError::Malformed),
    }
    let key = stretch.derive(passphrase.expose().as_bytes(), &salt)?;
    open(sealed, &key, header)
}

pub(super) async fn seal_with_kek(ring: &Keyring, kek: &dyn Kek) -> Result<String, KeySourceError> {
    let key = DataKey::generate();
    let wrapped = kek.wrap(&key, &kek_context()).await?;
    let wrapped = Base64UrlUnpadded::encode_string(wrapped.as_bytes());
    seal(ring, key.expose(), &format!("{KEK}{wrapped}."))
}

pub(super) async fn open_with_kek(text: &str, kek: &dyn Kek) -> Result<Keyring, KeySourceError> {
    let (header, sealed) = split(text, KEK, "with a key encryption key")?;
    let wrapped = header.strip_prefix(KEK).unwrap_or_default();
    let wrapped = wrapped.trim_end_matches('.');
    let wrapped = Base64UrlUnpadded::decode_vec(wrapped).map_err(|_| KeySourceError::Malformed)?;
    let key = kek.unwrap(&WrappedKey::from_bytes(wrapped), &kek_context());
    open(sealed, key.await?.expose(), header)
}

/// The header, its last dot included, and what it is the header of.
fn split<'a>(
    text: &'a str,
    prefix: &str,
    how: &'static str,
) -> Result<(&'a str, &'a str), KeySourceError> {
    let text = text.trim();
    if !text.starts_with(prefix) {
        return Err(KeySourceError::NotSealed(how));
    }
    let at = text.rfind('.').unwrap_or_default();
    text.split_at_checked(at + 1)
        .ok_or(KeySourceError::Malformed)
}

fn seal(ring: &Keyring, key: &[u8; 32], header: &str) -> Result<String, KeySourceError> {
    let text = ring.to_text();
    let sealed = column(key)?
        .seal_secret(PURPOSE, header, text.expose().as_bytes())
        .map_err(|_| KeySourceError::TooLong)?;
    let sealed = Base64UrlUnpadded::encode_string(&sealed);
    Ok(format!("{header}{sealed}\n"))
}

fn open(sealed: &str, key: &[u8; 32], header: &str) -> Result<Keyring, KeySourceError> {
    let sealed = Base64UrlUnpadded::decode_vec(sealed).map_err(|_| KeySourceError::Malformed)?;
    let text = column(key)?
        .open_secret(PURPOSE, header, &sealed)
        .map_err(|_| KeySourceError::Refused)?;
    let text = std::str::from_utf8(text.expose()).map_err(|_| KeySourceError::Malformed)?;
    Ok(Keyring::parse(text)?)
}

#[expect(clippy::expect_used, reason = "the names are fixed, and good ones")]
fn column(key: &[u8; 32]) -> Result<FieldColumn, KeySourceError> {
    let key = Key::from_bytes(&SecretBytes::from(&key[..]), Timestamp::default())?;
    let cipher = FieldCipher::new(Keyring::new(key), "portcullis").with_full_commitment();
    Ok(cipher.column("keyring", "file").expect("good names"))
}

/// A number without sign and leading zeros: one number, one spelling.
fn parse_number(text: Option<&str>) -> Result<u32, KeySourceError> {
    let text = text.unwrap_or_default();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = is_plain.then(|| text.parse().ok()).flatten();
    number.ok_or(KeySourceError::Malformed)
}

fn decode_exactly(text: &str, bytes: &mut [u8]) -> Result<(), KeySourceError> {
    let length = bytes.len();
    match Base64UrlUnpadded::decode(text, bytes) {
        Ok(decoded) if decoded.len() == length => Ok(()),
        _ => Err(KeySourceError::Malformed),
    }
}
