//! What a provider orders to end.

use super::keep::{LOGINS, Logins, SESSIONS};
use super::kept_login::{KeptLogin, owner_of};
use crate::authn::credential::{Place, PublicId};
#[cfg(doc)]
use crate::authn::oauth2::RelyingParty;
use crate::authn::oauth2::{Identity, LoginError, LoginErrorKind, LogoutOrder};
use crate::authn::owner::OwnerTag;
use crate::store::{Key, Namespace, Swap};
use std::time::Duration;

/// Orders to end all logins of a user, for those under way.
const USER_ORDERS: Namespace = Namespace::values("oauth2-logout-order");
/// Orders to end one login, which may be under way.
const SESSION_ORDERS: Namespace = Namespace::values("oauth2-logout-order-sid");
/// Longer than any login is under way.
const ORDER_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

impl Logins {
    /// Whether no order came while the login was under way: it found nothing to end then.
    pub(super) async fn check_ongoing(&self, identity: &Identity) -> Result<(), LoginError> {
        let ended = || LoginErrorKind::EndedMeanwhile.into();
        let user = owner_of(identity);
        let mark = self.store.get(Key::new(USER_ORDERS, user.bytes())).await?;
        let made = mark.as_deref().map(seconds_of);
        if made.is_some_and(|made| identity.since().unix_seconds() <= made) {
            return Err(ended());
        }
        // What was ended by its name is over, whenever the provider speaks of it again.
        let Some(session) = identity.session() else {
            return Ok(());
        };
        let tag = OwnerTag::of_pair(identity.issuer(), session);
        let mark = self
            .store
            .get(Key::new(SESSION_ORDERS, tag.bytes()))
            .await?;
        mark.map_or(Ok(()), |_| Err(ended()))
    }

    /// The logins that an order is about. From now on, none that it is about can be
    /// [kept](Self::keep). End their sessions, then each [login](Self::end), and note the order
    /// as [obeyed](RelyingParty::obeyed). A login whose tokens cannot be opened ends like any
    /// other.
    ///
    /// # Errors
    /// When the store fails, or what is there is no login.
    pub async fn named_by(&self, order: &LogoutOrder) -> Result<Vec<KeptLogin>, LoginError> {
        self.mark(order).await?;
        let Some(owner) = self.owner_meant(order).await? else {
            return Ok(Vec::new());
        };
        let entries = self.store.list_owned(owner.owner(LOGINS)).await?;
        let mut logins = Vec::new();
        for entry in entries {
            let Some(id) = PublicId::from_entry(entry.id()) else {
                continue;
            };
            let place = Place { owner, id };
            let login = self.read_to_end(place, entry.value().clone())?;
            if login.is_meant(order) {
                logins.push(login);
            }
        }
        Ok(logins)
    }

    /// Notes an order for the logins that are under way.
    async fn mark(&self, order: &LogoutOrder) -> Result<(), LoginError> {
        // One of a session is about that alone, of whomever it is.
        if let Some(session) = order.session() {
            let tag = OwnerTag::of_pair(order.issuer(), session);
            let mark = Key::new(SESSION_ORDERS, tag.bytes());
            return Ok(self.store.put(mark, b"", ORDER_LIFETIME).await?);
        }
        let tag = OwnerTag::of_pair(order.issuer(), order.subject().unwrap_or_default());
        let mark = Key::new(USER_ORDERS, tag.bytes());
        let made = order.made().unix_seconds();
        let mut found = self.store.get(mark).await?;
        // One that was made earlier, and comes later, does not take its place.
        while found
            .as_deref()
            .is_none_or(|found| seconds_of(found) < made)
        {
            let (value, store) = (made.to_be_bytes(), &self.store);
            let swap = store.compare_and_swap(mark, found.as_deref(), &value, ORDER_LIFETIME);
            match swap.await? {
                Swap::Swapped => break,
                Swap::Conflict(other) => found = other,
            }
        }
        Ok(())
    }

    async fn owner_meant(&self, order: &LogoutOrder) -> Result<Option<OwnerTag>, LoginError> {
        if let Some(subject) = order.subject() {
            return Ok(Some(OwnerTag::of_pair(order.issuer(), subject)));
        }
        let tag = OwnerTag::of_pair(order.issuer(), order.session().unwrap_or_default());
        let found = self.store.get(Key::new(SESSIONS, tag.bytes())).await?;
        let bytes = found.and_then(|found| found.as_ref().try_into().ok());
        Ok(bytes.map(OwnerTag::from_bytes))
    }
}

/// What cannot be read ends everything.
fn seconds_of(value: &[u8]) -> u64 {
    value.try_into().map_or(u64::MAX, u64::from_be_bytes)
}
