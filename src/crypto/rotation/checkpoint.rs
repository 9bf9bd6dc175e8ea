use super::{Counts, EncryptedColumn, RotationError, RowKey};
use crate::crypto::kdf::put_text;
use crate::store::{Collection, Records, StoreError, StoreErrorKind, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const CHECKPOINTS: Collection = Collection::new("rotation-checkpoint");

/// Where the checkpoints of one database are kept.
#[derive(Debug)]
pub(super) struct Checkpoints {
    records: Records,
    database: Box<str>,
}

impl Checkpoints {
    pub(super) fn new(records: Records, database: &str) -> Self {
        Self {
            records,
            database: database.into(),
        }
    }

    /// Of the database and the column, and of no other. Hashed, for names together may be
    /// longer than the id of a record.
    fn id(&self, column: &EncryptedColumn) -> Id {
        let mut names = Vec::new();
        put_text(&mut names, &self.database);
        column
            .names()
            .iter()
            .for_each(|name| put_text(&mut names, name));
        Sha256::digest(names).into()
    }
}

type Id = [u8; 32];

/// How far the rotation of one column is.
#[derive(Serialize, Deserialize)]
struct State {
    /// The key and the way that values are sealed with: another one, and it begins anew.
    sealed_as: String,
    after: Option<RowKey>,
    counts: Counts,
}

/// Where a rotation of one column goes on.
#[derive(Debug)]
pub(super) struct Checkpoint<'a> {
    place: Option<(&'a Records, Id)>,
    sealed_as: String,
    version: Option<Version>,
    pub(super) after: Option<RowKey>,
    pub(super) counts: Counts,
}

impl<'a> Checkpoint<'a> {
    /// The one that an earlier run left, when it sealed in the same way; or the beginning.
    pub(super) async fn load(
        checkpoints: Option<&'a Checkpoints>,
        column: &EncryptedColumn,
    ) -> Result<Self, RotationError> {
        let mut checkpoint = Self {
            place: checkpoints.map(|it| (&it.records, it.id(column))),
            sealed_as: column.cipher().sealed_as(),
            version: None,
            after: None,
            counts: Counts::default(),
        };
        let Some((records, id)) = &checkpoint.place else {
            return Ok(checkpoint);
        };
        let found = records.get(CHECKPOINTS, id).await;
        if let Some(record) = found.map_err(RotationError::Checkpoint)? {
            checkpoint.version = Some(record.version());
            // One that cannot be read is no reason to do nothing: it begins anew.
            let state = serde_json::from_slice::<State>(record.value()).ok();
            if let Some(state) = state.filter(|state| state.sealed_as == checkpoint.sealed_as) {
                checkpoint.after = state.after;
                checkpoint.counts = state.counts;
            }
        }
        Ok(checkpoint)
    }

    /// Keeps that all rows up to this one are done.
    pub(super) async fn advance(&mut self, last: RowKey) -> Result<(), RotationError> {
        self.after = Some(last);
        let Some((records, id)) = &self.place else {
            return Ok(());
        };
        let state = State {
            sealed_as: self.sealed_as.clone(),
            after: self.after.clone(),
            counts: self.counts,
        };
        let value = serde_json::to_vec(&state).map_err(|error| {
            let error = StoreError::new(StoreErrorKind::Invalid, "the checkpoint is not JSON")
                .with_source(error);
            RotationError::Checkpoint(error)
        })?;
        let written = match self.version {
            Some(version) => records.update(CHECKPOINTS, id, version, &value).await,
            None => records.insert(CHECKPOINTS, id, &value).await,
        };
        self.version = Some(written.map_err(failed)?);
        Ok(())
    }

    /// The column is done: the next rotation begins anew.
    pub(super) async fn finish(self) -> Result<(), RotationError> {
        if let (Some((records, id)), Some(version)) = (self.place, self.version) {
            let deleted = records.delete(CHECKPOINTS, &id, Some(version)).await;
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
