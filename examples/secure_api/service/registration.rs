//! Registration.

use super::State;
use super::accounts::Account;
use super::json::{Fields, Form, Json};
use axum::extract::State as Shared;
use http::StatusCode;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::Rejection;
use portcullis::secret::SecretString;
use serde_json::{Value, json};

/// RFC 5321 section 4.5.3.1.3 leaves this much for an address.
pub(crate) const MAX_EMAIL_LEN: usize = 254;
const MAX_NAME_LEN: usize = 200;

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
        let name = fields.text("name", MAX_NAME_LEN);
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
    let email = fields.text("email", MAX_EMAIL_LEN)?.to_ascii_lowercase();
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
