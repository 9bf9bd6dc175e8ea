//! Remembers a browser when its session is over ("stay logged in"), and finds out when its
//! cookie was stolen.
//!
//! 1. [`issue`](RememberMe::issue) adds a second cookie to a login: `__Host-session-remember`, with a
//!    public id and a secret of 256 bits, of which the store holds the hash.
//! 2. When the browser comes without a session, [`recall`](RememberMe::recall) tells who it is
//!    remembered as, and [`log_in`](Remembered::log_in) begins a session. The secret is used up
//!    by that, and replaced: each is good once.
//! 3. A secret that comes again was stolen, from the honest browser or by the one that came
//!    first; which of them cannot be known. So all sessions and all remembered browsers of the
//!    user are ended, and an event `authn_token_reuse` tells.
//! 4. Within [10 seconds](RememberMe::grace) of its use that is not said of a secret: a browser
//!    that opens with several tabs sends it with each. One of them is let in, the others get a
//!    401 that leaves the cookie alone, and have the session when they try again.
//! 5. The user has not proved anything anew: the principal's authentication is as old as the
//!    last login, with no method and no level. Ask for the password before anything grave
//!    (NIST SP 800-63B-4 counts no cookie as a factor).
//! 6. It ends after [30 days](RememberMe::lifetime), used or not, with a
//!    [logout](super::Sessions::logout), with the session that is
//!    [revoked](super::Sessions::revoke), and when somebody else logs in with the browser. A
//!    login by the same user keeps it, and ties it to the new session.
//!
//! An answer that is lost on the way takes the new secret with it; the browser will come with
//! the old one, which reads as theft. There is no telling the two apart, and the user has to
//! log in again.
//!
//! ```
//! use http::Request;
//! use portcullis::authn::session::remember::RememberMe;
//! use portcullis::authn::session::{Sessions, Visitor};
//! use portcullis::clock::Timestamp;
//! use portcullis::guard::RequestHead;
//! use portcullis::principal::{Authentication, Method, Principal};
//! use portcullis::store::Store;
//!
//! /// A browser with the last cookie of this list.
//! fn browser(cookies: Vec<&http::HeaderValue>) -> Visitor {
//!     let cookie = cookies.last().and_then(|cookie| cookie.to_str().ok());
//!     let cookie = cookie.and_then(|cookie| cookie.split(';').next());
//!     let request = Request::get("/").header("cookie", cookie.unwrap_or_default());
//!     Visitor::of(&RequestHead::of(&request.body(()).unwrap_or_default()))
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let sessions = Sessions::new(Store::memory());
//! let remember = RememberMe::new(sessions.clone()).grace(std::time::Duration::ZERO)?;
//!
//! let proof = Authentication::new(portcullis::clock::Clock::system().now());
//! let ann = Principal::new("user-17", proof.with_method(Method::Password));
//! let session = sessions.login(&browser(vec![]), &ann).await?;
//! let session = remember.issue(&browser(vec![]), session).await?;
//!
//! // Days later, without a session:
//! let visitor = browser(session.set_cookies().collect());
//! let remembered = remember.recall(&visitor).await?.ok_or("not remembered")?;
//! let ann = Principal::new(remembered.user(), remembered.authentication());
//! let session = remembered.log_in(&visitor, &ann).await?;
//! assert_eq!(session.set_cookies().len(), 2, "a session, and another secret");
//!
//! // The first cookie comes again: one of the two has stolen it, and neither stays.
//! let error = remember.recall(&visitor).await.unwrap_err();
//! assert!(error.is_theft());
//! assert!(sessions.list("user-17").await?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod browser;
mod remember_me;
mod series;

pub use browser::RememberedBrowser;
pub use remember_me::{RememberMe, Remembered};

use crate::store::Namespace;

pub(super) const SERIES: Namespace = Namespace::values("remembered");
