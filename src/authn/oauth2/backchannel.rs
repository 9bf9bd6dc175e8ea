//! A provider's order to end logins: OpenID Connect Back-Channel Logout 1.0.

use super::{LoginError, LoginErrorKind, Provider};
use crate::authn::jwt::Claims;
use crate::authn::owner::OwnerTag;
use crate::clock::Timestamp;
use crate::secret::SecretString;
use crate::store::{Key, Namespace, Store};
use std::fmt;
use std::time::Duration;
use url::form_urlencoded;

const OBEYED: Namespace = Namespace::values("oauth2-logout-token");
/// How long after it was made an order is obeyed. Section 2.4 recommends 2 minutes for `exp`.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// So far the provider's clock may be off, as for its other tokens.
const LEEWAY: Duration = Duration::from_secs(60);

/// What a provider orders to end, checked: one login, by the provider's name for it, or all of a
/// user.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutOrder {
    provider: Box<str>,
    issuer: Box<str>,
    subject: Option<Box<str>>,
    session: Option<Box<str>>,
    id: Box<str>,
    made: Timestamp,
}

impl LogoutOrder {
    /// Of a logout token that was verified.
    pub(super) fn of(
        provider: &Provider,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Self, LoginError> {
        let bad = |claim: &'static str| LoginError::with(LoginErrorKind::LogoutToken, claim);
        let made = claims.issued_at().ok_or_else(|| bad("iat"))?;
        if now.since(made) > MAX_AGE {
            return Err(bad("iat lies too far back"));
        }
        let id = claims.id().filter(|id| !id.is_empty());
        Ok(Self {
            provider: provider.name().into(),
            issuer: provider.issuer().into(),
            subject: claims.subject().map(Into::into),
            session: claims.text("sid").map(Into::into),
            id: id.ok_or_else(|| bad("jti"))?.into(),
            made,
        })
    }

    /// Our name for the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whose logins end. Without it, the [session](Self::session) says which one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Which login ends, by the provider's name for it (`sid`). Without it, all of the
    /// [subject](Self::subject) that there were when the order was made.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// When it was made.
    #[must_use]
    pub const fn made(&self) -> Timestamp {
        self.made
    }

    /// An order is obeyed once, so that nobody who has seen one can use it later against who
    /// has logged in since.
    pub(super) async fn check_new(&self, store: &Store) -> Result<(), LoginError> {
        let tag = self.tag();
        match store.get(Key::new(OBEYED, tag.bytes())).await? {
            None => Ok(()),
            Some(_) => {
                let reason = "it was obeyed before";
                Err(LoginError::with(LoginErrorKind::LogoutToken, reason))
            }
        }
    }

    pub(super) async fn note(&self, store: &Store) -> Result<(), LoginError> {
        let tag = self.tag();
        let remembered = MAX_AGE.saturating_add(LEEWAY).saturating_add(LEEWAY);
        store
            .put(Key::new(OBEYED, tag.bytes()), b"", remembered)
            .await?;
        Ok(())
    }

    fn tag(&self) -> OwnerTag {
        OwnerTag::of_pair(&self.issuer, &self.id)
    }
}

impl fmt::Debug for LogoutOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutOrder")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The one `logout_token` of a form.
pub(super) fn token_of(form: &[u8]) -> Result<SecretString, LoginError> {
    let bad = |detail: &'static str| LoginError::with(LoginErrorKind::LogoutToken, detail);
    let pairs = form_urlencoded::parse(form);
    let mut tokens = pairs.filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token.into_owned().into()),
        (None, _) => Err(bad("there is none")),
        (Some(_), Some(_)) => Err(bad("there are two")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_one_token() {
        for (name, form, expected) in [
            ("one", "logout_token=a.b.c", Some("a.b.c")),
            ("one of many", "x=1&logout_token=a.b.c&y", Some("a.b.c")),
            ("none", "token=a.b.c", None),
            ("empty", "", None),
            ("two", "logout_token=a&logout_token=a", None),
            ("two, spelled", "logout_token=a&%6cogout_token=b", None),
        ] {
            let token = token_of(form.as_bytes()).ok();
            let token = token.as_ref().map(SecretString::expose);
            assert_eq!(token, expected, "{name}");
        }
    }
}
