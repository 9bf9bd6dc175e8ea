use super::record::SubjectRecord;
use super::rewrap::Rewrapped;
use super::{SubjectError, SubjectErrorKind, SubjectProblem, SubjectRewrap};
use crate::clock::{Clock, Timestamp};
use crate::crypto::kek::flight::{EntryId, FlightCache};
use crate::crypto::kek::{DataKey, Kek, KekContext, WrappedKey};
use crate::crypto::keyring::{Key, Keyring};
use crate::secret::SecretBytes;
use crate::store::{Collection, Record, Records, StoreErrorKind};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

const KEYS: Collection = Collection::new("subject-key");

/// The keys of subjects: people, customers, whoever is to be forgotten alone. Cheap to clone;
/// clones share one cache.
#[derive(Clone, Debug)]
pub struct SubjectKeys {
    records: Records,
    kek: Arc<dyn Kek>,
    cache: FlightCache<Keyring, SubjectError>,
}

impl SubjectKeys {
    /// Keys kept in these records, wrapped by this KEK. Of 1024 subjects the key is kept for
    /// up to 5 minutes.
    #[must_use]
    pub fn new(records: Records, kek: impl Kek) -> Self {
        Self {
            records,
            kek: Arc::new(kek),
            cache: FlightCache::new(),
        }
    }

    /// Sets for how long a key is used before it is read again: as long can another process
    /// go on after a subject was erased.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.cache.limits.age = age;
        self
    }

    /// Sets of how many subjects the key is kept.
    #[must_use]
    pub const fn max_subjects(mut self, subjects: usize) -> Self {
        self.cache.limits.entries = subjects;
        self
    }

    /// Takes time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.cache.clock = clock;
        self
    }

    /// The keyring of a subject that has one.
    ///
    /// # Errors
    /// [`Unknown`](SubjectErrorKind::Unknown) when it has none,
    /// [`Erased`](SubjectErrorKind::Erased) when it was destroyed, or when it cannot be had.
    pub async fn get(&self, subject: &str) -> Result<Keyring, SubjectError> {
        let fetch = || self.fetch(subject);
        self.cache.get(entry(subject), 0, fetch).await
    }

    /// The keyring of a subject; a new one when it has none.
    ///
    /// # Errors
    /// [`Erased`](SubjectErrorKind::Erased) when it was destroyed, or when it cannot be had.
    pub async fn get_or_create(&self, subject: &str) -> Result<Keyring, SubjectError> {
        match self.get(subject).await {
            Err(error) if error.kind() == SubjectErrorKind::Unknown => {}
            other => return other,
        }
        let (created, key) = (self.cache.clock.now(), DataKey::generate());
        let wrapped = self.kek.wrap(&key, &context(subject)).await?;
        let record = SubjectRecord::Key { created, wrapped }.encode();
        match self.records.insert(KEYS, subject, &record).await {
            Ok(_) => {}
            // Another was first: hers is the key.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
        self.get(subject).await
    }

    /// Destroys the key of a subject, for good. A subject that has none is erased too, and
    /// never gets one. Answers whether there was a key.
    ///
    /// # Errors
    /// When the records cannot be written. Then the key may still be there: try again.
    pub async fn destroy(&self, subject: &str) -> Result<bool, SubjectError> {
        let destroyed = self.cache.clock.now();
        let tombstone = SubjectRecord::Tombstone { destroyed }.encode();
        loop {
            let found = self.records.get(KEYS, subject).await?;
            let written = match &found {
                Some(record) if is_tombstone(record) => {
                    self.cache.forget(&entry(subject));
                    return Ok(false);
                }
                Some(record) => {
                    let version = record.version();
                    self.records
                        .update(KEYS, subject, version, &tombstone)
                        .await
                }
                None => self.records.insert(KEYS, subject, &tombstone).await,
            };
            match written {
                Ok(_) => {
                    // After the write: what is being fetched at this moment is not kept, and
                    // what is fetched after it finds the tombstone.
                    self.cache.forget(&entry(subject));
                    return Ok(found.is_some());
                }
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Wraps the keys of up to `limit` subjects anew, those after `after` in the order of their
    /// ids, so that an old key of the KEK can be retired. Go on after
    /// [`last`](SubjectRewrap::last) until there is none.
    ///
    /// A key that is refused does not hold up the others: it is a problem that is reported.
    ///
    /// # Errors
    /// When the records or the KEK are out of reach. Those before are done, and it does no harm
    /// to do them again.
    pub async fn rewrap(
        &self,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<SubjectRewrap, SubjectError> {
        let mut done = SubjectRewrap::default();
        for record in self.records.list(KEYS, after, limit).await? {
            match self.rewrap_one(&record).await {
                Ok(outcome) => done.count(outcome),
                Err(error) if error.kind() == SubjectErrorKind::Unavailable => return Err(error),
                Err(error) => done.problems.push(SubjectProblem {
                    id: record.id().to_vec(),
                    error,
                }),
            }
            done.last = Some(record.id().to_vec());
        }
        Ok(done)
    }

    async fn rewrap_one(&self, record: &Record) -> Result<Rewrapped, SubjectError> {
        let refused = || SubjectError::new(SubjectErrorKind::Refused);
        let subject = std::str::from_utf8(record.id()).map_err(|_| refused())?;
        let (created, wrapped) = match SubjectRecord::decode(record.value()) {
            Some(SubjectRecord::Key { created, wrapped }) => (created, wrapped),
            Some(SubjectRecord::Tombstone { .. }) => return Ok(Rewrapped::Tombstone),
            None => return Err(refused()),
        };
        let context = context(subject);
        let key = self.kek.unwrap(&wrapped, &context).await?;
        let wrapped = self.kek.wrap(&key, &context).await?;
        let value = SubjectRecord::Key { created, wrapped }.encode();
        let version = record.version();
        match self.records.update(KEYS, subject, version, &value).await {
            Ok(_) => Ok(Rewrapped::Key),
            Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(Rewrapped::Contended),
            Err(error) => Err(error.into()),
        }
    }

    /// Owns what it needs, as the cache may outlive who asked.
    fn fetch(
        &self,
        subject: &str,
    ) -> impl Future<Output = Result<Keyring, SubjectError>> + Send + use<> {
        let (kek, context) = (Arc::clone(&self.kek), context(subject));
        let found = self.records.get(KEYS, subject);
        async move {
            let record = found.await?;
            let record = record.ok_or(SubjectError::new(SubjectErrorKind::Unknown))?;
            match SubjectRecord::decode(record.value()) {
                Some(SubjectRecord::Key { created, wrapped }) => {
                    unwrap(&*kek, created, &wrapped, &context).await
                }
                Some(SubjectRecord::Tombstone { .. }) => {
                    Err(SubjectError::new(SubjectErrorKind::Erased))
                }
                None => Err(SubjectError::new(SubjectErrorKind::Refused)),
            }
        }
    }
}

async fn unwrap(
    kek: &dyn Kek,
    created: Timestamp,
    wrapped: &WrappedKey,
    context: &KekContext,
) -> Result<Keyring, SubjectError> {
    let key = kek.unwrap(wrapped, context).await?;
    let key = Key::from_bytes(&SecretBytes::from(&key.expose()[..]), created);
    let key = key.map_err(|_| SubjectError::new(SubjectErrorKind::Refused))?;
    Ok(Keyring::new(key))
}

fn is_tombstone(record: &Record) -> bool {
    let record = SubjectRecord::decode(record.value());
    matches!(record, Some(SubjectRecord::Tombstone { .. }))
}

fn context(subject: &str) -> KekContext {
    KekContext::new("subject-key").and("subject", subject)
}

fn entry(subject: &str) -> EntryId {
    Sha256::digest(subject).into()
}
