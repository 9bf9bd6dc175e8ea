//! A page that a browser defends: strict headers with a nonce, a script with an integrity
//! hash, a form with a token, and no request from other sites.
//!
//! ```console
//! $ cargo run --example secure_page --features full
//! $ curl -i http://127.0.0.1:3000/
//! $ curl -i http://127.0.0.1:3000/greet -d name=ann                       # no token: 403
//! $ curl -i http://127.0.0.1:3000/greet -d name=ann -H 'sec-fetch-site: cross-site'   # 403
//! ```
//!
//! `scripts/grade-headers` has its answers graded.

use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
use portcullis::browser::headers::{CspNonce, SecurityHeadersLayer, Source};
use serde_json::{Value, json};
use tower::ServiceBuilder;

/// The most bytes that a form may have.
const FORM_LIMIT: usize = 4096;
const SCRIPT: &str = "document.documentElement.dataset.ready = 'yes';\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = Router::new()
        .route("/api/health", get(health))
        .layer(SecurityHeadersLayer::api());
    let strict = Router::new()
        .route("/strict", get(page))
        .layer(SecurityHeadersLayer::strict());
    let app = Router::new()
        .route("/", get(page))
        .route("/app.js", get(script))
        .route("/greet", post(greet))
        .merge(api)
        .merge(strict)
        .layer(
            ServiceBuilder::new()
                .layer(SecurityHeadersLayer::recommended())
                .layer(CrossOriginLayer::new())
                // In production the key comes from outside, and is the same on all machines.
                .layer(CsrfTokenLayer::new(CsrfTokens::with_random_key()).with_forms(FORM_LIMIT)),
        );

    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn page(nonce: CspNonce, token: CsrfToken) -> Html<String> {
    let hash = Source::hash_of(SCRIPT).to_string();
    let (integrity, field) = (hash.trim_matches('\''), token.hidden_field());
    Html(format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <title>A page behind the portcullis</title>\n\
         <style nonce=\"{nonce}\">body {{ font-family: sans-serif }}</style>\n\
         <script nonce=\"{nonce}\" src=\"/app.js\" integrity=\"{integrity}\" defer></script>\n\
         <form method=\"post\" action=\"/greet\">\n\
         {field}\n\
         <input name=\"name\" aria-label=\"name\"> <button>Greet</button>\n\
         </form>\n\
         </html>\n"
    ))
}

async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, SCRIPT)
}

async fn greet() -> &'static str {
    "hello\n"
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
