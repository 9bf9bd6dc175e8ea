use super::{VerifiedWebhook, WebhookVerifier};
use crate::guard::{Render, RequestHead};
use crate::principal::Principal;
use crate::signing::service::{Desk, Next, Scheme};
use crate::signing::{Fault, VerifyService};
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

/// Lets pass webhooks that are signed, and nothing else. The handler finds a
/// [`VerifiedWebhook`] in the extensions.
///
/// The body is read, up to 1 MiB unless told otherwise, before the service behind is called: it
/// is what is signed. It is not read for a webhook whose headers are malformed or whose time is
/// over. What was read by a layer outside is not copied.
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookLayer {
    scheme: Webhooks,
    desk: Desk,
}

impl WebhookLayer {
    /// Verifies by this verifier.
    pub fn new(verifier: WebhookVerifier) -> Self {
        Self {
            scheme: Webhooks(verifier),
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

impl<S> Layer<S> for WebhookLayer {
    type Service = VerifyService<S, Webhooks>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, self.scheme.clone(), self.desk.clone())
    }
}

/// Webhooks, as a [`WebhookLayer`] verifies them.
#[derive(Clone, Debug)]
pub struct Webhooks(WebhookVerifier);

impl Scheme for Webhooks {
    type Claim = ();
    type Proof = VerifiedWebhook;

    async fn begin(
        &self,
        head: &RequestHead<'_>,
        _: bool,
    ) -> Result<Next<(), VerifiedWebhook>, Fault> {
        self.0.read(head.headers())?;
        Ok(Next::Whole(()))
    }

    async fn finish(
        &self,
        (): (),
        head: &RequestHead<'_>,
        body: &[u8],
        _: Option<&HeaderMap>,
    ) -> Result<VerifiedWebhook, Fault> {
        self.0.verify(head.headers(), body).await
    }

    fn principal(_: &VerifiedWebhook) -> Option<&Principal> {
        None
    }
}
