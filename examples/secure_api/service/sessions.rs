//! Where somebody is logged in, and the end of that.

use super::State;
use super::json::from_path;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use http::StatusCode;
use portcullis::authn::session::{Session, Visitor};
use portcullis::event::Emitter;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::principal::Principal;
use serde::Serialize;
use serde_json::{Value, json};

/// The login that somebody came by: a cookie and the tokens of one have the same.
fn login_of(principal: &Principal) -> Option<&str> {
    principal.attribute("sid").and_then(Value::as_str)
}

/// Whose login it is that somebody came by, and which.
pub(super) fn user_and_login(principal: &Principal) -> Option<(&str, &str)> {
    Some((principal.id(), login_of(principal)?))
}

/// Whether a session came by this login.
pub(super) fn is_of_login(session: &Session, login: &str) -> bool {
    login_of(session.principal()) == Some(login)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    session: &'a Session,
    current: bool,
}

pub(crate) async fn list(
    Shared(state): Shared<State>,
    principal: Principal,
) -> Result<Json<Value>, Rejection> {
    let sessions = state.sessions.list(principal.id()).await?;
    let login = login_of(&principal);
    let shown = sessions.iter().map(|session| {
        let current = login_of(session.principal()) == login;
        json!(Shown { session, current })
    });
    Ok(Json(shown.collect()))
}

pub(crate) async fn revoke(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let id = from_path(id)?;
    let ended = end(&state, emitter, principal.id(), |session| {
        session.id() == id
    })
    .await?;
    if ended == 0 {
        return Err(Rejection::new(RejectionKind::NotFound));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all logins but the one that asks.
pub(crate) async fn revoke_others(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
) -> Result<StatusCode, Rejection> {
    let own = login_of(&principal);
    let is_other = |session: &Session| login_of(session.principal()) != own;
    end(&state, emitter, principal.id(), is_other).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the login, by whatever of it the request came.
pub(crate) async fn log_out(
    Shared(state): Shared<State>,
    visitor: Visitor,
    principal: Principal,
    emitter: Emitter,
) -> Result<impl IntoResponse, Rejection> {
    let own = login_of(&principal);
    let is_own = |session: &Session| login_of(session.principal()) == own;
    let ended = end(&state, emitter, principal.id(), is_own).await?;
    // When its session has timed out, there are tokens still.
    if let (0, Some(login)) = (ended, own) {
        state.tokens.end(principal.id(), login).await?;
    }
    let ended = state.sessions.logout(&visitor).await?;
    Ok((StatusCode::NO_CONTENT, ended))
}

/// Ends some of somebody's sessions with all that was given out beside them, and tells how many.
pub(super) async fn end(
    state: &State,
    emitter: Emitter,
    user: &str,
    is_meant: impl Fn(&Session) -> bool,
) -> Result<usize, Rejection> {
    let sessions = state.sessions.telling(emitter);
    let mut found = sessions.list(user).await?;
    found.retain(is_meant);
    for session in &found {
        if let Some(login) = login_of(session.principal()) {
            state.tokens.end(user, login).await?;
        }
        sessions.revoke(user, session.id()).await?;
    }
    Ok(found.len())
}
