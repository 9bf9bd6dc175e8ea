use super::DpopConfigError;
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secret::SecretBytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::fmt;
use std::time::Duration;

const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
const LIFETIMES: std::ops::RangeInclusive<u64> = 30..=3600;
const MIN_SECRET: usize = 32;
/// Keeps this use of the secret apart from any other.
const CONTEXT: &[u8] = b"portcullis dpop nonce";
/// The longest text of a nonce that is looked at.
const MAX_TEXT: usize = 64;

/// Nonces that this service gives out, and knows again without having kept them (RFC 9449
/// section 9): the time, and a code over it. With them a client cannot make proofs ahead, for
/// times when it will not have the key.
///
/// By default the secret is random, so that each process knows its own nonces alone: where
/// several serve one client, [give](Self::with_secret) all of them the same.
#[derive(Clone)]
pub struct DpopNonces {
    key: hmac::Key,
    previous: Option<hmac::Key>,
    lifetime: Duration,
}

impl DpopNonces {
    /// Nonces of this process, good for 5 minutes.
    #[must_use]
    pub fn new() -> Self {
        Self::of(&Random::secure().bytes::<MIN_SECRET>())
    }

    /// Nonces of all who have this secret.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn with_secret(secret: &SecretBytes) -> Result<Self, DpopConfigError> {
        check(secret)?;
        Ok(Self::of(secret.expose()))
    }

    fn of(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            previous: None,
            lifetime: DEFAULT_LIFETIME,
        }
    }

    /// Takes nonces of the secret before this one as well, while it is replaced everywhere.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn or_previous(mut self, secret: &SecretBytes) -> Result<Self, DpopConfigError> {
        check(secret)?;
        self.previous = Some(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()));
        Ok(self)
    }

    /// Sets how long a nonce is good: 300 seconds by default, 30 to 3600.
    ///
    /// # Errors
    /// When it is out of these bounds.
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, DpopConfigError> {
        if !LIFETIMES.contains(&lifetime.as_secs()) {
            return Err(DpopConfigError::NonceLifetime(lifetime.as_secs()));
        }
        self.lifetime = lifetime;
        Ok(self)
    }

    /// A nonce of this moment.
    #[must_use]
    pub fn issue(&self, now: Timestamp) -> String {
        let time = now.unix_seconds().to_be_bytes();
        let code = hmac::sign(&self.key, &message(time));
        let mut nonce = time.to_vec();
        nonce.extend_from_slice(code.as_ref());
        URL_SAFE_NO_PAD.encode(nonce)
    }

    /// Whether this is a nonce of ours, of a short while ago.
    #[must_use]
    pub fn is_good(&self, nonce: &str, now: Timestamp) -> bool {
        let Some(issued) = self.time_of(nonce) else {
            return false;
        };
        // Another machine's clock may be a little ahead.
        now.since(issued) <= self.lifetime && issued.since(now) <= self.lifetime
    }

    /// Whether more than half of its time is over, or it is none of ours.
    pub(super) fn is_old(&self, nonce: &str, now: Timestamp) -> bool {
        let half = self.lifetime / 2;
        self.time_of(nonce)
            .is_none_or(|issued| now.since(issued) > half)
    }

    /// When it was given out, if it is one of ours.
    fn time_of(&self, nonce: &str) -> Option<Timestamp> {
        if nonce.len() > MAX_TEXT {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (time, code) = bytes.split_first_chunk::<8>()?;
        let message = message(*time);
        let is_of = |key: &hmac::Key| hmac::verify(key, &message, code).is_ok();
        let is_ours = is_of(&self.key) || self.previous.as_ref().is_some_and(is_of);
        is_ours.then(|| Timestamp::from_unix_seconds(u64::from_be_bytes(*time)))
    }
}

fn check(secret: &SecretBytes) -> Result<(), DpopConfigError> {
    match secret.expose().len() {
        MIN_SECRET.. => Ok(()),
        length => Err(DpopConfigError::SecretTooShort(length)),
    }
}

fn message(time: [u8; 8]) -> Vec<u8> {
    [CONTEXT, &time].concat()
}

impl Default for DpopNonces {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DpopNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopNonces")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn secret(byte: u8) -> SecretBytes {
        SecretBytes::from(vec![byte; 32])
    }

    #[test]
    fn a_nonce_is_good_for_its_time() {
        let nonces = DpopNonces::new();
        let nonce = nonces.issue(at(1000));
        for (now, expected) in [
            (1000, true),
            (1300, true),
            (1301, false),
            (700, true),
            (699, false),
        ] {
            assert_eq!(nonces.is_good(&nonce, at(now)), expected, "{now}");
        }
        assert_ne!(nonce, nonces.issue(at(1001)));
        for (now, expected) in [(1000, false), (1150, false), (1151, true), (9999, true)] {
            assert_eq!(nonces.is_old(&nonce, at(now)), expected, "{now}");
        }
        assert!(DpopNonces::new().is_old(&nonce, at(1000)), "not of ours");
    }

    #[test]
    fn nobody_else_makes_them() {
        let nonces = DpopNonces::new();
        let nonce = nonces.issue(at(1000));
        assert!(!DpopNonces::new().is_good(&nonce, at(1000)));
        let forged = [at(1001).unix_seconds().to_be_bytes().to_vec(), vec![0; 32]].concat();
        let later = URL_SAFE_NO_PAD.encode(
            [
                &1001_u64.to_be_bytes()[..],
                &URL_SAFE_NO_PAD.decode(&nonce).unwrap()[8..],
            ]
            .concat(),
        );
        for (name, text) in [
            ("nothing", String::new()),
            ("forged", URL_SAFE_NO_PAD.encode(forged)),
            ("of another time", later),
            ("cut", nonce[..50].to_owned()),
            ("padded", format!("{nonce}=")),
            ("long", "A".repeat(10_000)),
        ] {
            assert!(!nonces.is_good(&text, at(1000)), "{name}");
        }
    }

    #[test]
    fn a_secret_is_shared_and_replaced() {
        let old = DpopNonces::with_secret(&secret(1)).unwrap();
        let new = DpopNonces::with_secret(&secret(2)).unwrap();
        let both = new.clone().or_previous(&secret(1)).unwrap();
        let nonce = old.issue(at(1000));
        assert!(
            DpopNonces::with_secret(&secret(1))
                .unwrap()
                .is_good(&nonce, at(1000))
        );
        assert!(both.is_good(&nonce, at(1000)) && !new.is_good(&nonce, at(1000)));
        assert!(new.is_good(&both.issue(at(1000)), at(1000)));
        let short = SecretBytes::from(vec![1; 31]);
        let error = DpopConfigError::SecretTooShort(31);
        assert_eq!(DpopNonces::with_secret(&short).unwrap_err(), error);
        assert_eq!(new.or_previous(&short).unwrap_err(), error);
        let lifetime = DpopNonces::new().lifetime(Duration::from_secs(29));
        assert_eq!(lifetime.unwrap_err(), DpopConfigError::NonceLifetime(29));
    }
}
