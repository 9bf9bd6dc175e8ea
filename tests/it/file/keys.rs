//! How the key of a file is found.

use super::open_in_every_way;
use portcullis::crypto::Stretch;
use portcullis::crypto::file::{FileCrypt, FileError, FileKey, PasswordLimits};
use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
use portcullis::secret::SecretString;
use std::time::{Duration, Instant};

fn with_password(password: &str) -> FileCrypt {
    let fast = Stretch::insecure_fast_for_tests();
    FileCrypt::with_password_at(password.into(), fast, PasswordLimits::default())
}

fn wrapped() -> FileCrypt {
    FileCrypt::with_wrapped_key(FileKey::from_bytes([3; 32]), vec![4; 40]).unwrap()
}

#[test]
fn each_kind_opens_its_own_and_no_other() {
    let kinds = [
        ("keyring", FileCrypt::with_keyring(Keyring::generate()), 69),
        ("password", with_password("correct"), 86),
        ("wrapped", wrapped(), 103),
        ("bare", FileCrypt::bare(FileKey::generate()), 56),
    ];
    for (name, files, before) in &kinds {
        let sealed = files.seal(b"text").unwrap();
        assert_eq!(sealed.len(), before + 4 + 16, "{name}");
        for opened in open_in_every_way(files, &sealed) {
            assert_eq!(opened.as_deref(), Ok(b"text".as_slice()), "{name}");
        }
        for (other_name, other, _) in kinds.iter().filter(|(other, ..)| other != name) {
            let expected = match (*name, *other_name) {
                ("bare", _) => "not_a_container",
                (_, "bare") => "wrong_key",
                _ => "wrong_lock",
            };
            for opened in open_in_every_way(other, &sealed) {
                assert_eq!(opened, Err(expected), "{name} as {other_name}");
            }
        }
    }
}

#[test]
fn the_message_says_what_to_do() {
    let sealed = with_password("correct").seal(b"text").unwrap();
    let error = FileCrypt::with_keyring(Keyring::generate()).open(&sealed);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the file is sealed with a password, and is being opened with a keyring"
    );
}

#[test]
fn keys_rotate_while_files_are_opened() {
    let keyring = Keyring::generate();
    let (old, new) = (keyring.primary().id(), Key::generate());
    let live = LiveKeyring::new(keyring);
    let files = FileCrypt::with_keyring(&live);
    let first = files.seal(b"first").unwrap();

    let promoted = live.current().with_key(new.clone()).unwrap();
    live.replace(promoted.promote(new.id()).unwrap());
    let second = files.seal(b"second").unwrap();
    assert_ne!(first[5..13], second[5..13]);
    assert_eq!(files.open(&first).unwrap(), b"first");
    assert_eq!(files.open(&second).unwrap(), b"second");

    live.replace(live.current().disable(old).unwrap());
    assert_eq!(files.open(&first), Err(FileError::UnusableKey(old)));
    assert_eq!(files.open(&second).unwrap(), b"second");
    live.replace(Keyring::generate());
    assert_eq!(files.open(&first), Err(FileError::UnknownKey(old)));
}

#[test]
fn another_password() {
    let sealed = with_password("correct").seal(b"text").unwrap();
    for wrong in ["Correct", "correct ", ""] {
        for opened in open_in_every_way(&with_password(wrong), &sealed) {
            assert_eq!(opened, Err("wrong_key"), "{wrong:?}");
        }
    }
}

#[test]
fn passwords_are_salted() {
    let files = with_password("correct");
    let [one, two] = [(); 2].map(|()| files.seal(b"text").unwrap());
    assert_ne!(one[14..30], two[14..30]);
    assert_ne!(one[86..], two[86..]);
}

/// A container that asks for these parameters, and has nothing in it.
fn asking(memory_kib: u32, iterations: u32, lanes: u8) -> Vec<u8> {
    let mut file = b"PCF1\x02".to_vec();
    file.extend(memory_kib.to_be_bytes());
    file.extend(iterations.to_be_bytes());
    file.push(lanes);
    file.extend([0; 16 + 56 + 16]);
    file
}

#[test]
fn a_hostile_header_is_refused_before_anything_is_computed() {
    let begun = Instant::now();
    let files = FileCrypt::with_password(SecretString::from("correct"));
    for (name, memory_kib, iterations, lanes) in [
        ("4 TiB", u32::MAX, 1, 1),
        ("a year", 65_536, u32::MAX, 1),
        ("both", u32::MAX, u32::MAX, u8::MAX),
        ("1 GiB", 1 << 20, 1, 4),
        ("just too much", (1 << 18) + 1, 1, 1),
        ("just too much in all", 1 << 18, 5, 1),
        ("next to no memory, and passes for it", 8, 1 << 20, 1),
        ("nothing", 0, 0, 0),
        ("weak", 8, 1, 1),
        ("no lanes", 65_536, 3, 0),
        ("too many lanes", 65_536, 3, 65),
    ] {
        let refused = FileError::PasswordCost {
            memory_kib,
            iterations,
            lanes,
        };
        let file = asking(memory_kib, iterations, lanes);
        assert_eq!(files.open(&file), Err(refused), "{name}");
        for opened in open_in_every_way(&files, &file) {
            assert_eq!(opened, Err("password_cost"), "{name}");
        }
    }
    // Nearly a hundred attempts: one that was computed would take a second by itself.
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn limits_can_be_raised_and_lowered() {
    let stretch = Stretch::new(19_456, 2, 1).unwrap();
    let password = || SecretString::from("correct");
    let limits = PasswordLimits::default();
    let sealed = FileCrypt::with_password_at(password(), stretch, limits)
        .seal(b"text")
        .unwrap();
    let fast = Stretch::insecure_fast_for_tests();
    let open = |limits| FileCrypt::with_password_at(password(), fast, limits).open(&sealed);
    assert_eq!(open(limits).unwrap(), b"text");
    assert_eq!(
        open(limits.memory_kib(19_456).work_kib(38_912)).unwrap(),
        b"text"
    );
    for low in [limits.memory_kib(19_455), limits.work_kib(38_911)] {
        assert_eq!(open(low).unwrap_err().code(), "password_cost");
    }
}

#[test]
fn a_wrapped_key_travels_with_the_file() {
    let sealed = wrapped().seal(b"text").unwrap();
    let found = FileCrypt::wrapped_key(&sealed).unwrap();
    assert_eq!(found, [4; 40]);
    let key = FileKey::from_bytes([3; 32]);
    let again = FileCrypt::with_wrapped_key(key, found).unwrap();
    assert_eq!(again.open(&sealed).unwrap(), b"text");

    let wrong = FileKey::from_bytes([4; 32]);
    let wrong = FileCrypt::with_wrapped_key(wrong, vec![4; 40]).unwrap();
    assert_eq!(wrong.open(&sealed), Err(FileError::WrongKey));
    let key = FileKey::from_bytes([3; 32]);
    let other = FileCrypt::with_wrapped_key(key, vec![5; 40]).unwrap();
    assert_eq!(other.open(&sealed), Err(FileError::WrongKey));
    assert_eq!(
        FileCrypt::wrapped_key(&sealed[..46]),
        Err(FileError::Truncated)
    );
    let code = |file: &[u8]| FileCrypt::wrapped_key(file).unwrap_err().code();
    assert_eq!(code(&with_password("p").seal(b"").unwrap()), "wrong_lock");
    assert_eq!(code(b"anything else"), "not_a_container");
    for length in [0, 4097] {
        let key = FileKey::generate();
        assert!(FileCrypt::with_wrapped_key(key, vec![1; length]).is_err());
    }
}

#[test]
fn debug_shows_no_secret() {
    for files in [
        FileCrypt::with_keyring(Keyring::generate()),
        with_password("canary"),
        FileCrypt::bare(FileKey::from_bytes([0xCA; 32])),
    ] {
        let shown = format!("{files:?}");
        assert!(
            !shown.contains("canary") && !shown.contains("202, 202"),
            "{shown}"
        );
    }
}
