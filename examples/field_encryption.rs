//! A table whose e-mail addresses and dates of birth are encrypted: sealed on the way in,
//! opened on the way out, refused where they do not belong, and sealed again under a new key.
//!
//! ```console
//! $ cargo run --example field_encryption --features field-encryption
//! ```

use portcullis::crypto::field::{Encrypted, FieldCipher, FieldColumn};
use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
use std::collections::BTreeMap;
use std::error::Error;

/// A row as it is stored. Whoever reads the table, a backup or this program's log sees ids.
#[derive(Debug)]
struct User {
    email: Encrypted<String>,
    /// Not everybody gave one. `NULL` is not encrypted.
    born: Option<Encrypted<String>>,
}

/// Any database would do: a sealed value is a column of bytes.
type Table = BTreeMap<i64, User>;

struct Columns {
    email: FieldColumn,
    born: FieldColumn,
}

fn main() -> Result<(), Box<dyn Error>> {
    // From the environment variable PORTCULLIS_KEYS; without it, new keys for this run.
    let keyring = Keyring::from_env().unwrap_or_else(|_| Keyring::generate());
    let keyring = LiveKeyring::new(keyring);

    // Once, at the start. "shop" keeps this service's values apart from others'.
    let fields = FieldCipher::new(&keyring, "shop");
    let columns = Columns {
        email: fields.column("users", "email")?,
        born: fields.column("users", "born")?,
    };

    let mut table = Table::new();
    insert(
        &mut table,
        &columns,
        1,
        "ann@example.com",
        Some("1990-04-01"),
    )?;
    insert(&mut table, &columns, 2, "bob@example.com", None)?;
    println!("stored: {:?}", table.get(&1));

    if let Some(ann) = table.get(&1) {
        println!("opened: {}", columns.email.open(&ann.email, 1)?.expose());
        // Somebody who can write to the table gives Bob's row the address of Ann.
        if let Err(refused) = columns.email.open(&ann.email, 2) {
            println!(
                "moved to row 2: {refused} (for the log: {})",
                refused.reason().code()
            );
        }
    }

    rotate(&keyring, &columns, &mut table)?;
    for (id, user) in &table {
        let born = user.born.as_ref().map(|born| columns.born.open(born, *id));
        let born = born.transpose()?;
        let born = born.as_ref().map_or("unknown", |born| born.expose());
        println!(
            "user {id}: {}, born {born}",
            columns.email.open(&user.email, *id)?.expose()
        );
    }
    Ok(())
}

fn insert(
    table: &mut Table,
    columns: &Columns,
    id: i64,
    email: &str,
    born: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let email = columns.email.seal(email, id)?;
    let born = born.map(|born| columns.born.seal(born, id)).transpose()?;
    table.insert(id, User { email, born });
    Ok(())
}

/// Replaces the key: in a fleet, each of the first two steps on every machine before the next.
fn rotate(
    keyring: &LiveKeyring,
    columns: &Columns,
    table: &mut Table,
) -> Result<(), Box<dyn Error>> {
    let old = keyring.current().primary().id();
    let key = Key::generate();
    let new = key.id();
    keyring.replace(keyring.current().with_key(key)?);
    keyring.replace(keyring.current().promote(new)?);

    // Old values still open; at leisure they are sealed again.
    let (mut emails, mut births) = (columns.email.batch(), columns.born.batch());
    for (id, user) in table.iter_mut() {
        if !columns.email.is_current(&user.email) {
            let email = columns.email.open(&user.email, *id)?;
            user.email = emails.seal(email.expose(), *id)?;
        }
        if let Some(born) = &mut user.born
            && !columns.born.is_current(born)
        {
            let opened = columns.born.open(born, *id)?;
            *born = births.seal(opened.expose(), *id)?;
        }
    }

    // Nothing is left under the old key.
    keyring.replace(keyring.current().disable(old)?);
    keyring.replace(keyring.current().destroy(old)?);
    println!("sealed again: {old} -> {new}");
    Ok(())
}
