use super::InvalidNetworkList as Invalid;
use crate::lock::lock;
use crate::net::client_ip::canonical;
use arc_swap::ArcSwap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixSet;
use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

/// Networks to allow or to block, which can be replaced while requests are looked up in them.
///
/// A list is text: an address or a network (CIDR) in each line; what follows a `#` is a
/// comment. IPv4-mapped IPv6 is IPv4. Looking an address up takes no lock, and about as long
/// whether the list is short or holds a million networks. Clones are one list.
///
/// ```
/// use portcullis::limit::ban::NetworkList;
///
/// let list: NetworkList = "203.0.113.0/24  # scanners\n2001:db8::/32\n".parse()?;
/// assert!(list.contains("203.0.113.7".parse()?));
/// assert!(!list.contains("198.51.100.1".parse()?));
/// assert!("203.0.113.7/24".parse::<NetworkList>().is_err(), "an address or a network?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Files
/// Write the new list beside the file and rename it over the old one: a file that is being
/// written could be read when half of it is there.
#[derive(Clone)]
pub struct NetworkList(Arc<Inner>);

struct Inner {
    networks: ArcSwap<Networks>,
    path: Option<PathBuf>,
    /// What the last look at the file found.
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Content(u64),
    Unreadable(io::ErrorKind),
    TooLarge,
}

impl Seen {
    fn of(content: &Result<Vec<u8>, Invalid>) -> Self {
        match content {
            Ok(content) => {
                let mut hasher = DefaultHasher::new();
                content.hash(&mut hasher);
                Self::Content(hasher.finish())
            }
            Err(Invalid::Unreadable { source, .. }) => Self::Unreadable(source.kind()),
            Err(_) => Self::TooLarge,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Invalid> {
    let mut content = Vec::new();
    let longest = NetworkList::MAX_FILE_LEN;
    File::open(path)
        .and_then(|file| file.take(longest + 1).read_to_end(&mut content))
        .map_err(|source| Invalid::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    if content.len() as u64 > longest {
        let path = path.to_owned();
        return Err(Invalid::TooLarge { path });
    }
    Ok(content)
}

/// The networks at one moment.
#[derive(Debug, Default)]
struct Networks {
    v4: PrefixSet<Ipv4Net>,
    v6: PrefixSet<Ipv6Net>,
}

impl NetworkList {
    /// The longest file that is read, in bytes: 64 MiB, some four million networks.
    pub const MAX_FILE_LEN: u64 = 64 * 1024 * 1024;

    /// A list of these networks. Bits beyond their prefixes do not count.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self::of(networks.into_iter().collect(), None)
    }

    fn of(networks: Networks, path: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            networks: ArcSwap::from_pointee(networks),
            path,
            seen: Mutex::default(),
        }))
    }

    /// The list in this file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no network.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Invalid> {
        let list = Self::of(Networks::default(), Some(path.as_ref().to_owned()));
        list.reload()?;
        Ok(list)
    }

    /// Reads the file again. How many networks there are now.
    ///
    /// # Errors
    /// When it cannot be read or a line is no network: then the list stays as it was.
    pub fn reload(&self) -> Result<usize, Invalid> {
        self.read_if(|_| true).unwrap_or(Err(Invalid::NoFile))
    }

    /// Reads the file again, if there is anything else in it than at the last look, or what
    /// kept it from being read is another. `None` where there is nothing new.
    ///
    /// # Errors
    /// As [`reload`](Self::reload), once for each content.
    pub fn reload_if_changed(&self) -> Option<Result<usize, Invalid>> {
        self.read_if(|is_new| is_new)
    }

    fn read_if(&self, wanted: impl Fn(bool) -> bool) -> Option<Result<usize, Invalid>> {
        let path = self.0.path.as_deref()?;
        // Also keeps a slower look from putting back an older list.
        let mut seen = lock(&self.0.seen);
        let content = read(path);
        let now = Seen::of(&content);
        if !wanted(*seen != Some(now)) {
            return None;
        }
        *seen = Some(now);
        let networks = content.and_then(|content| String::from_utf8_lossy(&content).parse());
        Some(networks.map(|networks| self.replace(networks)))
    }

    fn replace(&self, networks: Networks) -> usize {
        let len = networks.len();
        self.0.networks.store(Arc::new(networks));
        len
    }

    /// Whether one of the networks holds this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let networks = self.0.networks.load();
        match address.to_canonical() {
            IpAddr::V4(address) => networks.v4.is_covered(&address.into()),
            IpAddr::V6(address) => networks.v6.is_covered(&address.into()),
        }
    }

    /// How many networks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.networks.load().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromStr for NetworkList {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(Self::of(text.parse()?, None))
    }
}

impl fmt::Debug for NetworkList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkList")
            .field("len", &self.len())
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

impl Networks {
    fn insert(&mut self, network: IpNet) {
        match canonical(network).trunc() {
            IpNet::V4(network) => self.v4.insert(network),
            IpNet::V6(network) => self.v6.insert(network),
        };
    }

    fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        let mut found = Self::default();
        networks
            .into_iter()
            .for_each(|network| found.insert(network));
        found
    }
}

impl FromStr for Networks {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut found = Self::default();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                found.insert(parse(line, text)?);
            }
        }
        Ok(found)
    }
}

fn parse(line: usize, text: &str) -> Result<IpNet, Invalid> {
    let address = || text.parse().map(|address: IpAddr| address.into());
    let network: IpNet = text.parse().or_else(|_| address()).map_err(|_| {
        let text = text.chars().take(64).collect();
        Invalid::Line { line, text }
    })?;
    if network != network.trunc() {
        return Err(Invalid::HostBits {
            line,
            text: text.to_owned(),
            network: network.trunc(),
        });
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (name, text, expected) in [
            ("nothing", "", Ok(0)),
            ("comments alone", "# a\n\n   # b\r\n", Ok(0)),
            ("addresses", "192.0.2.1\n2001:db8::1", Ok(2)),
            ("networks", "192.0.2.0/24\n2001:db8::/32\n", Ok(2)),
            ("all there is", "0.0.0.0/0\n::/0", Ok(2)),
            ("twice", "192.0.2.1\n192.0.2.1/32", Ok(1)),
            (
                "a mark in front, CRLF, spaces",
                "\u{FEFF}192.0.2.1 # a\r\n\t192.0.2.2\r\n",
                Ok(2),
            ),
            (
                "mapped is the same",
                "192.0.2.1\n::ffff:192.0.2.1\n::ffff:192.0.2.1/128",
                Ok(1),
            ),
            ("a word", "192.0.2.1\n\nlocalhost", Err(3)),
            ("two on a line", "192.0.2.1 192.0.2.2", Err(1)),
            ("a wide prefix", "192.0.2.0/33", Err(1)),
            ("bits beyond", "192.0.2.0/24\n192.0.2.1/24", Err(2)),
            ("leading zeros", "192.0.02.1", Err(1)),
            ("a zone", "fe80::1%eth0", Err(1)),
        ] {
            let found = text.parse::<NetworkList>();
            let found = found.map(|list| list.len()).map_err(|error| match error {
                Invalid::Line { line, .. } | Invalid::HostBits { line, .. } => line,
                other => panic!("{name}: {other}"),
            });
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn what_it_holds() {
        let list: NetworkList = "192.0.2.0/24\n2001:db8::/32\n::ffff:198.51.100.0/120"
            .parse()
            .unwrap();
        for (address, expected) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("::ffff:192.0.2.1", true),
            ("198.51.100.9", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::", false),
        ] {
            assert_eq!(
                list.contains(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
        let everything: NetworkList = "0.0.0.0/0".parse().unwrap();
        assert!(everything.contains("203.0.113.7".parse().unwrap()));
        assert!(!everything.contains("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_list_without_a_file_is_not_reloaded() {
        let list = NetworkList::new([]);
        assert!(list.is_empty());
        assert!(matches!(list.reload(), Err(Invalid::NoFile)));
        assert!(list.reload_if_changed().is_none());
    }
}
