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
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::oauth2::linking::Links;
use portcullis::authn::oauth2::{
    ClientAuthentication, LoginRoutes, Logins, Provider, RelyingParty, SessionLogins,
};
use portcullis::authn::session::Sessions;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::monitor::MonitorLayer;
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::HttpClient;
use portcullis::principal::Principal;
use portcullis::store::{Records, Store};
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

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
    // Whoever comes for the first time gets an account.
    let accounts = Links::new(Records::memory());
    let handler = SessionLogins::new(sessions.clone(), logins.clone(), accounts);
    let router = Router::new()
        .route("/", get(page))
        .nest_service("/auth", LoginRoutes::new(relying_party, logins, handler))
        .layer(
            ServiceBuilder::new()
                .layer(MonitorLayer::tracing_and_metrics())
                .layer(CrossOriginLayer::new())
                .layer(AuthenticateLayer::new(sessions).allow_anonymous()),
        );
    println!("listening on {here}");
    axum::serve(listener, router).await?;
    Ok(())
}
