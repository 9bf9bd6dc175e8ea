use super::account::{Account, Pending};
use super::authenticator::{Authenticator, Tolerance};
use super::parameters::Parameters;
use super::{Enrollment, TotpBuilder, TotpError};
use crate::authn::record::{Write, change};
use crate::authn::{LockOut, Refusal, typed};
use crate::authn::{Revoke, Revoking};
use crate::clock::{Clock, Timestamp};
use crate::crypto::SecretSealer;
use crate::random::Random;
use crate::store::{Collection, Record, Records};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const ACCOUNTS: Collection = Collection::new("totp");

/// The authenticator apps of all users. Cheap to clone. See the [module](super) for the rules.
///
/// Users go by an id that is stable and never reused, as
/// [`Principal`](crate::principal::Principal) has it, of at most 512 bytes.
#[derive(Clone, Debug)]
pub struct Totp(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) issuer: Box<str>,
    pub(super) records: Records,
    pub(super) sealer: Arc<dyn SecretSealer>,
    pub(super) parameters: Parameters,
    pub(super) tolerance: Tolerance,
    pub(super) lock_out: LockOut,
    pub(super) pending: Duration,
    pub(super) clock: Clock,
    pub(super) random: Random,
    /// What codes are checked against where there is nothing.
    pub(super) nobody: Authenticator,
}

/// Whether a user has an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// No.
    Absent,
    /// One that waits for its first code, and counts for nothing yet.
    Pending,
    /// Yes.
    Active,
}

/// What a decision makes of a record, and what the peer is told once it is written.
type Decided = Result<(Write, Result<(), Refusal>), TotpError>;

impl Totp {
    /// Sets up TOTP for the service of this name, which users see in their app, with the
    /// accounts in `records` and their secrets sealed by `sealer`, such as a
    #[cfg_attr(
        feature = "field-encryption",
        doc = "[column](crate::crypto::field::FieldColumn) of a field cipher."
    )]
    #[cfg_attr(not(feature = "field-encryption"), doc = "column of a field cipher.")]
    pub fn builder(
        issuer: impl Into<String>,
        records: Records,
        sealer: impl SecretSealer + 'static,
    ) -> TotpBuilder {
        TotpBuilder::new(issuer.into(), records, Arc::new(sealer))
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Makes a secret for this user, which counts once a code [confirms](Self::confirm) it.
    /// One that was not confirmed is replaced; one that is in use stays in use until then.
    ///
    /// The account's name is for the user's eyes, who may have several in the app. Colons and
    /// control characters, which have no place in it, become spaces, and what is over 128
    /// bytes is cut.
    ///
    /// Ask for a recent authentication first, or whoever finds an open session puts his own
    /// phone in the place of the user's: [`step_up`](crate::authn::step_up).
    ///
    /// # Errors
    /// When the secret cannot be sealed or stored.
    pub async fn enroll(&self, user: &str, account_name: &str) -> Result<Enrollment, TotpError> {
        let it = &*self.0;
        let secret = it.parameters.algorithm.secret(&it.random);
        let pending = Pending {
            authenticator: Authenticator::seal(it.parameters, &secret, user, &*it.sealer)?,
            expires: it.clock.now().saturating_add(it.pending).unix_seconds(),
        };
        change::<_, TotpError>(&it.records, ACCOUNTS, user, |found| {
            let mut account = read(found)?.unwrap_or_default();
            account.pending = Some(pending.clone());
            Ok((Write::Put(account.write()?), ()))
        })
        .await?;
        Ok(Enrollment::new(
            &it.issuer,
            account_name,
            it.parameters,
            &secret,
        ))
    }

    /// Takes the new authenticator of this user in use, if the code is one of its. The code
    /// counts as used.
    ///
    /// # Errors
    /// [`Refused`](TotpError::Refused) when it is not, or none waits for a code.
    pub async fn confirm(&self, user: &str, code: &str) -> Result<(), TotpError> {
        let code = typed::digits(code);
        self.decide(user, |account, now| {
            self.confirmed(account, user, &code, now)
        })
        .await
    }

    fn confirmed(
        &self,
        account: Option<Account>,
        user: &str,
        code: &str,
        now: Timestamp,
    ) -> Decided {
        let account = account.unwrap_or_default();
        let Some(Pending {
            mut authenticator,
            expires,
        }) = account.pending(now).cloned()
        else {
            return Ok(self.nobody(code, now));
        };
        let found = self.use_code(&mut authenticator, user, code, now)?;
        let account = match found {
            Ok(()) => Account {
                active: Some(authenticator),
                ..Account::default()
            },
            // Nothing is counted: who enrolls has the secret, and has nothing to guess.
            Err(_) => Account {
                pending: Some(Pending {
                    authenticator,
                    expires,
                }),
                ..account
            },
        };
        Ok((Write::Put(account.write()?), found))
    }

    /// Verifies a code of this user and uses it up, at one moment. For a user without an
    /// authenticator it does the same work and gives the same answer.
    ///
    /// Only after the first factor: the number of tries is limited for each user, and who may
    /// try for others could lock them out.
    ///
    /// # Errors
    /// [`Refused`](TotpError::Refused) when the code is wrong, was used, or the user is locked
    /// or has no authenticator: all the same to whoever typed it.
    pub async fn verify(&self, user: &str, code: &str) -> Result<(), TotpError> {
        let code = typed::digits(code);
        self.decide(user, |account, now| {
            self.verified(account, user, &code, now)
        })
        .await
    }

    fn verified(
        &self,
        account: Option<Account>,
        user: &str,
        code: &str,
        now: Timestamp,
    ) -> Decided {
        let mut account = account.unwrap_or_default();
        let Some(mut authenticator) = account.active.take() else {
            return Ok(self.nobody(code, now));
        };
        if account.attempts.is_locked(now) {
            return Ok((self.nobody(code, now).0, Err(Refusal::Locked)));
        }
        let mut found = self.use_code(&mut authenticator, user, code, now)?;
        match found {
            Ok(()) => account.attempts = Default::default(),
            // It was right once: nobody guesses who brings it again.
            Err(Refusal::Used) => return Ok((Write::Decoy, found)),
            Err(_) => {
                if account.attempts.fail(&self.0.lock_out, now) {
                    found = Err(Refusal::LockedNow);
                }
            }
        }
        account.active = Some(authenticator);
        Ok((Write::Put(account.write()?), found))
    }

    /// Whether this user has an authenticator.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub async fn status(&self, user: &str) -> Result<Status, TotpError> {
        let found = self.0.records.get(ACCOUNTS, user).await?;
        let account = read(found.as_ref().map(Record::value))?.unwrap_or_default();
        Ok(match account {
            Account {
                active: Some(_), ..
            } => Status::Active,
            _ if account.pending(self.0.clock.now()).is_some() => Status::Pending,
            _ => Status::Absent,
        })
    }

    /// Takes the authenticator of this user out of use, for good, and tells whether there was
    /// one. Ask for a recent authentication first, and tell the user of it (ASVS 5.0 6.3.7).
    ///
    /// # Errors
    /// When the record cannot be deleted.
    pub async fn remove(&self, user: &str) -> Result<bool, TotpError> {
        change(&self.0.records, ACCOUNTS, user, |found| {
            Ok((Write::Delete, found.is_some()))
        })
        .await
    }

    /// Forgets the wrong codes of this user: for an administrator who has made sure who asks.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub async fn unlock(&self, user: &str) -> Result<(), TotpError> {
        self.edit(user, |account| {
            account.attempts = Default::default();
            Ok(())
        })
        .await
    }

    /// Seals the secret of this user anew, with the key that seals now: for a rotation of
    /// keys, which lists the records of the collection `totp`.
    ///
    /// # Errors
    /// When the secret cannot be opened, sealed or stored.
    pub async fn reseal(&self, user: &str) -> Result<(), TotpError> {
        self.edit(user, |account| {
            let pending = account.pending.as_mut().map(|it| &mut it.authenticator);
            let mut all = account.active.iter_mut().chain(pending);
            all.try_for_each(|it| it.reseal(user, &*self.0.sealer))
        })
        .await
    }

    async fn edit(
        &self,
        user: &str,
        edit: impl Fn(&mut Account) -> Result<(), TotpError>,
    ) -> Result<(), TotpError> {
        change(&self.0.records, ACCOUNTS, user, |found| {
            let Some(mut account) = read(found)? else {
                return Ok((Write::Nothing, ()));
            };
            edit(&mut account)?;
            Ok((Write::Put(account.write()?), ()))
        })
        .await
    }

    /// Decides on a code, and tells nobody before what was decided is written.
    async fn decide(
        &self,
        user: &str,
        decide: impl Fn(Option<Account>, Timestamp) -> Decided,
    ) -> Result<(), TotpError> {
        let it = &*self.0;
        change(&it.records, ACCOUNTS, user, |found| {
            decide(read(found)?, it.clock.now())
        })
        .await?
        .map_err(TotpError::Refused)
    }

    fn use_code(
        &self,
        authenticator: &mut Authenticator,
        user: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Result<(), Refusal>, TotpError> {
        let it = &*self.0;
        authenticator.use_code(user, code, now, it.tolerance, &*it.sealer)
    }

    /// The work of a wrong code, where there is nothing to check it against.
    fn nobody(&self, code: &str, now: Timestamp) -> (Write, Result<(), Refusal>) {
        let mut nobody = self.0.nobody.clone();
        // Whatever comes of it, and were the key gone that nobody's secret was sealed with.
        let _of_no_account = self.use_code(&mut nobody, "", code, now);
        (Write::Decoy, Err(Refusal::Absent))
    }
}

fn read(found: Option<&Bytes>) -> Result<Option<Account>, TotpError> {
    found.map(|value| Account::read(value)).transpose()
}

/// The authenticator app: for the deletion of an account, never for a reset.
impl Revoke for Totp {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.remove(user).await?;
            Ok(())
        })
    }
}
