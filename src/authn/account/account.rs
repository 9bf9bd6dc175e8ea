use super::Email;
use crate::authn::password::PasswordHash;
use crate::random::Random;
use crate::store::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// How many registrations of an address wait for its verification. Each costs who verifies it a
/// hash.
const MAX_REGISTRATIONS: usize = 8;

/// An account and its credentials, as a [`Directory`](super::Directory) keeps them.
///
/// Not to be shown or sent: its hash can be guessed at offline.
#[derive(Clone, PartialEq)]
pub struct Account {
    pub(super) id: Box<str>,
    pub(super) email: Email,
    pub(super) parts: Parts,
    /// Of what was read. None for an account that is not stored yet.
    pub(super) version: Option<Version>,
}

/// What an account holds beside its id and address. It serializes, for directories on tables
/// that keep it as one JSON column.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parts {
    /// The hash of the password; none for who logs in by other means.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hash_text")]
    pub password: Option<PasswordHash>,
    /// Whether the address was shown to be the user's.
    #[serde(default)]
    pub is_verified: bool,
    /// Whether nobody may log in.
    #[serde(default)]
    pub is_disabled: bool,
    /// An address that waits to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<PendingEmail>,
    /// What the application keeps of the user.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Who else registered the address while it is not verified, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Registration>,
}

/// What somebody registered an address with, which may be another's.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Registration {
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hash_text")]
    pub(super) password: Option<PasswordHash>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    data: Value,
}

/// A change of the address, and at which ends it was confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PendingEmail {
    pub(super) email: String,
    pub(super) is_confirmed_by_old: bool,
    pub(super) is_confirmed_by_new: bool,
}

mod hash_text {
    use super::PasswordHash;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        hash: &Option<PasswordHash>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match hash {
            Some(hash) => serializer.serialize_str(hash.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PasswordHash>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(PasswordHash::from))
    }
}

impl Account {
    /// A new account of this address, with a random id of 32 hexadecimal digits that is never
    /// given away again. It has no password, and its address counts for nothing yet.
    #[must_use]
    pub fn new(email: Email, random: &Random) -> Self {
        let id: [u8; 16] = random.bytes();
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::from_parts(id, email, Parts::default(), None)
    }

    /// For directories: an account as it was read.
    #[must_use]
    pub fn from_parts(
        id: impl Into<Box<str>>,
        email: Email,
        parts: Parts,
        version: Option<Version>,
    ) -> Self {
        Self {
            id: id.into(),
            email,
            parts,
            version,
        }
    }

    /// With this password.
    #[must_use]
    pub fn with_password(mut self, hash: PasswordHash) -> Self {
        self.parts.password = Some(hash);
        self
    }

    /// With an address that was shown to be the user's: by an administrator who knows, or an
    /// identity provider that is trusted with it.
    #[must_use]
    pub fn with_verified_email(mut self) -> Self {
        self.parts.is_verified = true;
        self
    }

    /// With what the application keeps of the user.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.parts.data = data;
        self
    }

    /// The id, which stays the same for ever.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The address, which may change.
    #[must_use]
    pub const fn email(&self) -> &Email {
        &self.email
    }

    /// For directories: what to store.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// For directories: what was read, and a write has to find.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// Whether the address was shown to be the user's.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.parts.is_verified
    }

    /// Whether nobody may log in.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.parts.is_disabled
    }

    /// Whether one may log in to it, or have its password reset.
    pub(super) const fn is_open(&self) -> bool {
        self.parts.is_verified && !self.parts.is_disabled
    }

    /// With what its address was registered: the last time, and before.
    pub(super) fn registrations(&self) -> Vec<Registration> {
        let Parts { password, data, .. } = self.parts.clone();
        let last = Registration { password, data };
        let before = self.parts.others.iter().rev().cloned();
        [last].into_iter().chain(before).collect()
    }

    /// With one registration more, of this account that is not stored. Where there are too many,
    /// the oldest goes.
    pub(super) fn registered_again(&self, new: &Self) -> Self {
        let mut registered = self.clone();
        let mut before = self.registrations();
        before.truncate(MAX_REGISTRATIONS - 1);
        before.reverse();
        registered.parts = Parts {
            others: before,
            ..new.parts.clone()
        };
        registered
    }

    /// Verified as that of one of those who registered; `false` when there is no such one.
    pub(super) fn verify_as(&mut self, own: &Registration) -> bool {
        let is_there = self.registrations().contains(own);
        if is_there {
            let Registration { password, data } = own.clone();
            self.parts = Parts {
                password,
                data,
                is_verified: true,
                others: Vec::new(),
                ..self.parts.clone()
            };
        }
        is_there
    }

    /// What the application keeps of the user.
    #[must_use]
    pub const fn data(&self) -> &Value {
        &self.parts.data
    }

    /// The same, as a type of yours.
    ///
    /// # Errors
    /// When it is another.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.parts.data)
    }
}

/// Addresses and what applications keep are personal data, so neither is shown.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("has_password", &self.password.is_some())
            .field("is_verified", &self.is_verified)
            .field("is_disabled", &self.is_disabled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_were_written() {
        let email = Email::parse("ann@example.com").unwrap();
        let account = Account::new(email, &Random::insecure_seeded(1))
            .with_password(PasswordHash::from("$argon2id$secret"))
            .with_verified_email()
            .with_data(serde_json::json!({"name": "Ann"}));
        let text = serde_json::to_string(account.parts()).unwrap();
        let read: Parts = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, account.parts());
        assert_eq!(
            serde_json::from_str::<Parts>("{}").unwrap(),
            Parts::default()
        );
        let shown = format!("{account:?}");
        for secret in ["secret", "ann@", "Ann"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        #[derive(Deserialize)]
        struct Data {
            name: String,
        }
        assert_eq!(account.data_as::<Data>().unwrap().name, "Ann");
        assert!(account.data_as::<u32>().is_err());
    }
}
