//! Keys for the programs of a user.

use super::State;
use super::json::{Fields, Form, Json as Body, from_path};
use super::rights::KEY_SCOPES;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use portcullis::authn::api_key::{ApiKey, NewApiKey};
use portcullis::event::Emitter;
use portcullis::guard::{FieldError, Rejection, RejectionKind};
use portcullis::principal::Principal;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct NewKey(NewApiKey);

impl Form for NewKey {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.text("name", NewApiKey::MAX_NAME_LEN);
        let scopes = fields.texts("scopes", NewApiKey::MAX_SCOPES);
        let lifetime = fields.optional_number("expires_in");
        let scopes = scopes?;
        for (index, scope) in scopes.iter().enumerate() {
            if !KEY_SCOPES.contains(&scope.as_str()) {
                let message = format!("must be one of {}", KEY_SCOPES.join(", "));
                let pointer = format!("/scopes/{index}");
                fields.extend([FieldError::new(pointer, "unknown_scope", message)]);
            }
        }
        let key = NewApiKey::new(name?).scopes(scopes);
        Some(Self(match lifetime? {
            Some(seconds) => key.expires_in(Duration::from_secs(seconds)),
            None => key,
        }))
    }
}

/// A new key, with its text.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    about: &'a ApiKey,
    key: &'a str,
}

/// Makes a key. Its text is in this answer and nowhere else.
pub(crate) async fn create(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
    Body(NewKey(new)): Body<NewKey>,
) -> Result<impl IntoResponse, Rejection> {
    let created = state
        .api_keys
        .telling(emitter)
        .create(&principal, &new)
        .await?;
    let answer = Created {
        about: created.key(),
        key: created.text().expose(),
    };
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(json!(answer))))
}

pub(crate) async fn list(
    Shared(state): Shared<State>,
    principal: Principal,
) -> Result<Json<Vec<ApiKey>>, Rejection> {
    Ok(Json(state.api_keys.list(&principal).await?))
}

pub(crate) async fn revoke(
    Shared(state): Shared<State>,
    principal: Principal,
    emitter: Emitter,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let id = from_path(id)?;
    if !state
        .api_keys
        .telling(emitter)
        .revoke(&principal, &id)
        .await?
    {
        return Err(Rejection::new(RejectionKind::NotFound));
    }
    Ok(StatusCode::NO_CONTENT)
}
