use super::RateKey;
use crate::event::TellOnce;
use crate::guard::RequestHead;
use crate::net::client_ip::{ClientIp, Ipv6Prefix, rate_key_with_prefix};
use crate::principal::Principal;
use std::fmt;
use std::sync::Arc;

type KeyOf = dyn for<'a> Fn(&RequestHead<'a>) -> Option<RateKey<'a>> + Send + Sync;

/// Whom a request is counted for.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) key: Key,
    pub(super) ipv6_prefix: Ipv6Prefix,
    unknown: TellOnce,
}

#[derive(Clone)]
pub(super) enum Key {
    ClientIp,
    Principal,
    Credential,
    Route,
    Everybody,
    By(Arc<KeyOf>),
}

impl Subject {
    pub(super) fn client() -> Self {
        Self {
            key: Key::ClientIp,
            ipv6_prefix: Ipv6Prefix::DEFAULT,
            unknown: TellOnce::default(),
        }
    }

    pub(super) fn of<'a>(&self, request: &RequestHead<'a>) -> RateKey<'a> {
        let principal = || request.extensions().get::<Principal>();
        let key = match &self.key {
            Key::ClientIp => None,
            Key::Principal => principal().map(|who| RateKey::principal(who.tenant(), who.id())),
            Key::Credential => principal()
                .and_then(|who| who.authentication().credential())
                .map(RateKey::credential),
            Key::Route => {
                let method = request.method().as_str();
                return RateKey::route(method, request.uri().path());
            }
            Key::Everybody => return RateKey::EVERYBODY,
            Key::By(key) => key(request),
        };
        key.unwrap_or_else(|| self.network_of(request))
    }

    fn network_of(&self, request: &RequestHead<'_>) -> RateKey<'static> {
        match request.extensions().get::<ClientIp>() {
            Some(client) => rate_key_with_prefix(client.address(), self.ipv6_prefix).into(),
            None => {
                self.unknown.tell(
                    request.extensions(),
                    "rate_limit_shared",
                    "no ClientIp in the request: such requests share one allowance",
                );
                RateKey::UNKNOWN
            }
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.key {
            Key::ClientIp => "client ip",
            Key::Principal => "principal",
            Key::Credential => "credential",
            Key::Route => "route",
            Key::Everybody => "everybody",
            Key::By(_) => "closure",
        })
    }
}

/// The methods of a builder that say who is counted, for a type that has a `subject_mut`.
macro_rules! impl_by {
    ($builder:ident) => {
        impl $builder {
            /// Counts by the [`Principal`](crate::principal::Principal): its tenant and id.
            pub fn by_principal(mut self) -> Self {
                self.subject_mut().key = $crate::limit::subject::Key::Principal;
                self
            }

            /// Counts by the credential that the [`Principal`](crate::principal::Principal) was
            /// authenticated with, such as an API key, a token or a session.
            pub fn by_credential(mut self) -> Self {
                self.subject_mut().key = $crate::limit::subject::Key::Credential;
                self
            }

            /// Counts by method and path, as they came, for all clients together. A client can
            /// make up as many paths as it likes; where that matters, put a limit
            /// [for all](Self::for_everybody) on the one route instead.
            pub fn by_route(mut self) -> Self {
                self.subject_mut().key = $crate::limit::subject::Key::Route;
                self
            }

            /// One limit for all requests.
            pub fn for_everybody(mut self) -> Self {
                self.subject_mut().key = $crate::limit::subject::Key::Everybody;
                self
            }

            /// Counts by what `key` finds in the head of the request, and where it finds
            /// nothing, by the client's network. It should be something that a client cannot
            /// make up anew for each request, for then nothing is limited: no unchecked header.
            ///
            /// ```
            /// use portcullis::limit::{Quota, RateLimitLayer};
            /// use portcullis::principal::Principal;
            ///
            /// let per_tenant = RateLimitLayer::new(Quota::per_second(100)?)
            ///     .by(|request| Some(request.extensions().get::<Principal>()?.tenant()?.into()));
            /// # Ok::<(), portcullis::limit::InvalidQuota>(())
            /// ```
            pub fn by(
                mut self,
                key: impl for<'a> Fn(
                    &$crate::guard::RequestHead<'a>,
                ) -> Option<$crate::limit::RateKey<'a>>
                + Send
                + Sync
                + 'static,
            ) -> Self {
                self.subject_mut().key = $crate::limit::subject::Key::By(std::sync::Arc::new(key));
                self
            }

            /// Counts IPv6 clients by networks of this prefix instead of 64 bits.
            ///
            /// ```
            /// use portcullis::limit::{Quota, RateLimitLayer};
            /// use portcullis::net::client_ip::Ipv6Prefix;
            ///
            /// let per_site = RateLimitLayer::new(Quota::per_minute(100)?).ipv6_prefix(Ipv6Prefix::new(56)?);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn ipv6_prefix(mut self, prefix: $crate::net::client_ip::Ipv6Prefix) -> Self {
                self.subject_mut().ipv6_prefix = prefix;
                self
            }
        }
    };
}
pub(super) use impl_by;
