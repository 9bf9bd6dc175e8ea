//! A login under way: sealed into a cookie of the browser that began it, and used once.

use super::login::LoginRequest;
use super::{LoginError, LoginErrorKind};
use crate::clock::{Clock, Timestamp};
use crate::crypto::SecretSealer;
use crate::guard::RequestHead;
use crate::guard::cookie::{CredentialCookie, Found};
use crate::random::Random;
use crate::store::{Key, Namespace, Store};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use ring::digest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const USED: Namespace = Namespace::values("oauth2-state-used");
const PURPOSE: &str = "oauth2-login";
/// Random bytes of `state`, `nonce` and the PKCE verifier: 256 bits, where RFC 6749 section
/// 10.10 asks 128 and RFC 7636 section 4.1 at least 43 characters.
const SECRET: usize = 32;
/// So far a clock of another machine may be ahead.
const LEEWAY: Duration = Duration::from_secs(60);

/// What the browser's cookie holds of a login under way, sealed.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Transaction {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) return_to: String,
    /// Seconds since the epoch.
    begun: u64,
    max_age: Option<u64>,
    pub(super) acr_values: Vec<String>,
    pub(super) user: Option<String>,
}

impl Transaction {
    fn new(request: &LoginRequest, random: &Random, now: Timestamp) -> Self {
        let secret = || URL_SAFE_NO_PAD.encode(*Zeroizing::new(random.bytes::<SECRET>()));
        Self {
            state: secret(),
            nonce: secret(),
            verifier: secret(),
            return_to: request.target().as_str().to_owned(),
            begun: now.unix_seconds(),
            max_age: request.oldest().map(|age| age.as_secs()),
            acr_values: request.levels().map(str::to_owned).collect(),
            user: request.user().map(str::to_owned),
        }
    }

    pub(super) const fn begun(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.begun)
    }

    pub(super) fn max_age(&self) -> Option<Duration> {
        self.max_age.map(Duration::from_secs)
    }

    /// The decision: whether a callback with this `state` goes on with this login now.
    fn judge(&self, state: &str, now: Timestamp, lifetime: Duration) -> Result<(), LoginErrorKind> {
        if !bool::from(self.state.as_bytes().ct_eq(state.as_bytes())) {
            return Err(LoginErrorKind::WrongState);
        }
        let is_from_the_future = self.begun() > now.saturating_add(LEEWAY);
        if is_from_the_future || now.since(self.begun()) >= lifetime {
            return Err(LoginErrorKind::LoginExpired);
        }
        Ok(())
    }
}

/// Begins logins, and goes on with each once.
#[derive(Debug)]
pub(super) struct Transactions {
    pub(super) sealer: Arc<dyn SecretSealer>,
    pub(super) store: Store,
    pub(super) cookie: CredentialCookie,
    pub(super) lifetime: Duration,
    pub(super) random: Random,
    pub(super) clock: Clock,
}

impl Transactions {
    /// A login that begins now, and the cookie that ties it to the browser. It ends another
    /// that the browser has begun with the same provider.
    pub(super) fn begin(
        &self,
        provider: &str,
        request: &LoginRequest,
    ) -> Result<(Transaction, HeaderValue), LoginError> {
        let transaction = Transaction::new(request, &self.random, self.clock.now());
        let not_sealed = |_| LoginError::from(LoginErrorKind::Sealing);
        let bytes = Zeroizing::new(serde_json::to_vec(&transaction).map_err(|_| not_sealed(()))?);
        let sealed = self.sealer.seal_secret(PURPOSE, provider, &bytes);
        let sealed = sealed.map_err(|refused| {
            LoginError::with(LoginErrorKind::Sealing, refused.reason().code())
        })?;
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let seconds = self.lifetime.as_secs();
        let cookie = self.cookie_of(provider);
        if !cookie.fits(&value) {
            let reason = "the cookie would be longer than browsers keep";
            return Err(LoginError::with(LoginErrorKind::Sealing, reason));
        }
        Ok((transaction, cookie.set(&value, Some(seconds))))
    }

    /// The login that a callback goes on with, used up by that: whatever comes of it, the same
    /// callback is good for nothing any more.
    pub(super) async fn take(
        &self,
        head: &RequestHead<'_>,
        provider: &str,
        state: &str,
    ) -> Result<Transaction, LoginError> {
        let transaction = self.open(head, provider)?;
        let now = self.clock.now();
        transaction.judge(state, now, self.lifetime)?;
        let id = digest::digest(&digest::SHA256, transaction.state.as_bytes());
        let key = Key::new(USED, id.as_ref());
        // Remembered for longer than the cookie is good by any clock.
        let remembered = self.lifetime.saturating_add(LEEWAY).saturating_add(LEEWAY);
        if !self.store.put_if_absent(key, b"", remembered).await? {
            return Err(LoginErrorKind::Replayed.into());
        }
        Ok(transaction)
    }

    fn open(&self, head: &RequestHead<'_>, provider: &str) -> Result<Transaction, LoginError> {
        let cookie = self.cookie_of(provider);
        let value = match cookie.find(head.headers()) {
            Found::Nothing => return Err(LoginErrorKind::NotBegun.into()),
            // One was planted.
            Found::Several => return Err(LoginErrorKind::ForgedTransaction.into()),
            Found::One(value) => value,
        };
        let forged = || LoginError::from(LoginErrorKind::ForgedTransaction);
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| forged())?;
        let opened = self.sealer.open_secret(PURPOSE, provider, &sealed);
        let opened = opened.map_err(|refused| {
            LoginError::with(LoginErrorKind::ForgedTransaction, refused.reason().code())
        })?;
        serde_json::from_slice(opened.expose()).map_err(|_| forged())
    }

    /// Takes the cookie away.
    pub(super) fn forget(&self, provider: &str) -> HeaderValue {
        self.cookie_of(provider).clear()
    }

    fn cookie_of(&self, provider: &str) -> CredentialCookie {
        self.cookie.with_suffix(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LoginErrorKind::{LoginExpired, WrongState};

    #[test]
    fn a_login_goes_on_with_its_own_state_and_in_time() {
        let begun = Timestamp::from_unix_seconds(1_700_000_000);
        let request = LoginRequest::new();
        let transaction = Transaction::new(&request, &Random::insecure_seeded(1), begun);
        let own = transaction.state.clone();
        let other = transaction.nonce.clone();
        let lifetime = Duration::from_secs(600);
        for (name, state, after, expected) in [
            ("at once", &*own, 0, Ok(())),
            ("in the last second", &own, 599, Ok(())),
            ("a second later", &own, 600, Err(LoginExpired)),
            ("another state", &other, 0, Err(WrongState)),
            ("no state", "", 0, Err(WrongState)),
            ("a part of the state", &own[..42], 0, Err(WrongState)),
        ] {
            let now = begun.saturating_add(Duration::from_secs(after));
            assert_eq!(transaction.judge(state, now, lifetime), expected, "{name}");
        }
        let before = Timestamp::from_unix_seconds(1_700_000_000 - 61);
        assert_eq!(transaction.judge(&own, before, lifetime), Err(LoginExpired));
    }

    #[test]
    fn the_secrets_of_a_login_are_its_own() {
        let random = Random::insecure_seeded(2);
        let new = || Transaction::new(&LoginRequest::new(), &random, Timestamp::default());
        let (one, two) = (new(), new());
        let all = [
            &one.state,
            &one.nonce,
            &one.verifier,
            &two.state,
            &two.nonce,
            &two.verifier,
        ];
        for (place, secret) in all.iter().enumerate() {
            assert_eq!(secret.len(), 43);
            assert!(!all[..place].contains(secret));
        }
    }
}
