//! Sessions with a cookie, against those who steal, plant, guess or keep using one.
//!
//! [`Sessions`] makes, finds and ends them, on a [`Store`](crate::store::Store), and is an
//! [`Authenticator`](crate::authn::Authenticator):
//!
//! 1. The cookie is `__Host-session`, with `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/`: no
//!    script reads it, no other host gets it or sets it. It carries a tag of the user, a public
//!    id and a secret of 256 bits (ASVS 5.0 7.2.3). The store holds a hash of the secret, so who
//!    reads the store can use nothing of it.
//! 2. A login always makes a new session, and ends the one that the browser came with
//!    (7.2.4): a planted one gains nothing. After a step-up or a change of rights,
//!    [`renew`](Sessions::renew) replaces the secret, and the old cookie is dead at the same
//!    moment.
//! 3. A session ends when it is not used for 30 minutes, and after 12 hours in any case (7.3.1,
//!    7.3.2). Any request is use; it is written down once a minute at most.
//! 4. A session is [listed](Sessions::list) and [revoked](Sessions::revoke) by its public id
//!    (7.5.2); [all of a user](Sessions::revoke_all) end at once, a login under way included
//!    (7.4.2, 7.4.5), or [all but this one](Sessions::revoke_others) (7.4.3).
//! 5. A user has at most 16 at a time; at one more the one goes that was not used for longest
//!    (7.1.2). [`limit`](SessionsBuilder::limit) changes the number, or refuses instead.
//! 6. Every change is a compare-and-swap on what was read: none is lost, and what was revoked
//!    does not come back.
//! 7. A cookie that is no good is refused with 401, and taken away. Behind
//!    [`allow_anonymous`](crate::authn::AuthenticateLayer::allow_anonymous) the request passes
//!    without a principal. Within a minute of the session's end or renewal the cookie is left
//!    alone: that answer may come late, and would take the next one away. Two cookies of the
//!    name are refused with 400: one was planted.
//! 8. When the store fails, the answer is 503: nobody is let in on a guess, and nobody is taken
//!    for anonymous who is not.
//!
//! The layer refuses all this before a handler is called; a handler logs in and out. With
//! feature `axum`, [`Visitor`] is an extractor, [`NewSession`] and [`EndedSession`] are parts of
//! a response, and [`SessionError`] is a response:
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, extract::State, response::IntoResponse, routing::{get, post}};
//! use http::{Request, StatusCode, header};
//! use portcullis::authn::AuthenticateLayer;
//! use portcullis::authn::session::{SessionError, Sessions, Visitor};
//! use portcullis::clock::Clock;
//! use portcullis::principal::{Authentication, Method, Principal};
//! use portcullis::store::Store;
//! use tower::ServiceExt;
//!
//! async fn log_in(
//!     State(sessions): State<Sessions>,
//!     visitor: Visitor,
//! ) -> Result<impl IntoResponse, SessionError> {
//!     // Once the password was found right:
//!     let proof = Authentication::new(Clock::system().now()).with_method(Method::Password);
//!     let session = sessions.login(&visitor, &Principal::new("user-17", proof)).await?;
//!     Ok((session, "welcome"))
//! }
//!
//! async fn log_out(
//!     State(sessions): State<Sessions>,
//!     visitor: Visitor,
//! ) -> Result<impl IntoResponse, SessionError> {
//!     Ok((sessions.logout(&visitor).await?, "goodbye"))
//! }
//!
//! async fn me(principal: Principal) -> String {
//!     principal.id().to_owned()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::new(Store::memory());
//! let app = Router::new()
//!     .route("/me", get(me))
//!     .route("/logout", post(log_out))
//!     .route("/login", post(log_in))
//!     .layer(AuthenticateLayer::new(sessions.clone()).allow_anonymous())
//!     .with_state(sessions);
//!
//! let login = Request::post("/login").body(axum::body::Body::empty())?;
//! let response = app.clone().oneshot(login).await?;
//! let cookie = response.headers()[header::SET_COOKIE].to_str()?;
//! let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
//!
//! let get_me = |cookie: &str| {
//!     Request::get("/me").header(header::COOKIE, cookie).body(axum::body::Body::empty())
//! };
//! let response = app.clone().oneshot(get_me(&cookie)?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let logout = Request::post("/logout").header(header::COOKIE, &cookie);
//! app.clone().oneshot(logout.body(axum::body::Body::empty())?).await?;
//! let response = app.oneshot(get_me(&cookie)?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # Around it
//!
//! - A cookie is sent by the browser whoever asks for it: put a
//!   `CrossOriginLayer` of feature `cross-origin` outside, which refuses forged requests, forged
//!   logins included.
//! - Of several authenticators, name the session last: then a client that brings a token is not
//!   refused for the cookie of an ended session.
//! - A cookie is good under its name alone: of two [`Sessions`] with different
//!   [names](SessionsBuilder::cookie_name) in one store, none takes the other's. They share the
//!   list and the limit of a user.
//! - Roles are kept as they were at the login. When an account loses some, end its sessions
//!   ([`revoke_all`](Sessions::revoke_all)), or look the roles up for each request.
//! - Whoever holds the cookie is the user: nothing binds it to an address or a browser, which
//!   change without notice. The [list](Sessions::list) shows them.
//! - The clocks of the machines should agree to a few seconds. An epoch
//!   ([`revoke_all`](Sessions::revoke_all)) compares the time of a login on one with that of a
//!   revocation on another.
//!
//! # Events
//!
//! `session_created`, `session_renewed`, `session_expired` (timed out, logged out, revoked, or
//! pushed out, as its code says) and `session_use_after_expire`: the cookie of a session that
//! was ended on purpose, or that has another secret by now, was used within a day.

mod authenticator;
mod cookies;
mod error;
mod lookup;
mod manage;
mod record;
pub mod remember;
#[expect(
    clippy::module_inception,
    reason = "the module is named for what it is about, and this is one of them"
)]
mod session;
mod sessions;
mod settings;
mod timeouts;
mod token;
mod visitor;

pub use cookies::{EndedSession, NewSession};
pub use error::{ConfigError, SessionError};
pub use session::Session;
pub use sessions::Sessions;
pub use settings::SessionsBuilder;
pub use visitor::Visitor;
