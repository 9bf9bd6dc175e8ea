//! Logins with providers that become sessions.

use super::linking::Links;
use super::{FinishedLogin, KeptLogin, LoggedOut, LoginHandler, Logins};
use crate::authn::session::{Sessions, Visitor};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::guard::{Rejection, RequestHead};
use crate::principal::Principal;
use http::HeaderMap;
use http::request::Parts;
use serde_json::Value;
use std::fmt;

/// The accounts of who logs in with a provider.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who has logged in",
    note = "use `portcullis::authn::oauth2::linking::Links`, or implement `portcullis::authn::oauth2::LoginAccounts`"
)]
pub trait LoginAccounts: Send + Sync + 'static {
    /// Who has logged in: finds or makes the account of this issuer and subject, never by an
    /// address. The principal's id is the account's, and its authentication that of the
    /// [identity](super::Identity::authentication).
    fn principal(
        &self,
        login: &FinishedLogin,
    ) -> impl Future<Output = Result<Principal, Rejection>> + Send;

    /// Ends what else a user was given by the login of this name, such as tokens. What has ended
    /// already is not an error.
    fn ended(
        &self,
        _user: &str,
        _login: &str,
    ) -> impl Future<Output = Result<(), Rejection>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Accounts that are nothing but identities: who comes for the first time gets one. The principal
/// has attributes `issuer` and `subject`.
impl LoginAccounts for Links {
    async fn principal(&self, login: &FinishedLogin) -> Result<Principal, Rejection> {
        let identity = login.identity();
        let account = self.find_or_create(&identity.key()?).await?;
        let principal = Principal::new(account.id(), identity.authentication());
        Ok(principal
            .with_attribute("issuer", identity.issuer())
            .with_attribute("subject", identity.subject()))
    }
}

/// The [`LoginHandler`] of services that keep [`Sessions`].
///
/// 1. A login begins a new session. Its principal is the one that the [accounts](LoginAccounts)
///    know, with the login's [name](Logins::name) in the attribute `login`.
/// 2. The cookie is sent only when the login is [kept](Logins::keep): no order of the provider
///    misses it. Of older logins that had to make room, the sessions end.
/// 3. The login of the session that the browser had before is over.
/// 4. Who logs out ends the session, and the login at the provider.
/// 5. A login that the provider ends takes its session with it.
///
/// ```no_run
/// # use portcullis::authn::oauth2::linking::Links;
/// # use portcullis::authn::oauth2::{LoginRoutes, Logins, RelyingParty, SessionLogins};
/// # use portcullis::authn::session::Sessions;
/// # fn routes(relying_party: RelyingParty, logins: Logins, sessions: Sessions, links: Links) {
/// let handler = SessionLogins::new(sessions, logins.clone(), links);
/// let app = axum::Router::<()>::new()
///     .nest_service("/auth", LoginRoutes::new(relying_party, logins, handler));
/// # }
/// ```
pub struct SessionLogins<A> {
    sessions: Sessions,
    logins: Logins,
    accounts: A,
    attribute: Box<str>,
}

impl<A: LoginAccounts> SessionLogins<A> {
    /// Makes sessions of logins to these accounts.
    #[must_use]
    pub fn new(sessions: Sessions, logins: Logins, accounts: A) -> Self {
        Self {
            sessions,
            logins,
            accounts,
            attribute: "login".into(),
        }
    }

    /// Sets the attribute of principals that names the login: `login` by default.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<Box<str>>) -> Self {
        self.attribute = name.into();
        self
    }

    fn login_of<'p>(&self, principal: &'p Principal) -> Option<&'p str> {
        principal.attribute(&self.attribute).and_then(Value::as_str)
    }

    /// Ends a login with all that was given by it.
    async fn end(&self, emitter: &Emitter, user: &str, login: &str) -> Result<(), Rejection> {
        self.accounts.ended(user, login).await?;
        let sessions = self.sessions.telling(emitter.clone());
        for session in sessions.list(user).await? {
            if self.login_of(session.principal()) == Some(login) {
                sessions.revoke(user, session.id()).await?;
            }
        }
        Ok(())
    }
}

impl<A: LoginAccounts> LoginHandler for SessionLogins<A> {
    async fn logged_in(
        &self,
        request: &Parts,
        login: &FinishedLogin,
    ) -> Result<HeaderMap, Rejection> {
        let emitter = Emitter::of(&request.extensions);
        let name = self.logins.name(login);
        let principal = self.accounts.principal(login).await?;
        let principal = principal.with_attribute(&*self.attribute, &*name);
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let session = self.sessions.login(&visitor, &principal).await?;
        for before in session.replaced() {
            if let Some(login) = self.login_of(before) {
                self.accounts.ended(before.id(), login).await?;
                self.logins.end(login).await?;
            }
        }
        for oldest in self.logins.keep(&name, principal.id(), login).await? {
            self.end(&emitter, principal.id(), &oldest).await?;
        }
        let event = SecurityEvent::new(EventKind::AuthnLoginSuccess);
        emitter.emit(event.with_subject(principal.id()));
        let mut headers = HeaderMap::new();
        session.apply(&mut headers);
        Ok(headers)
    }

    async fn log_out(&self, request: &Parts) -> Result<LoggedOut, Rejection> {
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let mut out = LoggedOut::new();
        // The session goes last: by it what failed halfway is found again.
        for principal in self.sessions.principals_of(&visitor).await? {
            if let Some(login) = self.login_of(&principal) {
                self.accounts.ended(principal.id(), login).await?;
                out = out.login(login);
            }
        }
        let ended = self.sessions.logout(&visitor).await?;
        Ok(out.headers(|headers| ended.apply(headers)))
    }

    async fn ended(&self, request: &Parts, login: &KeptLogin) -> Result<(), Rejection> {
        let emitter = Emitter::of(&request.extensions);
        self.end(&emitter, login.user(), &login.name()).await
    }
}

impl<A> fmt::Debug for SessionLogins<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLogins")
            .field("sessions", &self.sessions)
            .field("logins", &self.logins)
            .field("attribute", &self.attribute)
            .finish_non_exhaustive()
    }
}
