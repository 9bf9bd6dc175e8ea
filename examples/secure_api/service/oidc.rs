//! Logging in with a provider: the accounts and sessions of those who do.

use super::State;
use super::accounts::Account;
use super::config::OidcConfig;
use super::rights;
use super::sessions;
use super::vault::Vault;
use axum::Router;
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::oauth2::{
    ClientAuthentication, FinishedLogin, LoginAccounts, LoginRoutes, Logins, Provider,
    RelyingParty, SessionLogins,
};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::HttpClient;
use portcullis::principal::Principal;
use portcullis::store::Store;
use std::error::Error;

/// Our name for the one provider.
const NAME: &str = "oidc";

/// The accounts of who logs in with the provider.
struct ProviderAccounts {
    state: State,
    links: Links,
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
    let accounts = ProviderAccounts {
        state: state.clone(),
        links: Links::new(state.records.clone()),
    };
    let sessions = state.sessions.clone();
    let handler = SessionLogins::new(sessions, logins.clone(), accounts).attribute(sessions::LOGIN);
    let routes = LoginRoutes::new(relying_party, logins, handler);
    Ok(Router::new().nest_service("/auth", routes))
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

impl LoginAccounts for ProviderAccounts {
    async fn principal(&self, login: &FinishedLogin) -> Result<Principal, Rejection> {
        let account = self.account(login).await?;
        let proof = login.identity().authentication();
        Ok(rights::principal_of_account(&account, proof))
    }

    async fn ended(&self, user: &str, login: &str) -> Result<(), Rejection> {
        self.state.tokens.end(user, login).await?;
        Ok(())
    }
}

impl ProviderAccounts {
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
