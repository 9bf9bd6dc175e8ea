//! Logging in: the password, and for who has enrolled one the second factor.

mod finish;
mod pending;
pub(crate) mod second_factor;

pub(crate) use pending::PendingLogins;

use super::State;
use super::accounts::Account;
use super::json::{Fields, Form, Json};
use super::registration::MAX_EMAIL_LEN;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use finish::finish;
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use portcullis::authn::session::Visitor;
use portcullis::authn::totp::Status;
use portcullis::clock::Timestamp;
use portcullis::event::Emitter;
use portcullis::guard::Rejection;
use portcullis::net::client_ip::ClientIp;
use portcullis::secret::SecretString;
use serde_json::json;

#[derive(Debug)]
pub(crate) struct Login {
    email: String,
    password: SecretString,
}

impl Form for Login {
    /// Asks only whether the fields are there: what was registered is found, whatever the
    /// rules for addresses and passwords have become since.
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", MAX_EMAIL_LEN);
        let password = fields.secret("password");
        Some(Self {
            email: email?,
            password: password?,
        })
    }
}

pub(crate) async fn login(
    Shared(state): Shared<State>,
    visitor: Visitor,
    client: ClientIp,
    emitter: Emitter,
    headers: HeaderMap,
    Json(form): Json<Login>,
) -> Result<Response, Rejection> {
    let login = state.login.telling(emitter.clone());
    let device = login.device_in(&headers, &form.email);
    let checked = login.check(&form.email, &form.password, client.address(), device);
    let checked = checked.await?;
    let account = Account::of(checked.account())?;
    if state.totp.status(&account.id).await? == Status::Active {
        return half_way(&state, &account, checked.begun()).await;
    }
    let proof = checked.principal().authentication().clone();
    let finished = finish(&state, &visitor, &emitter, &account, proof).await?;
    Ok(finished.into_response())
}

/// The password was right, and is not enough.
async fn half_way(
    state: &State,
    account: &Account,
    begun: Timestamp,
) -> Result<Response, Rejection> {
    let answer = json!({
        "mfa_required": true,
        "mfa_token": state.pending.begin(account, begun).await?,
        "methods": ["totp", "recovery"],
    });
    Ok(([(CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}
