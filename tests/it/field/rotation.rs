//! Keys that come and go while values are sealed and opened.

use super::{EMAIL, key, open};
use portcullis::crypto::Reason;
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::{Keyring, LiveKeyring};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_key_through_its_whole_life() {
    let (old, new) = (key(1), key(2));
    let live = LiveKeyring::new(Keyring::new(old.clone()));
    let column = FieldCipher::new(&live, "shop")
        .column("users", "email")
        .unwrap();
    let mut batch = column.batch();
    let first = column.seal(EMAIL, 1).unwrap();
    let in_batch = batch.seal(EMAIL, 1).unwrap();
    let change = |change: &dyn Fn(&Keyring) -> Keyring| live.replace(change(&live.current()));

    change(&|ring| ring.with_key(new.clone()).unwrap());
    assert_eq!(
        column.seal(EMAIL, 1).unwrap().key_id(),
        Some(old.id()),
        "not promoted yet"
    );

    change(&|ring| ring.promote(new.id()).unwrap());
    assert_eq!(column.seal(EMAIL, 1).unwrap().key_id(), Some(new.id()));
    assert_eq!(
        batch.seal(EMAIL, 1).unwrap().key_id(),
        Some(new.id()),
        "an epoch ends at once"
    );
    assert!(!column.is_current(&first));
    for old in [&first, &in_batch] {
        assert_eq!(open(&column, old.as_bytes()).as_deref(), Ok(EMAIL));
    }

    change(&|ring| ring.disable(old.id()).unwrap());
    assert_eq!(open(&column, first.as_bytes()), Err(Reason::DisabledKey));
    change(&|ring| ring.enable(old.id()).unwrap());
    assert_eq!(open(&column, first.as_bytes()).as_deref(), Ok(EMAIL));
    change(&|ring| ring.destroy(old.id()).unwrap());
    assert_eq!(open(&column, first.as_bytes()), Err(Reason::DestroyedKey));
    change(&|ring| ring.forget(old.id()).unwrap());
    assert_eq!(open(&column, first.as_bytes()), Err(Reason::UnknownKey));
}

#[test]
fn a_keyring_that_was_written_and_read_opens_the_same() {
    let ring = Keyring::new(key(1)).with_key(key(2)).unwrap();
    let column = |ring: Keyring| {
        FieldCipher::new(ring, "shop")
            .column("users", "email")
            .unwrap()
    };
    let sealed = column(ring.clone()).seal(EMAIL, 1).unwrap();
    let read = Keyring::parse(ring.to_text().expose()).unwrap();
    assert_eq!(open(&column(read), sealed.as_bytes()).as_deref(), Ok(EMAIL));
}

/// The ring changes all the time, both keys stay in it: every value opens.
#[test]
fn nobody_notices_a_rotation_under_load() {
    let (one, two) = (key(1), key(2));
    let ring = Keyring::new(one.clone()).with_key(two.clone()).unwrap();
    let live = LiveKeyring::new(ring.clone());
    let column = FieldCipher::new(&live, "shop")
        .column("users", "email")
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut batch = column.batch();
                for row in 0..2_000_i64 {
                    let sealed = [column.seal(EMAIL, row), batch.seal(EMAIL, row)];
                    for sealed in sealed.map(Result::unwrap) {
                        assert_eq!(column.open(&sealed, row).unwrap().expose(), EMAIL);
                    }
                }
                done.store(true, Ordering::Relaxed);
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                live.replace(ring.promote(two.id()).unwrap());
                live.replace(ring.promote(one.id()).unwrap());
            }
        });
    });
    assert_eq!(
        column.seal(EMAIL, 1).unwrap().key_id(),
        Some(one.id()),
        "the last one counts"
    );
}
