use super::received::CoveredDigests;
use super::replay::Replay;
use super::{Component, Fault, Message, Parameters, Policy, ReceivedSignature, registered_name};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::{Algorithm, KeyProvider, KnownKey};
use crate::principal::Principal;
use crate::store::{Namespace, Store};
use std::fmt;
use std::sync::Arc;

const NONCES: Namespace = Namespace::values("signature-nonce");

/// Verifies signed messages by a [`Policy`]. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    policy: Policy,
    keys: Arc<dyn KeyProvider>,
    replay: Option<Replay>,
    clock: Clock,
}

impl Verifier {
    /// Verifies by this policy, with these keys. What has passed is remembered in the store for
    /// as long as it could pass again; a store that does not answer refuses with 503.
    #[must_use]
    pub fn new(policy: Policy, keys: impl KeyProvider, store: Store) -> Self {
        Self::of(policy, keys, Some(Replay::new(NONCES, store)))
    }

    /// Verifies without remembering what has passed: good for responses, which are bound to
    /// their request. A request passes as often as it comes until it is too old.
    #[must_use]
    pub fn insecure_without_replay_control(policy: Policy, keys: impl KeyProvider) -> Self {
        Self::of(policy, keys, None)
    }

    fn of(policy: Policy, keys: impl KeyProvider, replay: Option<Replay>) -> Self {
        Self(Arc::new(Inner {
            policy,
            keys: Arc::new(keys),
            replay,
            clock: Clock::system(),
        }))
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.clock = clock;
        Self(Arc::new(inner))
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Verifies a message with its body: coverage, time, key, signature, digests, and that it
    /// did not come before, in this order. Of several signatures the first that passes counts,
    /// and none of the others that would have passed does a second time.
    ///
    /// # Errors
    /// Why none passes: of several, what was wrong with the first.
    pub async fn verify(&self, message: &Message<'_>, body: &[u8]) -> Result<Verified, Fault> {
        let head = self.verify_head(message).await?;
        head.check_body(body)?;
        head.pass(self).await
    }

    /// All that can be said without the body.
    pub(super) async fn verify_head(&self, message: &Message<'_>) -> Result<VerifiedHead, Fault> {
        let (mut head, mut first_fault) = (None::<VerifiedHead>, None);
        for signature in ReceivedSignature::all_of(message)? {
            match (self.verify_one(signature, message).await, &mut head) {
                (Ok(good), None) => head = Some(good),
                (Ok(good), Some(first)) => first.others.push(good.verified),
                // Nobody can tell what another signature is worth, while this one may be good.
                (Err(fault @ (Fault::Unavailable(_) | Fault::Internal(_))), _) => {
                    return Err(fault);
                }
                (Err(fault), _) => {
                    first_fault.get_or_insert(fault);
                }
            }
        }
        head.ok_or_else(|| first_fault.unwrap_or(Fault::Absent))
    }

    async fn verify_one(
        &self,
        signature: ReceivedSignature,
        message: &Message<'_>,
    ) -> Result<VerifiedHead, Fault> {
        let Inner {
            policy,
            keys,
            clock,
            ..
        } = &*self.0;
        let now = clock.now();
        policy.check(&signature, message, now)?;
        let digests = signature.digests(message)?;
        let key_id = signature.parameters().key_id().ok_or(Fault::NoKeyId)?;
        let key = keys.find(key_id).await?.ok_or(Fault::UnknownKey)?;
        if !policy.allows(key.algorithm()) {
            return Err(Fault::WrongAlgorithm);
        }
        signature.dangerous_verify_without_policy(message, &key)?;
        Ok(VerifiedHead {
            verified: Verified(Arc::new(Facts { signature, key })),
            others: Vec::new(),
            digests,
            is_digest_needed: policy.asks_for_digest(),
            now,
        })
    }

    /// Whether any of the signatures covers trailers, so that the body comes first.
    pub(super) fn needs_trailers(message: &Message<'_>) -> Result<bool, Fault> {
        let all = ReceivedSignature::all_of(message)?;
        Ok(all.iter().any(ReceivedSignature::needs_trailers))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("policy", &self.0.policy)
            .field("remembers", &self.0.replay.is_some())
            .finish_non_exhaustive()
    }
}

/// A signature that is good for the head of its message. The body may still be another.
#[derive(Debug)]
pub(super) struct VerifiedHead {
    verified: Verified,
    /// The other signatures of the same message that are good.
    others: Vec<Verified>,
    digests: CoveredDigests,
    is_digest_needed: bool,
    now: Timestamp,
}

impl VerifiedHead {
    /// Whether a body can be told from another.
    pub(super) fn check_coverage(&self, is_empty: bool) -> Result<(), Fault> {
        let is_covered = self.digests.has_content();
        if is_empty || is_covered || !self.is_digest_needed {
            return Ok(());
        }
        Err(Fault::NotCovered("content-digest".into()))
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), Fault> {
        self.check_coverage(body.is_empty())?;
        self.digests.verify(body)
    }

    pub(super) const fn digests(&self) -> &CoveredDigests {
        &self.digests
    }

    /// Passes, if it did not come before. The nonce of each good signature is spent, so that the
    /// message does not pass by another of them; in one order, so that of copies that come at
    /// once one passes.
    pub(super) async fn pass(self, verifier: &Verifier) -> Result<Verified, Fault> {
        let Some(replay) = &verifier.0.replay else {
            self.verified.0.key.note_use().await;
            return Ok(self.verified);
        };
        let all = self.others.iter().chain([&self.verified]);
        let mut spent: Vec<_> = all
            .filter_map(|it| {
                let memory = verifier.0.policy.memory(&it.0.signature, self.now);
                Some((it.key_id(), it.parameters().nonce()?, memory))
            })
            .collect();
        // Two of one key with one nonce are spent as one, for the longer time.
        spent.sort_unstable_by(|one, other| other.cmp(one));
        spent.dedup_by_key(|(key_id, nonce, _)| (*key_id, *nonce));
        for (key_id, nonce, memory) in spent {
            replay.pass(&[key_id, nonce], memory).await?;
        }
        self.verified.0.key.note_use().await;
        Ok(self.verified)
    }
}

/// A message whose signature was verified by a [`Policy`], and nothing else makes one: a handler
/// that asks for it is never called without.
#[derive(Clone, Debug)]
pub struct Verified(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    signature: ReceivedSignature,
    key: KnownKey,
}

impl Verified {
    /// The id of the key that signed.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.parameters().key_id().unwrap_or_default()
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.key.algorithm()
    }

    /// The algorithm by its name in the registry of RFC 9421 section 6.2.
    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        registered_name(self.algorithm()).unwrap_or_default()
    }

    /// Whose key it is, where the provider of keys says so.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.key.principal()
    }

    /// What the signature says of itself.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        self.0.signature.parameters()
    }

    /// What it covers, as it stands in `Signature-Input`.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.signature.components()
    }

    /// Whether it covers this component. What is not covered may be anybody's.
    #[must_use]
    pub fn covers(&self, component: &Component) -> bool {
        self.0.signature.covers(component)
    }
}
