use super::ClientErrorKind;
use http::Uri;
use http::uri::Scheme;
use std::net::IpAddr;
use std::sync::Arc;

/// What may be told of where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Scheme, host in lower case, and the port unless it is the usual one.
    pub(crate) origin: Arc<str>,
}

impl Target {
    /// Where a URL leads, if it may be called at all.
    pub(crate) fn of(uri: &Uri, allows_http: bool) -> Result<Self, ClientErrorKind> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ClientErrorKind::InvalidUrl);
        };
        let usual_port = match scheme {
            it if *it == Scheme::HTTPS => 443,
            it if *it == Scheme::HTTP => 80,
            _ => return Err(ClientErrorKind::InvalidUrl),
        };
        // Credentials would be left out silently, and hide who is called: `good@evil`.
        let host = authority.host();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(ClientErrorKind::InvalidUrl);
        }
        if usual_port == 80 && !allows_http && !is_loopback(host) {
            return Err(ClientErrorKind::PlainHttp);
        }
        let host = host.to_ascii_lowercase();
        let port = match authority.port() {
            None => usual_port,
            Some(port) => match port.as_u16() {
                0 => return Err(ClientErrorKind::InvalidUrl),
                port => port,
            },
        };
        let origin = if port == usual_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        };
        Ok(Self {
            origin: origin.into(),
        })
    }
}

/// The host without the brackets of IPv6.
pub(super) fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

/// Whether a host says that it is this machine. That it is, is seen when it is resolved.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::ClientErrorKind::*;
    use super::*;

    #[test]
    fn what_may_be_called() {
        for (url, expected) in [
            ("https://id.example.com/a?b=c", Ok("https://id.example.com")),
            ("https://ID.Example.com:443/", Ok("https://id.example.com")),
            (
                "https://id.example.com:8443/",
                Ok("https://id.example.com:8443"),
            ),
            ("https://[2001:db8::1]:1/", Ok("https://[2001:db8::1]:1")),
            ("http://127.0.0.1:3000/", Ok("http://127.0.0.1:3000")),
            ("http://[::1]:3000/", Ok("http://[::1]:3000")),
            (
                "http://[::ffff:127.0.0.1]/",
                Ok("http://[::ffff:127.0.0.1]"),
            ),
            ("http://LOCALHOST/", Ok("http://localhost")),
            ("http://id.example.com/", Err(PlainHttp)),
            ("http://localhost.example.com/", Err(PlainHttp)),
            ("http://127.0.0.1.example.com/", Err(PlainHttp)),
            ("http://127.1/", Err(PlainHttp)),
            ("http://2130706433/", Err(PlainHttp)),
            ("ftp://id.example.com/", Err(InvalidUrl)),
            ("/relative", Err(InvalidUrl)),
            ("id.example.com", Err(InvalidUrl)),
            ("https://user@id.example.com/", Err(InvalidUrl)),
            ("https://user:secret@id.example.com/", Err(InvalidUrl)),
            ("https://id.example.com:0/", Err(InvalidUrl)),
        ] {
            let target = Target::of(&url.parse().unwrap(), false);
            let origin = target.as_ref().map(|it| &*it.origin).map_err(|kind| *kind);
            assert_eq!(origin, expected, "{url}");
        }
        let plain = Target::of(&"http://id.example.com/".parse().unwrap(), true);
        assert_eq!(&*plain.unwrap().origin, "http://id.example.com");
    }
}
