#[cfg(any(feature = "oauth2", feature = "refresh-token", feature = "session"))]
use crate::store::{Namespace, Owner};
use sha2::{Digest, Sha256};

const LENGTH: usize = 16;

/// Whose entries in the store these are: 128 bits of a hash of the user's id, so that a cookie
/// need not show it and a long one fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnerTag([u8; LENGTH]);

impl OwnerTag {
    pub(super) fn of(user: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(b"portcullis owner v1\0")
            .chain_update(user)
            .finalize();
        let mut tag = [0; LENGTH];
        let places = tag.iter_mut().zip(hash);
        places.for_each(|(place, byte)| *place = byte);
        Self(tag)
    }

    /// Of an issuer and something of its naming: the length comes first, so that no two pairs are
    /// alike.
    #[cfg(feature = "jwt")]
    pub(super) fn of_pair(issuer: &str, name: &str) -> Self {
        Self::of(&format!("{}:{issuer}{name}", issuer.len()))
    }

    /// A tag as it stands in a credential.
    #[cfg(any(feature = "oauth2", feature = "refresh-token", feature = "session"))]
    pub(super) const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    #[cfg(any(feature = "oauth2", feature = "refresh-token", feature = "session"))]
    pub(super) fn owner(&self, namespace: Namespace) -> Owner<'_> {
        Owner::new(namespace, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_differ() {
        assert_ne!(OwnerTag::of("ann"), OwnerTag::of("bob"));
        assert_ne!(OwnerTag::of(""), OwnerTag::of("\0"));
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn issuer_and_name_do_not_run_into_each_other() {
        let pair = OwnerTag::of_pair;
        assert_ne!(pair("https://a", "b"), pair("https://", "ab"));
        assert_ne!(pair("1:a", ""), pair("", "1:a"));
    }
}
