use super::super::Sessions;
use super::super::cookies::NewSession;
use super::super::error::{ConfigError, SessionError, Why};
use super::super::record::{decode, encode};
use super::super::sessions::End;
use super::super::settings::MAX_LIFETIME;
use super::super::token::Token;
use super::super::visitor::Visitor;
use super::series::{Series, Terms};
use super::{RememberedBrowser, SERIES};
use crate::authn::credential::{Place, PublicId, SecretHash};
use crate::authn::owner::OwnerTag;
use crate::event::{EventKind, SecurityEvent};
use crate::guard::cookie::CredentialCookie;
use crate::principal::{Authentication, Principal};
use crate::store::{OwnedPut, OwnerLimit, Swap};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Remembers browsers beyond the end of their sessions. Cheap to clone. See the
/// [module](super) for the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct RememberMe {
    sessions: Sessions,
    terms: Terms,
}

impl RememberMe {
    /// Remembered browsers of a user; at one more, the one goes that was not used for longest.
    const MAX_BROWSERS: usize = 16;

    /// The longest [`grace`](Self::grace): a minute.
    pub const MAX_GRACE: Duration = Duration::from_secs(60);

    /// Remembers browsers for 30 days, in the store of these sessions and with their clock.
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            terms: Terms {
                lifetime: Duration::from_secs(30 * 24 * 60 * 60),
                grace: Duration::from_secs(10),
            },
        }
    }

    /// How long a browser is remembered after the user proved who it is, used or not.
    ///
    /// # Errors
    /// When it is zero or longer than 400 days.
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, ConfigError> {
        if lifetime.is_zero() {
            return Err(ConfigError::LifetimeZero);
        }
        if lifetime > MAX_LIFETIME {
            return Err(ConfigError::LifetimeTooLong(lifetime));
        }
        self.terms.lifetime = lifetime;
        Ok(self)
    }

    /// For how long after its use a cookie may come again without being called stolen: 10
    /// seconds by default. It lets nobody in again; a browser that opens with several tabs
    /// sends it with each of them. Zero ends everything at the second tab.
    ///
    /// # Errors
    /// When it is longer than a minute.
    pub fn grace(mut self, grace: Duration) -> Result<Self, ConfigError> {
        if grace > Self::MAX_GRACE {
            return Err(ConfigError::GraceTooLong(grace));
        }
        self.terms.grace = grace;
        Ok(self)
    }

    /// Remembers the browser that has just logged in, because its user wants so: adds a cookie
    /// to those of the session.
    ///
    /// # Errors
    /// When the store fails, or the session was revoked meanwhile.
    pub async fn issue(
        &self,
        visitor: &Visitor,
        mut session: NewSession,
    ) -> Result<NewSession, SessionError> {
        self.sessions.forget_browser(visitor).await?;
        let settings = &*self.sessions.settings;
        let principal = session.principal();
        let owner = OwnerTag::of(principal.id());
        let token = Token::fresh(owner, &settings.random);
        let now = self.sessions.now();
        let series = Series::new(self.hash(&token), principal, now, visitor.note());
        let put = settings.store.put_owned(
            token.place.key(SERIES),
            &encode(&series)?,
            self.terms.lifetime,
            OwnerLimit::evict_above(Self::MAX_BROWSERS),
        );
        let OwnedPut::Stored { .. } = put.await? else {
            return Err(SessionError::new(Why::LimitReached).about(principal.id()));
        };
        let tied = self.tie(&session, &token.place.id).await;
        if let Err(error) = tied {
            // Its cookie is never sent, so nobody can use it.
            let _left_alone = settings.store.delete(token.place.key(SERIES)).await;
            return Err(error);
        }
        session.cookies.push(self.set_cookie(&token, &series));
        Ok(session)
    }

    /// Notes in the session what it could be resumed from, so that both end together. What it
    /// was before would be left over, and is forgotten.
    async fn tie(&self, session: &NewSession, series: &PublicId) -> Result<(), SessionError> {
        let mut former = None;
        let changed = self.sessions.change(&session.place, |found| {
            let mut record = found.ok_or_else(|| SessionError::new(Why::Unknown))?;
            former = record.series.replace(*series);
            Ok(record)
        });
        changed.await?;
        if let Some(id) = former {
            let former = Place {
                id,
                ..session.place
            };
            let store = &self.sessions.settings.store;
            store.delete(former.key(SERIES)).await?;
        }
        Ok(())
    }

    /// Who the browser is remembered as. `None` when it has no cookie; when it has one that is
    /// no good, an error that takes the cookie away.
    ///
    /// # Errors
    /// When the cookie is no good or the store fails. When the cookie was used before, it was
    /// stolen, from the browser or by it: all sessions and remembered browsers of the user are
    /// ended, [`is_theft`](SessionError::is_theft) says so, and so does an event
    /// `authn_token_reuse`.
    pub async fn recall(&self, visitor: &Visitor) -> Result<Option<Remembered>, SessionError> {
        let recalled = self.recall_presented(visitor).await;
        recalled.map_err(|error| self.clearing(error))
    }

    async fn recall_presented(
        &self,
        visitor: &Visitor,
    ) -> Result<Option<Remembered>, SessionError> {
        let mut cookies = visitor.cookies(self.remember_cookie().name());
        let token = match (cookies.next(), cookies.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => Token::parse(value).ok_or(Why::Malformed),
            (Some(_), Some(_)) => Err(Why::Several),
        };
        let token = token.map_err(SessionError::new)?;
        let store = &self.sessions.settings.store;
        let found = store.get(token.place.key(SERIES)).await?;
        let (bytes, series) = self.judge(visitor, &token, found).await?;
        Ok(Some(Remembered {
            remember: self.clone(),
            token,
            bytes,
            series,
        }))
    }

    /// Whether what the store holds is a series with this secret; where it is one with another,
    /// ends everything.
    async fn judge(
        &self,
        visitor: &Visitor,
        token: &Token,
        found: Option<Bytes>,
    ) -> Result<(Bytes, Series), SessionError> {
        let bytes = found.ok_or_else(|| SessionError::new(Why::Unknown))?;
        let series: Series = decode(&bytes)?;
        let verdict = series.judge(&self.hash(token), &self.terms, self.sessions.now());
        let Err(error) = verdict else {
            self.not_ended(&series).await?;
            return Ok((bytes, series));
        };
        if error.is_theft() {
            self.end_all(visitor, token, &series).await?;
        }
        Err(error)
    }

    async fn not_ended(&self, series: &Series) -> Result<(), SessionError> {
        let epochs = &self.sessions.settings.epochs;
        if epochs.is_ended(&series.user, series.created.0).await? {
            return Err(SessionError::new(Why::EndedBefore).about(&series.user));
        }
        Ok(())
    }

    async fn end_all(
        &self,
        visitor: &Visitor,
        token: &Token,
        series: &Series,
    ) -> Result<(), SessionError> {
        let event = SecurityEvent::new(EventKind::AuthnTokenReuse)
            .with_code("remember_me_reused")
            .with_subject(&series.user)
            .with_detail("browser", &token.place.id.veiled());
        visitor.emitter.emit(event);
        let sessions = self.sessions.telling(visitor.emitter.clone());
        sessions.revoke_all(&series.user).await?;
        Ok(())
    }

    /// The remembered browsers of a user, the one that was used last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, user: &str) -> Result<Vec<RememberedBrowser>, SessionError> {
        let owner = OwnerTag::of(user);
        let store = &self.sessions.settings.store;
        let entries = store.list_owned(owner.owner(SERIES)).await?;
        let read = entries.iter().filter_map(|entry| {
            let id = PublicId::from_entry(entry.id())?;
            let series: Series = decode(entry.value()).ok()?;
            (*series.user == *user).then(|| RememberedBrowser::new(&id, &series, &self.terms))
        });
        let mut browsers: Vec<_> = read.collect();
        browsers.sort_by_key(|browser| std::cmp::Reverse(browser.last_used()));
        Ok(browsers)
    }

    /// Forgets the browser of this public id, if it is the user's, and tells whether it was.
    /// Its session goes on: end that by [`Sessions::revoke`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, user: &str, id: &str) -> Result<bool, SessionError> {
        let owner = OwnerTag::of(user);
        let store = &self.sessions.settings.store;
        let entries = store.list_owned(owner.owner(SERIES)).await?;
        let ids = entries.iter().map(|entry| PublicId::from_entry(entry.id()));
        let Some(found) = ids.flatten().find(|found| found.veiled() == id) else {
            return Ok(false);
        };
        let place = Place { owner, id: found };
        Ok(store.delete(place.key(SERIES)).await?)
    }

    fn hash(&self, token: &Token) -> SecretHash {
        token.hash(self.remember_cookie().name())
    }

    fn remember_cookie(&self) -> &CredentialCookie {
        &self.sessions.settings.remember_cookie
    }

    fn clearing(&self, error: SessionError) -> SessionError {
        error.clearing(|| self.remember_cookie().clear())
    }

    fn set_cookie(&self, token: &Token, series: &Series) -> http::HeaderValue {
        let left = series.left(&self.terms, self.sessions.now());
        self.remember_cookie()
            .set(&token.encode(), Some(left.as_secs()))
    }
}

impl Sessions {
    /// Ends what the browser would be remembered by.
    pub(in super::super) async fn forget_browser(
        &self,
        visitor: &Visitor,
    ) -> Result<(), SessionError> {
        for place in self.remembered(visitor).await? {
            self.settings.store.delete(place.key(SERIES)).await?;
        }
        Ok(())
    }

    /// Tells what the browser is remembered by as this user, and ends what it would be
    /// remembered by as others.
    pub(in super::super) async fn keep_browser(
        &self,
        visitor: &Visitor,
        user: OwnerTag,
    ) -> Result<Option<PublicId>, SessionError> {
        let mut kept = None;
        for place in self.remembered(visitor).await? {
            if place.owner == user && kept.is_none_or(|id| id == place.id) {
                kept = Some(place.id);
            } else {
                self.settings.store.delete(place.key(SERIES)).await?;
            }
        }
        Ok(kept)
    }

    /// What the browser shows good cookies of.
    async fn remembered(&self, visitor: &Visitor) -> Result<Vec<Place>, SessionError> {
        let cookie = self.settings.remember_cookie.name();
        let mut places = Vec::new();
        for token in visitor.cookies(cookie).filter_map(Token::parse) {
            let found = self.settings.store.get(token.place.key(SERIES)).await?;
            let hash = token.hash(cookie);
            // What cannot be read remembers nobody.
            let is_known = |series: Series| series.knows(&hash);
            if found.is_some_and(|found| decode(&found).is_ok_and(is_known)) {
                places.push(token.place);
            }
        }
        Ok(places)
    }
}

/// A remembered browser, found by its cookie, which is not used up yet.
///
/// Look the account up: whether it may still log in, and with which roles. Then
/// [`log_in`](Self::log_in).
#[must_use = "nobody is logged in yet"]
pub struct Remembered {
    remember: RememberMe,
    token: Token,
    bytes: Bytes,
    series: Series,
}

impl Remembered {
    /// Who it was when the browser was remembered.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.series.user
    }

    /// For the principal: proved when the user last logged in with a password, by no method
    /// and at no level since. What asks for a recent or a strong authentication asks again.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        self.series.authentication()
    }

    /// Begins a session, and replaces the cookie of the remembered browser. Of several requests
    /// that come with one cookie, one succeeds.
    ///
    /// # Errors
    /// When another request came first, when the principal is not [`user`](Self::user), or when
    /// the store fails.
    pub async fn log_in(
        self,
        visitor: &Visitor,
        principal: &Principal,
    ) -> Result<NewSession, SessionError> {
        if principal.id() != self.user() {
            return Err(SessionError::new(Why::OtherUser).about(principal.id()));
        }
        let sessions = &self.remember.sessions;
        let id = self.token.place.id;
        let session = sessions.begin(visitor, principal, Some(id)).await?;
        match self.turn(visitor).await {
            Ok(cookie) => Ok(NewSession {
                cookies: session.cookies.into_iter().chain([cookie]).collect(),
                ..session
            }),
            Err(error) => {
                let place = &session.place;
                // What is resumed from stays: it belongs to the request that came first.
                let ended = sessions.end(&visitor.emitter, principal.id(), place, End::Replaced);
                // Its cookie is never sent, so nobody can use it.
                let _left_alone = ended.await;
                Err(self.remember.clearing(error))
            }
        }
    }

    /// Uses the secret up, if nobody did meanwhile.
    async fn turn(&self, visitor: &Visitor) -> Result<http::HeaderValue, SessionError> {
        let Self {
            remember, token, ..
        } = self;
        let settings = &*remember.sessions.settings;
        let now = remember.sessions.now();
        let next = Token::at(token.place, &settings.random);
        let mut series = self.series.clone();
        series.turn(remember.hash(&next), now, visitor.note());
        let left = series.left(&remember.terms, now);
        let (key, value) = (token.place.key(SERIES), encode(&series)?);
        let swap = settings
            .store
            .compare_and_swap(key, Some(&self.bytes), &value, left);
        match swap.await? {
            Swap::Swapped => Ok(remember.set_cookie(&next, &series)),
            Swap::Conflict(found) => {
                remember.judge(visitor, token, found).await?;
                Err(SessionError::new(Why::Contended))
            }
        }
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("user", &self.user())
            .finish_non_exhaustive()
    }
}
