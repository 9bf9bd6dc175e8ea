//! Who can be banned at all, and by which networks.

use super::{BanError, BanSubject, InvalidIpv4Prefix, NetworkList};
use crate::net::client_ip::{Ipv6Prefix, rate_key_with_prefix};
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of an IPv4 address is one client: 16 to 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Prefix(u8);

impl Ipv4Prefix {
    /// One address.
    pub const DEFAULT: Self = Self(32);

    /// A prefix of this many bits: 24, where attackers have whole networks of that size.
    ///
    /// # Errors
    /// When it is fewer than 16, or more than 32.
    pub const fn new(bits: u8) -> Result<Self, InvalidIpv4Prefix> {
        match bits {
            16..=32 => Ok(Self(bits)),
            _ => Err(InvalidIpv4Prefix(bits)),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) ipv4_prefix: Ipv4Prefix,
    pub(super) ipv6_prefix: Ipv6Prefix,
    /// Whether addresses of private networks can be banned.
    pub(super) private: bool,
    /// Whether loopback addresses can be banned.
    pub(super) loopback: bool,
    pub(super) allowed: HashSet<BanSubject>,
    pub(super) allow: Vec<NetworkList>,
    pub(super) block: Vec<NetworkList>,
}

/// What an address is to the bans.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Never banned.
    Exempt,
    /// On a list of networks to block.
    Blocked,
    /// Banned as this subject, if it is.
    Subject(BanSubject),
}

impl Scope {
    pub(super) fn new() -> Self {
        Self {
            ipv4_prefix: Ipv4Prefix::DEFAULT,
            ipv6_prefix: Ipv6Prefix::DEFAULT,
            private: false,
            loopback: false,
            allowed: HashSet::new(),
            allow: Vec::new(),
            block: Vec::new(),
        }
    }

    /// The allow-list first; then the lists to block, which an operator wrote and which may
    /// name any address; then what must not be banned by accident.
    pub(super) fn standing(&self, address: IpAddr) -> Standing {
        let on = |lists: &[NetworkList]| lists.iter().any(|list| list.contains(address));
        if on(&self.allow) {
            return Standing::Exempt;
        }
        if on(&self.block) {
            return Standing::Blocked;
        }
        let network = self.network_of(address);
        match self.is_spared(network.addr()) {
            true => Standing::Exempt,
            false => Standing::Subject(network.into()),
        }
    }

    /// The network that the address is banned by.
    fn network_of(&self, address: IpAddr) -> IpNet {
        // Its network of IPv6 holds what is never a client.
        if address.is_loopback() {
            return address.into();
        }
        match rate_key_with_prefix(address, self.ipv6_prefix) {
            IpNet::V4(host) => {
                let network = ipnet::Ipv4Net::new_assert(host.addr(), self.ipv4_prefix.0);
                IpNet::V4(network.trunc())
            }
            network => network,
        }
    }

    /// A proxy that nobody told us to trust, a load balancer, a health check: behind each are
    /// all clients.
    fn is_spared(&self, address: IpAddr) -> bool {
        match address.is_loopback() {
            true => !self.loopback,
            false => is_never_a_client(address) || (!self.private && is_private(address)),
        }
    }

    /// The subject by which this one is looked up.
    pub(super) fn normalized(&self, subject: &BanSubject) -> Result<BanSubject, BanError> {
        if let Some(client) = subject.client() {
            return match self.normalized(&client) {
                Ok(client) => Ok(client.of_other_sites()),
                Err(BanError::Exempt(client)) => Err(BanError::Exempt(client.of_other_sites())),
                Err(other) => Err(other),
            };
        }
        let Some(given) = subject.network() else {
            return match self.is_allowed(subject) {
                true => Err(BanError::Exempt(subject.clone())),
                false => Ok(subject.clone()),
            };
        };
        let network = self.network_of(given.addr());
        let prefix = match (given, network) {
            // Of addresses of IPv4 that are written as such of IPv6, the last 32 bits are those.
            (IpNet::V6(_), IpNet::V4(_)) => given.prefix_len().saturating_sub(96),
            _ => given.prefix_len(),
        };
        if prefix < network.prefix_len() {
            return Err(BanError::TooWide(given));
        }
        let is_on = |list: &NetworkList| list.contains(given.addr());
        if self.allow.iter().any(is_on) || self.is_spared(network.addr()) {
            return Err(BanError::Exempt(network.into()));
        }
        Ok(network.into())
    }

    /// Whether this principal, credential or fingerprint is never banned.
    pub(super) fn is_allowed(&self, subject: &BanSubject) -> bool {
        self.allowed.contains(subject)
    }
}

fn is_never_a_client(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.octets()[0] == 0 || address.is_multicast() || address.octets()[0] >= 240
        }
        // The /64 of loopback, and of IPv4 in deprecated clothes, which would be one client.
        IpAddr::V6(address) => address.segments()[..4] == [0; 4] || address.is_multicast(),
    }
}

/// Private, shared (RFC 6598) and link-local addresses.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let shared = Ipv4Addr::new(100, 64, 0, 0).to_bits() >> 22;
            address.is_private() || address.is_link_local() || address.to_bits() >> 22 == shared
        }
        IpAddr::V6(address) => !is_global_unicast(address),
    }
}

/// What is assigned to anybody so far: 2000::/3.
const fn is_global_unicast(address: Ipv6Addr) -> bool {
    address.segments()[0] >> 13 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(scope: &Scope, address: &str) -> String {
        match scope.standing(address.parse().unwrap()) {
            Standing::Exempt => "exempt".to_owned(),
            Standing::Blocked => "blocked".to_owned(),
            Standing::Subject(subject) => subject.to_string(),
        }
    }

    #[test]
    fn who_can_be_banned_and_by_what() {
        let plain = Scope::new();
        let wide = Scope {
            ipv4_prefix: Ipv4Prefix::new(24).unwrap(),
            ipv6_prefix: Ipv6Prefix::new(56).unwrap(),
            private: true,
            ..Scope::new()
        };
        for (name, address, by_default, by_wide) in [
            (
                "IPv4",
                "203.0.113.7",
                "network:203.0.113.7/32",
                "network:203.0.113.0/24",
            ),
            (
                "mapped",
                "::ffff:203.0.113.7",
                "network:203.0.113.7/32",
                "network:203.0.113.0/24",
            ),
            (
                "NAT64",
                "64:ff9b::cb00:7107",
                "network:203.0.113.7/32",
                "network:203.0.113.0/24",
            ),
            (
                "IPv6",
                "2001:db8:0:1ff::1",
                "network:2001:db8:0:1ff::/64",
                "network:2001:db8:0:100::/56",
            ),
            (
                "6to4",
                "2002:cb00:7107:1::1",
                "network:2002:cb00:7107::/48",
                "network:2002:cb00:7107::/48",
            ),
            ("private", "10.1.2.3", "exempt", "network:10.1.2.0/24"),
            (
                "carrier-grade NAT",
                "100.127.255.255",
                "exempt",
                "network:100.127.255.0/24",
            ),
            (
                "beside it",
                "100.128.0.1",
                "network:100.128.0.1/32",
                "network:100.128.0.0/24",
            ),
            (
                "link-local",
                "169.254.169.254",
                "exempt",
                "network:169.254.169.0/24",
            ),
            ("unique local", "fd00::1", "exempt", "network:fd00::/56"),
            ("link-local, IPv6", "fe80::1", "exempt", "network:fe80::/56"),
            (
                "mapped private",
                "::ffff:192.168.1.1",
                "exempt",
                "network:192.168.1.0/24",
            ),
            ("loopback", "127.8.9.1", "exempt", "exempt"),
            ("loopback, IPv6", "::1", "exempt", "exempt"),
            ("mapped loopback", "::ffff:127.0.0.1", "exempt", "exempt"),
            ("IPv4-compatible", "::203.0.113.7", "exempt", "exempt"),
            ("unspecified", "0.0.0.0", "exempt", "exempt"),
            ("multicast", "224.0.0.1", "exempt", "exempt"),
            ("broadcast", "255.255.255.255", "exempt", "exempt"),
        ] {
            assert_eq!(standing(&plain, address), by_default, "{name}");
            assert_eq!(standing(&wide, address), by_wide, "{name}, wide");
        }
    }

    #[test]
    fn loopback_is_banned_where_it_is_asked_for() {
        let scope = Scope {
            loopback: true,
            ..Scope::new()
        };
        for (address, expected) in [
            ("127.0.0.1", "network:127.0.0.1/32"),
            ("::ffff:127.0.0.1", "network:127.0.0.1/32"),
            ("::1", "network:::1/128"),
            ("10.1.2.3", "exempt"),
        ] {
            assert_eq!(standing(&scope, address), expected, "{address}");
        }
    }

    #[test]
    fn lists_in_their_order() {
        let list = |text: &str| vec![text.parse::<NetworkList>().unwrap()];
        let scope = Scope {
            allow: list("203.0.113.7\n10.0.0.1"),
            block: list("203.0.113.0/24\n10.0.0.0/8"),
            ..Scope::new()
        };
        for (address, expected) in [
            ("203.0.113.7", "exempt"),
            ("203.0.113.8", "blocked"),
            ("10.0.0.1", "exempt"),
            ("10.0.0.2", "blocked"),
            ("192.0.2.1", "network:192.0.2.1/32"),
        ] {
            assert_eq!(standing(&scope, address), expected, "{address}");
        }
    }

    #[test]
    fn bans_by_hand_meet_those_by_rule() {
        let ann = BanSubject::principal(None, "ann");
        let scope = Scope {
            allow: vec!["203.0.113.7".parse().unwrap()],
            allowed: [ann.clone()].into(),
            ..Scope::new()
        };
        for (subject, expected) in [
            ("network:192.0.2.1", "network:192.0.2.1/32"),
            ("network:2001:db8::1", "network:2001:db8::/64"),
            ("network:2001:db8::/64", "network:2001:db8::/64"),
            ("network:2001:db8::/63", "too wide"),
            ("network:192.0.2.0/24", "too wide"),
            ("network:::ffff:192.0.2.1", "network:192.0.2.1/32"),
            ("network:64:ff9b::203.0.113.8", "network:203.0.113.8/32"),
            ("network:64:ff9b::203.0.113.0/120", "too wide"),
            ("network:64:ff9b::/96", "too wide"),
            ("network:2002:cb00:7108::/48", "network:2002:cb00:7108::/48"),
            ("network:2002:cb00:7108::/47", "too wide"),
            ("network:0.0.0.0/0", "too wide"),
            ("network:::/0", "too wide"),
            ("network:127.0.0.1", "exempt"),
            ("network:10.0.0.1", "exempt"),
            ("network:203.0.113.7", "exempt"),
            ("principal:ann", "exempt"),
            ("principal:bob", "principal:bob"),
            (
                "other-sites:network:192.0.2.1",
                "other-sites:network:192.0.2.1/32",
            ),
            ("other-sites:network:192.0.2.0/24", "too wide"),
            ("other-sites:network:10.0.0.1", "exempt"),
            ("other-sites:principal:ann", "exempt"),
        ] {
            let found = match scope.normalized(&subject.parse().unwrap()) {
                Ok(subject) => subject.to_string(),
                Err(BanError::TooWide(_)) => "too wide".to_owned(),
                Err(BanError::Exempt(_)) => "exempt".to_owned(),
                Err(other) => other.to_string(),
            };
            assert_eq!(found, expected, "{subject}");
        }
        assert!(scope.is_allowed(&ann));
    }

    #[test]
    fn prefixes_tell_clients_apart() {
        for bits in 0..=u8::MAX {
            let is_fine = (16..=32).contains(&bits);
            assert_eq!(Ipv4Prefix::new(bits).is_ok(), is_fine, "{bits}");
        }
    }
}
