use super::layer::Watch;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// The body of a response, whose beginning somebody looks at.
    pub struct LeakBody<R: Body> {
        // What was held back, and goes out first.
        held: VecDeque<Result<Frame<Bytes>, R::Error>>,
        #[pin]
        rest: R,
        watch: Option<Watch>,
    }

    impl<R: Body> PinnedDrop for LeakBody<R> {
        // A server that has sent all it announced does not ask for the end.
        fn drop(this: Pin<&mut Self>) {
            if let Some(watch) = this.project().watch.take() {
                watch.tell();
            }
        }
    }
}

impl<R: Body + fmt::Debug> fmt::Debug for LeakBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakBody")
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}

impl<R: Body> LeakBody<R> {
    pub(super) fn new(rest: R, watch: Option<Watch>) -> Self {
        Self::after(VecDeque::new(), rest, watch)
    }

    pub(super) const fn after(
        held: VecDeque<Result<Frame<Bytes>, R::Error>>,
        rest: R,
        watch: Option<Watch>,
    ) -> Self {
        Self { held, rest, watch }
    }
}

impl<R: Body<Data = Bytes>> Body for LeakBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let this = self.project();
        if let Some(frame) = this.held.pop_front() {
            return Poll::Ready(Some(frame));
        }
        let frame = std::task::ready!(this.rest.poll_frame(cx));
        let data = match &frame {
            Some(Ok(frame)) => frame.data_ref(),
            _ => None,
        };
        let enough = match (this.watch.as_mut(), data) {
            (Some(watch), Some(data)) => watch.see(data),
            _ => frame.is_none(),
        };
        if enough && let Some(watch) = this.watch.take() {
            watch.tell();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let frames = self.held.iter().flatten();
        let held = frames
            .filter_map(Frame::data_ref)
            .map(Bytes::len)
            .sum::<usize>() as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

/// Whether the body of a response with these headers is text that can be looked into: not
/// compressed, and of a type that is text, or of none.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let header = |name| {
        let mut values = headers.get_all(name).iter();
        values
            .next_back()
            .map(|value| value.as_bytes().to_ascii_lowercase())
    };
    if header(http::header::CONTENT_ENCODING).is_some_and(|coding| coding != b"identity") {
        return false;
    }
    let Some(content_type) = header(http::header::CONTENT_TYPE) else {
        return true;
    };
    let essence = content_type
        .split(|b| *b == b';')
        .next()
        .unwrap_or_default();
    let holds = |word: &[u8]| memchr::memmem::find(essence, word).is_some();
    essence.starts_with(b"text/")
        || holds(b"json")
        || holds(b"xml")
        || holds(b"javascript")
        || holds(b"yaml")
        || holds(b"php")
}

/// Whether the body comes bit by bit, each when it is due.
pub(super) fn is_live(headers: &HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}
