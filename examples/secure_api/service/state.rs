//! What the handlers share, put together from the controls.

use super::accounts::Accounts;
use super::config::{Config, Staff};
use super::documents::Documents;
use super::login::PendingLogins;
use super::mail::Mail;
use super::owned::Owned;
use super::stores::Stores;
use super::tokens::Tokens;
use super::vault::Vault;
use super::{policies, rights};
use axum::extract::FromRef;
use portcullis::authn::account::{Lifecycle, Login};
use portcullis::authn::api_key::{ApiKeys, SigningApiKeys};
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::one_time_code::{LinkTokens, Outbox};
use portcullis::authn::password::{PasswordPolicy, Passwords};
use portcullis::authn::recovery_codes::RecoveryCodes;
use portcullis::authn::session::Sessions;
use portcullis::authn::throttle::{self, Steps, Throttle};
use portcullis::authn::totp::Totp;
use portcullis::clock::Clock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::store::Records;
use std::error::Error;
use std::sync::Arc;

/// How many events `GET /security/events` remembers.
const EVENTS: usize = 100;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(super) accounts: Accounts,
    pub(super) records: Records,
    pub(super) owned: Owned,
    pub(super) vault: Vault,
    pub(super) passwords: Passwords,
    pub(super) throttle: Throttle,
    pub(super) login: Login,
    pub(super) lifecycle: Lifecycle,
    pub(super) totp: Totp,
    pub(super) recovery_codes: RecoveryCodes,
    pub(super) pending: PendingLogins,
    pub(super) sessions: Sessions,
    pub(super) tokens: Tokens,
    pub(super) api_keys: ApiKeys,
    pub(super) signing_keys: SigningApiKeys,
    pub(super) admin_email: Arc<str>,
    pub(super) staff: Arc<[Staff]>,
    pub(super) documents: Documents,
    pub(super) events: Arc<RecentEvents>,
    /// Whether other processes issue tokens for accounts that this one cannot look up.
    pub(super) accounts_of_others: bool,
}

impl FromRef<State> for Arc<RecentEvents> {
    fn from_ref(state: &State) -> Self {
        Self::clone(&state.events)
    }
}

impl State {
    /// Opens what the configuration says. Needs a runtime of Tokio, on which the policies are
    /// watched.
    pub(super) fn open(config: &Config, stores: &Stores) -> Result<Self, Box<dyn Error>> {
        let (store, records) = (&stores.store, &stores.records);
        let accounts = Accounts::new(records.clone());
        let passwords = Passwords::new()?;
        let throttle = throttle(stores)?;
        let login = Login::new(accounts.directory(), passwords.clone(), throttle.clone());
        let totp_secret = stores.vault.totp_secret.clone();
        let totp = Totp::builder("secure_api", records.clone(), totp_secret).build()?;
        let recovery_codes = RecoveryCodes::new(records.clone());
        let sessions = Sessions::new(store.clone());
        let api_keys = rights::api_keys(records.clone(), accounts.clone())?;
        let api_key_text = stores.vault.api_key_text.clone();
        let owned = Owned::new(records.clone());
        let outbox = Outbox::new(Mail::to(config.mail_folder.clone()));
        let links = LinkTokens::builder(stores.anonymous.clone(), &stores.vault.login_key, outbox);
        // The epoch that sessions set ends refresh tokens and access tokens, too.
        let lifecycle = Lifecycle::new(login.clone(), links.build()?)
            .policy(password_policy())
            .ends_logins(sessions.clone())
            .ends_keys(api_keys.clone())
            .deletes(totp.clone())
            .deletes(Links::new(records.clone()))
            .deletes(recovery_codes.clone())
            .deletes(owned.clone());
        let (authz, live_policies) = policies::open(&config.policies)?;
        let events = Arc::new(RecentEvents::new(EVENTS));
        let teller = Emitter::new(Arc::<RecentEvents>::clone(&events), Clock::system());
        tokio::spawn(policies::watch(live_policies, teller));
        Ok(Self {
            accounts,
            records: records.clone(),
            owned,
            vault: stores.vault.clone(),
            passwords,
            throttle,
            login,
            lifecycle,
            totp,
            recovery_codes,
            pending: PendingLogins::new(store.clone()),
            sessions,
            tokens: Tokens::new(&stores.keys, store.clone())?,
            signing_keys: SigningApiKeys::new(api_keys.clone(), api_key_text),
            api_keys,
            admin_email: config.admin_email.as_str().into(),
            staff: Arc::clone(&config.staff),
            documents: Documents::new(authz),
            events,
            accounts_of_others: config.jwt_key.is_some() && config.database.is_none(),
        })
    }
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
pub(super) fn password_policy() -> PasswordPolicy {
    PasswordPolicy::only_factor().about(["secure api", "portcullis"])
}
