use crate::net::client_ip::rate_key;
use ipnet::IpNet;
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
