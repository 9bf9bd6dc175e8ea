use super::ALGORITHM;
use super::canonical::{canonical_request, sha256};
use super::claim::Claim;
use crate::clock::{Clock, Timestamp};
use crate::guard::RequestHead;
use crate::secret::{SecretBytes, SecretString};
use crate::signing::replay::Replay;
use crate::signing::{ConfigError, Fault, hex, within};
use crate::store::{Namespace, Store};
use ring::hmac;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

const SEEN: Namespace = Namespace::values("sigv4");
const MIN_SECRET_LEN: usize = 16;

/// Verifies requests signed by AWS Signature Version 4. Cheap to clone.
#[derive(Clone)]
pub struct SigV4Verifier(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    region: Box<str>,
    service: Box<str>,
    secrets: HashMap<Box<str>, SecretBytes>,
    encodes_once: bool,
    replay: Replay,
    tolerance: Duration,
    clock: Clock,
}

impl SigV4Verifier {
    /// The longest tolerance that can be set.
    pub const MAX_TOLERANCE: Duration = Duration::from_secs(15 * 60);

    /// Verifies requests of this region and service, and remembers in the store what has passed.
    #[must_use]
    pub fn new(region: &str, service: &str, store: Store) -> Self {
        Self(Arc::new(Inner {
            region: region.into(),
            service: service.into(),
            secrets: HashMap::new(),
            encodes_once: false,
            replay: Replay::new(SEEN, store),
            tolerance: Duration::from_secs(300),
            clock: Clock::system(),
        }))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Knows this access key.
    ///
    /// # Errors
    /// When the secret is shorter than 16 bytes.
    pub fn credential(self, access_key: &str, secret: &SecretString) -> Result<Self, ConfigError> {
        let length = secret.expose().len();
        if length < MIN_SECRET_LEN {
            return Err(ConfigError::SecretTooShort(length, MIN_SECRET_LEN));
        }
        // The scheme puts this before every secret.
        let secret = [b"AWS4", secret.expose().as_bytes()].concat().into();
        Ok(self.with(|inner| {
            inner.secrets.insert(access_key.into(), secret);
        }))
    }

    /// Takes the path as it is sent, where others encode it once more: clients do so for S3.
    #[must_use]
    pub fn path_encoded_once(self) -> Self {
        self.with(|inner| inner.encodes_once = true)
    }

    /// Sets how far the time of a request may be off, in both directions; 300 seconds without
    /// this.
    ///
    /// # Errors
    /// When it is zero or more than [`MAX_TOLERANCE`](Self::MAX_TOLERANCE).
    pub fn tolerance(self, tolerance: Duration) -> Result<Self, ConfigError> {
        if tolerance.is_zero() || tolerance > Self::MAX_TOLERANCE {
            return Err(ConfigError::Window(tolerance));
        }
        Ok(self.with(|inner| inner.tolerance = tolerance))
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    /// Verifies a request with its body, and that it did not come before.
    ///
    /// # Errors
    /// Why it does not pass.
    pub async fn verify(
        &self,
        request: &RequestHead<'_>,
        body: &[u8],
    ) -> Result<VerifiedSigV4, Fault> {
        let inner = &*self.0;
        let claim = self.read(request)?;
        let secret = inner.secrets.get(claim.access_key);
        let secret = secret.ok_or(Fault::UnknownKey)?;
        let canonical = canonical_request(request, &claim, body, inner.encodes_once)?;
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            claim.time_text,
            claim.scope(),
            sha256(canonical.as_bytes())
        );
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        for part in [claim.day, claim.region, claim.service, "aws4_request"] {
            let next = hmac::sign(&key, part.as_bytes());
            key = hmac::Key::new(hmac::HMAC_SHA256, next.as_ref());
        }
        let tag = hmac::sign(&key, to_sign.as_bytes());
        if !bool::from(tag.as_ref().ct_eq(&claim.signature)) {
            return Err(Fault::BadSignature);
        }
        let memory = inner.tolerance.saturating_mul(2);
        let memory = memory.saturating_add(Duration::from_secs(2));
        let parts = [claim.access_key, &hex::text(tag.as_ref())];
        inner.replay.pass(&parts, memory).await?;
        Ok(VerifiedSigV4 {
            access_key: claim.access_key.into(),
            time: Timestamp::from_unix_seconds(claim.seconds),
        })
    }

    /// All that can be said without the body.
    pub(super) fn read<'a>(&self, request: &RequestHead<'a>) -> Result<Claim<'a>, Fault> {
        let inner = &*self.0;
        let claim = Claim::read(request)?;
        within(claim.seconds, inner.clock.now(), inner.tolerance)?;
        if *claim.region != *inner.region || *claim.service != *inner.service {
            return Err(Fault::WrongTag);
        }
        claim.check_coverage(request.headers())?;
        Ok(claim)
    }
}

impl fmt::Debug for SigV4Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4Verifier")
            .field("region", &self.0.region)
            .field("service", &self.0.service)
            .field("tolerance", &self.0.tolerance)
            .finish_non_exhaustive()
    }
}

/// A request that was signed with a known access key, is fresh and came once; only a
/// [`SigV4Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSigV4 {
    access_key: Box<str>,
    time: Timestamp,
}

impl VerifiedSigV4 {
    /// The access key that signed.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// When it was signed.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }
}
