use super::verify::{ApiClaim, ApiVerifier, VerifiedApiRequest};
use crate::guard::{Render, RequestHead};
use crate::principal::Principal;
use crate::signing::service::{Desk, Next, Scheme};
use crate::signing::{Fault, VerifyService};
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

/// Lets pass signed API requests, and no others. The handler finds a [`VerifiedApiRequest`] in
/// the extensions, and the [`Principal`] where the key has one.
///
/// The body is read, up to 1 MiB unless told otherwise, before the service behind is called: it
/// is part of what is signed. It is not read for a request whose key is unknown or whose time is
/// over. What was read by a layer outside is not copied.
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiSignatureLayer {
    scheme: ApiScheme,
    desk: Desk,
}

impl ApiSignatureLayer {
    /// Verifies by this verifier.
    pub fn new(verifier: ApiVerifier) -> Self {
        Self {
            scheme: ApiScheme(verifier),
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

    /// Makes rejections look as `render` says.
    pub fn rendered_by(mut self, render: impl Render) -> Self {
        self.desk.render = Arc::new(render);
        self
    }
}

impl<S> Layer<S> for ApiSignatureLayer {
    type Service = VerifyService<S, ApiScheme>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, self.scheme.clone(), self.desk.clone())
    }
}

/// Signed API requests, as an [`ApiSignatureLayer`] verifies them.
#[derive(Clone, Debug)]
pub struct ApiScheme(ApiVerifier);

impl Scheme for ApiScheme {
    type Claim = ApiClaim;
    type Proof = VerifiedApiRequest;

    async fn begin(
        &self,
        head: &RequestHead<'_>,
        _: bool,
    ) -> Result<Next<ApiClaim, VerifiedApiRequest>, Fault> {
        Ok(Next::Whole(self.0.claim(head).await?))
    }

    async fn finish(
        &self,
        claim: ApiClaim,
        head: &RequestHead<'_>,
        body: &[u8],
        _: Option<&HeaderMap>,
    ) -> Result<VerifiedApiRequest, Fault> {
        self.0.finish(claim, head, body).await
    }

    fn principal(proof: &VerifiedApiRequest) -> Option<&Principal> {
        proof.principal()
    }
}
