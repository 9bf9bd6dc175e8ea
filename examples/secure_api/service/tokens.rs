//! The tokens of programs: access tokens.

use super::accounts::Account;
use portcullis::authn::jwt::{Issuer, TokenBuilder};
use portcullis::authn::session::NewSession;
use portcullis::guard::{Rejection, RejectionKind};
use serde_json::{Map, Value};

/// Makes the tokens of a login.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    issuer: Issuer,
}

impl Tokens {
    pub(crate) const fn new(issuer: Issuer) -> Self {
        Self { issuer }
    }

    /// The tokens of a session that has just begun.
    pub(crate) async fn begin(
        &self,
        account: &Account,
        session: &NewSession,
    ) -> Result<Map<String, Value>, Rejection> {
        let authentication = session.principal().authentication();
        let token = self
            .issuer
            .token(account.id.clone())
            .authenticated(authentication.time(), authentication.methods())
            .claim("roles", &account.roles)
            .and_then(|token| token.claim("email", &account.email))
            .and_then(|token| token.claim("sid", session.id()))
            .and_then(TokenBuilder::sign);
        let token = token.map_err(|error| {
            Rejection::new(RejectionKind::Internal).with_reason(error.to_string())
        })?;
        let answer = [
            ("access_token", token.into()),
            ("token_type", "Bearer".into()),
            ("expires_in", self.issuer.expires_in().as_secs().into()),
        ];
        Ok(answer
            .map(|(name, value): (&str, Value)| (name.to_owned(), value))
            .into_iter()
            .collect())
    }
}
