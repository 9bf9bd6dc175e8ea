//! What users and administrators do with sessions: see them, end them, keep values in them.

use super::error::{SessionError, Why};
use super::lookup::SESSIONS;
use super::record::{Record, decode};
use super::remember::SERIES;
use super::sessions::{End, tell_end};
use super::timeouts::Timeouts;
use super::{Session, Sessions};
use crate::authn::credential::{Place, PublicId};
use crate::authn::owner::OwnerTag;
use crate::clock::Timestamp;
use crate::principal::Principal;
use serde_json::{Map, Value};

impl Sessions {
    /// The session of a principal that came by one; of no other.
    ///
    /// # Errors
    /// When the session ended meanwhile, or the store fails.
    pub async fn current(&self, principal: &Principal) -> Result<Session, SessionError> {
        let place = place_of(principal)?;
        let found = self.find(&place).await?;
        let record = live(found, principal, &self.settings.timeouts, self.now())?;
        Ok(Session::new(&place.id, &record, &self.settings.timeouts))
    }

    /// Changes the values that the application keeps in the session. `change` may run several
    /// times, when other requests change them too: it sees what they left, and no change is
    /// lost. A session that ended meanwhile stays ended.
    ///
    /// ```
    /// # use portcullis::authn::session::{SessionError, Sessions};
    /// # use portcullis::principal::Principal;
    /// async fn add_to_cart(
    ///     sessions: &Sessions,
    ///     principal: &Principal,
    ///     article: u64,
    /// ) -> Result<(), SessionError> {
    ///     let session = sessions.update(principal, |values| {
    ///         let cart = values.entry("cart").or_insert_with(|| Vec::<u64>::new().into());
    ///         if let Some(cart) = cart.as_array_mut() {
    ///             cart.push(article.into());
    ///         }
    ///     });
    ///     session.await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// When the session ended meanwhile, when the values take more than
    /// [`Session::MAX_VALUES_LEN`], or when the store fails.
    pub async fn update(
        &self,
        principal: &Principal,
        mut change: impl FnMut(&mut Map<String, Value>),
    ) -> Result<Session, SessionError> {
        let place = place_of(principal)?;
        let now = self.now();
        let timeouts = &self.settings.timeouts;
        let changed = self.change(&place, |found| {
            let mut record = live(found, principal, timeouts, now)?;
            let mut values = record.values().clone();
            change(&mut values);
            record.set_values(values)?;
            record.seen.0 = record.seen.0.max(now);
            Ok(record)
        });
        Ok(Session::new(&place.id, &changed.await?, timeouts))
    }

    /// The sessions of a user, the one that was used last first (ASVS 5.0 7.5.2).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, user: &str) -> Result<Vec<Session>, SessionError> {
        let timeouts = &self.settings.timeouts;
        let now = self.now();
        let mut sessions = Vec::new();
        for (id, record) in self.records(user).await? {
            let is_over = timeouts
                .lapse(record.created.0, record.seen.0, now)
                .is_some();
            if !is_over && record.user() == user {
                sessions.push(Session::new(&id, &record, timeouts));
            }
        }
        sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen()));
        Ok(sessions)
    }

    /// Ends the session of this public id, if it is the user's, and tells whether it was. A
    /// remembered browser that it came from is remembered no more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, user: &str, id: &str) -> Result<bool, SessionError> {
        let Some(id) = PublicId::parse(id) else {
            return Ok(false);
        };
        let owner = OwnerTag::of(user);
        let place = Place { owner, id };
        // Nothing is marked as ended that never was.
        let found = self.settings.store.get(place.key(SESSIONS)).await?;
        if found.is_none() {
            return Ok(false);
        }
        self.end(&self.emitter, user, &place, End::Revoked).await
    }

    /// Ends all sessions of a user, logins under way and remembered browsers included, and
    /// tells how many sessions there were: when the account is disabled or deleted (ASVS 5.0
    /// 7.4.2), by an administrator (7.4.5), when a factor was lost.
    ///
    /// # Errors
    /// When the store fails: call it again, some may go on.
    pub async fn revoke_all(&self, user: &str) -> Result<usize, SessionError> {
        self.revoke_except(user, None).await
    }

    /// Ends all sessions of the principal's user except the one that the principal came by,
    /// and tells how many there were: after a change of the password or of a second factor
    /// (ASVS 5.0 7.4.3). No browser is remembered any more, this one included.
    ///
    /// Who has stolen the cookie of this very session shares it: [`renew`](Self::renew) it as
    /// well.
    ///
    /// # Errors
    /// When the store fails: call it again, some may go on.
    pub async fn revoke_others(&self, principal: &Principal) -> Result<usize, SessionError> {
        let current = place_of(principal).ok().map(|place| place.id);
        self.revoke_except(principal.id(), current).await
    }

    async fn revoke_except(
        &self,
        user: &str,
        keep: Option<PublicId>,
    ) -> Result<usize, SessionError> {
        let settings = &*self.settings;
        // First the epoch: what is made from now on by a login from before will see it.
        settings.epochs.end_before(user, self.now()).await?;
        let owner = OwnerTag::of(user);
        // Before the sessions: a browser must not be resumed in between.
        let series = settings.store.delete_owned(owner.owner(SERIES), None);
        series.await?;
        let mut known = self.records(user).await?;
        known.retain(|(id, _)| keep != Some(*id));
        for (id, record) in &known {
            self.mark_end(record.user(), id).await;
        }
        let keep_bytes = keep.as_ref().map(|id| &id.bytes()[..]);
        let sessions = settings
            .store
            .delete_owned(owner.owner(SESSIONS), keep_bytes);
        let count = sessions.await?;
        for (id, record) in known {
            tell_end(&self.emitter, record.user(), &id, End::Revoked);
        }
        Ok(count)
    }

    /// What the store holds for a user. What cannot be read is no session of anybody.
    async fn records(&self, user: &str) -> Result<Vec<(PublicId, Record)>, SessionError> {
        let owner = OwnerTag::of(user);
        let entries = self
            .settings
            .store
            .list_owned(owner.owner(SESSIONS))
            .await?;
        let read = entries.iter().filter_map(|entry| {
            let id = PublicId::from_entry(entry.id())?;
            Some((id, decode(entry.value()).ok()?))
        });
        Ok(read.collect())
    }
}

/// Where the session lies that a principal came by.
fn place_of(principal: &Principal) -> Result<Place, SessionError> {
    let credential = principal.authentication().credential();
    let id = credential.and_then(PublicId::parse);
    Ok(Place {
        owner: OwnerTag::of(principal.id()),
        id: id.ok_or_else(|| SessionError::new(Why::Unknown).about(principal.id()))?,
    })
}

/// The decision for who was let in by the session already: whether it still lives.
fn live(
    found: Option<Record>,
    principal: &Principal,
    timeouts: &Timeouts,
    now: Timestamp,
) -> Result<Record, SessionError> {
    let over = |why| SessionError::new(why).about(principal.id());
    let record = found.filter(|record| record.user() == principal.id());
    let record = record.ok_or_else(|| over(Why::Unknown))?;
    match timeouts.lapse(record.created.0, record.seen.0, now) {
        None => Ok(record),
        Some(lapse) => Err(over(Why::Lapsed(lapse))),
    }
}
