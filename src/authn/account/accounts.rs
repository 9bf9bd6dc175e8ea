use super::account::Parts;
use super::{Account, Directory, Email, Written};
use crate::store::{Change, Collection, Record, Records, StoreError, StoreErrorKind, StoreFuture};
use serde::{Deserialize, Serialize};
use std::fmt;

const ACCOUNTS: Collection = Collection::new("account");
/// From an address to the id of its account: what keeps addresses unique.
const EMAILS: Collection = Collection::new("account-email");

/// Accounts in [`Records`]: in memory, on SQLite, on whatever you put below. Cheap to clone.
///
/// ```
/// use portcullis::authn::account::{Account, Accounts, Directory, Email, Written};
/// use portcullis::random::Random;
/// use portcullis::store::Records;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let accounts = Accounts::new(Records::memory());
/// let ann = Account::new(Email::parse("ann@example.com")?, &Random::secure());
/// assert!(matches!(accounts.insert(&ann).await?, Written::Done(_)));
///
/// let other = Account::new(Email::parse("Ann@Example.com")?, &Random::secure());
/// assert_eq!(accounts.insert(&other).await?, Written::EmailTaken);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Accounts(Records);

impl Accounts {
    /// Accounts in these records: the collections `account` and `account-email`.
    #[must_use]
    pub const fn new(records: Records) -> Self {
        Self(records)
    }

    /// Accounts in the order of their ids, at most as many as `limit` and as
    /// [`Records::MAX_PAGE`]: for administrators. The next page begins after the last id.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, StoreError> {
        let after = after.map(str::as_bytes);
        let records = self.0.list(ACCOUNTS, after, limit).await?;
        records.iter().map(read).collect()
    }

    /// Changes what the application keeps of a user, and tells whether there is such an
    /// account. `change` runs again when another write came in between.
    ///
    /// # Errors
    /// When the records fail, or too many change the account at once.
    pub async fn update_data(
        &self,
        id: &str,
        mut change: impl FnMut(&mut serde_json::Value),
    ) -> Result<bool, StoreError> {
        for _ in 0..super::MAX_TRIES {
            let Some(old) = self.get(id).await? else {
                return Ok(false);
            };
            let mut new = old.clone();
            change(&mut new.parts.data);
            if let Written::Done(_) = self.replace(&old, &new).await? {
                return Ok(true);
            }
        }
        Err(super::contended())
    }

    /// Commits, and says by the place of the change that did not fit what was in the way.
    fn commit(&self, changes: &[Change<'_>], email_at: Option<usize>) -> StoreFuture<Written> {
        let commit = self.0.commit(changes);
        map(commit, move |done| match done {
            Ok(version) => Ok(Written::Done(version)),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let at = error.conflicting_change();
                let is_taken = at.is_some() && at == email_at;
                Ok(if is_taken {
                    Written::EmailTaken
                } else {
                    Written::Changed
                })
            }
            Err(error) => Err(error),
        })
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Accounts").field(&self.0).finish()
    }
}

impl Directory for Accounts {
    fn find(&self, email: &Email) -> StoreFuture<Option<Account>> {
        let (records, email) = (self.0.clone(), email.clone());
        StoreFuture::waiting(async move {
            let entry = records.get(EMAILS, email.as_str()).await?;
            // Nobody has this id, and looking for it is the work that an account costs.
            let id = entry.map_or_else(Default::default, |entry| entry.value().clone());
            let found = records.get(ACCOUNTS, &id).await?;
            let account = found.as_ref().map(read).transpose()?;
            // Between the two reads the address may have gone to another.
            Ok(account.filter(|account| account.email == email))
        })
    }

    fn get(&self, id: &str) -> StoreFuture<Option<Account>> {
        map(self.0.get(ACCOUNTS, id), |found| {
            found?.as_ref().map(read).transpose()
        })
    }

    fn insert(&self, account: &Account) -> StoreFuture<Written> {
        let value = match write(account) {
            Ok(value) => value,
            Err(error) => return error.into(),
        };
        let id = account.id.as_bytes();
        let changes = [
            Change::insert(ACCOUNTS, id, &value),
            Change::insert(EMAILS, account.email.as_str(), id),
        ];
        self.commit(&changes, Some(1))
    }

    fn replace(&self, old: &Account, new: &Account) -> StoreFuture<Written> {
        let (Some(version), Ok(value)) = (old.version, write(new)) else {
            return invalid().into();
        };
        let id = new.id.as_bytes();
        let (old_email, new_email) = (old.email.as_str(), new.email.as_str());
        if old.id == new.id {
            let update = Change::update(ACCOUNTS, id, version, &value);
            if old.email == new.email {
                return self.commit(&[update], None);
            }
            let changes = [
                update,
                Change::insert(EMAILS, new_email, id),
                Change::delete(EMAILS, old_email, None),
            ];
            return self.commit(&changes, Some(1));
        }
        let (records, old, new_id) = (self.clone(), old.clone(), new.id.clone());
        let new_email = new.email.clone();
        StoreFuture::waiting(async move {
            let entry = records.0.get(EMAILS, old.email.as_str()).await?;
            let Some(entry) = entry.filter(|entry| **entry.value() == *old.id.as_bytes()) else {
                return Ok(Written::Changed);
            };
            if old.email != new_email {
                return Err(invalid());
            }
            let changes = [
                Change::delete(ACCOUNTS, old.id.as_bytes(), Some(version)),
                Change::insert(ACCOUNTS, new_id.as_bytes(), &value),
                Change::update(
                    EMAILS,
                    new_email.as_str(),
                    entry.version(),
                    new_id.as_bytes(),
                ),
            ];
            records.commit(&changes, None).await
        })
    }

    fn remove(&self, account: &Account) -> StoreFuture<Written> {
        let Some(version) = account.version else {
            return invalid().into();
        };
        let changes = [
            Change::delete(ACCOUNTS, account.id.as_bytes(), Some(version)),
            Change::delete(EMAILS, account.email.as_str(), None),
        ];
        self.commit(&changes, None)
    }
}

/// The value of an account.
#[derive(Serialize, Deserialize)]
struct Stored<P> {
    email: String,
    #[serde(flatten)]
    parts: P,
}

fn write(account: &Account) -> Result<Vec<u8>, StoreError> {
    let stored = Stored {
        email: account.email.as_str().to_owned(),
        parts: &account.parts,
    };
    serde_json::to_vec(&stored).map_err(|_| invalid())
}

fn read(record: &Record) -> Result<Account, StoreError> {
    let parsed = || {
        let id = std::str::from_utf8(record.id()).ok()?;
        let stored: Stored<Parts> = serde_json::from_slice(record.value()).ok()?;
        let email = Email::parse(&stored.email).ok()?;
        Some(Account::from_parts(
            id,
            email,
            stored.parts,
            Some(record.version()),
        ))
    };
    let message = "an account cannot be understood";
    parsed().ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, message))
}

fn invalid() -> StoreError {
    let message = "an account that was not read cannot be written over, nor take another address with another id";
    StoreError::new(StoreErrorKind::Invalid, message)
}

/// What becomes of an answer; where it is there already, at once.
fn map<T: Send + 'static, U: Send + 'static>(
    answer: StoreFuture<T>,
    become_: impl FnOnce(Result<T, StoreError>) -> Result<U, StoreError> + Send + 'static,
) -> StoreFuture<U> {
    match answer.try_ready() {
        Ok(answer) => StoreFuture::ready(become_(answer)),
        Err(waiting) => StoreFuture::waiting(async move { become_(waiting.await) }),
    }
}
