//! Files of any content, and good ones that were changed: nothing but what was sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::crypto::Stretch;
use portcullis::crypto::file::{FileCrypt, FileKey, PasswordLimits};
use portcullis::crypto::keyring::Keyring;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

static OURS: LazyLock<[FileCrypt; 4]> = LazyLock::new(|| kinds(7, "password"));
/// Nothing is ever sealed by these. The fuzzer remembers what it saw compared, and would come
/// back with what ours sealed in earnest.
static STRANGERS: LazyLock<[FileCrypt; 4]> = LazyLock::new(|| kinds(8, "stranger"));

fn kinds(byte: u8, password: &str) -> [FileCrypt; 4] {
    // What asks for more than next to nothing is refused.
    let limits = PasswordLimits::DEFAULT.memory_kib(0);
    let fast = Stretch::insecure_fast_for_tests();
    let key = || FileKey::from_bytes([byte; 32]);
    [
        FileCrypt::bare(key()),
        FileCrypt::with_keyring(Keyring::generate()),
        FileCrypt::with_password_at(password.into(), fast, limits),
        FileCrypt::with_wrapped_key(key(), vec![8; 40]).expect("40 bytes have a place"),
    ]
}

/// Bytes as they come, a text to seal, and what to do to it: flip a byte here and cut it there.
type Input<'a> = (&'a [u8], &'a [u8], u16, u8, u16);

fuzz_target!(|input: Input<'_>| {
    let (bytes, text, at, flip, cut) = input;
    for files in &*STRANGERS {
        for start in [b"".as_slice(), b"PCF1", b"PCF1\x01", b"PCF1\x02", b"PCF1\x03"] {
            assert_eq!(open(files, &[start, bytes].concat()), None, "by chance");
        }
    }
    for files in &*OURS {
        let sealed = files.seal(text).expect("it is not too long");
        assert_eq!(open(files, &sealed).as_deref(), Some(text));

        let mut changed = sealed.clone();
        let at = usize::from(at) % changed.len();
        changed[at] ^= flip;
        changed.truncate(changed.len() - usize::from(cut) % changed.len());
        if changed != sealed {
            assert_eq!(open(files, &changed), None, "changed");
        }
    }
    let _ = FileCrypt::wrapped_key(bytes);
});

/// Opens in three ways, which agree.
fn open(files: &FileCrypt, sealed: &[u8]) -> Option<Vec<u8>> {
    let whole = files.open(sealed).ok();
    let mut read = Vec::new();
    let reader = files.opening_reader(sealed);
    let reading = reader.and_then(|mut reader| reader.read_to_end(&mut read));
    assert_eq!(reading.ok().map(|_| &read), whole.as_ref());
    let mut found = Vec::new();
    let seeker = files.opening_seeker(Cursor::new(sealed));
    let seeking = seeker.and_then(|mut seeker| seeker.read_to_end(&mut found));
    assert_eq!(seeking.ok().map(|_| &found), whole.as_ref());
    whole
}
