//! Signed double-submit tokens: a second line of defense, and the fallback for browsers that
//! say nothing about where a request comes from.
//!
//! The browser holds a cookie that scripts cannot read and other hosts cannot set
//! (`__Host-`); the page holds a token made of the same secret. A request that may have
//! effects must carry both. Another site can make the browser send the cookie, but cannot
//! read the token.
//!
//! 1. The cookie is authenticated by HMAC-SHA256, with its expiry and with whom it is for:
//!    nobody, or a principal and its credential. One that was made before a login is no good
//!    after it.
//! 2. The token is masked by fresh random bytes each time it is shown, so that compression
//!    cannot be made to reveal it (BREACH).
//! 3. The cookie is set when a handler shows a token and the browser has no good cookie, and
//!    never else. Renewing it keeps its secret: pages in other tabs stay good.
//! 4. Two cookies of the name are none.
//!
//! Put [`CsrfTokenLayer`] inside authentication, so that it knows the principal.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let page = service_fn(async |request: Request<()>| {
//!     let token = request.extensions().get::<CsrfToken>().unwrap().masked();
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(token))))
//! });
//! let service = CsrfTokenLayer::new(CsrfTokens::with_random_key()).layer(page);
//!
//! let shown = service.clone().oneshot(Request::new(())).await.unwrap();
//! let cookie = shown.headers()["set-cookie"].to_str().unwrap();
//! let cookie = cookie.split(';').next().unwrap().to_owned();
//! use http_body_util::BodyExt;
//! let token = shown.into_body().collect().await.unwrap().to_bytes();
//!
//! let both = Request::post("/")
//!     .header("cookie", &cookie)
//!     .header("x-csrf-token", &*token)
//!     .body(())
//!     .unwrap();
//! assert_eq!(service.clone().oneshot(both).await.unwrap().status(), 200);
//!
//! let cookie_alone = Request::post("/").header("cookie", &cookie).body(()).unwrap();
//! assert_eq!(service.oneshot(cookie_alone).await.unwrap().status(), 403);
//! # }
//! ```

mod extension;
mod form;
mod layer;
mod seal;

pub use extension::CsrfToken;
pub use form::{CsrfFormField, CsrfFormLayer};
pub use layer::{CsrfTokenExit, CsrfTokenLayer};
pub use seal::{CsrfTokens, TokenRefusal};
