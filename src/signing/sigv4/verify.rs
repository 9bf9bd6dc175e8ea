use super::ALGORITHM;
use super::canonical::{canonical_request, sha256};
use super::claim::Claim;
use crate::clock::{Clock, Timestamp};
use crate::guard::RequestHead;
use crate::random::Random;
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
    /// In place of the secret of an access key that is not known.
    decoy: SecretBytes,
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
            decoy: Random::secure().bytes::<44>().as_slice().into(),
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
        let known = inner.secrets.get(claim.access_key);
        // Whoever is not known is told so after the same work.
        let secret = known.unwrap_or(&inner.decoy);
        let canonical = canonical_request(request, &claim, body, inner.encodes_once)?;
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            claim.time_text,
            claim.scope(),
            sha256(canonical.as_bytes())
        );
        let tag = tag(secret, &claim, &to_sign);
        let is_good = bool::from(tag.as_ref().ct_eq(&claim.signature));
        known.ok_or(Fault::UnknownKey)?;
        if !is_good {
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

/// The signature that the secret makes: by a key for the day, the region and the service.
fn tag(secret: &SecretBytes, claim: &Claim<'_>, to_sign: &str) -> hmac::Tag {
    #[cfg(test)]
    crate::signing::proof::work::note(to_sign.as_bytes());
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    for part in [claim.day, claim.region, claim.service, "aws4_request"] {
        let next = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, next.as_ref());
    }
    hmac::sign(&key, to_sign.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use crate::signing::proof::work;
    use http::Request;

    #[tokio::test]
    async fn an_access_key_that_there_is_not_is_as_much_work() {
        let verifier = SigV4Verifier::new("us-east-1", "service", Store::memory())
            .credential("AKIDTHERE", &"a secret of thirty bytes or so".into())
            .unwrap()
            .with_clock(FakeClock::at_unix_seconds(1_440_938_160).clock());
        let mut all = Vec::new();
        for (access_key, expected) in [("AKIDTHERE", "bad_signature"), ("AKIDWHERE", "unknown_key")]
        {
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential={access_key}/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={}",
                "0".repeat(64)
            );
            let request = Request::post("/orders")
                .header("host", "a.example")
                .header("x-amz-date", "20150830T123600Z")
                .header("authorization", authorization)
                .body(())
                .unwrap();
            work::taken();
            let found = verifier.verify(&RequestHead::of(&request), b"").await;
            assert_eq!(found.unwrap_err().code(), expected);
            all.push(work::taken());
        }
        assert_eq!(all[0].len(), 1);
        assert_eq!(all[0], all[1]);
    }
}
