//! Making and checking cookies and tokens: plain functions on text.

use super::super::ConfigError;
use crate::clock::Clock;
use crate::principal::Principal;
use crate::random::Random;
use crate::secret::SecretBytes;
use base64ct::{Base64UrlUnpadded, Encoding};
use ring::hmac;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The shortest key: the output of SHA-256, RFC 2104 section 3.
const MIN_KEY_LEN: usize = 32;
/// 128 bits (ASVS 11.5.1).
const SECRET: usize = 16;
const EXPIRY: usize = 8;
const MAC: usize = 32;
const COOKIE: usize = EXPIRY + SECRET + MAC;
/// A mask, and the secret under it.
const TOKEN: usize = 2 * SECRET;

/// Why a token or its cookie was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// The request carries no token.
    TokenMissing,
    /// The request carries no cookie, or more than one.
    CookieMissing,
    /// The cookie was not made here, or for somebody else.
    CookieInvalid,
    /// The cookie is past its time.
    Expired,
    /// The token is not of this cookie.
    TokenInvalid,
}

impl TokenRefusal {
    /// The stable code of the rejection.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenMissing => "csrf_token_missing",
            Self::CookieMissing => "csrf_cookie_missing",
            Self::CookieInvalid => "csrf_cookie_invalid",
            Self::Expired => "csrf_token_expired",
            Self::TokenInvalid => "csrf_token_invalid",
        }
    }
}

/// Makes and checks tokens and their cookies. Cheap to clone.
#[derive(Clone)]
#[must_use]
pub struct CsrfTokens(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    /// The first makes cookies, all of them check.
    keys: Vec<hmac::Key>,
    lifetime: Duration,
    clock: Clock,
    random: Random,
}

/// The secret that a cookie and its tokens share.
pub(super) type Secret = Zeroizing<[u8; SECRET]>;

/// A cookie that was found good.
pub(super) struct Opened {
    pub(super) secret: Secret,
    /// Over half of its time is gone.
    pub(super) is_aging: bool,
}

impl CsrfTokens {
    /// Tokens under this key: at least 32 random bytes, the same on all machines.
    ///
    /// # Errors
    /// When the key is shorter.
    pub fn new(key: &SecretBytes) -> Result<Self, ConfigError> {
        Ok(Self::from_key(hmac_key(key)?))
    }

    /// Tokens under a random key: they end with this process, and other machines do not know
    /// them.
    pub fn with_random_key() -> Self {
        let key = Zeroizing::new(Random::secure().bytes::<MIN_KEY_LEN>());
        Self::from_key(hmac::Key::new(hmac::HMAC_SHA256, &*key))
    }

    fn from_key(key: hmac::Key) -> Self {
        Self(Arc::new(Settings {
            keys: vec![key],
            lifetime: Duration::from_secs(24 * 60 * 60),
            clock: Clock::system(),
            random: Random::secure(),
        }))
    }

    /// Takes cookies made under this key too, until they expire: the key before the last
    /// rotation.
    ///
    /// # Errors
    /// When the key is shorter than 32 bytes.
    pub fn also_accepting(self, key: &SecretBytes) -> Result<Self, ConfigError> {
        let key = hmac_key(key)?;
        Ok(self.with(|settings| settings.keys.push(key)))
    }

    /// How long a cookie is good for after a token was last shown; 24 hours by default.
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|settings| settings.lifetime = lifetime)
    }

    /// Sets where the time comes from, for tests.
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Sets where secrets and masks come from, for tests.
    pub fn random(self, random: Random) -> Self {
        self.with(|settings| settings.random = random)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Checks a token, as a request carries it, against the value of its cookie and against
    /// who sends the request.
    ///
    /// # Errors
    /// Why the token is no good.
    pub fn check(
        &self,
        token: &str,
        cookie: &str,
        principal: Option<&Principal>,
    ) -> Result<(), TokenRefusal> {
        let opened = self.open(cookie, principal)?;
        let mut bytes = [0; TOKEN];
        let (mask, masked) = decode(token, &mut bytes)
            .and_then(|bytes| bytes.split_first_chunk::<SECRET>())
            .ok_or(TokenRefusal::TokenInvalid)?;
        if bool::from(xor(mask, &opened.secret).ct_eq(masked)) {
            Ok(())
        } else {
            Err(TokenRefusal::TokenInvalid)
        }
    }

    pub(super) fn open(
        &self,
        cookie: &str,
        principal: Option<&Principal>,
    ) -> Result<Opened, TokenRefusal> {
        let mut bytes = [0; COOKIE];
        let parts = decode(cookie, &mut bytes).and_then(|bytes| {
            let (expiry, rest) = bytes.split_first_chunk::<EXPIRY>()?;
            let (secret, mac) = rest.split_first_chunk::<SECRET>()?;
            Some((expiry, secret, mac))
        });
        let (expiry, secret, mac) = parts.ok_or(TokenRefusal::CookieInvalid)?;
        let is_genuine = self.0.keys.iter().any(|key| {
            let expected = sign(key, expiry, secret, principal);
            bool::from(expected.as_ref().ct_eq(mac))
        });
        if !is_genuine {
            return Err(TokenRefusal::CookieInvalid);
        }
        let left = u64::from_be_bytes(*expiry).saturating_sub(self.0.clock.now().unix_seconds());
        if left == 0 {
            return Err(TokenRefusal::Expired);
        }
        Ok(Opened {
            secret: Zeroizing::new(*secret),
            is_aging: left < self.0.lifetime.as_secs() / 2,
        })
    }

    pub(super) fn fresh_secret(&self) -> Secret {
        Zeroizing::new(self.0.random.bytes())
    }

    /// The value of a cookie for this secret, good from now on.
    pub(super) fn seal(&self, secret: &Secret, principal: Option<&Principal>) -> String {
        let expiry = self.0.clock.now().saturating_add(self.0.lifetime);
        let expiry = expiry.unix_seconds().to_be_bytes();
        let mut bytes = Vec::with_capacity(COOKIE);
        bytes.extend_from_slice(&expiry);
        bytes.extend_from_slice(&**secret);
        if let Some(key) = self.0.keys.first() {
            bytes.extend_from_slice(sign(key, &expiry, secret, principal).as_ref());
        }
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// A token for this secret, under a fresh mask.
    pub(super) fn mask(&self, secret: &Secret) -> String {
        let mask = self.0.random.bytes::<SECRET>();
        let masked = mask
            .iter()
            .zip(secret.iter())
            .map(|(mask, byte)| mask ^ byte);
        let bytes: Vec<u8> = mask.iter().copied().chain(masked).collect();
        Base64UrlUnpadded::encode_string(&bytes)
    }

    pub(super) fn lifetime_seconds(&self) -> u64 {
        self.0.lifetime.as_secs()
    }
}

impl fmt::Debug for CsrfTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfTokens")
            .field("keys", &self.0.keys.len())
            .field("lifetime", &self.0.lifetime)
            .finish_non_exhaustive()
    }
}

fn hmac_key(key: &SecretBytes) -> Result<hmac::Key, ConfigError> {
    match key.expose() {
        key if key.len() < MIN_KEY_LEN => Err(ConfigError::KeyTooShort(key.len())),
        key => Ok(hmac::Key::new(hmac::HMAC_SHA256, key)),
    }
}

/// HMAC over a purpose, the expiry, the secret and whom it is for. All parts have a fixed
/// length or are preceded by it, so that no two inputs read the same.
fn sign(
    key: &hmac::Key,
    expiry: &[u8; EXPIRY],
    secret: &[u8; SECRET],
    principal: Option<&Principal>,
) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(b"portcullis csrf cookie v1\0");
    context.update(expiry);
    context.update(secret);
    if let Some(principal) = principal {
        let credential = principal.authentication().credential();
        for part in [Some(principal.id()), principal.tenant(), credential] {
            context.update(&[u8::from(part.is_some())]);
            let part = part.unwrap_or_default();
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    context.sign()
}

fn xor(mask: &[u8; SECRET], secret: &Secret) -> Secret {
    let mut masked = Zeroizing::new(*mask);
    let bytes = masked.iter_mut().zip(secret.iter());
    bytes.for_each(|(masked, byte)| *masked ^= byte);
    masked
}

/// Exactly `N` bytes of unpadded base64url, in its one spelling.
fn decode<'a, const N: usize>(text: &str, bytes: &'a mut [u8; N]) -> Option<&'a [u8; N]> {
    let decoded = Base64UrlUnpadded::decode(text, bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FakeClock, Timestamp};
    use crate::principal::Authentication;

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::from(vec![byte; 32])
    }

    fn tokens(byte: u8, time: &FakeClock) -> CsrfTokens {
        CsrfTokens::new(&key(byte)).unwrap().clock(time.clock())
    }

    fn principal(id: &str, credential: Option<&str>) -> Principal {
        let login = Authentication::new(Timestamp::from_unix_seconds(0));
        Principal::new(
            id,
            match credential {
                Some(credential) => login.with_credential(credential),
                None => login,
            },
        )
    }

    #[test]
    fn a_cookie_is_for_whom_it_was_made() {
        let tokens = tokens(1, &FakeClock::at_unix_seconds(1000));
        let people = [
            None,
            Some(principal("ann", None)),
            Some(principal("ann", Some("session-1"))),
            Some(principal("ann", Some("session-2"))),
            Some(principal("ann", Some(""))),
            Some(principal("ann", None).with_tenant("a")),
            Some(principal("annsession-1", None)),
            Some(principal("", None)),
            Some(principal("bob", None)),
        ];
        let secret = tokens.fresh_secret();
        for (i, maker) in people.iter().enumerate() {
            let cookie = tokens.seal(&secret, maker.as_ref());
            let token = tokens.mask(&secret);
            for (j, sender) in people.iter().enumerate() {
                let expected = if i == j {
                    Ok(())
                } else {
                    Err(TokenRefusal::CookieInvalid)
                };
                assert_eq!(
                    tokens.check(&token, &cookie, sender.as_ref()),
                    expected,
                    "{i} {j}"
                );
            }
        }
    }

    #[test]
    fn what_was_changed_is_refused() {
        let tokens = tokens(1, &FakeClock::at_unix_seconds(1000));
        let secret = tokens.fresh_secret();
        let (cookie, token) = (tokens.seal(&secret, None), tokens.mask(&secret));
        assert_eq!(tokens.check(&token, &cookie, None), Ok(()));
        let change = |text: &str, at: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        for at in 0..cookie.len() {
            let refusal = tokens.check(&token, &change(&cookie, at), None);
            assert_eq!(refusal, Err(TokenRefusal::CookieInvalid), "cookie, {at}");
        }
        for at in 0..token.len() {
            let refusal = tokens.check(&change(&token, at), &cookie, None);
            assert_eq!(refusal, Err(TokenRefusal::TokenInvalid), "token, {at}");
        }
        for wrong in [
            "",
            "A",
            &cookie,
            &format!("{token}A"),
            &format!("{token}="),
            "é",
        ] {
            let refusal = tokens.check(wrong, &cookie, None);
            assert_eq!(refusal, Err(TokenRefusal::TokenInvalid), "{wrong:?}");
        }
        let other = tokens.mask(&tokens.fresh_secret());
        assert_eq!(
            tokens.check(&other, &cookie, None),
            Err(TokenRefusal::TokenInvalid)
        );
    }

    #[test]
    fn keys_rotate() {
        let time = FakeClock::at_unix_seconds(1000);
        let (old, new) = (tokens(1, &time), tokens(2, &time));
        let secret = old.fresh_secret();
        let (cookie, token) = (old.seal(&secret, None), old.mask(&secret));
        assert_eq!(
            new.check(&token, &cookie, None),
            Err(TokenRefusal::CookieInvalid)
        );
        let rotated = new.clone().also_accepting(&key(1)).unwrap();
        assert_eq!(rotated.check(&token, &cookie, None), Ok(()));
        assert_eq!(
            new.check(&token, &rotated.seal(&secret, None), None),
            Ok(())
        );
        let short = SecretBytes::from(vec![0; 31]);
        assert_eq!(
            CsrfTokens::new(&short).unwrap_err(),
            ConfigError::KeyTooShort(31)
        );
        assert!(new.also_accepting(&short).is_err());
    }

    #[test]
    fn a_cookie_has_its_time() {
        let time = FakeClock::at_unix_seconds(1000);
        let tokens = tokens(1, &time).lifetime(Duration::from_secs(60));
        let secret = tokens.fresh_secret();
        let cookie = tokens.seal(&secret, None);
        let cases = [
            (0, Some(false)),
            (30, Some(false)),
            (1, Some(true)),
            (28, Some(true)),
            (1, None),
        ];
        for (seconds, aging) in cases {
            time.advance(Duration::from_secs(seconds));
            let opened = tokens.open(&cookie, None);
            match aging {
                Some(aging) => assert_eq!(opened.ok().map(|o| o.is_aging), Some(aging)),
                None => assert_eq!(opened.err(), Some(TokenRefusal::Expired)),
            }
        }
    }

    #[test]
    fn no_token_is_shown_twice() {
        let tokens = CsrfTokens::with_random_key();
        let secret = tokens.fresh_secret();
        assert_ne!(tokens.mask(&secret), tokens.mask(&secret));
        assert!(!format!("{tokens:?}").contains("["), "a key in Debug");
    }
}
