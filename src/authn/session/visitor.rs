use crate::event::{Emitter, clean};
use crate::guard::{RequestHead, cookie};
use crate::net::client_ip::ClientIp;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// What the browser says of itself and where it is, for the list that the user sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpAddr>,
}

/// What a [`Note`] is made of, cheap to take from every request.
#[derive(Clone, Default)]
pub(super) struct Trace {
    agent: Option<HeaderValue>,
    address: Option<IpAddr>,
}

impl Trace {
    pub(super) fn of(head: &RequestHead<'_>) -> Self {
        Self {
            agent: head.headers().get(header::USER_AGENT).cloned(),
            address: head.extensions().get().map(|ip: &ClientIp| ip.address()),
        }
    }

    /// At most 256 bytes of the name, with nothing in it that could forge a line.
    pub(super) fn note(&self) -> Note {
        let agent = self.agent.as_ref();
        let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        Note {
            agent: agent.map(|agent| clean(&agent).into()),
            address: self.address,
        }
    }
}

/// Who logs in or out: the cookies that the browser has, its name and address, and who hears
/// of it.
///
/// With feature `axum` it is an extractor. The address is there when a
/// [`ClientIpLayer`](crate::net::client_ip::ClientIpLayer) stands outside, and the events are
/// heard when a monitor does.
#[derive(Clone)]
pub struct Visitor {
    cookies: Vec<HeaderValue>,
    trace: Trace,
    pub(super) emitter: Emitter,
}

impl Visitor {
    /// Cookies of one name that are looked at. Honest browsers send one.
    const MAX_COOKIES: usize = 4;

    /// Who sends this request.
    #[must_use]
    pub fn of(head: &RequestHead<'_>) -> Self {
        let cookies = head.headers().get_all(header::COOKIE).iter();
        Self {
            cookies: cookies.cloned().collect(),
            trace: Trace::of(head),
            emitter: Emitter::of(head.extensions()),
        }
    }

    pub(super) fn note(&self) -> Note {
        self.trace.note()
    }

    pub(super) fn cookies(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        cookie::values(&self.cookies, name).take(Self::MAX_COOKIES)
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor")
            .field("note", &self.note())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&RequestHead::of_parts(parts)))
    }
}
