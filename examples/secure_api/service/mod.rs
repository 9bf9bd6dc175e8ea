//! The service: its layers, its routes, its state.

mod account;
pub(crate) mod accounts;
mod api_keys;
mod bans;
mod config;
mod documents;
mod factors;
pub(crate) mod json;
mod lifecycle;
mod limits;
mod login;
mod mail;
mod notes;
mod oidc;
mod owned;
mod page;
pub(crate) mod policies;
mod records;
mod registration;
mod rights;
mod sessions;
mod signed;
pub(crate) mod sqlite;
mod state;
mod stores;
pub(crate) mod token_keys;
mod tokens;
mod uploads;
pub(crate) mod vault;
mod waf;

pub(crate) use config::Config;
pub(crate) use state::State;
pub(crate) use stores::Stores;

use axum::Router;
use axum::routing::{MethodRouter, any_service, delete, get, post, put};
use limits::HeaderLimits;
use login::second_factor;
use portcullis::authn::AuthenticateLayer;
use portcullis::authz::rbac::Rbac;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::guard::{GuardLayer, Rejection, RejectionKind};
use portcullis::limit::ban::{BanAdmin, BanLayer};
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::ClientIpLayer;
use portcullis::net::request_id::RequestIdLayer;
use std::error::Error;
use std::time::Duration;
use tower::ServiceBuilder;

/// Who issues the tokens, and for whom: both are this service.
const NAME: &str = "https://secure-api.example.com";
/// Short, because the roles in a token are those of when it was made.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Whoever finds an open session must not take the account over by it.
const RECENT: Duration = Duration::from_secs(15 * 60);

/// The service, complete but for the port.
pub(crate) fn app(config: &Config, stores: Stores) -> Result<Router, Box<dyn Error>> {
    let state = State::open(config, &stores)?;
    // Behind this, nobody is anonymous. An API key may be a bearer token as well, so it is
    // looked for first.
    let who = AuthenticateLayer::new((
        state.api_keys.clone(),
        state
            .tokens
            .bearer(&stores.keys)?
            .principal_by(rights::principal_of_token),
        state.sessions.clone(),
    ));
    let rbac = rights::rbac()?;
    let bans = bans::bans(
        stores.anonymous.clone(),
        config.ban_after,
        &config.trusted_proxies,
    )?;
    // Who is banned as a user is so from any address.
    let banned_users = BanLayer::new(bans.clone()).by_principal();
    let webhooks = signed::webhooks(config, &stores.store)?;
    let orders = signed::orders(
        state.signing_keys.clone(),
        &stores,
        &rbac,
        &banned_users,
        config,
    )?;
    let members = members(&rbac, BanAdmin::new(bans.clone()))?
        .merge(documents::routes(&state.documents)?)
        .layer(banned_users.clone())
        .layer(who.clone());
    // Files are larger than anything else that comes in, so they have a firewall of their own.
    let uploads = uploads::routes(&rbac)?
        .layer(banned_users)
        .layer(who)
        .layer(waf::layer(uploads::MAX_BYTES)?);
    let providers = match &config.oidc {
        Some(oidc) => oidc::routes(oidc, config.port, &state, &stores.store, &stores.vault)?,
        None => Router::new(),
    };

    Ok(Router::new()
        .route(
            "/health",
            get(async || axum::Json(serde_json::json!({"status": "ok"}))),
        )
        .route("/register", post(registration::register))
        .route("/login", post(login::login))
        .route("/login/totp", post(second_factor::totp))
        .route("/login/recovery", post(second_factor::recovery))
        .route("/password/forgot", post(lifecycle::forgot_password))
        .route("/password/reset", post(lifecycle::reset_password))
        .route("/email/confirm", post(lifecycle::confirm_email))
        .route("/token/refresh", post(tokens::refresh))
        .route("/.well-known/jwks.json", stores.keys.published()?)
        .merge(page::routes(config.oidc.as_ref())?)
        .merge(webhooks)
        .merge(orders)
        .merge(providers)
        .merge(members)
        .fallback(async || Rejection::new(RejectionKind::NotFound))
        .layer(waf::layer(json::MAX_BYTES)?)
        .merge(uploads)
        .method_not_allowed_fallback(async || Rejection::new(RejectionKind::MethodNotAllowed))
        .with_state(state.clone())
        // One `layer` for all: each call of `Router::layer` costs some allocations a request.
        .layer(
            ServiceBuilder::new()
                .layer(MonitorLayer::new(state.events))
                .layer(RequestIdLayer::new())
                .layer(ClientIpLayer::trusting(
                    config.trusted_proxies.iter().copied(),
                ))
                .layer(SecurityHeadersLayer::api())
                .layer(BanLayer::new(bans))
                .layer(
                    RateLimitLayer::new(Quota::per_minute(config.requests_per_minute.get())?)
                        .store(stores.anonymous),
                )
                .layer(GuardLayer::new(HeaderLimits))
                .layer(CrossOriginLayer::new()),
        ))
}

/// What those may ask for who have an account, each by a permission.
fn members(rbac: &Rbac, bans: BanAdmin) -> Result<Router<State>, Box<dyn Error>> {
    let may = |permission: &str, routes: MethodRouter<State>| {
        rbac.require(permission).map(|layer| routes.layer(layer))
    };
    Ok(Router::new()
        .route(
            "/me",
            may("me:read", get(account::me))?
                .merge(may("login:manage", delete(lifecycle::delete))?),
        )
        .route(
            "/password",
            may("login:manage", post(lifecycle::change_password))?,
        )
        .route(
            "/email",
            may("login:manage", post(lifecycle::change_email))?,
        )
        .route(
            "/admin/users/{id}/disable",
            may("users:write", post(lifecycle::disable))?,
        )
        .route(
            "/admin/users/{id}/enable",
            may("users:write", post(lifecycle::enable))?,
        )
        .route(
            "/me/national-id",
            may("me:write", put(account::set_national_id))?,
        )
        .route(
            "/notes",
            may("notes:read", get(notes::list))?.merge(may("notes:write", post(notes::create))?),
        )
        .route(
            "/notes/{id}",
            may("notes:read", get(notes::show))?.merge(may("notes:write", delete(notes::delete))?),
        )
        .route("/totp", may("login:manage", delete(factors::remove))?)
        .route("/totp/enrol", may("login:manage", post(factors::enrol))?)
        .route(
            "/totp/confirm",
            may("login:manage", post(factors::confirm))?,
        )
        .route(
            "/recovery-codes",
            may("login:manage", post(factors::regenerate))?,
        )
        .route("/logout", may("login:manage", post(sessions::log_out))?)
        .route(
            "/sessions",
            may(
                "login:manage",
                get(sessions::list).delete(sessions::revoke_others),
            )?,
        )
        .route(
            "/sessions/{id}",
            may("login:manage", delete(sessions::revoke))?,
        )
        .route(
            "/api-keys",
            may("keys:manage", get(api_keys::list).post(api_keys::create))?,
        )
        .route(
            "/api-keys/{id}",
            may("keys:manage", delete(api_keys::revoke))?,
        )
        .route("/admin/users", may("users:read", get(account::list))?)
        .route(
            "/admin/users/search",
            may("users:read", post(account::search))?,
        )
        .route("/admin/bans", may("bans:write", any_service(bans))?)
        .route(
            "/security/events",
            may("events:read", get(account::events))?,
        ))
}
