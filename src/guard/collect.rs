//! Bodies read into memory, within bounds of size and time.

use super::{Rejection, RejectionKind};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// How long a client may take to send a body, unless told otherwise: enough for the largest
/// that is read into memory on a slow line, and little for who only wants to keep a connection.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// How the reading of a body ended.
pub(super) enum End {
    /// Enough was read; more may follow.
    Enough,
    /// The body is at its end, with these trailers.
    Over(Option<HeaderMap>),
}

/// What was read. A body that comes in one piece, as one does that was read before, is not
/// copied.
#[derive(Default)]
struct Read {
    first: Bytes,
    /// All of it, once there is a second piece.
    all: BytesMut,
}

impl Read {
    fn bytes(&self) -> &[u8] {
        if self.all.is_empty() {
            &self.first
        } else {
            &self.all
        }
    }

    fn push(&mut self, mut data: impl Buf) {
        if self.bytes().is_empty() {
            self.first = data.copy_to_bytes(data.remaining());
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            self.all.extend_from_slice(chunk);
            data.advance(length);
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// A body that is being read.
pub(super) struct Collecting {
    read: Read,
    want: usize,
    whole: bool,
    deadline: Duration,
    /// Set when the body first has to be waited for: most are there.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Collecting {
    /// Reads this many bytes, and whatever came with the last of them.
    pub(super) fn prefix(want: usize, deadline: Duration) -> Self {
        Self {
            read: Read::default(),
            want,
            whole: false,
            deadline,
            timer: None,
        }
    }

    /// Reads all of a body of at most this many bytes. One that is announced as larger is not
    /// waited for.
    pub(super) fn whole(
        body: &impl Body,
        limit: usize,
        deadline: Duration,
    ) -> Result<Self, Rejection> {
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        Ok(Self {
            whole: true,
            ..Self::prefix(limit, deadline)
        })
    }

    pub(super) fn poll<B: Body + Unpin>(
        &mut self,
        body: &mut B,
        cx: &mut Context<'_>,
    ) -> Poll<Result<End, Rejection>> {
        loop {
            if !self.whole && self.read.bytes().len() >= self.want {
                return Poll::Ready(Ok(End::Enough));
            }
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                return self.poll_deadline(cx).map(Err);
            };
            let frame = match frame {
                None => return Poll::Ready(Ok(End::Over(None))),
                Some(Ok(frame)) => frame,
                Some(Err(_)) => {
                    let broken = Rejection::new(RejectionKind::Malformed).with_code("broken_body");
                    return Poll::Ready(Err(broken));
                }
            };
            match frame.into_data() {
                Ok(data)
                    if self.whole && data.remaining() > self.want - self.read.bytes().len() =>
                {
                    return Poll::Ready(Err(too_large()));
                }
                Ok(data) => self.read.push(data),
                Err(frame) => return Poll::Ready(Ok(End::Over(frame.into_trailers().ok()))),
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(deadline)));
        ready!(timer.as_mut().poll(cx));
        let reason = format!(
            "of the body, {} bytes came in time",
            self.read.bytes().len()
        );
        Poll::Ready(Rejection::new(RejectionKind::Timeout).with_reason(reason))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.read.into_bytes()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.read.bytes()
    }
}

/// Reads the whole of a body: 413 when it is larger than `limit`, 408 when it takes longer than
/// `deadline`.
#[cfg(any(feature = "bans", feature = "oauth2", feature = "validate"))]
pub(crate) async fn whole<B: Body>(
    body: B,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Rejection> {
    let (bytes, _) = whole_with_trailers(body, limit, deadline).await?;
    Ok(bytes)
}

/// The same with the trailers, where there are any.
#[cfg(any(
    feature = "bans",
    feature = "oauth2",
    feature = "sanitize",
    feature = "signing",
    feature = "validate"
))]
pub(crate) async fn whole_with_trailers<B: Body>(
    body: B,
    limit: usize,
    deadline: Duration,
) -> Result<(Bytes, Option<HeaderMap>), Rejection> {
    let mut collecting = Collecting::whole(&body, limit, deadline)?;
    let mut body = std::pin::pin!(body);
    let end = std::future::poll_fn(|cx| collecting.poll(&mut body, cx)).await?;
    let trailers = match end {
        End::Over(trailers) => trailers,
        End::Enough => None,
    };
    Ok((collecting.into_bytes(), trailers))
}

fn too_large() -> Rejection {
    Rejection::new(RejectionKind::PayloadTooLarge)
}
