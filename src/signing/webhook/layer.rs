use super::{VerifiedWebhook, WebhookVerifier};
use crate::guard::RequestHead;
use crate::principal::Principal;
use crate::signing::Fault;
use crate::signing::service::{Next, Scheme, VerifyLayer};
use http::HeaderMap;

/// Lets pass webhooks that are signed, and nothing else. The handler finds a
/// [`VerifiedWebhook`] in the extensions.
///
/// The body is read, up to 1 MiB unless told otherwise, before the service behind is called: it
/// is what is signed. It is not read for a webhook whose headers are malformed or whose time is
/// over. What was read by a layer outside is not copied.
pub type WebhookLayer = VerifyLayer<Webhooks>;

impl WebhookLayer {
    /// Verifies by this verifier; bodies of up to 1 MiB.
    pub fn new(verifier: WebhookVerifier) -> Self {
        Self::of(Webhooks(verifier))
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
