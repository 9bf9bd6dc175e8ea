//! Access tokens, renewed before their end.

use super::keep::{LOGINS, Logins};
use super::kept_login::{KeptLogin, encode};
use crate::authn::oauth2::{LoginError, LoginErrorKind, RelyingParty};
use crate::secret::SecretString;
use crate::store::{Key, Namespace, Swap};
use std::time::Duration;

/// Logins whose tokens somebody is renewing.
const LEASES: Namespace = Namespace::values("oauth2-refresh");
/// Longer than any call takes.
const LEASE: Duration = Duration::from_secs(30);
/// So long before its end an access token is renewed.
const EARLY: Duration = Duration::from_secs(60);

impl Logins {
    /// An access token of a login that is good for a minute at least, as far as the provider
    /// says: renewed where it is not, and there is a refresh token.
    ///
    /// # Errors
    /// [`Grant`](LoginErrorKind::Grant) when the login is over at the provider; when another
    /// request renews the token and it is past its end already, something
    /// [to try again](LoginError::is_unavailable).
    pub async fn access_token(
        &self,
        relying_party: &RelyingParty,
        name: &str,
    ) -> Result<SecretString, LoginError> {
        let over = || LoginError::with(LoginErrorKind::Grant, "the login is not kept any more");
        let login = self.find(name).await?.ok_or_else(over)?;
        let now = self.clock.now();
        if login.is_good(now.saturating_add(EARLY)) {
            return Ok(login.access());
        }
        if login.tokens.refresh.is_none() {
            let ended = || LoginError::with(LoginErrorKind::Grant, "there is no refresh token");
            return login.is_good(now).then(|| login.access()).ok_or_else(ended);
        }
        let lease = login.place.key(LOGINS).encode();
        let busy = || LoginError::with(LoginErrorKind::Unreachable, "it is being renewed");
        if !self
            .store
            .put_if_absent(Key::new(LEASES, &lease), b"", LEASE)
            .await?
        {
            return login.is_good(now).then(|| login.access()).ok_or_else(busy);
        }
        // On its own: did it end with the request, the new refresh token would be lost.
        let (logins, relying_party) = (self.clone(), relying_party.clone());
        let name = name.to_owned();
        let renewing = tokio::spawn(async move {
            let renewed = logins.renewed(&relying_party, &name).await;
            logins.store.delete(Key::new(LEASES, &lease)).await?;
            renewed
        });
        renewing.await.unwrap_or_else(|_stopped| Err(busy()))
    }

    /// For whoever holds the lease.
    async fn renewed(
        &self,
        relying_party: &RelyingParty,
        name: &str,
    ) -> Result<SecretString, LoginError> {
        let over = || LoginError::from(LoginErrorKind::EndedMeanwhile);
        // Somebody may have renewed it since it was looked at, and its refresh token is used up.
        let login = self.find(name).await?.ok_or_else(over)?;
        let early = self.clock.now().saturating_add(EARLY);
        match login.refresh_token() {
            Some(refresh) if !login.is_good(early) => {
                self.renew(relying_party, &login, &refresh).await
            }
            _ => Ok(login.access()),
        }
    }

    async fn renew(
        &self,
        relying_party: &RelyingParty,
        login: &KeptLogin,
        refresh: &SecretString,
    ) -> Result<SecretString, LoginError> {
        let record = &login.record;
        let response = relying_party
            .refresh(&record.provider, &record.subject, refresh)
            .await?;
        let now = self.clock.now();
        let tokens = login.tokens.followed_by(&response, now);
        let mut next = record.clone();
        next.sealed = self.seal(&login.place, &tokens)?;
        let left = Duration::from_secs(record.ends.saturating_sub(now.unix_seconds()).max(1));
        let (key, value) = (login.place.key(LOGINS), encode(&next)?);
        let swap = self
            .store
            .compare_and_swap(key, Some(&login.bytes), &value, left);
        match swap.await? {
            Swap::Swapped => Ok(response.access_token().clone()),
            // It was ended meanwhile: its tokens are nobody's.
            Swap::Conflict(_) => Err(LoginErrorKind::EndedMeanwhile.into()),
        }
    }
}
