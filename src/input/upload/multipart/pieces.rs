use bytes::{Buf, Bytes};
use futures_core::Stream;
use http_body::Body;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// The parser takes all that is there before it parses; it is given so much at a time.
pub(super) const PIECE: usize = 16 << 10;
/// How many bytes the head of a part may take: 64 KiB. What follows it in its last piece counts.
const MAX_HEAD: usize = 4 * PIECE;
/// More than any body has.
const UNLIMITED: usize = usize::MAX;

/// How many bytes may still be read. Shared with the parser's stream.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_HEAD)))
    }

    /// The head of a part is read next.
    pub(super) fn limit_to_head(&self) {
        self.0.store(MAX_HEAD, Ordering::Relaxed);
    }

    /// The content of a part is read next, which is limited otherwise.
    pub(super) fn lift(&self) {
        self.0.store(UNLIMITED, Ordering::Relaxed);
    }

    fn take(&self, length: usize) -> bool {
        let spend = |left: usize| match left {
            UNLIMITED => Some(UNLIMITED),
            left => left.checked_sub(length),
        };
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
            .is_ok()
    }
}

/// The head of a part is longer than is read.
#[derive(Debug, thiserror::Error)]
#[error("the head of a part is too long")]
pub(super) struct HeadTooLong;

/// A body as a stream that gives one small piece each time it is asked, and then nothing
/// until it is asked again: what reads all that is there gets no more than that.
pub(super) struct Pieces<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
    has_given: bool,
    allowance: Allowance,
}

impl<B: Body> Pieces<B> {
    pub(super) fn new(body: B, allowance: Allowance) -> Self {
        Self {
            body: Box::pin(body),
            rest: Bytes::new(),
            has_given: false,
            allowance,
        }
    }
}

impl<B> Stream for Pieces<B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Item = Result<Bytes, Box<dyn Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            let frame = match std::task::ready!(self.body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            if let Ok(mut data) = frame.into_data() {
                self.rest = data.copy_to_bytes(data.remaining());
            }
        }
        let length = self.rest.len().min(PIECE);
        if !self.allowance.take(length) {
            return Poll::Ready(Some(Err(HeadTooLong.into())));
        }
        self.has_given = true;
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
