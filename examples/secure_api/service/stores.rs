//! Where state lives: in memory, or where several processes share it.

use super::config::{Config, StoreAddress};
use super::sqlite::SqliteRecords;
use super::token_keys::TokenKeys;
use super::vault::Vault;
use portcullis::store::{Records, Store};
use std::error::Error;

/// Whoever fills the store of sessions keeps everybody from logging in and out.
const ANONYMOUS_STORE_MISSING: &str = "STORE is a Redis and ANONYMOUS_STORE is not set: what \
    strangers cause (limits, bans, failed logins) is kept beside the sessions, and may fill \
    their store; name another Redis for it";

#[derive(Clone, Debug)]
pub(crate) struct Stores {
    /// What may pass, and is written for who has logged in: sessions, tokens, revocations.
    pub(crate) store: Store,
    /// What may pass, and is written for everybody: limits, bans, failed logins, links. It is a
    /// store of its own, so that strangers who fill it keep nobody from logging out. A Redis is
    /// to be another server than that of the sessions, for what bounds its memory (`maxmemory`,
    /// with `noeviction`) holds for all of its databases together.
    pub(crate) anonymous: Store,
    /// What must not be lost: accounts, notes.
    pub(crate) records: Records,
    pub(crate) vault: Vault,
    pub(crate) keys: TokenKeys,
}

impl Stores {
    pub(crate) async fn open(config: &Config) -> Result<Self, Box<dyn Error>> {
        let store = open(&config.store).await?;
        let anonymous = match (&config.anonymous_store, &config.store) {
            (Some(address), _) => open(address).await?,
            (None, StoreAddress::Memory) => Store::memory(),
            (None, StoreAddress::Redis(_)) => {
                tracing::warn!("{ANONYMOUS_STORE_MISSING}");
                store.clone()
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

async fn open(address: &StoreAddress) -> Result<Store, Box<dyn Error>> {
    match address {
        StoreAddress::Memory => Ok(Store::memory()),
        StoreAddress::Redis(url) => Ok(Store::redis(url.expose()).await?),
    }
}
