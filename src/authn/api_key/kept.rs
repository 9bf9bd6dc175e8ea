//! The keys of an owner among the records.

use super::error::ApiKeyError;
use super::keys::{ApiKeys, MAX_TRIES};
use super::owner::KeyOwner;
use super::record::KeyRecord;
use super::text::is_id;
use crate::event::EventKind;
use crate::store::{Change, Collection, Record, Records, StoreErrorKind};

pub(super) const KEYS: Collection = Collection::new("api-key");

/// A record for each owner that every new key of theirs changes, so that two made at once see
/// each other.
pub(super) const OWNERS: Collection = Collection::new("api-key-owner");

impl ApiKeys {
    /// Ends those of an owner's keys that are meant, and tells how many there were. `is_meant`
    /// gets `None` for what cannot be read.
    pub(super) async fn end(
        &self,
        owner: &str,
        is_meant: impl Fn(&Record, Option<&KeyRecord>) -> bool + Send,
    ) -> Result<usize, ApiKeyError> {
        let mut count = 0;
        // One made meanwhile is found by another look.
        for _ in 0..MAX_TRIES {
            let found = self.records_in(owner).await?;
            let meant = found.into_iter().filter(|record| {
                let key = KeyRecord::decode(record.value()).ok();
                is_meant(record, key.as_ref())
            });
            let meant: Vec<_> = meant.collect();
            if meant.is_empty() {
                return Ok(count);
            }
            for batch in meant.chunks(Change::MAX_BATCH) {
                // Ids are never used again, so whatever is there by now is this key.
                let deletions = batch
                    .iter()
                    .map(|record| Change::delete(KEYS, record.id(), None));
                self.records.commit(&deletions.collect::<Vec<_>>()).await?;
            }
            for record in &meant {
                self.tell(EventKind::AuthnTokenRevoked, owner, &id_of(record));
            }
            count += meant.len();
        }
        Err(ApiKeyError::Contended)
    }

    /// Inserts a key, within the limit, and changes the one that it replaces. `false` when
    /// another change came between.
    pub(super) async fn insert(
        &self,
        owner: &str,
        id: &str,
        key: &KeyRecord,
        replaced: Option<(&Record, Vec<u8>)>,
    ) -> Result<bool, ApiKeyError> {
        let lock = self.records.get(OWNERS, owner).await?;
        let expired = self.room(owner).await?;
        let value = key.encode()?;
        let mut changes = vec![
            match &lock {
                Some(lock) => Change::update(OWNERS, owner, lock.version(), b""),
                None => Change::insert(OWNERS, owner, b""),
            },
            Change::insert_owned(KEYS, id, owner, &value),
        ];
        if let Some((old, value)) = &replaced {
            changes.push(Change::update(KEYS, old.id(), old.version(), value));
        }
        let gone = expired.iter();
        changes
            .extend(gone.map(|record| Change::delete(KEYS, record.id(), Some(record.version()))));
        match self.records.commit(&changes).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The expired keys that must go, so that there is room for one more.
    async fn room(&self, owner: &str) -> Result<Vec<Record>, ApiKeyError> {
        /// Beside them a commit has three changes.
        const MAX_GONE: usize = Change::MAX_BATCH - 3;
        let now = self.now();
        let mut keys = self.records_of(owner).await?;
        if keys.len() < self.max_per_owner {
            return Ok(Vec::new());
        }
        let count = keys.len();
        keys.retain(|(_, key)| key.is_expired(now));
        let missing = (count + 1).saturating_sub(self.max_per_owner);
        if keys.len() < missing {
            return Err(ApiKeyError::LimitReached(self.max_per_owner));
        }
        let gone = keys.into_iter().take(MAX_GONE).map(|(record, _)| record);
        Ok(gone.collect())
    }

    pub(super) async fn records_of(
        &self,
        owner: &str,
    ) -> Result<Vec<(Record, KeyRecord)>, ApiKeyError> {
        let mut keys = Vec::new();
        for record in self.records_in(owner).await? {
            let key = KeyRecord::decode(record.value())?;
            keys.push((record, key));
        }
        Ok(keys)
    }

    /// The keys of an owner in all tenants, as they are written.
    async fn records_in(&self, owner: &str) -> Result<Vec<Record>, ApiKeyError> {
        let found = self
            .records
            .list_owned(KEYS, owner, None, Records::MAX_PAGE);
        Ok(found.await?)
    }

    /// A key, if it is this owner's.
    pub(super) async fn owned(
        &self,
        owner: KeyOwner<'_>,
        id: &str,
    ) -> Result<(Record, KeyRecord), ApiKeyError> {
        if !is_id(id) {
            return Err(ApiKeyError::NotFound);
        }
        let record = self.records.get(KEYS, id).await?;
        let record = record.ok_or(ApiKeyError::NotFound)?;
        let key = KeyRecord::decode(record.value())?;
        if !owner.has(&key) {
            return Err(ApiKeyError::NotFound);
        }
        Ok((record, key))
    }
}

pub(super) fn id_of(record: &Record) -> String {
    String::from_utf8_lossy(record.id()).into_owned()
}
