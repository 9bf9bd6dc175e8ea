//! Tenants whose rows stand in one table, each with a namespace of its own.

use super::*;

/// Gives each tenant its own rows: those of `acme` have even numbers.
struct Tenants<'a>(&'a MemoryTable);

impl Table for Tenants<'_> {
    type Error = std::convert::Infallible;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Self::Error> {
        let mut rows = self.0.page(column, after, limit).await?;
        rows.retain(|row| match row.key() {
            RowKey::Integer(row) => (row % 2 == 0) == (column.namespace() == "acme"),
            _ => false,
        });
        Ok(rows)
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Self::Error> {
        self.0.replace(column, changes).await
    }
}

#[tokio::test]
async fn each_has_its_own_rows_and_checkpoint() {
    let keys = LiveKeyring::new(Keyring::generate());
    let tenant = |name: &'static str| {
        let fields = FieldCipher::new(keys.clone(), name);
        fields.column("users", "email").unwrap()
    };
    let (acme, blue) = (tenant("acme"), tenant("blue"));
    let table = MemoryTable::new();
    for row in 1..=10 {
        let column = if row % 2 == 0 { &acme } else { &blue };
        let sealed = column.seal(&address(row), row).unwrap();
        put(&table, row, Some(sealed.into_bytes()));
    }
    promote_another(&keys);
    let columns = [&acme, &blue].map(|column| EncryptedColumn::new(column.clone()));
    let registry = Registry::new(columns).unwrap();
    let tenants = Tenants(&table);
    let rotation = Rotation::new(&registry, &tenants).checkpoints(Records::memory(), "shop");
    let report = rotation.rewrap().await.unwrap();
    for (column, name) in report.columns().iter().zip(["acme", "blue"]) {
        assert_eq!((&*column.namespace, column.counts.resealed), (name, 5));
    }
    assert!(report.is_clean());

    // Rows of others are problems, and are left as they are.
    let report = Rotation::new(&registry, &table).verify().await.unwrap();
    assert_eq!(report.totals().problems, 10);

    let twice = [&acme, &acme].map(|column| EncryptedColumn::new(column.clone()));
    assert!(Registry::new(twice).is_err());
}
