//! Which addresses may be called, against requests that an attacker makes the server send
//! (SSRF): to its own administration ports, to machines behind its firewall, to the service
//! where a cloud hands out credentials.
//!
//! A name says nothing: whoever owns it makes it resolve to `169.254.169.254`, or to a public
//! address when it is checked and to a private one a moment later. So an [`AddressPolicy`] is
//! asked about the address that is connected to, at the time it is.
//!
//! 1. Addresses that are reachable from everywhere may be called: those that the IANA
//!    registries of special-purpose addresses (RFC 6890) do not set aside.
//! 2. An IPv4 address inside an IPv6 one counts as itself: mapped (`::ffff:10.0.0.1`), behind a
//!    NAT64 (`64:ff9b::10.0.0.1`, RFC 6052), or of ISATAP. The other such forms (6to4, Teredo,
//!    IPv4-compatible, NAT64 of a local prefix) are never called.
//! 3. More may be [allowed](AddressPolicy::allow), network by network. Where a cloud's metadata
//!    live, only an address of its own allows it, no network around it.
//!
//! ```
//! use portcullis::net::address::{AddressClass, AddressPolicy};
//!
//! let policy = AddressPolicy::public().allow("10.1.0.0/16".parse()?);
//! assert!(policy.check("203.0.112.7".parse()?).is_ok());
//! assert!(policy.check("10.1.2.3".parse()?).is_ok());
//!
//! let refused = policy.check("::ffff:169.254.169.254".parse()?).unwrap_err();
//! assert_eq!(refused.class(), AddressClass::Metadata);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ASVS 5.0: 1.3.6 (server-side request forgery).

use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use thiserror::Error;

/// What an address is set aside for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// Reachable from everywhere.
    Public,
    /// This machine.
    Loopback,
    /// Networks of one's own: RFC 1918, unique local addresses, shared address space.
    Private,
    /// The nearest network alone.
    LinkLocal,
    /// Where a cloud tells its machines who they are, and gives them credentials.
    Metadata,
    /// Many at once.
    Multicast,
    /// For documentation, benchmarks, translation, or nothing yet.
    Reserved,
}

impl AddressClass {
    /// What this address is set aside for.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "of this machine",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "of a metadata service",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Addresses of metadata services: of AWS (also for containers), Google, Azure, Alibaba,
/// Oracle and Tencent.
const METADATA: [IpAddr; 10] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    // Within a public network, and private all the same.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA.contains(&address.into()) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [127, ..] => AddressClass::Loopback,
        // "This host" reaches the loopback on many systems.
        [0, ..] => AddressClass::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => {
            AddressClass::Private
        }
        [169, 254, ..] => AddressClass::LinkLocal,
        [224..=239, ..] => AddressClass::Multicast,
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA.contains(&address.into()) {
        return AddressClass::Metadata;
    }
    if let Some(inside) = embedded(address) {
        return of_v4(inside);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => AddressClass::Loopback,
        [0xfc00..=0xfdff, ..] => AddressClass::Private,
        // With the site-local addresses that were before the unique local ones.
        [0xfe80..=0xfeff, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        // Teredo, ORCHID, benchmarks; documentation; 6to4; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => {
            AddressClass::Reserved
        }
        // All global unicast there is (RFC 4291 section 2.4).
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address that a packet to this one ends at, or may end at.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last),
        // ISATAP (RFC 5214 section 6.1).
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, ..] => Some(last),
        _ => None,
    }
}

/// Which addresses may be called. See the [module](self) for the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Public addresses, and no others.
    pub fn public() -> Self {
        Self::default()
    }

    /// Allows the addresses of this network as well.
    pub fn allow(mut self, network: IpNet) -> Self {
        self.allowed.push(network);
        self
    }

    /// Allows this machine as well: for a sidecar, or for tests.
    pub fn allow_loopback(self) -> Self {
        const V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        self.allow(V4.into())
            .allow(IpAddr::from(Ipv6Addr::LOCALHOST).into())
    }

    /// Whether this address may be called.
    ///
    /// # Errors
    /// What it is set aside for.
    pub fn check(&self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let class = AddressClass::of(address);
        let plain = address.to_canonical();
        let allows = |network: &IpNet| {
            let is_exact = network.prefix_len() == network.max_prefix_len();
            network.contains(&plain) && (is_exact || class != AddressClass::Metadata)
        };
        if class == AddressClass::Public || self.allowed.iter().any(allows) {
            return Ok(());
        }
        Err(ForbiddenAddress { address, class })
    }
}

/// The address is none that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the address {address} is {class}; allow its network if it is to be called")]
pub struct ForbiddenAddress {
    address: IpAddr,
    class: AddressClass,
}

impl ForbiddenAddress {
    /// The address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// What it is set aside for.
    #[must_use]
    pub const fn class(&self) -> AddressClass {
        self.class
    }
}

#[cfg(test)]
mod tests {
    use super::AddressClass::*;
    use super::*;

    fn class(address: &str) -> AddressClass {
        AddressClass::of(address.parse().unwrap())
    }

    #[test]
    fn classes_of_addresses() {
        for (address, expected) in [
            ("8.8.8.8", Public),
            ("1.1.1.1", Public),
            ("9.255.255.255", Public),
            ("11.0.0.0", Public),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("172.15.255.255", Public),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Public),
            ("192.168.0.1", Private),
            ("192.167.255.255", Public),
            ("100.63.255.255", Public),
            ("100.64.0.0", Private),
            ("100.127.255.255", Private),
            ("100.128.0.0", Public),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("0.0.0.0", Loopback),
            ("0.1.2.3", Loopback),
            ("169.254.0.1", LinkLocal),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("168.63.129.16", Metadata),
            ("168.63.129.17", Public),
            ("100.100.100.200", Metadata),
            ("192.0.0.192", Metadata),
            ("192.0.0.1", Reserved),
            ("192.0.1.1", Public),
            ("192.0.2.1", Reserved),
            ("192.88.99.1", Reserved),
            ("198.17.255.255", Public),
            ("198.18.0.0", Reserved),
            ("198.19.255.255", Reserved),
            ("198.51.100.1", Reserved),
            ("203.0.113.1", Reserved),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Reserved),
            ("255.255.255.255", Reserved),
            ("2606:4700:4700::1111", Public),
            ("2a00:1450:4001::1", Public),
            ("::", Loopback),
            ("::1", Loopback),
            ("::2", Reserved),
            ("fc00::1", Private),
            ("fdff:ffff::1", Private),
            ("fe80::1", LinkLocal),
            ("fec0::1", LinkLocal),
            ("ff02::1", Multicast),
            ("fd00:ec2::254", Metadata),
            ("fd20:ce::254", Metadata),
            ("2001:db8::1", Reserved),
            ("2001::1", Reserved),
            ("2001:1ff::1", Reserved),
            ("2001:200::1", Public),
            ("3fff::1", Reserved),
            ("5f00::1", Reserved),
            ("100::1", Reserved),
            ("4000::1", Reserved),
        ] {
            assert_eq!(class(address), expected, "{address}");
        }
    }

    #[test]
    fn an_address_inside_another_counts_as_itself() {
        for (name, address, expected) in [
            ("mapped", "::ffff:10.0.0.1", Private),
            ("mapped, in hex", "::ffff:7f00:1", Loopback),
            ("mapped metadata", "::ffff:169.254.169.254", Metadata),
            ("mapped public", "::ffff:8.8.8.8", Public),
            ("NAT64", "64:ff9b::10.0.0.1", Private),
            ("NAT64 metadata", "64:ff9b::169.254.169.254", Metadata),
            ("NAT64 public", "64:ff9b::8.8.8.8", Public),
            ("NAT64 of a local prefix", "64:ff9b:1::8.8.8.8", Reserved),
            ("ISATAP", "2606:4700::5efe:10.0.0.1", Private),
            ("ISATAP, unique", "2606:4700::200:5efe:127.0.0.1", Loopback),
            ("compatible", "::10.0.0.1", Reserved),
            ("translated", "::ffff:0:10.0.0.1", Reserved),
            ("6to4", "2002:7f00:1::1", Reserved),
            ("6to4 of a public one", "2002:808:808::1", Reserved),
            ("Teredo", "2001:0:102:304::1", Reserved),
        ] {
            assert_eq!(class(address), expected, "{name}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_alone() {
        let is_allowed = |policy: &AddressPolicy, address: &str| {
            let checked = policy.check(address.parse().unwrap());
            checked.is_ok()
        };
        let policy = AddressPolicy::public()
            .allow("10.1.0.0/16".parse().unwrap())
            .allow("169.254.0.0/16".parse().unwrap());
        for (address, expected) in [
            ("8.8.8.8", true),
            ("10.1.255.255", true),
            ("::ffff:10.1.0.1", true),
            ("64:ff9b::10.1.0.1", false),
            ("10.2.0.1", false),
            ("169.254.1.1", true),
            ("169.254.169.254", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(is_allowed(&policy, address), expected, "{address}");
        }
        let named = AddressPolicy::public().allow("169.254.169.254/32".parse().unwrap());
        assert!(is_allowed(&named, "169.254.169.254"));
        let local = AddressPolicy::public().allow_loopback();
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_allowed(&local, address), "{address}");
        }
        assert!(!is_allowed(&local, "0.0.0.0"));
    }
}
