//! URLs as proofs name them, brought to one spelling (RFC 3986 sections 6.2.2 and 6.2.3).

use super::DpopConfigError;
use http::Uri;
use std::fmt::Write;
use std::net::IpAddr;

/// A URL under which the service is reached, up to where the paths of its requests begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    origin: String,
    prefix: String,
}

impl Base {
    pub(super) fn new(url: &str) -> Result<Self, DpopConfigError> {
        let invalid = || DpopConfigError::InvalidUrl(url.to_owned());
        if url.contains(['?', '#']) {
            return Err(invalid());
        }
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let origin = origin(&uri).ok_or_else(invalid)?;
        let is_local = uri.host().is_some_and(is_loopback);
        if !origin.starts_with("https:") && !is_local {
            return Err(invalid());
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { origin, prefix })
    }

    /// Whether a proof's `htu` is the URL of this path here.
    pub(super) fn is_target(&self, htu: &Target, path: &str) -> bool {
        let path = format!("{}{path}", self.prefix);
        htu.origin == self.origin && normal_path(&path).as_ref() == Some(&htu.path)
    }
}

/// A URL without query and fragment, in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    origin: String,
    path: String,
}

impl Target {
    /// Nothing when it is no absolute URL of http, or has credentials.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        Some(Self {
            origin: origin(&uri)?,
            path: normal_path(uri.path())?,
        })
    }
}

/// Scheme, host in lower case, and the port unless it is the scheme's own.
fn origin(uri: &Uri) -> Option<String> {
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let usual = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return None;
    }
    let mut origin = format!("{scheme}://{}", authority.host().to_ascii_lowercase());
    match authority.as_str().get(authority.host().len()..) {
        None | Some("" | ":") => {}
        Some(port) => {
            let port: u16 = port.strip_prefix(':')?.parse().ok()?;
            if port.to_string() != usual {
                write!(origin, ":{port}").ok()?;
            }
        }
    }
    Some(origin)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

/// The path with escapes in upper case, none for what needs none, and without dot segments.
fn normal_path(path: &str) -> Option<String> {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let (digits, after) = after.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            write!(plain, "%{byte:02X}").ok()?;
        }
        rest = after;
    }
    plain.push_str(rest);
    Some(without_dots(&plain))
}

/// RFC 3986 section 5.2.4, of a path that begins with a slash or is empty.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut ends_in_dots = false;
    for segment in segments {
        ends_in_dots = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    if ends_in_dots {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_url() {
        let base = Base::new("https://api.example.com/v1/").unwrap();
        let is_target = |htu: &str| {
            let target = Target::parse(htu);
            target.is_some_and(|target| base.is_target(&target, "/a%2fb/~c"))
        };
        for (name, htu, expected) in [
            ("as it is", "https://api.example.com/v1/a%2Fb/~c", true),
            (
                "scheme and host",
                "HTTPS://API.Example.COM/v1/a%2Fb/~c",
                true,
            ),
            (
                "the usual port",
                "https://api.example.com:443/v1/a%2Fb/~c",
                true,
            ),
            (
                "an empty port",
                "https://api.example.com:/v1/a%2Fb/~c",
                true,
            ),
            ("escapes", "https://api.example.com/%761/a%2fb/%7Ec", true),
            ("dots", "https://api.example.com/x/../v1/./a%2Fb/~c", true),
            ("a query", "https://api.example.com/v1/a%2Fb/~c?d=e", true),
            ("a fragment", "https://api.example.com/v1/a%2Fb/~c#d", true),
            ("plain http", "http://api.example.com/v1/a%2Fb/~c", false),
            ("another host", "https://api.example.org/v1/a%2Fb/~c", false),
            (
                "another port",
                "https://api.example.com:8443/v1/a%2Fb/~c",
                false,
            ),
            ("no prefix", "https://api.example.com/a%2Fb/~c", false),
            (
                "a slash more",
                "https://api.example.com/v1/a%2Fb/~c/",
                false,
            ),
            (
                "a slash for its escape",
                "https://api.example.com/v1/a/b/~c",
                false,
            ),
            (
                "case of the path",
                "https://api.example.com/V1/a%2Fb/~c",
                false,
            ),
            (
                "credentials",
                "https://x@api.example.com/v1/a%2Fb/~c",
                false,
            ),
            ("half an escape", "https://api.example.com/v1/a%2", false),
            ("no escape", "https://api.example.com/v1/a%zz", false),
            (
                "a sign in an escape",
                "https://api.example.com/v1/a%+f",
                false,
            ),
            ("no host", "https:///v1/a%2Fb/~c", false),
            ("relative", "/v1/a%2Fb/~c", false),
            ("nothing", "", false),
        ] {
            assert_eq!(is_target(htu), expected, "{name}");
        }
    }

    #[test]
    fn dots_lead_nowhere() {
        for (path, expected) in [
            ("", "/"),
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a//b", "/a//b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/../../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/..", "/"),
            ("/%2e%2E/a", "/a"),
            ("/...", "/..."),
        ] {
            assert_eq!(normal_path(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_service() {
        for url in [
            "http://api.example.com",
            "https://u@api.example.com",
            "https://api.example.com/?a",
            "https://api.example.com/#a",
            "api.example.com",
            "/",
            "ftp://api.example.com",
            "https://api.example.com:99999",
        ] {
            assert!(Base::new(url).is_err(), "{url}");
        }
        for url in [
            "http://127.0.0.1:3000",
            "http://localhost",
            "http://[::1]:1/a",
        ] {
            assert!(Base::new(url).is_ok(), "{url}");
        }
    }
}
