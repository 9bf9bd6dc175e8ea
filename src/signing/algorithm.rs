use crate::crypto::keys::Algorithm;

/// The name of an algorithm in the registry of RFC 9421 section 6.2; `None` for those of JSON
/// Object Signing that are not in it.
#[must_use]
pub const fn registered_name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Hs256 => Some("hmac-sha256"),
        Algorithm::EdDsa => Some("ed25519"),
        Algorithm::Es256 => Some("ecdsa-p256-sha256"),
        Algorithm::Es384 => Some("ecdsa-p384-sha384"),
        Algorithm::Ps512 => Some("rsa-pss-sha512"),
        Algorithm::Rs256 => Some("rsa-v1_5-sha256"),
        _ => None,
    }
}

/// The algorithm of a name in the registry of RFC 9421 section 6.2.
#[must_use]
pub fn registered(name: &str) -> Option<Algorithm> {
    let mut all = Algorithm::ALL.iter().copied();
    all.find(|algorithm| registered_name(*algorithm) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_are_registered() {
        let names = Algorithm::ALL.iter().filter_map(|it| registered_name(*it));
        let names: Vec<_> = names.collect();
        assert_eq!(names.len(), 6);
        for name in names {
            assert_eq!(registered(name).and_then(registered_name), Some(name));
        }
        assert_eq!(registered("hmac-sha512"), None);
    }
}
