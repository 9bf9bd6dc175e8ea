//! The service: its layers, its routes, its state.

mod account;
pub(crate) mod accounts;
mod bans;
mod config;
mod json;
mod limits;
mod login;
mod notes;
mod page;
mod signing_key;
pub(crate) mod sqlite;
mod stores;
pub(crate) mod vault;
mod waf;

pub(crate) use config::Config;
pub(crate) use stores::Stores;

use accounts::{Account, Accounts};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{any_service, get, post, put};
use limits::HeaderLimits;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::jwt::{
    Issuer, JwtBearer, TokenBuilder, VerifiedToken, Verifier, principal_of,
};
use portcullis::authn::password::{PasswordPolicy, Passwords};
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::cross_origin::token::{CsrfTokenLayer, CsrfTokens};
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::clock::Clock;
use portcullis::crypto::keys::KeySet;
use portcullis::event::RecentEvents;
use portcullis::guard::{GuardLayer, Rejection, RejectionKind};
use portcullis::limit::ban::{BanAdmin, BanLayer};
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::ClientIpLayer;
use portcullis::net::request_id::RequestIdLayer;
use portcullis::principal::{Method, Principal};
use portcullis::store::Records;
use portcullis::waf::WafLayer;
use signing_key::signing_key;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use vault::Vault;

/// Who issues the tokens, and for whom: both are this service.
const NAME: &str = "https://secure-api.example.com";
/// Short, because a token cannot be taken back before it expires, nor the roles in it.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How many events `GET /security/events` remembers.
const EVENTS: usize = 100;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct State {
    accounts: Accounts,
    records: Records,
    vault: Vault,
    passwords: Passwords,
    issuer: Issuer,
    admin_email: Arc<str>,
    events: Arc<RecentEvents>,
    /// Whether other processes issue tokens for accounts that this one cannot look up.
    accounts_of_others: bool,
}

impl State {
    fn issue_token(&self, account: &Account) -> Result<String, Rejection> {
        let token = self
            .issuer
            .token(account.id.clone())
            .authenticated(Clock::system().now(), &[Method::Password])
            .claim("roles", &account.roles)
            .and_then(|token| token.claim("email", &account.email))
            .and_then(TokenBuilder::sign);
        token
            .map_err(|error| Rejection::new(RejectionKind::Internal).with_reason(error.to_string()))
    }
}

impl FromRef<State> for Arc<RecentEvents> {
    fn from_ref(state: &State) -> Self {
        Self::clone(&state.events)
    }
}

/// The service, complete but for the port.
pub(crate) fn app(config: &Config, stores: Stores) -> Result<Router, Box<dyn Error>> {
    let signing_key = signing_key(config.jwt_key.as_ref())
        .map_err(|error| format!("JWT_KEY cannot be used: {error}"))?;
    let (algorithm, keys) = (
        signing_key.algorithm(),
        KeySet::new([signing_key.verifying_key()])?,
    );
    let issuer = Issuer::new(signing_key, NAME, NAME)?.lifetime(TOKEN_LIFETIME)?;
    let verifier = Verifier::builder(NAME, NAME, algorithm, keys).build()?;
    let rbac = Rbac::builder()
        .resource("users", ["read"])
        .resource("events", ["read"])
        .resource("bans", ["write"])
        .role(Role::new("admin").allow("*"))
        .build()?;
    let state = State {
        accounts: Accounts::new(stores.records.clone()),
        records: stores.records,
        vault: stores.vault,
        passwords: Passwords::new()?,
        issuer,
        admin_email: config.admin_email.as_str().into(),
        events: Arc::new(RecentEvents::new(EVENTS)),
        accounts_of_others: config.jwt_key.is_some() && config.database.is_none(),
    };

    let bans = bans::bans(
        stores.store.clone(),
        config.ban_after,
        &config.trusted_proxies,
    )?;

    // Behind this, nobody is anonymous.
    let members = Router::new()
        .route("/me", get(account::me))
        .route("/me/national-id", put(account::set_national_id))
        .route("/notes", get(notes::list).post(notes::create))
        .route("/notes/{id}", get(notes::show))
        .route(
            "/admin/users",
            get(account::list).layer(rbac.require("users:read")?),
        )
        .route(
            "/admin/users/search",
            post(account::search).layer(rbac.require("users:read")?),
        )
        .route(
            "/admin/bans",
            any_service(BanAdmin::new(bans.clone())).layer(rbac.require("bans:write")?),
        )
        .route(
            "/security/events",
            get(account::events).layer(rbac.require("events:read")?),
        )
        .layer(AuthenticateLayer::new(
            JwtBearer::new(verifier).principal_by(principal),
        ));

    // The page brings its own headers, for those of the API are too strict for any page, and
    // asks its own requests for a token.
    let page = Router::new()
        .route("/", get(page::show))
        .route(page::LOGIN_PATH, post(login::login))
        .layer(
            ServiceBuilder::new()
                .layer(SecurityHeadersLayer::strict())
                .layer(CsrfTokenLayer::new(CsrfTokens::with_random_key())),
        );

    Ok(Router::new()
        .route(
            "/health",
            get(async || axum::Json(serde_json::json!({"status": "ok"}))),
        )
        .route("/register", post(login::register))
        .route("/login", post(login::login))
        .route(page::SCRIPT_PATH, get(page::script))
        .merge(page)
        .merge(members)
        .fallback(async || Rejection::new(RejectionKind::NotFound))
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
                        .store(stores.store),
                )
                .layer(GuardLayer::new(HeaderLimits))
                .layer(CrossOriginLayer::new())
                .layer(WafLayer::new(waf::waf()?).body_deadline(json::BODY_TIMEOUT)),
        ))
}

/// Who a token of ours stands for.
fn principal(token: &VerifiedToken) -> Result<Principal, Rejection> {
    let claims = token.claims();
    let principal = principal_of(claims)?.with_roles(claims.words("roles"));
    Ok(match claims.text("email") {
        Some(email) => principal.with_attribute("email", email),
        None => principal,
    })
}

/// How passwords are judged: they are the only factor here.
fn password_policy() -> PasswordPolicy {
    PasswordPolicy::only_factor().about(["secure api", "portcullis"])
}
