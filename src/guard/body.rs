use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// The body of a guarded service's response: the service's own, or a rejection's.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<B> {
        Service { #[pin] body: B },
        Rejection { #[pin] body: Full<Bytes> },
        Held { #[pin] body: B, held: Option<Held> },
    }
}

type Held = Box<dyn Any + Send + Sync>;

impl<B> Body<B> {
    #[inline]
    pub(crate) const fn service(body: B) -> Self {
        Self {
            kind: Kind::Service { body },
        }
    }

    pub(super) fn rejection(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Rejection {
                body: Full::new(bytes),
            },
        }
    }

    /// Keeps something until the body has ended, with or without an error, or was dropped: a
    /// permit for what is under way, a span that measures it. What is held by a body that was
    /// made by a rejection is dropped at once: it is there as a whole.
    pub fn hold(&mut self, held: impl Send + Sync + 'static) {
        let held: Held = Box::new(held);
        let nothing = Kind::Rejection {
            body: Full::default(),
        };
        self.kind = match std::mem::replace(&mut self.kind, nothing) {
            Kind::Service { body } => Kind::Held {
                body,
                held: Some(held),
            },
            Kind::Held { body, held: before } => Kind::Held {
                body,
                held: Some(Box::new((before, held))),
            },
            rejection @ Kind::Rejection { .. } => rejection,
        };
    }
}

impl<B: Default> Default for Body<B> {
    fn default() -> Self {
        Self::service(B::default())
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Body<B> {
    type Data = Bytes;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Service { body } => body.poll_frame(cx),
            KindProjection::Rejection { body } => body
                .poll_frame(cx)
                .map_err(|never: std::convert::Infallible| match never {}),
            KindProjection::Held { mut body, held } => {
                let frame = body.as_mut().poll_frame(cx);
                let is_last = match &frame {
                    Poll::Pending => false,
                    Poll::Ready(Some(Ok(_))) => body.is_end_stream(),
                    Poll::Ready(None | Some(Err(_))) => true,
                };
                if is_last {
                    *held = None;
                }
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Service { body } | Kind::Held { body, .. } => body.is_end_stream(),
            Kind::Rejection { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Service { body } | Kind::Held { body, .. } => body.size_hint(),
            Kind::Rejection { body } => body.size_hint(),
        }
    }
}
