//! Where state lives: in memory, or where several processes share it.

use super::config::{Config, StoreAddress};
use super::sqlite::SqliteRecords;
use super::token_keys::TokenKeys;
use super::vault::Vault;
use portcullis::store::{Records, Store};
use std::error::Error;

#[derive(Clone, Debug)]
pub(crate) struct Stores {
    /// What may pass, and is written for who has logged in: sessions, tokens, revocations.
    pub(crate) store: Store,
    /// What may pass, and is written for everybody: limits, bans, failed logins, links. In memory
    /// it is a store of its own, so that strangers who fill it keep nobody from logging out.
    /// Bound the memory of Redis by `maxmemory` with `noeviction`, and give it one of its own as
    /// well where that matters.
    pub(crate) anonymous: Store,
    /// What must not be lost: accounts, notes.
    pub(crate) records: Records,
    pub(crate) vault: Vault,
    pub(crate) keys: TokenKeys,
}

impl Stores {
    pub(crate) async fn open(config: &Config) -> Result<Self, Box<dyn Error>> {
        let (store, anonymous) = match &config.store {
            StoreAddress::Memory => (Store::memory(), Store::memory()),
            StoreAddress::Redis(url) => {
                let store = Store::redis(url.expose()).await?;
                (store.clone(), store)
            }
        };
        let records = match &config.database {
            None => Records::memory(),
            Some(file) => Records::new(SqliteRecords::open(file).await?),
        };
        let vault = Vault::open(config, &records).await?;
        let keys = TokenKeys::open(config, &records, &vault).await?;
        Ok(Self {
            store,
            anonymous,
            records,
            vault,
            keys,
        })
    }
}
