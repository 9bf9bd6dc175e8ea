//! Accounts, as records. In memory here; the same code runs on any implementation of
//! `Records`.

use portcullis::authn::password::PasswordHash;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::{Change, Collection, Records, StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};

const ACCOUNTS: Collection = Collection::new("account");
/// From an e-mail address to the id of its account: what keeps addresses unique.
const EMAILS: Collection = Collection::new("account-email");
/// How many accounts the administrator's list shows.
const PAGE: usize = 100;

/// Not to be shown, for its hash can be guessed at offline.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    password: String,
}

impl Account {
    /// A new account of this address. It has no roles.
    pub(crate) fn new(email: String, name: String, password: &PasswordHash) -> Self {
        let id = Random::secure().bytes::<16>();
        Self {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            email,
            name,
            roles: Vec::new(),
            password: password.as_str().to_owned(),
        }
    }

    pub(crate) fn password(&self) -> PasswordHash {
        PasswordHash::from(self.password.as_str())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Accounts(Records);

impl Accounts {
    pub(crate) fn new(records: Records) -> Self {
        Self(records)
    }

    /// Stores a new account; 409 when there is one of its address.
    ///
    /// In production, do not say 409: it tells everyone who has an account. Answer alike in
    /// both cases and send a mail, to confirm the address or to say that it has an account.
    /// This example has no mail to send.
    pub(crate) async fn insert(&self, account: &Account) -> Result<(), Rejection> {
        let id = account.id.as_bytes();
        let value = serde_json::to_vec(account).map_err(|_| broken("an account is not JSON"))?;
        let changes = [
            Change::insert_owned(EMAILS, &account.email, id, id),
            Change::insert(ACCOUNTS, id, &value),
        ];
        match self.0.commit(&changes).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                Err(Rejection::new(RejectionKind::Conflict).with_code("email_taken"))
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<Account>, Rejection> {
        let found = self
            .0
            .get(EMAILS, email)
            .await
            .map_err(|error| unavailable(&error))?;
        match found {
            None => Ok(None),
            Some(email) => self.by_id(email.value()).await,
        }
    }

    pub(crate) async fn by_id(&self, id: &[u8]) -> Result<Option<Account>, Rejection> {
        let found = self
            .0
            .get(ACCOUNTS, id)
            .await
            .map_err(|error| unavailable(&error))?;
        found.map(|record| read(record.value())).transpose()
    }

    pub(crate) async fn first(&self) -> Result<Vec<Account>, Rejection> {
        let found = self.0.list(ACCOUNTS, None, PAGE).await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.iter().map(|record| read(record.value())).collect()
    }
}

fn read(value: &[u8]) -> Result<Account, Rejection> {
    serde_json::from_slice(value).map_err(|_| broken("a stored account cannot be read"))
}

fn broken(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason(reason)
}

/// Without its accounts the service cannot know anybody, and so lets nobody in.
fn unavailable(error: &StoreError) -> Rejection {
    Rejection::new(RejectionKind::Unavailable).with_reason(error.to_string())
}
