//! Secrets that controls sealed for a purpose and an owner are rotated like values.

use super::*;
use portcullis::crypto::SecretSealer;
use portcullis::crypto::field::RowId;

struct Secrets {
    keys: LiveKeyring,
    column: FieldColumn,
    table: MemoryTable,
}

impl Secrets {
    /// Of three owners, sealed for this purpose with a key that is not the primary any more.
    fn of(purpose: &str) -> Self {
        let keys = LiveKeyring::new(Keyring::generate());
        let fields = FieldCipher::new(keys.clone(), "shop");
        let column = fields.column("authenticators", "secret").unwrap();
        let table = MemoryTable::new();
        for owner in ["ann", "bob", "cat"] {
            let sealed = column.seal_secret(purpose, owner, owner.as_bytes());
            table.put(
                "authenticators",
                "secret",
                RowKey::Text(owner.to_owned()),
                Some(sealed.unwrap()),
            );
        }
        promote_another(&keys);
        Self {
            keys,
            column,
            table,
        }
    }

    async fn rewrap(&self, column: EncryptedColumn) -> ColumnReport {
        let registry = Registry::new([column]).unwrap();
        let report = Rotation::new(&registry, &self.table).rewrap().await;
        report.unwrap().columns()[0].clone()
    }

    fn stored(&self, owner: &str) -> Vec<u8> {
        let key = RowKey::Text(owner.to_owned());
        self.table.get("authenticators", "secret", &key).unwrap()
    }
}

#[tokio::test]
async fn secrets_are_sealed_again_and_open_for_their_owners() {
    let secrets = Secrets::of("totp");
    let old = secrets.keys.current();
    let listed = EncryptedColumn::new(secrets.column.clone()).secret("totp");
    assert_eq!(listed.purpose(), Some("totp"));
    let report = secrets.rewrap(listed).await;
    assert_eq!((report.counts.resealed, report.counts.problems), (3, 0));
    assert_eq!(report.purpose.as_deref(), Some("totp"));
    let retired = old.keys().next().unwrap().id();
    secrets.keys.replace(old.destroy(retired).unwrap());
    for owner in ["ann", "bob", "cat"] {
        let stored = secrets.stored(owner);
        let opened = secrets.column.open_secret("totp", owner, &stored);
        assert_eq!(opened.unwrap().expose(), owner.as_bytes());
        let other = secrets.column.open_secret("oauth", owner, &stored);
        assert!(other.is_err(), "another purpose");
        assert!(secrets.column.open_secret("totp", "eve", &stored).is_err());
    }
}

#[tokio::test]
async fn for_another_purpose_or_as_values_they_are_left_as_they_are() {
    let secrets = Secrets::of("totp");
    let before = secrets.stored("ann");
    let column = || EncryptedColumn::new(secrets.column.clone());
    for (name, listed) in [
        ("another purpose", column().secret("oauth")),
        ("values", column()),
    ] {
        let report = secrets.rewrap(listed).await;
        assert_eq!(report.counts.problems, 3, "{name}");
        assert_eq!(report.problems[0].reason, Reason::NotAuthentic, "{name}");
        assert_eq!(secrets.stored("ann"), before, "{name}");
    }
}

#[test]
fn a_secret_has_a_purpose() {
    let secrets = Secrets::of("totp");
    let column = &secrets.column;
    let refused = column.seal_secret("", "ann", b"secret").unwrap_err();
    assert_eq!(refused.reason(), Reason::NoPurpose);
    // Else whoever can write to the table puts a value in the place of a secret.
    let value = column.seal(&b"secret"[..], "ann").unwrap();
    let refused = column.open_secret("", "ann", value.as_bytes()).unwrap_err();
    assert_eq!(refused.reason(), Reason::NoPurpose);
    let listed = EncryptedColumn::new(column.clone()).secret("");
    let (table, column) = ("authenticators".to_owned(), "secret".to_owned());
    assert_eq!(
        Registry::new([listed]).unwrap_err(),
        RegistryError::NoPurpose { table, column }
    );
}

/// A table whose rows have numbers, and say whose they are in another column.
struct Numbered<'a> {
    table: &'a MemoryTable,
    of: fn(&EncryptedColumn, StoredRow) -> Option<StoredRow>,
}

impl Table for Numbered<'_> {
    type Error = std::convert::Infallible;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Self::Error> {
        let rows = self.table.page(column, after, limit).await?;
        let rows = rows.into_iter().filter_map(|row| (self.of)(column, row));
        Ok(rows.collect())
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Self::Error> {
        self.table.replace(column, changes).await
    }
}

#[tokio::test]
async fn rows_say_what_their_values_are_bound_to() {
    let secrets = Secrets::of("totp");
    let (column, table) = (&secrets.column, MemoryTable::new());
    let put = |row, sealed: Vec<u8>| {
        table.put(
            "authenticators",
            "secret",
            RowKey::Integer(row),
            Some(sealed),
        );
    };
    // Two purposes in one column, two secrets of one owner, and a value bound to no row.
    put(1, column.seal_secret("totp", "ann", b"one").unwrap());
    put(2, column.seal_secret("totp", "ann", b"two").unwrap());
    put(3, column.seal_secret("oauth", "ann", b"three").unwrap());
    let unbound = column.seal(&b"four"[..], RowId::dangerous_unbound());
    put(4, unbound.unwrap().into_bytes());
    promote_another(&secrets.keys);
    let numbered = Numbered {
        table: &table,
        of: |column, row| {
            let (RowKey::Integer(number), purpose) = (row.key(), column.purpose()) else {
                return None;
            };
            match (*number, purpose) {
                (1 | 2, Some("totp")) | (3, Some("oauth")) => {
                    Some(row.bound_to(RowKey::Text("ann".to_owned())))
                }
                (4, None) => Some(row.dangerous_unbound()),
                _ => None,
            }
        },
    };
    let listed = || EncryptedColumn::new(column.clone());
    let registry = Registry::new([listed().secret("totp"), listed().secret("oauth"), listed()]);
    let registry = registry.unwrap();
    let rotation = Rotation::new(&registry, &numbered).checkpoints(Records::memory(), "shop");
    let report = rotation.rewrap().await.unwrap();
    let resealed: Vec<_> = report
        .columns()
        .iter()
        .map(|column| (column.purpose.as_deref(), column.counts.resealed))
        .collect();
    assert_eq!(resealed, [(Some("totp"), 2), (Some("oauth"), 1), (None, 1)]);
    assert!(report.is_clean());
    let again = rotation.verify().await.unwrap();
    assert!(again.is_clean());
    assert_eq!(again.totals().current, 4);
}
