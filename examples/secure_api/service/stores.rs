//! Where state lives: in memory, or where several processes share it.

use super::config::{Config, StoreAddress};
use super::sqlite::SqliteRecords;
use super::token_keys::TokenKeys;
use super::vault::Vault;
use portcullis::store::{Records, Store};
use std::error::Error;

#[derive(Clone, Debug)]
pub(crate) struct Stores {
    /// What may pass: limits, bans.
    pub(crate) store: Store,
    /// What must not be lost: accounts, notes.
    pub(crate) records: Records,
    pub(crate) vault: Vault,
    pub(crate) keys: TokenKeys,
}

impl Stores {
    pub(crate) async fn open(config: &Config) -> Result<Self, Box<dyn Error>> {
        let store = match &config.store {
            StoreAddress::Memory => Store::memory(),
            StoreAddress::Redis(url) => Store::redis(url.expose()).await?,
        };
        let records = match &config.database {
            None => Records::memory(),
            Some(file) => Records::new(SqliteRecords::open(file).await?),
        };
        let vault = Vault::open(config, &records).await?;
        let keys = TokenKeys::open(config, &records, &vault).await?;
        Ok(Self {
            store,
            records,
            vault,
            keys,
        })
    }
}
