//! Security middleware for Rust services: one crate of [`tower`](tower_service) layers and
//! plain helpers that give an axum or hyper service its application security.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::browser::cross_origin::CrossOriginLayer;
//! use portcullis::browser::headers::SecurityHeadersLayer;
//! use portcullis::limit::{Quota, RateLimitLayer};
//! use portcullis::net::client_ip::ClientIpLayer;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(ClientIpLayer::trusting(["10.0.0.0/8".parse()?]))
//!     .layer(SecurityHeadersLayer::api())
//!     .layer(RateLimitLayer::new(Quota::per_minute(100)?))
//!     .layer(CrossOriginLayer::new())
//!     .service_fn(async |_: Request<Full<Bytes>>| {
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//!     });
//!
//! let request = Request::post("/").header("sec-fetch-site", "same-origin");
//! let response = service.clone().oneshot(request.body(Full::default())?).await?;
//! assert_eq!(response.status(), 200);
//! assert!(response.headers().contains_key("strict-transport-security"));
//!
//! let request = Request::post("/").header("sec-fetch-site", "cross-site");
//! let response = service.oneshot(request.body(Full::default())?).await?;
//! assert_eq!(response.status(), 403);
//! # Ok(())
//! # }
//! ```
//!
//! # The house
//!
//! One module answers one question.
//!
//! | module | the question | feature |
//! |---|---|---|
//! | [`guard`] | how does a control stand in front of a service? | always |
//! | [`principal`] | who is it, and how sure are we? | always |
//! | [`event`] | what happened that matters? | always |
//! | [`store`] | where does shared state live? | always |
//! | [`clock`], [`secret`], [`random`] | time, secrets, randomness | always |
//! | [`net`] | where does it come from, and what do we call? | always; `client`, `validate` |
//! | [`authn`] | who is calling? | always; more with `account`, `password`, `throttle`, `totp`, `recovery-codes`, `one-time-code`, `session`, `jwt`, `refresh-token`, `dpop`, `api-key`, `oauth2` |
//! | [`authz`] | what may they do? | `rbac`, `abac`, `cedar`, `guarded-router` |
//! | [`limit`] | how much is too much, and who has done enough? | `rate-limit`, `bans` |
//! | [`browser`] | what must a browser be told, and what may it send across sites? | `headers`, `cross-origin` |
//! | [`crypto`] | who wrote it, and who can read it? | `jwt`, `field-encryption`, `file-encryption` |
//! | [`waf`] | is it hostile? | `waf` |
//! | [`input`] | is the content clean? | `sanitize`, `validate`, `upload` |
//! | [`signing`] | is it intact, fresh, and from who it says? | `signing` |
//! | [`monitor`] | who hears of it? | `monitor` |
//!
//! Every control is a [`Guard`](guard::Guard): it looks at a request and admits it, rejects it,
//! or says so later. Every rejection is a [`Rejection`](guard::Rejection), rendered alike and
//! heard by the [monitor](monitor::MonitorLayer). Every decision is also a plain function on
//! plain data, callable without HTTP.
//!
//! # The order of layers
//!
//! From the outside in, each because of what the next one needs:
//!
//! 1. [`MonitorLayer`](monitor::MonitorLayer) hears everything below it.
//! 2. [`RequestIdLayer`](net::request_id::RequestIdLayer): events and answers carry the id.
//! 3. [`ClientIpLayer`](net::client_ip::ClientIpLayer): limits and events need the address.
//! 4. [`SecurityHeadersLayer`](browser::headers::SecurityHeadersLayer): refusals below carry
//!    the headers too.
//! 5. [`BanLayer`](limit::ban::BanLayer): who is banned costs nothing more; what is refused
//!    below counts.
//! 6. [`RateLimitLayer`](limit::RateLimitLayer): cheap, and before anything that costs.
//! 7. [`CrossOriginLayer`](browser::cross_origin::CrossOriginLayer).
//! 8. [`WafLayer`](waf::WafLayer), before whatever reads the body.
//! 9. [`AuthenticateLayer`](authn::AuthenticateLayer), then a
//!    [`require`](authz::rbac::Rbac::require) or
//!    [`require_on`](authz::abac::Authz::require_on) for each route.
//!
//! In axum, put them into one `ServiceBuilder` and call `Router::layer` once: each call costs
//! about ten allocations a request.
//!
//! # Features
//!
//! Nothing is on by default; `full` is every control with its default backend. A feature adds
//! API and never changes behavior.
//!
//! | feature | gives | brings |
//! |---|---|---|
//! | `abac` | policies as Rust code over types of your own | nothing |
//! | `account` | login as one function, accounts from registration to deletion | nothing |
//! | `api-key` | API keys with scopes, expiry and overlap rotation | crc, sha2 |
//! | `axum` | extractors, `IntoResponse` for rejections | axum-core |
//! | `bans` | bans that escalate, network lists | arc-swap, prefix-trie, sha2 |
//! | `breached-passwords` | passwords that were seen in breaches | sha1 |
//! | `cedar` | policies in the Cedar language | cedar-policy, arc-swap, sha2 |
//! | `client` | calls to other services | hyper, hyper-util, rustls, tokio-rustls, rustls-native-certs, httpdate |
//! | `cross-origin` | CSRF defenses | ring, base64ct |
//! | `dpop` | access tokens bound to a key of the client | nothing |
//! | `field-encryption` | encrypted columns, blind indexes, keyrings, rotation | ring, aes, hkdf, hmac, sha2, argon2, arc-swap, base64, base64ct, unicode-normalization, tokio |
//! | `file-encryption` | encrypted files and streams | ring, aes, hkdf, hmac, sha2, argon2, arc-swap, base64ct, tokio |
//! | `guarded-router` | a router of axum in which a route without a rule is denied | axum |
//! | `headers` | security headers and CSP | ring, base64ct |
//! | `jwt` | JSON Web Tokens and JWKs | ring, base64, base64ct, memchr, arc-swap |
//! | `monitor` | events to logs and metrics | tracing, metrics |
//! | `oauth2` | OAuth 2.0 and OpenID Connect: login, tokens, calls | oauth2, url |
//! | `one-time-code` | codes and links by SMS and e-mail | base64ct, hkdf, hmac, sha2 |
//! | `password` | Argon2id and password policy | argon2, unicode-normalization, tokio (`sync` alone) |
//! | `password-migration` | password hashes of other programs | bcrypt, scrypt, pbkdf2, sha-crypt, md-5, sha1, sha2, hmac, base64 |
//! | `policy-tests` | files of cases that policies are tested by | toml |
//! | `rate-limit` | rate limits and concurrency limits | governor, sha2, tokio |
//! | `rbac` | roles and permissions | arc-swap |
//! | `recovery-codes` | codes for a lost second factor | base64ct, sha2 |
//! | `redis` | the store on Redis, Valkey or a Cluster | redis, rustls, tokio-rustls, rustls-native-certs, arc-swap, base64 |
//! | `refresh-token` | refresh tokens in families | base64ct, hkdf, hmac, sha2 |
//! | `sanitize` | clean HTML, encoders, a layer that cleans fields | ammonia, html5ever, url, form_urlencoded, memchr, unicode-normalization, unicode-segmentation |
//! | `session` | sessions, remembered browsers | base64ct, sha2 |
//! | `signing` | HTTP Message Signatures, signed API requests, webhooks | ring, sfv, base64, base64ct, memchr, arc-swap |
//! | `throttle` | limits for guesses, known devices, sprays | base64ct, hkdf, hmac, sha2 |
//! | `totp` | TOTP with QR codes, good once | base64ct, png, qrcode, totp-rs |
//! | `upload` | uploads judged to their last byte | infer, multer, quick-xml, flate2, crc32fast, futures-core, memchr, sha2, unicode-normalization |
//! | `validate` | validated JSON, forms and queries | garde, url, serde_html_form, serde_path_to_error, form_urlencoded, unicode-normalization, unicode-segmentation |
//! | `waf` | the firewall, rules as text, leaks in responses | regex, aho-corasick, memchr, base64, toml |
//! | `aws-lc-rs`, `aes-gcm` | other backends of AES-GCM; not in `full` | the crate of that name |
//! | `sqlx` | encrypted columns as sqlx types; not in `full` | sqlx |
//! | `conformance` | test suites for stores of your own; not in `full` | nothing |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod authn;
#[cfg(any(feature = "abac", feature = "rbac"))]
pub mod authz;
#[cfg(any(feature = "cross-origin", feature = "headers"))]
pub mod browser;
pub mod clock;
#[cfg(any(
    feature = "field-encryption",
    feature = "file-encryption",
    feature = "jwt",
    feature = "one-time-code",
    feature = "refresh-token",
    feature = "signing",
    feature = "throttle",
    feature = "totp"
))]
pub mod crypto;
#[cfg(any(feature = "abac", feature = "client", feature = "jwt"))]
mod error_kinds;
pub mod event;
pub mod guard;
#[cfg(any(feature = "sanitize", feature = "upload", feature = "validate"))]
pub mod input;
#[cfg(any(feature = "bans", feature = "rate-limit"))]
pub mod limit;
mod lock;
#[cfg(feature = "monitor")]
pub mod monitor;
pub mod net;
pub mod principal;
pub mod random;
pub mod secret;
#[cfg(feature = "signing")]
pub mod signing;
pub mod store;
#[cfg(any(feature = "client", feature = "redis"))]
mod tls;
#[cfg(feature = "waf")]
pub mod waf;
