//! Keys for the programs of a user.

use super::State;
use super::factors::AccountOwner;
use super::json::{Fields, Form, Json as Body, from_path};
use super::rights::{KEY_SCOPES, ORDER_SCOPE};
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

const MAX_KIND_LEN: usize = 16;

#[derive(Debug)]
pub(crate) struct NewKey {
    asked: NewApiKey,
    is_signing: bool,
}

impl Form for NewKey {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.text("name", NewApiKey::MAX_NAME_LEN);
        let scopes = fields.texts("scopes", NewApiKey::MAX_SCOPES);
        let lifetime = fields.optional_number("expires_in");
        let kind = fields.optional_text("kind", MAX_KIND_LEN);
        let is_signing = match kind?.as_deref() {
            None | Some("bearer") => false,
            Some("signing") => true,
            Some(_) => {
                fields.wrong("kind", "unknown_kind", "must be bearer or signing");
                false
            }
        };
        let mut scopes = scopes?;
        if is_signing && scopes.is_empty() {
            scopes.push(ORDER_SCOPE.to_owned());
        }
        for (index, scope) in scopes.iter().enumerate() {
            if !KEY_SCOPES.contains(&scope.as_str()) {
                let message = format!("must be one of {}", KEY_SCOPES.join(", "));
                let pointer = format!("/scopes/{index}");
                fields.extend([FieldError::new(pointer, "unknown_scope", message)]);
            }
        }
        let asked = NewApiKey::new(name?).scopes(scopes);
        let asked = match lifetime? {
            Some(seconds) => asked.expires_in(Duration::from_secs(seconds)),
            None => asked,
        };
        Some(Self { asked, is_signing })
    }
}

/// A new key, with its text: what is sent along, or what signs under the id.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    about: &'a ApiKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// Makes a key. Its text is in this answer and nowhere else.
pub(crate) async fn create(
    Shared(state): Shared<State>,
    AccountOwner(principal): AccountOwner,
    emitter: Emitter,
    Body(new): Body<NewKey>,
) -> Result<impl IntoResponse, Rejection> {
    let created = if new.is_signing {
        state.signing_keys.create(&principal, &new.asked).await?
    } else {
        let keys = state.api_keys.telling(emitter);
        keys.create(&principal, &new.asked).await?
    };
    let (about, text) = (created.key(), created.text().expose());
    let signs = |value| new.is_signing.then_some(value);
    let answer = Created {
        about,
        key: (!new.is_signing).then_some(text),
        key_id: signs(about.id()),
        secret: signs(text),
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
