use crate::net::client_ip::rate_key;
use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Whose allowance a request is charged to.
///
/// Keys of different making never meet: the text `10.0.0.1` is not that network.
///
/// ```
/// use portcullis::limit::RateKey;
/// use std::net::IpAddr;
///
/// let [a, b] = ["2001:db8::1", "2001:db8::2"].map(|ip| ip.parse::<IpAddr>().unwrap());
/// assert_eq!(RateKey::from(a), RateKey::from(b)); // the same /64
/// assert_ne!(RateKey::from("ann"), RateKey::from("bob"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateKey<'a>(Kind<'a>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Everybody,
    Unknown,
    Network(IpNet),
    Text(Cow<'a, str>),
    Principal {
        tenant: Option<&'a str>,
        id: &'a str,
    },
    Credential(&'a str),
    Route {
        method: &'a str,
        path: &'a str,
    },
}

impl<'a> RateKey<'a> {
    /// One allowance for all.
    pub const EVERYBODY: RateKey<'static> = RateKey(Kind::Everybody);
    /// All requests of which nothing is known.
    pub(super) const UNKNOWN: RateKey<'static> = RateKey(Kind::Unknown);

    pub(super) const fn principal(tenant: Option<&'a str>, id: &'a str) -> Self {
        Self(Kind::Principal { tenant, id })
    }

    pub(super) const fn credential(id: &'a str) -> Self {
        Self(Kind::Credential(id))
    }

    pub(super) const fn route(method: &'a str, path: &'a str) -> Self {
        Self(Kind::Route { method, path })
    }
}

/// The network that the address counts for, as [`rate_key`] has it.
impl From<IpAddr> for RateKey<'_> {
    #[inline]
    fn from(address: IpAddr) -> Self {
        rate_key(address).into()
    }
}

impl From<IpNet> for RateKey<'_> {
    #[inline]
    fn from(network: IpNet) -> Self {
        Self(Kind::Network(network))
    }
}

impl<'a> From<&'a str> for RateKey<'a> {
    fn from(text: &'a str) -> Self {
        Self(Kind::Text(Cow::Borrowed(text)))
    }
}

impl From<String> for RateKey<'_> {
    fn from(text: String) -> Self {
        Self(Kind::Text(Cow::Owned(text)))
    }
}

/// The key of one who is counted, as a store knows it: the same on all machines, different from
/// that of every other key, and no longer than [`StoreId::MAX_LEN`].
pub(super) struct StoreId {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
    /// Of all that was written, where that was more than fits.
    digest: Option<Sha256>,
}

impl StoreId {
    /// What is longer is hashed: a client chooses how long a path is, and it is a client's
    /// neighbor who pays for the memory.
    const MAX_LEN: usize = 64;

    pub(super) fn of(key: &RateKey<'_>) -> Self {
        let mut id = Self {
            bytes: [0; Self::MAX_LEN],
            len: 0,
            digest: None,
        };
        match &key.0 {
            Kind::Everybody => id.write(b"e"),
            Kind::Unknown => id.write(b"u"),
            Kind::Network(IpNet::V4(network)) => {
                id.write(&[b'4', network.prefix_len()]);
                id.write(&network.addr().octets());
            }
            Kind::Network(IpNet::V6(network)) => {
                id.write(&[b'6', network.prefix_len()]);
                id.write(&network.addr().octets());
            }
            Kind::Text(text) => id.write_all(b"t", &[text]),
            Kind::Principal {
                tenant: None,
                id: who,
            } => id.write_all(b"p", &[who]),
            Kind::Principal {
                tenant: Some(tenant),
                id: who,
            } => id.write_all(b"m", &[tenant, who]),
            Kind::Credential(credential) => id.write_all(b"c", &[credential]),
            Kind::Route { method, path } => id.write_all(b"r", &[method, path]),
        }
        id.finish();
        id
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn write_all(&mut self, kind: &[u8], texts: &[&str]) {
        self.write(kind);
        for text in texts {
            self.write(&(text.len() as u64).to_be_bytes());
            self.write(text.as_bytes());
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
            return;
        }
        match self.bytes.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => {
                let before = Sha256::new_with_prefix(self.as_bytes());
                self.digest = Some(before.chain_update(bytes));
            }
        }
    }

    /// A hash begins as no other key does.
    fn finish(&mut self) {
        if let Some(digest) = self.digest.take() {
            self.len = 0;
            self.write(b"h");
            self.write(&digest.finalize());
        }
    }
}

/// By hand, for the hash is most of what a check costs: a network is hashed in one write.
impl Hash for RateKey<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Kind::Network(IpNet::V4(network)) => {
                let address = u64::from(network.addr().to_bits());
                state.write_u64(address << 8 | u64::from(network.prefix_len()));
            }
            Kind::Network(IpNet::V6(network)) => {
                state.write_u128(network.addr().to_bits());
                state.write_u8(network.prefix_len());
            }
            // Text ends with a byte that no text holds, and no network ends with that: none of
            // these is another, or the beginning of another.
            Kind::Everybody => state.write_u8(0xF0),
            Kind::Unknown => state.write_u8(0xF1),
            Kind::Text(text) => (0xF2_u8, text).hash(state),
            Kind::Principal { tenant, id } => (0xF3_u8, tenant, id).hash(state),
            Kind::Credential(id) => (0xF4_u8, id).hash(state),
            Kind::Route { method, path } => (0xF5_u8, method, path).hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_stay_apart_in_a_store() {
        let long = "x".repeat(1000);
        let longer = "x".repeat(1001);
        let digest = StoreId::of(&RateKey::from(&*long)).as_bytes().to_vec();
        let network = |text: &str| RateKey::from(text.parse::<IpNet>().unwrap());
        let keys = [
            RateKey::EVERYBODY,
            RateKey::UNKNOWN,
            network("10.0.0.0/8"),
            network("10.0.0.0/16"),
            network("::/0"),
            network("::/64"),
            RateKey::from(""),
            RateKey::from("10.0.0.0/8"),
            RateKey::from(&*long),
            RateKey::from(&*longer),
            RateKey::from(String::from_utf8_lossy(&digest).into_owned()),
            RateKey::principal(None, "ab"),
            RateKey::principal(Some(""), "ab"),
            RateKey::principal(Some("a"), "b"),
            RateKey::principal(Some("ab"), ""),
            RateKey::principal(None, &long),
            RateKey::credential("ab"),
            RateKey::credential(&long),
            RateKey::route("GET", "/"),
            RateKey::route("GET/", ""),
            RateKey::route("GET", &long),
        ];
        let ids: HashSet<_> = keys
            .iter()
            .map(|key| StoreId::of(key).as_bytes().to_vec())
            .collect();
        assert_eq!(ids.len(), keys.len());
        assert!(ids.iter().all(|id| id.len() <= StoreId::MAX_LEN));
    }

    #[test]
    fn a_key_is_the_same_on_all_machines() {
        let id = |key: RateKey<'_>| StoreId::of(&key).as_bytes().to_vec();
        assert_eq!(
            id(IpAddr::from([192, 0, 2, 1]).into()),
            b"4\x20\xC0\0\x02\x01"
        );
        assert_eq!(id("ann".into()), b"t\0\0\0\0\0\0\0\x03ann");
        assert_eq!(id("ann".into()), id("ann".to_owned().into()));
    }
}
