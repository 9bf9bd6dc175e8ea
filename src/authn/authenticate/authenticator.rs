use crate::guard::{Challenge, Rejection, RequestHead};
use crate::principal::Principal;
use http::{HeaderName, HeaderValue};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The future of an attempt that has to ask a store or a network.
pub type LaterAttempt = Pin<Box<dyn Future<Output = Result<Admission, Rejection>> + Send>>;

/// Who is let in, and what the answer has to tell the client: a
/// [`Principal`] becomes one [as it is](From), mostly with nothing to tell.
#[derive(Clone, Debug)]
#[must_use]
pub struct Admission {
    principal: Principal,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Admission {
    /// Lets this principal in.
    pub const fn new(principal: Principal) -> Self {
        Self {
            principal,
            headers: Vec::new(),
        }
    }

    /// Sends this header with the answer, unless the service sets one of that name, or a cookie
    /// of the same name: the nonce for the next proof, a token that follows this one. A
    /// `Cache-Control` takes the place of the service's, which does not know what else goes out.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Who is let in.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The headers for the answer.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Who is let in, and the headers for the answer.
    #[must_use]
    pub fn into_parts(self) -> (Principal, Vec<(HeaderName, HeaderValue)>) {
        (self.principal, self.headers)
    }
}

impl From<Principal> for Admission {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}

/// What an authenticator found.
#[expect(
    clippy::exhaustive_enums,
    reason = "an authenticator that wraps others must handle every outcome"
)]
pub enum Attempt {
    /// No credential of this kind: the next authenticator is asked.
    Absent,
    /// A good credential.
    Authenticated(Admission),
    /// A credential that is no good. A rejection of kind `Unauthenticated` without a challenge
    /// of its own gets those of all authenticators.
    Rejected(Rejection),
    /// There is a credential, and it takes waiting to say whether it is good.
    Later(LaterAttempt),
}

impl Attempt {
    /// The outcome of an attempt that may have to wait: now, where it is there without
    /// waiting, as with a store in memory.
    #[must_use]
    pub fn now_or_later<A: Into<Admission>>(
        attempt: impl Future<Output = Result<A, Rejection>> + Send + 'static,
    ) -> Self {
        let mut attempt: LaterAttempt = Box::pin(async move { Ok(attempt.await?.into()) });
        let mut nobody_waits = Context::from_waker(Waker::noop());
        match attempt.as_mut().poll(&mut nobody_waits) {
            Poll::Ready(Ok(admission)) => Self::Authenticated(admission),
            Poll::Ready(Err(rejection)) => Self::Rejected(rejection),
            // Whoever waits polls it again, and is the one that is woken.
            Poll::Pending => Self::Later(attempt),
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Authenticated(admission) => {
                f.debug_tuple("Authenticated").field(admission).finish()
            }
            Self::Rejected(rejection) => f.debug_tuple("Rejected").field(rejection).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// One way of proving who is calling. A tuple of authenticators asks each in turn until one
/// finds its credential.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a way to authenticate requests",
    note = "implement `portcullis::authn::Authenticator`, or pass a tuple of two to six authenticators"
)]
pub trait Authenticator: Send + Sync + 'static {
    /// What a client without a credential is told (`WWW-Authenticate`). Nothing where there is
    /// nothing a program could do, as for a session cookie.
    fn challenges(&self) -> Vec<Challenge>;

    /// Looks for a credential and checks it. Must not block.
    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt;
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn challenges(&self) -> Vec<Challenge> {
        (**self).challenges()
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        (**self).authenticate(request)
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Authenticator),+> Authenticator for ($($name,)+) {
            fn challenges(&self) -> Vec<Challenge> {
                let mut all = Vec::new();
                $(all.extend(self.$index.challenges());)+
                all
            }

            fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
                $(match self.$index.authenticate(request) {
                    Attempt::Absent => {}
                    found => return found,
                })+
                Attempt::Absent
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
