//! Bodies read into memory, within bounds of size and time.

use super::{Rejection, RejectionKind};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use std::future::poll_fn;
use std::pin::{Pin, pin};
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

/// A body that is being read.
pub(super) struct Collecting {
    read: BytesMut,
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
            read: BytesMut::new(),
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
            if !self.whole && self.read.len() >= self.want {
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
                Ok(data) if self.whole && data.remaining() > self.want - self.read.len() => {
                    return Poll::Ready(Err(too_large()));
                }
                Ok(mut data) => {
                    while data.has_remaining() {
                        let chunk = data.chunk();
                        let length = chunk.len();
                        self.read.extend_from_slice(chunk);
                        data.advance(length);
                    }
                }
                Err(frame) => return Poll::Ready(Ok(End::Over(frame.into_trailers().ok()))),
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(deadline)));
        ready!(timer.as_mut().poll(cx));
        let reason = format!("of the body, {} bytes came in time", self.read.len());
        Poll::Ready(Rejection::new(RejectionKind::Timeout).with_reason(reason))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.read.freeze()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.read
    }
}

/// Reads the whole of a body: 413 when it is larger than `limit`, 408 when it takes longer than
/// `deadline`.
#[cfg_attr(not(feature = "bans"), expect(dead_code, reason = "for services"))]
pub(crate) async fn whole<B: Body>(
    body: B,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Rejection> {
    let mut collecting = Collecting::whole(&body, limit, deadline)?;
    let mut body = pin!(body);
    poll_fn(|cx| collecting.poll(&mut body, cx)).await?;
    Ok(collecting.into_bytes())
}

fn too_large() -> Rejection {
    Rejection::new(RejectionKind::PayloadTooLarge)
}
