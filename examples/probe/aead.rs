use crate::bytes::{hex, hex_or_none, to_hex};
use portcullis::crypto::aead::Backend;
use portcullis::crypto::hazmat::{AeadError, Aes256Gcm, Xaes256Gcm};
use serde_json::{Map, Value};

/// Seals a message (`msg`), opens a ciphertext (`ct` and `tag`), or, with both, holds them
/// against each other: the ciphertext has to open to the message.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let algorithm = record.get("alg").and_then(Value::as_str);
    let algorithm = algorithm.ok_or("`alg` must be a string")?;
    let (key, iv) = (hex(record, "key")?, hex(record, "iv")?);
    let Some(cipher) = Cipher::of(algorithm, &key, &iv) else {
        return Ok(reject("not_offered"));
    };
    let aad = hex_or_none(record, "aad")?.unwrap_or_default();
    let message = hex_or_none(record, "msg")?;
    let Some(mut data) = hex_or_none(record, "ct")? else {
        let message = message.ok_or("there is neither `msg` nor `ct`")?;
        return Ok(seal(&cipher, &aad, message));
    };
    let Ok(tag) = hex(record, "tag")?.try_into() else {
        return Ok(reject("not_offered"));
    };
    Ok(match cipher.open(&aad, &mut data, &tag) {
        Err(_) => reject("not_what_was_sealed"),
        Ok(()) if message.is_some_and(|message| message != data) => reject("another_message"),
        Ok(()) => accept([("msg", to_hex(&data))]),
    })
}

fn seal(cipher: &Cipher, aad: &[u8], mut data: Vec<u8>) -> Map<String, Value> {
    match cipher.seal(aad, &mut data) {
        Ok(tag) => accept([("ct", to_hex(&data)), ("tag", to_hex(&tag))]),
        Err(_) => reject("too_long"),
    }
}

/// A cipher with its key and nonce.
enum Cipher {
    Aes(Box<Aes256Gcm>, [u8; 12]),
    Xaes(Box<Xaes256Gcm>, [u8; 24]),
}

impl Cipher {
    /// `None` when no such cipher is offered, or none with keys or nonces of this length.
    fn of(algorithm: &str, key: &[u8], iv: &[u8]) -> Option<Self> {
        let key = key.try_into().ok()?;
        let backend = Backend::default();
        match algorithm {
            "AES-256-GCM" | "AES-GCM" => {
                let cipher = Box::new(Aes256Gcm::new(backend, key));
                Some(Self::Aes(cipher, iv.try_into().ok()?))
            }
            "XAES-256-GCM" => {
                let cipher = Box::new(Xaes256Gcm::new(backend, key));
                Some(Self::Xaes(cipher, iv.try_into().ok()?))
            }
            _ => None,
        }
    }

    fn seal(&self, aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], AeadError> {
        match self {
            Self::Aes(cipher, nonce) => cipher.seal_in_place(nonce, aad, data),
            Self::Xaes(cipher, nonce) => cipher.seal_in_place(nonce, aad, data),
        }
    }

    fn open(&self, aad: &[u8], data: &mut [u8], tag: &[u8; 16]) -> Result<(), AeadError> {
        match self {
            Self::Aes(cipher, nonce) => cipher.open_in_place(nonce, aad, data, tag),
            Self::Xaes(cipher, nonce) => cipher.open_in_place(nonce, aad, data, tag),
        }
    }
}

fn accept<const N: usize>(fields: [(&str, String); N]) -> Map<String, Value> {
    let mut answer = Map::from_iter([("outcome".to_owned(), "accept".into())]);
    answer.extend(fields.map(|(name, value)| (name.to_owned(), value.into())));
    answer
}

fn reject(reason: &str) -> Map<String, Value> {
    crate::jws::reject(reason)
}
