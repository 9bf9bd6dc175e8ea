//! Logins that become sessions: what cannot be ended now is ended by the next try.

use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Request};
use portcullis::authn::oauth2::{
    FinishedLogin, LoginAccounts, LoginHandler, Logins, SessionLogins,
};
use portcullis::authn::session::{Sessions, Visitor};
use portcullis::clock::Clock;
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::guard::{Rejection, RejectionKind, RequestHead};
use portcullis::principal::{Authentication, Principal};
use portcullis::store::Store;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a user was given beside sessions.
#[derive(Clone, Default)]
struct Tokens {
    is_down: Arc<AtomicBool>,
    ended: Arc<Mutex<Vec<String>>>,
}

impl LoginAccounts for Tokens {
    async fn principal(&self, _login: &FinishedLogin) -> Result<Principal, Rejection> {
        Err(Rejection::new(RejectionKind::NotFound))
    }

    async fn ended(&self, user: &str, login: &str) -> Result<(), Rejection> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Rejection::new(RejectionKind::Unavailable));
        }
        self.ended.lock().unwrap().push(format!("{user} {login}"));
        Ok(())
    }
}

/// A request of the browser in which this principal has logged in.
async fn request_of(sessions: &Sessions, principal: &Principal) -> Parts {
    let before = Request::new(());
    let visitor = Visitor::of(&RequestHead::of(&before));
    let session = sessions.login(&visitor, principal).await.unwrap();
    let mut headers = HeaderMap::new();
    session.apply(&mut headers);
    let cookie = headers[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let request = Request::post("/auth/corporate/logout").header(COOKIE, cookie);
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_session_outlives_a_logout_that_failed_halfway() {
    let store = Store::memory();
    let sessions = Sessions::new(store.clone());
    let fields = FieldCipher::new(Keyring::generate(), "test");
    let logins = Logins::new(store, fields.column("logins", "tokens").unwrap());
    let tokens = Tokens::default();
    let handler = SessionLogins::new(sessions.clone(), logins, tokens.clone()).attribute("sid");
    let ann = Principal::new("ann", Authentication::new(Clock::system().now()));
    let ann = ann.with_attribute("sid", "first");
    let request = request_of(&sessions, &ann).await;

    tokens.is_down.store(true, Ordering::SeqCst);
    let refused = handler.log_out(&request).await.unwrap_err();
    assert_eq!(refused.kind(), RejectionKind::Unavailable);
    assert_eq!(sessions.list("ann").await.unwrap().len(), 1);

    tokens.is_down.store(false, Ordering::SeqCst);
    let out = handler.log_out(&request).await.unwrap();
    assert!(
        format!("{out:?}").contains("first"),
        "the provider hears of it: {out:?}"
    );
    assert!(sessions.list("ann").await.unwrap().is_empty());
    assert_eq!(*tokens.ended.lock().unwrap(), ["ann first"]);

    // Who is logged out already, is.
    let _nothing_left = handler.log_out(&request).await.unwrap();
    assert_eq!(tokens.ended.lock().unwrap().len(), 1);
}
