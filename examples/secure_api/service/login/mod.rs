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
use http::header::CACHE_CONTROL;
use portcullis::authn::session::Visitor;
use portcullis::authn::totp::Status;
use portcullis::clock::{Clock, Timestamp};
use portcullis::event::{Emitter, EventKind};
use portcullis::guard::{Challenge, Rejection, RejectionKind};
use portcullis::principal::{Assurance, Authentication, Method};
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
            email: email?.to_ascii_lowercase(),
            password: password?,
        })
    }
}

pub(crate) async fn login(
    Shared(state): Shared<State>,
    visitor: Visitor,
    emitter: Emitter,
    Json(form): Json<Login>,
) -> Result<Response, Rejection> {
    let begun = Clock::system().now();
    let account = state.accounts.by_email(&form.email).await?;
    let hash = account.as_ref().map(Account::password);
    // The same work and the same answer, whether there is such an account or not.
    let verification = state
        .passwords
        .verify(hash.as_ref(), &form.password)
        .await?;
    let account = match account {
        Some(account) if verification.is_accepted() => account,
        other => return Err(wrong_credentials(other.as_ref())),
    };
    if state.totp.status(&account.id).await? == Status::Active {
        return half_way(&state, &account, begun).await;
    }
    let proof = Authentication::new(begun)
        .with_method(Method::Password)
        .with_assurance(Assurance::Aal1);
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

/// The event names the account where there is one, and never what was typed: people type
/// their password into the wrong field.
fn wrong_credentials(account: Option<&Account>) -> Rejection {
    let rejection = Rejection::new(RejectionKind::Unauthenticated)
        .with_code("wrong_credentials")
        .with_challenge(&Challenge::new("Bearer"))
        .with_event(Some(EventKind::AuthnLoginFail));
    match account {
        Some(account) => rejection.with_subject(&account.id),
        None => rejection.with_reason("there is no such account"),
    }
}
