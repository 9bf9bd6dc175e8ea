use super::parse::RequestHeaders;
use crate::guard::RequestHead;
use crate::net::client_ip::ClientIp;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// A request as plain data: what [`Waf::judge`](super::Waf::judge) looks at.
///
/// ```
/// use portcullis::waf::RawRequest;
///
/// let request = RawRequest::new("POST", "/notes?draft=1")
///     .header("content-type", "application/json")
///     .body(br#"{"title":"Milk"}"#);
/// # let _ = request;
/// ```
#[derive(Clone)]
#[must_use]
pub struct RawRequest<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a [u8],
    pub(super) query: Option<&'a [u8]>,
    pub(super) headers: RequestHeaders<'a>,
    pub(super) body: &'a [u8],
    pub(super) body_is_whole: bool,
    pub(super) client: Option<IpAddr>,
}

impl<'a> RawRequest<'a> {
    /// A request of this method for this target, as sent: the path and, after a question
    /// mark, the query.
    pub fn new(method: &'a str, target: &'a str) -> Self {
        let target = target.as_bytes();
        let target = match memchr::memchr(b'#', target) {
            Some(at) => target.get(..at).unwrap_or(target),
            None => target,
        };
        let (path, query) = match memchr::memchr(b'?', target) {
            Some(at) => (target.get(..at).unwrap_or(target), target.get(at + 1..)),
            None => (target, None),
        };
        Self {
            method,
            path,
            query,
            headers: RequestHeaders::default(),
            body: &[],
            body_is_whole: true,
            client: None,
        }
    }

    /// The head of an HTTP request.
    pub fn of(head: &RequestHead<'a>) -> Self {
        let uri = head.uri();
        let mut request = Self {
            method: head.method().as_str(),
            path: uri.path().as_bytes(),
            query: uri.query().map(str::as_bytes),
            headers: RequestHeaders::with_capacity(head.headers().len()),
            body: &[],
            body_is_whole: true,
            client: head
                .extensions()
                .get::<ClientIp>()
                .map(|client| client.address()),
        };
        for (name, value) in head.headers() {
            request
                .headers
                .push(Cow::Borrowed(name.as_str()), value.as_bytes());
        }
        // HTTP/2 has the host in the target.
        if let Some(authority) = uri.authority()
            && !head.headers().contains_key(http::header::HOST)
        {
            request
                .headers
                .push(Cow::Borrowed("host"), authority.as_str().as_bytes());
        }
        request
    }

    /// Adds a header, as sent.
    pub fn header(mut self, name: &'a str, value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        let lower = if name.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        self.headers.push(lower, value.as_ref());
        self
    }

    /// Sets the client's address, for rules that ask for it.
    pub fn client_address(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.body = body.as_ref();
        self
    }

    /// Sets the beginning of a body of which there is more. What it lacks at its end is no
    /// fault then.
    pub fn beginning_of_body(mut self, body: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.body = body.as_ref();
        self.body_is_whole = false;
        self
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for RawRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &String::from_utf8_lossy(self.path))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}
