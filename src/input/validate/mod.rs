//! Requests as types, taken only when their content is valid: [`Valid`] in front of a
//! [`Json`], [`Form`] or [`Query`].
//!
//! 1. The body has the right `Content-Type` (else 415), is not too large (413), arrives in time
//!    (408), and is what it says it is (400). JSON is held to
//!    [`JsonLimits`](super::json::JsonLimits): no name twice in an object, no deep nesting.
//!    Forms and queries have no field twice, unless the type has a list there.
//! 2. Every field is of its type, and keeps the rules that `garde` derives from its attributes.
//!    What does not is answered with 422 and one problem document (RFC 9457) with an entry for
//!    each: JSON pointer (RFC 6901), stable code, message.
//! 3. Rules of this crate stand beside garde's as functions: [`safe_line`], [`safe_text`],
//!    [`identifier`], [`no_control_characters`], [`safe_url`], [`safe_file_name`], and
//!    [`by`] for anything else, such as a password policy.
//!
//! ```
//! use axum::{Router, routing::post};
//! use garde::Validate;
//! use portcullis::input::validate::{Json, Valid, safe_line, safe_url};
//! use serde::Deserialize;
//! use tower::ServiceExt;
//!
//! #[derive(Deserialize, Validate)]
//! struct Hook {
//!     #[garde(length(chars, min = 1, max = 40), custom(safe_line))]
//!     name: String,
//!     #[garde(custom(safe_url))]
//!     url: String,
//! }
//!
//! async fn add(Valid(Json(hook)): Valid<Json<Hook>>) -> String {
//!     format!("added {}", hook.name)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = Router::new().route("/hooks", post(add));
//! let send = |body: &'static str| {
//!     let request = http::Request::post("/hooks").header("content-type", "application/json");
//!     app.clone().oneshot(request.body(axum::body::Body::from(body)).unwrap())
//! };
//! let answer = send(r#"{"name": "a", "url": "https://hooks.example.com/"}"#).await?;
//! assert_eq!(answer.status(), 200);
//!
//! let answer = send(r#"{"name": "a", "url": "https://169.254.169.254/"}"#).await?;
//! assert_eq!(answer.status(), 422);
//! let body = axum::body::to_bytes(answer.into_body(), 4096).await?;
//! let problem: serde_json::Value = serde_json::from_slice(&body)?;
//! assert_eq!(problem["errors"][0]["pointer"], "/url");
//! assert_eq!(problem["errors"][0]["code"], "url_address");
//! # Ok(())
//! # }
//! ```
//!
//! Pointers name fields as they are named in Rust; with `#[serde(rename...)]` clients see
//! other names than they sent.
//!
//! Rules that need something at hand take it from garde's context: an `Arc` of it in the
//! extensions of the request is used, or else its default.
//!
//! garde names a variable after each field: a function must not have the name of one.
//!
//! A field of a type that can hold nothing wrong needs no rule: numbers, `Uuid`, dates,
//! `Html<Comment>`. Such a value bound to a parameter of a statement cannot inject SQL.
//!
//! ASVS 5.0: 2.2.1, 2.2.2 (validation), 4.1.1 (content types), 15.3.3 (mass assignment).

mod codes;
mod extract;
mod form;
mod report;
mod rules;

pub use extract::{Form, Json, Query, Valid};
pub use rules::{
    by, identifier, no_control_characters, safe_file_name, safe_line, safe_text, safe_url,
};
