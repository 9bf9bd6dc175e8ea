use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An entry of `X-Forwarded-For` and its like: an address, bare or with a port, IPv6 with or
/// without brackets. There is no standard; these are the forms that proxies write.
pub(super) fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let entry = entry.trim_matches([' ', '\t']);
    let bare: Option<Ipv6Addr> = entry.parse().ok();
    let address = bare
        .map(IpAddr::V6)
        .or_else(|| parse_host_and_port(entry, is_port))?;
    Some(address.to_canonical())
}

/// A node of `Forwarded` (RFC 7239 section 6): IPv6 stands in brackets, and the port may be
/// obfuscated. Nodes that hide their address have none.
pub(super) fn parse_node(node: &str) -> Option<IpAddr> {
    let is_node_port = |port: &str| is_port(port) || is_obfuscated(port);
    parse_host_and_port(node, is_node_port).map(|address| address.to_canonical())
}

fn parse_host_and_port(text: &str, is_port: impl Fn(&str) -> bool) -> Option<IpAddr> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            let port = match rest {
                "" => None,
                _ => Some(rest.strip_prefix(':')?),
            };
            (IpAddr::V6(host.parse().ok()?), port)
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let host: Ipv4Addr = host.parse().ok()?;
            (IpAddr::V4(host), port)
        }
    };
    port.is_none_or(is_port).then_some(host)
}

/// One to five digits. `u16` alone would take a sign, and more zeros in front.
fn is_port(port: &str) -> bool {
    port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// `obfport` of RFC 7239 section 6.2.
fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        !rest.is_empty() && rest.bytes().all(allowed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let cases = [
            ("plain", "203.0.113.7", Some("203.0.113.7")),
            ("with a port", "203.0.113.7:80", Some("203.0.113.7")),
            ("white space", " \t203.0.113.7\t ", Some("203.0.113.7")),
            ("IPv6", "2001:db8::1", Some("2001:db8::1")),
            ("IPv6, upper case", "2001:DB8::A", Some("2001:db8::a")),
            ("IPv6 in brackets", "[2001:db8::1]", Some("2001:db8::1")),
            ("IPv6 with a port", "[2001:db8::1]:443", Some("2001:db8::1")),
            ("mapped", "::ffff:203.0.113.7", Some("203.0.113.7")),
            ("mapped, in hex", "::ffff:cb00:7107", Some("203.0.113.7")),
            ("mapped, bracketed", "[::ffff:1.2.3.4]:1", Some("1.2.3.4")),
            ("empty", "", None),
            ("a name", "localhost", None),
            ("zone", "fe80::1%eth0", None),
            ("zone in brackets", "[fe80::1%25eth0]:80", None),
            ("leading zero", "203.0.113.07", None),
            ("octet too large", "203.0.113.256", None),
            ("three octets", "203.0.113", None),
            ("five octets", "203.0.113.7.1", None),
            ("one number", "3405803783", None),
            ("hex", "0xcb.0.0x71.7", None),
            ("IPv4 in brackets", "[203.0.113.7]", None),
            ("bracket left open", "[2001:db8::1", None),
            ("bracket not opened", "2001:db8::1]", None),
            ("text after the bracket", "[2001:db8::1]80", None),
            ("port empty", "203.0.113.7:", None),
            ("port with a sign", "203.0.113.7:+80", None),
            ("port too large", "203.0.113.7:65536", None),
            ("port too long", "203.0.113.7:000080", None),
            ("obfuscated port", "203.0.113.7:_x", None),
            ("quoted", "\"203.0.113.7\"", None),
            ("two", "203.0.113.7 203.0.113.8", None),
            ("with a mask", "203.0.113.7/32", None),
            ("NBSP", "\u{a0}203.0.113.7", None),
            ("other digits", "２０３.0.113.7", None),
        ];
        for (name, entry, expected) in cases {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(parse_entry(entry.as_bytes()), expected, "{name}");
        }
        assert_eq!(parse_entry(b"\xff203.0.113.7"), None, "not UTF-8");
    }

    #[test]
    fn nodes() {
        let cases = [
            ("plain", "203.0.113.7", Some("203.0.113.7")),
            ("with a port", "203.0.113.7:80", Some("203.0.113.7")),
            ("obfuscated port", "203.0.113.7:_p.1", Some("203.0.113.7")),
            ("IPv6", "[2001:db8::1]", Some("2001:db8::1")),
            (
                "IPv6 with a port",
                "[2001:db8:cafe::17]:4711",
                Some("2001:db8:cafe::17"),
            ),
            ("IPv6 without brackets", "2001:db8::1", None),
            ("unknown", "unknown", None),
            ("obfuscated", "_gazonk", None),
            ("empty obfuscated port", "203.0.113.7:_", None),
            ("white space", " 203.0.113.7", None),
            ("empty", "", None),
        ];
        for (name, node, expected) in cases {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(parse_node(node), expected, "{name}");
        }
    }
}
