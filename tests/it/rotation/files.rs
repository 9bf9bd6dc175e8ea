//! A census of the files that a keyring sealed, beside the columns.

use super::*;
use portcullis::crypto::Stretch;
use portcullis::crypto::file::FileCrypt;
use portcullis::crypto::file::{FileKey, PasswordLimits};
use portcullis::crypto::rotation::FileCensus;

#[tokio::test]
async fn a_key_that_files_need_is_not_retired() {
    let scene = Scene::with_rows(0);
    let ring = scene.keys.current();
    let by_old = FileCrypt::with_keyring(ring.promote(scene.old).unwrap());
    let by_new = FileCrypt::with_keyring(Keyring::clone(&ring));
    let stretch = Stretch::insecure_fast_for_tests();
    let password = FileCrypt::with_password_at("x".into(), stretch, PasswordLimits::default());
    let wrapped = FileCrypt::with_wrapped_key(FileKey::generate(), vec![1; 40]).unwrap();

    let census = async || scene.rotation().census().await.unwrap();
    let mut all = census().await;
    for files in [&by_old, &by_new, &by_new, &password, &wrapped] {
        let sealed = files.seal(b"three crates of apples").unwrap();
        all.count_file(&sealed[..FileCensus::START]);
    }
    assert_eq!(all.keys(), [(scene.old, 1), (scene.new, 2)].into());
    assert_eq!((all.files().other, all.files().malformed), (2, 0));
    let in_use = NotRetirable::InUse {
        key: scene.old,
        values: 1,
    };
    assert_eq!(all.check_retirable(scene.old, &ring), Err(in_use));
    assert!(all.check_ready(&ring).is_ok());
    assert!(all.check_ready(&Keyring::generate()).is_err());

    for (name, start) in [
        ("no container", &b"three crates "[..]),
        ("cut short", b"PCF1\x01abcdefg"),
        ("another kind", b"PCF1\x04abcdefgh"),
        ("no kind", b"PCF1"),
        ("empty", b""),
    ] {
        let mut census = census().await;
        assert_eq!(census.check_retirable(scene.old, &ring), Ok(()), "{name}");
        census.count_file(start);
        let malformed = Err(NotRetirable::Malformed(1));
        assert_eq!(
            census.check_retirable(scene.old, &ring),
            malformed,
            "{name}"
        );
    }
}
