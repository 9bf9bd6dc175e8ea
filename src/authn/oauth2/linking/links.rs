use super::record::{Link, LinkedAccount, StoredLink, corrupt, count_of};
use super::{IdentityKey, LinkError};
use crate::authn::{RequireRecent, Revoke, Revoking};
use crate::clock::Clock;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::principal::Principal;
use crate::random::Random;
use crate::store::{Change, Collection, Record, Records, StoreError, StoreErrorKind, Version};
use std::time::Duration;

/// From an identity to its account; owned by the account.
const LINKS: Collection = Collection::new("oauth2-identity");
/// How many identities an account has.
const COUNTS: Collection = Collection::new("oauth2-identity-count");

/// The most identities of an account: with the count, they are deleted in one commit.
const MAX_IDENTITIES: u8 = 16;

/// How often a change is tried while others come between. Each time one of them got on.
const MAX_TRIES: usize = 32;

/// How long ago a user may have logged in who changes identities.
const FRESH: Duration = Duration::from_secs(300);

/// Which identities belong to which accounts, in [`Records`]. See the [module](super) for the
/// rules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Links {
    records: Records,
    fresh: RequireRecent,
    clock: Clock,
    random: Random,
    emitter: Emitter,
}

/// What an account has to log in by, beside its identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherLogin {
    /// Nothing.
    None,
    /// Something else, such as a password.
    Some,
}

/// The count of an account, as it was read.
struct Counted {
    count: u8,
    version: Option<Version>,
}

impl Links {
    /// Links in these records: the collections `oauth2-identity` and `oauth2-identity-count`.
    #[must_use]
    pub fn new(records: Records) -> Self {
        Self {
            records,
            fresh: RequireRecent::within(FRESH),
            clock: Clock::system(),
            random: Random::secure(),
            emitter: Emitter::default(),
        }
    }

    /// Sets how a user has to be authenticated who changes identities: within the last 5 minutes
    /// by default.
    #[must_use]
    pub fn reauthentication(mut self, required: RequireRecent) -> Self {
        self.fresh = required;
        self
    }

    /// Sets who hears of identities that come and go.
    #[must_use]
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.fresh = self.fresh.clock(clock.clone());
        self.clock = clock;
        self
    }

    /// Sets where ids of accounts come from.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// The account of an identity.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn find(&self, identity: &IdentityKey) -> Result<Option<Box<str>>, LinkError> {
        let found = self.read(identity).await?;
        Ok(found.map(|(_, link)| link.account))
    }

    /// The account of an identity, and where it has none a new one, of a random id of 32
    /// hexadecimal digits. It is for you to keep what belongs to an account, by that id.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn find_or_create(&self, identity: &IdentityKey) -> Result<LinkedAccount, LinkError> {
        if let Some(id) = self.find(identity).await? {
            return Ok(LinkedAccount { id, is_new: false });
        }
        let id: [u8; 16] = self.random.bytes();
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        self.create(identity, &id).await
    }

    /// The account of an identity, and where it has none this new one, which must have been made
    /// for it: this asks for no authentication. Of several that try it, one account stays; the
    /// others are for you to undo.
    ///
    /// # Errors
    /// When the account has identities already, or the records fail.
    pub async fn create(
        &self,
        identity: &IdentityKey,
        account: &str,
    ) -> Result<LinkedAccount, LinkError> {
        for _ in 0..MAX_TRIES {
            if let Some(id) = self.find(identity).await? {
                return Ok(LinkedAccount { id, is_new: false });
            }
            let counted = self.counted(account).await?;
            if counted.version.is_some() {
                return Err(LinkError::NotNew);
            }
            if self.add(identity, account, &counted).await? {
                self.tell(EventKind::UserCreated, "identity_account_created", account);
                let id = account.into();
                return Ok(LinkedAccount { id, is_new: true });
            }
        }
        Err(contended().into())
    }

    /// Links an identity to the principal's account. Linking it again changes nothing.
    ///
    /// # Errors
    /// When the principal has to log in again, the identity belongs to another account, the
    /// account has 16, or the records fail.
    pub async fn link(
        &self,
        principal: &Principal,
        identity: &IdentityKey,
    ) -> Result<(), LinkError> {
        self.check_fresh(principal)?;
        let account = principal.id();
        for _ in 0..MAX_TRIES {
            if let Some(owner) = self.find(identity).await? {
                return if *owner == *account {
                    Ok(())
                } else {
                    Err(LinkError::LinkedElsewhere)
                };
            }
            let counted = self.counted(account).await?;
            if counted.count >= MAX_IDENTITIES {
                return Err(LinkError::TooMany);
            }
            if self.add(identity, account, &counted).await? {
                self.tell(EventKind::UserUpdated, "identity_linked", account);
                return Ok(());
            }
        }
        Err(contended().into())
    }

    /// Takes an identity off the principal's account. `other` says what else the account has to
    /// log in by at this moment.
    ///
    /// # Errors
    /// When the principal has to log in again, the account does not have the identity, it is the
    /// last way to log in, or the records fail.
    pub async fn unlink(
        &self,
        principal: &Principal,
        identity: &IdentityKey,
        other: OtherLogin,
    ) -> Result<(), LinkError> {
        self.check_fresh(principal)?;
        let account = principal.id();
        for _ in 0..MAX_TRIES {
            let found = self.read(identity).await?;
            let found = found.filter(|(_, link)| *link.account == *account);
            let Some((record, _)) = found else {
                return Err(LinkError::NotLinked);
            };
            let counted = self.counted(account).await?;
            if counted.count <= 1 && other == OtherLogin::None {
                return Err(LinkError::LastLogin);
            }
            if self.take_off(&record, account, &counted).await? {
                self.tell(EventKind::UserUpdated, "identity_unlinked", account);
                return Ok(());
            }
        }
        Err(contended().into())
    }

    /// The identities of an account.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn list(&self, account: &str) -> Result<Vec<Link>, LinkError> {
        let records = self.records_of(account).await?;
        let links = records.iter().map(|it| StoredLink::decode(it)?.into_link());
        Ok(links.collect::<Result<_, _>>()?)
    }

    /// Takes all identities off an account that is deleted. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn forget(&self, account: &str) -> Result<(), LinkError> {
        for _ in 0..MAX_TRIES {
            let counted = self.counted(account).await?;
            if counted.version.is_none() {
                return Ok(());
            }
            let records = self.records_of(account).await?;
            let delete = |it| Change::delete(LINKS, Record::id(it), Some(it.version()));
            let mut changes: Vec<_> = records.iter().map(delete).collect();
            changes.push(Change::delete(COUNTS, account, counted.version));
            if self.commit(&changes).await? {
                self.tell(EventKind::UserUpdated, "identities_forgotten", account);
                return Ok(());
            }
        }
        Err(contended().into())
    }

    fn check_fresh(&self, principal: &Principal) -> Result<(), LinkError> {
        let max_age = self.fresh.max_age();
        let met = self.fresh.met_by(principal);
        met.map_err(|unmet| LinkError::NotFresh { unmet, max_age })
    }

    async fn read(
        &self,
        identity: &IdentityKey,
    ) -> Result<Option<(Record, StoredLink)>, StoreError> {
        let Some(record) = self.records.get(LINKS, &identity.key()).await? else {
            return Ok(None);
        };
        let link = StoredLink::decode(&record)?;
        if !link.is_of(identity) {
            return Err(corrupt());
        }
        Ok(Some((record, link)))
    }

    async fn records_of(&self, account: &str) -> Result<Vec<Record>, StoreError> {
        let most = usize::from(MAX_IDENTITIES);
        self.records.list_owned(LINKS, account, None, most).await
    }

    async fn counted(&self, account: &str) -> Result<Counted, StoreError> {
        Ok(match self.records.get(COUNTS, account).await? {
            Some(record) => Counted {
                count: count_of(&record)?,
                version: Some(record.version()),
            },
            None => Counted {
                count: 0,
                version: None,
            },
        })
    }

    /// Adds an identity, unless another change came between.
    async fn add(
        &self,
        identity: &IdentityKey,
        account: &str,
        counted: &Counted,
    ) -> Result<bool, StoreError> {
        let link = StoredLink::new(identity, account, self.clock.now()).encode()?;
        let count = [counted.count.saturating_add(1)];
        let key = identity.key();
        let counting = match counted.version {
            Some(version) => Change::update(COUNTS, account, version, &count),
            None => Change::insert(COUNTS, account, &count),
        };
        let linking = Change::insert_owned(LINKS, &key, account, &link);
        self.commit(&[linking, counting]).await
    }

    /// Takes an identity off, unless another change came between.
    async fn take_off(
        &self,
        link: &Record,
        account: &str,
        counted: &Counted,
    ) -> Result<bool, StoreError> {
        let Some(version) = counted.version else {
            return Err(corrupt());
        };
        let left = [counted.count.saturating_sub(1)];
        let counting = match left {
            [0] => Change::delete(COUNTS, account, Some(version)),
            _ => Change::update(COUNTS, account, version, &left),
        };
        let unlinking = Change::delete(LINKS, link.id(), Some(link.version()));
        self.commit(&[unlinking, counting]).await
    }

    /// Whether the changes were made: not when another came between.
    async fn commit(&self, changes: &[Change<'_>]) -> Result<bool, StoreError> {
        match self.records.commit(changes).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn tell(&self, kind: EventKind, code: &'static str, account: &str) {
        let event = SecurityEvent::new(kind).with_code(code);
        self.emitter.emit(event.with_subject(account));
    }
}

fn contended() -> StoreError {
    let message = "the identities of an account are being changed by too many at once";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

/// The identities: for the deletion of an account, never for a reset.
impl Revoke for Links {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.forget(user).await?;
            Ok(())
        })
    }
}
