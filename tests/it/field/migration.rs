//! Tables that still hold plaintext.

use super::{EMAIL, email};
use portcullis::clock::{FakeClock, Timestamp};
use portcullis::crypto::Reason;
use portcullis::crypto::field::Migrating;
use std::time::Duration;

#[test]
fn plaintext_is_read_until_the_end_and_counted() {
    let time = FakeClock::at_unix_seconds(1_000);
    let column = email()
        .migrating_until(Timestamp::from_unix_seconds(2_000))
        .with_clock(time.clock());
    let sealed = column.column().seal(EMAIL, 1).unwrap();
    let stored: [(&str, Vec<u8>, bool); 3] = [
        ("bytes", sealed.as_bytes().to_vec(), true),
        ("text", sealed.to_text().into_bytes(), true),
        ("plaintext", EMAIL.as_bytes().to_vec(), false),
    ];
    for (seconds, plaintext_opens) in [(0, true), (999, true), (1, false), (9_999, false)] {
        time.advance(Duration::from_secs(seconds));
        for (name, stored, is_sealed) in &stored {
            let value = Migrating::<String>::from_stored(stored.clone());
            assert_eq!(value.is_plaintext(), !is_sealed, "{name}");
            match column.clone().open(&value, 1) {
                Ok(opened) => assert_eq!(opened.expose(), EMAIL, "{name}"),
                Err(refused) => {
                    assert!(!is_sealed && !plaintext_opens, "{name}");
                    assert_eq!(refused.reason(), Reason::Plaintext, "{name}");
                }
            }
        }
    }
    assert_eq!(column.plaintext_reads(), 2, "clones count together");
}

#[test]
fn numbers_were_stored_as_digits() {
    let column = email().migrating_until(Timestamp::from_unix_seconds(u64::MAX));
    let value = Migrating::<i64>::from_stored("-17");
    assert_eq!(column.open(&value, 1).unwrap().expose(), &-17);
    let value = Migrating::<i64>::from_stored("seventeen");
    assert_eq!(
        column.open(&value, 1).unwrap_err().reason(),
        Reason::Unreadable
    );
    assert_eq!(column.plaintext_reads(), 1, "what was refused was not read");
}

#[test]
fn what_looks_sealed_is_never_taken_for_plaintext() {
    let column = email().migrating_until(Timestamp::from_unix_seconds(u64::MAX));
    for (stored, reason) in [
        ("pc1.hello", Reason::Malformed),
        ("pc1.!", Reason::Malformed),
        ("\u{1}hello", Reason::Malformed),
    ] {
        let refused = column
            .open(&Migrating::<String>::from_stored(stored), 1)
            .unwrap_err();
        assert_eq!(refused.reason(), reason, "{stored:?}");
    }
    // A sealed value of another row is no plaintext either.
    let sealed = column.column().seal(EMAIL, 1).unwrap().into_bytes();
    let refused = column
        .open(&Migrating::<String>::from_stored(sealed), 2)
        .unwrap_err();
    assert_eq!(refused.reason(), Reason::NotAuthentic);
}
