//! What is not sealed as values are sealed now is sealed again, though its key is the primary.

use super::*;

fn cipher(keys: &LiveKeyring) -> FieldCipher {
    FieldCipher::new(keys.clone(), "shop")
}

#[tokio::test]
async fn a_change_of_commitment_or_padding_is_applied() {
    type Configure = fn(FieldCipher) -> FieldCipher;
    let plain: Configure = |cipher| cipher;
    let committed: Configure = FieldCipher::with_full_commitment;
    let migrating: Configure = FieldCipher::with_full_commitment_but_accepting_values_without;
    let block: Configure = |cipher| cipher.with_padding(Padding::Block(64));
    let smaller: Configure = |cipher| cipher.with_padding(Padding::Block(48));
    let padme: Configure = |cipher| cipher.with_padding(Padding::Padme);
    for (name, before, after, resealed) in [
        ("nothing", plain, plain, 0),
        ("the commitment", plain, migrating, 5),
        ("the commitment, once it is there", committed, migrating, 0),
        ("the commitment, required", migrating, committed, 0),
        ("no commitment any more", committed, plain, 5),
        ("padding", plain, block, 5),
        ("no padding any more", block, plain, 5),
        ("another block", block, smaller, 5),
        ("another padding", smaller, padme, 0),
        ("another padding, that does not fit", padme, smaller, 5),
    ] {
        let keys = LiveKeyring::new(Keyring::generate());
        let column = |configure: Configure| {
            let cipher = configure(cipher(&keys));
            cipher.column("users", "email").unwrap()
        };
        let (before, after) = (column(before), column(after));
        let table = MemoryTable::new();
        for row in 1..=5 {
            let sealed = before.seal(&address(row), row).unwrap();
            assert!(before.is_current(&sealed), "{name}");
            assert_eq!(after.is_current(&sealed), resealed == 0, "{name}");
            put(&table, row, Some(sealed.into_bytes()));
        }
        let registry = Registry::new([EncryptedColumn::new(after.clone())]).unwrap();
        let rotation = Rotation::new(&registry, &table);
        let counts = rotation.rewrap().await.unwrap().totals();
        assert_eq!(
            (counts.resealed, counts.current, counts.problems),
            (resealed, 5 - resealed, 0),
            "{name}"
        );
        for row in 1..=5 {
            let stored = Encrypted::<String>::from_bytes(get(&table, row).unwrap());
            let made = after.seal(&address(row), row).unwrap();
            assert!(after.is_current(&stored), "{name}");
            assert_eq!(stored.as_bytes()[..2], made.as_bytes()[..2], "{name}");
            assert_eq!(after.open(&stored, row).unwrap().expose(), &address(row));
        }
        let counts = rotation.rewrap().await.unwrap().totals();
        assert_eq!((counts.resealed, counts.current), (0, 5), "{name}: done");
    }
}

/// From values with the key id alone to values that have to commit to their key.
#[tokio::test]
async fn the_full_commitment_is_required_once_all_have_it() {
    let keys = LiveKeyring::new(Keyring::generate());
    let old = cipher(&keys).column("users", "email").unwrap();
    let migrating = cipher(&keys).with_full_commitment_but_accepting_values_without();
    let migrating = migrating.column("users", "email").unwrap();
    let strict = cipher(&keys).with_full_commitment();
    let strict = strict.column("users", "email").unwrap();
    let table = MemoryTable::new();
    let sealed = old.seal("ann@example.com", 1).unwrap();
    put(&table, 1, Some(sealed.clone().into_bytes()));

    let refused = strict.open(&sealed, 1).unwrap_err();
    assert_eq!(refused.reason(), Reason::NoCommitment);
    let registry = Registry::new([EncryptedColumn::new(strict.clone())]).unwrap();
    let report = Rotation::new(&registry, &table).rewrap().await.unwrap();
    let problem = &report.columns()[0].problems[0];
    assert_eq!(problem.reason, Reason::NoCommitment, "nobody slips it in");

    assert!(migrating.open(&sealed, 1).is_ok());
    let registry = Registry::new([EncryptedColumn::new(migrating)]).unwrap();
    let report = Rotation::new(&registry, &table).rewrap().await.unwrap();
    assert_eq!(report.totals().resealed, 1);
    let stored = Encrypted::<String>::from_bytes(get(&table, 1).unwrap());
    assert_eq!(strict.open(&stored, 1).unwrap().expose(), "ann@example.com");
    assert!(old.open(&stored, 1).is_ok(), "a machine not told yet");
}

/// A rotation that was killed goes on only if it still seals in the same way.
#[tokio::test]
async fn a_checkpoint_of_another_padding_is_of_no_use() {
    let scene = Scene::with_rows(20);
    let records = Records::memory();
    let interrupted = killed::failing(&scene.table, 2);
    let rotation = Rotation::new(&scene.registry, &interrupted).page_rows(5);
    let rotation = rotation.checkpoints(records.clone(), "shop");
    rotation.rewrap().await.unwrap_err();
    let padded = column(&scene.keys, Padding::Block(64));
    let registry = Registry::new([EncryptedColumn::new(padded)]).unwrap();
    let rotation = Rotation::new(&registry, &scene.table).checkpoints(records, "shop");
    assert_eq!(rotation.rewrap().await.unwrap().totals().resealed, 20);
}
