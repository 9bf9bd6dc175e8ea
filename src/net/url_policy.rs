//! Which URLs that users name may be called, against server-side request forgery (SSRF).
//!
//! A [`UrlPolicy`] reads a URL as the WHATWG standard has it and then refuses
//!
//! 1. schemes other than `https` (and `http`, where allowed), user names and passwords, ports
//!    other than the usual one,
//! 2. what other parsers could read otherwise: control characters, white space, backslashes,
//!    more than 2048 bytes,
//! 3. addresses that an [`AddressPolicy`] does not allow, in whatever notation (`0x7f.1`,
//!    `2130706433`, `[::ffff:10.0.0.1]`),
//! 4. names that never are public: `localhost`, `.local`, `.internal`, names of one label,
//! 5. where [hosts are named](UrlPolicy::only_hosts), all others.
//!
//! A name says nothing of the address it leads to, and may lead to another a moment later.
//! Call what passes through a client that asks the same [`AddressPolicy`] when it connects, as
//! `net::client` does, and that follows no redirects.
//!
//! ```
//! use portcullis::net::url_policy::{UrlError, UrlPolicy};
//!
//! let policy = UrlPolicy::new();
//! let url = policy.check("https://hooks.example.com/a?b=c")?;
//! assert_eq!(url.host_str(), Some("hooks.example.com"));
//!
//! assert_eq!(policy.check("https://169.254.169.254/latest/"), Err(UrlError::Address));
//! assert_eq!(policy.check("https://0x7f.1/"), Err(UrlError::Address));
//! assert_eq!(policy.check("file:///etc/passwd"), Err(UrlError::Scheme));
//! # Ok::<(), UrlError>(())
//! ```
//!
//! ASVS 5.0: 1.3.6 (server-side request forgery).

use super::address::AddressPolicy;
use thiserror::Error;
use url::{Host, Url};

/// The most bytes of a URL.
const MAX_BYTES: usize = 2048;

/// Top-level domains that name nothing public (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what
/// ICANN set aside for private use in 2024).
const PRIVATE_DOMAINS: &[&str] = &[
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// Why a URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no absolute URL, or one that parsers read differently.
    #[error("write an absolute URL without spaces, control characters and backslashes")]
    Malformed,
    /// It has more bytes than 2048.
    #[error("use at most 2048 bytes")]
    TooLong,
    /// It is of a scheme that is not allowed.
    #[error("use https")]
    Scheme,
    /// It has a user name or a password.
    #[error("leave out the user name and the password")]
    Credentials,
    /// It has a port that is not allowed.
    #[error("leave out the port")]
    Port,
    /// Its host is not one of those that are allowed, or is not public.
    #[error("this host is not allowed")]
    Host,
    /// Its host is an address that may not be called.
    #[error("this address is not allowed")]
    Address,
}

impl UrlError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "url_malformed",
            Self::TooLong => "url_too_long",
            Self::Scheme => "url_scheme",
            Self::Credentials => "url_credentials",
            Self::Port => "url_port",
            Self::Host => "url_host",
            Self::Address => "url_address",
        }
    }
}

/// Which URLs may be called. See the [module](self) for the rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UrlPolicy {
    allows_http: bool,
    ports: Vec<u16>,
    hosts: Option<Vec<String>>,
    addresses: AddressPolicy,
}

impl UrlPolicy {
    /// `https` on its usual port, to any public host.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows `http` too, whose answers anybody on the way can change.
    pub const fn insecure_allow_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Allows this port too.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Allows only these hosts: a name as it is (`hooks.example.com`), or all names below one
    /// (`*.example.com`). Names that are given need not be public ones; an address that is
    /// given has to be one that the policy of addresses allows, as any other.
    pub fn only_hosts<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let lower = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts = Some(hosts.into_iter().map(lower).collect());
        self
    }

    /// Judges addresses by this policy. Give the same to the client that calls.
    pub fn addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// How addresses are judged, for the client that calls.
    pub const fn address_policy(&self) -> &AddressPolicy {
        &self.addresses
    }

    /// Judges a URL, and gives it as it was understood. Call that one, not the text.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, text: &str) -> Result<Url, UrlError> {
        if text.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        // The parser skips some of these, and turns backslashes into slashes.
        let is_ambiguous = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.contains(is_ambiguous) {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        let usual_port = match url.scheme() {
            "https" => 443,
            "http" if self.allows_http => 80,
            _ => return Err(UrlError::Scheme),
        };
        // `https:example.com` and `https:///example.com` are URLs to this parser alone.
        if !has_plain_authority(text) {
            return Err(UrlError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let port = url.port().unwrap_or(usual_port);
        if port != usual_port && !self.ports.contains(&port) {
            return Err(UrlError::Port);
        }
        self.check_host(&url.host().ok_or(UrlError::Malformed)?)?;
        Ok(url)
    }

    fn check_host(&self, host: &Host<&str>) -> Result<(), UrlError> {
        let address = match host {
            Host::Domain(name) => return self.check_name(name),
            Host::Ipv4(address) => (*address).into(),
            Host::Ipv6(address) => (*address).into(),
        };
        let is_named = |hosts: &Vec<String>| hosts.contains(&host.to_string());
        if self.hosts.as_ref().is_some_and(|hosts| !is_named(hosts)) {
            return Err(UrlError::Host);
        }
        self.addresses.check(address).map_err(|_| UrlError::Address)
    }

    fn check_name(&self, name: &str) -> Result<(), UrlError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_allowed = match &self.hosts {
            None => is_public(name),
            Some(hosts) => hosts.iter().any(|host| match host.strip_prefix('*') {
                None => host == name,
                Some(below) => {
                    below.starts_with('.') && name.ends_with(below) && name.len() > below.len()
                }
            }),
        };
        is_allowed.then_some(()).ok_or(UrlError::Host)
    }
}

/// Whether two slashes and no third follow the scheme.
fn has_plain_authority(text: &str) -> bool {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let authority = rest.strip_prefix("//");
    authority.is_some_and(|it| !it.starts_with('/'))
}

/// Whether a name is one of the public domain name system.
fn is_public(name: &str) -> bool {
    match name.rsplit_once('.') {
        None => false,
        Some((labels, top)) => !labels.is_empty() && !PRIVATE_DOMAINS.contains(&top),
    }
}

#[cfg(test)]
mod tests {
    use super::UrlError::*;
    use super::*;

    #[test]
    fn urls() {
        let policy = UrlPolicy::new();
        for (url, expected) in [
            (
                "https://hooks.example.com/a?b=c#d",
                Ok("https://hooks.example.com/a?b=c#d"),
            ),
            (
                "HTTPS://Hooks.Example.COM:443",
                Ok("https://hooks.example.com/"),
            ),
            ("https://8.8.8.8/", Ok("https://8.8.8.8/")),
            ("https://例え.jp/", Ok("https://xn--r8jz45g.jp/")),
            ("https://example.com./", Ok("https://example.com./")),
            ("http://example.com/", Err(Scheme)),
            ("ftp://example.com/", Err(Scheme)),
            ("file:///etc/passwd", Err(Scheme)),
            ("gopher://example.com/", Err(Scheme)),
            ("javascript:alert(1)", Err(Scheme)),
            ("/relative", Err(Malformed)),
            ("//example.com/", Err(Malformed)),
            ("", Err(Malformed)),
            ("https://", Err(Malformed)),
            ("https:example.com", Err(Malformed)),
            ("https:///example.com", Err(Malformed)),
            ("https:\\\\example.com", Err(Malformed)),
            ("https://example.com\\@169.254.169.254/", Err(Malformed)),
            (" https://example.com/", Err(Malformed)),
            ("https://exam\nple.com/", Err(Malformed)),
            ("https://exa mple.com/", Err(Malformed)),
            ("https://example.com/\u{2028}", Err(Malformed)),
            ("https://ann@example.com/", Err(Credentials)),
            ("https://example.com@evil.com/", Err(Credentials)),
            ("https://:x@example.com/", Err(Credentials)),
            ("https://example.com:8443/", Err(Port)),
            ("https://example.com:0/", Err(Port)),
            ("https://example.com:80/", Err(Port)),
            ("https://127.0.0.1/", Err(Address)),
            ("https://127.1/", Err(Address)),
            ("https://2130706433/", Err(Address)),
            ("https://0x7f000001/", Err(Address)),
            ("https://0177.0.0.1/", Err(Address)),
            ("https://①②⑦.0.0.1/", Err(Address)),
            ("https://0/", Err(Address)),
            ("https://10.1.2.3/", Err(Address)),
            ("https://169.254.169.254/latest/meta-data/", Err(Address)),
            ("https://[::1]/", Err(Address)),
            ("https://[::]/", Err(Address)),
            ("https://[::ffff:127.0.0.1]/", Err(Address)),
            ("https://[::ffff:a9fe:a9fe]/", Err(Address)),
            ("https://[64:ff9b::10.0.0.1]/", Err(Address)),
            ("https://[fd00:ec2::254]/", Err(Address)),
            ("https://localhost/", Err(Host)),
            ("https://LOCALHOST./", Err(Host)),
            ("https://a.localhost/", Err(Host)),
            ("https://metadata.google.internal/", Err(Host)),
            ("https://printer.local/", Err(Host)),
            ("https://intranet/", Err(Host)),
            ("https://kubernetes.default.svc.cluster.local/", Err(Host)),
        ] {
            let found = policy.check(url);
            assert_eq!(
                found.as_ref().map(Url::as_str),
                expected.as_ref().copied(),
                "{url}"
            );
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        assert_eq!(policy.check(&long), Err(TooLong));
    }

    #[test]
    fn what_is_allowed_is_allowed_alone() {
        let policy = UrlPolicy::new()
            .insecure_allow_http()
            .allow_port(8443)
            .only_hosts(["hooks.example.com", "*.example.org", "sidecar", "127.0.0.1"])
            .addresses(AddressPolicy::public().allow_loopback());
        for (url, expected) in [
            ("http://hooks.example.com/", None),
            ("https://hooks.example.com:8443/", None),
            ("https://a.example.org/", None),
            ("https://a.b.example.org/", None),
            ("https://sidecar/", None),
            ("https://127.0.0.1/", None),
            ("https://example.org/", Some(Host)),
            ("https://aexample.org/", Some(Host)),
            ("https://hooks.example.com.evil.com/", Some(Host)),
            ("https://example.com/", Some(Host)),
            ("https://127.0.0.2/", Some(Host)),
            ("https://8.8.8.8/", Some(Host)),
            ("https://hooks.example.com:9/", Some(Port)),
        ] {
            assert_eq!(policy.check(url).err(), expected, "{url}");
        }
    }
}
