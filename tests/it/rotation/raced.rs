use super::*;

/// A table in which a service writes just before the rotation does.
struct Busy<'a> {
    scene: &'a Scene,
    /// The row that it writes, and how often.
    row: i64,
    times: AtomicUsize,
    writes: fn(&Scene, i64, usize),
}

impl Table for Busy<'_> {
    type Error = std::convert::Infallible;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Self::Error> {
        self.scene.table.page(column, after, limit).await
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Self::Error> {
        let left = self.times.load(Ordering::SeqCst);
        if left > 0 {
            self.times.store(left - 1, Ordering::SeqCst);
            (self.writes)(self.scene, self.row, left);
        }
        self.scene.table.replace(column, changes).await
    }
}

/// As a machine does that still has the old primary key.
fn write_with_the_old_key(scene: &Scene, row: i64, time: usize) {
    let ring = scene.keys.current().promote(scene.old).unwrap();
    let email = column(&LiveKeyring::new(ring), Padding::None);
    let sealed = email
        .seal(&format!("changed{time}@example.com"), row)
        .unwrap();
    put(&scene.table, row, Some(sealed.into_bytes()));
}

#[tokio::test]
async fn what_the_service_writes_stays() {
    let cases: [(&str, usize, fn(&Scene, i64, usize), u64, Option<&str>); 5] = [
        (
            "with the new key",
            1,
            |scene, row, _| {
                let sealed = scene.email.seal("changed@example.com", row).unwrap();
                put(&scene.table, row, Some(sealed.into_bytes()));
            },
            0,
            Some("changed@example.com"),
        ),
        (
            "with the old key",
            1,
            write_with_the_old_key,
            0,
            Some("changed1@example.com"),
        ),
        (
            "again and again",
            99,
            write_with_the_old_key,
            1,
            Some("changed95@example.com"),
        ),
        (
            "deleted",
            1,
            |scene, row, _| scene.table.delete("users", "email", &RowKey::Integer(row)),
            1,
            None,
        ),
        (
            "set to null",
            1,
            |scene, row, _| put(&scene.table, row, None),
            0,
            None,
        ),
    ];
    for (name, times, writes, contended, expected) in cases {
        let scene = Scene::with_rows(10);
        let busy = Busy {
            scene: &scene,
            row: 5,
            times: AtomicUsize::new(times),
            writes,
        };
        let report = Rotation::new(&scene.registry, &busy)
            .rewrap()
            .await
            .unwrap();
        let counts = report.totals();
        assert_eq!(counts.contended, contended, "{name}");
        assert_eq!(counts.rows, 10, "{name}");
        match expected {
            Some(expected) => assert_eq!(scene.read(5).unwrap(), expected, "{name}"),
            None => assert_eq!(get(&scene.table, 5), None, "{name}"),
        }
        let all_others = (1..=10).filter(|row| *row != 5);
        for row in all_others {
            assert_eq!(scene.read(row), Ok(address(row)), "{name}");
            assert_eq!(scene.key_of(row), Some(scene.new), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_lose_nothing() {
    for round in 0..50 {
        let scene = Arc::new(Scene::with_rows(40));
        let mut tasks = JoinSet::new();
        // Each writer has rows of its own, so it knows what has to be there at the end.
        for writer in 0..4 {
            let scene = Arc::clone(&scene);
            tasks.spawn(async move {
                for time in 0..25 {
                    let row = 1 + writer * 10 + (time * 7 + round) % 10;
                    let text = format!("writer{writer}-{row}@example.com");
                    let sealed = scene.email.seal(&text, row).unwrap();
                    put(&scene.table, row, Some(sealed.into_bytes()));
                    yield_now().await;
                }
            });
        }
        let rotating = Arc::clone(&scene);
        tasks.spawn(async move {
            let rotation = rotating.rotation().page_rows(7);
            assert!(rotation.rewrap().await.unwrap().is_clean());
        });
        tasks.join_all().await;
        for row in 1..=40 {
            let writer = (row - 1) / 10;
            assert_eq!(
                scene.read(row).unwrap(),
                format!("writer{writer}-{row}@example.com")
            );
            assert_eq!(scene.key_of(row), Some(scene.new));
        }
    }
}

#[tokio::test]
async fn a_primary_key_that_changes_meanwhile_stops_it() {
    let scene = Scene::with_rows(30);
    let changing = Busy {
        scene: &scene,
        row: 5,
        times: AtomicUsize::new(1),
        writes: |scene, _, _| {
            promote_another(&scene.keys);
        },
    };
    let rotation = Rotation::new(&scene.registry, &changing).page_rows(10);
    let error = rotation.rewrap().await.unwrap_err();
    assert!(matches!(error, RotationError::PrimaryChanged));
    assert!(rotation.rewrap().await.unwrap().is_clean());
    let newest = scene.keys.current().primary().id();
    assert!((1..=30).all(|row| scene.key_of(row) == Some(newest)));
}
