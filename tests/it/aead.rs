//! AES-256-GCM of every backend against outside vectors.

use crate::support::vectors;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::hazmat::Aes256Gcm;
use serde_json::Value;

/// The cases of the sizes that are offered: keys of 256, nonces of 96 and tags of 128 bits.
const OFFERED: usize = 66;
/// The cases of sizes that are not.
const NOT_OFFERED: usize = 250;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

#[test]
fn wycheproof() {
    let Some(text) = vectors("wycheproof/aes_gcm_test.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let (mut offered, mut not_offered) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let tests = group["tests"].as_array().unwrap();
        let sizes = ["keySize", "ivSize", "tagSize"].map(|size| group[size].as_u64().unwrap());
        if sizes != [256, 96, 128] {
            not_offered += tests.len();
            continue;
        }
        for test in tests {
            offered += 1;
            Backend::ALL
                .iter()
                .for_each(|backend| check(*backend, test));
        }
    }
    assert_eq!((offered, not_offered), (OFFERED, NOT_OFFERED));
}

fn check(backend: Backend, test: &Value) {
    let field = |name: &str| hex(test[name].as_str().unwrap());
    let case = format!("{backend:?} {}", test["tcId"]);
    let (aad, message, sealed) = (field("aad"), field("msg"), field("ct"));
    let nonce = field("iv").try_into().unwrap();
    let tag = field("tag").try_into().unwrap();
    let cipher = Aes256Gcm::new(backend, &field("key").try_into().unwrap());

    let mut data = sealed.clone();
    let opened = cipher.open_in_place(&nonce, &aad, &mut data, &tag);
    match test["result"].as_str().unwrap() {
        "valid" => {
            assert_eq!((opened, &data), (Ok(()), &message), "{case}");
            let made = cipher.seal_in_place(&nonce, &aad, &mut data);
            assert_eq!((made, &data), (Ok(tag), &sealed), "{case}");
        }
        "invalid" => assert!(opened.is_err(), "{case}"),
        other => panic!("{case} is {other:?}"),
    }
}
