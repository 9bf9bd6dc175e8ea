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

/// The session that a request belongs to, by its cookie or by its token.
fn current(principal: &Principal) -> Option<&str> {
    let by_token = principal.attribute("sid").and_then(Value::as_str);
    by_token.or_else(|| principal.authentication().credential())
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
    let current = current(&principal);
    let shown = sessions.iter().map(|session| {
        let current = current == Some(session.id());
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
    let sessions = state.sessions.telling(emitter);
    if !sessions.revoke(principal.id(), &id).await? {
        return Err(Rejection::new(RejectionKind::NotFound));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions but the one that asks.
pub(crate) async fn revoke_others(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
) -> Result<StatusCode, Rejection> {
    let current = current(&principal).map(str::to_owned);
    let sessions = state.sessions.telling(emitter);
    for session in sessions.list(principal.id()).await? {
        if current.as_deref() != Some(session.id()) {
            sessions.revoke(principal.id(), session.id()).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session, by whatever of it the request came.
pub(crate) async fn log_out(
    Shared(state): Shared<State>,
    visitor: Visitor,
    principal: Principal,
    emitter: Emitter,
) -> Result<impl IntoResponse, Rejection> {
    if let Some(id) = current(&principal) {
        let sessions = state.sessions.telling(emitter);
        sessions.revoke(principal.id(), id).await?;
    }
    let ended = state.sessions.logout(&visitor).await?;
    Ok((StatusCode::NO_CONTENT, ended))
}
