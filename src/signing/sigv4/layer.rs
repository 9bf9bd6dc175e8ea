use super::verify::{SigV4Verifier, VerifiedSigV4};
use crate::guard::RequestHead;
use crate::principal::Principal;
use crate::signing::Fault;
use crate::signing::service::{Next, Scheme, VerifyLayer};
use http::HeaderMap;

/// Lets pass requests that are signed by AWS Signature Version 4, and no others. The handler
/// finds a [`VerifiedSigV4`] in the extensions.
pub type SigV4Layer = VerifyLayer<SigV4>;

impl SigV4Layer {
    /// Verifies by this verifier; bodies of up to 1 MiB.
    pub fn new(verifier: SigV4Verifier) -> Self {
        Self::of(SigV4(verifier))
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
