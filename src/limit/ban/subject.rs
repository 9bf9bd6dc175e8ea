use super::InvalidBanSubject;
use crate::net::client_ip::canonical;
use crate::principal::Principal;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Who is banned: a network, a principal, a credential or a fingerprint; or, of one of these,
/// [what other sites](Self::of_other_sites) make its browser send.
///
/// Each is written as its kind and its name, and read back from that. Kinds never meet: a
/// fingerprint that reads `network:192.0.2.1/32` is not that network.
///
/// ```
/// use portcullis::limit::ban::BanSubject;
///
/// let network = BanSubject::from("2001:db8::1".parse::<std::net::IpAddr>().unwrap());
/// assert_eq!(network.to_string(), "network:2001:db8::1/128");
/// assert_eq!("network:2001:db8::1".parse(), Ok(network));
///
/// let ann = BanSubject::principal(Some("acme"), "ann");
/// assert_eq!(ann.to_string(), "principal:acme/ann");
/// assert!("somebody".parse::<BanSubject>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BanSubject(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Network(IpNet),
    /// The kind, a colon, the name.
    Named(Arc<str>),
}

/// What a subject is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectKind {
    Network = 1,
    Principal = 2,
    Credential = 4,
    Fingerprint = 8,
}

const NETWORK: &str = "network:";
const PRINCIPAL: &str = "principal:";
const CREDENTIAL: &str = "credential:";
const FINGERPRINT: &str = "fingerprint:";
const OTHER_SITES: &str = "other-sites:";
/// What a name begins with that stands for one too long to keep.
const HASHED: &str = "sha256:";

impl BanSubject {
    /// The longest name, in bytes, that is kept as it is. A longer one is known by its
    /// SHA-256: nobody gets out of reach by a long name, nor fills the store with few.
    pub const MAX_NAME_LEN: usize = 200;

    /// A principal, by its tenant, where there are tenants, and its id.
    #[must_use]
    pub fn principal(tenant: Option<&str>, id: &str) -> Self {
        // Neither part holds the slash between them.
        let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
        match tenant {
            None => Self::named(PRINCIPAL, &part(id)),
            Some(tenant) => Self::named(PRINCIPAL, &format!("{}/{}", part(tenant), part(id))),
        }
    }

    /// A credential, by its public id ([`Authentication::credential`]): an API key, a session.
    ///
    /// [`Authentication::credential`]: crate::principal::Authentication::credential
    #[must_use]
    pub fn credential(id: &str) -> Self {
        Self::named(CREDENTIAL, id)
    }

    /// Whatever else clients are told apart by, such as a TLS fingerprint.
    #[must_use]
    pub fn fingerprint(text: &str) -> Self {
        Self::named(FINGERPRINT, text)
    }

    /// What the pages of other sites make the browser of this client send.
    #[must_use]
    pub fn of_other_sites(&self) -> Self {
        match self.client() {
            Some(_) => self.clone(),
            None => Self(Kind::Named(format!("{OTHER_SITES}{self}").into())),
        }
    }

    /// Whose browser it is, where this is what other sites make it send.
    pub(super) fn client(&self) -> Option<Self> {
        match &self.0 {
            Kind::Network(_) => None,
            Kind::Named(text) => text.strip_prefix(OTHER_SITES)?.parse().ok(),
        }
    }

    /// What layers look it up by.
    pub(super) fn kind(&self) -> SubjectKind {
        let text = match &self.0 {
            Kind::Network(_) => return SubjectKind::Network,
            Kind::Named(text) => text.strip_prefix(OTHER_SITES).unwrap_or(text),
        };
        match split(text) {
            Some([PRINCIPAL, _]) => SubjectKind::Principal,
            Some([CREDENTIAL, _]) => SubjectKind::Credential,
            Some([NETWORK, _]) => SubjectKind::Network,
            _ => SubjectKind::Fingerprint,
        }
    }

    fn named(kind: &str, name: &str) -> Self {
        let name = if name.len() <= Self::MAX_NAME_LEN && !name.starts_with(HASHED) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(hashed(name))
        };
        Self(Kind::Named(format!("{kind}{name}").into()))
    }

    /// The network, where it is one.
    #[must_use]
    pub const fn network(&self) -> Option<IpNet> {
        match self.0 {
            Kind::Network(network) => Some(network),
            Kind::Named(_) => None,
        }
    }

    /// Calls `then` with the bytes by which a store knows this subject.
    pub(super) fn with_id<T>(&self, then: impl FnOnce(&[u8]) -> T) -> T {
        match &self.0 {
            Kind::Named(text) => then(text.as_bytes()),
            Kind::Network(IpNet::V4(network)) => {
                let [a, b, c, d] = network.addr().octets();
                then(&[4, a, b, c, d, network.prefix_len()])
            }
            Kind::Network(IpNet::V6(network)) => {
                let mut id = [6; 18];
                id[1..17].copy_from_slice(&network.addr().octets());
                id[17] = network.prefix_len();
                then(&id)
            }
        }
    }

    /// The subject that a store knows by these bytes.
    pub(super) fn from_id(id: &[u8]) -> Option<Self> {
        match id {
            [4, a, b, c, d, bits] => {
                let network = Ipv4Net::new([*a, *b, *c, *d].into(), *bits).ok()?;
                Some(IpNet::V4(network).into())
            }
            [6, address @ .., bits] => {
                let address: [u8; 16] = address.try_into().ok()?;
                Some(IpNet::V6(Ipv6Net::new(address.into(), *bits).ok()?).into())
            }
            text => {
                let text = std::str::from_utf8(text).ok()?;
                let [kind, _] = split(text)?;
                (kind != NETWORK).then(|| Self(Kind::Named(text.into())))
            }
        }
    }
}

fn hashed(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().fold(HASHED.to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn is_hashed(name: &str) -> bool {
    let digest = name.strip_prefix(HASHED).map(str::as_bytes);
    digest.is_some_and(|hex| {
        hex.len() == 64 && hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn split(text: &str) -> Option<[&str; 2]> {
    let kinds = [NETWORK, PRINCIPAL, CREDENTIAL, FINGERPRINT, OTHER_SITES];
    let found = kinds.into_iter().find_map(|kind| {
        let name = text.strip_prefix(kind)?;
        Some([kind, name])
    });
    found.filter(|[_, name]| !name.is_empty())
}

/// This principal.
impl From<&Principal> for BanSubject {
    fn from(principal: &Principal) -> Self {
        Self::principal(principal.tenant(), principal.id())
    }
}

/// This one address. [`Bans`](super::Bans) widen it to the network it bans by.
impl From<IpAddr> for BanSubject {
    fn from(address: IpAddr) -> Self {
        IpNet::from(address.to_canonical()).into()
    }
}

/// This network; bits beyond its prefix do not count.
impl From<IpNet> for BanSubject {
    fn from(network: IpNet) -> Self {
        Self(Kind::Network(canonical(network).trunc()))
    }
}

impl FromStr for BanSubject {
    type Err = InvalidBanSubject;

    /// Reads what [`Display`](fmt::Display) writes. A network may also be one address.
    fn from_str(text: &str) -> Result<Self, InvalidBanSubject> {
        let [kind, name] = split(text).ok_or(InvalidBanSubject(()))?;
        if kind == OTHER_SITES {
            return match name.starts_with(OTHER_SITES) {
                true => Err(InvalidBanSubject(())),
                false => Ok(name.parse::<Self>()?.of_other_sites()),
            };
        }
        if kind != NETWORK {
            return Ok(match is_hashed(name) {
                true => Self(Kind::Named(text.into())),
                false => Self::named(kind, name),
            });
        }
        let address = || name.parse().map(|address: IpAddr| address.into());
        let network = name.parse().map(|network: IpNet| network.into());
        network
            .or_else(|_| address())
            .map_err(|_| InvalidBanSubject(()))
    }
}

impl fmt::Display for BanSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Network(network) => write!(f, "{NETWORK}{network}"),
            Kind::Named(text) => f.write_str(text),
        }
    }
}

impl Serialize for BanSubject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_stored() {
        let long = "x".repeat(BanSubject::MAX_NAME_LEN + 1);
        let hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let subjects = [
            ("IPv4", BanSubject::from(IpAddr::from([192, 0, 2, 1]))),
            (
                "IPv6 network",
                BanSubject::from("2001:db8::/64".parse::<IpNet>().unwrap()),
            ),
            ("principal", BanSubject::principal(None, "ann")),
            ("with a tenant", BanSubject::principal(Some("acme"), "ann")),
            ("with slashes", BanSubject::principal(Some("a/b"), "c%2Fd")),
            ("credential", BanSubject::credential("key:1")),
            ("fingerprint", BanSubject::fingerprint("t13d1516h2\n\u{0}é")),
            (
                "like a network",
                BanSubject::fingerprint("network:192.0.2.1/32"),
            ),
            (
                "like a stored network",
                BanSubject::fingerprint("\u{4}aaaa\u{20}"),
            ),
            ("long", BanSubject::fingerprint(&long)),
            ("like a hash", BanSubject::fingerprint(hash)),
            (
                "other sites",
                BanSubject::from(IpAddr::from([192, 0, 2, 1])).of_other_sites(),
            ),
            (
                "other sites, long",
                BanSubject::fingerprint(&long).of_other_sites(),
            ),
        ];
        for (n, (name, subject)) in subjects.iter().enumerate() {
            assert_eq!(subject.to_string().parse().as_ref(), Ok(subject), "{name}");
            let stored = subject.with_id(BanSubject::from_id);
            assert_eq!(stored.as_ref(), Some(subject), "{name}");
            let others = subjects.iter().skip(n + 1);
            for (other, also) in others {
                assert_ne!(subject, also, "{name} and {other}");
                let differ = subject.with_id(|id| also.with_id(|other| id != other));
                assert!(differ, "{name} and {other} in the store");
            }
            assert!(subject.to_string().len() <= 256, "{name} fits an event");
        }
    }

    #[test]
    fn other_sites_are_of_one_client() {
        let ann = BanSubject::principal(None, "ann");
        let others = ann.of_other_sites();
        assert_eq!(others.to_string(), "other-sites:principal:ann");
        assert_eq!(others.of_other_sites(), others);
        assert_eq!((others.client(), ann.client()), (Some(ann), None));
    }

    #[test]
    fn names_of_different_parts_never_meet() {
        let subject = BanSubject::principal;
        assert_ne!(subject(Some("a"), "b"), subject(None, "a/b"));
        assert_ne!(subject(Some("a/b"), "c"), subject(Some("a"), "b/c"));
        assert_ne!(subject(None, "a%2Fb"), subject(None, "a/b"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "ann",
            "192.0.2.1",
            "network:",
            "network:ann",
            "network:192.0.2.1/33",
            "principal:",
            "Principal:ann",
            "other-sites:",
            "other-sites:ann",
            "other-sites:network:",
            "other-sites:other-sites:principal:ann",
        ] {
            assert!(text.parse::<BanSubject>().is_err(), "{text:?}");
        }
        for id in [
            &b""[..],
            &[4],
            &[4, 1, 1, 1, 1, 33],
            &[6, 1],
            b"ann",
            &[0xFF],
        ] {
            assert_eq!(BanSubject::from_id(id), None, "{id:?}");
        }
    }
}
