//! What those who are logged in may ask for.

use super::State;
use axum::Json;
use axum::extract::State as Shared;
use portcullis::event::{RecentEvents, SecurityEvent};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::principal::Principal;
use serde_json::{Value, json};
use std::sync::Arc;

/// Looks the account up rather than believe the token: it may be gone since.
pub(crate) async fn me(
    Shared(state): Shared<State>,
    principal: Principal,
) -> Result<Json<Value>, Rejection> {
    let account = state.accounts.by_id(principal.id().as_bytes()).await?;
    let account = account
        .ok_or_else(|| Rejection::new(RejectionKind::Unauthenticated).with_code("account_gone"))?;
    Ok(Json(
        json!({"id": account.id, "email": account.email, "roles": account.roles}),
    ))
}

pub(crate) async fn list(Shared(state): Shared<State>) -> Result<Json<Value>, Rejection> {
    let accounts = state.accounts.first().await?;
    let shown = accounts.iter().map(|account| {
        json!({
            "id": account.id,
            "email": account.email,
            "name": account.name,
            "roles": account.roles,
        })
    });
    Ok(Json(shown.collect()))
}

pub(crate) async fn events(Shared(events): Shared<Arc<RecentEvents>>) -> Json<Vec<SecurityEvent>> {
    Json(events.snapshot())
}
