use super::super::{Algorithm, KeySet, LiveKeys, LiveSigningKey, SigningKey};
use super::age::Age;
use super::builder::RotatingKeysBuilder;
use super::error::RotationError;
use super::seal::{NotSealed, Workshop};
use super::series::{Entry, MAX_KEYS, Schedule, Series, Stage, millis, time};
use crate::clock::{Clock, Timestamp};
use crate::crypto::SecretSealer;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::lock::lock;
use crate::store::{Collection, Record, Records, StoreError, StoreErrorKind};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SETS: Collection = Collection::new("signing-keys");

/// How often a change is tried while others come between. Each time one of them got on.
const MAX_TRIES: usize = 64;

/// Signing keys that rotate. Cheap to clone; the clones share the keys. See the
/// [module](super) for the rules.
#[derive(Clone, Debug)]
pub struct RotatingKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: Records,
    workshop: Workshop,
    schedule: Schedule,
    interval: Duration,
    age: Age,
    clock: Clock,
    emitter: Emitter,
    signer: LiveSigningKey,
    public: LiveKeys,
    known: Mutex<Known>,
    /// Held from the reading of the records until what they hold is in use, so that nothing
    /// older ever takes the place of something newer.
    turn: tokio::sync::Mutex<()>,
}

/// The keys in use, opened, in the order of the entries.
#[derive(Clone, Debug, Default)]
struct Known {
    series: Series,
    keys: Vec<SigningKey>,
}

impl Known {
    fn find(&self, entry: &Entry) -> Option<SigningKey> {
        let mut pairs = self.series.keys.iter().zip(&self.keys);
        let is_same = |known: &Entry| known.id == entry.id && known.sealed == entry.sealed;
        let (_, key) = pairs.find(|(known, _)| is_same(known))?;
        Some(key.clone())
    }

    fn signing(&self) -> Result<SigningKey, RotationError> {
        let mut pairs = self.series.keys.iter().zip(&self.keys);
        let current = pairs.find(|(entry, _)| entry.stage() == Stage::Current);
        let (_, key) = current.ok_or(RotationError::Corrupt)?;
        Ok(key.clone())
    }

    /// What is published and verified with.
    fn public(&self) -> Result<KeySet, RotationError> {
        Ok(KeySet::new(
            self.keys.iter().map(SigningKey::verifying_key),
        )?)
    }
}

/// What is known of a key, for those who look after them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// Its name, the `kid` of tokens.
    pub id: String,
    /// What it signs with.
    pub algorithm: String,
    /// What it is there for.
    pub stage: Stage,
    /// When it was made and published.
    pub made: Timestamp,
    /// Since when it signs, or signed.
    pub since: Option<Timestamp>,
    /// When another took its place.
    pub retired: Option<Timestamp>,
}

impl RotatingKeys {
    /// Keys for this algorithm in these records, sealed by `sealer`, such as a
    #[cfg_attr(
        feature = "field-encryption",
        doc = "[column](crate::crypto::field::FieldColumn) of a field cipher."
    )]
    #[cfg_attr(not(feature = "field-encryption"), doc = "column of a field cipher.")]
    ///
    /// When a set that is there has keys of another algorithm, those go on; the next key that
    /// is made is of this one. Verifiers take both until then.
    pub fn builder(
        algorithm: Algorithm,
        records: Records,
        sealer: impl SecretSealer + 'static,
    ) -> RotatingKeysBuilder {
        RotatingKeysBuilder::new(algorithm, records, Arc::new(sealer))
    }

    /// Keys in the memory of this process, which are lost with it.
    pub fn in_memory(algorithm: Algorithm) -> RotatingKeysBuilder {
        RotatingKeysBuilder::new(algorithm, Records::memory(), Arc::new(NotSealed)).alone()
    }

    pub(super) async fn begin(
        records: Records,
        workshop: Workshop,
        schedule: Schedule,
        token_lifetime: Duration,
        interval: Duration,
        age: Age,
        emitter: Emitter,
    ) -> Result<Self, RotationError> {
        let change = |series: &mut Series, now| keep_time(series, &schedule, now);
        let clock = age.clock().clone();
        let (asked, now) = (clock.elapsed(), clock.now());
        let nothing = Known::default();
        let (known, ()) = changed(&records, &workshop, &nothing, now, change).await?;
        age.learned(asked);
        let signer = LiveSigningKey::new(known.signing()?).for_tokens_of(token_lifetime);
        Ok(Self(Arc::new(Inner {
            signer: signer.fed_by(age.clone()),
            public: LiveKeys::new(known.public()?).fed_by(age.clone()),
            known: Mutex::new(known),
            turn: tokio::sync::Mutex::default(),
            records,
            workshop,
            schedule,
            interval,
            age,
            clock,
            emitter,
        })))
    }

    /// Whether the keys may be used: not when they were last seen in the records longer ago
    /// than [they may](super::RotatingKeysBuilder::max_stale).
    #[must_use]
    pub fn are_usable(&self) -> bool {
        self.0.public.are_usable()
    }

    /// The key that signs, to give to an issuer. It changes with the rotation.
    #[must_use]
    pub fn signer(&self) -> LiveSigningKey {
        self.0.signer.clone()
    }

    /// The keys that verify, to give to a verifier, and to publish. They change with the
    /// rotation. Those of HMAC are the secrets themselves: use them in this process only.
    #[must_use]
    pub fn public(&self) -> LiveKeys {
        self.0.public.clone()
    }

    /// All keys, as this machine knows them.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        let info = |key: &Entry| KeyInfo {
            id: key.id.to_string(),
            algorithm: key.algorithm.to_string(),
            stage: key.stage(),
            made: time(key.made),
            since: key.since.map(time),
            retired: key.retired.map(time),
        };
        self.known().series.keys.iter().map(info).collect()
    }

    /// Takes in what other machines have changed, and rotates when it is time.
    ///
    /// # Errors
    /// When the keys cannot be read, opened, made or written: those from before stay in use, as
    /// long as they [may](super::RotatingKeysBuilder::max_stale).
    pub async fn refresh(&self) -> Result<(), RotationError> {
        let schedule = &self.0.schedule;
        self.change(|series, now| keep_time(series, schedule, now))
            .await
    }

    /// Refreshes for ever, once in every interval. Spawn it: on a Tokio runtime with its timer
    /// enabled. What fails is told to the emitter (`sys_control_degraded`, code
    /// `signing_keys_not_refreshed`) and tried again.
    pub async fn keep_fresh(self) -> Infallible {
        loop {
            tokio::time::sleep(self.0.interval).await;
            if let Err(error) = self.refresh().await {
                let event = SecurityEvent::new(EventKind::SysControlDegraded)
                    .with_code("signing_keys_not_refreshed")
                    .with_reason(error.to_string());
                self.0.emitter.emit(event);
            }
        }
    }

    /// Lets the next key sign from now on, before its time. Where somebody else rotated in
    /// between, that will do.
    ///
    /// # Errors
    /// [`TooSoon`](RotationError::TooSoon) when the next key was published too short a time
    /// ago for verifiers to know it; else as [`refresh`](Self::refresh).
    pub async fn rotate(&self) -> Result<(), RotationError> {
        let before = self.id_of(Stage::Current);
        let schedule = &self.0.schedule;
        let rotated = self.change(|series, now| {
            keep_time(series, schedule, now)?;
            let current = series.at(Stage::Current).map(|key| &key.id);
            if current != before.as_ref() {
                return Ok(false);
            }
            let wait = series.wait(schedule, now);
            if !wait.is_zero() {
                return Err(RotationError::TooSoon { wait });
            }
            if series.keys.len() >= MAX_KEYS {
                return Err(RotationError::TooMany(series.keys.len()));
            }
            series.promote(now);
            Ok(true)
        });
        if rotated.await? {
            self.tell("signing_key_rotated", before.as_deref());
        }
        Ok(())
    }

    /// Takes the key of this name out at once, because it has leaked, and tells whether it was
    /// there. Nothing that it signed is good any more.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh): then it is in use still. Try again.
    pub async fn withdraw(&self, id: &str) -> Result<bool, RotationError> {
        let was_there = self
            .change(|series, now| Ok(series.withdraw(id, now)))
            .await?;
        if was_there {
            self.tell("signing_key_withdrawn", Some(id));
        }
        Ok(was_there)
    }

    async fn change<T>(
        &self,
        change: impl FnMut(&mut Series, Timestamp) -> Result<T, RotationError>,
    ) -> Result<T, RotationError> {
        let it = &*self.0;
        let _turn = it.turn.lock().await;
        let before = self.known().clone();
        let (asked, now) = (it.clock.elapsed(), it.clock.now());
        let (known, answer) = changed(&it.records, &it.workshop, &before, now, change).await?;
        if known.series != before.series {
            let (signing, public) = (known.signing()?, known.public()?);
            // First what verifies: nothing is signed that nobody knows.
            it.public.replace(public);
            it.signer.replace(signing);
            *self.known() = known;
        }
        it.age.learned(asked);
        Ok(answer)
    }

    fn id_of(&self, stage: Stage) -> Option<Box<str>> {
        Some(self.known().series.at(stage)?.id.clone())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        lock(&self.0.known)
    }

    fn tell(&self, code: &'static str, id: Option<&str>) {
        let event = SecurityEvent::new(EventKind::AuthzAdmin).with_code(code);
        let event = event.with_detail("key", id.unwrap_or_default());
        self.0.emitter.emit(event);
    }
}

/// What time alone does to the keys.
fn keep_time(
    series: &mut Series,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<(), RotationError> {
    series.prune(schedule, now);
    if series.is_due(schedule, now) && series.keys.len() < MAX_KEYS {
        series.promote(now);
    }
    Ok(())
}

/// Changes the set in the records, makes what it lacks, and opens its keys: all before it is
/// written, so that nothing is that cannot be used.
async fn changed<T>(
    records: &Records,
    workshop: &Workshop,
    before: &Known,
    now: Timestamp,
    mut change: impl FnMut(&mut Series, Timestamp) -> Result<T, RotationError>,
) -> Result<(Known, T), RotationError> {
    for _ in 0..MAX_TRIES {
        let found = records.get(SETS, &*workshop.name).await?;
        let read = found.as_ref().map(read).transpose()?.unwrap_or_default();
        let mut series = read.clone();
        let answer = change(&mut series, now)?;
        complete(&mut series, workshop, now)?;
        let known = open(series, workshop, before)?;
        if known.series == read {
            return Ok((known, answer));
        }
        let value = serde_json::to_vec(&known.series).map_err(|_| RotationError::Corrupt)?;
        let written = match found.as_ref().map(Record::version) {
            None => records.insert(SETS, &*workshop.name, &value),
            Some(version) => records.update(SETS, &*workshop.name, version, &value),
        };
        match written.await {
            Ok(_) => return Ok((known, answer)),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    let message = "others changed the signing keys every time this tried to";
    Err(StoreError::new(StoreErrorKind::Unavailable, message).into())
}

fn read(record: &Record) -> Result<Series, RotationError> {
    serde_json::from_slice(record.value()).map_err(|_| RotationError::Corrupt)
}

/// Makes the current and the next key where there is none.
fn complete(series: &mut Series, workshop: &Workshop, now: Timestamp) -> Result<(), RotationError> {
    if series.at(Stage::Current).is_none() {
        if series.at(Stage::Next).is_none() {
            series.keys.push(workshop.make(millis(now))?);
        }
        series.promote(now);
    }
    if series.at(Stage::Next).is_none() {
        series.keys.push(workshop.make(millis(now))?);
    }
    Ok(())
}

/// Opens the keys, but those that are open already.
fn open(series: Series, workshop: &Workshop, before: &Known) -> Result<Known, RotationError> {
    let key = |entry| match before.find(entry) {
        Some(known) => Ok(known),
        None => workshop.open(entry),
    };
    let keys: Result<Vec<_>, _> = series.keys.iter().map(key).collect();
    let known = Known {
        keys: keys?,
        series,
    };
    known.public()?;
    Ok(known)
}
