//! Retires an encryption key of a SQLite database while its service runs.
//!
//! ```console
//! $ cargo run --example rewrap --features full -- demo --database demo.db --keys demo.keys
//! $ cargo run --example rewrap --features full -- census --database demo.db --keys demo.keys
//! $ cargo run --example rewrap --features full -- rewrap --database demo.db --keys demo.keys
//! ```
//!
//! The columns are `users.email` unless told otherwise by `--column`. A rewrap that was killed
//! goes on where it was. Exit code 1 says that something is left to be looked at.

#[path = "secure_api/service/sqlite.rs"]
mod records;

use clap::{Arg, ArgAction, ArgMatches, Command};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::key_source::{KeyFile, KeySource};
use portcullis::crypto::keyring::{Key, KeyId, Keyring};
use portcullis::crypto::rotation::{
    EncryptedColumn, FileCensus, Registry, Replacement, Report, Rotation, RowKey, StoredRow, Table,
};
use portcullis::store::Records;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::process::ExitCode;

/// The service that the demonstration is of.
const NAMESPACE: &str = "shop";
const DEMO_ROWS: i64 = 20_000;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&command().get_matches()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rewrap: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let option = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help);
    let options = [
        option("database", "The SQLite file").required(true),
        option("keys", "The file with the keyring, mode 0600").required(true),
        option(
            "passphrase-variable",
            "The environment variable with its passphrase",
        ),
        option("namespace", "The namespace of the cipher").default_value(NAMESPACE),
        option(
            "column",
            "A column, as table.column; its rows have an integer id",
        )
        .action(ArgAction::Append)
        .default_value("users.email"),
        option("plaintext", "Seal values of text that are plaintext still")
            .action(ArgAction::SetTrue),
    ];
    let pages = [
        option("rate", "The most rows in a second").value_parser(clap::value_parser!(NonZeroU32)),
        option("page", "Rows of a page")
            .value_parser(clap::value_parser!(u16).range(1..))
            .default_value("500"),
    ];
    let with =
        |name: &'static str, about: &'static str| Command::new(name).about(about).args(&options);
    Command::new("rewrap")
        .about("Seals what old keys sealed with the primary one, and says when an old key can go")
        .subcommand_required(true)
        .subcommand(with(
            "demo",
            "Makes a database and keys to try the others on",
        ))
        .subcommand(
            with("census", "Counts the values of each key").arg(
                option(
                    "file",
                    "A file that the same keys encrypt; may be given again",
                )
                .action(ArgAction::Append),
            ),
        )
        .subcommand(with("dry-run", "Says what a rewrap would do").args(&pages))
        .subcommand(with("rewrap", "Does it").args(&pages))
        .subcommand(with("verify", "Opens every value").args(&pages))
}

/// Whether nothing is left to be looked at.
async fn run(matches: &ArgMatches) -> Result<bool, Box<dyn Error>> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err("no command".into());
    };
    let keys = key_file(matches)?;
    let options = SqliteConnectOptions::new()
        .filename(text(matches, "database"))
        .create_if_missing(name == "demo");
    let database = Database(SqlitePool::connect_with(options).await?);
    if name == "demo" {
        return demo(&database, &keys).await;
    }
    let ring = keys.load().await?;
    let registry = registry(matches, &ring)?;
    if name == "census" {
        let files = matches.get_many::<String>("file").unwrap_or_default();
        return census(&registry, &database, &ring, files).await;
    }
    let bar = ProgressBar::new(database.count(&registry).await?);
    let style = "{msg} [{wide_bar}] {pos}/{len} rows, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let rotation = rotation(matches, &registry, &database, &bar);
    let report = match name {
        "dry-run" => rotation.dry_run().await?,
        "verify" => rotation.verify().await?,
        _ => {
            let records = records::SqliteRecords::open(text(matches, "database")).await?;
            rotation
                .checkpoints(Records::new(records), text(matches, "database"))
                .rewrap()
                .await?
        }
    };
    bar.finish_and_clear();
    show(&report);
    Ok(report.is_clean())
}

fn rotation<'a>(
    matches: &ArgMatches,
    registry: &'a Registry,
    database: &'a Database,
    bar: &'a ProgressBar,
) -> Rotation<'a, Database> {
    let page = matches.get_one::<u16>("page").copied().unwrap_or(500);
    let rotation = Rotation::new(registry, database)
        .page_rows(page.into())
        .on_progress(|progress| {
            bar.set_message(format!("{}.{}", progress.table, progress.column));
            bar.set_position(progress.counts.rows);
        });
    match matches.get_one("rate") {
        Some(rate) => rotation.rows_per_second(*rate),
        None => rotation,
    }
}

async fn census(
    registry: &Registry,
    database: &Database,
    ring: &Keyring,
    files: impl Iterator<Item = &String>,
) -> Result<bool, Box<dyn Error>> {
    let mut census = Rotation::new(registry, database).census().await?;
    for path in files {
        let start = start_of(path).map_err(|error| format!("{path}: {error}"))?;
        census.count_file(&start);
    }
    for column in census.columns() {
        let (null, plaintext, malformed) = (column.null, column.plaintext, column.malformed);
        println!("{}.{}", column.table, column.column);
        for (key, values) in &column.keys {
            let state = ring.key(*key).map_or("unknown", |key| key.state().as_str());
            println!("  {key} {state:<12} {values:>10} values");
        }
        println!("  null {null}, plaintext {plaintext}, malformed {malformed}");
    }
    let files = census.files();
    if *files != FileCensus::default() {
        println!("files");
        for (key, count) in &files.keys {
            println!("  {key} {count:>23} files");
        }
        let (other, malformed) = (files.other, files.malformed);
        println!("  of a password or a wrapped key {other}, malformed {malformed}");
    }
    for key in ring.keys() {
        match census.check_retirable(key.id(), ring) {
            Ok(()) => println!("{} can be retired", key.id()),
            Err(reason) => println!("{} stays: {reason}", key.id()),
        }
    }
    let ready = census.check_ready(ring);
    if let Err(error) = &ready {
        println!("NOT READY: {error}");
    }
    Ok(ready.is_ok())
}

fn start_of(path: &str) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let file = File::open(path)?;
    file.take(FileCensus::START as u64)
        .read_to_end(&mut start)?;
    Ok(start)
}

fn show(report: &Report) {
    for column in report.columns() {
        let counts = column.counts;
        println!(
            "{}.{}: {} rows, {} sealed again, {} plaintexts sealed, {} current, {} null, \
             {} contended, {} problems",
            column.table,
            column.column,
            counts.rows,
            counts.resealed,
            counts.sealed,
            counts.current,
            counts.null,
            counts.contended,
            counts.problems,
        );
        for problem in &column.problems {
            let key = problem.key.as_ref().map(KeyId::to_string);
            let key = key.unwrap_or_else(|| "no key".to_owned());
            println!("  {:?} ({key}): {}", problem.row, problem.reason);
        }
    }
}

fn registry(matches: &ArgMatches, ring: &Keyring) -> Result<Registry, Box<dyn Error>> {
    let fields = FieldCipher::new(ring.clone(), text(matches, "namespace"));
    let names = matches.get_many::<String>("column").unwrap_or_default();
    let mut columns = Vec::new();
    for name in names {
        let parts = name
            .split_once('.')
            .filter(|(table, column)| is_identifier(table) && is_identifier(column));
        let (table, column) = parts.ok_or_else(|| format!("{name:?} is not table.column"))?;
        let column = EncryptedColumn::new(fields.column(table, column)?);
        columns.push(if matches.get_flag("plaintext") {
            column.sealing_plaintext_as::<String>()
        } else {
            column
        });
    }
    Ok(Registry::new(columns)?)
}

/// These go into statements as they are.
fn is_identifier(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_word)
}

fn key_file(matches: &ArgMatches) -> Result<KeyFile, Box<dyn Error>> {
    let file = KeyFile::new(text(matches, "keys"));
    match matches.get_one::<String>("passphrase-variable") {
        None => Ok(file),
        Some(variable) => {
            let passphrase = std::env::var(variable);
            let passphrase = passphrase.map_err(|_| format!("{variable} is not set"))?;
            Ok(file.sealed_with_passphrase(passphrase))
        }
    }
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// A database whose keyring has just been given another primary key.
async fn demo(database: &Database, keys: &KeyFile) -> Result<bool, Box<dyn Error>> {
    let old = Keyring::generate();
    let email = FieldCipher::new(old.clone(), NAMESPACE).column("users", "email")?;
    let mut transaction = database.0.begin().await?;
    sqlx::query("CREATE TABLE users (id INTEGER PRIMARY KEY, email BLOB)")
        .execute(&mut *transaction)
        .await?;
    let mut sealer = email.batch();
    for id in 1..=DEMO_ROWS {
        let sealed = sealer.seal(&format!("user{id}@example.com"), id)?;
        sqlx::query("INSERT INTO users VALUES (?, ?)")
            .bind(id)
            .bind(sealed.into_bytes())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    let key = Key::generate();
    let id = key.id();
    keys.write(&old.with_key(key)?.promote(id)?).await?;
    println!(
        "{DEMO_ROWS} rows, sealed with {}; {id} is primary",
        old.primary().id()
    );
    Ok(true)
}

/// Tables with an integer `id`.
struct Database(SqlitePool);

impl Database {
    async fn count(&self, registry: &Registry) -> Result<u64, sqlx::Error> {
        let mut rows = 0;
        for column in registry.columns() {
            let count = format!("SELECT count(*) FROM {}", column.table());
            let count = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&self.0);
            let count: i64 = count.await?;
            rows += count.cast_unsigned();
        }
        Ok(rows)
    }
}

impl Table for Database {
    type Error = sqlx::Error;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, sqlx::Error> {
        let (table, name) = (column.table(), column.column());
        // What was stored as text is no BLOB to SQLite, nor equal to one.
        let select = format!(
            "SELECT id, CAST({name} AS BLOB) FROM {table} WHERE ?1 IS NULL OR id > ?1 \
             ORDER BY id LIMIT ?2"
        );
        let after = match after {
            Some(RowKey::Integer(id)) => Some(*id),
            _ => None,
        };
        let select = sqlx::query(AssertSqlSafe(select))
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = select.fetch_all(&self.0).await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            let key = RowKey::Integer(row.try_get(0)?);
            Ok(StoredRow::new(key, row.try_get(1)?))
        };
        rows.iter().map(row).collect()
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, sqlx::Error> {
        let (table, name) = (column.table(), column.column());
        let update =
            format!("UPDATE {table} SET {name} = ? WHERE id = ? AND CAST({name} AS BLOB) = ?");
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        let mut made = Vec::with_capacity(changes.len());
        for change in changes {
            let RowKey::Integer(id) = change.key() else {
                made.push(false);
                continue;
            };
            let update = sqlx::query(AssertSqlSafe(update.as_str()));
            // What was the text of a sealed value stays text.
            let update = match std::str::from_utf8(change.value()) {
                Ok(text) if text.starts_with("pc1.") => update.bind(text),
                _ => update.bind(change.value()),
            };
            let update = update.bind(id).bind(change.expected());
            let done = update.execute(&mut *transaction).await?;
            made.push(done.rows_affected() == 1);
        }
        transaction.commit().await?;
        Ok(made)
    }
}
