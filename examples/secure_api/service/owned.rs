//! What users keep here: so many of each kind, and none that outlives the account.

use super::records::{ID_LEN, broken};
use portcullis::authn::account::{Revoke, Revoking};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::store::{Change, Collection, Record, Records, StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};

const NOTES: Collection = Collection::new("note");
const UPLOADS: Collection = Collection::new("upload");
/// The content of uploads, whose ids begin with that of the upload.
pub(super) const CHUNKS: Collection = Collection::new("upload-chunk");
/// How much each user has.
const USAGE: Collection = Collection::new("usage");

/// How often a change is tried while others of the same user come between.
const MAX_TRIES: usize = 256;

/// What there is a bound for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Note,
    Upload,
}

impl Kind {
    pub(super) const fn collection(self) -> Collection {
        match self {
            Self::Note => NOTES,
            Self::Upload => UPLOADS,
        }
    }

    /// What is told to who has too many.
    const fn code(self) -> &'static str {
        match self {
            Self::Note => "too_many_notes",
            Self::Upload => "too_many_files",
        }
    }

    /// The most of one user: 16 MB of notes, 100 MB of uploads.
    const fn most(self) -> u32 {
        match self {
            Self::Note => 1_000,
            Self::Upload => 100,
        }
    }
}

/// How many a user has. It changes in one step with what it counts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Usage {
    notes: u32,
    uploads: u32,
}

impl Usage {
    const fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Note => &mut self.notes,
            Kind::Upload => &mut self.uploads,
        }
    }
}

/// What the users own, among the records.
#[derive(Clone, Debug)]
pub(super) struct Owned(Records);

impl Owned {
    pub(super) const fn new(records: Records) -> Self {
        Self(records)
    }

    /// Keeps one more, unless the owner has too many.
    pub(super) async fn add(
        &self,
        kind: Kind,
        owner: &str,
        id: &str,
        value: &[u8],
    ) -> Result<(), Rejection> {
        let insert = Change::insert_owned(kind.collection(), id, owner, value);
        for _ in 0..MAX_TRIES {
            let done = self.count(owner, insert, |usage| {
                let number = usage.of(kind);
                *number = number.saturating_add(1);
                match *number > kind.most() {
                    true => Err(Rejection::new(RejectionKind::Conflict).with_code(kind.code())),
                    false => Ok(()),
                }
            });
            if done.await? {
                return Ok(());
            }
        }
        Err(Rejection::new(RejectionKind::Unavailable))
    }

    /// What this owner has under this id. What is somebody else's is not there.
    pub(super) async fn find(
        &self,
        kind: Kind,
        owner: &str,
        id: &str,
    ) -> Result<Option<Record>, Rejection> {
        if id.len() != ID_LEN {
            return Ok(None);
        }
        let found = self.0.get(kind.collection(), id).await?;
        let is_own = |record: &Record| record.owner().is_some_and(|it| it == owner.as_bytes());
        Ok(found.filter(is_own))
    }

    /// Deletes one. Says whether it was there.
    pub(super) async fn remove(
        &self,
        kind: Kind,
        owner: &str,
        id: &str,
    ) -> Result<bool, Rejection> {
        for _ in 0..MAX_TRIES {
            let Some(found) = self.find(kind, owner, id).await? else {
                return Ok(false);
            };
            let delete = Change::delete(kind.collection(), id, Some(found.version()));
            let done = self.count(owner, delete, |usage| {
                let number = usage.of(kind);
                *number = number.saturating_sub(1);
                Ok(())
            });
            if done.await? {
                return Ok(true);
            }
        }
        Err(Rejection::new(RejectionKind::Unavailable))
    }

    /// Makes a change together with that of the count. Says whether nothing came between.
    async fn count(
        &self,
        owner: &str,
        change: Change<'_>,
        set: impl FnOnce(&mut Usage) -> Result<(), Rejection>,
    ) -> Result<bool, Rejection> {
        let found = self.0.get(USAGE, owner).await?;
        let mut usage = match &found {
            Some(record) => serde_json::from_slice(record.value()).map_err(|_| broken())?,
            None => Usage::default(),
        };
        set(&mut usage)?;
        let value = serde_json::to_vec(&usage).map_err(|_| broken())?;
        let counted = match &found {
            Some(record) => Change::update(USAGE, owner, record.version(), &value),
            None => Change::insert_owned(USAGE, owner, owner, &value),
        };
        match self.0.commit(&[counted, change]).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes all that an owner has in a collection.
    async fn clear(&self, collection: Collection, owner: &str) -> Result<(), StoreError> {
        loop {
            let page = self
                .0
                .list_owned(collection, owner, None, Change::MAX_BATCH)
                .await?;
            if page.is_empty() {
                return Ok(());
            }
            let deletions = page
                .iter()
                .map(|record| Change::delete(collection, record.id(), None));
            self.0.commit(&deletions.collect::<Vec<_>>()).await?;
        }
    }
}

/// The account is gone, and nobody could ask for its data or delete it any more.
impl Revoke for Owned {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            for collection in [NOTES, UPLOADS, CHUNKS, USAGE] {
                self.clear(collection, user).await?;
            }
            Ok(())
        })
    }
}
