use super::Fault;
use super::digest::DigestHasher;
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a message whose signature was verified, or is made.
    ///
    /// Either it was read and verified before, and is there as a whole; or it is digested while
    /// it is read, and ends with an error when it is not the one that was signed. The last piece
    /// is not handed out before that is known, so that nobody has the whole of a wrong body.
    pub struct SignedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Whole {
            bytes: Bytes,
            trailers: Option<HeaderMap>,
        },
        Checked {
            #[pin]
            rest: B,
            // What the digests have to come to. Gone once that was said.
            hashers: Option<Vec<DigestHasher>>,
            held: Option<Bytes>,
            after: Option<HeaderMap>,
        },
    }
}

impl<B> SignedBody<B> {
    pub(super) const fn whole(bytes: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self {
            kind: Kind::Whole { bytes, trailers },
        }
    }

    pub(super) const fn checked(rest: B, hashers: Vec<DigestHasher>) -> Self {
        Self {
            kind: Kind::Checked {
                rest,
                hashers: Some(hashers),
                held: None,
                after: None,
            },
        }
    }
}

impl<B> fmt::Debug for SignedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedBody").finish_non_exhaustive()
    }
}

impl<B> Default for SignedBody<B> {
    fn default() -> Self {
        Self::whole(Bytes::new(), None)
    }
}

impl<B> Body for SignedBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Whole { bytes, trailers } => {
                let bytes = std::mem::take(bytes);
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Poll::Ready(trailers.take().map(|it| Ok(Frame::trailers(it))))
            }
            KindProjection::Checked {
                mut rest,
                hashers,
                held,
                after,
            } => loop {
                let Some(hashing) = hashers else {
                    if let Some(last) = held.take() {
                        return Poll::Ready(Some(Ok(Frame::data(last))));
                    }
                    return Poll::Ready(after.take().map(|it| Ok(Frame::trailers(it))));
                };
                let end = match ready!(rest.as_mut().poll_frame(cx)) {
                    Some(Err(error)) => {
                        *hashers = None;
                        *held = None;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(mut data) => {
                            let data = data.copy_to_bytes(data.remaining());
                            // HTTP/2 ends with an empty piece, which must not be the one that
                            // is held back.
                            if data.is_empty() {
                                continue;
                            }
                            hashing.iter_mut().for_each(|it| it.update(&data));
                            match held.replace(data) {
                                Some(before) => {
                                    return Poll::Ready(Some(Ok(Frame::data(before))));
                                }
                                None => continue,
                            }
                        }
                        Err(frame) => frame.into_trailers().ok(),
                    },
                    None => None,
                };
                let mut done = hashers.take().into_iter().flatten();
                if let Err(fault) = done.try_for_each(DigestHasher::finish) {
                    *held = None;
                    return Poll::Ready(Some(Err(fault.into())));
                }
                *after = end;
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { bytes, trailers } => bytes.is_empty() && trailers.is_none(),
            // Whether it is the right one is said by the frame after the last.
            Kind::Checked {
                hashers,
                held,
                after,
                ..
            } => hashers.is_none() && held.is_none() && after.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Checked { rest, held, .. } => {
                let held = held.as_ref().map_or(0, |held| held.len() as u64);
                let rest = rest.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(held));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(held));
                }
                hint
            }
        }
    }
}

/// Whether a wrong body, or something else, ended the reading.
#[must_use]
pub fn fault_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Fault> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(fault) = this.downcast_ref() {
            return Some(fault);
        }
        error = this.source();
    }
    None
}
