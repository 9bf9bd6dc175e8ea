//! What kind of host an authority names.

use crate::waf::detect::text::Lower;
use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Public,
    /// Loopback, private, link-local, or a name of the inside.
    Inner,
    /// The address or a name of a metadata service.
    Metadata,
    /// An address in octal, hexadecimal, one number, too few parts, or within IPv6.
    Hidden,
    /// A name that resolves to any address, or that tells its owner who asked.
    Rebinding,
}

const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.packet.net",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "rancher-metadata",
    "instance-data",
    "metadata.goog",
];
const INNER_ENDINGS: &[&str] = &[
    ".internal",
    ".local",
    ".localdomain",
    ".localhost",
    ".svc",
    ".cluster.local",
    ".intranet",
    ".corp",
    ".lan",
    ".home.arpa",
    ".consul",
];
const REBINDING_ENDINGS: &[&str] = &[
    ".nip.io",
    ".xip.io",
    ".sslip.io",
    ".localtest.me",
    ".lvh.me",
    ".vcap.me",
    ".lacolhost.com",
    ".rbndr.us",
    ".oastify.com",
    ".burpcollaborator.net",
    ".interact.sh",
    ".oast.fun",
    ".oast.pro",
    ".oast.live",
    ".oast.site",
    ".oast.online",
    ".oast.me",
    ".dnslog.cn",
    ".ceye.io",
    ".canarytokens.com",
    ".requestrepo.com",
    ".webhook.site",
    ".beeceptor.com",
    ".bxss.me",
    ".1u.ms",
    ".nip.me",
    ".spoofed.burpcollaborator.net",
    ".localdomain.pw",
    ".pipedream.net",
];

impl Host {
    pub(super) fn of(authority: &[u8]) -> Self {
        let host = strip(authority);
        // `a@127.0.0.1:80@b.example`: which of them it is depends on who parses it.
        let user = authority.split(|byte| matches!(byte, b'@' | b':')).next();
        let torn = memchr::memchr_iter(b'@', authority).count() > 1
            || (memchr::memchr(b'@', authority).is_some() && user.is_some_and(is_dotted));
        if torn || overflows(host) {
            return Self::Hidden;
        }
        if let Some(inner) = host.strip_prefix(b"[") {
            return Self::of_ipv6(inner);
        }
        if let Some(address) = dotted(host) {
            return Self::of_ipv4(address);
        }
        if let Some(address) = loose(host) {
            let kind = Self::of_ipv4(address);
            return if kind == Self::Public && !host.iter().all(u8::is_ascii_digit) {
                Self::Public
            } else {
                Self::Hidden
            };
        }
        if host.iter().any(|byte| *byte >= 0x80) {
            return of_unicode(host);
        }
        Self::of_name(host)
    }

    fn of_ipv4(address: Ipv4Addr) -> Self {
        let octets = address.octets();
        let metadata = octets == [169, 254, 169, 254]
            || octets == [169, 254, 170, 2]
            || octets == [100, 100, 100, 200]
            || octets == [192, 0, 0, 192]
            || octets == [168, 63, 129, 16];
        if metadata {
            Self::Metadata
        } else if address.is_loopback()
            || address.is_private()
            || address.is_link_local()
            || address.is_unspecified()
            || (octets[0] == 100 && (64..128).contains(&octets[1]))
            || address.is_broadcast()
        {
            Self::Inner
        } else {
            Self::Public
        }
    }

    fn of_ipv6(inner: &[u8]) -> Self {
        let text = inner
            .split(|byte| matches!(byte, b']' | b'%'))
            .next()
            .unwrap_or_default();
        let parsed: Option<Ipv6Addr> = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok());
        let Some(address) = parsed else {
            return Self::Hidden;
        };
        let segments = address.segments();
        let unique_local = segments[0] & 0xfe00 == 0xfc00;
        let link_local = segments[0] & 0xffc0 == 0xfe80;
        let nat64 = segments[0] == 0x64 && segments[1] == 0xff9b;
        if address.to_ipv4().is_some() && !address.is_loopback() && !address.is_unspecified()
            || nat64
        {
            Self::Hidden
        } else if segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
            Self::Metadata
        } else if address.is_loopback() || address.is_unspecified() || unique_local || link_local {
            Self::Inner
        } else {
            Self::Public
        }
    }

    fn of_name(host: &[u8]) -> Self {
        let Some(lower) = Lower::<128>::of(host) else {
            return Self::Public;
        };
        let name = lower.as_str().trim_end_matches('.');
        if METADATA_NAMES.contains(&name) {
            Self::Metadata
        } else if name == "localhost"
            || name == "ip6-localhost"
            || name == "kubernetes"
            || name == "kubernetes.default"
            || INNER_ENDINGS.iter().any(|ending| name.ends_with(ending))
        {
            Self::Inner
        } else if REBINDING_ENDINGS
            .iter()
            .any(|ending| name.ends_with(ending) || name == ending.trim_start_matches('.'))
        {
            Self::Rebinding
        } else {
            Self::Public
        }
    }
}

/// Letters and digits in circles and the like, which clients turn into plain ones.
fn of_unicode(host: &[u8]) -> Host {
    let text = String::from_utf8_lossy(host);
    let enclosed = |letter: char| matches!(letter, '\u{2460}'..='\u{24ff}' | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{3002}' | '\u{ff61}' | '\u{2070}'..='\u{209c}');
    if text.chars().any(enclosed) {
        Host::Hidden
    } else {
        Host::Public
    }
}

/// The host of an authority: no user, no port.
fn strip(authority: &[u8]) -> &[u8] {
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at.saturating_add(1)..).unwrap_or_default(),
        None => authority,
    };
    if host.starts_with(b"[") {
        return host;
    }
    host.split(|byte| *byte == b':').next().unwrap_or_default()
}

pub(super) fn has_port(authority: &[u8]) -> bool {
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at.saturating_add(1)..).unwrap_or_default(),
        None => authority,
    };
    !host.starts_with(b"[") && memchr::memchr(b':', host).is_some()
}

/// Whether the port is one of a service that no developer opens in a browser.
pub(super) fn has_service_port(authority: &[u8]) -> bool {
    const SERVICES: &[&str] = &[
        "21", "22", "23", "25", "53", "110", "111", "135", "139", "143", "389", "445", "465",
        "587", "636", "873", "993", "995", "1433", "1521", "2049", "2181", "2375", "2376", "2379",
        "3306", "3389", "5432", "5672", "5900", "5984", "6379", "6443", "7001", "8500", "9042",
        "9092", "9200", "10250", "11211", "15672", "27017", "50000",
    ];
    let port = memchr::memrchr(b':', authority)
        .and_then(|at| authority.get(at.saturating_add(1)..))
        .unwrap_or_default();
    SERVICES.iter().any(|known| known.as_bytes() == port)
}

/// Whether this is `localhost` by name.
pub(super) fn is_local_name(authority: &[u8]) -> bool {
    strip(authority).eq_ignore_ascii_case(b"localhost")
}

/// Whether the host is a name, not an address.
pub(super) fn is_name_inside(authority: &[u8]) -> bool {
    let host = strip(authority);
    dotted(host).is_none() && loose(host).is_none() && !host.starts_with(b"[")
}

/// Whether this is an address in four plain numbers.
pub(super) fn is_dotted(host: &[u8]) -> bool {
    dotted(host).is_some()
}

fn dotted(host: &[u8]) -> Option<Ipv4Addr> {
    std::str::from_utf8(host).ok()?.parse().ok()
}

/// An address as `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal,
/// the last one filling what is left.
fn loose(host: &[u8]) -> Option<Ipv4Addr> {
    let host = host.strip_suffix(b".").unwrap_or(host);
    if host.len() > 64 || !host.first()?.is_ascii_digit() {
        return None;
    }
    let mut value = 0_u64;
    let mut parts = 0_u32;
    let count = u32::try_from(host.split(|byte| *byte == b'.').count()).ok()?;
    if count > 4 {
        return None;
    }
    for part in host.split(|byte| *byte == b'.') {
        let number = number(part)?;
        parts += 1;
        if parts == count {
            let width = 8 * (5 - count);
            if number >= 1 << width {
                return None;
            }
            value = (value << width) | number;
        } else {
            if number > 255 {
                return None;
            }
            value = (value << 8) | number;
        }
    }
    Some(Ipv4Addr::from(u32::try_from(value).ok()?))
}

fn number(part: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(part).ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    if text.len() > 1 && text.starts_with('0') {
        return u64::from_str_radix(text, 8).ok();
    }
    text.parse().ok()
}

/// Numbers too large for an address, of which clients keep the low bits: `425.510.425.510`,
/// `7147006462`.
fn overflows(host: &[u8]) -> bool {
    let numeric = !host.is_empty()
        && host
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let parts = host.split(|byte| *byte == b'.');
    let long = host.len() > 9 && host.iter().all(u8::is_ascii_digit);
    let large = parts.clone().count() == 4
        && parts.clone().all(|part| part.len() == 3)
        && dotted(host).is_none();
    numeric && (long || large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_classified() {
        for (host, expected) in [
            ("www.example.com", Host::Public),
            ("93.184.216.34", Host::Public),
            ("127.0.0.1", Host::Inner),
            ("10.1.2.3:8080", Host::Inner),
            ("user@192.168.0.1", Host::Inner),
            ("localhost", Host::Inner),
            ("printer.local", Host::Inner),
            ("169.254.169.254", Host::Metadata),
            ("metadata.google.internal", Host::Metadata),
            ("2130706433", Host::Hidden),
            ("0x7f000001", Host::Hidden),
            ("0177.0.0.1", Host::Hidden),
            ("127.1", Host::Hidden),
            ("169.254.43518", Host::Hidden),
            ("[::1]", Host::Inner),
            ("[::ffff:a9fe:a9fe]", Host::Hidden),
            ("[2001:db8::1]", Host::Public),
            ("[fe80::1]", Host::Inner),
            ("127.0.0.1.nip.io", Host::Rebinding),
            ("3.example", Host::Public),
            ("1.2.3.4.5", Host::Public),
            ("ⓁⓄⒸ.example", Host::Hidden),
            ("münchen.example", Host::Public),
            ("a@127.0.0.1:80@b.example", Host::Hidden),
        ] {
            assert_eq!(Host::of(host.as_bytes()), expected, "{host}");
        }
    }
}
