//! Signatures are held against keys here, and against decoys where there is no key: else the
//! time of an answer would tell which keys there are.

use super::Fault;
use crate::crypto::keys::{Algorithm, KnownKey, SigningKey, VerifyingKey};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether the key made the signature over these bytes.
pub(super) fn check(key: &KnownKey, bytes: &[u8], signature: &[u8]) -> Result<(), Fault> {
    #[cfg(test)]
    work::note(bytes);
    let verified = key.key().verify(key.algorithm(), bytes, signature);
    verified.map_err(|_| Fault::BadSignature)
}

/// Keys in place of those that there are not. Nobody can sign with one, and who could would be
/// refused all the same.
///
/// Keys of several algorithms take times of their own, so each id that is not known has always
/// the same one of those that keys were found of. A difference is left where the keys of one
/// algorithm are of several sizes, and until the first key of an algorithm is found.
#[derive(Debug, Default)]
pub(super) struct Decoys {
    /// Of which algorithms keys were found, one bit for each that is registered.
    found: AtomicU8,
    choice: RandomState,
}

impl Decoys {
    /// There are keys of this algorithm.
    pub(super) fn note(&self, algorithm: Algorithm) {
        let bit = PLACES.iter().position(|it| *it == algorithm);
        let bit = bit.map_or(0, |place| 1 << place);
        // Almost always there: who only looks disturbs nobody.
        if self.found.load(Ordering::Relaxed) & bit != bit {
            self.found.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The key in place of the one that is called so.
    pub(super) fn named(&self, key_id: &str) -> Option<&'static KnownKey> {
        let found = self.found.load(Ordering::Relaxed);
        let is_found = |place: &usize| found & (1 << place) != 0;
        let places: Vec<_> = (0..PLACES.len()).filter(is_found).collect();
        let number = usize::try_from(self.choice.hash_one(key_id) >> 32).unwrap_or_default();
        let chosen = number.checked_rem(places.len());
        let place = chosen.and_then(|at| places.get(at)).copied();
        decoy(place.unwrap_or_default())
    }
}

/// The algorithms that are registered. The first is the usual one.
const PLACES: [Algorithm; 6] = [
    Algorithm::Hs256,
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Ps512,
    Algorithm::Rs256,
];

/// The key in place of one for HMAC.
pub(super) fn hmac_decoy() -> Option<&'static KnownKey> {
    decoy(0)
}

/// One key for each algorithm, made when it is needed first.
fn decoy(place: usize) -> Option<&'static KnownKey> {
    static DECOYS: [OnceLock<Option<KnownKey>>; PLACES.len()] =
        [const { OnceLock::new() }; PLACES.len()];
    let (algorithm, decoy) = (*PLACES.get(place)?, DECOYS.get(place)?);
    decoy.get_or_init(|| made(algorithm)).as_ref()
}

fn made(algorithm: Algorithm) -> Option<KnownKey> {
    let key = match algorithm {
        // RSA keys cannot be made here. Who made this one has thrown the private half away.
        Algorithm::Ps512 | Algorithm::Rs256 => VerifyingKey::from_jwk(RSA).ok()?,
        _ => SigningKey::generate(algorithm).ok()?.verifying_key(),
    };
    KnownKey::new(key.only_for(algorithm).ok()?).ok()
}

const RSA: &str = concat!(
    r#"{"kty":"RSA","e":"AQAB","n":""#,
    "rgrackYkyHT3C2f9Ke90wBQarNa-3m_DxJcO3-mX6z8dxZgnDLb-9uFNPf6Cc9Unn7AU68EPuMToDxsIbg-WBmB7",
    "Mhcmn3Zvhkg2ckGgxwpb4ANIMVccjGl7tnaUfKcC2P-BVSNwi7baXUoUAbXoBTlWwmfqPdROiQw_9CYje7x1rP7J",
    "n4EqAj4xQwiNIAC-LViAGvOrYw313Mbh_Ulh43uB3TPMGM0w69SdiVHn1W6zpmGLuj6dgsfDbWWeNxet5co8Wh1A",
    "3w_UQlrQ5JHT72G5xFFzbl7M7XN9z4Q6H_3bPyPriJkqA-HwmezPQQ6CGX2xmJ_1hN198sHWRZ1v-w",
    r#""}"#,
);

/// What was done to verify, so that tests can hold the work for one request against that for
/// another.
#[cfg(test)]
pub(super) mod work {
    use std::cell::RefCell;

    thread_local! {
        static DONE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    pub(in crate::signing) fn note(bytes: &[u8]) {
        DONE.with_borrow_mut(|done| done.push(bytes.len()));
    }

    /// How many bytes each signature was held against, since this was asked last.
    pub(in crate::signing) fn taken() -> Vec<usize> {
        DONE.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::registered_name;
    use std::collections::HashSet;

    #[test]
    fn there_is_a_decoy_for_each_algorithm() {
        for algorithm in PLACES {
            assert!(registered_name(algorithm).is_some(), "{algorithm}");
            let decoys = Decoys::default();
            let unknown = decoys.named("k").map(KnownKey::algorithm);
            assert_eq!(unknown, Some(Algorithm::Hs256), "before a key was found");
            decoys.note(algorithm);
            let unknown = decoys.named("k").map(KnownKey::algorithm);
            assert_eq!(unknown, Some(algorithm));
        }
        assert_eq!(
            hmac_decoy().map(KnownKey::algorithm),
            Some(Algorithm::Hs256)
        );
    }

    #[test]
    fn an_id_has_always_the_same_one_of_those_that_were_found() {
        let decoys = Decoys::default();
        decoys.note(Algorithm::EdDsa);
        decoys.note(Algorithm::Rs256);
        decoys.note(Algorithm::Rs256);
        let named = |id: &str| decoys.named(id).unwrap().algorithm();
        let all: HashSet<_> = (0..64).map(|id| named(&id.to_string())).collect();
        assert_eq!(all, HashSet::from([Algorithm::EdDsa, Algorithm::Rs256]));
        for id in 0..64 {
            let id = id.to_string();
            assert_eq!(named(&id), named(&id));
        }
    }
}
