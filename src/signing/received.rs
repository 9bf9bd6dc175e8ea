use super::component::{Identity, Name};
use super::digest::{CONTENT_DIGEST, DigestHasher, Digests, REPR_DIGEST};
use super::fields::{self, Labeled};
use super::message::Head;
use super::{Component, Fault, Message, Parameters, base, registered_name, work};
use crate::crypto::keys::KnownKey;
use http::{HeaderName, StatusCode, header};
use std::sync::Arc;

/// One signature of a message, read and **not verified**.
#[derive(Clone, Debug)]
pub struct ReceivedSignature(pub(super) Arc<Labeled>);

impl ReceivedSignature {
    /// The signatures of a message, in the order of `Signature-Input`.
    ///
    /// # Errors
    /// When there is none, or one of them is malformed: another parser might read it otherwise.
    /// When they cover more than anybody should read for an unknown sender.
    pub fn all_of(message: &Message<'_>) -> Result<Vec<Self>, Fault> {
        let labeled = fields::signatures(message.headers)?;
        if labeled.is_empty() {
            return Err(Fault::Absent);
        }
        work::check(message, &labeled)?;
        Ok(labeled.into_iter().map(Self).collect())
    }

    /// The label. Nobody vouches for it: it is not covered.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0.input.label
    }

    /// What it says of itself.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.0.input.parameters
    }

    /// What it covers, as it stands in `Signature-Input`.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &str> {
        let input = &self.0.input;
        input.covered.iter().map(|covered| input.id(covered))
    }

    /// Whether it covers this component, whatever the order of the parameters.
    #[must_use]
    pub fn covers(&self, component: &Component) -> bool {
        self.covers_identity(&component.identity)
    }

    fn covers_identity(&self, identity: &Identity) -> bool {
        let mut covered = self.0.input.covered.iter();
        covered.any(|it| it.identity == *identity)
    }

    pub(super) fn covers_derived(&self, name: &Name, of_request: bool) -> bool {
        let mut covered = self.0.input.covered.iter();
        covered.any(|it| it.identity.is_derived(name, of_request))
    }

    /// The bytes that it is over.
    ///
    /// # Errors
    /// When the message has not what the signature covers.
    pub fn base(&self, message: &Message<'_>) -> Result<Vec<u8>, Fault> {
        base::of(message, &self.0.input)
    }

    /// Whether the key made it over this message: that and nothing else. **Do not build on
    /// this**: it may cover nothing, be of last year, and be the tenth copy. What is safe to
    /// build on is a [`Policy`](super::Policy).
    ///
    /// # Errors
    /// When it does not verify, or the key is for another algorithm than it says.
    pub fn dangerous_verify_without_policy(
        &self,
        message: &Message<'_>,
        key: &KnownKey,
    ) -> Result<(), Fault> {
        let algorithm = key.algorithm();
        let name = registered_name(algorithm).ok_or(Fault::WrongAlgorithm)?;
        if self.parameters().algorithm().is_some_and(|it| it != name) {
            return Err(Fault::WrongAlgorithm);
        }
        let base = self.base(message)?;
        let verified = key.key().verify(algorithm, &base, &self.0.signature);
        verified.map_err(|_| Fault::BadSignature)
    }

    /// The digests of the body that it covers, to be recomputed: a digest that was signed is
    /// worth nothing until then.
    ///
    /// # Errors
    /// When a digest is covered that is not there, is malformed, or cannot be recomputed.
    pub fn digests(&self, message: &Message<'_>) -> Result<CoveredDigests, Fault> {
        let content = self.covered_digest(message, &CONTENT_DIGEST)?;
        let representation = self.covered_digest(message, &REPR_DIGEST)?;
        if representation.is_some() && !is_whole(message) {
            return Err(Fault::BadValue("repr-digest".into()));
        }
        Ok(CoveredDigests {
            content,
            representation,
        })
    }

    fn covered_digest(
        &self,
        message: &Message<'_>,
        name: &HeaderName,
    ) -> Result<Option<Digests>, Fault> {
        let mut found = None;
        for covered in &self.0.input.covered {
            let Identity {
                name: Name::Field(field),
                argument,
                ..
            } = &covered.identity
            else {
                continue;
            };
            if field != name || covered.identity.is_of_request() {
                continue;
            }
            // One member alone counts when it is a strong one.
            if argument
                .as_deref()
                .is_some_and(|member| !matches!(member, "sha-256" | "sha-512"))
            {
                continue;
            }
            let headers = if covered.identity.is_trailer() {
                message
                    .trailers
                    .ok_or_else(|| Fault::Missing(name.as_str().into()))?
            } else {
                message.headers
            };
            let digests = Digests::of(headers, name)?;
            found = Some(digests.ok_or_else(|| Fault::Missing(name.as_str().into()))?);
        }
        Ok(found)
    }

    pub(super) fn needs_trailers(&self) -> bool {
        let mut covered = self.0.input.covered.iter();
        covered.any(|it| it.identity.is_trailer() && !it.identity.is_of_request())
    }
}

/// Whether the content is the whole representation: only then its digest can be told.
fn is_whole(message: &Message<'_>) -> bool {
    let is_partial = matches!(
        message.head,
        Head::Response {
            status: StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED,
            ..
        }
    );
    !is_partial && !message.headers.contains_key(header::CONTENT_RANGE)
}

/// The digests of a body that a signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredDigests {
    content: Option<Digests>,
    representation: Option<Digests>,
}

impl CoveredDigests {
    pub(super) const fn has_content(&self) -> bool {
        self.content.is_some()
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.content.is_some() || self.representation.is_some()
    }

    /// Whether the body is the one that was signed.
    ///
    /// # Errors
    /// When one of the digests is of another.
    pub fn verify(&self, body: &[u8]) -> Result<(), Fault> {
        let mut digests = self.content.iter().chain(&self.representation);
        digests.try_for_each(|digests| digests.verify(body))
    }

    pub(super) fn hashers(&self) -> Vec<DigestHasher> {
        let digests = self.content.iter().chain(&self.representation);
        digests.map(Digests::hasher).collect()
    }
}
