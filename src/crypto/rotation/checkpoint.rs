use super::{Counts, EncryptedColumn, RotationError, RowKey};
use crate::crypto::keyring::KeyId;
use crate::store::{Collection, Records, StoreError, StoreErrorKind, Version};
use serde::{Deserialize, Serialize};

const CHECKPOINTS: Collection = Collection::new("rotation-checkpoint");

/// How far the rotation of one column is.
#[derive(Serialize, Deserialize)]
struct State {
    /// The key that values are sealed with: another one, and it begins anew.
    key: String,
    after: Option<RowKey>,
    counts: Counts,
}

/// Where a rotation of one column goes on.
#[derive(Debug)]
pub(super) struct Checkpoint<'a> {
    records: Option<&'a Records>,
    id: Vec<u8>,
    key: KeyId,
    version: Option<Version>,
    pub(super) after: Option<RowKey>,
    pub(super) counts: Counts,
}

impl<'a> Checkpoint<'a> {
    /// The one that an earlier run left, when it sealed with the same key; or the beginning.
    pub(super) async fn load(
        records: Option<&'a Records>,
        column: &EncryptedColumn,
        key: KeyId,
    ) -> Result<Self, RotationError> {
        let mut id = column.table().as_bytes().to_vec();
        id.push(0);
        id.extend_from_slice(column.column().as_bytes());
        let mut checkpoint = Self {
            records,
            id,
            key,
            version: None,
            after: None,
            counts: Counts::default(),
        };
        let Some(records) = records else {
            return Ok(checkpoint);
        };
        let found = records.get(CHECKPOINTS, &checkpoint.id).await;
        if let Some(record) = found.map_err(RotationError::Checkpoint)? {
            checkpoint.version = Some(record.version());
            // One that cannot be read is no reason to do nothing: it begins anew.
            let state = serde_json::from_slice::<State>(record.value()).ok();
            if let Some(state) = state.filter(|state| state.key == key.to_string()) {
                checkpoint.after = state.after;
                checkpoint.counts = state.counts;
            }
        }
        Ok(checkpoint)
    }

    /// Keeps that all rows up to this one are done.
    pub(super) async fn advance(&mut self, last: RowKey) -> Result<(), RotationError> {
        self.after = Some(last);
        let Some(records) = self.records else {
            return Ok(());
        };
        let state = State {
            key: self.key.to_string(),
            after: self.after.clone(),
            counts: self.counts,
        };
        let value = serde_json::to_vec(&state).map_err(|error| {
            let error = StoreError::new(StoreErrorKind::Invalid, "the checkpoint is not JSON")
                .with_source(error);
            RotationError::Checkpoint(error)
        })?;
        let written = match self.version {
            Some(version) => records.update(CHECKPOINTS, &self.id, version, &value).await,
            None => records.insert(CHECKPOINTS, &self.id, &value).await,
        };
        self.version = Some(written.map_err(failed)?);
        Ok(())
    }

    /// The column is done: the next rotation begins anew.
    pub(super) async fn finish(self) -> Result<(), RotationError> {
        if let (Some(records), Some(version)) = (self.records, self.version) {
            let deleted = records.delete(CHECKPOINTS, &self.id, Some(version)).await;
            deleted.map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: StoreError) -> RotationError {
    match error.kind() {
        StoreErrorKind::Conflict => RotationError::AnotherRuns,
        _ => RotationError::Checkpoint(error),
    }
}
