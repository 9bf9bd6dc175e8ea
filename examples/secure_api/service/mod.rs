//! The service: its layers, its routes, its state.

mod account;
pub(crate) mod accounts;
mod api_keys;
mod bans;
mod config;
mod documents;
mod factors;
mod json;
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
mod stores;
pub(crate) mod token_keys;
mod tokens;
mod uploads;
pub(crate) mod vault;
mod waf;

pub(crate) use config::Config;
pub(crate) use stores::Stores;

use accounts::Accounts;
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{MethodRouter, any_service, delete, get, post, put};
use config::Staff;
use documents::Documents;
use limits::HeaderLimits;
use login::{PendingLogins, second_factor};
use mail::Mail;
use owned::Owned;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::account::{Lifecycle, Login};
use portcullis::authn::api_key::{ApiKeys, SigningApiKeys};
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::one_time_code::{LinkTokens, Outbox};
use portcullis::authn::password::{PasswordPolicy, Passwords};
use portcullis::authn::recovery_codes::RecoveryCodes;
use portcullis::authn::session::Sessions;
use portcullis::authn::throttle::{self, Steps, Throttle};
use portcullis::authn::totp::Totp;
use portcullis::authz::rbac::Rbac;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
use portcullis::browser::headers::{CspNonce, SecurityHeadersLayer};
use portcullis::clock::Clock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::guard::{GuardLayer, Rejection, RejectionKind};
use portcullis::limit::ban::{BanAdmin, BanLayer};
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::ClientIpLayer;
use portcullis::net::request_id::RequestIdLayer;
use portcullis::store::Records;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokens::Tokens;
use tower::ServiceBuilder;
use vault::Vault;

/// Who issues the tokens, and for whom: both are this service.
const NAME: &str = "https://secure-api.example.com";
/// Short, because the roles in a token are those of when it was made.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Whoever finds an open session must not take the account over by it.
const RECENT: Duration = Duration::from_secs(15 * 60);
/// How many events `GET /security/events` remembers.
const EVENTS: usize = 100;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct State {
    accounts: Accounts,
    records: Records,
    owned: Owned,
    vault: Vault,
    passwords: Passwords,
    throttle: Throttle,
    login: Login,
    lifecycle: Lifecycle,
    totp: Totp,
    recovery_codes: RecoveryCodes,
    pending: PendingLogins,
    sessions: Sessions,
    tokens: Tokens,
    api_keys: ApiKeys,
    signing_keys: SigningApiKeys,
    admin_email: Arc<str>,
    staff: Arc<[Staff]>,
    documents: Documents,
    events: Arc<RecentEvents>,
    /// Whether other processes issue tokens for accounts that this one cannot look up.
    accounts_of_others: bool,
}

impl FromRef<State> for Arc<RecentEvents> {
    fn from_ref(state: &State) -> Self {
        Self::clone(&state.events)
    }
}

/// The service, complete but for the port.
pub(crate) fn app(config: &Config, stores: Stores) -> Result<Router, Box<dyn Error>> {
    let (store, records) = (stores.store.clone(), stores.records.clone());
    let accounts = Accounts::new(records.clone());
    let passwords = Passwords::new()?;
    let throttle = throttle(&stores)?;
    let login = Login::new(accounts.directory(), passwords.clone(), throttle.clone());
    let totp_secret = stores.vault.totp_secret.clone();
    let totp = Totp::builder("secure_api", records.clone(), totp_secret).build()?;
    let recovery_codes = RecoveryCodes::new(records.clone());
    let sessions = Sessions::new(store.clone());
    let api_keys = rights::api_keys(records, accounts.clone())?;
    let api_key_text = stores.vault.api_key_text.clone();
    let signing_keys = SigningApiKeys::new(api_keys.clone(), api_key_text);
    let outbox = Outbox::new(Mail::to(config.mail_folder.clone()));
    let links =
        LinkTokens::builder(stores.anonymous.clone(), &stores.vault.login_key, outbox).build()?;
    // The epoch that sessions set ends refresh tokens and access tokens, too.
    let owned = Owned::new(stores.records.clone());
    let lifecycle = Lifecycle::new(login.clone(), links)
        .policy(password_policy())
        .ends_logins(sessions.clone())
        .ends_keys(api_keys.clone())
        .deletes(totp.clone())
        .deletes(Links::new(stores.records.clone()))
        .deletes(recovery_codes.clone())
        .deletes(owned.clone());
    let (authz, live_policies) = policies::open(&config.policies)?;
    let documents = Documents::new(authz);
    let events = Arc::new(RecentEvents::new(EVENTS));
    let teller = Emitter::new(Arc::<RecentEvents>::clone(&events), Clock::system());
    tokio::spawn(policies::watch(live_policies, teller));
    let state = State {
        throttle,
        login,
        lifecycle,
        totp,
        recovery_codes,
        sessions,
        pending: PendingLogins::new(store),
        tokens: Tokens::new(&stores.keys, stores.store.clone())?,
        api_keys,
        signing_keys: signing_keys.clone(),
        accounts,
        records: stores.records.clone(),
        owned,
        vault: stores.vault.clone(),
        passwords,
        admin_email: config.admin_email.as_str().into(),
        staff: Arc::clone(&config.staff),
        documents,
        events,
        accounts_of_others: config.jwt_key.is_some() && config.database.is_none(),
    };

    let bans = bans::bans(
        stores.anonymous.clone(),
        config.ban_after,
        &config.trusted_proxies,
    )?;

    let webhooks = signed::webhooks(config, &stores.store)?;
    let providers = match &config.oidc {
        Some(oidc) => oidc::routes(oidc, config.port, &state, &stores.store, &stores.vault)?,
        None => Router::new(),
    };

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
    let orders = signed::orders(signing_keys, &stores, &rbac, config)?;
    let members = members(&rbac, BanAdmin::new(bans.clone()))?
        .merge(documents::routes(&state.documents)?)
        .layer(who.clone());
    // Files are larger than anything else that comes in, so they have a firewall of their own.
    let uploads = uploads::routes(&rbac)?
        .layer(who)
        .layer(waf::layer(uploads::MAX_BYTES)?);

    // The page brings its own headers, for those of the API are too strict for any page, and
    // asks its own requests for a token.
    let has_provider = config.oidc.is_some();
    let show =
        async move |nonce: CspNonce, token: CsrfToken| page::show(&nonce, &token, has_provider);
    let page = Router::new()
        .route("/", get(show))
        .route(page::LOGIN_PATH, post(login::login))
        .layer(
            ServiceBuilder::new()
                .layer(SecurityHeadersLayer::strict().csp(page::csp(config.oidc.as_ref())?))
                .layer(CsrfTokenLayer::new(CsrfTokens::with_random_key())),
        );

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
        .route(page::SCRIPT_PATH, get(page::script))
        .merge(page)
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

/// What guessing costs. More tries are free than by default, for who tries this service out;
/// what comes after those is the same.
fn throttle(stores: &Stores) -> Result<Throttle, throttle::ConfigError> {
    Throttle::builder(stores.anonymous.clone(), &stores.vault.login_key)
        .per_account(Steps::PER_ACCOUNT.counting(20, 100))
        .per_client(Steps::PER_CLIENT.counting(100, 500))
        .per_pair(Steps::PER_PAIR.counting(10, 50))
        .per_device(Steps::PER_DEVICE.counting(10, 50))
        .accounts_per_client(100)
        .build()
}

/// How passwords are judged: they are the only factor here.
fn password_policy() -> PasswordPolicy {
    PasswordPolicy::only_factor().about(["secure api", "portcullis"])
}
