//! The second factor of an account: an authenticator app, and codes for when it is lost.

use super::json::{Fields, Form, Json as Body};
use super::sessions::end_others;
use super::{RECENT, State};
use axum::Json;
use axum::extract::{FromRequestParts, State as Shared};
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use portcullis::authn::account::FactorChange;
use portcullis::authn::session::Visitor;
use portcullis::authn::step_up::RequireRecent;
use portcullis::authn::totp::Status;
use portcullis::event::Emitter;
use portcullis::guard::{Rejection, RejectionKind, RequestHead};
use portcullis::principal::{Assurance, Authentication, Method, Principal};
use portcullis::secret::SecretString;
use serde_json::{Value, json};

/// Who may change by what an account is entered, make keys to it, or delete it: its owner, logged
/// in a moment ago, and with the second factor if there is one. Whoever finds an open session
/// would else make himself at home by it.
#[derive(Debug)]
pub(crate) struct AccountOwner(pub(super) Principal);

impl FromRequestParts<State> for AccountOwner {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Rejection> {
        let head = RequestHead::of_parts(parts);
        let recent = RequireRecent::within(RECENT);
        let principal = recent.principal(&head)?.clone();
        if state.totp.status(principal.id()).await? == Status::Active {
            recent.by_any([Method::MultiFactor]).principal(&head)?;
        }
        Ok(Self(principal))
    }
}

/// Secrets that are shown once.
type Shown = ([(http::HeaderName, &'static str); 1], Json<Value>);

fn shown(answer: Value) -> Shown {
    ([(CACHE_CONTROL, "no-store")], Json(answer))
}

/// A secret for an authenticator app, as text and as a picture. It counts once
/// [confirmed](confirm). Who logs in with a provider has no second factor here, where nobody
/// would ask for it: the provider does.
pub(crate) async fn enrol(
    Shared(state): Shared<State>,
    AccountOwner(principal): AccountOwner,
) -> Result<Shown, Rejection> {
    let account = state.accounts.by_id(principal.id()).await?;
    if account.is_some_and(|account| account.profile.identity.is_some()) {
        let rejection = Rejection::new(RejectionKind::Conflict);
        return Err(rejection.with_code("factors_at_provider"));
    }
    let email = principal.attribute("email").and_then(Value::as_str);
    let enrollment = state
        .totp
        .enroll(principal.id(), email.unwrap_or("account"))
        .await?;
    Ok(shown(json!({
        "otpauth_uri": enrollment.uri().expose(),
        "qr_svg": enrollment.qr_svg().expose(),
    })))
}

#[derive(Debug)]
pub(crate) struct Confirmation {
    code: SecretString,
}

impl Form for Confirmation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let code = fields.secret("code")?;
        Some(Self { code })
    }
}

/// Takes the app in use, and gives the codes for when it is lost. Its owner is told by mail. The
/// browser's session goes on as one that has proved both factors; other logins, which have
/// proved one, end.
pub(crate) async fn confirm(
    Shared(state): Shared<State>,
    visitor: Visitor,
    emitter: Emitter,
    AccountOwner(principal): AccountOwner,
    Body(form): Body<Confirmation>,
) -> Result<impl IntoResponse, Rejection> {
    let id = principal.id();
    let confirm = async { Ok::<_, Rejection>(state.totp.confirm(id, form.code.expose()).await?) };
    let life = state.life(emitter.clone());
    life.change_factor(id, FactorChange::Added, confirm).await?;
    let codes = state.recovery_codes.generate(id).await?;
    end_others(&state, emitter, &principal).await?;
    let renewed = match state.sessions.current(&principal).await {
        Ok(_) => Some(
            state
                .sessions
                .renew(&visitor, &with_app(&principal))
                .await?,
        ),
        // Who came by a token has no session to renew.
        Err(error) if error.is_refused() => None,
        Err(error) => return Err(error.into()),
    };
    Ok((renewed, codes_shown(&codes)))
}

/// New recovery codes; those from before are void.
pub(crate) async fn regenerate(
    Shared(state): Shared<State>,
    emitter: Emitter,
    AccountOwner(principal): AccountOwner,
) -> Result<Shown, Rejection> {
    let id = principal.id();
    let generate = async { Ok::<_, Rejection>(state.recovery_codes.generate(id).await?) };
    let change = FactorChange::RecoveryCodesReplaced;
    let life = state.life(emitter);
    let codes = life.change_factor(id, change, generate).await?;
    Ok(codes_shown(&codes))
}

/// The password is enough again.
pub(crate) async fn remove(
    Shared(state): Shared<State>,
    emitter: Emitter,
    AccountOwner(principal): AccountOwner,
) -> Result<StatusCode, Rejection> {
    let id = principal.id();
    let remove = async { Ok::<_, Rejection>(state.totp.remove(id).await?) };
    let life = state.life(emitter);
    life.change_factor(id, FactorChange::Removed, remove)
        .await?;
    state.recovery_codes.remove(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn codes_shown(codes: &[SecretString]) -> Shown {
    let codes: Vec<_> = codes.iter().map(SecretString::expose).collect();
    shown(json!({"recovery_codes": codes}))
}

fn with_app(principal: &Principal) -> Principal {
    let before = principal.authentication();
    let proof = [
        Method::Password,
        Method::OneTimePassword,
        Method::MultiFactor,
    ]
    .into_iter()
    .fold(
        Authentication::new(before.time()),
        Authentication::with_method,
    )
    .with_assurance(Assurance::Aal2);
    principal.clone().with_authentication(proof)
}
