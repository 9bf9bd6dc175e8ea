use super::{ConfigError, Message};
use http::uri::Authority;
use std::sync::Arc;

/// The scheme and the host that clients see, where a proxy in front changes them. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub(super) struct Origin(Arc<(Box<str>, Box<str>)>);

impl Origin {
    pub(super) fn new(scheme: &str, authority: &str) -> Result<Self, ConfigError> {
        // There are two for HTTP (RFC 9110 section 4.2).
        if !matches!(scheme, "http" | "https") || !is_authority(authority) {
            let origin = format!("{scheme}://{authority}");
            return Err(ConfigError::Origin(origin));
        }
        Ok(Self(Arc::new((scheme.into(), authority.into()))))
    }

    /// The message as clients see it, where somebody said how that is.
    pub(super) fn seen<'a>(origin: Option<&'a Self>, message: Message<'a>) -> Message<'a> {
        match origin {
            Some(Self(seen)) => message.with_origin(&seen.0, &seen.1),
            None => message,
        }
    }
}

/// A host, with a port or without, and nothing else.
pub(super) fn is_authority(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else {
        return false;
    };
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host);
    // A port that is no number of 16 bits is told from none by what is left.
    let has_good_port = port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some());
    !host.is_empty() && has_good_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_origin_and_what_is_not() {
        for (scheme, authority, is_good) in [
            ("https", "api.example.com", true),
            ("http", "api.example.com:8080", true),
            ("https", "API.example.com", true),
            ("https", "127.0.0.1:80", true),
            ("https", "[::1]:8443", true),
            ("https", "", false),
            ("https", ":443", false),
            ("https", "api.example.com:", false),
            ("https", "api.example.com:x", false),
            ("https", "api.example.com:65536", false),
            ("https", "api.example.com/", false),
            ("https", "https://api.example.com", false),
            ("https", "api.example.com?x", false),
            ("https", "ann@api.example.com", false),
            ("https", "a b", false),
            ("https", "\u{e9}.example", false),
            ("https", "[::1", false),
            ("", "api.example.com", false),
            ("HTTPS", "api.example.com", false),
            ("https:", "api.example.com", false),
            ("https://", "api.example.com", false),
            ("ftp", "api.example.com", false),
        ] {
            let made = Origin::new(scheme, authority);
            assert_eq!(made.is_ok(), is_good, "{scheme}://{authority}");
        }
    }
}
