use super::proof::Checks;
use super::target::Base;
use super::{DpopConfigError, DpopError, DpopErrorKind, DpopNonces, Proof, ProofUse};
use crate::clock::Clock;
use crate::crypto::keys::{Algorithm, Algorithms};
use crate::store::{Key, Namespace, Store};
use ring::digest::{Context, SHA256};
use std::time::Duration;

const SEEN: Namespace = Namespace::values("dpop-jti");
const DEFAULT_WINDOW: Duration = Duration::from_secs(60);
const WINDOWS: std::ops::RangeInclusive<u64> = 5..=300;

/// What is asked of proofs, and where it is remembered which came. See the [module](super) for
/// the rules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DpopRules {
    checks: Checks,
    nonces: Option<DpopNonces>,
    store: Store,
    clock: Clock,
}

impl DpopRules {
    /// Proofs for requests to this service, as clients name it: scheme and host, and the path
    /// up to where those that it sees begin. Behind a proxy, that is the proxy's URL.
    ///
    /// # Errors
    /// When that is no URL of https, or of http on the loopback.
    pub fn new(url: &str, store: Store) -> Result<Self, DpopConfigError> {
        Ok(Self {
            checks: Checks {
                bases: vec![Base::new(url)?],
                algorithms: Algorithms::ASYMMETRIC,
                window: DEFAULT_WINDOW,
            },
            nonces: None,
            store,
            clock: Clock::system(),
        })
    }

    /// The service is reached by this URL as well.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn or_url(mut self, url: &str) -> Result<Self, DpopConfigError> {
        self.checks.bases.push(Base::new(url)?);
        Ok(self)
    }

    /// Sets which algorithms proofs may be signed by: all asymmetric ones by default.
    ///
    /// # Errors
    /// When there is none, or a symmetric one.
    pub fn algorithms(
        mut self,
        algorithms: impl Into<Algorithms>,
    ) -> Result<Self, DpopConfigError> {
        let algorithms = algorithms.into();
        if algorithms.is_empty() {
            return Err(DpopConfigError::NoAlgorithm);
        }
        if algorithms.iter().any(Algorithm::is_symmetric) {
            return Err(DpopConfigError::SymmetricAlgorithm);
        }
        self.checks.algorithms = algorithms;
        Ok(self)
    }

    /// Sets how far `iat` may be from now, either way: 60 seconds by default, 5 to 300.
    ///
    /// # Errors
    /// When it is out of these bounds.
    pub fn window(mut self, window: Duration) -> Result<Self, DpopConfigError> {
        if !WINDOWS.contains(&window.as_secs()) {
            return Err(DpopConfigError::Window(window.as_secs()));
        }
        self.checks.window = window;
        Ok(self)
    }

    /// Asks for a nonce of this service in each proof.
    #[must_use]
    pub fn nonces(mut self, nonces: DpopNonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks a proof, but not whether it came before: that is
    /// [`use_once`](Self::use_once), after what the proof is bound to was found right.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, proof: &str, wanted: ProofUse<'_>) -> Result<Proof, DpopError> {
        let now = self.clock.now();
        let proof = self.checks.check(proof, wanted, now)?;
        let Some(nonces) = &self.nonces else {
            return Ok(proof);
        };
        match proof.nonce() {
            Some(nonce) if nonces.is_good(nonce, now) => Ok(proof),
            _ => Err(DpopErrorKind::WantsNonce.into()),
        }
    }

    /// Takes note of a proof, of which of many at once one is the first.
    ///
    /// # Errors
    /// When it came before, or the store cannot say.
    pub async fn use_once(&self, proof: &Proof) -> Result<(), DpopError> {
        // A proof may be of the near future, and is good from then on for as long again.
        let end = proof.issued_at().saturating_add(self.checks.window);
        let left = end.since(self.clock.now()) + Duration::from_secs(1);
        let id = name_of(proof);
        let is_first = self.store.put_if_absent(Key::new(SEEN, &id), b"", left);
        match is_first.await? {
            true => Ok(()),
            false => Err(DpopErrorKind::Replayed.into()),
        }
    }

    /// A nonce for the client to put into its next proof, where nonces are asked for: the value
    /// of the header `DPoP-Nonce`.
    #[must_use]
    pub fn next_nonce(&self) -> Option<String> {
        let nonces = self.nonces.as_ref()?;
        Some(nonces.issue(self.clock.now()))
    }

    /// The nonce for the proof after this one, which was [checked](Self::check): where the one
    /// that it brought has half of its time behind it, so that clients that keep calling are
    /// never sent back for another.
    #[must_use]
    pub fn following_nonce(&self, proof: &Proof) -> Option<String> {
        let nonces = self.nonces.as_ref()?;
        let now = self.clock.now();
        let is_old = proof.nonce().is_none_or(|nonce| nonces.is_old(nonce, now));
        is_old.then(|| nonces.issue(now))
    }

    /// The names of the algorithms, as challenges have them.
    pub(super) fn algorithm_names(&self) -> String {
        let names = self.checks.algorithms.iter().map(Algorithm::as_str);
        names.collect::<Vec<_>>().join(" ")
    }
}

/// What stands for a proof in the store. Each key has names of its own, so that nobody can use
/// up another's.
fn name_of(proof: &Proof) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    // A thumbprint has always the same length.
    context.update(proof.key_thumbprint().as_bytes());
    context.update(proof.id().as_bytes());
    let mut name = [0; 32];
    name.copy_from_slice(context.finish().as_ref());
    name
}
