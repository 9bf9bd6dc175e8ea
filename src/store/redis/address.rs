use crate::secret::SecretString;
use std::fmt;
use std::path::PathBuf;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub(super) address: Address,
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) database: Option<i64>,
}

/// What is wrong with a URL. It shows neither the URL nor a part that could be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It has another scheme, or none.
    #[error(
        "it has to begin with redis://, rediss:// (with TLS) or unix://, as redis://localhost:6379"
    )]
    Scheme,
    /// It does not parse.
    #[error(
        "it does not parse: write redis://user:password@host:port/database, special characters in the \
         password percent-encoded (or give it by the builder's `password`)"
    )]
    Syntax,
    /// It names no server.
    #[error("it names no host")]
    NoHost,
    /// The database is not a number.
    #[error("the database, after the last slash, has to be a number from 0 on")]
    Database,
    /// It ends in options.
    #[error(
        "it has options after `?` or `#`, which are not known: what they would set is set by the builder; \
         if they are part of the password, percent-encode them (`%3F`, `%23`)"
    )]
    Options,
    /// User or password are not UTF-8 once decoded.
    #[error("user and password have to be UTF-8, percent-encoded")]
    Credentials,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let tls = match scheme {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            "unix" | "redis+unix" | "valkey+unix" => return Self::parse_unix(rest),
            _ => return Err(AddressError::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(AddressError::Options);
        }
        let url = redis::parse_redis_url(text).ok_or(AddressError::Syntax)?;
        // Without the brackets of an IPv6 address, which are no part of it.
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        let address = Address::Tcp {
            host: host.to_owned(),
            port: url.port().unwrap_or(DEFAULT_PORT),
            tls,
        };
        let username = Some(url.username()).filter(|name| !name.is_empty());
        Ok(Self {
            address,
            username: username.map(decoded).transpose()?,
            password: url
                .password()
                .map(|text| decoded(text).map(SecretString::from))
                .transpose()?,
            database: match url.path().trim_matches('/') {
                "" => None,
                number => Some(database(number)?),
            },
        })
    }

    fn parse_unix(path: &str) -> Result<Self, AddressError> {
        if path.contains(['?', '#']) {
            return Err(AddressError::Options);
        }
        if !path.starts_with('/') {
            return Err(AddressError::NoHost);
        }
        Ok(Self {
            address: Address::Unix(decoded(path)?.into()),
            username: None,
            password: None,
            database: None,
        })
    }
}

const DEFAULT_PORT: u16 = 6379;

fn database(number: &str) -> Result<i64, AddressError> {
    let parsed = number.parse().ok().filter(|number: &i64| *number >= 0);
    parsed.ok_or(AddressError::Database)
}

fn decoded(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let hex = match (first, others) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|pair| !pair.starts_with('+'))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok()),
            _ => None,
        };
        bytes.push(hex.unwrap_or(*first));
        rest = match hex {
            Some(_) => others.get(2..).unwrap_or_default(),
            None => others,
        };
    }
    String::from_utf8(bytes).map_err(|_| AddressError::Credentials)
}

impl Address {
    /// The address that a Cluster tells of one of its servers, as `host:port`. It may leave
    /// out the host when it is that of the server which tells.
    pub(super) fn told_by(&self, told: &str) -> Option<Self> {
        let (host, port) = told.rsplit_once(':')?;
        self.beside(host, port.parse().ok()?)
    }

    /// As above, host and port apart.
    pub(super) fn beside(&self, host: &str, port: u16) -> Option<Self> {
        let Self::Tcp { host: own, tls, .. } = self else {
            return None;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if matches!(host, "" | "?") { own } else { host };
        Some(Self::Tcp {
            host: host.to_owned(),
            port,
            tls: *tls,
        })
    }

    pub(super) const fn uses_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_understood() {
        for (name, text, address, username, password, database) in [
            (
                "plain",
                "redis://localhost",
                "localhost:6379",
                None,
                None,
                None,
            ),
            (
                "port",
                "redis://10.0.0.1:7000/",
                "10.0.0.1:7000",
                None,
                None,
                None,
            ),
            ("ipv6", "redis://[::1]:7000", "[::1]:7000", None, None, None),
            ("valkey", "valkey://cache", "cache:6379", None, None, None),
            ("database", "redis://h/3", "h:6379", None, None, Some(3)),
            (
                "password",
                "redis://:pw@h",
                "h:6379",
                None,
                Some("pw"),
                None,
            ),
            (
                "encoded",
                "rediss://us%40er:p%2Fw%23%3F%25@h:1",
                "h:1",
                Some("us@er"),
                Some("p/w#?%"),
                None,
            ),
            (
                "socket",
                "unix:///run/redis.sock",
                "/run/redis.sock",
                None,
                None,
                None,
            ),
        ] {
            let url = Url::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(url.address.to_string(), address, "{name}");
            assert_eq!(url.username.as_deref(), username, "{name}");
            let found = url.password.as_ref().map(SecretString::expose);
            assert_eq!(found, password, "{name}");
            assert_eq!(url.database, database, "{name}");
            assert_eq!(url.address.uses_tls(), text.starts_with("rediss"), "{name}");
        }
    }

    #[test]
    fn urls_that_are_wrong_say_why_and_keep_the_password() {
        use AddressError::{Credentials, Database, NoHost, Options, Scheme, Syntax};
        for (name, text, expected) in [
            ("none", "", Scheme),
            ("no scheme", "s3cret@localhost:6379", Scheme),
            ("http", "http://:s3cret@localhost", Scheme),
            ("no host", "redis://", NoHost),
            ("no path", "unix://s3cret", NoHost),
            (
                "slash in the password",
                "redis://:s3/cret@localhost",
                Syntax,
            ),
            (
                "sharp in the password",
                "redis://:s3#cret@localhost",
                Options,
            ),
            ("port", "redis://localhost:99999", Syntax),
            ("text for a database", "redis://:s3cret@h/one", Database),
            ("negative database", "redis://h/-1", Database),
            ("insecure", "rediss://h/#insecure", Options),
            ("protocol", "redis://h/?protocol=resp3", Options),
            ("no utf-8", "redis://:%ff@h", Credentials),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert_eq!(error, expected, "{name}");
            assert!(!error.to_string().contains("s3"), "{name}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let url = Url::parse("redis://ann:s3cret@localhost").unwrap();
        assert!(!format!("{url:?}").contains("s3cret"));
    }

    #[test]
    fn a_cluster_may_leave_out_the_host() {
        let seed = Url::parse("rediss://seed:7000").unwrap().address;
        for (told, expected) in [
            ("10.0.0.2:7001", Some("10.0.0.2:7001")),
            (":7001", Some("seed:7001")),
            ("?:7001", Some("seed:7001")),
            ("::1:7001", Some("[::1]:7001")),
            ("nonsense", None),
            ("host:port", None),
        ] {
            let found = seed.told_by(told);
            assert!(found.as_ref().is_none_or(Address::uses_tls));
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected);
        }
    }
}
