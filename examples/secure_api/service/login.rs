//! Registration and login.

use super::State;
use super::accounts::Account;
use super::json::{Fields, Form, Json};
use axum::extract::State as Shared;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::{Challenge, Rejection, RejectionKind};
use portcullis::secret::SecretString;
use serde_json::{Value, json};

/// RFC 5321 section 4.5.3.1.3 leaves this much for an address.
const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 200;

#[derive(Debug)]
pub(crate) struct Registration {
    email: String,
    password: SecretString,
    name: String,
}

impl Form for Registration {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = email(fields);
        let password = fields.secret("password");
        let name = fields.text("name", LONGEST_NAME);
        if let Some(password) = &password {
            let about = [email.as_deref(), name.as_deref()];
            if let Err(violations) =
                super::password_policy().check(password, about.into_iter().flatten())
            {
                // One entry for each field: mended, it is judged again.
                fields.extend(violations.at("/password").take(1));
            }
        }
        Some(Self {
            email: email?,
            password: password?,
            name: name?,
        })
    }
}

fn email(fields: &mut Fields) -> Option<String> {
    let email = fields.text("email", LONGEST_EMAIL)?.to_ascii_lowercase();
    let is_address = email.split_once('@').is_some_and(|(user, host)| {
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._%+-'".contains(&b);
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        !user.is_empty()
            && user.bytes().all(harmless)
            && host.contains('.')
            && host.split('.').all(label)
    });
    if !is_address {
        fields.wrong("email", "not_an_email", "must be an e-mail address");
        return None;
    }
    Some(email)
}

pub(crate) async fn register(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Json(form): Json<Registration>,
) -> Result<(StatusCode, axum::Json<Value>), Rejection> {
    let hash = state.passwords.hash(&form.password).await?;
    let mut account = Account::new(form.email, form.name, &hash);
    // In this example only: whoever registers with this address first is the administrator.
    // In production the first administrator comes from a console, and others from him.
    if *account.email == *state.admin_email {
        account.roles.push("admin".to_owned());
    }
    state.accounts.insert(&account).await?;
    emitter.emit(SecurityEvent::new(EventKind::UserCreated).with_subject(&account.id));
    let created = json!({"id": account.id, "email": account.email});
    Ok((StatusCode::CREATED, axum::Json(created)))
}

#[derive(Debug)]
pub(crate) struct Login {
    email: String,
    password: SecretString,
}

impl Form for Login {
    /// Asks only whether the fields are there: what was registered is found, whatever the
    /// rules for addresses and passwords have become since.
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", LONGEST_EMAIL);
        let password = fields.secret("password");
        Some(Self {
            email: email?.to_ascii_lowercase(),
            password: password?,
        })
    }
}

pub(crate) async fn login(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Json(form): Json<Login>,
) -> Result<impl IntoResponse, Rejection> {
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

    let token = state.issue_token(&account)?;
    emitter.emit(SecurityEvent::new(EventKind::AuthnLoginSuccess).with_subject(&account.id));
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": super::TOKEN_LIFETIME.as_secs(),
    });
    // RFC 6749 section 5.1: no cache keeps a token.
    Ok(([(CACHE_CONTROL, "no-store")], axum::Json(answer)))
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
