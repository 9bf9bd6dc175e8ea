//! The service: its layers, its routes, its state.

mod account;
mod accounts;
mod config;
mod json;
mod limits;
mod login;
mod page;

pub(crate) use config::Config;

use accounts::{Account, Accounts};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use limits::HeaderLimits;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::jwt::{Issuer, JwtBearer, TokenBuilder, Verifier};
use portcullis::authn::password::{PasswordPolicy, Passwords};
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::cross_origin::token::{CsrfTokenLayer, CsrfTokens};
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::clock::Clock;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::event::RecentEvents;
use portcullis::guard::{GuardLayer, Rejection, RejectionKind};
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::ClientIpLayer;
use portcullis::net::request_id::RequestIdLayer;
use portcullis::principal::Method;
use portcullis::store::Records;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;

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
    passwords: Passwords,
    issuer: Issuer,
    admin_email: Arc<str>,
    events: Arc<RecentEvents>,
}

impl State {
    fn issue_token(&self, account: &Account) -> Result<String, Rejection> {
        let token = self
            .issuer
            .token(account.id.clone())
            .authenticated(Clock::system().now(), &[Method::Password])
            .claim("roles", &account.roles)
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
pub(crate) fn app(config: &Config) -> Result<Router, Box<dyn Error>> {
    let signing_key = SigningKey::generate(Algorithm::EdDsa)?;
    let issuer = Issuer::new(signing_key, NAME, NAME)?.lifetime(TOKEN_LIFETIME)?;
    let verifier = Verifier::builder(NAME, NAME, Algorithm::EdDsa, issuer.public_keys()).build()?;
    let rbac = Rbac::builder()
        .resource("users", ["read"])
        .resource("events", ["read"])
        .role(Role::new("admin").allow("*"))
        .build()?;
    let state = State {
        accounts: Accounts::new(Records::memory()),
        passwords: Passwords::new()?,
        issuer,
        admin_email: config.admin_email.as_str().into(),
        events: Arc::new(RecentEvents::new(EVENTS)),
    };

    // Behind this, nobody is anonymous.
    let members = Router::new()
        .route("/me", get(account::me))
        .route(
            "/admin/users",
            get(account::list).layer(rbac.require("users:read")?),
        )
        .route(
            "/security/events",
            get(account::events).layer(rbac.require("events:read")?),
        )
        .layer(AuthenticateLayer::new(
            JwtBearer::new(verifier).roles_from("roles"),
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
                .layer(RateLimitLayer::new(Quota::per_minute(
                    config.requests_per_minute.get(),
                )?))
                .layer(GuardLayer::new(HeaderLimits))
                .layer(CrossOriginLayer::new()),
        ))
}

/// How passwords are judged: they are the only factor here.
fn password_policy() -> PasswordPolicy {
    PasswordPolicy::only_factor().about(["secure api", "portcullis"])
}
