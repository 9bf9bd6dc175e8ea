//! Request bodies, read once for all who want to look inside.
//!
//! An inspector ([`Inspect`]) says first what it [`Want`]s of a body: nothing, its first bytes, or the
//! whole. [`InspectLayer`] reads as much as the greediest of them asks, never more than its
//! limit, shows it to each, and hands the service an [`Inspected`] body: the bytes read, then
//! the rest, trailers and size hint kept.
//!
//! A body over the limit is refused with 413: at once where its size is announced, else
//! before the byte that goes over is kept. A body that has not arrived when the deadline is
//! over, 15 seconds without a word, is refused with 408 (RFC 9110 section 15.5.9): who sends a
//! byte a minute does not keep the memory of the others. A body that has to be waited for
//! needs the timer of a Tokio runtime.

use super::collect::{Collecting, DEADLINE, End};
use super::render::{Render, Standard, refuse};
use super::{Body, Rejection, RequestHead};
use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// What an inspector wants of a body. The greater want includes the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Want {
    /// Not to be asked about this request.
    Nothing,
    /// The first bytes, this many at most.
    Prefix(usize),
    /// All of it, or 413 when it is larger than the layer's limit.
    Whole,
}

/// What was read of a body.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    bytes: &'a [u8],
    whole: bool,
}

impl<'a> Reading<'a> {
    /// The bytes read. An inspector may see more than it wanted, when another wanted more.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether that is the whole body.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }
}

/// Looks into the body of a request before the service does. Tuples of inspectors are
/// inspectors: the body is read once, and the first rejection stands.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not inspect request bodies",
    note = "implement `portcullis::guard::Inspect`, or pass a tuple of two to six inspectors"
)]
pub trait Inspect: Send + Sync + 'static {
    /// What this inspector wants of the body of this request.
    fn wants(&self, request: &RequestHead<'_>) -> Want;

    /// Judges what was read. Called only where the inspector wanted something.
    ///
    /// # Errors
    /// The rejection, when the request may not pass.
    fn inspect(&self, request: &RequestHead<'_>, reading: Reading<'_>) -> Result<(), Rejection>;
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Inspect),+> Inspect for ($($name,)+) {
            fn wants(&self, request: &RequestHead<'_>) -> Want {
                Want::Nothing$(.max(self.$index.wants(request)))+
            }

            fn inspect(
                &self,
                request: &RequestHead<'_>,
                reading: Reading<'_>,
            ) -> Result<(), Rejection> {
                $(if self.$index.wants(request) != Want::Nothing {
                    self.$index.inspect(request, reading)?;
                })+
                Ok(())
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);

/// Puts inspectors of the body in front of services.
#[must_use]
pub struct InspectLayer<I>(Arc<Desk<I>>);

struct Desk<I> {
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

struct Reader<S, I, B> {
    request: Request<B>,
    collecting: Collecting,
    service: S,
    desk: Arc<Desk<I>>,
}

impl<I: Inspect> Desk<I> {
    /// Shows the inspectors what was read, and has the service called if they have nothing
    /// against it.
    fn judge<S, B, R>(
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

pin_project! {
    /// The response of an inspected service, to come.
    pub struct InspectFuture<S: Service<Request<Inspected<B>>>, I, B, R> {
        #[pin]
        state: State<S, I, B, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Request<Inspected<B>>>, I, B, R> {
        Reading { reader: Option<Box<Reader<S, I, B>>> },
        Admitted { #[pin] future: S::Future },
        Rejected { response: Option<Box<Response<Body<R>>>> },
    }
}

impl<S: Service<Request<Inspected<B>>>, I, B, R> State<S, I, B, R> {
    fn rejected(response: Response<Body<R>>) -> Self {
        Self::Rejected {
            response: Some(Box::new(response)),
        }
    }
}

impl<S: Service<Request<Inspected<B>>>, I, B, R> InspectFuture<S, I, B, R> {
    const fn in_state(state: State<S, I, B, R>) -> Self {
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

pin_project! {
    /// The body of an inspected request: what was read, then what is left of the original.
    #[derive(Debug)]
    pub struct Inspected<B> {
        read: Option<Bytes>,
        trailers: Option<HeaderMap>,
        #[pin]
        rest: Option<B>,
    }
}

impl<B> Inspected<B> {
    pub(crate) const fn untouched(body: B) -> Self {
        Self {
            read: None,
            trailers: None,
            rest: Some(body),
        }
    }

    fn partly(read: Bytes, rest: B) -> Self {
        Self {
            read: (!read.is_empty()).then_some(read),
            trailers: None,
            rest: Some(rest),
        }
    }

    pub(crate) fn wholly(read: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self {
            read: (!read.is_empty()).then_some(read),
            trailers,
            rest: None,
        }
    }
}

impl<B: http_body::Body> http_body::Body for Inspected<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(read) = this.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(rest) = this.rest.as_pin_mut() {
            let to_bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
            return rest.poll_frame(cx).map_ok(|frame| frame.map_data(to_bytes));
        }
        Poll::Ready(
            this.trailers
                .take()
                .map(|trailers| Ok(Frame::trailers(trailers))),
        )
    }

    fn is_end_stream(&self) -> bool {
        let rest_is_over = self
            .rest
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream);
        self.read.is_none() && self.trailers.is_none() && rest_is_over
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let rest = self
            .rest
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), B::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}
