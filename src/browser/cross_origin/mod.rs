//! Refuses requests that another site made the browser send: cross-site request forgery
//! (CSRF), login CSRF, cross-site WebSocket hijacking.
//!
//! [`CrossOriginLayer`] needs no token and no state: it believes what browsers say of where a
//! request comes from, in headers that no page can set. A request passes when one of these
//! holds, asked in this order:
//!
//! 1. `Sec-Fetch-Site` is `same-origin` or `none` (the user typed or clicked it outside of
//!    any page).
//! 2. `Sec-Fetch-Site` is `same-site`, and that is
//!    [admitted](CrossOriginLayer::insecure_admit_same_site).
//! 3. The `Origin` is [trusted](CrossOriginLayer::trusting): scheme, host and port as they are.
//! 4. There is no `Sec-Fetch-Site` (an old browser, or plain HTTP), and the `Origin` is the
//!    host that was asked, or one of the origins that the service is
//!    [served as](CrossOriginLayer::served_as).
//! 5. There is neither `Sec-Fetch-Site` nor `Origin`: every browser sends one of them with
//!    what may have effects, so this is no browser, and nobody's cookies are abused.
//! 6. The method is GET, HEAD or OPTIONS, unless the request upgrades the connection
//!    (WebSocket), names another method (`X-HTTP-Method-Override`, `_method` in the query), or
//!    [reads are checked](CrossOriginLayer::checking_reads).
//! 7. The path is [exempt](CrossOriginLayer::insecure_exempt_exact_path).
//!
//! Browsers that do not know `Sec-Fetch-Site` send no `Origin` with a plain GET either: for
//! them, and over plain HTTP, the checks of reads in rule 6 see a request of nobody. WebSockets
//! always carry an `Origin`.
//!
//! Everything else is 403 with the code of its [`Refusal`]. `Origin: null` is nobody's, a
//! header that comes twice is believed in no version, and a login form is no exception.
//!
//! In front of the service: a proxy must pass on `Sec-Fetch-Site`, `Origin` and `Host` as
//! they come; where it rewrites `Host`, say [`served_as`](CrossOriginLayer::served_as). A
//! page of `Referrer-Policy: no-referrer` sends `Origin: null` with its own forms, which
//! leaves old browsers out. CORS goes outside of this layer (`tower_http::cors`), so that the
//! script that was refused can read why, and its origins have to be trusted here as well.
//!
//! Beside it, or for browsers that send neither header, there are [signed tokens](token).
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::browser::cross_origin::CrossOriginLayer;
//! use portcullis::guard::Rejection;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let transfer = service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("done"))))
//! });
//! let service = CrossOriginLayer::new()
//!     .trusting(["https://app.example.com".parse()?])
//!     .layer(transfer);
//!
//! let own = Request::post("/").header("sec-fetch-site", "same-origin").body(())?;
//! assert_eq!(service.clone().oneshot(own).await?.status(), 200);
//!
//! let forged = Request::post("/").header("sec-fetch-site", "cross-site").body(())?;
//! let response = service.oneshot(forged).await?;
//! assert_eq!(response.status(), 403);
//! assert_eq!(response.extensions().get::<Rejection>().unwrap().code(), "cross_site_request");
//! # Ok(()) }
//! ```

mod decision;
mod error;
mod layer;
pub mod token;
mod urlencoded;

pub use decision::Refusal;
pub use error::ConfigError;
pub use layer::{CrossOriginExit, CrossOriginLayer};
