use super::presented::{Candidate, Presented};
use super::secret::Kind;
use super::{WebhookScheme, WebhookSecret};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::Algorithm;
use crate::signing::replay::Replay;
use crate::signing::{ConfigError, Fault, hex, within};
use crate::store::{Namespace, Store};
use http::HeaderMap;
use ring::digest::{Context, SHA256};
use ring::hmac;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

const SEEN: Namespace = Namespace::values("webhook");

/// Verifies webhooks of one scheme. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebhookVerifier {
    scheme: WebhookScheme,
    secrets: Arc<[WebhookSecret]>,
    /// For which endpoint it is, where somebody said so.
    name: Box<str>,
    tolerance: Duration,
    replay: Option<Replay>,
    clock: Clock,
}

impl WebhookVerifier {
    /// The longest tolerance that can be set.
    pub const MAX_TOLERANCE: Duration = Duration::from_secs(60 * 60);
    const USUAL_TOLERANCE: Duration = Duration::from_secs(300);

    /// Verifies with any of these secrets, and remembers in the store what has passed.
    ///
    /// # Errors
    /// When there is no secret, or they are of several schemes.
    pub fn new(
        secrets: impl IntoIterator<Item = WebhookSecret>,
        store: Store,
    ) -> Result<Self, ConfigError> {
        let mut verifier = Self::insecure_without_replay_control(secrets)?;
        verifier.replay = Some(Replay::new(SEEN, store));
        Ok(verifier)
    }

    /// Verifies with any of these secrets. The same webhook passes as often as it comes until it
    /// is too old; GitHub's never is.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn insecure_without_replay_control(
        secrets: impl IntoIterator<Item = WebhookSecret>,
    ) -> Result<Self, ConfigError> {
        let secrets: Arc<[_]> = secrets.into_iter().collect();
        let scheme = secrets.first().ok_or(ConfigError::NoSecret)?.scheme;
        if secrets.iter().any(|secret| secret.scheme != scheme) {
            return Err(ConfigError::Secret("the secrets are of several schemes"));
        }
        Ok(Self {
            scheme,
            secrets,
            name: Box::default(),
            tolerance: Self::USUAL_TOLERANCE,
            replay: None,
            clock: Clock::system(),
        })
    }

    /// Sets how far the time of a webhook may be off, in both directions, and how long it is
    /// remembered; 300 seconds without this.
    ///
    /// # Errors
    /// When it is zero or more than [`MAX_TOLERANCE`](Self::MAX_TOLERANCE).
    pub fn tolerance(mut self, tolerance: Duration) -> Result<Self, ConfigError> {
        if tolerance.is_zero() || tolerance > Self::MAX_TOLERANCE {
            return Err(ConfigError::Window(tolerance));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// Names the endpoint. What has passed is remembered for a name and a secret: two endpoints
    /// that get the same events by the same secret need two names, or each event passes at the
    /// first of them alone.
    #[must_use]
    pub fn named(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> WebhookScheme {
        self.scheme
    }

    /// Verifies a webhook by its headers and its body, and that it did not come before.
    ///
    /// # Errors
    /// Why it does not pass.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<VerifiedWebhook, Fault> {
        let presented = self.read(headers)?;
        self.prove(&presented, body)?;
        if let Some(replay) = &self.replay {
            self.pass(replay, &content_id(&presented, body)).await?;
        }
        Ok(VerifiedWebhook {
            scheme: self.scheme,
            id: presented.id.map(Into::into),
            time: presented.seconds.map(Timestamp::from_unix_seconds),
        })
    }

    /// Passes, if this content did not come before. It is remembered for each of the secrets: so
    /// that another of its signatures, or a list of secrets that has changed since, does not let
    /// it pass again, and who has the secret of another endpoint cannot have it refused here.
    async fn pass(&self, replay: &Replay, content: &str) -> Result<(), Fault> {
        let memory = self.tolerance.saturating_mul(2);
        let memory = memory.saturating_add(Duration::from_secs(2));
        let fingerprints = self.secrets.iter().map(WebhookSecret::fingerprint);
        // In one order, so that of copies that come at once one passes.
        let fingerprints: BTreeSet<_> = fingerprints.collect();
        for fingerprint in &fingerprints {
            let parts = [self.scheme.as_str(), &self.name, fingerprint, content];
            replay.pass(&parts, memory).await?;
        }
        Ok(())
    }

    /// All that can be said without the body.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Result<Presented<'a>, Fault> {
        let presented = Presented::read(self.scheme, headers)?;
        if let Some(seconds) = presented.seconds {
            within(seconds, self.clock.now(), self.tolerance)?;
        }
        Ok(presented)
    }

    fn prove(&self, presented: &Presented<'_>, body: &[u8]) -> Result<(), Fault> {
        let mut secrets = self.secrets.iter();
        if secrets.any(|secret| secret.made_any(presented, body)) {
            Ok(())
        } else {
            Err(Fault::BadSignature)
        }
    }
}

impl WebhookSecret {
    /// Whether one of the signatures was made with it.
    fn made_any(&self, presented: &Presented<'_>, body: &[u8]) -> bool {
        let mut candidates = presented.candidates.iter();
        match &self.kind {
            Kind::Hmac(key) => {
                let tag = mac(key, &presented.prefix, body);
                candidates.any(|it| match it {
                    Candidate::Mac(found) => tag.as_ref().ct_eq(found).into(),
                    Candidate::Ed25519(_) => false,
                })
            }
            Kind::Public(key) | Kind::Private(_, key) => {
                let message = [presented.prefix.as_bytes(), body].concat();
                candidates.any(|it| match it {
                    Candidate::Ed25519(found) => {
                        key.verify(Algorithm::EdDsa, &message, found).is_ok()
                    }
                    Candidate::Mac(_) => false,
                })
            }
        }
    }
}

pub(super) fn mac(key: &hmac::Key, prefix: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(prefix.as_bytes());
    context.update(body);
    context.sign()
}

/// Names what was signed, whichever of its signatures came along.
fn content_id(presented: &Presented<'_>, body: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(presented.prefix.as_bytes());
    context.update(body);
    hex::text(context.finish().as_ref())
}

/// A webhook that was signed with a known secret and is fresh; only a [`WebhookVerifier`] makes
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedWebhook {
    scheme: WebhookScheme,
    id: Option<Box<str>>,
    time: Option<Timestamp>,
}

impl VerifiedWebhook {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> WebhookScheme {
        self.scheme
    }

    /// The id of the event, where it is signed: of Standard Webhooks. It is the same when the
    /// event is sent again. Others have it in the body.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// When it was signed; GitHub does not say.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }
}
