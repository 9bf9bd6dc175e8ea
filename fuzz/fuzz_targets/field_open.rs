//! Any bytes, and any change of what was sealed: nothing opens but what was sealed, where it
//! was sealed. Any text of a keyring: what is read is written alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::clock::Timestamp;
use portcullis::crypto::field::{Encrypted, FieldCipher, FieldColumn, Padding};
use portcullis::crypto::keyring::{Key, Keyring};
use portcullis::secret::SecretBytes;
use std::sync::LazyLock;

static COLUMN: LazyLock<FieldColumn> = LazyLock::new(|| {
    let bytes: Vec<u8> = (0..32).collect();
    let key = Key::from_bytes(&SecretBytes::from(bytes), Timestamp::default());
    let keyring = Keyring::new(key.expect("the key has 32 bytes"));
    let fields = FieldCipher::new(keyring, "shop").with_padding(Padding::Padme);
    fields.column("users", "email").expect("the names are fine")
});

fn opens(bytes: Vec<u8>, row: i64) -> Option<Vec<u8>> {
    let sealed = Encrypted::<Vec<u8>>::from_bytes(bytes);
    COLUMN
        .open(&sealed, row)
        .ok()
        .map(|plain| plain.expose().clone())
}

fuzz_target!(|data: &[u8]| {
    // Nothing is ever sealed for row 3: the fuzzer remembers what it saw compared, and would
    // come back with a value that was sealed in earnest.
    let opened = opens(data.to_vec(), 3);
    assert_eq!(opened, None, "nobody finds a tag by chance");

    // The input as a change of a sealed value: it is laid over it from some place on.
    let sealed = COLUMN.seal(&data, 1).expect("it is short").into_bytes();
    assert_eq!(opens(sealed.clone(), 1).as_deref(), Some(data));
    assert_eq!(opens(sealed.clone(), 2), None);
    if let [at, change @ ..] = data {
        let mut changed = sealed.clone();
        for (byte, change) in changed.iter_mut().skip(usize::from(*at)).zip(change) {
            *byte ^= change;
        }
        assert_eq!(opens(changed.clone(), 1).is_some(), changed == sealed);
    }

    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(value) = text.parse::<Encrypted<String>>() {
            assert_eq!(value.to_text(), text, "one value, one spelling");
        }
        if let Ok(keyring) = Keyring::parse(text) {
            let again = Keyring::parse(keyring.to_text().expose());
            assert_eq!(again, Ok(keyring));
        }
    }
});
