//! Logging in with a provider: the accounts and sessions of those who do.

use super::State;
use super::accounts::Account;
use super::config::OidcConfig;
use super::rights;
use super::sessions;
use super::vault::Vault;
use axum::Router;
use http::HeaderMap;
use http::request::Parts;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::oauth2::{
    ClientAuthentication, FinishedLogin, KeptLogin, LoggedOut, LoginHandler, LoginRoutes, Logins,
    Provider, RelyingParty,
};
use portcullis::authn::session::Visitor;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::{Rejection, RejectionKind, RequestHead};
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::HttpClient;
use portcullis::principal::Principal;
use portcullis::store::Store;
use std::error::Error;

/// Our name for the one provider.
const NAME: &str = "oidc";

/// What becomes of logins with the provider.
struct Oidc {
    state: State,
    links: Links,
    logins: Logins,
}

/// The routes below `/auth`.
pub(super) fn routes(
    config: &OidcConfig,
    port: u16,
    state: &State,
    store: &Store,
    vault: &Vault,
) -> Result<Router<State>, Box<dyn Error>> {
    let provider = provider(config, port)?;
    let relying_party = RelyingParty::builder(store.clone(), vault.login_cookie.clone())
        .provider(provider)
        .build()?;
    let logins = Logins::new(store.clone(), vault.provider_tokens.clone());
    let handler = Oidc {
        state: state.clone(),
        links: Links::new(state.records.clone()),
        logins: logins.clone(),
    };
    // Who logs out is told by the session.
    let who = AuthenticateLayer::new(state.sessions.clone()).allow_anonymous();
    let routes = LoginRoutes::new(relying_party, logins, handler);
    Ok(Router::new().nest_service("/auth", routes).layer(who))
}

fn provider(config: &OidcConfig, port: u16) -> Result<Provider, Box<dyn Error>> {
    let us = match &config.client_secret {
        Some(secret) => ClientAuthentication::secret_basic(&*config.client_id, secret.clone())?,
        None => ClientAuthentication::none(&*config.client_id)?,
    };
    let here = format!("http://127.0.0.1:{port}");
    // A provider on this machine, for trying things out. Any other is called by public
    // addresses alone.
    let is_here = config.issuer.starts_with("http://");
    let addresses = AddressPolicy::public();
    let addresses = if is_here {
        addresses.allow_loopback()
    } else {
        addresses
    };
    let client = HttpClient::builder().addresses(addresses).build()?;
    Ok(Provider::openid(NAME, &config.issuer, us)
        .redirect_uri(format!("{here}/auth/{NAME}/callback"))
        .post_logout_redirect_uri(format!("{here}/"))
        .build(client)?)
}

impl LoginHandler for Oidc {
    async fn logged_in(
        &self,
        request: &Parts,
        login: &FinishedLogin,
    ) -> Result<HeaderMap, Rejection> {
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let account = self.account(login).await?;
        let name = self.logins.name(login);
        let proof = login.identity().authentication();
        let principal = rights::principal_of_account(&account, proof);
        let principal = principal.with_attribute("sid", &*name);
        let session = self.state.sessions.login(&visitor, &principal).await?;
        sessions::end_tokens(&self.state, session.replaced()).await?;
        // Where the provider has ended it meanwhile, the cookie is not sent.
        let ended = self.logins.keep(&name, &account.id, login).await?;
        let emitter = Emitter::of(&request.extensions);
        for name in &ended {
            sessions::end_login(&self.state, emitter.clone(), &account.id, name).await?;
        }
        let event = SecurityEvent::new(EventKind::AuthnLoginSuccess).with_subject(&account.id);
        emitter.emit(event);
        let mut headers = HeaderMap::new();
        session.apply(&mut headers);
        Ok(headers)
    }

    async fn log_out(&self, request: &Parts) -> Result<LoggedOut, Rejection> {
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let emitter = Emitter::of(&request.extensions);
        let mut out = LoggedOut::default();
        let principal: Option<&Principal> = request.extensions.get();
        if let Some((user, login)) = principal.and_then(sessions::user_and_login) {
            sessions::end_login(&self.state, emitter, user, login).await?;
            out = out.login(login);
        }
        let ended = self.state.sessions.logout(&visitor).await?;
        sessions::end_tokens(&self.state, ended.ended()).await?;
        Ok(out.headers(|headers| ended.apply(headers)))
    }

    async fn ended(&self, request: &Parts, login: &KeptLogin) -> Result<(), Rejection> {
        let emitter = Emitter::of(&request.extensions);
        sessions::end_login(&self.state, emitter, login.user(), &login.name()).await
    }
}

impl Oidc {
    /// The account of an identity: its own, whatever address the provider tells. Somebody who
    /// has both a password and an identity here has two accounts.
    async fn account(&self, login: &FinishedLogin) -> Result<Account, Rejection> {
        let identity = login.identity().key()?;
        let accounts = &self.state.accounts;
        let id = match self.links.find(&identity).await? {
            Some(id) => id,
            None => {
                let made = accounts.insert_of_identity(&identity).await?;
                let linked = self.links.create(&identity, &made).await?;
                if !linked.is_new() {
                    // Another request was first.
                    accounts.remove(&made).await?;
                }
                linked.id().into()
            }
        };
        let disabled = || {
            let rejection = Rejection::new(RejectionKind::Forbidden).with_code("login_denied");
            rejection.with_reason("the account is disabled or gone")
        };
        accounts.by_id(&id).await?.ok_or_else(disabled)
    }
}
