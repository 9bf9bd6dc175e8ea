use crate::store::{Collection, Record, Records, StoreError, StoreErrorKind, StoreFuture, Version};
use bytes::Bytes;

/// Writes that do nothing go here, where no record is.
const DECOYS: Collection = Collection::new("authn-decoy");

/// How often a record is read anew because another changed it in between. Each time somebody
/// else got on, and a lock-out ends the tries of all: so many in a row are no accident.
const MAX_TRIES: usize = 32;

/// What becomes of a record.
pub(super) enum Write {
    /// It stays as it is.
    Nothing,
    /// It stays as it is, in the time that a write takes.
    #[cfg_attr(
        not(feature = "totp"),
        expect(dead_code, reason = "a wrong recovery code writes nothing")
    )]
    Decoy,
    /// It holds this.
    Put(Vec<u8>),
    /// It goes.
    Delete,
}

/// Changes a user's record by one decision, which sees the record as it is at the moment of
/// the write: when another comes in between, it decides anew.
pub(super) async fn change<T, E: From<StoreError>>(
    records: &Records,
    collection: Collection,
    user: &str,
    mut decide: impl FnMut(Option<&Bytes>) -> Result<(Write, T), E>,
) -> Result<T, E> {
    for _ in 0..MAX_TRIES {
        let found = records.get(collection, user).await?;
        let version = found.as_ref().map(Record::version);
        let (write, answer) = decide(found.as_ref().map(Record::value))?;
        match written(records, collection, user, version, &write).await {
            Ok(_) => return Ok(answer),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    let message = "a record is being changed by too many at once";
    Err(StoreError::new(StoreErrorKind::Unavailable, message).into())
}

async fn written(
    records: &Records,
    collection: Collection,
    user: &str,
    found: Option<Version>,
    write: &Write,
) -> Result<(), StoreError> {
    let commit: StoreFuture<Version> = match (write, found) {
        (Write::Nothing, _) | (Write::Delete, None) => return Ok(()),
        (Write::Decoy, _) => records.delete(DECOYS, "", None),
        (Write::Put(value), None) => records.insert(collection, user, value),
        (Write::Put(value), Some(version)) => records.update(collection, user, version, value),
        (Write::Delete, Some(version)) => records.delete(collection, user, Some(version)),
    };
    commit.await.map(drop)
}
