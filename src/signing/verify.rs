use super::fields::{Lists, Signatures};
use super::proof::Decoys;
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
    /// What signatures that were good have covered.
    known: Arc<Lists>,
    decoys: Arc<Decoys>,
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
            known: Arc::new(Lists::new()),
            decoys: Arc::default(),
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
        let head = self.verify_head(self.read(message)?, message).await?;
        head.check_body(self.policy(), body)?;
        head.pass(self).await
    }

    /// The signatures of a message, not verified.
    pub(super) fn read(&self, message: &Message<'_>) -> Result<Signatures, Fault> {
        ReceivedSignature::read(message, &self.0.known)
    }

    /// All that can be said of signatures without the body.
    pub(super) async fn verify_head(
        &self,
        signatures: Signatures,
        message: &Message<'_>,
    ) -> Result<VerifiedHead, Fault> {
        let now = self.0.clock.now();
        let (mut head, mut first_fault) = (None::<VerifiedHead>, None);
        for signature in signatures {
            let proved = match self.0.policy.check(&signature, message, now) {
                Err(fault) => Err(fault),
                Ok(()) => {
                    let key_id = signature.parameters().key_id().unwrap_or_default();
                    // Nobody can tell what another signature is worth, while this one may be
                    // good: where keys cannot be asked, none is looked at any more.
                    let found = self.0.keys.find(key_id).await?;
                    self.prove(signature, message, found)
                }
            };
            match (proved, &mut head) {
                (Ok(good), Some(first)) => first.others.push(good),
                (Ok(good), None) => head = Some(VerifiedHead::new(good, now)),
                (Err(fault), _) => {
                    first_fault.get_or_insert(fault);
                }
            }
        }
        head.ok_or_else(|| first_fault.unwrap_or(Fault::Absent))
    }

    /// Whether the key made the signature. Where there is none, a decoy takes as long to say no.
    fn prove(
        &self,
        signature: ReceivedSignature,
        message: &Message<'_>,
        found: Option<KnownKey>,
    ) -> Result<Verified, Fault> {
        let Inner {
            policy,
            known,
            decoys,
            ..
        } = &*self.0;
        let digests = signature.digests(message)?;
        let fault = match found {
            Some(key) if policy.allows(key.algorithm()) => {
                decoys.note(key.algorithm());
                signature.dangerous_verify_without_policy(message, &key)?;
                known.keep(signature.list());
                return Ok(Verified(Arc::new(Facts {
                    signature,
                    key,
                    digests,
                })));
            }
            Some(_) => Fault::WrongAlgorithm,
            None => Fault::UnknownKey,
        };
        let key_id = signature.parameters().key_id().unwrap_or_default();
        if let Some(decoy) = decoys.named(key_id) {
            let _never_good = signature.dangerous_verify_without_policy(message, decoy);
        }
        Err(fault)
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
    now: Timestamp,
}

impl VerifiedHead {
    const fn new(verified: Verified, now: Timestamp) -> Self {
        Self {
            verified,
            others: Vec::new(),
            now,
        }
    }

    /// Whether a body can be told from another.
    pub(super) fn check_coverage(&self, policy: &Policy, is_empty: bool) -> Result<(), Fault> {
        let is_covered = self.digests().has_content();
        if is_empty || is_covered || !policy.asks_for_digest() {
            return Ok(());
        }
        Err(Fault::NotCovered("content-digest".into()))
    }

    pub(super) fn check_body(&self, policy: &Policy, body: &[u8]) -> Result<(), Fault> {
        self.check_coverage(policy, body.is_empty())?;
        self.digests().verify(body)
    }

    pub(super) fn digests(&self) -> &CoveredDigests {
        &self.verified.0.digests
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
    digests: CoveredDigests,
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
    pub fn parameters(&self) -> Parameters<'_> {
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

#[cfg(test)]
mod tests {
    use super::super::Signer;
    use super::super::proof::work;
    use super::*;
    use crate::crypto::keys::{SigningKey, StaticKeys};
    use http::Request;

    fn signed_by(key: &SigningKey, key_id: &str) -> Request<()> {
        let mut request = Request::post("https://a.example/orders").body(()).unwrap();
        let signer = Signer::new(key.clone().with_key_id(key_id)).unwrap();
        signer.sign_request(&mut request, b"12 apples").unwrap();
        request
    }

    /// Whoever does not know the key learns nothing from the time either.
    #[tokio::test]
    async fn a_key_that_there_is_not_is_as_much_work() {
        for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
            let key = || SigningKey::generate(algorithm).unwrap();
            let (ours, theirs, other) = (
                key(),
                key(),
                SigningKey::generate(Algorithm::Es384).unwrap(),
            );
            let known = |key: &SigningKey| KnownKey::new(key.verifying_key()).unwrap();
            let keys = StaticKeys::new().with("there", known(&ours));
            let keys = keys.with("other", known(&other));
            let policy = Policy::request().algorithms(algorithm).unwrap();
            let verifier = Verifier::new(policy, keys, Store::memory());
            for (name, key, key_id, expected) in [
                ("good", &ours, "there", "ok"),
                ("wrong", &theirs, "there", "bad_signature"),
                ("unknown", &theirs, "where", "unknown_key"),
                ("not allowed", &theirs, "other", "wrong_algorithm"),
            ] {
                work::taken();
                let request = signed_by(key, key_id);
                let message = Message::from(&request);
                let found = verifier.verify(&message, b"12 apples").await;
                let found = found.as_ref().map_or_else(Fault::code, |_| "ok");
                assert_eq!(found, expected, "{algorithm}: {name}");
                let base = ReceivedSignature::all_of(&message).unwrap()[0].base(&message);
                assert_eq!(work::taken(), [base.unwrap().len()], "{algorithm}: {name}");
                let decoy = verifier.0.decoys.named("where").unwrap();
                assert_eq!(decoy.algorithm(), algorithm, "{name}");
            }
        }
    }
}
