//! HMAC-SHA-256 (RFC 2104, FIPS 198-1) and HKDF-SHA-256 (RFC 5869).

use hkdf::{Hkdf, InvalidLength};
use hmac::KeyInit;
use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of an HMAC-SHA-256, and of every key that is derived here.
pub(crate) const LENGTH: usize = 32;

type Core = HmacCore<Sha256>;

/// HMAC-SHA-256 under one key. The key is worked in once; each code starts from a copy of that
/// state, which saves a third of the time for short messages.
///
/// It holds the two parts of [`hmac::Hmac`], whose methods take it by value: each of them would
/// move all of it, and leave a copy behind that nobody wipes.
#[derive(Clone)]
pub(crate) struct HmacSha256 {
    core: Core,
    buffer: Buffer<Core>,
}

impl HmacSha256 {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            core: Core::new_from_slice(key).expect("HMAC takes keys of any length"),
            buffer: Buffer::<Core>::default(),
        }
    }

    /// Goes on with these bytes. Where one call ends and the next begins is not part of the
    /// code: say so in the bytes.
    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let Self { core, buffer } = self;
        buffer.digest_blocks(bytes, |blocks| core.update_blocks(blocks));
    }

    #[inline(always)]
    pub(crate) fn finish(mut self) -> [u8; LENGTH] {
        let mut code = Output::<Core>::default();
        self.core.finalize_fixed_core(&mut self.buffer, &mut code);
        code.into()
    }
}

impl fmt::Debug for HmacSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSha256([redacted])")
    }
}

/// HKDF-Expand: a key for what `info` says, from a uniformly random one. The parts of `info`
/// follow each other; [`put_text`] keeps texts apart.
#[expect(
    clippy::expect_used,
    reason = "a key of 32 bytes is long enough, and one block of output is not too much"
)]
pub(crate) fn expand(key: &[u8; LENGTH], info: &[&[u8]]) -> Zeroizing<[u8; LENGTH]> {
    let mut derived = Zeroizing::new([0; LENGTH]);
    expand_into(key, info, &mut *derived).expect("32 bytes are within the bounds of HKDF");
    derived
}

fn expand_into(
    key: &[u8; LENGTH],
    info: &[&[u8]],
    derived: &mut [u8],
) -> Result<(), InvalidLength> {
    let hkdf = Hkdf::<Sha256>::from_prk(key).map_err(|_| InvalidLength)?;
    hkdf.expand_multi_info(info, derived)
}

/// Appends a text behind its length (four bytes, big-endian), so that no two lists of texts
/// come to the same bytes.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&length(text));
    bytes.extend_from_slice(text.as_bytes());
}

/// The length of a text as it stands before it: four bytes, big-endian.
pub(crate) fn length(text: &str) -> [u8; 4] {
    // Texts are bounded far below by all who come here.
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
#[path = "../../tests/it/support/vectors.rs"]
mod outside;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn hex(value: &Value) -> Vec<u8> {
        let text = value.as_str().unwrap();
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    fn code(key: &[u8], message: &[u8]) -> [u8; LENGTH] {
        let mut mac = HmacSha256::new(key).clone();
        // In two parts, as callers do.
        let (one, two) = message.split_at(message.len() / 2);
        mac.update(one);
        mac.update(two);
        mac.finish()
    }

    /// Each case of a file of Wycheproof, with its group.
    fn cases(file: &str, mut check: impl FnMut(&Value, &Value)) -> Option<usize> {
        let file: Value = serde_json::from_str(&outside::vectors(file)?).unwrap();
        let mut count = 0;
        for group in file["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                count += 1;
                check(group, test);
            }
        }
        Some(count)
    }

    #[test]
    fn rfc_4231_and_rfc_5869() {
        let hex = |text: &str| hex(&Value::from(text));
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(code(&[0x0b; 20], b"Hi There").to_vec(), hex(expected));

        let key = code(&hex("000102030405060708090a0b0c"), &[0x0b; 22]);
        let expected = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
        assert_eq!(key.to_vec(), hex(expected));
        let derived = expand(&key, &[&hex("f0f1f2f3f4"), &hex("f5f6f7f8f9")]);
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(derived.to_vec(), hex(expected));
    }

    #[test]
    fn wycheproof_hmac_sha256() {
        let count = cases("wycheproof/hmac_sha256_test.json", |group, test| {
            let length = group["tagSize"].as_u64().unwrap() as usize / 8;
            let made = code(&hex(&test["key"]), &hex(&test["msg"]));
            let is_valid = made[..length] == hex(&test["tag"]);
            let expected = test["result"] == "valid";
            assert_eq!(is_valid, expected, "{}", test["tcId"]);
        });
        assert!(count.is_none_or(|count| count == 174), "{count:?}");
    }

    #[test]
    fn wycheproof_hkdf_sha256() {
        let count = cases("wycheproof/hkdf_sha256_test.json", |_, test| {
            let size = test["size"].as_u64().unwrap() as usize;
            let key = code(&hex(&test["salt"]), &hex(&test["ikm"]));
            let mut derived = vec![0; size];
            let info = hex(&test["info"]);
            let is_done = expand_into(&key, &[&info], &mut derived).is_ok();
            assert_eq!(is_done, test["result"] == "valid", "{}", test["tcId"]);
            if is_done {
                assert_eq!(derived, hex(&test["okm"]), "{}", test["tcId"]);
            }
            if size == LENGTH {
                assert_eq!(*expand(&key, &[&info]), derived[..], "{}", test["tcId"]);
            }
        });
        assert!(count.is_none_or(|count| count == 86), "{count:?}");
    }

    #[test]
    fn lengths_keep_texts_apart() {
        let put = |texts: &[&str]| {
            let mut bytes = Vec::new();
            texts.iter().for_each(|text| put_text(&mut bytes, text));
            bytes
        };
        assert_ne!(put(&["ab", "c"]), put(&["a", "bc"]));
        assert_ne!(put(&["a"]), put(&["a", ""]));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", HmacSha256::new(b"canary")),
            "HmacSha256([redacted])"
        );
    }
}
