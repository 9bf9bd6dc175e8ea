//! The life of an account: other passwords, another address, its end.

use super::State;
use super::factors::AccountOwner;
use super::json::{Fields, Form, Json as Body, from_path};
use super::registration::MAX_EMAIL_LEN;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::{AppendHeaders, IntoResponse};
use http::StatusCode;
use http::header::SET_COOKIE;
use portcullis::authn::account::{EmailChange, Lifecycle};
use portcullis::event::Emitter;
use portcullis::guard::Rejection;
use portcullis::net::client_ip::ClientIp;
use portcullis::secret::SecretString;
use serde_json::{Value, json};

const MAX_TOKEN_LEN: usize = 256;

impl State {
    pub(super) fn life(&self, emitter: Emitter) -> Lifecycle {
        self.lifecycle.telling(emitter)
    }
}

#[derive(Debug)]
pub(crate) struct PasswordChange {
    old_password: SecretString,
    new_password: SecretString,
}

impl Form for PasswordChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let old_password = fields.secret("old_password");
        let new_password = fields.secret("new_password");
        Some(Self {
            old_password: old_password?,
            new_password: new_password?,
        })
    }
}

/// Changes the password by the old one, and where there is a second factor by that. All other
/// logins end.
pub(crate) async fn change_password(
    Shared(state): Shared<State>,
    AccountOwner(principal): AccountOwner,
    client: ClientIp,
    emitter: Emitter,
    Body(form): Body<PasswordChange>,
) -> Result<StatusCode, Rejection> {
    let (old, new) = (&form.old_password, &form.new_password);
    let life = state.life(emitter);
    let changed = life.change_password(&principal, client.address(), old, new);
    changed.await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug)]
pub(crate) struct Address(String);

impl Form for Address {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.text("email", MAX_EMAIL_LEN).map(Self)
    }
}

/// Sends a link to set a new password, to who has an account. The answer is the same to all.
pub(crate) async fn forgot_password(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Body(Address(email)): Body<Address>,
) -> Result<StatusCode, Rejection> {
    state.life(emitter).request_reset(&email).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug)]
pub(crate) struct Reset {
    token: String,
    password: SecretString,
}

impl Form for Reset {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.text("token", MAX_TOKEN_LEN);
        let password = fields.secret("password");
        Some(Self {
            token: token?,
            password: password?,
        })
    }
}

/// Sets a new password by the token of a link. That is no login, and asks for no second factor.
pub(crate) async fn reset_password(
    Shared(state): Shared<State>,
    client: ClientIp,
    emitter: Emitter,
    Body(form): Body<Reset>,
) -> Result<impl IntoResponse, Rejection> {
    let life = state.life(emitter);
    let reset = life.reset_password(&form.token, &form.password, client.address());
    let reset = reset.await?;
    let known = AppendHeaders([(SET_COOKIE, reset.device().set_cookie())]);
    Ok((StatusCode::NO_CONTENT, known))
}

#[derive(Debug)]
pub(crate) struct NewAddress {
    email: String,
    password: SecretString,
}

impl Form for NewAddress {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", MAX_EMAIL_LEN);
        let password = fields.secret("password");
        Some(Self {
            email: email?,
            password: password?,
        })
    }
}

/// Asks the old and the new address to confirm a change.
pub(crate) async fn change_email(
    Shared(state): Shared<State>,
    AccountOwner(principal): AccountOwner,
    client: ClientIp,
    emitter: Emitter,
    Body(form): Body<NewAddress>,
) -> Result<StatusCode, Rejection> {
    let life = state.life(emitter);
    let (client, password) = (client.address(), &form.password);
    let asked = life.request_email_change(&principal, client, password, &form.email);
    asked.await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug)]
pub(crate) struct Token(String);

impl Form for Token {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.text("token", MAX_TOKEN_LEN).map(Self)
    }
}

/// Confirms it at one of the two ends.
pub(crate) async fn confirm_email(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Body(Token(token)): Body<Token>,
) -> Result<Json<Value>, Rejection> {
    let change = state.life(emitter).confirm_email_change(&token).await?;
    Ok(Json(json!({"done": change == EmailChange::Done})))
}

/// Deletes the account of who asks.
pub(crate) async fn delete(
    Shared(state): Shared<State>,
    AccountOwner(principal): AccountOwner,
    emitter: Emitter,
) -> Result<StatusCode, Rejection> {
    state.life(emitter).delete(principal.id()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shuts somebody out, at once and everywhere.
pub(crate) async fn disable(
    Shared(state): Shared<State>,
    emitter: Emitter,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    state.life(emitter).disable(&from_path(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn enable(
    Shared(state): Shared<State>,
    emitter: Emitter,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    state.life(emitter).enable(&from_path(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
