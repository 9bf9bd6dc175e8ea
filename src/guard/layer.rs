use super::render::{Render, Standard, refuse};
use super::{Body, Exit, Guard, Later, Rejection, RequestHead, Verdict};
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// A guard and how its rejections look.
struct Gate<G> {
    guard: G,
    render: Box<dyn Render>,
}

impl<G: Guard> Gate<G> {
    #[cold]
    #[inline(never)]
    fn rejected<S, B, R>(&self, rejection: Rejection, request: &Request<B>) -> State<S, G, B, R>
    where
        S: Service<Request<B>>,
    {
        let head = RequestHead::of(request);
        State::Rejected {
            response: Some(Box::new(refuse(&*self.render, rejection, &head))),
        }
    }
}

/// Puts a guard in front of services.
#[must_use]
pub struct GuardLayer<G>(Arc<Gate<G>>);

impl<G> GuardLayer<G> {
    /// A layer of this guard, whose rejections look as [`Standard`] makes them.
    pub fn new(guard: G) -> Self {
        Self::rendered_by(guard, Standard)
    }

    pub(super) fn rendered_by(guard: G, render: impl Render) -> Self {
        Self(Arc::new(Gate {
            guard,
            render: Box::new(render),
        }))
    }
}

impl<G> Clone for GuardLayer<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<G> fmt::Debug for GuardLayer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").finish_non_exhaustive()
    }
}

impl<S, G> Layer<S> for GuardLayer<G> {
    type Service = Guarded<S, G>;

    fn layer(&self, inner: S) -> Guarded<S, G> {
        Guarded {
            inner,
            gate: Arc::clone(&self.0),
        }
    }
}

/// Makes a guard that can be cloned a layer of itself.
macro_rules! impl_layer {
    ($guard:ty $(, $($parameters:tt)+)?) => {
        impl<S $(, $($parameters)+)?> tower_layer::Layer<S> for $guard {
            type Service = $crate::guard::Guarded<S, Self>;

            fn layer(&self, inner: S) -> Self::Service {
                tower_layer::Layer::layer(&$crate::guard::GuardLayer::new(self.clone()), inner)
            }
        }
    };
}
pub(crate) use impl_layer;

/// A service with a guard in front of it.
pub struct Guarded<S, G> {
    inner: S,
    gate: Arc<Gate<G>>,
}

impl<S: Clone, G> Clone for Guarded<S, G> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gate: Arc::clone(&self.gate),
        }
    }
}

impl<S: fmt::Debug, G> fmt::Debug for Guarded<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, G, B, R> Service<Request<B>> for Guarded<S, G>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    G: Guard,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = GuardedFuture<S, G, B, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // Written so that the future is built where it is returned to, not moved there.
        match self.gate.guard.check(&mut request) {
            Verdict::Admit(exit) => GuardedFuture {
                state: State::Admitted {
                    future: self.inner.call(request),
                    exit: Some(exit),
                },
            },
            Verdict::Reject(rejection) => GuardedFuture {
                state: self.gate.rejected(rejection, &request),
            },
            Verdict::Later(verdict) => GuardedFuture {
                state: self.wait(verdict, request),
            },
        }
    }
}

impl<S: Clone, G: Guard> Guarded<S, G> {
    /// The service that was polled ready goes with the request; its clone stays.
    #[cold]
    #[inline(never)]
    fn wait<B, R>(&mut self, verdict: Later<G::Exit>, request: Request<B>) -> State<S, G, B, R>
    where
        S: Service<Request<B>>,
    {
        let clone = self.inner.clone();
        State::Waiting {
            waiting: Some(Box::new(Waiting {
                verdict,
                service: std::mem::replace(&mut self.inner, clone),
                request,
                gate: Arc::clone(&self.gate),
            })),
        }
    }
}

/// A request whose verdict is not there yet.
struct Waiting<S, G: Guard, B> {
    verdict: Later<G::Exit>,
    service: S,
    request: Request<B>,
    gate: Arc<Gate<G>>,
}

pin_project! {
    /// The response of a guarded service, to come.
    pub struct GuardedFuture<S: Service<Request<B>>, G: Guard, B, R> {
        #[pin]
        state: State<S, G, B, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<B>>, G: Guard, B, R> {
        Admitted { #[pin] future: S::Future, exit: Option<G::Exit> },
        Rejected { response: Option<Box<Response<Body<R>>>> },
        Waiting { waiting: Option<Box<Waiting<S, G, B>>> },
    }
}

impl<S: Service<Request<B>>, G: Guard, B, R> fmt::Debug for GuardedFuture<S, G, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedFuture").finish_non_exhaustive()
    }
}

impl<S, G, B, R> Future for GuardedFuture<S, G, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    G: Guard,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        if !matches!(*state, State::Admitted { .. })
            && let Some(response) = ready!(poll_unadmitted(state.as_mut(), cx))
        {
            return Poll::Ready(Ok(response));
        }
        let StateProjection::Admitted { future, exit } = state.project() else {
            return Poll::Pending;
        };
        future.poll(cx).map_ok(|response| {
            let mut response = response.map(Body::service);
            if let Some(exit) = exit.take() {
                exit.leave(&mut response);
            }
            response
        })
    }
}

/// The response to a request that is refused, or nothing once it is admitted.
#[cold]
#[inline(never)]
fn poll_unadmitted<S, G, B, R>(
    mut state: Pin<&mut State<S, G, B, R>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Response<Body<R>>>>
where
    S: Service<Request<B>>,
    G: Guard,
{
    if let StateProjection::Waiting { waiting } = state.as_mut().project() {
        let next = ready!(poll_verdict(waiting, cx));
        state.set(next);
    }
    match state.project() {
        StateProjection::Admitted { .. } => Poll::Ready(None),
        StateProjection::Rejected { response } => match response.take() {
            Some(response) => Poll::Ready(Some(*response)),
            // Only for a future that is polled after it was ready.
            None => Poll::Pending,
        },
        StateProjection::Waiting { .. } => Poll::Pending,
    }
}

/// Where a request goes once its verdict is there.
fn poll_verdict<S, G, B, R>(
    waiting: &mut Option<Box<Waiting<S, G, B>>>,
    cx: &mut Context<'_>,
) -> Poll<State<S, G, B, R>>
where
    S: Service<Request<B>>,
    G: Guard,
{
    let Some(still) = waiting else {
        return Poll::Pending;
    };
    let verdict = ready!(still.verdict.as_mut().poll(cx));
    let Some(waited) = waiting.take() else {
        return Poll::Pending;
    };
    Poll::Ready(match verdict {
        Ok(exit) => waited.admit(exit),
        Err(rejection) => waited.gate.rejected(rejection, &waited.request),
    })
}

impl<S: Service<Request<B>>, G: Guard, B> Waiting<S, G, B> {
    fn admit<R>(mut self, mut exit: G::Exit) -> State<S, G, B, R> {
        exit.enter(&mut self.request);
        State::Admitted {
            future: self.service.call(self.request),
            exit: Some(exit),
        }
    }
}
