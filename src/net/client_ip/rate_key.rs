use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of an IPv6 address is one client: 1 to 64 bits. More than 64 would let one
/// customer, who holds a /64 at least, be many clients; none would make all of them one.
///
/// ```
/// use portcullis::net::client_ip::Ipv6Prefix;
///
/// assert_eq!(Ipv6Prefix::new(56)?.bits(), 56);
/// assert!(Ipv6Prefix::new(128).is_err());
/// # Ok::<(), portcullis::net::client_ip::InvalidIpv6Prefix>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv6Prefix(u8);

impl Ipv6Prefix {
    /// What [`rate_key`] counts by, and the least that one customer holds (RFC 6177): 64 bits.
    pub const DEFAULT: Self = Self(64);

    /// A prefix of this many bits: 56 or 48, where providers give their customers that much.
    ///
    /// # Errors
    /// When it is none, or more than 64.
    pub const fn new(bits: u8) -> Result<Self, InvalidIpv6Prefix> {
        match bits {
            1..=64 => Ok(Self(bits)),
            _ => Err(InvalidIpv6Prefix(bits)),
        }
    }

    /// How many bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Clients cannot be told apart by this many bits of their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("IPv6 clients are counted by prefixes of 1 to 64 bits, not of {0}; 64 are the default")]
pub struct InvalidIpv6Prefix(u8);

/// A 6to4 site is all of the /48 under its IPv4 address (RFC 3056).
const SIX_TO_FOUR_PREFIX: u8 = 48;

/// The network by which to count a client: an address, where that costs its holder something
/// to change.
///
/// IPv4 counts by address; IPv6 by /64, for who has one address has all of those; IPv4-mapped
/// and NAT64 (`64:ff9b::/96`, RFC 6052) addresses as the IPv4 address within; 6to4
/// (`2002::/16`) by /48.
///
/// ```
/// use portcullis::net::client_ip::rate_key;
///
/// assert_eq!(rate_key("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::/64");
/// assert_eq!(rate_key("64:ff9b::192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1/32");
/// ```
#[must_use]
pub fn rate_key(address: IpAddr) -> IpNet {
    rate_key_with_prefix(address, Ipv6Prefix::DEFAULT)
}

/// As [`rate_key`], with IPv6 by another prefix.
#[must_use]
pub fn rate_key_with_prefix(address: IpAddr, ipv6_prefix: Ipv6Prefix) -> IpNet {
    let address = match address {
        IpAddr::V4(address) => return host(address),
        IpAddr::V6(address) => address,
    };
    if let Some(within) = address.to_ipv4_mapped().or_else(|| from_nat64(address)) {
        return host(within);
    }
    let prefix = match address.segments() {
        [0x2002, ..] => ipv6_prefix.bits().min(SIX_TO_FOUR_PREFIX),
        _ => ipv6_prefix.bits(),
    };
    IpNet::V6(Ipv6Net::new_assert(address, prefix).trunc())
}

const fn host(address: Ipv4Addr) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(address, 32))
}

fn from_nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Some([a, b, c, d].into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let cases = [
            ("IPv4", "203.0.113.7", 64, "203.0.113.7/32"),
            ("IPv6", "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64"),
            (
                "the same /64",
                "2001:db8:1:2:ffff::",
                64,
                "2001:db8:1:2::/64",
            ),
            ("another /64", "2001:db8:1:3::6", 64, "2001:db8:1:3::/64"),
            ("by /56", "2001:db8:1:234::6", 56, "2001:db8:1:200::/56"),
            ("by a bit", "2001:db8::6", 1, "::/1"),
            ("mapped", "::ffff:203.0.113.7", 64, "203.0.113.7/32"),
            ("NAT64", "64:ff9b::cb00:7107", 64, "203.0.113.7/32"),
            ("beside NAT64", "64:ff9b:1::1", 64, "64:ff9b:1::/64"),
            ("beside NAT64, low", "64:ff9b::1:0:0", 64, "64:ff9b::/64"),
            ("6to4", "2002:cb00:7107:1::1", 64, "2002:cb00:7107::/48"),
            ("6to4 by /32", "2002:cb00:7107:1::1", 32, "2002:cb00::/32"),
            ("IPv4-compatible", "::203.0.113.7", 64, "::/64"),
            ("loopback", "::1", 64, "::/64"),
        ];
        for (name, address, prefix, expected) in cases {
            let key =
                rate_key_with_prefix(address.parse().unwrap(), Ipv6Prefix::new(prefix).unwrap());
            assert_eq!(key.to_string(), expected, "{name}");
        }
    }

    #[test]
    fn prefixes_tell_customers_apart() {
        for bits in 0..=u8::MAX {
            let expected = match bits {
                0 | 65.. => Err(InvalidIpv6Prefix(bits)),
                _ => Ok(bits),
            };
            assert_eq!(Ipv6Prefix::new(bits).map(Ipv6Prefix::bits), expected);
        }
    }
}
