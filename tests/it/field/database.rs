//! Sealed columns in a database: SQLite, in memory.

use super::{EMAIL, email};
use portcullis::clock::Timestamp;
use portcullis::crypto::field::{Encrypted, Migrating};
use sqlx::sqlite::SqlitePool;
use sqlx::{Row, query, query_as, query_scalar};

/// One connection: a database in memory is gone with the connection that made it.
async fn database(columns: &'static str) -> SqlitePool {
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect("sqlite::memory:").await.unwrap();
    query(columns).execute(&pool).await.unwrap();
    pool
}

#[tokio::test]
async fn what_is_stored_comes_back_and_opens_in_its_row() {
    let pool = database("CREATE TABLE users (id INTEGER PRIMARY KEY, email BLOB)").await;
    let column = email();
    for id in [1_i64, 2] {
        let sealed = column.seal(EMAIL, id).unwrap();
        let insert = query("INSERT INTO users (id, email) VALUES (?, ?)")
            .bind(id)
            .bind(sealed);
        insert.execute(&pool).await.unwrap();
    }
    let nothing: Option<Encrypted<String>> = None;
    let insert = query("INSERT INTO users (id, email) VALUES (3, ?)").bind(nothing);
    insert.execute(&pool).await.unwrap();

    let rows: Vec<(i64, Option<Encrypted<String>>)> =
        query_as("SELECT id, email FROM users ORDER BY id")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows[2].1.is_none(), "NULL stays NULL");
    for (id, sealed) in &rows[..2] {
        let sealed = sealed.as_ref().unwrap();
        assert_eq!(column.open(sealed, *id).unwrap().expose(), EMAIL);
    }

    // Whoever can write to the table puts one row's value into another.
    query("UPDATE users SET email = (SELECT email FROM users WHERE id = 2) WHERE id = 1")
        .execute(&pool)
        .await
        .unwrap();
    let moved: Encrypted<String> = query_scalar("SELECT email FROM users WHERE id = 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(column.open(&moved, 1).is_err());
    assert!(column.open(&moved, 2).is_ok());
}

#[tokio::test]
async fn a_column_of_text_holds_the_text() {
    let pool = database("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)").await;
    let column = email();
    let sealed = column.seal(EMAIL, 1).unwrap();
    let insert = query("INSERT INTO users VALUES (1, ?), (2, 'pc1.?')").bind(sealed.to_text());
    insert.execute(&pool).await.unwrap();
    let select = "SELECT email FROM users WHERE id = 1";
    let read: Encrypted<String> = query_scalar(select).fetch_one(&pool).await.unwrap();
    assert_eq!(read, sealed);
    let broken = query("SELECT email FROM users WHERE id = 2")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(broken.try_get::<Encrypted<String>, _>(0).is_err());
}

#[tokio::test]
async fn a_table_is_encrypted_row_by_row() {
    let pool = database("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)").await;
    query("INSERT INTO users VALUES (1, 'ann@example.com'), (2, 'bob@example.com')")
        .execute(&pool)
        .await
        .unwrap();
    let column = email().migrating_until(Timestamp::from_unix_seconds(u64::MAX));
    let mut batch = column.column().batch();
    let read = "SELECT id, email FROM users";
    let rows: Vec<(i64, Migrating<String>)> = query_as(read).fetch_all(&pool).await.unwrap();
    for (id, value) in &rows {
        assert!(value.is_plaintext());
        let plain = column.open(value, *id).unwrap();
        let sealed = batch.seal(plain.expose(), *id).unwrap();
        let update = query("UPDATE users SET email = ? WHERE id = ?")
            .bind(sealed)
            .bind(id);
        update.execute(&pool).await.unwrap();
    }
    let rows: Vec<(i64, Migrating<String>)> = query_as(read).fetch_all(&pool).await.unwrap();
    assert!(rows.iter().all(|(_, value)| !value.is_plaintext()));
    assert_eq!(
        column.open(&rows[1].1, rows[1].0).unwrap().expose(),
        "bob@example.com"
    );
    assert_eq!(column.plaintext_reads(), 2);
}
