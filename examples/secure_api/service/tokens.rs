//! The tokens of programs: an access token for minutes, and a refresh token for the next.

use super::State;
use super::accounts::Account;
use super::json::{Fields, Form, Json as Body};
use super::rights::account_gone;
use super::sessions;
use super::token_keys::TokenKeys;
use super::{NAME, TOKEN_LIFETIME};
use axum::Json;
use axum::extract::State as Shared;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use portcullis::authn::jwt::{ConfigError, Issuer, JwtBearer, Revocations, TokenBuilder, Verifier};
use portcullis::authn::refresh_token::{
    FamilyInfo, Grant, NewRefreshToken, Presented, RefreshError, RefreshTokens,
};
use portcullis::event::Emitter;
use portcullis::guard::Rejection;
use portcullis::principal::Principal;
use portcullis::secret::SecretString;
use portcullis::store::Store;
use serde_json::{Map, Value};

/// To whom the tokens are given: this service has no clients but its own.
const CLIENT: &str = "secure_api";

/// Makes the tokens of logins, and ends them.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    issuer: Issuer,
    refresh: RefreshTokens,
    revocations: Revocations,
}

/// What a program gets.
pub(crate) type Answer = Map<String, Value>;

impl Tokens {
    pub(crate) fn new(keys: &TokenKeys, store: Store) -> Result<Self, ConfigError> {
        Ok(Self {
            issuer: Issuer::new(keys.signer.clone(), NAME, NAME)?
                .lifetime(TOKEN_LIFETIME)?
                .rfc9068(),
            refresh: RefreshTokens::new(store.clone()),
            revocations: Revocations::new(store, NAME),
        })
    }

    /// What knows these tokens again.
    pub(crate) fn bearer(&self, keys: &TokenKeys) -> Result<JwtBearer, ConfigError> {
        let verifier = Verifier::builder(NAME, NAME, keys.algorithm, keys.public.clone());
        let bearer = JwtBearer::new(verifier.rfc9068().build()?);
        Ok(bearer.revocations(self.revocations.clone()))
    }

    /// The tokens of a login, and its name: that of the family of its refresh tokens.
    pub(crate) async fn begin(
        &self,
        account: &Account,
        principal: &Principal,
    ) -> Result<(String, Answer), Rejection> {
        let grant = Grant::of(principal).client(CLIENT);
        let refresh = self.refresh.issue(grant).await?;
        // Nobody can end these from now on.
        for login in refresh.evicted() {
            self.end(principal.id(), login).await?;
        }
        Ok((refresh.family().to_owned(), self.answer(account, &refresh)?))
    }

    /// An access token with the rights of today, beside the refresh token.
    fn answer(&self, account: &Account, refresh: &NewRefreshToken) -> Result<Answer, Rejection> {
        let access = self
            .issuer
            .token_with(refresh)
            .claim("roles", &account.profile.roles)
            .and_then(|token| token.claim("email", &account.email))
            .and_then(|token| token.claim(sessions::LOGIN, refresh.family()))
            .and_then(|token| match &account.profile.department {
                Some(department) => token.claim("department", department),
                None => Ok(token),
            })
            .and_then(TokenBuilder::sign)?;
        let answer: [(&str, Value); 4] = [
            ("access_token", access.into()),
            ("token_type", "Bearer".into()),
            ("expires_in", self.issuer.expires_in().as_secs().into()),
            ("refresh_token", refresh.token().expose().into()),
        ];
        let owned = answer.map(|(name, value)| (name.to_owned(), value));
        Ok(owned.into_iter().collect())
    }

    /// The logins of a user whose tokens can be refreshed, whatever became of their sessions.
    pub(crate) async fn list(&self, user: &str) -> Result<Vec<FamilyInfo>, Rejection> {
        Ok(self.refresh.list(user).await?)
    }

    /// Ends what was given out at a login: nothing of it is good from now on.
    pub(crate) async fn end(&self, user: &str, login: &str) -> Result<(), Rejection> {
        self.refresh.revoke(user, login).await?;
        let revoked = self.revocations.revoke_login(NAME, login, TOKEN_LIFETIME);
        Ok(revoked.await?)
    }
}

#[derive(Debug)]
pub(crate) struct Refresh(SecretString);

impl Form for Refresh {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.secret("refresh_token").map(Self)
    }
}

/// The next tokens, for a refresh token that is used up by that. One that comes twice ends the
/// login: whoever stole it may have access tokens by now.
pub(crate) async fn refresh(
    Shared(state): Shared<State>,
    emitter: Emitter,
    Body(Refresh(token)): Body<Refresh>,
) -> Result<impl IntoResponse, Rejection> {
    let tokens = &state.tokens;
    tokens.issuer.can_sign()?;
    let presented = Presented::new(token.expose()).client(CLIENT);
    let refreshing = tokens.refresh.telling(emitter.clone());
    let next = match refreshing.refresh(presented).await {
        Err(RefreshError::Reused { user, family }) => {
            sessions::end_login(&state, emitter, &user, &family).await?;
            return Err(RefreshError::Reused { user, family }.into());
        }
        next => next?,
    };
    let account = state.accounts.by_id(next.grant().subject()).await?;
    let answer = tokens.answer(&account.ok_or_else(account_gone)?, &next)?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)))
}
