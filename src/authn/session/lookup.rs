//! Finding the session behind a cookie, and changing it so that no change is lost and nothing
//! ended comes back.

use super::Sessions;
use super::error::{SessionError, Why};
use super::record::{EndMark, Record, decode, encode};
use super::timeouts::Timeouts;
use super::token::Token;
use super::visitor::Trace;
use crate::authn::credential::{Place, SecretHash};
use crate::authn::epoch::MAX_TRIES;
use crate::authn::moment::Moment;
use crate::clock::Timestamp;
use crate::principal::Principal;
use crate::store::{Namespace, Swap};
use bytes::Bytes;
use std::time::Duration;

pub(super) const SESSIONS: Namespace = Namespace::values("session");

/// Sessions that were ended on purpose.
pub(super) const ENDED_MARKS: Namespace = Namespace::values("session-ended");

/// Marks of one user; at one more, the oldest goes. Who logs in over and over fills nothing.
pub(super) const MAX_MARKS: usize = 64;

/// For so long the use of an ended session's cookie is told from a time-out.
pub(super) const MARK_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// For so long after a session was ended or renewed, requests with its old cookie may have been
/// under way. They are refused, but their answers leave the cookie alone: the browser may have
/// the next one by the time they arrive.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// The decision: whether what the store holds is a live session with this secret.
pub(super) fn judge(
    found: Option<Record>,
    presented: &SecretHash,
    timeouts: &Timeouts,
    now: Timestamp,
) -> Result<Record, SessionError> {
    let record = found.ok_or_else(|| SessionError::new(Why::Unknown))?;
    if !record.secret.is(presented) {
        let is_late = |renewed: Moment| now.since(renewed.0) < UNDER_WAY;
        let why = match record.renewed {
            Some(renewed) if is_late(renewed) => Why::JustReplaced,
            _ => Why::Superseded,
        };
        return Err(SessionError::new(why).about(record.user()));
    }
    match timeouts.lapse(record.created.0, record.seen.0, now) {
        None => Ok(record),
        Some(lapse) => Err(SessionError::new(Why::Lapsed(lapse)).about(record.user())),
    }
}

impl Sessions {
    /// The principal behind a cookie. What cannot be decided is an error, and nobody.
    pub(super) async fn check(
        &self,
        token: &Token,
        trace: &Trace,
    ) -> Result<Principal, SessionError> {
        let checked = match self.check_record(token, trace).await {
            Ok(record) => return Ok(record.principal(&token.place.id)),
            Err(error) => error,
        };
        let told = match checked.why() {
            Why::Lapsed(_) => {
                // The store keeps it a moment longer; no harm if that stays so.
                let _left_alone = self.settings.store.delete(token.place.key(SESSIONS)).await;
                checked
            }
            _ => self.tell_apart(token, checked).await,
        };
        Err(self.clearing(told))
    }

    async fn check_record(&self, token: &Token, trace: &Trace) -> Result<Record, SessionError> {
        let (hash, now) = (self.hash(token), self.now());
        let timeouts = &self.settings.timeouts;
        let judge = |found: Option<Record>| judge(found, &hash, timeouts, now);
        let record = judge(self.find(&token.place).await?)?;
        if !timeouts.is_due(record.seen.0, now) {
            return Ok(record);
        }
        let touched = self.change(&token.place, |found| {
            let mut record = judge(found)?;
            record.seen.0 = record.seen.0.max(now);
            record.note = trace.note();
            Ok(record)
        });
        match touched.await {
            // The session ends sooner than it had to, never later.
            Err(error) if error.is_unavailable() => Ok(record),
            touched => touched,
        }
    }

    /// Whether an unknown session was ended on purpose or timed out. (Or never was: forging
    /// one takes guessing 256 bits.) Other errors stay as they are.
    pub(super) async fn tell_apart(&self, token: &Token, error: SessionError) -> SessionError {
        if !matches!(error.why(), Why::Unknown) {
            return error;
        }
        let mark = token.place.key(ENDED_MARKS);
        let Ok(Some(mark)) = self.settings.store.get(mark).await else {
            return error;
        };
        let Ok(mark) = decode::<EndMark>(&mark) else {
            return error;
        };
        let is_late = self.now().since(mark.ended.0) < UNDER_WAY;
        let why = if is_late {
            Why::JustReplaced
        } else {
            Why::EndedBefore
        };
        SessionError::new(why).about(&mark.user)
    }

    pub(super) async fn find(&self, place: &Place) -> Result<Option<Record>, SessionError> {
        let found = self.settings.store.get(place.key(SESSIONS)).await?;
        found.as_deref().map(decode).transpose()
    }

    /// Changes a session to what `step` makes of it, by compare-and-swap as often as it takes:
    /// no change of others is lost, and what is gone stays gone. `step` sees what is there at
    /// the time, and may refuse.
    pub(super) async fn change(
        &self,
        place: &Place,
        mut step: impl FnMut(Option<Record>) -> Result<Record, SessionError>,
    ) -> Result<Record, SessionError> {
        let (store, key) = (&self.settings.store, place.key(SESSIONS));
        let mut found: Option<Bytes> = store.get(key).await?;
        for _ in 0..MAX_TRIES {
            let mut record = step(found.as_deref().map(decode).transpose()?)?;
            record.version = record.version.wrapping_add(1);
            let value = encode(&record)?;
            let timeouts = &self.settings.timeouts;
            let ttl = timeouts.left(record.created.0, record.seen.0, self.now());
            // To expect nothing would be to make a session out of nothing.
            let Some(expected) = &found else {
                return Err(SessionError::new(Why::Unknown));
            };
            match store
                .compare_and_swap(key, Some(expected), &value, ttl)
                .await?
            {
                Swap::Swapped => return Ok(record),
                Swap::Conflict(there) => found = there,
            }
        }
        Err(SessionError::new(Why::Contended))
    }
}
