use super::RecoveryCodeError;
use super::code::Code;
use crate::authn::Refusal;
use crate::authn::record::{Write, change};
use crate::authn::text_bytes::TextBytes;
use crate::authn::{Revoke, Revoking};
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::{Collection, Records};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

const SETS: Collection = Collection::new("recovery-codes");

/// The recovery codes of all users. Cheap to clone. See the [module](super) for the rules.
///
/// Users go by an id that is stable and never reused, as
/// [`Principal`](crate::principal::Principal) has it, of at most 512 bytes.
#[derive(Clone, Debug)]
#[must_use]
pub struct RecoveryCodes {
    records: Records,
    count: u8,
    random: Random,
}

/// The hashes of the codes that a user has left.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Hashes {
    codes: Vec<TextBytes>,
}

impl RecoveryCodes {
    /// The most codes that a user may have.
    pub const MAX: u8 = 50;

    /// Ten codes for each user, kept in `records`.
    pub const fn new(records: Records) -> Self {
        Self {
            records,
            count: 10,
            random: Random::secure(),
        }
    }

    /// Sets how many codes a user gets: from 1 to [`MAX`](Self::MAX).
    pub fn count(mut self, count: u8) -> Self {
        self.count = count.clamp(1, Self::MAX);
        self
    }

    /// Sets where codes come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Makes new codes for this user, to be shown once; those from before are void. Ask for
    /// a recent authentication first: [`step_up`](crate::authn::step_up).
    ///
    /// # Errors
    /// When they cannot be stored.
    pub async fn generate(&self, user: &str) -> Result<Vec<SecretString>, RecoveryCodeError> {
        let codes: Vec<_> = (0..self.count)
            .map(|_| Code::generate(&self.random))
            .collect();
        let hashes = codes.iter().map(|code| code.hash(user).into());
        let value = Hashes {
            codes: hashes.collect(),
        }
        .write()?;
        change::<_, RecoveryCodeError>(&self.records, SETS, user, |_| {
            Ok((Write::Put(value.clone()), ()))
        })
        .await?;
        Ok(codes.iter().map(Code::to_text).collect())
    }

    /// Uses up a code of this user, at one moment, and tells how many are left. For a user
    /// without codes it does the same work and gives the same answer.
    ///
    /// # Errors
    /// [`Refused`](RecoveryCodeError::Refused) when it is none, or was used.
    pub async fn redeem(&self, user: &str, code: &str) -> Result<usize, RecoveryCodeError> {
        // What cannot be a code is looked for like one: as one that nobody has.
        let code = Code::read(code).unwrap_or_else(|| Code::generate(&self.random));
        let hash = code.hash(user);
        change::<_, RecoveryCodeError>(&self.records, SETS, user, |found| {
            let hashes = found.map(Hashes::read).transpose()?;
            let Some(mut hashes) = hashes else {
                return Ok((Write::Nothing, Err(Refusal::Absent)));
            };
            if !hashes.remove(&hash) {
                return Ok((Write::Nothing, Err(Refusal::Wrong)));
            }
            Ok((Write::Put(hashes.write()?), Ok(hashes.codes.len())))
        })
        .await?
        .map_err(RecoveryCodeError::Refused)
    }

    /// How many codes this user has left. With few, remind the user to make new ones.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub async fn remaining(&self, user: &str) -> Result<usize, RecoveryCodeError> {
        let found = self.records.get(SETS, user).await?;
        let hashes = found
            .map(|record| Hashes::read(record.value()))
            .transpose()?;
        Ok(hashes.map_or(0, |hashes| hashes.codes.len()))
    }

    /// Voids all codes of this user, and tells whether there were any.
    ///
    /// # Errors
    /// When the record cannot be deleted.
    pub async fn remove(&self, user: &str) -> Result<bool, RecoveryCodeError> {
        change(&self.records, SETS, user, |found| {
            Ok((Write::Delete, found.is_some()))
        })
        .await
    }
}

impl Hashes {
    fn read(value: &Bytes) -> Result<Self, RecoveryCodeError> {
        serde_json::from_slice(value).map_err(|_| RecoveryCodeError::Corrupt)
    }

    fn write(&self) -> Result<Vec<u8>, RecoveryCodeError> {
        serde_json::to_vec(self).map_err(|_| RecoveryCodeError::Corrupt)
    }

    /// Takes this one out, in time that does not tell which it was.
    fn remove(&mut self, hash: &[u8; 32]) -> bool {
        let before = self.codes.len();
        self.codes.retain(|kept| !bool::from(kept.0.ct_eq(hash)));
        self.codes.len() < before
    }
}

/// The recovery codes: for the deletion of an account, never for a reset.
impl Revoke for RecoveryCodes {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.remove(user).await?;
            Ok(())
        })
    }
}
