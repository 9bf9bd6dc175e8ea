use super::*;

/// A table that lets the process be killed before and after each access.
struct Yielding<'a>(&'a MemoryTable);

impl Table for Yielding<'_> {
    type Error = std::convert::Infallible;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Self::Error> {
        yield_now().await;
        let page = self.0.page(column, after, limit).await;
        yield_now().await;
        page
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Self::Error> {
        yield_now().await;
        // Not in one transaction: half of them may be there when it is killed.
        let (half, rest) = changes.split_at(changes.len() / 2);
        let mut made = self.0.replace(column, half).await?;
        yield_now().await;
        made.extend(self.0.replace(column, rest).await?);
        yield_now().await;
        Ok(made)
    }
}

#[test]
fn at_any_moment_it_loses_nothing_and_goes_on() {
    // Without a runtime, so that it can be stopped between any two steps.
    let context = &mut Context::from_waker(Waker::noop());
    let mut kills = 0;
    for step in 1.. {
        let scene = Scene::with_rows(20);
        let (records, table) = (Records::memory(), Yielding(&scene.table));
        let rotation = Rotation::new(&scene.registry, &table)
            .page_rows(6)
            .checkpoints(records, "shop");
        let is_done = {
            let mut running = pin!(rotation.rewrap());
            (0..step).any(|_| running.as_mut().poll(context).is_ready())
        };
        for row in 1..=20 {
            assert_eq!(scene.read(row), Ok(address(row)), "killed after {step}");
        }
        let mut running = pin!(rotation.rewrap());
        let report = loop {
            if let Poll::Ready(report) = running.as_mut().poll(context) {
                break report.unwrap();
            }
        };
        assert!(report.is_clean());
        for row in 1..=20 {
            assert_eq!(scene.read(row), Ok(address(row)));
            assert_eq!(scene.key_of(row), Some(scene.new), "killed after {step}");
        }
        if is_done {
            break;
        }
        kills += 1;
    }
    assert!(kills > 15, "only {kills} moments");
}

/// Fails from its n-th page on.
pub(super) struct Failing<'a> {
    table: &'a MemoryTable,
    pages_left: AtomicUsize,
    pages: AtomicUsize,
}

impl Table for Failing<'_> {
    type Error = io::Error;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, io::Error> {
        let left = self.pages_left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(io::Error::other("the connection was lost"));
        }
        self.pages_left.store(left - 1, Ordering::SeqCst);
        self.pages.fetch_add(1, Ordering::SeqCst);
        Ok(self.table.page(column, after, limit).await.unwrap())
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, io::Error> {
        Ok(self.table.replace(column, changes).await.unwrap())
    }
}

pub(super) fn failing(table: &MemoryTable, pages: usize) -> Failing<'_> {
    Failing {
        table,
        pages_left: AtomicUsize::new(pages),
        pages: AtomicUsize::new(0),
    }
}

#[tokio::test]
async fn what_was_done_is_not_read_again() {
    let scene = Scene::with_rows(100);
    let records = Records::memory();
    let rotation = |table| {
        let rotation = Rotation::new(&scene.registry, table);
        rotation.page_rows(10).checkpoints(records.clone(), "shop")
    };
    let broken = failing(&scene.table, 7);
    let error = rotation(&broken).rewrap().await.unwrap_err();
    assert!(matches!(error, RotationError::Table(_)));
    let rest = failing(&scene.table, 100);
    let report = rotation(&rest).rewrap().await.unwrap();
    assert_eq!(rest.pages.load(Ordering::SeqCst), 4, "three, and the end");
    let counts = report.totals();
    assert_eq!((counts.rows, counts.resealed), (100, 100), "of both runs");
    // Done: the next one begins anew.
    assert!(records.list(CHECKPOINTS, None, 1).await.unwrap().is_empty());
    let again = failing(&scene.table, 100);
    assert_eq!(
        rotation(&again).rewrap().await.unwrap().totals().current,
        100
    );
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_of_no_use() {
    let scene = Scene::with_rows(100);
    let records = Records::memory();
    let broken = failing(&scene.table, 7);
    let rotation = Rotation::new(&scene.registry, &broken).page_rows(10);
    rotation
        .checkpoints(records.clone(), "shop")
        .rewrap()
        .await
        .unwrap_err();
    let newest = promote_another(&scene.keys);
    let rotation = scene.rotation().checkpoints(records, "shop");
    assert_eq!(rotation.rewrap().await.unwrap().totals().resealed, 100);
    assert!((1..=100).all(|row| scene.key_of(row) == Some(newest)));
}

#[tokio::test]
async fn a_checkpoint_that_is_nonsense_is_no_obstacle() {
    let scene = Scene::with_rows(10);
    let records = Records::memory();
    let broken = failing(&scene.table, 1);
    let rotation = Rotation::new(&scene.registry, &broken).page_rows(5);
    let rotation = rotation.checkpoints(records.clone(), "shop");
    rotation.rewrap().await.unwrap_err();
    let left = records.list(CHECKPOINTS, None, 9).await.unwrap();
    let [left] = &left[..] else { panic!() };
    let overwritten = records.update(CHECKPOINTS, left.id(), left.version(), b"{");
    overwritten.await.unwrap();
    let rotation = scene.rotation().checkpoints(records, "shop");
    assert_eq!(rotation.rewrap().await.unwrap().totals().current, 5);
}

/// Each with the same tables, under the same names, and half done.
#[tokio::test]
async fn a_checkpoint_of_another_database_is_not_ours() {
    let (one, other) = (Scene::with_rows(20), Scene::with_rows(20));
    let keys = &one.keys;
    // The same keyring in both, as shards have.
    for row in 1..=20 {
        put(&other.table, row, get(&one.table, row));
    }
    let records = Records::memory();
    let broken = failing(&one.table, 2);
    let rotation = Rotation::new(&one.registry, &broken).page_rows(5);
    let rotation = rotation.checkpoints(records.clone(), "shard 1");
    rotation.rewrap().await.unwrap_err();

    let second = Rotation::new(&one.registry, &other.table);
    let second = second.checkpoints(records.clone(), "shard 2");
    assert_eq!(second.rewrap().await.unwrap().totals().resealed, 20);

    // Another namespace of the same table.
    let tenant = FieldCipher::new(keys.clone(), "tenant")
        .column("users", "email")
        .unwrap();
    let registry = Registry::new([EncryptedColumn::new(tenant)]).unwrap();
    let third = Rotation::new(&registry, &other.table);
    let third = third.checkpoints(records, "shard 1");
    assert_eq!(third.rewrap().await.unwrap().totals().rows, 20);
}

#[tokio::test]
async fn two_at_once_are_noticed() {
    let scene = Scene::with_rows(20);
    let records = Records::memory();
    let table = Yielding(&scene.table);
    let rotation = || {
        let rotation = Rotation::new(&scene.registry, &table);
        rotation.page_rows(3).checkpoints(records.clone(), "shop")
    };
    let (one, two) = (rotation(), rotation());
    let outcomes = tokio::join!(one.rewrap(), two.rewrap());
    let is_noticed = |outcome: &Result<_, _>| matches!(outcome, Err(RotationError::AnotherRuns));
    assert!(is_noticed(&outcomes.0) || is_noticed(&outcomes.1));
    rotation().rewrap().await.unwrap();
    for row in 1..=20 {
        assert_eq!(scene.read(row), Ok(address(row)));
    }
}
