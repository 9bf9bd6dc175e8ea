//! A canary is put in wherever a secret goes, and looked for wherever text comes out.

use super::{fields, key};
use portcullis::clock::Timestamp;
use portcullis::crypto::SecretSealer;
use portcullis::crypto::field::{Encrypted, FieldValue, Json, Migrating, Sealable};
use portcullis::crypto::keyring::{Keyring, LiveKeyring};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

const CANARY: &str = "canary-4111-1111";

/// Asserts that the text shows the canary in no spelling: as text, hexadecimal, base64 or as a
/// list of bytes.
fn shows_no_canary(name: &str, text: &str) {
    let bytes = CANARY.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{bytes:?}");
    let text = text.to_lowercase();
    for spelling in [CANARY, &hex, &list[1..list.len() - 1], "y2fuyxj5lt"] {
        assert!(!text.contains(spelling), "{name} shows it: {text}");
    }
}

fn debug(name: &str, value: &dyn Debug) {
    shows_no_canary(name, &format!("{value:?} {value:#?}"));
}

#[test]
fn values_show_nothing() {
    let column = fields().column("users", "card").unwrap();
    let mut batch = column.batch();
    let sealed = column.seal(CANARY, 1).unwrap();
    debug("sealed", &sealed);
    debug("sealed in a batch", &batch.seal(CANARY, 1).unwrap());
    debug("opened", &column.open(&sealed, 1).unwrap());
    debug("refused", &column.open(&sealed, 2).unwrap_err());
    debug("json", &Json(CANARY));
    debug("batch", &batch);
    debug("column", &column);
    debug("cipher", &fields());
    shows_no_canary("serde", &serde_json::to_string(&sealed).unwrap());
    shows_no_canary("text", &sealed.to_text());
    shows_no_canary("refused", &column.open(&sealed, 2).unwrap_err().to_string());

    let migrating = Migrating::<String>::from_stored(CANARY);
    debug("migrating", &migrating);
    let ended = column.migrating_until(Timestamp::default());
    let refused = ended.open(&migrating, 1).unwrap_err();
    debug("ended", &ended);
    shows_no_canary(
        "plaintext",
        &format!("{refused} {refused:?} {:?}", refused.event()),
    );

    let secret = column
        .seal_secret("totp", "ann", CANARY.as_bytes())
        .unwrap();
    debug(
        "secret",
        &column.open_secret("totp", "ann", &secret).unwrap(),
    );

    let not_sealed = serde_json::from_str::<Encrypted<String>>(&format!("\"{CANARY}\""));
    let error = not_sealed.unwrap_err();
    shows_no_canary("deserializing", &format!("{error} {error:?}"));
    let error = CANARY.parse::<Encrypted<String>>().unwrap_err();
    shows_no_canary("parsing", &format!("{error} {error:?}"));
}

#[test]
fn keys_show_nothing() {
    let key = key(0xAB);
    let ring = Keyring::new(key.clone());
    let text = ring.to_text();
    let material = text.expose().trim_end().rsplit('.').next().unwrap();
    let live = LiveKeyring::new(ring.clone());
    let shown = format!("{key:?} {ring:?} {live:?} {text:?}");
    for spelling in [material, "abab", "171, 171", "0xab"] {
        assert!(
            !shown.to_lowercase().contains(&spelling.to_lowercase()),
            "{shown}"
        );
    }
    for broken in [
        material.to_owned(),
        format!("pck1.{material}"),
        text.expose().replace("primary", material),
        text.expose().replace("pck1", material),
        text.expose().replace('.', ":"),
        text.expose().replace(material, &material[1..]),
        format!("{}{}", text.expose(), text.expose()),
    ] {
        let error = Keyring::parse(&broken).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains(&material[1..]),
            "{error:?}"
        );
    }
}

/// A type whose reading panics, as a user's may.
#[derive(Debug)]
struct Explosive;

impl Sealable for Explosive {
    type Value = Self;

    fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Option<R> {
        Some(then(CANARY.as_bytes()))
    }
}

impl FieldValue for Explosive {
    fn from_bytes(_: &[u8]) -> Option<Self> {
        panic!("cannot be read")
    }

    fn wipe(&mut self) {}
}

#[test]
fn a_panic_shows_nothing_and_breaks_nothing() {
    let column = fields().column("users", "card").unwrap();
    let sealed = column.seal(&Explosive, 1).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| column.open(&sealed, 1).is_ok())).unwrap_err();
    let message = panic.downcast_ref::<&str>().copied();
    assert_eq!(message, Some("cannot be read"));
    let text = Encrypted::<String>::from_bytes(sealed.into_bytes());
    assert_eq!(
        column.open(&text, 1).unwrap().expose(),
        CANARY,
        "it works as before"
    );
}
