use super::{Admission, Attempt, Authenticator};
use crate::event::Emitter;
use crate::guard::cookie;
use crate::guard::{Body, Exit, Guard, Rejection, RejectionKind, RequestHead, Verdict, impl_layer};
use crate::principal::Principal;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use std::fmt;
use std::sync::Arc;

/// Finds out who is calling. See the [module](super) for the rules.
#[must_use]
pub struct AuthenticateLayer<A> {
    authenticator: Arc<A>,
    anonymous: bool,
}

impl<A: Authenticator> AuthenticateLayer<A> {
    /// Lets requests pass that prove who they are from, by this authenticator or the first of
    /// this tuple that finds its credential.
    pub fn new(authenticator: A) -> Self {
        Self {
            authenticator: Arc::new(authenticator),
            anonymous: false,
        }
    }

    /// Lets requests without any credential pass too, without a principal. A handler or a
    /// `require` layer behind it has to ask for one. A bad credential is still refused, unless
    /// the refusal takes it away from the browser by a `Set-Cookie`, as that of an ended
    /// session does: then the request passes like one without it, and the answer clears the
    /// cookie, so that a login page can be seen by those who were logged in yesterday. One that
    /// was [replaced a moment ago](Rejection::with_stale_credential) passes as well, and the
    /// answer clears nothing.
    pub fn allow_anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    fn without_credential(&self) -> Verdict<AuthenticateExit> {
        if self.anonymous {
            return Verdict::Admit(AuthenticateExit::default());
        }
        Verdict::Reject(self.challenged(Rejection::new(RejectionKind::Unauthenticated)))
    }

    /// A 401 must tell how to do better (RFC 9110 section 15.5.2).
    fn challenged(&self, rejection: Rejection) -> Rejection {
        let is_answered = rejection.headers().contains_key(header::WWW_AUTHENTICATE);
        if rejection.kind() != RejectionKind::Unauthenticated || is_answered {
            return rejection;
        }
        let challenges = self.authenticator.challenges();
        challenges.iter().fold(rejection, Rejection::with_challenge)
    }

    /// Lets pass whose credential is no good, where the answer takes it away or the client has
    /// replaced it itself.
    fn refused(
        &self,
        rejection: Rejection,
        emitter: &Emitter,
    ) -> Result<AuthenticateExit, Rejection> {
        let cleared = rejection.headers().get_all(header::SET_COOKIE);
        let cleared: Vec<_> = cleared.iter().cloned().collect();
        let is_bad = rejection.kind() == RejectionKind::Unauthenticated;
        let is_gone = !cleared.is_empty() || rejection.has_stale_credential();
        if !(self.anonymous && is_bad && is_gone) {
            return Err(self.challenged(rejection));
        }
        if let Some(event) = rejection.to_event() {
            emitter.emit(event);
        }
        Ok(AuthenticateExit {
            cleared,
            ..AuthenticateExit::default()
        })
    }
}

impl<A> Clone for AuthenticateLayer<A> {
    fn clone(&self) -> Self {
        Self {
            authenticator: Arc::clone(&self.authenticator),
            anonymous: self.anonymous,
        }
    }
}

impl<A> fmt::Debug for AuthenticateLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateLayer")
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}

impl_layer!(AuthenticateLayer<A>, A: Authenticator);

impl<A: Authenticator> Guard for AuthenticateLayer<A> {
    type Exit = AuthenticateExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<AuthenticateExit> {
        request.extensions_mut().remove::<Principal>();
        let is_seen = shows_credential(request.headers());
        let emitter = Emitter::of(request.extensions());
        match self.authenticator.authenticate(&RequestHead::of(request)) {
            Attempt::Absent => self.without_credential(),
            Attempt::Rejected(rejection) => self.refused(rejection, &emitter).into(),
            Attempt::Authenticated(admission) => {
                let mut exit = AuthenticateExit::of(admission, is_seen);
                exit.enter(request);
                Verdict::Admit(exit)
            }
            Attempt::Later(attempt) => {
                let layer = self.clone();
                Verdict::Later(Box::pin(async move {
                    match attempt.await {
                        Ok(admission) => Ok(AuthenticateExit::of(admission, is_seen)),
                        Err(rejection) => layer.refused(rejection, &emitter),
                    }
                }))
            }
        }
    }
}

/// Whether layers outside see by themselves that the answer is somebody's own.
fn shows_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE)
}

/// Tells those inside, by the request, and where they cannot see it those outside, by the
/// response, who is calling.
#[derive(Debug, Default)]
pub struct AuthenticateExit {
    principal: Option<Principal>,
    is_seen: bool,
    /// What the authenticator tells the client.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// `Set-Cookie`s that take a bad credential away.
    cleared: Vec<HeaderValue>,
}

impl AuthenticateExit {
    fn of(admission: Admission, is_seen: bool) -> Self {
        let (principal, headers) = admission.into_parts();
        Self {
            principal: Some(principal),
            is_seen,
            headers,
            cleared: Vec::new(),
        }
    }
}

impl Exit for AuthenticateExit {
    fn enter<B>(&mut self, request: &mut Request<B>) {
        if let Some(principal) = &self.principal {
            if let Some(emitter) = request.extensions().get::<Emitter>() {
                emitter.note_principal(principal);
            }
            request.extensions_mut().insert(principal.clone());
        }
    }

    /// Where the credential was neither in `Authorization` nor in a cookie (a key in a header
    /// of its own, a client certificate), the principal in the response's extensions tells
    /// layers outside that no cache may keep the answer.
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        if let Some(principal) = self.principal
            && !self.is_seen
        {
            response.extensions_mut().insert(principal);
        }
        let headers = response.headers_mut();
        let given = self.headers.into_iter();
        let free: Vec<_> = given.filter(|it| !is_set(headers, it)).collect();
        for (name, value) in free {
            if name == header::CACHE_CONTROL {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        for cookie in self.cleared {
            // Who logs in by this very request sets the cookie anew, and keeps it.
            if !sets_cookie(response.headers(), cookie::name_of(&cookie)) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
    }
}

/// Whether the service has set this header, or this cookie, by itself: that stays. But who knows
/// what else is in the answer decides whether a cache may keep it.
fn is_set(headers: &HeaderMap, (name, value): &(HeaderName, HeaderValue)) -> bool {
    match *name {
        header::CACHE_CONTROL => false,
        header::SET_COOKIE => sets_cookie(headers, cookie::name_of(value)),
        _ => headers.contains_key(name),
    }
}

fn sets_cookie(headers: &HeaderMap, name: Option<&[u8]>) -> bool {
    let mut set = headers.get_all(header::SET_COOKIE).iter();
    set.any(|set| cookie::name_of(set) == name)
}
