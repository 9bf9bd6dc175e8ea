use super::builder::RefreshTokensBuilder;
use super::error::{RefreshError, Refusal};
use super::family::{Family, MAX_GRANT_LEN, Terms, Verdict};
use super::grant::Grant;
use super::token::Token;
use crate::authn::Epochs;
use crate::authn::credential::{Place, PublicId};
use crate::authn::owner::OwnerTag;
use crate::authn::{Revoke, Revoking};
use crate::clock::{Clock, Timestamp};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::{Namespace, OwnedPut, OwnerLimit, Store, Swap};
use std::fmt;
use std::sync::Arc;

const FAMILIES: Namespace = Namespace::values("refresh-token");

/// How often a token is tried while others come between. One of them gets on each time, and
/// the first of them ends the tries of all, so many in a row are no accident.
const MAX_TRIES: usize = 32;

/// Issues refresh tokens, takes and ends them. Cheap to clone. See the [module](super) for the
/// rules.
#[derive(Clone, Debug)]
pub struct RefreshTokens {
    settings: Arc<Settings>,
    emitter: Emitter,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) store: Store,
    pub(super) epochs: Epochs,
    pub(super) terms: Terms,
    pub(super) limit: OwnerLimit,
    pub(super) is_strict: bool,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

/// A refresh token as a client brings it.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    token: &'a str,
    pub(super) client: Option<&'a str>,
    pub(super) key: Option<&'a str>,
}

impl<'a> Presented<'a> {
    /// This token, by nobody in particular.
    #[must_use]
    pub const fn new(token: &'a str) -> Self {
        Self {
            token,
            client: None,
            key: None,
        }
    }

    /// By this client, which has proved who it is, or is a public one that says so.
    #[must_use]
    pub const fn client(mut self, id: &'a str) -> Self {
        self.client = Some(id);
        self
    }

    /// With a proof of the key of this thumbprint.
    #[must_use]
    pub const fn bound_to(mut self, thumbprint: &'a str) -> Self {
        self.key = Some(thumbprint);
        self
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("client", &self.client)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A refresh token for the client, with what it stands for.
#[derive(Clone, Debug)]
#[must_use = "the client needs the token: the one before is used up"]
pub struct NewRefreshToken {
    token: SecretString,
    family: String,
    evicted: Vec<String>,
    grant: Grant,
    expires_at: Timestamp,
    as_of: Timestamp,
}

impl NewRefreshToken {
    /// The token: base64url, 128 characters.
    #[must_use]
    pub const fn token(&self) -> &SecretString {
        &self.token
    }

    /// The public id of its family.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The public ids of the user's families that had to go, for there may be only so many: end
    /// as well what was given out beside them, such as access tokens.
    #[must_use]
    pub fn evicted(&self) -> &[String] {
        &self.evicted
    }

    /// What it stands for.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// When it ends if it is not used.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When it was found that its bearer may have it: what ends the credentials of the user
    /// after that ends access tokens beside it, too.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }
}

/// A family, as its user may see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FamilyInfo {
    /// Its public id.
    pub id: String,
    /// What it stands for.
    pub grant: Grant,
    /// When it began.
    pub created: Timestamp,
    /// When one of its tokens was used last.
    pub last_used: Timestamp,
    /// When it ends if nobody uses it.
    pub expires_at: Timestamp,
}

impl RefreshTokens {
    /// Refresh tokens in this store, with the defaults of [`RefreshTokensBuilder`].
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the defaults are checked by a test, and by every user's first start"
    )]
    pub fn new(store: Store) -> Self {
        let built = Self::builder(store).build();
        built.expect("the defaults are good")
    }

    /// Refresh tokens in this store, to configure.
    pub fn builder(store: Store) -> RefreshTokensBuilder {
        RefreshTokensBuilder::new(store)
    }

    pub(super) fn of(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            emitter: Emitter::default(),
        }
    }

    /// The same tokens; what happens by this handle is told to `emitter`: in a handler, that of
    /// the request.
    #[must_use]
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            emitter,
            ..self.clone()
        }
    }

    /// Begins a family, once the user has proved who it is.
    ///
    /// # Errors
    /// When the credentials of the user were ended since, when there are too many families, or
    /// the store fails.
    pub async fn issue(&self, grant: Grant) -> Result<NewRefreshToken, RefreshError> {
        let settings = &*self.settings;
        if settings.is_strict && grant.key_thumbprint().is_none() {
            return Err(RefreshError::NotBound);
        }
        let now = self.now();
        let shown = grant.authentication().shown_at();
        let token = Token::first(grant.subject(), &settings.random);
        let family = Family::new(grant, &token, now);
        let value = family.encode()?;
        if value.len() > MAX_GRANT_LEN {
            return Err(RefreshError::TooLarge(value.len()));
        }
        let left = family.expires(&settings.terms).since(now);
        let key = token.place.key(FAMILIES);
        let put = settings.store.put_owned(key, &value, left, settings.limit);
        let OwnedPut::Stored { evicted } = put.await? else {
            return Err(RefreshError::LimitReached);
        };
        let user = family.grant.subject();
        let evicted = evicted.iter().filter_map(|id| PublicId::from_entry(id));
        let evicted: Vec<_> = evicted.collect();
        for id in &evicted {
            self.tell(EventKind::AuthnTokenRevoked, "too_many_logins", user, id);
        }
        // After the put: whatever ended the credentials before it is seen here, and whatever
        // does after it finds the family.
        let asked = settings.epochs.is_ended(user, shown).await;
        if !matches!(asked, Ok(false)) {
            // Its token is never sent, so nobody can use it.
            let _left_alone = settings.store.delete(key).await;
            asked?;
            return Err(RefreshError::Overtaken);
        }
        self.tell(
            EventKind::AuthnTokenCreated,
            "refresh_token",
            user,
            &token.place.id,
        );
        Ok(NewRefreshToken {
            evicted: evicted.iter().map(PublicId::text).collect(),
            ..self.answer(&token, family, shown.min(now))
        })
    }

    /// Uses a token up, and gives the next of its family with what it stands for.
    ///
    /// A token that was used before ends its family, and with it the refresh tokens of both who
    /// have one: the thief and the user, who logs in again. Access tokens that were given out
    /// beside them go by their own: [`Reused`](RefreshError::Reused) says which login it is, so
    /// that you end them too, as by `Revocations::revoke_login`.
    ///
    /// Look the account up before you give out an access token: whether it may still log in, and
    /// with which roles.
    ///
    /// # Errors
    /// [`Reused`](RefreshError::Reused) when the token was used before,
    /// [`Refused`](RefreshError::Refused) when it is no good for another reason; else when the
    /// store fails: the token may have been used up.
    pub async fn refresh(&self, presented: Presented<'_>) -> Result<NewRefreshToken, RefreshError> {
        let settings = &*self.settings;
        let token = Token::parse(presented.token).ok_or(Refusal::Malformed)?;
        let key = token.place.key(FAMILIES);
        let now = self.now();
        let mut found = settings.store.get(key).await?;
        for _ in 0..MAX_TRIES {
            let bytes = found.ok_or(Refusal::Unknown)?;
            let mut family = Family::decode(&bytes)?;
            match family.judge(&token, &presented, &settings.terms, now) {
                Ok(Verdict::Turn) => {}
                Ok(Verdict::Again(next)) => {
                    self.check_epoch(&token.place, &family).await?;
                    let created = family.created();
                    return Ok(self.answer(&next, family, created));
                }
                Err(Refusal::Reused) => return Err(self.end_reused(&token.place, &family).await),
                Err(refusal) => return Err(refusal.into()),
            }
            let next = family.turn(&token, &settings.terms, now, &settings.random);
            let left = family.expires(&settings.terms).since(now);
            let value = family.encode()?;
            let swap = settings
                .store
                .compare_and_swap(key, Some(&bytes), &value, left);
            match swap.await? {
                Swap::Swapped => {
                    self.check_epoch(&token.place, &family).await?;
                    let created = family.created();
                    return Ok(self.answer(&next, family, created));
                }
                Swap::Conflict(there) => found = there,
            }
        }
        Err(RefreshError::Contended)
    }

    /// Ends the family of a token that a client gives back (RFC 7009), whether the token is
    /// still good or used up, and tells whether there was one.
    ///
    /// # Errors
    /// When the token was given to another client, or the store fails.
    pub async fn revoke_token(&self, presented: Presented<'_>) -> Result<bool, RefreshError> {
        let Some((token, family)) = self.find(presented.token).await? else {
            return Ok(false);
        };
        if let Some(client) = family.grant.client_id()
            && presented.client != Some(client)
        {
            return Err(Refusal::WrongClient.into());
        }
        self.end(family.grant.subject(), &token.place, "given_back")
            .await
    }

    /// The families of a user, the one that was used last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, user: &str) -> Result<Vec<FamilyInfo>, RefreshError> {
        let settings = &*self.settings;
        let owner = OwnerTag::of(user);
        let entries = settings.store.list_owned(owner.owner(FAMILIES)).await?;
        let now = self.now();
        let mut families = Vec::new();
        for entry in entries {
            // What cannot be read is no family of anybody.
            let family = Family::decode(entry.value()).ok();
            let (Some(id), Some(family)) = (PublicId::from_entry(entry.id()), family) else {
                continue;
            };
            let expires_at = family.expires(&settings.terms);
            if family.grant.subject() == user && expires_at > now {
                families.push(FamilyInfo {
                    id: id.text(),
                    created: family.created(),
                    last_used: family.used.0,
                    expires_at,
                    grant: family.grant,
                });
            }
        }
        families.sort_by_key(|family| std::cmp::Reverse(family.last_used));
        Ok(families)
    }

    /// Ends the family of this public id, if it is the user's, and tells whether it was. Access
    /// tokens beside it are good until they expire.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, user: &str, id: &str) -> Result<bool, RefreshError> {
        let Some(id) = PublicId::parse(id) else {
            return Ok(false);
        };
        let owner = OwnerTag::of(user);
        self.end(user, &Place { owner, id }, "revoked").await
    }

    /// Ends all families of a user, and tells how many there were: when the account is disabled
    /// or deleted, when the password was changed (ASVS 5.0 7.4.2, 7.4.3).
    ///
    /// It sets the [epoch](Epochs) of the user, so it ends logins under way, remembered
    /// browsers, and access tokens where that is asked for. Sessions go on: end them by
    /// `Sessions::revoke_all`.
    ///
    /// # Errors
    /// When the store fails: call it again, some may go on.
    pub async fn revoke_all(&self, user: &str) -> Result<usize, RefreshError> {
        let settings = &*self.settings;
        // First the epoch: what is made from now on by a login from before will see it.
        settings.epochs.end_before(user, self.now()).await?;
        let owner = OwnerTag::of(user);
        let deleted = settings.store.delete_owned(owner.owner(FAMILIES), None);
        let count = deleted.await?;
        if count > 0 {
            let event = SecurityEvent::new(EventKind::AuthnTokenRevoked)
                .with_code("all_revoked")
                .with_subject(user);
            self.emitter.emit(event);
        }
        Ok(count)
    }

    /// What a token stands for, if it is good, without using it up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(&self, token: &str) -> Result<Option<FamilyInfo>, RefreshError> {
        let terms = &self.settings.terms;
        let Some((token, family)) = self.find(token).await? else {
            return Ok(None);
        };
        if !family.is_good(&token, terms, self.now()) || self.is_ended(&family).await? {
            return Ok(None);
        }
        Ok(Some(FamilyInfo {
            id: token.place.id.text(),
            created: family.created(),
            last_used: family.used.0,
            expires_at: family.expires(terms),
            grant: family.grant,
        }))
    }

    /// The family that a token is or was of.
    async fn find(&self, token: &str) -> Result<Option<(Token, Family)>, RefreshError> {
        let Some(token) = Token::parse(token) else {
            return Ok(None);
        };
        let found = self.settings.store.get(token.place.key(FAMILIES)).await?;
        let Some(bytes) = found else {
            return Ok(None);
        };
        let family = Family::decode(&bytes)?;
        Ok(family.is_of(&token).then_some((token, family)))
    }

    /// Asked after the token was used up: whatever ended the credentials before is seen.
    async fn check_epoch(&self, place: &Place, family: &Family) -> Result<(), RefreshError> {
        if self.is_ended(family).await? {
            self.end(family.grant.subject(), place, "ended").await?;
            return Err(Refusal::Ended.into());
        }
        Ok(())
    }

    async fn is_ended(&self, family: &Family) -> Result<bool, RefreshError> {
        let epochs = &self.settings.epochs;
        let ended = epochs.is_ended(family.grant.subject(), family.created());
        Ok(ended.await?)
    }

    async fn end_reused(&self, place: &Place, family: &Family) -> RefreshError {
        let user = family.grant.subject();
        let event = EventKind::AuthnTokenReuse;
        self.tell(event, "refresh_token_reused", user, &place.id);
        match self.end(user, place, "reused").await {
            Ok(_) => RefreshError::Reused {
                user: user.into(),
                family: place.id.text(),
            },
            Err(error) => error,
        }
    }

    async fn end(
        &self,
        user: &str,
        place: &Place,
        code: &'static str,
    ) -> Result<bool, RefreshError> {
        let was_there = self.settings.store.delete(place.key(FAMILIES)).await?;
        if was_there {
            self.tell(EventKind::AuthnTokenRevoked, code, user, &place.id);
        }
        Ok(was_there)
    }

    fn answer(&self, token: &Token, family: Family, as_of: Timestamp) -> NewRefreshToken {
        NewRefreshToken {
            token: token.encode(),
            family: token.place.id.text(),
            evicted: Vec::new(),
            expires_at: family.expires(&self.settings.terms),
            grant: family.grant,
            as_of,
        }
    }

    fn tell(&self, kind: EventKind, code: &'static str, user: &str, id: &PublicId) {
        let event = SecurityEvent::new(kind)
            .with_code(code)
            .with_subject(user)
            .with_detail("family", &id.text());
        self.emitter.emit(event);
    }

    fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }
}

/// Refresh tokens, and what else asks for the same epochs. The family at hand ends too: after a
/// change of the password, give the client another.
impl Revoke for RefreshTokens {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }
}
