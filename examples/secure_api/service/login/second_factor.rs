//! The second step of a login: a code of the authenticator app, or a recovery code.

use super::super::State;
use super::super::json::{Fields, Form, Json};
use super::finish::{Finished, finish};
use axum::extract::State as Shared;
use portcullis::authn::account::FactorChange;
use portcullis::authn::session::Visitor;
use portcullis::event::Emitter;
use portcullis::guard::Rejection;
use portcullis::principal::{Assurance, Authentication, Method};
use portcullis::secret::SecretString;

#[derive(Debug)]
pub(crate) struct SecondFactor {
    mfa_token: SecretString,
    code: SecretString,
}

impl Form for SecondFactor {
    fn read(fields: &mut Fields) -> Option<Self> {
        let mfa_token = fields.secret("mfa_token");
        let code = fields.secret("code");
        Some(Self {
            mfa_token: mfa_token?,
            code: code?,
        })
    }
}

pub(crate) async fn totp(
    Shared(state): Shared<State>,
    visitor: Visitor,
    emitter: Emitter,
    Json(form): Json<SecondFactor>,
) -> Result<Finished, Rejection> {
    let pending = state.pending.find(&state, form.mfa_token.expose()).await?;
    let user = &pending.account.id;
    let verified = state.totp.verify(user, form.code.expose()).await;
    verified.map_err(|error| Rejection::from(error).with_subject(user))?;
    state.pending.end(&pending).await?;
    let proof = two_factors(Authentication::new(pending.begun), Method::OneTimePassword);
    finish(&state, &visitor, &emitter, &pending.account, proof).await
}

pub(crate) async fn recovery(
    Shared(state): Shared<State>,
    visitor: Visitor,
    emitter: Emitter,
    Json(form): Json<SecondFactor>,
) -> Result<Finished, Rejection> {
    let pending = state.pending.find(&state, form.mfa_token.expose()).await?;
    let user = &pending.account.id;
    let redeem = async {
        let redeemed = state.recovery_codes.redeem(user, form.code.expose()).await;
        redeemed.map_err(|error| Rejection::from(error).with_subject(user))
    };
    let life = state.life(emitter.clone());
    let left = life.change_factor(user, FactorChange::RecoveryCodeUsed, redeem);
    let left = left.await?;
    state.pending.end(&pending).await?;
    let proof = two_factors(
        Authentication::new(pending.begun),
        Method::Other("recovery_code".into()),
    );
    let finished = finish(&state, &visitor, &emitter, &pending.account, proof).await?;
    Ok(finished.with("recovery_codes_left", left))
}

/// Password and another factor: the second level of NIST SP 800-63B.
fn two_factors(proof: Authentication, second: Method) -> Authentication {
    [Method::Password, second, Method::MultiFactor]
        .into_iter()
        .fold(proof, Authentication::with_method)
        .with_assurance(Assurance::Aal2)
}
