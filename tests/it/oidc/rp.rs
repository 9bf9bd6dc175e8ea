//! A service that logs its users in with providers, on a port of its own.

use super::http::{Answer, Browser, get};
use super::idp::{CLIENT_ID, CLIENT_SECRET, Idp};
use axum::Router;
use axum::routing::get as on_get;
use http::HeaderMap;
use http::request::Parts;
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::oauth2::{
    ClientAuthentication, FinishedLogin, KeptLogin, LoggedOut, LoginHandler, LoginRoutes, Logins,
    Provider, ProviderBuilder, RelyingParty, RelyingPartyBuilder, SessionLogins,
};
use portcullis::authn::session::Sessions;
use portcullis::authn::{AuthenticateLayer, Epochs};
use portcullis::clock::{Clock, FakeClock};
use portcullis::crypto::field::{FieldCipher, FieldColumn};
use portcullis::crypto::keyring::Keyring;
use portcullis::event::RecentEvents;
use portcullis::guard::Rejection;
use portcullis::monitor::MonitorLayer;
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::{HttpClient, RetryPolicy};
use portcullis::principal::Principal;
use portcullis::store::{OwnerLimit, Records, Store};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub(crate) const SESSION: &str = "__Host-session";

/// The relying party, and what tests look at behind its back.
#[derive(Debug)]
pub(crate) struct Rp {
    pub(crate) origin: String,
    pub(crate) relying_party: RelyingParty,
    pub(crate) logins: Logins,
    pub(crate) epochs: Epochs,
    pub(crate) events: Arc<RecentEvents>,
    pub(crate) time: FakeClock,
    pub(crate) seen: Arc<Mutex<Vec<FinishedLogin>>>,
    server: AbortHandle,
}

/// A port that is listened on already, so that a provider can be told of it first.
#[derive(Debug)]
pub(crate) struct Place {
    listener: TcpListener,
    pub(crate) origin: String,
}

impl Place {
    pub(crate) async fn take() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    /// The provider of this name, as most tests want it.
    pub(crate) fn provider(&self, name: &str, issuer: &str) -> ProviderBuilder {
        let us = ClientAuthentication::secret_basic(CLIENT_ID, CLIENT_SECRET).unwrap();
        self.provider_as(name, issuer, us)
    }

    pub(crate) fn provider_as(
        &self,
        name: &str,
        issuer: &str,
        us: ClientAuthentication,
    ) -> ProviderBuilder {
        Provider::openid(name, issuer, us)
            .redirect_uri(format!("{}/auth/{name}/callback", self.origin))
            .post_logout_redirect_uri(format!("{}/", self.origin))
    }
}

/// A client that may call this machine, and gives up soon.
pub(crate) fn client() -> HttpClient {
    HttpClient::builder()
        .addresses(AddressPolicy::public().allow_loopback())
        .retry(RetryPolicy::none())
        .deadline(Duration::from_secs(5))
        .max_response(128 * 1024)
        .build()
        .unwrap()
}

/// Sessions of logins, which the test sees.
struct Handler {
    logins: SessionLogins<Links>,
    seen: Arc<Mutex<Vec<FinishedLogin>>>,
}

impl LoginHandler for Handler {
    async fn logged_in(
        &self,
        request: &Parts,
        login: &FinishedLogin,
    ) -> Result<HeaderMap, Rejection> {
        let headers = self.logins.logged_in(request, login).await?;
        self.seen.lock().unwrap().push(login.clone());
        Ok(headers)
    }

    async fn log_out(&self, request: &Parts) -> Result<LoggedOut, Rejection> {
        self.logins.log_out(request).await
    }

    async fn ended(&self, request: &Parts, login: &KeptLogin) -> Result<(), Rejection> {
        self.logins.ended(request, login).await
    }
}

async fn me(principal: Principal) -> axum::Json<Value> {
    let attribute = |name| principal.attribute(name).cloned();
    axum::Json(json!({
        "id": principal.id(),
        "login": attribute("login"),
        "issuer": attribute("issuer"),
        "subject": attribute("subject"),
    }))
}

impl Rp {
    /// A relying party with one provider, whom tests do not change.
    pub(crate) async fn with_provider(variables: &[(&str, &str)]) -> (Self, Idp) {
        Self::built(variables, |provider| provider).await
    }

    /// The same with another configuration.
    pub(crate) async fn built(
        variables: &[(&str, &str)],
        change: impl FnOnce(ProviderBuilder) -> ProviderBuilder,
    ) -> (Self, Idp) {
        let place = Place::take().await;
        let backchannel = format!("{}/auth/oidc/backchannel", place.origin);
        let mut all = vec![("IDP_BACKCHANNEL_URI", &*backchannel)];
        all.extend(variables);
        let idp = Idp::start(&place.origin, &all).await;
        let provider = change(place.provider("oidc", &idp.issuer()));
        let provider = provider.build(client()).unwrap();
        (Self::serve(place, [provider]), idp)
    }

    pub(crate) fn serve(place: Place, providers: impl IntoIterator<Item = Provider>) -> Self {
        let store = Store::memory();
        let fields = FieldCipher::new(Keyring::generate(), "test");
        let column = |name: &str| -> FieldColumn { fields.column("logins", name).unwrap() };
        let time = FakeClock::at_unix_seconds(Clock::system().now().unix_seconds());
        let builder = RelyingParty::builder(store.clone(), column("cookie")).clock(time.clock());
        let providers = providers.into_iter();
        let relying_party = providers
            .fold(builder, RelyingPartyBuilder::provider)
            .build()
            .unwrap();
        let logins = Logins::new(store.clone(), column("tokens")).clock(time.clock());
        // More than there are logins kept of a user.
        let sessions = Sessions::builder(store.clone()).limit(OwnerLimit::evict_above(64));
        let sessions = sessions.build().unwrap();
        let epochs = Epochs::new(store);
        let seen = Arc::default();
        let links = Links::new(Records::memory());
        let handler = Handler {
            logins: SessionLogins::new(sessions.clone(), logins.clone(), links),
            seen: Arc::clone(&seen),
        };
        let routes = LoginRoutes::new(relying_party.clone(), logins.clone(), handler);
        let events = Arc::new(RecentEvents::new(100));
        let app = Router::<()>::new()
            .route("/me", on_get(me))
            .nest_service("/auth", routes)
            .layer(AuthenticateLayer::new(sessions).allow_anonymous())
            .layer(MonitorLayer::new(Arc::clone(&events)));
        let server = tokio::spawn(axum::serve(place.listener, app).into_future());
        Self {
            origin: place.origin,
            relying_party,
            logins,
            epochs,
            events,
            time,
            seen,
            server: server.abort_handle(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Begins a login, and gives where the browser is sent.
    pub(crate) async fn begin(&self, browser: &mut Browser) -> String {
        let answer = browser
            .get(&self.url("/auth/oidc/login?return_to=/me"))
            .await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location().to_owned()
    }

    /// Logs in as far as the callback, which is not called.
    pub(crate) async fn callback(&self, browser: &mut Browser) -> String {
        let begun = self.begin(browser).await;
        browser.authorize(&begun).await
    }

    /// Logs in.
    pub(crate) async fn log_in(&self, browser: &mut Browser) -> Answer {
        let callback = self.callback(browser).await;
        let answer = browser.get(&callback).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }

    /// Whether the browser is logged in, and as whom.
    pub(crate) async fn me(&self, browser: &mut Browser) -> Option<Value> {
        let answer = browser.get(&self.url("/me")).await;
        (answer.status == 200).then(|| serde_json::from_str(&answer.body).unwrap())
    }

    /// Why the last request was refused, as the operator is told.
    pub(crate) fn last_reason(&self) -> String {
        let events = self.events.snapshot();
        let reason = events.first().and_then(|event| event.reason());
        reason.unwrap_or_default().to_owned()
    }

    /// Asks as nobody.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(&self.url(path)).await
    }
}

impl Drop for Rp {
    fn drop(&mut self) {
        self.server.abort();
    }
}
