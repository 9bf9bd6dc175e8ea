use super::owner::OwnerTag;
use crate::clock::{Timestamp, nanos};
use crate::store::{Key, Namespace, Store, StoreError, StoreErrorKind, Swap};
use std::time::Duration;

const EPOCHS: Namespace = Namespace::values("user-epoch");
/// Apart from users: who may choose a name here must not hit upon another's there.
#[cfg(feature = "jwt")]
const SUBJECTS: Namespace = Namespace::values("subject-epoch");

/// How often a change is tried while others come between. Each time one of them got on.
pub(super) const MAX_TRIES: usize = 256;

/// Since when the credentials of a user are good: what is older was ended.
///
/// Deleting what there is does not reach a login whose password was found right a moment ago
/// and whose session is not there yet. The epoch does: sessions and refresh tokens look at it
/// after they were made, and access tokens where their revocation is asked for. Whoever gives
/// out credentials of other kinds may ask it too.
///
/// ```
/// use portcullis::authn::Epochs;
/// use portcullis::clock::Timestamp;
/// use portcullis::store::Store;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let epochs = Epochs::new(Store::memory());
/// let login = Timestamp::from_unix_seconds(1_000);
/// assert!(!epochs.is_ended("user-17", login).await?);
///
/// epochs.end_before("user-17", Timestamp::from_unix_seconds(2_000)).await?;
/// assert!(epochs.is_ended("user-17", login).await?);
/// # Ok::<(), portcullis::store::StoreError>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Epochs(Store);

impl Epochs {
    /// How long an epoch is kept: 400 days, as long as browsers keep a cookie
    /// (RFC 6265bis). No credential may live longer.
    pub const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

    /// Epochs in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// Ends all credentials of the user that are older than `time`. An epoch never goes back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_before(&self, user: &str, time: Timestamp) -> Result<(), StoreError> {
        self.raise(Key::new(EPOCHS, OwnerTag::of(user).bytes()), time)
            .await
    }

    /// Ends all tokens of a subject of another issuer that are older than `time`. It is nobody
    /// of ours, whatever it is called: two issuers may mean two people by one name.
    ///
    /// # Errors
    /// When the store fails.
    #[cfg(feature = "jwt")]
    pub async fn end_subject_before(
        &self,
        issuer: &str,
        subject: &str,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        let tag = OwnerTag::of_pair(issuer, subject);
        self.raise(Key::new(SUBJECTS, tag.bytes()), time).await
    }

    async fn raise(&self, key: Key<'_>, time: Timestamp) -> Result<(), StoreError> {
        let nanos = nanos(time.unix_duration());
        let mut found = self.0.get(key).await?;
        for _ in 0..MAX_TRIES {
            if found
                .as_deref()
                .and_then(read)
                .is_some_and(|epoch| epoch >= nanos)
            {
                return Ok(());
            }
            let value = nanos.to_be_bytes();
            let swap = self
                .0
                .compare_and_swap(key, found.as_deref(), &value, Self::KEPT);
            match swap.await? {
                Swap::Swapped => return Ok(()),
                Swap::Conflict(there) => found = there,
            }
        }
        let message = "others changed the epoch every time this tried to";
        Err(StoreError::new(StoreErrorKind::Unavailable, message))
    }

    /// Whether a credential of the user that was given at `time` was ended since.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_ended(&self, user: &str, time: Timestamp) -> Result<bool, StoreError> {
        self.is_below(Key::new(EPOCHS, OwnerTag::of(user).bytes()), time)
            .await
    }

    /// Whether a token of a subject of another issuer that was given at `time` was ended since.
    ///
    /// # Errors
    /// When the store fails.
    #[cfg(feature = "jwt")]
    pub async fn is_subject_ended(
        &self,
        issuer: &str,
        subject: &str,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let tag = OwnerTag::of_pair(issuer, subject);
        self.is_below(Key::new(SUBJECTS, tag.bytes()), time).await
    }

    async fn is_below(&self, key: Key<'_>, time: Timestamp) -> Result<bool, StoreError> {
        let found = self.0.get(key).await?;
        let Some(found) = found else {
            return Ok(false);
        };
        // What cannot be read ends everything.
        Ok(read(&found).is_none_or(|epoch| nanos(time.unix_duration()) < epoch))
    }
}

fn read(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_epoch_never_goes_back() {
        let epochs = Epochs::new(Store::memory());
        let at = Timestamp::from_unix_seconds;
        for (name, end, login, is_ended) in [
            ("before", 100, 99, true),
            ("at the very moment", 100, 100, false),
            ("an earlier one changes nothing", 50, 99, true),
            ("a later one", 200, 199, true),
        ] {
            epochs.end_before("ann", at(end)).await.unwrap();
            assert_eq!(
                epochs.is_ended("ann", at(login)).await.unwrap(),
                is_ended,
                "{name}"
            );
        }
        assert!(!epochs.is_ended("bob", at(0)).await.unwrap());
    }
}
