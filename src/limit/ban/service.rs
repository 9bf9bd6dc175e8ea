use super::BanSubject;
use super::court::Court;
use super::tally::Tap;
use crate::event::{Emitter, EventSink};
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_service::Service;

/// Who is to be watched in this request: from the guard to [`Counting`], in the request's
/// extensions.
#[derive(Clone)]
pub(super) struct Suspect {
    pub(super) court: Arc<Court>,
    pub(super) subject: BanSubject,
}

impl fmt::Debug for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Suspect").field(&self.subject).finish()
    }
}

/// The part of a [`BanLayer`](super::BanLayer) that counts: it hears the events of the request,
/// looks at the response, and holds it back until what follows from it is in the store. No
/// [`Guard`](crate::guard::Guard) can wait with a response.
#[derive(Clone, Debug)]
pub struct Counting<S>(S);

impl<S> Counting<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self(inner)
    }
}

impl<S, B, R> Service<Request<B>> for Counting<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = CountingFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let suspect: Option<Suspect> = request.extensions_mut().remove();
        let watch = suspect.map(|suspect| Watch::new(suspect, &mut request));
        CountingFuture {
            inner: self.0.call(request),
            watch,
            settling: None,
        }
    }
}

/// What is heard of one request.
struct Watch {
    suspect: Suspect,
    tap: Arc<Tap>,
    /// The emitter of those outside, who told nothing of this request yet.
    emitter: Emitter,
}

impl Watch {
    fn new<B>(suspect: Suspect, request: &mut Request<B>) -> Self {
        let tap = Arc::new(Tap::new(suspect.court.ledger.policy.clone()));
        let emitter = Emitter::of(request.extensions());
        let listener: Arc<dyn EventSink> = tap.clone();
        let tapped = emitter.heard_by(listener);
        request.extensions_mut().insert(tapped);
        Self {
            suspect,
            tap,
            emitter,
        }
    }

    /// What has to be done before the response may leave, if anything.
    fn settle<R>(self, response: Option<&Response<R>>) -> Option<Settling> {
        let offenses = self.tap.offenses(response);
        if offenses.is_empty() {
            return None;
        }
        let Self {
            suspect, emitter, ..
        } = self;
        Some(Box::pin(async move {
            let Suspect { court, subject } = suspect;
            court.charge(&subject, &offenses, &emitter).await;
        }))
    }
}

type Settling = Pin<Box<dyn Future<Output = ()> + Send>>;

pin_project! {
    /// A response to come, and with it the ban that it causes.
    pub struct CountingFuture<F, R, E> {
        #[pin]
        inner: F,
        watch: Option<Watch>,
        settling: Option<(Settling, Result<Response<R>, E>)>,
    }
}

impl<F, R, E> Future for CountingFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.settling.is_none() {
            let result = ready!(this.inner.poll(cx));
            let watch = this.watch.take();
            match watch.and_then(|watch| watch.settle(result.as_ref().ok())) {
                None => return Poll::Ready(result),
                Some(settling) => *this.settling = Some((settling, result)),
            }
        }
        if let Some((settling, _)) = this.settling {
            ready!(settling.as_mut().poll(cx));
        }
        match this.settling.take() {
            Some((_, result)) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }
}

impl<F, R, E> fmt::Debug for CountingFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountingFuture")
            .field("is_settling", &self.settling.is_some())
            .finish_non_exhaustive()
    }
}
