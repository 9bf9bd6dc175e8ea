use super::cookies::{EndedSession, NewSession};
use super::error::{SessionError, Why};
use super::lookup::{ENDED_MARKS, MARK_LIFETIME, MAX_MARKS, SESSIONS, judge};
use super::record::{EndMark, Record, decode, encode};
use super::remember::SERIES;
use super::settings::{SessionsBuilder, Settings};
use super::token::Token;
use super::visitor::Visitor;
use crate::authn::credential::{Place, PublicId, SecretHash};
use crate::authn::moment::Moment;
use crate::authn::owner::OwnerTag;
use crate::authn::{Revoke, Revoking};
use crate::clock::Timestamp;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::principal::Principal;
use crate::store::{OwnedPut, OwnerLimit, Store};
use bytes::Bytes;
use std::sync::Arc;

/// Makes, finds and ends sessions; an [`Authenticator`](crate::authn::Authenticator) by
/// itself. Cheap to clone. See the [module](super) for the rules.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) settings: Arc<Settings>,
    pub(super) emitter: Emitter,
}

/// Why a session ended that did not time out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Logout,
    Replaced,
    Limit,
    Revoked,
}

impl End {
    const fn code(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Replaced => "replaced_by_login",
            Self::Limit => "too_many_sessions",
            Self::Revoked => "revoked",
        }
    }
}

impl Sessions {
    /// Sessions in this store, with the defaults of [`SessionsBuilder`].
    ///
    /// ```
    /// use portcullis::authn::session::Sessions;
    /// use portcullis::store::Store;
    ///
    /// let sessions = Sessions::new(Store::memory());
    /// ```
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the defaults are checked by a test, and by every user's first start"
    )]
    pub fn new(store: Store) -> Self {
        let built = Self::builder(store).build();
        built.expect("the defaults are good")
    }

    /// Sessions in this store, to configure.
    pub fn builder(store: Store) -> SessionsBuilder {
        SessionsBuilder::new(store)
    }

    /// The same sessions; what is revoked by this handle is told by `emitter`: in a handler,
    /// that of the request. What is done for a [`Visitor`] is told by the visitor's.
    #[must_use]
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            emitter,
            ..self.clone()
        }
    }

    /// Begins a session of a user who has just proved who it is. Always under a new id and a
    /// new secret; the session that the browser had before is ended, whoever's it was (session
    /// fixation, ASVS 5.0 7.2.4).
    ///
    /// Take the time of the [`Authentication`](crate::principal::Authentication) before the
    /// password is checked, or as it is: when all sessions of the user are revoked later than
    /// that, this login is refused, even if it was under way.
    ///
    /// # Errors
    /// When the store fails, or the user has too many sessions and the limit refuses more.
    pub async fn login(
        &self,
        visitor: &Visitor,
        principal: &Principal,
    ) -> Result<NewSession, SessionError> {
        // Nor must the next user of the browser be resumed as the last one; and where the same
        // one is remembered still, that ends with this session, too.
        let user = OwnerTag::of(principal.id());
        let series = self.keep_browser(visitor, user).await?;
        self.begin(visitor, principal, series).await
    }

    pub(super) async fn begin(
        &self,
        visitor: &Visitor,
        principal: &Principal,
        series: Option<PublicId>,
    ) -> Result<NewSession, SessionError> {
        // First the old one: were it the last to go, a failure would leave two.
        let replaced = self.end_presented(visitor, End::Replaced).await?;
        let settings = &*self.settings;
        let user = principal.id();
        let token = Token::fresh(OwnerTag::of(user), &settings.random);
        let now = settings.clock.now();
        let mut record = Record::new(self.hash(&token), principal, now, visitor.note());
        record.series = series;
        record.check()?;
        let put = settings.store.put_owned(
            token.place.key(SESSIONS),
            &encode(&record)?,
            settings.timeouts.left(now, now, now),
            settings.limit,
        );
        let OwnedPut::Stored { evicted } = put.await? else {
            return Err(SessionError::new(Why::LimitReached).about(user));
        };
        for id in evicted.iter().filter_map(|id| PublicId::from_entry(id)) {
            self.mark_end(user, &id).await;
            tell_end(&visitor.emitter, user, &id, End::Limit);
        }
        let asked = self.overtaken(principal).await;
        if let Err(error) = asked {
            let deleted = settings.store.delete(token.place.key(SESSIONS));
            // Without its cookie nobody can use it, so it may stay until it times out.
            let _left_alone = deleted.await;
            return Err(error);
        }
        tell(
            &visitor.emitter,
            EventKind::SessionCreated,
            user,
            &token.place.id,
            None,
        );
        Ok(NewSession {
            replaced,
            ..self.answer(&token, &record)
        })
    }

    /// Everything of the user may have been ended between the proof and the session: what was
    /// deleted then did not include it.
    async fn overtaken(&self, principal: &Principal) -> Result<(), SessionError> {
        let shown = principal.authentication().shown_at();
        let epochs = &self.settings.epochs;
        if epochs.is_ended(principal.id(), shown).await? {
            return Err(SessionError::new(Why::Overtaken).about(principal.id()));
        }
        Ok(())
    }

    /// Goes on with the browser's session under a new secret, for the same user with other
    /// rights or a stronger authentication: after a step-up, a change of role or tenant. From
    /// the same moment on the old cookie is dead. The session keeps its public id, its values
    /// and its age; who authenticates from the start should [`login`](Self::login) instead.
    ///
    /// # Errors
    /// When the browser has no session, or had it renewed by another request meanwhile; when
    /// it is another user's; when the store fails.
    pub async fn renew(
        &self,
        visitor: &Visitor,
        principal: &Principal,
    ) -> Result<NewSession, SessionError> {
        let old = self.presented(visitor)?;
        let place = old.place;
        let token = Token::at(place, &self.settings.random);
        let (presented, now) = (self.hash(&old), self.now());
        let renewed = self
            .change(&place, |found| {
                let mut record = judge(found, &presented, &self.settings.timeouts, now)?;
                if record.user() != principal.id() {
                    return Err(SessionError::new(Why::OtherUser).about(principal.id()));
                }
                record.set_principal(principal);
                record.check()?;
                record.secret = self.hash(&token);
                record.seen.0 = now;
                record.renewed = Some(Moment(now));
                record.note = visitor.note();
                Ok(record)
            })
            .await;
        let record = match renewed {
            Ok(record) => record,
            Err(error) => return Err(self.clearing(self.tell_apart(&old, error).await)),
        };
        let id = &place.id;
        tell(
            &visitor.emitter,
            EventKind::SessionRenewed,
            principal.id(),
            id,
            None,
        );
        Ok(self.answer(&token, &record))
    }

    /// Ends the browser's session, on the server at once and for good, and takes the cookie
    /// away. Without a session that is all the same.
    ///
    /// The browser is [remembered](super::remember) no more, either.
    ///
    /// # Errors
    /// When the store fails: the session may go on, and the cookie stays for another try.
    pub async fn logout(&self, visitor: &Visitor) -> Result<EndedSession, SessionError> {
        self.forget_browser(visitor).await?;
        let ended = self.end_presented(visitor, End::Logout).await?;
        let Settings {
            cookie,
            remember_cookie,
            ..
        } = &*self.settings;
        let is_remembered = visitor.cookies(remember_cookie.name()).next().is_some();
        let mut cookies = vec![cookie.clear()];
        cookies.extend(is_remembered.then(|| remember_cookie.clear()));
        Ok(EndedSession { cookies, ended })
    }

    /// Ends what the browser shows a good cookie of, and tells whose sessions those were.
    async fn end_presented(
        &self,
        visitor: &Visitor,
        end: End,
    ) -> Result<Vec<Principal>, SessionError> {
        let mut ended = Vec::new();
        for (place, record) in self.shown_by(visitor).await? {
            if self
                .end(&visitor.emitter, record.user(), &place, end)
                .await?
            {
                ended.push(record.principal(&place.id));
            }
        }
        Ok(ended)
    }

    /// What the browser shows a good cookie of.
    async fn shown_by(&self, visitor: &Visitor) -> Result<Vec<(Place, Record)>, SessionError> {
        let mut shown = Vec::new();
        let cookies = visitor.cookies(self.settings.cookie.name());
        for token in cookies.filter_map(Token::parse) {
            let found = match self.find(&token.place).await {
                // Nobody can use it, so there is nothing to end.
                Err(error) if error.is_refused() => None,
                found => found?,
            };
            let hash = self.hash(&token);
            if let Some(record) = found.filter(|record| record.secret.is(&hash)) {
                shown.push((token.place, record));
            }
        }
        Ok(shown)
    }

    /// Whose sessions the browser shows a good cookie of.
    #[cfg(feature = "oauth2")]
    pub(in crate::authn) async fn principals_of(
        &self,
        visitor: &Visitor,
    ) -> Result<Vec<Principal>, SessionError> {
        let shown = self.shown_by(visitor).await?;
        let principals = shown
            .iter()
            .map(|(place, record)| record.principal(&place.id));
        Ok(principals.collect())
    }

    /// Ends a session that was there a moment ago and, where somebody wanted it to end, what it
    /// would be resumed from.
    pub(super) async fn end(
        &self,
        emitter: &Emitter,
        user: &str,
        place: &Place,
        end: End,
    ) -> Result<bool, SessionError> {
        // First the mark: a request in between would find neither, and have its cookie, which
        // may be the next one by then, taken away.
        self.mark_end(user, &place.id).await;
        let (store, key) = (&self.settings.store, place.key(SESSIONS));
        let is_wanted = matches!(end, End::Logout | End::Revoked);
        if is_wanted {
            // Before the session: were it to fail after that, nobody could try again.
            self.forget_series(place, store.get(key).await?).await?;
        }
        let taken = store.take(key).await?;
        let was_there = taken.is_some();
        if is_wanted {
            // The browser may have been remembered in between.
            self.forget_series(place, taken).await?;
        }
        if was_there {
            tell_end(emitter, user, &place.id, end);
        }
        Ok(was_there)
    }

    /// Ends what a session would be resumed from.
    async fn forget_series(&self, at: &Place, found: Option<Bytes>) -> Result<(), SessionError> {
        let record = found.and_then(|found| decode::<Record>(&found).ok());
        if let Some(id) = record.and_then(|record| record.series) {
            let remembered = Place { id, ..*at };
            self.settings.store.delete(remembered.key(SERIES)).await?;
        }
        Ok(())
    }

    /// Marks a session as ended on purpose, so that whoever uses its cookie from now on is
    /// known to be no honest latecomer.
    pub(super) async fn mark_end(&self, user: &str, id: &PublicId) {
        let owner = OwnerTag::of(user);
        let mark = owner.owner(ENDED_MARKS).key(id.bytes());
        let limit = OwnerLimit::evict_above(MAX_MARKS);
        let ended = EndMark {
            user: user.into(),
            ended: Moment(self.now()),
        };
        let Ok(value) = encode(&ended) else {
            return;
        };
        let store = &self.settings.store;
        let marked = store.put_owned(mark, &value, MARK_LIFETIME, limit);
        // Without the mark the cookie is as dead, and its use is told as a time-out.
        let _less_is_known = marked.await;
    }

    /// The one cookie that the browser has.
    fn presented(&self, visitor: &Visitor) -> Result<Token, SessionError> {
        let mut cookies = visitor.cookies(self.settings.cookie.name());
        let token = match (cookies.next(), cookies.next()) {
            (None, _) => Err(Why::Unknown),
            (Some(value), None) => Token::parse(value).ok_or(Why::Malformed),
            (Some(_), Some(_)) => Err(Why::Several),
        };
        token.map_err(|why| self.clearing(SessionError::new(why)))
    }

    pub(super) fn clearing(&self, error: SessionError) -> SessionError {
        error.clearing(|| self.settings.cookie.clear())
    }

    fn answer(&self, token: &Token, record: &Record) -> NewSession {
        let settings = &*self.settings;
        let left = || {
            settings
                .timeouts
                .absolute_left(record.created.0, record.seen.0)
        };
        let seconds = settings.is_persistent.then(|| left().as_secs());
        NewSession {
            place: token.place,
            principal: record.principal(&token.place.id),
            replaced: Vec::new(),
            cookies: vec![settings.cookie.set(&token.encode(), seconds)],
        }
    }

    pub(super) fn hash(&self, token: &Token) -> SecretHash {
        token.hash(self.settings.cookie.name())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }
}

/// Tells why a session ended that did not time out.
pub(super) fn tell_end(emitter: &Emitter, user: &str, id: &PublicId, end: End) {
    let code = Some(end.code());
    tell(emitter, EventKind::SessionExpired, user, id, code);
}

/// Tells what became of a session.
fn tell(emitter: &Emitter, kind: EventKind, user: &str, id: &PublicId, code: Option<&'static str>) {
    let event = SecurityEvent::new(kind)
        .with_subject(user)
        .with_detail("session", &id.text());
    emitter.emit(match code {
        Some(code) => event.with_code(code),
        None => event,
    });
}

/// Sessions, remembered browsers, logins under way, and what else asks for the same epochs.
impl Revoke for Sessions {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }

    fn revoke_others<'a>(&'a self, principal: &'a Principal) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_others(principal).await?;
            Ok(())
        })
    }
}
