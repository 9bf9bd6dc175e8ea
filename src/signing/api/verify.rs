use super::canonical::{CanonicalRequest, NONCE, SIGNATURE, TIMESTAMP, X_API_KEY};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::{Algorithm, KeyProvider, KnownKey};
use crate::guard::RequestHead;
use crate::principal::Principal;
use crate::signing::replay::Replay;
use crate::signing::{ConfigError, Fault, hex, proof, seconds, within};
use crate::store::{Namespace, Store};
use http::HeaderName;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const NONCES: Namespace = Namespace::values("api-signature-nonce");
/// The longest id of a key, in bytes.
const MAX_KEY_ID_LEN: usize = 128;
const MIN_NONCE_LEN: usize = 16;
const MAX_NONCE_LEN: usize = 128;

/// Verifies signed API requests. Cheap to clone.
#[derive(Clone)]
pub struct ApiVerifier {
    keys: Arc<dyn KeyProvider>,
    replay: Replay,
    window: Duration,
    clock: Clock,
}

impl ApiVerifier {
    /// The longest window that can be set.
    pub const MAX_WINDOW: Duration = Duration::from_secs(60 * 60);

    /// Verifies with these keys, which are for HMAC with SHA-256, and remembers nonces in the
    /// store.
    #[must_use]
    pub fn new(keys: impl KeyProvider, store: Store) -> Self {
        Self {
            keys: Arc::new(keys),
            replay: Replay::new(NONCES, store),
            window: Duration::from_secs(300),
            clock: Clock::system(),
        }
    }

    /// Sets how far the time of a request may be off, in both directions; 300 seconds without
    /// this.
    ///
    /// # Errors
    /// When it is zero or more than [`MAX_WINDOW`](Self::MAX_WINDOW).
    pub fn window(mut self, window: Duration) -> Result<Self, ConfigError> {
        if window.is_zero() || window > Self::MAX_WINDOW {
            return Err(ConfigError::Window(window));
        }
        self.window = window;
        Ok(self)
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Verifies a request with its body: the headers, the time, the key, the signature, and that
    /// it did not come before, in this order.
    ///
    /// # Errors
    /// Why it does not pass.
    pub async fn verify(
        &self,
        request: &RequestHead<'_>,
        body: &[u8],
    ) -> Result<VerifiedApiRequest, Fault> {
        let fields = Fields::read(request)?;
        let claim = self.find(&fields).await?;
        self.prove(claim, &fields, request, body).await
    }

    /// All that can be said without the body.
    pub(super) async fn claim(&self, request: &RequestHead<'_>) -> Result<ApiClaim, Fault> {
        self.find(&Fields::read(request)?).await
    }

    /// The rest, once the body is there.
    pub(super) async fn finish(
        &self,
        claim: ApiClaim,
        request: &RequestHead<'_>,
        body: &[u8],
    ) -> Result<VerifiedApiRequest, Fault> {
        let fields = Fields::read(request)?;
        self.prove(claim, &fields, request, body).await
    }

    async fn find(&self, fields: &Fields<'_>) -> Result<ApiClaim, Fault> {
        within(fields.seconds, self.clock.now(), self.window)?;
        Ok(match self.keys.find(fields.key_id).await? {
            Some(key) if key.algorithm() == Algorithm::Hs256 => ApiClaim::Found(key),
            Some(_) => ApiClaim::None(Fault::WrongAlgorithm),
            None => ApiClaim::None(Fault::UnknownKey),
        })
    }

    async fn prove(
        &self,
        claim: ApiClaim,
        fields: &Fields<'_>,
        request: &RequestHead<'_>,
        body: &[u8],
    ) -> Result<VerifiedApiRequest, Fault> {
        let form = CanonicalRequest {
            key_id: fields.key_id,
            timestamp: fields.timestamp,
            nonce: fields.nonce,
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query(),
            body,
        };
        let form = form.to_bytes();
        let key = match claim {
            ApiClaim::Found(key) => key,
            ApiClaim::None(fault) => {
                if let Some(decoy) = proof::hmac_decoy() {
                    let _never_good = proof::check(decoy, &form, &fields.signature);
                }
                return Err(fault);
            }
        };
        proof::check(&key, &form, &fields.signature)?;
        // Once more for machines whose clocks are behind, within the window as well.
        let memory = self
            .window
            .saturating_mul(2)
            .saturating_add(Duration::from_secs(2));
        let parts = [fields.key_id, fields.nonce];
        self.replay.pass(&parts, memory).await?;
        key.note_use().await;
        Ok(VerifiedApiRequest(Arc::new(Facts {
            key_id: fields.key_id.into(),
            nonce: fields.nonce.into(),
            time: Timestamp::from_unix_seconds(fields.seconds),
            principal: key.principal().cloned(),
        })))
    }
}

impl fmt::Debug for ApiVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiVerifier")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// The key that a request names. Whether it signed the request is not known yet; and where there
/// is none, the request is refused as late as one that it did not sign.
#[derive(Debug)]
pub(in crate::signing) enum ApiClaim {
    Found(KnownKey),
    None(Fault),
}

/// The four headers.
struct Fields<'a> {
    key_id: &'a str,
    timestamp: &'a str,
    seconds: u64,
    nonce: &'a str,
    signature: [u8; 32],
}

impl<'a> Fields<'a> {
    fn read(request: &RequestHead<'a>) -> Result<Self, Fault> {
        let signature = one(request, &SIGNATURE).map_err(|fault| match fault {
            Fault::Missing(_) => Fault::Absent,
            other => other,
        })?;
        let key_id = one(request, &X_API_KEY)?;
        let timestamp = one(request, &TIMESTAMP)?;
        let nonce = one(request, &NONCE)?;
        if !is_key_id(key_id) {
            return Err(Fault::Malformed("X-API-Key"));
        }
        if !is_nonce(nonce) {
            return Err(Fault::Malformed("X-Nonce"));
        }
        Ok(Self {
            key_id,
            timestamp,
            seconds: seconds(timestamp).ok_or(Fault::Malformed("X-Timestamp"))?,
            nonce,
            signature: hex::read_32(signature.as_bytes()).ok_or(Fault::Malformed("X-Signature"))?,
        })
    }
}

/// A header that comes once.
fn one<'a>(request: &RequestHead<'a>, name: &HeaderName) -> Result<&'a str, Fault> {
    if let Some(value) = request.single_header(name) {
        return Ok(value);
    }
    Err(match request.headers().get_all(name).iter().count() {
        0 => Fault::Missing(name.as_str().into()),
        1 => Fault::Malformed("a header"),
        _ => Fault::Duplicate("a header"),
    })
}

pub(super) fn is_key_id(text: &str) -> bool {
    let is_visible = text.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    !text.is_empty() && text.len() <= MAX_KEY_ID_LEN && is_visible
}

fn is_nonce(text: &str) -> bool {
    let is_usual = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    (MIN_NONCE_LEN..=MAX_NONCE_LEN).contains(&text.len()) && text.bytes().all(is_usual)
}

/// A request that was signed by a known key, is fresh and came once; only an [`ApiVerifier`]
/// makes one.
#[derive(Clone, Debug)]
pub struct VerifiedApiRequest(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    key_id: Box<str>,
    nonce: Box<str>,
    time: Timestamp,
    principal: Option<Principal>,
}

impl VerifiedApiRequest {
    /// The id of the key that signed.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// The nonce: with the id of the key, a name for this request.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.0.nonce
    }

    /// When it was signed.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.0.time
    }

    /// Whose key it is, where the provider of keys says so.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ApiSigner;
    use super::*;
    use crate::crypto::keys::{SigningKey, StaticKeys};
    use http::Request;

    #[tokio::test]
    async fn a_key_that_there_is_not_is_as_much_work() {
        let secret = |byte: u8| [byte; 32].as_slice().into();
        let known = KnownKey::shared_secret(&secret(1)).unwrap();
        let ed25519 = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let other = KnownKey::new(ed25519.verifying_key()).unwrap();
        let keys = StaticKeys::new().with("there", known).with("other", other);
        let verifier = ApiVerifier::new(keys, Store::memory());
        let mut all = Vec::new();
        for (key_id, secret, expected) in [
            ("there", secret(1), "ok"),
            ("there", secret(2), "bad_signature"),
            ("where", secret(2), "unknown_key"),
            ("other", secret(2), "wrong_algorithm"),
        ] {
            let request = Request::post("/orders").body(()).unwrap();
            let (mut parts, ()) = request.into_parts();
            let signer = ApiSigner::new(key_id, &secret).unwrap();
            signer.sign(&mut parts, b"12 apples").unwrap();
            proof::work::taken();
            let head = RequestHead::of_parts(&parts);
            // As the layer does it: the body comes in any case.
            let claim = verifier.claim(&head).await.unwrap();
            let found = verifier.finish(claim, &head, b"12 apples").await;
            assert_eq!(found.as_ref().map_or_else(Fault::code, |_| "ok"), expected);
            all.push(proof::work::taken());
        }
        assert_eq!(all[0].len(), 1);
        assert!(all.iter().all(|done| *done == all[0]), "{all:?}");
    }
}
