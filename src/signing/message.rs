use super::Fault;
use super::structured::{FieldTypes, are_all};
use http::uri::Authority;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request, response,
};

/// A request or a response as signatures see it, borrowed.
///
/// Behind a proxy, a server sees another scheme or host than the client: say by
/// [`with_origin`](Self::with_origin) what the client sees.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub(super) head: Head<'a>,
    pub(super) headers: &'a HeaderMap,
    pub(super) trailers: Option<&'a HeaderMap>,
    pub(super) types: Option<&'a FieldTypes>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Head<'a> {
    Request(Target<'a>),
    Response {
        status: StatusCode,
        request: Option<&'a Message<'a>>,
    },
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) scheme: &'a str,
    /// As it was sent, without a user.
    pub(super) authority: Option<&'a str>,
    /// Whether somebody said what the client sees.
    pub(super) is_told: bool,
}

impl<'a> Message<'a> {
    /// A request of these parts. Without a scheme in the URI, as HTTP/1.1 sends it, it is
    /// `https`; without a host there, it is that of the one `Host` header.
    #[must_use]
    pub fn of_request(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let authority = uri.authority().map(without_user);
        Self {
            head: Head::Request(Target {
                method,
                uri,
                scheme: uri.scheme_str().unwrap_or("https"),
                authority: authority.or_else(|| only_host(headers)),
                is_told: false,
            }),
            headers,
            trailers: None,
            types: None,
        }
    }

    /// The response to a request. Without the request, what is bound to it cannot be verified.
    #[must_use]
    pub const fn of_response(
        status: StatusCode,
        headers: &'a HeaderMap,
        request: Option<&'a Self>,
    ) -> Self {
        Self {
            head: Head::Response { status, request },
            headers,
            trailers: None,
            types: None,
        }
    }

    /// Sets the scheme and the host, with the port if it is not the usual one, that the client
    /// sees. A response has none of its own and stays as it is.
    #[must_use]
    pub const fn with_origin(mut self, scheme: &'a str, authority: &'a str) -> Self {
        if let Head::Request(target) = &mut self.head {
            target.scheme = scheme;
            target.authority = Some(authority);
            target.is_told = true;
        }
        self
    }

    /// Adds the trailers, once they are there.
    #[must_use]
    pub const fn with_trailers(mut self, trailers: &'a HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// Says of which type structured fields are that are not registered.
    #[must_use]
    pub const fn with_field_types(mut self, types: &'a FieldTypes) -> Self {
        self.types = Some(types);
        self
    }

    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        matches!(self.head, Head::Request(_))
    }

    /// The request itself, or the one that a response answers.
    pub(super) fn target(&self) -> Result<&Target<'a>, Fault> {
        match &self.head {
            Head::Request(target) => Ok(target),
            Head::Response { .. } => Err(Fault::BadComponent("of a request".into())),
        }
    }

    pub(super) const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }
}

impl<'a, B> From<&'a Request<B>> for Message<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self::of_request(request.method(), request.uri(), request.headers())
    }
}

impl<'a> From<&'a request::Parts> for Message<'a> {
    fn from(parts: &'a request::Parts) -> Self {
        Self::of_request(&parts.method, &parts.uri, &parts.headers)
    }
}

impl<'a, B> From<&'a Response<B>> for Message<'a> {
    fn from(response: &'a Response<B>) -> Self {
        Self::of_response(response.status(), response.headers(), None)
    }
}

impl<'a> From<&'a response::Parts> for Message<'a> {
    fn from(parts: &'a response::Parts) -> Self {
        Self::of_response(parts.status, &parts.headers, None)
    }
}

/// No client sends the user of a URI.
fn without_user(authority: &Authority) -> &str {
    let whole = authority.as_str();
    match has_user(whole) {
        true => whole.rsplit_once('@').map_or(whole, |(_, host)| host),
        false => whole,
    }
}

fn has_user(authority: &str) -> bool {
    !are_all(Some(authority.as_bytes()), |byte| byte != b'@')
}

/// Two hosts are none: which of them another would take cannot be known.
fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

impl<'a> Target<'a> {
    /// Host and port; refused where a user stands before them.
    pub(super) fn authority(&self) -> Result<&'a str, Fault> {
        let authority = self.authority.filter(|it| !it.is_empty());
        let authority = authority.ok_or_else(|| Fault::Missing("@authority".into()))?;
        if has_user(authority) {
            return Err(Fault::BadValue("@authority".into()));
        }
        Ok(authority)
    }

    /// The authority without the port that its scheme has anyway (RFC 9421 section 2.2.3), not
    /// lowercased yet.
    pub(super) fn normal_authority(&self) -> Result<&'a str, Fault> {
        self.authority()
            .map(|authority| self.without_port(authority))
    }

    fn without_port<'t>(&self, authority: &'t str) -> &'t str {
        let usual = match self.scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return authority,
        };
        let host = authority.strip_suffix(usual).unwrap_or(authority);
        host.strip_suffix(':').unwrap_or(host)
    }

    /// Whether the `Host` header, where there is one, is that of the target: a handler may look
    /// at either. What the client sees is told where a proxy changes it.
    pub(super) fn has_one_host(&self, headers: &HeaderMap) -> bool {
        let is_ours = |host: &HeaderValue| {
            let ours = self.normal_authority().unwrap_or_default();
            let host = host.to_str().map(|host| self.without_port(host));
            host.is_ok_and(|host| host.eq_ignore_ascii_case(ours))
        };
        self.is_told || headers.get_all(header::HOST).iter().all(is_ours)
    }

    /// The path, which is never empty but for `OPTIONS *` and `CONNECT`.
    pub(super) fn path(&self) -> &'a str {
        self.uri.path()
    }
}
