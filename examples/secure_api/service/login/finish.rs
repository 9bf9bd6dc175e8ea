//! The end of a login: a session for browsers, tokens for programs.

use super::super::State;
use super::super::accounts::Account;
use super::super::{rights, sessions};
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use portcullis::authn::session::{NewSession, Visitor};
use portcullis::authn::throttle::DeviceToken;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::Rejection;
use portcullis::principal::Authentication;
use serde_json::{Map, Value};

/// What a browser and a program get.
#[derive(Debug)]
pub(crate) struct Finished {
    session: NewSession,
    device: DeviceToken,
    answer: Map<String, Value>,
}

impl Finished {
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.answer.insert(name.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Finished {
    fn into_response(self) -> Response {
        // RFC 6749 section 5.1: no cache keeps a token.
        let headers = [(CACHE_CONTROL, "no-store")];
        let known = AppendHeaders([(SET_COOKIE, self.device.set_cookie())]);
        (self.session, known, headers, axum::Json(self.answer)).into_response()
    }
}

/// Lets the owner of an account in, who has proved it this way.
pub(super) async fn finish(
    state: &State,
    visitor: &Visitor,
    emitter: &Emitter,
    account: &Account,
    proof: Authentication,
) -> Result<Finished, Rejection> {
    let principal = rights::principal_of_account(account, proof);
    let (login, answer) = state.tokens.begin(account, &principal).await?;
    // The session and the tokens are of one login, and end together.
    let principal = principal.with_attribute(sessions::LOGIN, login);
    let session = state.sessions.login(visitor, &principal).await?;
    // So do those of the login that the browser had before.
    sessions::end_tokens(state, session.replaced()).await?;
    emitter.emit(SecurityEvent::new(EventKind::AuthnLoginSuccess).with_subject(&account.id));
    // Strangers who guess at the account from now on do not lock this device out.
    let device = state.throttle.known_from_now(&account.email);
    Ok(Finished {
        session,
        device,
        answer,
    })
}
