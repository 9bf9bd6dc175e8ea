//! The page: a small login form under a strict Content-Security-Policy.

use axum::response::{Html, IntoResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use portcullis::browser::cross_origin::token::CsrfToken;
use portcullis::browser::headers::CspNonce;
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
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>secure_api</title>
<meta name="viewport" content="width=device-width">
<meta name="csrf-token" content="{token}">
<style nonce="{nonce}">
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .25rem 0 }}
button {{ margin-top: 1rem }}
</style>
</head>
<body>
<h1>secure_api</h1>
<form id="login">
<label>E-mail <input name="email" type="email" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
<p id="answer" role="status"></p>
<script nonce="{nonce}" src="{SCRIPT_PATH}" integrity="{integrity}"></script>
</body>
</html>
"#
    )
}
