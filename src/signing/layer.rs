use super::origin::Origin;
use super::service::{Next, Scheme, VerifyLayer};
use super::verify::VerifiedHead;
use super::{ConfigError, Fault, Message, ReceivedSignature, Verified, Verifier};
use crate::guard::{Rejection, RequestHead};
use crate::principal::Principal;
use http::{HeaderMap, HeaderName};

const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// Lets pass requests with a good signature (RFC 9421), and no others. The handler finds a
/// [`Verified`] in the extensions, and the [`Principal`] where the key has one.
///
/// The body is read, up to a limit, and held against its digest before the service behind is
/// called. What was read by a layer outside is not copied. See
/// [`streaming_body`](VerifyLayer::streaming_body) for bodies that are too large for that.
///
/// A refused client is told by `Accept-Signature` what a signature has to cover.
pub type VerifySignatureLayer = VerifyLayer<HttpSignatures>;

impl VerifySignatureLayer {
    /// Verifies by this verifier; bodies of up to 1 MiB.
    pub fn new(verifier: Verifier) -> Self {
        Self::of(HttpSignatures {
            verifier,
            streams: false,
            origin: None,
        })
    }

    /// Digests the body while the handler reads it, of any size, and ends it with an error when
    /// it is not the one that was signed: **the handler begins before that is known**, and must
    /// not act on a body that it did not read to its end. The last piece is held back until
    /// then. The nonce is spent before.
    pub const fn streaming_body(mut self) -> Self {
        self.scheme.streams = true;
        self
    }

    /// Says which scheme and host clients use to reach the service, where a proxy in front
    /// changes them: `https`, `api.example.com`.
    ///
    /// # Errors
    /// When that is no scheme or no host.
    pub fn origin(mut self, scheme: &str, authority: &str) -> Result<Self, ConfigError> {
        self.scheme.origin = Some(Origin::new(scheme, authority)?);
        Ok(self)
    }
}

/// HTTP Message Signatures, as a [`VerifySignatureLayer`] verifies them.
#[derive(Clone, Debug)]
pub struct HttpSignatures {
    verifier: Verifier,
    streams: bool,
    origin: Option<Origin>,
}

impl HttpSignatures {
    fn message<'a>(&'a self, head: &RequestHead<'a>) -> Message<'a> {
        let message = Message::of_request(head.method(), head.uri(), head.headers());
        Origin::seen(self.origin.as_ref(), message)
    }
}

/// What the head came to: nothing yet, where trailers are covered.
#[derive(Debug)]
pub(super) enum Claim {
    Verified(Box<VerifiedHead>),
    AfterTrailers,
}

impl Scheme for HttpSignatures {
    type Claim = Claim;
    type Proof = Verified;

    async fn begin(
        &self,
        head: &RequestHead<'_>,
        is_empty: bool,
    ) -> Result<Next<Claim, Verified>, Fault> {
        let message = self.message(head);
        let signatures = self.verifier.read(&message)?;
        if signatures.iter().any(ReceivedSignature::needs_trailers) {
            return Ok(Next::Whole(Claim::AfterTrailers));
        }
        let verified = self.verifier.verify_head(signatures, &message).await?;
        if !self.streams {
            return Ok(Next::Whole(Claim::Verified(Box::new(verified))));
        }
        verified.check_coverage(self.verifier.policy(), is_empty)?;
        let hashers = verified.digests().hashers();
        Ok(Next::Stream(verified.pass(&self.verifier).await?, hashers))
    }

    async fn finish(
        &self,
        claim: Claim,
        head: &RequestHead<'_>,
        body: &[u8],
        trailers: Option<&HeaderMap>,
    ) -> Result<Verified, Fault> {
        let verified = match claim {
            Claim::Verified(verified) => *verified,
            Claim::AfterTrailers => {
                let none = HeaderMap::new();
                let message = self.message(head).with_trailers(trailers.unwrap_or(&none));
                let signatures = self.verifier.read(&message)?;
                self.verifier.verify_head(signatures, &message).await?
            }
        };
        verified.check_body(self.verifier.policy(), body)?;
        verified.pass(&self.verifier).await
    }

    fn principal(proof: &Verified) -> Option<&Principal> {
        proof.principal()
    }

    fn told(&self, rejection: Rejection) -> Rejection {
        let wanted = self.verifier.policy().accept_signature();
        match wanted.filter(|_| rejection.status() == http::StatusCode::UNAUTHORIZED) {
            Some(wanted) => rejection.with_header(ACCEPT_SIGNATURE, wanted),
            None => rejection,
        }
    }
}
