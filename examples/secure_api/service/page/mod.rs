//! The page: registration, login, second factor and sessions, under a strict
//! Content-Security-Policy.

use axum::response::{Html, IntoResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use portcullis::browser::cross_origin::token::CsrfToken;

use portcullis::browser::headers::{ConfigError, Csp, CspNonce, Directive, Source};
use std::sync::LazyLock;

pub(crate) const SCRIPT_PATH: &str = "/app.js";
/// Where the page logs in: as the API does, and with a token that only the page knows.
pub(crate) const LOGIN_PATH: &str = "/page/login";
const SCRIPT: &str = include_str!("page.js");

/// Subresource Integrity: the page runs this very script or none.
static INTEGRITY: LazyLock<String> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA384, SCRIPT.as_bytes());
    format!("sha384-{}", STANDARD.encode(digest))
});

pub(crate) async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, SCRIPT)
}

pub(crate) async fn show(nonce: CspNonce, token: CsrfToken) -> Html<String> {
    Html(html(nonce.as_str(), &INTEGRITY, &token.masked()))
}

/// The page, with the nonce for its own script, the hash of the other, and the token that its
/// requests carry. All three are of a harmless alphabet, so they need no escaping.
fn html(nonce: &str, integrity: &str, token: &str) -> String {
    include_str!("page.html")
        .replace("{script}", SCRIPT_PATH)
        .replace("{nonce}", nonce)
        .replace("{integrity}", integrity)
        .replace("{token}", token)
}

/// What the page may do: what a strict one may, and show a QR code that came as text.
pub(crate) fn csp() -> Result<Csp, ConfigError> {
    Csp::strict_page()
        .allow(Directive::ImgSrc, [Source::SELF, Source::DATA])
        .build()
}
