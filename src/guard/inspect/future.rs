use super::layer::Desk;
use super::{Inspect, Inspected};
use crate::guard::Body;
use crate::guard::collect::Collecting;
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

pin_project! {
    /// The response of an inspected service, to come.
    pub struct InspectFuture<S: Service<Request<Inspected<B>>>, I, B, R> {
        #[pin]
        state: State<S, I, B, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(super) enum State<S: Service<Request<Inspected<B>>>, I, B, R> {
        Reading { reader: Option<Box<Reader<S, I, B>>> },
        Admitted { #[pin] future: S::Future },
        Rejected { response: Option<Box<Response<Body<R>>>> },
    }
}

impl<S: Service<Request<Inspected<B>>>, I, B, R> State<S, I, B, R> {
    pub(super) fn rejected(response: Response<Body<R>>) -> Self {
        Self::Rejected {
            response: Some(Box::new(response)),
        }
    }
}

impl<S: Service<Request<Inspected<B>>>, I, B, R> InspectFuture<S, I, B, R> {
    pub(super) const fn in_state(state: State<S, I, B, R>) -> Self {
        Self { state }
    }
}

impl<S: Service<Request<Inspected<B>>>, I, B, R> fmt::Debug for InspectFuture<S, I, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectFuture").finish_non_exhaustive()
    }
}

impl<S, I, B, R> Future for InspectFuture<S, I, B, R>
where
    S: Service<Request<Inspected<B>>, Response = Response<R>>,
    I: Inspect,
    B: http_body::Body + Unpin,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Admitted { future } => {
                    return future
                        .poll(cx)
                        .map_ok(|response| response.map(Body::service));
                }
                StateProjection::Rejected { response } => {
                    // Nothing is left only for a future that is polled after it was ready.
                    return match response.take() {
                        Some(response) => Poll::Ready(Ok(*response)),
                        None => Poll::Pending,
                    };
                }
                StateProjection::Reading { reader } => {
                    let Some(mut taken) = reader.take() else {
                        return Poll::Pending;
                    };
                    let body = taken.request.body_mut();
                    let Poll::Ready(end) = taken.collecting.poll(body, cx) else {
                        *reader = Some(taken);
                        return Poll::Pending;
                    };
                    let Reader {
                        request,
                        collecting,
                        mut service,
                        desk,
                    } = *taken;
                    state.set(desk.judge(request, collecting, end, &mut service));
                }
            }
        }
    }
}

/// A request whose body is being read.
pub(super) struct Reader<S, I, B> {
    pub(super) request: Request<B>,
    pub(super) collecting: Collecting,
    pub(super) service: S,
    pub(super) desk: Arc<Desk<I>>,
}
