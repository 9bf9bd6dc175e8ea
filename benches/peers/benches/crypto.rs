//! Files in memory beside the `age` crate: 16 MiB to a key, and back.
//!
//! Bar, with the backend `aws-lc-rs`: at most 0.11 of age's time.

#[path = "../../common/processor.rs"]
mod processor;

use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::FileCrypt;
use portcullis::crypto::keyring::Keyring;
use processor::Race;
use std::hint::black_box;

const LENGTH: usize = 16 << 20;

fn main() {
    let plain = vec![1; LENGTH];
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public();
    let ring = FileCrypt::with_keyring(Keyring::generate());
    let fastest = ring.clone().backend(Backend::fastest());

    let theirs = age::encrypt(&recipient, &plain).expect("it is sealed");
    let sealed = ring.seal(&plain).expect("it is sealed");
    Race::new("file-seal", 9, 2)
        .operation("age", || {
            age::encrypt(&recipient, black_box(&plain)).is_ok()
        })
        .operation("ring", || ring.seal(black_box(&plain)).is_ok())
        .operation("fastest", || fastest.seal(black_box(&plain)).is_ok())
        .run(&["age"]);
    Race::new("file-open", 9, 2)
        .operation("age", || {
            age::decrypt(&identity, black_box(&theirs)).is_ok()
        })
        .operation("ring", || ring.open(black_box(&sealed)).is_ok())
        .operation("fastest", || fastest.open(black_box(&sealed)).is_ok())
        .run(&["age"]);
}
