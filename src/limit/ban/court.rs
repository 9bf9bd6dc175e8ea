//! Who is banned, and who will be: the ledger, and what this process knows of it.

use super::counts::{PLACES, place_of};
use super::known::{Known, Memory};
use super::ledger::{Ledger, Sentence};
use super::outage::Outage;
use super::record::Record;
use super::scope::Scope;
use super::subject::SubjectKind;
use super::tally::Offense;
use super::{BanRule, BanSubject, Bans};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::limit::deadline::within;
use crate::store::{StoreError, StoreErrorKind, StoreFuture};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub(super) struct Court {
    pub(super) ledger: Ledger,
    pub(super) scope: Scope,
    pub(super) known: Known,
    /// The store cannot be asked.
    pub(super) blind: Outage,
    /// The store takes nothing in.
    pub(super) mute: Outage,
    turns: Turns,
    /// The kinds of subjects that layers of this process look up, together.
    enforced: AtomicU8,
}

/// No longer does anybody wait for a turn: the one before may be of a response that nobody waits
/// for any more, or the store may hang. Nothing goes wrong then, it only takes more trips.
const MAX_TURN: Duration = Duration::from_secs(1);

/// Who counts in a place does so alone, of this process: of many offenses at one moment, each
/// would have to begin anew for every other.
#[derive(Debug)]
struct Turns(Box<[Mutex<()>]>);

impl Turns {
    fn new() -> Self {
        Self((0..PLACES).map(|_| Mutex::new(())).collect())
    }

    async fn of(&self, subject: &BanSubject) -> Option<MutexGuard<'_, ()>> {
        let (place, _) = place_of(subject);
        let turn = self.0.get(usize::from(place))?;
        match turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(_) => within(MAX_TURN, turn.lock()).await,
        }
    }
}

/// Whether a subject is banned, as far as that can be said at once.
#[derive(Debug)]
pub(super) enum Lookup {
    /// It is, and the store need not be asked.
    Banned(Arc<Record>),
    /// The store has to say; here is what was known before.
    Ask(StoreFuture<Option<Bytes>>, Option<Arc<Record>>),
}

impl Court {
    pub(super) fn new(ledger: Ledger, scope: Scope) -> Self {
        Self {
            ledger,
            scope,
            known: Known::new(),
            blind: Outage::new("bans_not_checked"),
            mute: Outage::new("bans_not_counted"),
            turns: Turns::new(),
            enforced: AtomicU8::new(0),
        }
    }

    /// Notes that a layer looks up subjects of this kind.
    pub(super) fn enforce(&self, kind: SubjectKind) {
        self.enforced.fetch_or(kind as u8, Ordering::Relaxed);
    }

    /// Whether any layer looks up subjects of this kind. Where there is none at all, those of
    /// other processes do.
    pub(super) fn enforces(&self, kind: SubjectKind) -> bool {
        let enforced = self.enforced.load(Ordering::Relaxed);
        enforced == 0 || enforced & kind as u8 != 0
    }

    pub(super) fn look(&self, subject: &BanSubject) -> Lookup {
        match self.known.recall(subject, || self.elapsed()) {
            Some(Memory {
                record,
                is_fresh: true,
            }) => Lookup::Banned(record),
            stale => {
                let known = stale.map(|memory| memory.record);
                Lookup::Ask(self.ledger.find(subject), known)
            }
        }
    }

    /// Takes in what the store said. While it fails, those known to be banned stay so.
    pub(super) fn learn(
        &self,
        subject: &BanSubject,
        known: Option<Arc<Record>>,
        answer: Result<Option<Bytes>, StoreError>,
        emitter: &Emitter,
    ) -> Result<Option<Arc<Record>>, StoreError> {
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                self.blind.tell(&error, &self.ledger.clock, emitter);
                return known.map(Some).ok_or(error);
            }
        };
        self.blind.is_over();
        let Some(bytes) = found else {
            // Not what was learnt since the store was asked.
            if known.is_some() {
                self.known.forget(subject);
            }
            return Ok(None);
        };
        let record = Record::decode(&bytes);
        let record = record.unwrap_or_else(|| Record::unreadable(self.ledger.clock.now()));
        Ok(Some(self.remember(subject, record, Bans::LIFT_DELAY)))
    }

    /// Counts the offenses, and bans for those that are too many. Ends when the ban is in the
    /// store, or the store failed.
    pub(super) async fn charge(
        &self,
        subject: &BanSubject,
        offenses: &[Offense],
        emitter: &Emitter,
    ) {
        let _turn = self.turns.of(subject).await;
        for offense in offenses {
            let Some(rule) = self.ledger.policy.rules().get(offense.rule) else {
                continue;
            };
            match self
                .charge_one(subject, rule, offense.weight, emitter)
                .await
            {
                Ok(()) => self.mute.is_over(),
                // A crowd of machines at one place is no outage.
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                Err(error) => {
                    self.mute.tell(&error, &self.ledger.clock, emitter);
                    // The next would wait as long for the same; but where there is no room for
                    // one counter, another may be there already.
                    if error.kind() != StoreErrorKind::Full {
                        return;
                    }
                }
            }
        }
    }

    async fn charge_one(
        &self,
        subject: &BanSubject,
        rule: &BanRule,
        weight: u64,
        emitter: &Emitter,
    ) -> Result<(), StoreError> {
        let count = self.ledger.count(subject, rule, weight).await?;
        // Not only who comes to the threshold sets the ban, but who is beyond it too: the one
        // before may have been cut off on the way.
        if count < rule.threshold() {
            return Ok(());
        }
        match self.ledger.sentence(subject, rule).await {
            Ok(Sentence::Standing(record)) => {
                self.remember(subject, record, Bans::LIFT_DELAY);
            }
            Ok(Sentence::New { record, evicted }) => {
                emitter.emit(banned(subject, &record, evicted));
                self.remember(subject, record, Bans::LIFT_DELAY);
            }
            Err(error) => {
                self.ban_here(subject, rule, emitter);
                return Err(error);
            }
        }
        self.ledger.clear_count(subject, rule).await
    }

    /// Bans where the store takes no ban in: in this process, without asking the store again.
    fn ban_here(&self, subject: &BanSubject, rule: &BanRule, emitter: &Emitter) {
        if self.known.recall(subject, || self.elapsed()).is_some() {
            return;
        }
        let now = self.ledger.clock.now();
        let record = Record::next(None, self.ledger.policy.escalates(), rule.name(), now);
        let event = banned(subject, &record, 0).with_detail("scope", "this process alone");
        emitter.emit(event);
        self.remember(subject, record, Duration::MAX);
    }

    /// Remembers a ban, `fresh` long without asking again.
    pub(super) fn remember(
        &self,
        subject: &BanSubject,
        record: Record,
        fresh: Duration,
    ) -> Arc<Record> {
        let remaining = record.remaining(self.ledger.clock.now());
        let record = Arc::new(record);
        let shared = Arc::clone(&record);
        self.known
            .remember(subject, shared, self.elapsed(), fresh, remaining);
        record
    }

    fn elapsed(&self) -> Duration {
        self.ledger.clock.elapsed()
    }
}

/// The event of a ban that was set.
pub(super) fn banned(subject: &BanSubject, record: &Record, evicted: usize) -> SecurityEvent {
    let lasts = record.until().since(record.since());
    let event = SecurityEvent::new(EventKind::ClientBanned)
        .with_subject(&subject.to_string())
        .with_reason(record.cause().to_owned())
        .with_detail("level", &record.level().to_string())
        .with_detail("seconds", &lasts.as_secs().to_string());
    match evicted {
        0 => event,
        _ => event.with_detail("evicted", &evicted.to_string()),
    }
}
