use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

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

    pub(super) fn partly(read: Bytes, rest: B) -> Self {
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
