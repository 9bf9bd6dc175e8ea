//! Logging in with an OpenID provider, and nothing else: a page, a session, and the end of both.
//!
//! ```console
//! $ export OIDC_ISSUER=https://id.example.com OIDC_CLIENT_ID=demo OIDC_CLIENT_SECRET=...
//! $ cargo run --example oidc_login --features full
//! listening on http://127.0.0.1:3000
//! ```
//!
//! At the provider, register `http://127.0.0.1:3000/auth/oidc/callback` as redirect URI and
//! `http://127.0.0.1:3000/` for after the logout. `PORT` changes the port.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::HeaderMap;
use http::request::Parts;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::oauth2::{
    ClientAuthentication, FinishedLogin, KeptLogin, LoggedOut, LoginHandler, LoginRoutes, Logins,
    Provider, RelyingParty,
};
use portcullis::authn::session::{Sessions, Visitor};
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::guard::{Rejection, RequestHead};
use portcullis::monitor::{MonitorLayer, TracingSink};
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::HttpClient;
use portcullis::principal::Principal;
use portcullis::store::{Records, Store};
use serde_json::Value;
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// What becomes of logins here.
struct App {
    sessions: Sessions,
    logins: Logins,
    accounts: Links,
}

impl LoginHandler for App {
    async fn logged_in(
        &self,
        request: &Parts,
        login: &FinishedLogin,
    ) -> Result<HeaderMap, Rejection> {
        let identity = login.identity();
        let account = self.accounts.find_or_create(&identity.key()?).await?;
        let name = self.logins.name(login);
        let principal = Principal::new(account.id(), identity.authentication())
            .with_attribute("login", &*name)
            .with_attribute("subject", identity.subject());
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let session = self.sessions.login(&visitor, &principal).await?;
        // Where the provider has ended it meanwhile, the cookie is not sent.
        for ended in self.logins.keep(&name, account.id(), login).await? {
            self.end(account.id(), &ended).await?;
        }
        let mut headers = HeaderMap::new();
        session.apply(&mut headers);
        Ok(headers)
    }

    async fn log_out(&self, request: &Parts) -> Result<LoggedOut, Rejection> {
        let visitor = Visitor::of(&RequestHead::of_parts(request));
        let ended = self.sessions.logout(&visitor).await?;
        let out = LoggedOut::new().headers(|headers| ended.apply(headers));
        let principal: Option<&Principal> = request.extensions.get();
        let login = principal.and_then(|it| it.attribute("login").and_then(Value::as_str));
        Ok(match login {
            Some(name) => out.login(name),
            None => out,
        })
    }

    async fn ended(&self, _request: &Parts, login: &KeptLogin) -> Result<(), Rejection> {
        self.end(login.user(), &login.name()).await
    }
}

impl App {
    /// Ends the session of a login.
    async fn end(&self, user: &str, login: &str) -> Result<(), Rejection> {
        for session in self.sessions.list(user).await? {
            if session.principal().attribute_is("login", login) {
                self.sessions.revoke(user, session.id()).await?;
            }
        }
        Ok(())
    }
}

async fn page(principal: Option<Principal>) -> Html<String> {
    Html(match principal {
        None => "<a href=\"/auth/oidc/login?return_to=/\">Log in</a>".to_owned(),
        // The account's id is of ours; what the provider says would have to be escaped.
        Some(principal) => format!(
            "<p>You are account {}.</p>\
             <form method=\"post\" action=\"/auth/oidc/logout\"><button>Log out</button></form>",
            principal.id()
        ),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let here = format!("http://{}", listener.local_addr()?);

    let issuer = env::var("OIDC_ISSUER")?;
    let client_id = env::var("OIDC_CLIENT_ID")?;
    let us = match env::var("OIDC_CLIENT_SECRET") {
        Ok(secret) => ClientAuthentication::secret_basic(client_id, secret)?,
        Err(_) => ClientAuthentication::none(client_id)?,
    };
    // A provider on this machine may be called only because this is for trying things out.
    let client = HttpClient::builder()
        .addresses(AddressPolicy::public().allow_loopback())
        .build()?;
    let provider = Provider::openid("oidc", &issuer, us)
        .redirect_uri(format!("{here}/auth/oidc/callback"))
        .post_logout_redirect_uri(format!("{here}/"))
        .build(client)?;

    let store = Store::memory();
    let fields = FieldCipher::new(Keyring::generate(), "oidc_login");
    let relying_party = RelyingParty::builder(store.clone(), fields.column("logins", "cookie")?)
        .provider(provider)
        .build()?;
    let logins = Logins::new(store.clone(), fields.column("logins", "tokens")?);
    let sessions = Sessions::new(store);
    let app = App {
        sessions: sessions.clone(),
        logins: logins.clone(),
        accounts: Links::new(Records::memory()),
    };
    let router = Router::new()
        .route("/", get(page))
        .nest_service("/auth", LoginRoutes::new(relying_party, logins, app))
        .layer(
            ServiceBuilder::new()
                .layer(MonitorLayer::new(TracingSink::default()))
                .layer(CrossOriginLayer::new())
                .layer(AuthenticateLayer::new(sessions).allow_anonymous()),
        );
    println!("listening on {here}");
    axum::serve(listener, router).await?;
    Ok(())
}
