//! XAES-256-GCM against the specification's vectors, with every backend.

use crate::support::vectors;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::hazmat::Xaes256Gcm;
use serde::Deserialize;
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};

#[derive(Deserialize)]
struct File {
    accumulated: Vec<Accumulated>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Accumulated {
    iterations: u32,
    shake128_32: String,
}

#[derive(Deserialize)]
struct Vector {
    key: String,
    nonce: String,
    plaintext: String,
    aad: String,
    ciphertext_and_tag: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_vectors() {
    let Some(text) = vectors("wycheproof/xaes_256_gcm_c2sp.json") else {
        return;
    };
    let file: File = serde_json::from_str(&text).unwrap();
    for (at, vector) in file.vectors.iter().enumerate() {
        let (key, nonce) = (bytes(&vector.key), bytes(&vector.nonce));
        let (key, nonce) = (key.try_into().unwrap(), nonce.try_into().unwrap());
        let aad = bytes(&vector.aad);
        for backend in Backend::ALL {
            let cipher = Xaes256Gcm::new(*backend, &key);
            let mut data = bytes(&vector.plaintext);
            let tag = cipher.seal_in_place(&nonce, &aad, &mut data).unwrap();
            let sealed = [&data[..], &tag].concat();
            assert_eq!(
                sealed,
                bytes(&vector.ciphertext_and_tag),
                "{at} {backend:?}"
            );
            cipher.open_in_place(&nonce, &aad, &mut data, &tag).unwrap();
            assert_eq!(data, bytes(&vector.plaintext), "{at} {backend:?}");
        }
    }
    assert!(file.vectors.len() >= 42, "{}", file.vectors.len());
    for accumulated in file.accumulated.iter().filter(|it| it.iterations <= 10_000) {
        let hash = accumulated_hash(accumulated.iterations, Backend::default());
        assert_eq!(hash, bytes(&accumulated.shake128_32)[..]);
    }
}

/// The hashes that the specification gives (C2SP, XAES-256-GCM, "Accumulated randomized
/// test").
#[test]
fn ten_thousand_random_messages() {
    for backend in Backend::ALL {
        let hash = accumulated_hash(10_000, *backend);
        let expected = "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939";
        assert_eq!(hash, bytes(expected)[..], "{backend:?}");
    }
}

#[test]
#[ignore = "takes a minute: cargo test --release --all-features -- --ignored a_million"]
fn a_million_random_messages() {
    for backend in Backend::ALL {
        let hash = accumulated_hash(1_000_000, *backend);
        let expected = "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15";
        assert_eq!(hash, bytes(expected)[..], "{backend:?}");
    }
}

/// Keys, nonces and messages of 0 to 255 bytes from SHAKE-128 of nothing; what is sealed goes
/// into another SHAKE-128.
fn accumulated_hash(iterations: u32, backend: Backend) -> [u8; 32] {
    let mut random = Shake128::default().finalize_xof();
    let mut sealed = Shake128::default();
    for _ in 0..iterations {
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        random.read(&mut key);
        random.read(&mut nonce);
        let [mut plain, mut aad] = [(); 2].map(|()| {
            let mut length = [0];
            random.read(&mut length);
            let mut bytes = vec![0; length[0].into()];
            random.read(&mut bytes);
            bytes
        });
        let cipher = Xaes256Gcm::new(backend, &key);
        let before = plain.clone();
        let tag = cipher.seal_in_place(&nonce, &aad, &mut plain).unwrap();
        sealed.update(&plain);
        sealed.update(&tag);
        cipher
            .open_in_place(&nonce, &aad, &mut plain, &tag)
            .unwrap();
        assert_eq!(plain, before);
        aad.clear();
    }
    let mut hash = [0; 32];
    sealed.finalize_xof().read(&mut hash);
    hash
}
