use super::render::{Render, Standard};
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

impl<G> Gate<G> {
    fn reject<R, B>(&self, rejection: Rejection, request: &Request<B>) -> Response<Body<R>> {
        let head = RequestHead::of(request);
        let mut response = self.render.render(&rejection, &head).map(Body::rejection);
        response.extensions_mut().insert(rejection);
        response
    }
}

/// Puts a guard in front of services.
pub struct GuardLayer<G>(Arc<Gate<G>>);

impl<G> GuardLayer<G> {
    /// A layer of this guard, whose rejections look as [`Standard`] makes them.
    #[must_use]
    pub fn new(guard: G) -> Self {
        Self(Arc::new(Gate {
            guard,
            render: Box::new(Standard),
        }))
    }

    pub(super) fn render(self, render: impl Render) -> Self
    where
        G: Guard,
    {
        match Arc::try_unwrap(self.0) {
            Ok(gate) => Self(Arc::new(Gate {
                render: Box::new(render),
                ..gate
            })),
            // Not reached: only `Guard::rendered_by` calls this, on a layer it has just made.
            Err(shared) => Self(shared),
        }
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

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = match self.gate.guard.check(&mut request) {
            Verdict::Admit(exit) => State::Admitted {
                future: self.inner.call(request),
                exit: Some(exit),
            },
            Verdict::Reject(rejection) => State::Rejected {
                response: Some(Box::new(self.gate.reject(rejection, &request))),
            },
            Verdict::Later(verdict) => {
                // The service that was polled ready goes with the request; its clone stays.
                let clone = self.inner.clone();
                let service = std::mem::replace(&mut self.inner, clone);
                let gate = Arc::clone(&self.gate);
                State::Waiting {
                    waiting: Some(Box::new(Waiting {
                        verdict,
                        service,
                        request,
                        gate,
                    })),
                }
            }
        };
        GuardedFuture { state }
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

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Admitted { future, exit } => {
                    let mut response = ready!(future.poll(cx))?.map(Body::service);
                    if let Some(exit) = exit.take() {
                        exit.leave(&mut response);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Rejected { response } => {
                    // Nothing is left only for a future that is polled after it was ready.
                    return match response.take() {
                        Some(response) => Poll::Ready(Ok(*response)),
                        None => Poll::Pending,
                    };
                }
                StateProjection::Waiting { waiting } => {
                    let Some(mut ready) = waiting.take() else {
                        return Poll::Pending;
                    };
                    let next = match ready.verdict.as_mut().poll(cx) {
                        Poll::Pending => {
                            *waiting = Some(ready);
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(exit)) => ready.admit(exit),
                        Poll::Ready(Err(rejection)) => State::Rejected {
                            response: Some(Box::new(ready.gate.reject(rejection, &ready.request))),
                        },
                    };
                    state.set(next);
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, G: Guard, B> Waiting<S, G, B> {
    fn admit<R>(mut self, mut exit: G::Exit) -> State<S, G, B, R> {
        exit.enter(&mut self.request);
        let Self {
            mut service,
            request,
            ..
        } = self;
        State::Admitted {
            future: service.call(request),
            exit: Some(exit),
        }
    }
}
