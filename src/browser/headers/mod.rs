//! Security response headers: what makes a browser defend a page against injected scripts,
//! framing, sniffing, leaks to other origins and plain-text connections.
//!
//! [`SecurityHeadersLayer`] stands outside of every layer that refuses requests, so that
//! rejections and errors carry the headers too. It comes in three presets, each of which can
//! be changed:
//!
//! | header | `recommended` (pages) | `strict` (pages) | `api` |
//! |---|---|---|---|
//! | `Strict-Transport-Security` | 2 years, subdomains | same | same |
//! | `Content-Security-Policy` | [`Csp::page`], fresh nonce | [`Csp::strict_page`], fresh nonce | [`Csp::nothing`] |
//! | `X-Frame-Options` | as `frame-ancestors` says: `DENY` | same | same |
//! | `X-Content-Type-Options` | `nosniff` | same | same |
//! | `Referrer-Policy` | `strict-origin-when-cross-origin` | `same-origin` | `no-referrer` |
//! | `Permissions-Policy` | powerful features denied | all denied | all denied |
//! | `Cross-Origin-Opener-Policy` | `same-origin` | same | same |
//! | `Cross-Origin-Embedder-Policy` | - | `require-corp` | - |
//! | `Cross-Origin-Resource-Policy` | `same-origin` | same | same |
//! | `Origin-Agent-Cluster` | `?1` | same | same |
//! | `X-Permitted-Cross-Domain-Policies` | `none` | same | same |
//! | `X-XSS-Protection` | `0` | same | same |
//!
//! `X-XSS-Protection: 0` because the filter it speaks to is gone from current browsers, and
//! in old ones could be used to leak a page's content or to switch its own scripts off. HSTS
//! is sent always: TLS often ends at a proxy, and browsers ignore the header over plain HTTP
//! (RFC 6797 section 8.1).
//!
//! Rules:
//!
//! 1. A header that the handler set stays; so does what a `SecurityHeadersLayer` nearer to
//!    the handler decided, as a whole. [`overriding`](SecurityHeadersLayer::overriding) turns
//!    that round.
//! 2. The nonce is 128 bits, fresh for each response, in the request as [`CspNonce`].
//! 3. Answers to requests with credentials (`Authorization`, `Cookie`, a
//!    [`Principal`](crate::principal::Principal)), and answers that set a cookie, say
//!    `Cache-Control: no-store` unless the handler said otherwise (ASVS 14.3.2). Other HTML
//!    under a policy with a nonce says `private, no-cache`, for a nonce serves one visitor.
//!    Static files that may be cached say so themselves.
//! 4. A 304 carries no policy with a nonce: it would replace the one that belongs to the
//!    stored page (RFC 9111 section 3.2).
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::browser::headers::{CspNonce, SecurityHeadersLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let page = service_fn(async |request: Request<()>| {
//!     let nonce = request.extensions().get::<CspNonce>().unwrap();
//!     let html = format!("<!doctype html><script nonce=\"{nonce}\">start()</script>");
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(html))))
//! });
//! let service = SecurityHeadersLayer::recommended().layer(page);
//!
//! let response = service.oneshot(Request::new(())).await.unwrap();
//! let policy = response.headers()["content-security-policy"].to_str().unwrap();
//! assert!(policy.contains("'strict-dynamic'"));
//! assert_eq!(response.headers()["x-frame-options"], "DENY");
//!
//! // What would let injected scripts run is refused when the service starts.
//! use portcullis::browser::headers::{Csp, Directive, Source};
//! let weak = Csp::page().allow(Directive::ScriptSrc, [Source::UNSAFE_INLINE]);
//! assert!(weak.build().is_err());
//! # }
//! ```

mod clear_site_data;
mod compiled;
mod csp;
mod error;
mod layer;
mod nonce;
mod permissions;
mod policies;
mod reporting;

pub use clear_site_data::ClearSiteData;
pub use csp::{Csp, CspBuilder, Directive, ReportOnlyCsp, SandboxFlag, Source};
pub use error::ConfigError;
pub use layer::{SecurityHeadersExit, SecurityHeadersLayer};
pub use nonce::CspNonce;
pub use permissions::{Feature, PermissionsPolicy};
pub use policies::{
    CrossOriginEmbedderPolicy, CrossOriginOpenerPolicy, CrossOriginResourcePolicy, Hsts,
    ReferrerPolicy,
};
pub use reporting::ReportAddress;

use http::HeaderValue;

/// A header of text that typed parts made, so of visible ASCII.
#[expect(
    clippy::expect_used,
    reason = "runs when the service is built, on parts that were checked one by one"
)]
fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("typed parts make a valid header")
}
