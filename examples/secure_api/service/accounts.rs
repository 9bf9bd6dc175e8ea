//! What this service keeps of its users beside what logs them in: a name, roles, a national id.

use super::records::new_id;
use super::vault::Vault;
use bytes::Bytes;
use portcullis::authn::account::{self as library, Directory, Email, Written};
use portcullis::authn::oauth2::linking::IdentityKey;
use portcullis::authn::password::PasswordHash;
use portcullis::crypto::field::Encrypted;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::{Collection, Records, StoreErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// From the terms of national ids, which own these, to accounts: several may share a term.
const NATIONAL_IDS: Collection = Collection::new("account-national-id");
/// The addresses that stand for something, and to which account it was given.
const GIVEN: Collection = Collection::new("account-given");
/// How many accounts the administrator's list shows, and how many are searched at a time.
const PAGE: usize = 100;

/// An account that may be used, as the handlers see it: without what logs in to it.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) profile: Profile,
}

/// What the library keeps for us.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    national_id: Option<NationalId>,
    /// Who it is at the provider, of an account that was made by logging in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<ProviderIdentity>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ProviderIdentity {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

/// Encrypted, and what it is found by.
#[derive(Clone, Serialize, Deserialize)]
struct NationalId {
    sealed: Encrypted<String>,
    term: String,
}

impl Profile {
    pub(crate) const fn new(name: String) -> Self {
        Self {
            name,
            roles: Vec::new(),
            department: None,
            national_id: None,
            identity: None,
        }
    }
}

impl Account {
    pub(crate) fn of(account: &library::Account) -> Result<Self, Rejection> {
        let profile = account.data_as();
        Ok(Self {
            id: account.id().to_owned(),
            email: account.email().as_str().to_owned(),
            profile: profile.map_err(|_| unreadable())?,
        })
    }

    /// The national id, opened.
    pub(crate) fn national_id(&self, vault: &Vault) -> Result<Option<String>, Rejection> {
        let sealed = self.profile.national_id.as_ref().map(|kept| &kept.sealed);
        let opened = sealed.map(|sealed| vault.open_national_id(sealed, &self.id));
        Ok(opened.transpose()?.map(|opened| opened.expose().clone()))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    directory: library::Accounts,
    records: Records,
}

impl Accounts {
    pub(crate) fn new(records: Records) -> Self {
        Self {
            directory: library::Accounts::new(records.clone()),
            records,
        }
    }

    pub(crate) fn directory(&self) -> library::Accounts {
        self.directory.clone()
    }

    /// Stores a new account, and gives its id; 409 when there is one of its address.
    ///
    /// In production, do not say 409: it tells everyone who has an account. `Lifecycle::register`
    /// answers alike in both cases and sends a mail, to confirm the address or to say that it has
    /// an account. In this example an address counts without a mail.
    pub(crate) async fn insert(
        &self,
        email: Email,
        password: PasswordHash,
        profile: &Profile,
    ) -> Result<String, Rejection> {
        let account = library::Account::new(email, &Random::secure())
            .with_password(password)
            .with_verified_email()
            .with_data(json!(profile));
        match self.directory.insert(&account).await? {
            Written::Done(_) => Ok(account.id().to_owned()),
            Written::EmailTaken => {
                Err(Rejection::new(RejectionKind::Conflict).with_code("email_taken"))
            }
            Written::Changed => Err(broken("an id came twice")),
        }
    }

    /// Stores a new account of who has logged in with a provider, and gives its id. It has no
    /// password, and an address that nobody can guess and no mail reaches (RFC 2606): what the provider
    /// tells of addresses finds no account here.
    pub(crate) async fn insert_of_identity(
        &self,
        identity: &IdentityKey,
    ) -> Result<String, Rejection> {
        let address = format!("{}@provider.example", new_id());
        let email = Email::parse(&address).map_err(|_| broken("an address of ours is none"))?;
        let profile = Profile {
            identity: Some(ProviderIdentity {
                issuer: identity.issuer().to_owned(),
                subject: identity.subject().to_owned(),
            }),
            ..Profile::new(identity.subject().to_owned())
        };
        let account = library::Account::new(email, &Random::secure()).with_data(json!(profile));
        match self.directory.insert(&account).await? {
            Written::Done(_) => Ok(account.id().to_owned()),
            Written::EmailTaken | Written::Changed => Err(broken("an id came twice")),
        }
    }

    /// Removes an account that was made for nothing.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Rejection> {
        if let Some(account) = self.directory.get(id).await? {
            // Changed meanwhile or not: nobody has heard of it.
            let _written = self.directory.remove(&account).await?;
        }
        Ok(())
    }

    /// Gives an account what its address stands for, if nobody had it before: who comes to the
    /// address of an administrator who is gone or has moved is no successor.
    pub(crate) async fn give_once(
        &self,
        address: &str,
        id: &str,
        roles: &[String],
        department: Option<&str>,
    ) -> Result<(), Rejection> {
        match self.records.insert(GIVEN, address, id.as_bytes()).await {
            Ok(_) => {}
            Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let given = self.directory.update_data(id, |data| {
            if let Ok(mut profile) = Profile::deserialize(&*data) {
                profile.roles = roles.to_vec();
                profile.department = department.map(str::to_owned);
                *data = json!(profile);
            }
        });
        given.await?;
        Ok(())
    }

    /// The account of this id, unless it is disabled.
    pub(crate) async fn by_id(&self, id: &str) -> Result<Option<Account>, Rejection> {
        let found = self.directory.get(id).await?;
        let enabled = found.filter(|account| !account.is_disabled());
        enabled.as_ref().map(Account::of).transpose()
    }

    /// Sets the national id of an account, and what it is found by.
    pub(crate) async fn set_national_id(
        &self,
        vault: &Vault,
        account_id: &str,
        national_id: &str,
    ) -> Result<(), Rejection> {
        let term = vault.term(national_id)?.to_hex();
        let new = NationalId {
            sealed: vault.seal_national_id(national_id, account_id)?,
            term: term.clone(),
        };
        // First the entry: what is found by it is opened and compared, so one too many does no
        // harm, and one too few hides an account.
        let entry = entry_id(&term, account_id);
        let inserted =
            self.records
                .insert_owned(NATIONAL_IDS, &entry, &term, account_id.as_bytes());
        match inserted.await {
            Ok(_) => {}
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
        let mut before = Err(unreadable());
        let set = self.directory.update_data(account_id, |data| {
            // What cannot be read stays as it is: to write over it would lose the rest.
            before = Profile::deserialize(&*data)
                .map_err(|_| unreadable())
                .map(|mut profile| {
                    let before = profile.national_id.replace(new.clone());
                    *data = json!(profile);
                    before
                });
        });
        if !set.await? {
            return Err(Rejection::new(RejectionKind::NotFound));
        }
        let before = before?;
        let before = before.filter(|before| before.term != term);
        if let Some(before) = before {
            let old = entry_id(&before.term, account_id);
            self.records.delete(NATIONAL_IDS, &old, None).await?;
        }
        Ok(())
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
                .records
                .list_owned(NATIONAL_IDS, &term, after.as_deref(), PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some(Bytes::copy_from_slice(last.id()));
            for candidate in page {
                let id = str::from_utf8(candidate.value()).unwrap_or_default();
                if let Some(account) = self.by_id(id).await?
                    && let Some(opened) = account.national_id(vault)?
                    && opened.eq_ignore_ascii_case(national_id)
                {
                    found.push(account);
                }
            }
        }
    }

    pub(crate) async fn first(&self) -> Result<Vec<Account>, Rejection> {
        let found = self.directory.list(None, PAGE).await?;
        found.iter().map(Account::of).collect()
    }
}

fn entry_id(term: &str, account_id: &str) -> String {
    format!("{term}.{account_id}")
}

fn unreadable() -> Rejection {
    broken("a stored account cannot be read")
}

fn broken(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason(reason)
}
