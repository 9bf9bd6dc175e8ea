//! Where somebody is logged in, and the end of that.

use super::State;
use super::json::from_path;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use http::StatusCode;
use portcullis::authn::refresh_token::FamilyInfo;
use portcullis::authn::session::{Session, Visitor};
use portcullis::event::Emitter;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::principal::Principal;
use serde_json::{Value, json};

/// The attribute of principals, and the claim of access tokens, that names the login.
pub(super) const LOGIN: &str = "sid";

/// The login that somebody came by: a cookie and the tokens of one have the same.
fn login_of(principal: &Principal) -> Option<&str> {
    principal.attribute(LOGIN).and_then(Value::as_str)
}

/// A login that goes on. What it holds does not last equally long: a session ends after minutes
/// without a request, or when the browser logs in again, and refresh tokens live for weeks.
#[derive(Debug)]
enum Login {
    /// With a session, and with tokens beside it or without.
    Session(Box<Session>),
    /// With tokens alone.
    Tokens(Box<FamilyInfo>),
}

impl Login {
    fn id(&self) -> &str {
        match self {
            Self::Session(session) => session.id(),
            Self::Tokens(family) => &family.id,
        }
    }

    /// What its session and its tokens have in common.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Session(session) => login_of(session.principal()),
            Self::Tokens(family) => Some(&family.id),
        }
    }

    fn shown(&self, current: bool) -> Value {
        let mut shown = match self {
            Self::Session(session) => json!(session),
            Self::Tokens(family) => json!({
                "id": family.id,
                "created": family.created,
                "last_seen": family.last_used,
                "expires": family.expires_at,
                "user_agent": null,
                "address": null,
            }),
        };
        if let Some(members) = shown.as_object_mut() {
            members.insert("current".to_owned(), current.into());
        }
        shown
    }
}

/// The logins of a user.
async fn logins(state: &State, user: &str) -> Result<Vec<Login>, Rejection> {
    let mut families = state.tokens.list(user).await?;
    let sessions = state.sessions.list(user).await?;
    let by_session = sessions.into_iter().map(Box::new).map(Login::Session);
    let mut logins: Vec<_> = by_session.collect();
    families.retain(|family| !logins.iter().any(|login| login.name() == Some(&family.id)));
    logins.extend(families.into_iter().map(Box::new).map(Login::Tokens));
    Ok(logins)
}

pub(crate) async fn list(
    Shared(state): Shared<State>,
    principal: Principal,
) -> Result<Json<Value>, Rejection> {
    let logins = logins(&state, principal.id()).await?;
    let own = login_of(&principal);
    let shown = logins.iter().map(|login| login.shown(login.name() == own));
    Ok(Json(shown.collect()))
}

pub(crate) async fn revoke(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let id = from_path(id)?;
    let is_meant = |login: &Login| login.id() == id;
    if end(&state, emitter, principal.id(), is_meant).await? == 0 {
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
    end_others(&state, emitter, &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the login, by whatever of it the request came, and that of the cookie beside it.
pub(crate) async fn log_out(
    Shared(state): Shared<State>,
    visitor: Visitor,
    principal: Principal,
    emitter: Emitter,
) -> Result<impl IntoResponse, Rejection> {
    if let Some(own) = login_of(&principal) {
        end_login(&state, emitter, principal.id(), own).await?;
    }
    let ended = state.sessions.logout(&visitor).await?;
    end_tokens(&state, ended.ended()).await?;
    Ok((StatusCode::NO_CONTENT, ended))
}

/// Ends the tokens of logins whose sessions have ended.
pub(super) async fn end_tokens(state: &State, ended: &[Principal]) -> Result<(), Rejection> {
    for principal in ended {
        if let Some(login) = login_of(principal) {
            state.tokens.end(principal.id(), login).await?;
        }
    }
    Ok(())
}

/// Ends the login of this name.
pub(super) async fn end_login(
    state: &State,
    emitter: Emitter,
    user: &str,
    name: &str,
) -> Result<(), Rejection> {
    // Whatever became of its session and its refresh tokens: an access token outlives both.
    state.tokens.end(user, name).await?;
    end(state, emitter, user, |login| login.name() == Some(name)).await?;
    Ok(())
}

/// Ends all logins of somebody but the one that the principal came by.
pub(super) async fn end_others(
    state: &State,
    emitter: Emitter,
    principal: &Principal,
) -> Result<usize, Rejection> {
    let own = login_of(principal);
    let is_other = |login: &Login| login.name() != own;
    end(state, emitter, principal.id(), is_other).await
}

/// Ends some of somebody's logins with all that they hold, and tells how many.
async fn end(
    state: &State,
    emitter: Emitter,
    user: &str,
    is_meant: impl Fn(&Login) -> bool,
) -> Result<usize, Rejection> {
    let sessions = state.sessions.telling(emitter);
    let mut found = logins(state, user).await?;
    found.retain(is_meant);
    for login in &found {
        if let Some(name) = login.name() {
            state.tokens.end(user, name).await?;
        }
        if let Login::Session(session) = login {
            sessions.revoke(user, session.id()).await?;
        }
    }
    Ok(found.len())
}
