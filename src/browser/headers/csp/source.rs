use super::super::ConfigError;
use crate::browser::Origin;
use crate::browser::origin::{is_dns_name, parse_port, split_port};
use base64ct::{Base64, Encoding};
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// One source that a directive allows.
///
/// ```
/// use portcullis::browser::headers::Source;
///
/// let cdn: Source = "https://cdn.example.com".parse()?;
/// let any_subdomain: Source = "*.example.com".parse()?;
/// let inline_images: Source = "data:".parse()?;
/// // A list in disguise, or a directive of its own, is no source.
/// assert!("https://a.example; script-src *".parse::<Source>().is_err());
/// # Ok::<_, portcullis::browser::headers::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Nonce,
    Keyword(&'static str),
    Hash(Box<str>),
    Host(Box<str>),
    Scheme(Cow<'static, str>),
    Anything,
}

impl Source {
    /// `'self'`: the page's own origin.
    pub const SELF: Self = Self(Kind::Keyword("'self'"));
    /// `'nonce-...'`: elements that carry the [`CspNonce`](super::super::CspNonce) of the
    /// response.
    pub const NONCE: Self = Self(Kind::Nonce);
    /// `'strict-dynamic'`: scripts that a trusted script loads are trusted, and no host is.
    pub const STRICT_DYNAMIC: Self = Self(Kind::Keyword("'strict-dynamic'"));
    /// `'unsafe-inline'`: inline scripts or styles, injected ones included. Browsers that
    /// know nonces or hashes ignore it beside one: there it serves the old ones.
    pub const UNSAFE_INLINE: Self = Self(Kind::Keyword("'unsafe-inline'"));
    /// `'unsafe-eval'`: text run as code.
    pub const UNSAFE_EVAL: Self = Self(Kind::Keyword("'unsafe-eval'"));
    /// `'wasm-unsafe-eval'`: WebAssembly compiled from bytes.
    pub const WASM_UNSAFE_EVAL: Self = Self(Kind::Keyword("'wasm-unsafe-eval'"));
    /// `'unsafe-hashes'`: event handlers and style attributes whose hash is listed.
    pub const UNSAFE_HASHES: Self = Self(Kind::Keyword("'unsafe-hashes'"));
    /// `'report-sample'`: reports show the first 40 characters of what was blocked.
    pub const REPORT_SAMPLE: Self = Self(Kind::Keyword("'report-sample'"));
    /// `https:`: any host, over TLS.
    pub const HTTPS: Self = Self(Kind::Scheme(Cow::Borrowed("https:")));
    /// `data:`: what the page itself spells out.
    pub const DATA: Self = Self(Kind::Scheme(Cow::Borrowed("data:")));
    /// `blob:`: what the page's scripts made.
    pub const BLOB: Self = Self(Kind::Scheme(Cow::Borrowed("blob:")));
    /// `*`: any host over the network.
    pub const ANY_HOST: Self = Self(Kind::Anything);

    /// The SHA-256 hash of an inline script or style: the exact text between its tags.
    #[must_use]
    pub fn hash_of(inline: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, inline.as_bytes());
        let text = format!("'sha256-{}'", Base64::encode_string(digest.as_ref()));
        Self(Kind::Hash(text.into()))
    }

    pub(super) const fn is_nonce(&self) -> bool {
        matches!(self.0, Kind::Nonce)
    }

    /// Whether it names the very elements that may run.
    pub(super) const fn is_nonce_or_hash(&self) -> bool {
        matches!(self.0, Kind::Nonce | Kind::Hash(_))
    }

    /// Whether it names a place: what `'strict-dynamic'` makes browsers ignore.
    pub(super) fn is_place(&self) -> bool {
        !matches!(self.0, Kind::Nonce | Kind::Keyword(_) | Kind::Hash(_)) || *self == Self::SELF
    }

    /// Whether it could be anybody's: a scheme or the wildcard.
    pub(super) const fn is_unbounded(&self) -> bool {
        matches!(self.0, Kind::Scheme(_) | Kind::Anything)
    }

    /// Whether it speaks of code or markup inside the page, so of scripts and styles alone.
    pub(super) fn is_for_scripts_and_styles(&self) -> bool {
        self.is_nonce_or_hash() || (matches!(self.0, Kind::Keyword(_)) && *self != Self::SELF)
    }

    /// Whether it speaks of scripts alone.
    pub(super) fn is_for_scripts(&self) -> bool {
        [
            Self::STRICT_DYNAMIC,
            Self::UNSAFE_EVAL,
            Self::WASM_UNSAFE_EVAL,
        ]
        .contains(self)
    }
}

impl From<Origin> for Source {
    fn from(origin: Origin) -> Self {
        Self(Kind::Host(origin.as_str().into()))
    }
}

impl FromStr for Source {
    type Err = ConfigError;

    /// Reads a scheme, a host or a hash. Keywords are constants of this type.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let kind = match text {
            "*" => Some(Kind::Anything),
            _ if text.starts_with("sha") && is_hash(text) => {
                Some(Kind::Hash(format!("'{text}'").into()))
            }
            _ if is_scheme(text) => Some(Kind::Scheme(text.to_owned().into())),
            _ if is_host_source(text) => Some(Kind::Host(text.into())),
            _ => None,
        };
        kind.map(Self)
            .ok_or_else(|| ConfigError::Source(text.to_owned()))
    }
}

/// As the policy writes it; the nonce as `'nonce-'` without its value.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Nonce => "'nonce-'",
            Kind::Keyword(text) => text,
            Kind::Hash(text) | Kind::Host(text) => text,
            Kind::Scheme(text) => text,
            Kind::Anything => "*",
        })
    }
}

fn is_hash(text: &str) -> bool {
    let length = match text.get(..7) {
        Some("sha256-") => 32,
        Some("sha384-") => 48,
        Some("sha512-") => 64,
        _ => return false,
    };
    let decoded = text.get(7..).map(Base64::decode_vec);
    matches!(decoded, Some(Ok(bytes)) if bytes.len() == length)
}

/// `scheme:`, RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.strip_suffix(':').is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
    })
}

/// `host-source` of CSP Level 3, section 2.3.1: an optional scheme, a host that may start
/// with `*.`, an optional port or `:*`, an optional path.
fn is_host_source(text: &str) -> bool {
    let rest = match text.split_once("://") {
        Some(("http" | "https" | "ws" | "wss", rest)) => rest,
        Some(_) => return false,
        None => text,
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = split_port(authority);
    let is_path = path.bytes().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b'+' | b'=' | b'@'
            )
    });
    let is_port = port.is_none_or(|port| port == "*" || parse_port(port).is_some());
    let name = host.strip_prefix("*.").unwrap_or(host);
    let ends_in_number = |host: &str| {
        let last = host.rsplit('.').next().unwrap_or_default();
        last.bytes().all(|b| b.is_ascii_digit())
    };
    let is_name = if ends_in_number(host) {
        host.parse::<Ipv4Addr>().is_ok()
    } else {
        // A bare word such as `self` or `none` is a forgotten quote far more often than a host.
        is_dns_name(name) && !BARE_KEYWORDS.contains(&host)
    };
    is_name && is_port && is_path
}

const BARE_KEYWORDS: &[&str] = &[
    "none",
    "self",
    "strict-dynamic",
    "report-sample",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let cases = [
            ("a host", "https://cdn.example.com", true),
            ("a host without a scheme", "cdn.example.com", true),
            ("a port", "https://cdn.example.com:8443", true),
            ("any port", "localhost:*", true),
            ("subdomains", "*.example.com", true),
            ("subdomains over TLS", "https://*.example.com", true),
            ("a path", "https://cdn.example.com/js/a-b_c.js", true),
            ("WebSockets", "wss://live.example.com", true),
            ("an address", "http://127.0.0.1:3000", true),
            ("a scheme", "blob:", true),
            ("everything", "*", true),
            ("a hash", hash, true),
            ("nothing", "", false),
            ("a list", "a.example b.example", false),
            ("a second directive", "a.example;script-src", false),
            ("a second policy", "a.example,script-src", false),
            ("a path with a semicolon", "https://a.example/a;b", false),
            ("a path with a comma", "https://a.example/a,b", false),
            ("a quoted keyword", "'unsafe-inline'", false),
            ("a keyword without its quotes", "self", false),
            (
                "a nonce, which would be static",
                "'nonce-AAAAAAAAAAAAAAAAAAAAAA=='",
                false,
            ),
            ("a wildcard inside", "a.*.example", false),
            ("a wildcard as the end", "https://example.*", false),
            ("upper case", "https://CDN.example", false),
            ("not ASCII", "https://bücher.example", false),
            ("a line break", "https://a.example\r\nx: y", false),
            ("a truncated hash", "sha256-47DEQpj8HBSa", false),
            (
                "a hash of another length",
                "sha384-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                false,
            ),
            ("a scheme with white space", "da ta:", false),
            ("another scheme", "ftp://a.example", false),
            ("a scheme twice", "https://https://a.example", false),
            ("port zero", "a.example:0", false),
        ];
        for (name, text, accepted) in cases {
            assert_eq!(text.parse::<Source>().is_ok(), accepted, "{name}: {text}");
        }
        // The example of the specification: the hash of the empty string.
        assert_eq!(Source::hash_of("").to_string(), format!("'{hash}'"));
        assert_eq!(hash.parse::<Source>(), Ok(Source::hash_of("")));
    }
}
