use super::future::{InspectFuture, Reader, State};
use super::{Inspect, Inspected, Reading, Want};
use crate::guard::collect::{Collecting, DEADLINE, End};
use crate::guard::render::{Render, Standard, refuse};
use crate::guard::{Body, Rejection, RequestHead};
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Puts inspectors of the body in front of services.
#[must_use]
pub struct InspectLayer<I>(Arc<Desk<I>>);

/// What the service and the futures of its requests share.
pub(super) struct Desk<I> {
    inspect: Arc<I>,
    limit: usize,
    deadline: Duration,
    render: Arc<dyn Render>,
}

impl<I: Inspect> InspectLayer<I> {
    /// Reads at most `limit` bytes of a body into memory.
    pub fn new(limit: usize, inspect: I) -> Self {
        Self(Arc::new(Desk {
            inspect: Arc::new(inspect),
            limit,
            deadline: DEADLINE,
            render: Arc::new(Standard),
        }))
    }

    /// Refuses with 408 when what is wanted of a body has not arrived within `deadline`; 15
    /// seconds without this. What the service reads by itself is its own business.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self(Arc::new(Desk {
            deadline,
            ..self.0.again()
        }))
    }

    /// Makes rejections look as `render` says.
    pub fn rendered_by(self, render: impl Render) -> Self {
        Self(Arc::new(Desk {
            render: Arc::new(render),
            ..self.0.again()
        }))
    }
}

impl<I> Clone for InspectLayer<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I> fmt::Debug for InspectLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectLayer")
            .field("limit", &self.0.limit)
            .field("deadline", &self.0.deadline)
            .finish_non_exhaustive()
    }
}

impl<S, I> Layer<S> for InspectLayer<I> {
    type Service = InspectService<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        InspectService {
            inner,
            desk: Arc::clone(&self.0),
        }
    }
}

/// A service with inspectors of the body in front of it.
pub struct InspectService<S, I> {
    inner: S,
    desk: Arc<Desk<I>>,
}

impl<S: Clone, I> Clone for InspectService<S, I> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            desk: Arc::clone(&self.desk),
        }
    }
}

impl<S: fmt::Debug, I> fmt::Debug for InspectService<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, I, B, R> Service<Request<B>> for InspectService<S, I>
where
    S: Service<Request<Inspected<B>>, Response = Response<R>> + Clone,
    I: Inspect,
    B: http_body::Body + Unpin,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = InspectFuture<S, I, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let desk = &*self.desk;
        let collecting = match desk.inspect.wants(&RequestHead::of(&request)) {
            Want::Nothing => {
                let future = self.inner.call(request.map(Inspected::untouched));
                return InspectFuture::in_state(State::Admitted { future });
            }
            Want::Prefix(wanted) => Ok(Collecting::prefix(wanted.min(desk.limit), desk.deadline)),
            Want::Whole => Collecting::whole(request.body(), desk.limit, desk.deadline),
        };
        let collecting = match collecting {
            Ok(collecting) => collecting,
            Err(rejection) => {
                let response = desk.reject(rejection, &RequestHead::of(&request));
                return InspectFuture::in_state(State::rejected(response));
            }
        };
        // Nothing to wait for, and so nothing to keep.
        if request.body().is_end_stream() {
            let end = Ok(End::Over(None));
            let state = desk.judge(request, collecting, end, &mut self.inner);
            return InspectFuture::in_state(state);
        }
        // The service that was polled ready goes with the request; its clone stays.
        let clone = self.inner.clone();
        let service = std::mem::replace(&mut self.inner, clone);
        InspectFuture::in_state(State::Reading {
            reader: Some(Box::new(Reader {
                request,
                collecting,
                service,
                desk: Arc::clone(&self.desk),
            })),
        })
    }
}

impl<I> Desk<I> {
    fn again(&self) -> Self {
        Self {
            inspect: Arc::clone(&self.inspect),
            limit: self.limit,
            deadline: self.deadline,
            render: Arc::clone(&self.render),
        }
    }

    fn reject<R>(&self, rejection: Rejection, head: &RequestHead<'_>) -> Response<Body<R>> {
        refuse(&*self.render, rejection, head)
    }
}

impl<I: Inspect> Desk<I> {
    /// Shows the inspectors what was read, and has the service called if they have nothing
    /// against it.
    pub(super) fn judge<S, B, R>(
        &self,
        request: Request<B>,
        collecting: Collecting,
        end: Result<End, Rejection>,
        service: &mut S,
    ) -> State<S, I, B, R>
    where
        S: Service<Request<Inspected<B>>>,
        B: http_body::Body,
    {
        let head = RequestHead::of(&request);
        let verdict = end.and_then(|end| {
            let reading = Reading {
                bytes: collecting.bytes(),
                whole: matches!(end, End::Over(_)) || request.body().is_end_stream(),
            };
            self.inspect.inspect(&head, reading).map(|()| end)
        });
        let end = match verdict {
            Ok(end) => end,
            Err(rejection) => return State::rejected(self.reject(rejection, &head)),
        };
        let read = collecting.into_bytes();
        let request = request.map(|rest| match end {
            End::Enough => Inspected::partly(read, rest),
            End::Over(trailers) => Inspected::wholly(read, trailers),
        });
        State::Admitted {
            future: service.call(request),
        }
    }
}
