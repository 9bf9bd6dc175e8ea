use super::{Body, GuardLayer, Rejection, Render};
use http::{Request, Response};
use std::fmt;
use std::pin::Pin;

/// The future of a verdict that has to wait for a store or a network.
pub type Later<X> = Pin<Box<dyn Future<Output = Result<X, Rejection>> + Send>>;

/// What a guard says of a request.
#[expect(
    clippy::exhaustive_enums,
    reason = "a guard that wraps another must handle every verdict"
)]
pub enum Verdict<X> {
    /// The request may pass; `X` runs on its response.
    Admit(X),
    /// The request may not pass.
    Reject(Rejection),
    /// It takes waiting to say. Costs an allocation and a clone of the service behind, so a
    /// guard answers at once whenever it can.
    Later(Later<X>),
}

impl<X> fmt::Debug for Verdict<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(_) => f.write_str("Admit"),
            Self::Reject(rejection) => f.debug_tuple("Reject").field(rejection).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

impl<X> From<Result<X, Rejection>> for Verdict<X> {
    fn from(result: Result<X, Rejection>) -> Self {
        result.map_or_else(Self::Reject, Self::Admit)
    }
}

/// A security control in front of a service.
///
/// The guard sees the head of the request and may change it: remove a header that is not to
/// be believed, add an extension for the handler. It never sees the body; for that there is
/// [`Inspect`](super::Inspect).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard",
    note = "implement `portcullis::guard::Check` for a check that answers at once, or `Guard` for one that waits or changes the response"
)]
pub trait Guard: Send + Sync + 'static {
    /// What runs when the request was admitted: `()` for nothing.
    type Exit: Exit;

    /// Decides. Must not block; what has to wait goes into [`Verdict::Later`].
    fn check<B>(&self, request: &mut Request<B>) -> Verdict<Self::Exit>;

    /// This guard as a layer whose rejections look as `render` makes them.
    fn rendered_by(self, render: impl Render) -> GuardLayer<Self>
    where
        Self: Sized,
    {
        GuardLayer::rendered_by(self, render)
    }
}

/// The short form of a [`Guard`]: answers at once, and leaves the response alone.
pub trait Check: Send + Sync + 'static {
    /// Decides. Must not block.
    ///
    /// # Errors
    /// The rejection, when the request may not pass.
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection>;
}

impl<C: Check> Guard for C {
    type Exit = ();

    #[inline]
    fn check<B>(&self, request: &mut Request<B>) -> Verdict<()> {
        Check::check(self, request).into()
    }
}

/// What a guard still has to do for a request it admitted.
pub trait Exit: Send + 'static {
    /// Runs just before the service is called, when the verdict came [`Later`]: the guard
    /// could not touch the request while it waited.
    fn enter<B>(&mut self, _request: &mut Request<B>) {}

    /// Runs on the response: headers and cookies are set here. Not called when the service
    /// fails with an error instead of a response.
    ///
    /// The body is of whatever kind the service has; it can be passed on, not read.
    fn leave<R>(self, response: &mut Response<Body<R>>);
}

impl Exit for () {
    #[inline]
    fn leave<R>(self, _response: &mut Response<Body<R>>) {}
}
