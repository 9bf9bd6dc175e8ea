use super::address::parse_entry;
use super::forwarded;
use http::{HeaderMap, HeaderName, header};
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Which proxies are believed, and about what: the decision of
/// [`ClientIpLayer`](super::ClientIpLayer), on plain data.
///
/// ```
/// use http::HeaderMap;
/// use portcullis::net::client_ip::ProxyTrust;
///
/// let trust = ProxyTrust::x_forwarded_for(["10.0.0.0/8".parse().unwrap()]);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "192.0.2.66, 203.0.113.7".parse().unwrap());
///
/// let proxy = "10.0.0.1".parse().unwrap();
/// assert_eq!(trust.client_ip(Some(proxy), &headers), Ok("203.0.113.7".parse().unwrap()));
/// let anybody = "198.51.100.1".parse().unwrap();
/// assert_eq!(trust.client_ip(Some(anybody), &headers), Ok(anybody));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProxyTrust(Rule);

#[derive(Clone, Debug, Default)]
enum Rule {
    #[default]
    PeerOnly,
    XForwardedFor(Proxies),
    Forwarded(Proxies),
    Single(HeaderName, Proxies),
    Hops(u8),
}

impl ProxyTrust {
    /// The most trusted proxies that a chain may have beside the peer. Real ones have two or
    /// three.
    pub const MAX_HOPS: u8 = 32;

    /// No proxy is trusted: the peer is the client.
    #[must_use]
    pub const fn none() -> Self {
        Self(Rule::PeerOnly)
    }

    /// Proxies in these ranges are believed in what they append to `X-Forwarded-For`.
    #[must_use]
    pub fn x_forwarded_for(proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self(Rule::XForwardedFor(Proxies::new(proxies)))
    }

    /// Proxies in these ranges are believed in what they append to `Forwarded` (RFC 7239).
    ///
    /// They must not append to a line of the client's, but replace it or add one of their own:
    /// into a quote that the client left open they would write in vain, and count as the client
    /// themselves. With `X-Forwarded-For` nobody can do that.
    #[must_use]
    pub fn forwarded(proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self(Rule::Forwarded(Proxies::new(proxies)))
    }

    /// Proxies in these ranges are believed in the one address that this header holds, such as
    /// `X-Real-IP`. They must set it, whatever the client sent. Where it comes more than once,
    /// or holds more than an address, the peer counts.
    #[must_use]
    pub fn header(name: HeaderName, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self(Rule::Single(name, Proxies::new(proxies)))
    }

    /// There are always this many proxies in front, whatever their addresses, and each appends
    /// to `X-Forwarded-For`: the entry that many from the right is the client. Whoever can
    /// reach the service past one of them chooses its address. With 0, the peer is the client.
    ///
    /// # Errors
    /// When there are more than [`Self::MAX_HOPS`].
    pub const fn hops(count: u8) -> Result<Self, TooManyHops> {
        match count {
            0 => Ok(Self::none()),
            1..=Self::MAX_HOPS => Ok(Self(Rule::Hops(count))),
            _ => Err(TooManyHops(count)),
        }
    }

    /// The client's address. `peer` is who is at the other end of the connection, where it has
    /// an address at all (a Unix socket has none).
    ///
    /// # Errors
    /// When the headers do not hold what they should, or there is no peer to start from.
    pub fn client_ip(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<IpAddr, Unresolved> {
        if let Rule::Hops(count) = &self.0 {
            return nth_from_right(*count, headers).ok_or(Unresolved::Short);
        }
        let peer = peer.ok_or(Unresolved::NoPeer)?.to_canonical();
        match &self.0 {
            Rule::PeerOnly | Rule::Hops(_) => Ok(peer),
            Rule::XForwardedFor(proxies) => {
                proxies.walk(peer, x_forwarded_for(headers).map(parse_entry))
            }
            Rule::Forwarded(proxies) => {
                let lines = headers.get_all(header::FORWARDED).iter().rev();
                proxies.walk(
                    peer,
                    lines.flat_map(|line| forwarded::clients(line.as_bytes())),
                )
            }
            Rule::Single(name, proxies) if proxies.contain(peer) => {
                Ok(single(name, headers).unwrap_or(peer))
            }
            Rule::Single(..) => Ok(peer),
        }
    }
}

/// The entries of all lines as one list, the last first.
fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','))
}

fn nth_from_right(count: u8, headers: &HeaderMap) -> Option<IpAddr> {
    let entry = x_forwarded_for(headers).nth(usize::from(count).checked_sub(1)?)?;
    parse_entry(entry)
}

fn single(name: &HeaderName, headers: &HeaderMap) -> Option<IpAddr> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines
        .next()
        .is_none()
        .then(|| parse_entry(line.as_bytes()))?
}

/// The addresses of trusted proxies.
#[derive(Clone, Debug)]
struct Proxies(Vec<IpNet>);

impl Proxies {
    fn new(ranges: impl IntoIterator<Item = IpNet>) -> Self {
        Self(ranges.into_iter().map(canonical).collect())
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }

    /// From the peer along the entries, as long as who names the next is trusted.
    fn walk(
        &self,
        peer: IpAddr,
        mut entries: impl Iterator<Item = Option<IpAddr>>,
    ) -> Result<IpAddr, Unresolved> {
        let mut last_good = peer;
        let mut hops = 0;
        while self.contain(last_good) {
            if hops > ProxyTrust::MAX_HOPS {
                return Err(Unresolved::TooManyHops);
            }
            let Some(Some(next)) = entries.next() else {
                break;
            };
            last_good = next;
            hops += 1;
        }
        Ok(last_good)
    }
}

/// A range of IPv4-mapped addresses is the range of the IPv4 addresses within.
pub(crate) fn canonical(range: IpNet) -> IpNet {
    let mapped = match range {
        IpNet::V4(_) => None,
        IpNet::V6(range) => (range.addr().to_ipv4_mapped())
            .zip(range.prefix_len().checked_sub(96))
            .and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()),
    };
    mapped.map_or(range, IpNet::V4)
}

/// The client's address could not be made out. Each of these can be a client that came past
/// the proxies; none of them yields an address that a client could have chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// There is no peer address to start from.
    #[error("the connection has no peer address")]
    NoPeer,
    /// The list is shorter than the number of proxies in front, or the entry that counts is
    /// not an address.
    #[error("fewer proxies than promised named an address")]
    Short,
    /// More trusted proxies than [`ProxyTrust::MAX_HOPS`].
    #[error("more than {} trusted proxies in the chain", ProxyTrust::MAX_HOPS)]
    TooManyHops,
}

/// So many proxies in front of a service are a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{_0} trusted hops are more than {most}: give the number of your own proxies",
    most = ProxyTrust::MAX_HOPS
)]
pub struct TooManyHops(u8);

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        lines.iter().map(line).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies() -> [IpNet; 2] {
        ["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().unwrap())
    }

    #[test]
    fn chains() {
        let xff = ProxyTrust::x_forwarded_for(proxies());
        let forwarded = ProxyTrust::forwarded(proxies());
        let cases = [
            ("no header", &xff, "10.0.0.1", vec![], "10.0.0.1"),
            (
                "stranger",
                &xff,
                "192.0.2.1",
                vec![("x-forwarded-for", "10.0.0.9")],
                "192.0.2.1",
            ),
            (
                "several proxies",
                &xff,
                "10.0.0.1",
                vec![("x-forwarded-for", "6.6.6.6, 192.0.2.1, fd00::1,10.0.0.2")],
                "192.0.2.1",
            ),
            (
                "the last line counts first",
                &xff,
                "10.0.0.1",
                vec![
                    ("x-forwarded-for", "6.6.6.6"),
                    ("x-forwarded-for", "192.0.2.1"),
                ],
                "192.0.2.1",
            ),
            (
                "an empty last line breaks the chain",
                &xff,
                "10.0.0.1",
                vec![("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "")],
                "10.0.0.1",
            ),
            (
                "a broken line of Forwarded hides those before, not those after",
                &forwarded,
                "10.0.0.1",
                vec![
                    ("forwarded", "for=6.6.6.6"),
                    ("forwarded", "for=\"7.7.7.7"),
                    ("forwarded", "for=10.0.0.2"),
                ],
                "10.0.0.2",
            ),
            (
                "Forwarded does not read X-Forwarded-For",
                &forwarded,
                "10.0.0.1",
                vec![("x-forwarded-for", "6.6.6.6")],
                "10.0.0.1",
            ),
        ];
        for (name, trust, peer, lines, expected) in cases {
            let found = trust.client_ip(Some(ip(peer)), &headers(&lines));
            assert_eq!(found, Ok(ip(expected)), "{name}");
        }
    }

    #[test]
    fn a_chain_has_a_longest_length() {
        let trust = ProxyTrust::x_forwarded_for(proxies());
        let found = |trusted: usize| {
            let list = format!("192.0.2.1{}", ", 10.0.0.2".repeat(trusted));
            trust.client_ip(
                Some(ip("10.0.0.1")),
                &headers(&[("x-forwarded-for", &list)]),
            )
        };
        assert_eq!(found(32), Ok(ip("192.0.2.1")));
        assert_eq!(found(33), Err(Unresolved::TooManyHops));
        assert_eq!(found(3000), Err(Unresolved::TooManyHops));
    }

    #[test]
    fn hops_are_counted_from_the_right() {
        let list = headers(&[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.2")]);
        let found = |count| ProxyTrust::hops(count).unwrap().client_ip(None, &list);
        assert_eq!(found(0), Err(Unresolved::NoPeer));
        assert_eq!(found(1), Ok(ip("10.0.0.2")));
        assert_eq!(found(2), Ok(ip("192.0.2.1")));
        assert_eq!(found(4), Err(Unresolved::Short));
        assert_eq!(
            ProxyTrust::hops(33).unwrap_err().to_string(),
            "33 trusted hops are more than 32: give the number of your own proxies"
        );
    }

    #[test]
    fn one_header_means_one() {
        let name = HeaderName::from_static("x-real-ip");
        let trust = ProxyTrust::header(name, proxies());
        let found = |peer, values: &[&str]| {
            let lines: Vec<_> = values.iter().map(|value| ("x-real-ip", *value)).collect();
            trust.client_ip(Some(ip(peer)), &headers(&lines)).unwrap()
        };
        assert_eq!(found("10.0.0.1", &["192.0.2.1"]), ip("192.0.2.1"));
        assert_eq!(
            found("10.0.0.1", &["192.0.2.1", "192.0.2.1"]),
            ip("10.0.0.1")
        );
        assert_eq!(found("10.0.0.1", &["192.0.2.1, 192.0.2.2"]), ip("10.0.0.1"));
        assert_eq!(found("10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(found("192.0.2.9", &["192.0.2.1"]), ip("192.0.2.9"));
    }

    #[test]
    fn mapped_ranges_and_addresses_are_ipv4() {
        let range = "::ffff:10.0.0.0/104".parse().unwrap();
        let trust = ProxyTrust::x_forwarded_for([range]);
        let list = headers(&[("x-forwarded-for", "::ffff:192.0.2.1, 10.1.1.1")]);
        for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(trust.client_ip(Some(ip(peer)), &list), Ok(ip("192.0.2.1")));
        }
    }
}
