use super::{Body, Exit, Guard, Verdict};
use http::{Request, Response};

/// A guard that can be switched off, by configuration say, without a change of types: what
/// `tower`'s `option_layer` does for layers that keep the body's type.
///
/// ```
/// use portcullis::guard::{GuardLayer, Maybe};
/// # use portcullis::guard::{Check, Rejection};
/// # struct Strict;
/// # impl Check for Strict {
/// #     fn check<B>(&self, _: &mut http::Request<B>) -> Result<(), Rejection> { Ok(()) }
/// # }
///
/// let enabled = std::env::var_os("STRICT").is_some();
/// let layer = GuardLayer::new(Maybe::from(enabled.then_some(Strict)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Maybe<G>(Option<G>);

impl<G> From<Option<G>> for Maybe<G> {
    fn from(guard: Option<G>) -> Self {
        Self(guard)
    }
}

super::impl_layer!(Maybe<G>, G: Guard + Clone);

impl<G: Guard> Guard for Maybe<G> {
    type Exit = MaybeExit<G::Exit>;

    #[inline]
    fn check<B>(&self, request: &mut Request<B>) -> Verdict<Self::Exit> {
        let Some(guard) = &self.0 else {
            return Verdict::Admit(MaybeExit(None));
        };
        match guard.check(request) {
            Verdict::Admit(exit) => Verdict::Admit(MaybeExit(Some(exit))),
            Verdict::Reject(rejection) => Verdict::Reject(rejection),
            Verdict::Later(verdict) => Verdict::Later(Box::pin(async move {
                verdict.await.map(|exit| MaybeExit(Some(exit)))
            })),
        }
    }
}

/// The exit of a [`Maybe`].
#[derive(Debug)]
pub struct MaybeExit<X>(Option<X>);

impl<X: Exit> Exit for MaybeExit<X> {
    fn enter<B>(&mut self, request: &mut Request<B>) {
        if let Some(exit) = &mut self.0 {
            exit.enter(request);
        }
    }

    #[inline]
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        if let Some(exit) = self.0 {
            exit.leave(response);
        }
    }
}
