use super::LeakBody;
use super::body::{is_live, is_text};
use super::layer::{Asked, Watch};
use crate::guard::render::refuse;
use crate::guard::{Body, Rejection, RejectionKind, RequestHead};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Sleep, sleep};

pin_project! {
    /// A response to come, whose beginning is looked at.
    pub struct LeakFuture<F, R: http_body::Body> {
        #[pin]
        inner: F,
        asked: Option<Asked>,
        holding: Option<Box<Holding<R>>>,
    }
}

/// A response that is held back.
struct Holding<R: http_body::Body> {
    response: Response<R>,
    held: VecDeque<Result<Frame<Bytes>, R::Error>>,
    watch: Watch,
    head: Box<Request<()>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F, R: http_body::Body> LeakFuture<F, R> {
    pub(super) const fn new(inner: F, asked: Asked) -> Self {
        Self {
            inner,
            asked: Some(asked),
            holding: None,
        }
    }
}

impl<F, R: http_body::Body> fmt::Debug for LeakFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakFuture").finish_non_exhaustive()
    }
}

impl<F, R, E> Future for LeakFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Unpin,
{
    type Output = Result<Response<Body<LeakBody<R>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.holding.is_none() {
            // Nothing is left only for a future that is polled after it was ready.
            if this.asked.is_none() {
                return Poll::Pending;
            }
            let response = ready!(this.inner.poll(cx));
            let (Some(asked), response) = (this.asked.take(), response?) else {
                return Poll::Pending;
            };
            match begin(asked, response) {
                Ok(response) => return Poll::Ready(Ok(response)),
                Err(holding) => *this.holding = Some(holding),
            }
        }
        let Some(holding) = this.holding.as_mut() else {
            return Poll::Pending;
        };
        let is_there = ready!(holding.poll(cx));
        match this.holding.take() {
            Some(holding) => Poll::Ready(Ok(holding.release(is_there))),
            None => Poll::Pending,
        }
    }
}

/// The response as it goes out, or held back first.
fn begin<R: http_body::Body<Data = Bytes>>(
    mut asked: Asked,
    response: Response<R>,
) -> Result<Response<Body<LeakBody<R>>>, Box<Holding<R>>> {
    let headers = response.headers();
    if !asked.has_body || response.body().is_end_stream() || !is_text(headers) {
        return Ok(pass(response, None));
    }
    match asked.head.take() {
        Some(head) if !is_live(headers) => Err(Box::new(Holding {
            timer: None,
            response,
            held: VecDeque::new(),
            watch: asked.watch(),
            head,
        })),
        _ => Ok(pass(response, Some(asked.watch()))),
    }
}

fn pass<R: http_body::Body>(
    response: Response<R>,
    watch: Option<Watch>,
) -> Response<Body<LeakBody<R>>> {
    response.map(|body| Body::service(LeakBody::new(body, watch)))
}

impl<R: http_body::Body<Data = Bytes> + Unpin> Holding<R> {
    /// Reads on; `true` once the beginning is there, `false` when it was waited for in vain.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match Pin::new(self.response.body_mut()).poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(true),
                Poll::Ready(Some(frame)) => {
                    let data = frame.as_ref().ok().and_then(Frame::data_ref);
                    let enough = data.is_none_or(|data| self.watch.see(data));
                    self.held.push_back(frame);
                    if enough || self.response.body().is_end_stream() {
                        return Poll::Ready(true);
                    }
                }
                Poll::Pending => {
                    let time = self.watch.held_for();
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(time)));
                    ready!(timer.as_mut().poll(cx));
                    return Poll::Ready(false);
                }
            }
        }
    }

    fn release(self, is_there: bool) -> Response<Body<LeakBody<R>>> {
        let leaks = self.watch.leaks();
        if leaks.is_empty() {
            // What is there has nothing in it, and the rest is for others, or yet to come.
            let watch = (!is_there).then_some(self.watch);
            let held = self.held;
            return self
                .response
                .map(|rest| Body::service(LeakBody::after(held, rest, watch)));
        }
        self.watch.tell_of(&leaks, "replaced");
        let rules: Vec<_> = leaks.iter().map(|leak| leak.rule).collect();
        // The event was told already, with all its details.
        let rejection = Rejection::new(RejectionKind::Internal)
            .with_reason(format!("the response leaks: {}", rules.join(", ")))
            .with_event(None);
        refuse(self.watch.render(), rejection, &RequestHead::of(&self.head))
    }
}
