//! Registration.

use super::accounts::Profile;
use super::json::{Fields, Form, Json};
use super::rights::MANAGER;
use super::state::{self, State};
use axum::extract::State as Shared;
use http::StatusCode;
use portcullis::authn::account::Email;
use portcullis::event::{Emitter, EventKind, SecurityEvent};
use portcullis::guard::Rejection;
use portcullis::secret::SecretString;
use serde_json::{Value, json};

/// RFC 5321 section 4.5.3.1.3 leaves this much for an address.
pub(crate) const MAX_EMAIL_LEN: usize = 254;
const MAX_NAME_LEN: usize = 200;

#[derive(Debug)]
pub(crate) struct Registration {
    email: Email,
    password: SecretString,
    name: String,
}

impl Form for Registration {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = email(fields);
        let password = fields.secret("password");
        let name = fields.text("name", MAX_NAME_LEN);
        if let Some(password) = &password {
            let about = [email.as_ref().map(Email::as_str), name.as_deref()];
            if let Err(violations) =
                state::password_policy().check(password, about.into_iter().flatten())
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

fn email(fields: &mut Fields) -> Option<Email> {
    let email = Email::parse(&fields.text("email", MAX_EMAIL_LEN)?).ok();
    if email.is_none() {
        fields.wrong("email", "not_an_email", "must be an e-mail address");
    }
    email
}

pub(crate) async fn register(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Json(form): Json<Registration>,
) -> Result<(StatusCode, axum::Json<Value>), Rejection> {
    let hash = state.passwords.hash(&form.password).await?;
    let email = form.email.as_str().to_owned();
    let profile = Profile::new(form.name);
    let id = state.accounts.insert(form.email, hash, &profile).await?;
    // In this example only: whoever registers with this address first is the administrator.
    // In production the first administrator comes from a console, and others from him.
    // So is who registers with the address of a manager.
    let is_admin = *email == *state.admin_email;
    let staff = state.staff.iter().find(|staff| staff.email == email);
    let roles = [
        (is_admin, "admin"),
        (staff.is_some_and(|staff| staff.is_manager), MANAGER),
    ];
    let roles = roles.into_iter().filter(|(has_it, _)| *has_it);
    let roles: Vec<_> = roles.map(|(_, role)| role.to_owned()).collect();
    let department = staff.map(|staff| staff.department.clone());
    if is_admin || staff.is_some() {
        let accounts = &state.accounts;
        accounts
            .give_once(&email, &id, &roles, department.as_deref())
            .await?;
    }
    emitter.emit(SecurityEvent::new(EventKind::UserCreated).with_subject(&id));
    Ok((
        StatusCode::CREATED,
        axum::Json(json!({"id": id, "email": email})),
    ))
}
