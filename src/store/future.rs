use super::{StoreError, StoreErrorKind};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// The answer of a store: there at once, or to be waited for.
///
/// The memory store answers at once and allocates nothing for it; a store across a network
/// hands out a boxed future. A guard asks [`try_ready`](Self::try_ready) first, and waits only
/// when it has to.
///
/// An operation may begin when it is called, not when it is first polled. A future that is
/// dropped leaves the operation done or not done, never half done.
#[must_use = "the answer of the store says whether the operation was done"]
pub struct StoreFuture<T>(State<T>);

enum State<T> {
    /// `None` once the answer was handed out.
    Ready(Option<Result<T, StoreError>>),
    Waiting(Boxed<T>),
}

impl<T> StoreFuture<T> {
    /// An answer that is there.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(State::Ready(Some(answer)))
    }

    /// An answer that has to be waited for.
    pub fn waiting(answer: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self(State::Waiting(Box::pin(answer)))
    }

    /// The answer, when it is there without waiting.
    ///
    /// # Errors
    /// The future itself, when it has to be awaited.
    pub fn try_ready(self) -> Result<Result<T, StoreError>, Self> {
        match self.0 {
            State::Ready(answer) => Ok(answer.unwrap_or_else(already_taken)),
            waiting @ State::Waiting(_) => Err(Self(waiting)),
        }
    }
}

/// No part of it is pinned in place: what waits is pinned in its box.
impl<T> Unpin for StoreFuture<T> {}

impl<T> Future for StoreFuture<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Ready(answer) => Poll::Ready(answer.take().unwrap_or_else(already_taken)),
            State::Waiting(future) => future.as_mut().poll(context),
        }
    }
}

fn already_taken<T>() -> Result<T, StoreError> {
    Err(StoreError::new(
        StoreErrorKind::Invalid,
        "the answer of this operation was already taken",
    ))
}

impl<T> From<StoreError> for StoreFuture<T> {
    fn from(error: StoreError) -> Self {
        Self::ready(Err(error))
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "StoreFuture::Ready",
            State::Waiting(_) => "StoreFuture::Waiting",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_needs_no_waiting() {
        assert_eq!(StoreFuture::ready(Ok(7)).try_ready().unwrap().unwrap(), 7);
    }

    #[tokio::test]
    async fn what_is_not_there_is_awaited() {
        let waiting = StoreFuture::waiting(async {
            tokio::task::yield_now().await;
            Ok(7)
        });
        assert_eq!(waiting.try_ready().unwrap_err().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn an_answer_taken_twice_is_an_error_and_no_panic() {
        let mut answer = StoreFuture::ready(Ok(7));
        assert_eq!((&mut answer).await.unwrap(), 7);
        let error = (&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}
