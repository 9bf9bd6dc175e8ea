//! What those who are logged in may ask for.

use super::State;
use super::accounts::Account;
use super::json::{Fields, Form, Json as Body};
use super::rights::{MEMBER, account_gone};
use axum::Json;
use axum::extract::State as Shared;
use http::StatusCode;
use portcullis::event::{RecentEvents, SecurityEvent};
use portcullis::guard::Rejection;
use portcullis::principal::Principal;
use serde_json::{Value, json};
use std::sync::Arc;

/// No country's is longer.
const MAX_NATIONAL_ID_LEN: usize = 40;

/// Looks the account up rather than believe the token: it may be gone since.
pub(crate) async fn me(
    Shared(state): Shared<State>,
    principal: Principal,
) -> Result<Json<Value>, Rejection> {
    let account = state.accounts.by_id(principal.id()).await?;
    Ok(Json(match account {
        Some(account) => {
            let national_id = account.national_id(&state.vault)?;
            let identity = account.profile.identity.as_ref();
            // The address of an account that a login with the provider made is made up.
            let email = identity.is_none().then_some(&account.email);
            let known = [
                ("id", json!(account.id)),
                ("email", json!(email)),
                ("roles", json!(account.profile.roles)),
            ];
            let also = [
                ("national_id", national_id),
                ("issuer", identity.map(|it| it.issuer.clone())),
                ("subject", identity.map(|it| it.subject.clone())),
            ];
            let also = also.into_iter();
            let also = also.filter_map(|(name, value)| Some((name, json!(value?))));
            let all = known.into_iter().chain(also);
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        }
        // The account lives in the memory of the process that made it: the token is all that
        // this one knows of it.
        None if state.accounts_of_others => {
            let roles: Vec<_> = principal.roles().filter(|role| *role != MEMBER).collect();
            json!({"id": principal.id(), "email": principal.attribute("email"), "roles": roles})
        }
        None => return Err(account_gone()),
    }))
}

#[derive(Debug)]
pub(crate) struct NationalId(String);

impl Form for NationalId {
    fn read(fields: &mut Fields) -> Option<Self> {
        let text = fields.text("national_id", MAX_NATIONAL_ID_LEN)?;
        let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | ' ');
        if !text.chars().all(is_usual) {
            let message = "must consist of letters, digits, spaces, '-', '.' and '/'";
            fields.wrong("national_id", "not_a_national_id", message);
            return None;
        }
        Some(Self(text))
    }
}

/// Keeps a national id, encrypted, so that the database does not know it.
pub(crate) async fn set_national_id(
    Shared(state): Shared<State>,
    principal: Principal,
    Body(form): Body<NationalId>,
) -> Result<StatusCode, Rejection> {
    let set = state
        .accounts
        .set_national_id(&state.vault, principal.id(), &form.0);
    set.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has this national id. It comes in the body, for a URL ends up in logs (ASVS 14.2.1).
pub(crate) async fn search(
    Shared(state): Shared<State>,
    Body(form): Body<NationalId>,
) -> Result<Json<Value>, Rejection> {
    let found = state.accounts.by_national_id(&state.vault, &form.0).await?;
    Ok(Json(found.iter().map(summary).collect()))
}

pub(crate) async fn list(Shared(state): Shared<State>) -> Result<Json<Value>, Rejection> {
    let accounts = state.accounts.first().await?;
    Ok(Json(accounts.iter().map(summary).collect()))
}

fn summary(account: &Account) -> Value {
    json!({
        "id": account.id,
        "email": account.email,
        "name": account.profile.name,
        "roles": account.profile.roles,
    })
}

pub(crate) async fn events(Shared(events): Shared<Arc<RecentEvents>>) -> Json<Vec<SecurityEvent>> {
    Json(events.snapshot())
}
