use super::verify::{SigV4Verifier, VerifiedSigV4};
use crate::guard::RequestHead;
use crate::principal::Principal;
use crate::signing::Fault;
use crate::signing::service::{Desk, Next, Scheme, VerifyService};
use http::HeaderMap;
use std::time::Duration;
use tower_layer::Layer;

/// Lets pass requests that are signed by AWS Signature Version 4, and no others. The handler
/// finds a [`VerifiedSigV4`] in the extensions.
#[derive(Clone, Debug)]
#[must_use]
pub struct SigV4Layer {
    scheme: SigV4,
    desk: Desk,
}

impl SigV4Layer {
    /// Verifies by this verifier; bodies of up to 1 MiB.
    pub fn new(verifier: SigV4Verifier) -> Self {
        Self {
            scheme: SigV4(verifier),
            desk: Desk::default(),
        }
    }

    /// Reads bodies of up to this many bytes; larger ones are refused with 413.
    pub const fn body_limit(mut self, limit: usize) -> Self {
        self.desk.limit = limit;
        self
    }

    /// Refuses with 408 when the body has not arrived within `deadline`; 15 seconds without
    /// this.
    pub const fn body_deadline(mut self, deadline: Duration) -> Self {
        self.desk.deadline = deadline;
        self
    }
}

impl<S> Layer<S> for SigV4Layer {
    type Service = VerifyService<S, SigV4>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, self.scheme.clone(), self.desk.clone())
    }
}

/// AWS Signature Version 4, as a [`SigV4Layer`] verifies it.
#[derive(Clone, Debug)]
pub struct SigV4(SigV4Verifier);

impl Scheme for SigV4 {
    type Claim = ();
    type Proof = VerifiedSigV4;

    async fn begin(
        &self,
        head: &RequestHead<'_>,
        _: bool,
    ) -> Result<Next<(), VerifiedSigV4>, Fault> {
        self.0.read(head)?;
        Ok(Next::Whole(()))
    }

    async fn finish(
        &self,
        (): (),
        head: &RequestHead<'_>,
        body: &[u8],
        _: Option<&HeaderMap>,
    ) -> Result<VerifiedSigV4, Fault> {
        self.0.verify(head, body).await
    }

    fn principal(_: &VerifiedSigV4) -> Option<&Principal> {
        None
    }
}
