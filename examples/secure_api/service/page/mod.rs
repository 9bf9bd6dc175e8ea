//! The page: registration, login, second factor and sessions, under a strict
//! Content-Security-Policy.

use super::config::OidcConfig;
use super::{State, login};
use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
use portcullis::browser::headers::{
    ConfigError, Csp, CspNonce, Directive, SecurityHeadersLayer, Source,
};
use std::sync::LazyLock;
use tower::ServiceBuilder;

const SCRIPT_PATH: &str = "/app.js";
/// Where the page logs in: as the API does, and with a token that only the page knows.
pub(super) const LOGIN_PATH: &str = "/page/login";
const SCRIPT: &str = include_str!("page.js");

/// Subresource Integrity: the page runs this very script or none.
static INTEGRITY: LazyLock<String> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA384, SCRIPT.as_bytes());
    format!("sha384-{}", STANDARD.encode(digest))
});

/// The page, which brings its own headers, for those of the API are too strict for any page, and
/// asks its own requests for a token.
pub(super) fn routes(provider: Option<&OidcConfig>) -> Result<Router<State>, ConfigError> {
    let has_provider = provider.is_some();
    let page = async move |nonce: CspNonce, token: CsrfToken| show(&nonce, &token, has_provider);
    let layers = ServiceBuilder::new()
        .layer(SecurityHeadersLayer::strict().csp(csp(provider)?))
        .layer(CsrfTokenLayer::new(CsrfTokens::with_random_key()));
    Ok(Router::new()
        .route("/", get(page))
        .route(LOGIN_PATH, post(login::login))
        .layer(layers)
        .route(SCRIPT_PATH, get(script)))
}

async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, SCRIPT)
}

fn show(nonce: &CspNonce, token: &CsrfToken, has_provider: bool) -> Html<String> {
    let hidden = if has_provider { "" } else { "hidden" };
    Html(html(nonce.as_str(), &INTEGRITY, &token.masked(), hidden))
}

/// The page, with the nonce for its own script, the hash of the other, the token that its
/// requests carry, and a word of ours. All are of a harmless alphabet, so they need no escaping.
fn html(nonce: &str, integrity: &str, token: &str, provider: &str) -> String {
    include_str!("page.html")
        .replace("{script}", SCRIPT_PATH)
        .replace("{nonce}", nonce)
        .replace("{integrity}", integrity)
        .replace("{token}", token)
        .replace("{provider}", provider)
}

/// What the page may do: what a strict one may, show a QR code that came as text, and be sent
/// on to the provider by the form that logs out.
fn csp(provider: Option<&OidcConfig>) -> Result<Csp, ConfigError> {
    let csp = Csp::strict_page().allow(Directive::ImgSrc, [Source::SELF, Source::DATA]);
    let csp = match provider.and_then(|it| it.issuer.parse::<http::Uri>().ok()) {
        Some(issuer) => {
            let scheme = issuer.scheme_str().unwrap_or("https");
            let host = issuer.authority().map_or("", |it| it.as_str());
            let origin: Source = format!("{scheme}://{host}").parse()?;
            csp.allow(Directive::FormAction, [Source::SELF, origin])
        }
        None => csp,
    };
    csp.build()
}
