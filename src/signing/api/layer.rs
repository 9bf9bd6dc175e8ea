use super::verify::{ApiClaim, ApiVerifier, VerifiedApiRequest};
use crate::guard::RequestHead;
use crate::principal::Principal;
use crate::signing::Fault;
use crate::signing::service::{Next, Scheme, VerifyLayer};
use http::HeaderMap;

/// Lets pass signed API requests, and no others. The handler finds a [`VerifiedApiRequest`] in
/// the extensions, and the [`Principal`] where the key has one.
///
/// The body is read, up to 1 MiB unless told otherwise, before the service behind is called: it
/// is part of what is signed. It is not read for a request whose headers are malformed or whose
/// time is over; it is for one whose key is unknown, so that nobody learns which keys there are.
/// What was read by a layer outside is not copied.
pub type ApiSignatureLayer = VerifyLayer<ApiScheme>;

impl ApiSignatureLayer {
    /// Verifies by this verifier; bodies of up to 1 MiB.
    pub fn new(verifier: ApiVerifier) -> Self {
        Self::of(ApiScheme(verifier))
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
