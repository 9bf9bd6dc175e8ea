//! Accounts, as records: in memory or in SQLite, by the same code.

use super::vault::Vault;
use bytes::Bytes;
use portcullis::authn::password::PasswordHash;
use portcullis::crypto::field::Encrypted;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::{Change, Collection, Records, StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};

const ACCOUNTS: Collection = Collection::new("account");
/// From an e-mail address to the id of its account: what keeps addresses unique.
const EMAILS: Collection = Collection::new("account-email");
/// From the terms of national ids, which own these, to accounts: several may share a term.
const NATIONAL_IDS: Collection = Collection::new("account-national-id");
/// How many accounts the administrator's list shows, and how many are searched at a time.
const PAGE: usize = 100;

/// Not to be shown, for its hash can be guessed at offline.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    national_id: Option<NationalId>,
}

/// Encrypted, and what it is found by.
#[derive(Clone, Serialize, Deserialize)]
struct NationalId {
    sealed: Encrypted<String>,
    term: String,
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
            national_id: None,
        }
    }

    /// The national id, opened.
    pub(crate) fn national_id(&self, vault: &Vault) -> Result<Option<String>, Rejection> {
        let sealed = self.national_id.as_ref().map(|kept| &kept.sealed);
        let opened = sealed.map(|sealed| vault.open_national_id(sealed, &self.id));
        Ok(opened.transpose()?.map(|opened| opened.expose().clone()))
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

    /// Sets the national id of an account, and what it is found by, at one moment.
    pub(crate) async fn set_national_id(
        &self,
        vault: &Vault,
        account_id: &str,
        national_id: &str,
    ) -> Result<(), Rejection> {
        let found = self.0.get(ACCOUNTS, account_id).await;
        let found = found.map_err(|error| unavailable(&error))?;
        let record = found.ok_or_else(|| Rejection::new(RejectionKind::NotFound))?;
        let mut account = read(record.value())?;
        let term = vault.term(national_id)?.to_hex();
        let new = NationalId {
            sealed: vault.seal_national_id(national_id, account_id)?,
            term: term.clone(),
        };
        let before = account.national_id.replace(new);
        let value = serde_json::to_vec(&account).map_err(|_| broken("an account is not JSON"))?;
        let (old_id, new_id) = (
            before.map(|before| entry_id(&before.term, account_id)),
            entry_id(&term, account_id),
        );
        let mut changes = vec![Change::update(
            ACCOUNTS,
            account_id,
            record.version(),
            &value,
        )];
        if old_id.as_ref() != Some(&new_id) {
            let owner = account_id.as_bytes();
            changes.push(Change::insert_owned(NATIONAL_IDS, &new_id, &term, owner));
            changes.extend(
                old_id
                    .iter()
                    .map(|id| Change::delete(NATIONAL_IDS, id, None)),
            );
        }
        match self.0.commit(&changes).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                Err(Rejection::new(RejectionKind::Conflict).with_code("changed_meanwhile"))
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// The accounts of a national id. Those of the same term are opened and compared, for a
    /// term stands for many ids.
    pub(crate) async fn by_national_id(
        &self,
        vault: &Vault,
        national_id: &str,
    ) -> Result<Vec<Account>, Rejection> {
        let term = vault.term(national_id)?.to_hex();
        let mut found = Vec::new();
        let mut after: Option<Bytes> = None;
        loop {
            let page = self
                .0
                .list_owned(NATIONAL_IDS, &term, after.as_deref(), PAGE);
            let page = page.await.map_err(|error| unavailable(&error))?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some(Bytes::copy_from_slice(last.id()));
            for candidate in page {
                if let Some(account) = self.by_id(candidate.value()).await?
                    && let Some(opened) = account.national_id(vault)?
                    && opened.eq_ignore_ascii_case(national_id)
                {
                    found.push(account);
                }
            }
        }
    }

    pub(crate) async fn first(&self) -> Result<Vec<Account>, Rejection> {
        let found = self.0.list(ACCOUNTS, None, PAGE).await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.iter().map(|record| read(record.value())).collect()
    }
}

fn entry_id(term: &str, account_id: &str) -> String {
    format!("{term}.{account_id}")
}

fn read(value: &[u8]) -> Result<Account, Rejection> {
    serde_json::from_slice(value).map_err(|_| broken("a stored account cannot be read"))
}

fn broken(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason(reason)
}

/// Without its accounts the service cannot know anybody, and so lets nobody in.
pub(super) fn unavailable(error: &StoreError) -> Rejection {
    Rejection::new(RejectionKind::Unavailable).with_reason(error.to_string())
}
