use super::component::Name;
use super::digest::{DigestHasher, Digests};
use super::fields::{self, Input, List, Lists, SignatureBytes};
use super::message::Head;
use super::{Component, Fault, Message, Parameters, base, proof, registered_name, work};
use crate::crypto::keys::KnownKey;
use http::{StatusCode, header};
use std::sync::Arc;

/// One signature of a message, read and **not verified**.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedSignature {
    pub(super) input: Input,
    pub(super) signature: SignatureBytes,
}

impl ReceivedSignature {
    /// The signatures of a message, in the order of `Signature-Input`.
    ///
    /// # Errors
    /// When there is none, or one of them is malformed: another parser might read it otherwise.
    /// When they cover more than anybody should read for an unknown sender.
    pub fn all_of(message: &Message<'_>) -> Result<Vec<Self>, Fault> {
        Self::all_with(message, &Lists::new())
    }

    /// The same, where some lists of components are known.
    pub(super) fn all_with(message: &Message<'_>, known: &Lists) -> Result<Vec<Self>, Fault> {
        let all = fields::signatures(message.headers, known)?;
        if all.is_empty() {
            return Err(Fault::Absent);
        }
        work::check(message, &all)?;
        Ok(all)
    }

    /// The label. Nobody vouches for it: it is not covered.
    #[must_use]
    pub fn label(&self) -> &str {
        self.input.label()
    }

    /// What it says of itself.
    #[must_use]
    pub const fn parameters(&self) -> Parameters<'_> {
        Parameters(&self.input)
    }

    /// What it covers, as it stands in `Signature-Input`.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &str> {
        self.list().iter().map(|(shown, _)| shown)
    }

    /// Whether it covers this component, whatever the order of the parameters.
    #[must_use]
    pub fn covers(&self, component: &Component) -> bool {
        let mut covered = self.list().identities();
        covered.any(|it| *it == component.identity)
    }

    /// Whether it covers trailers, so that the body comes first.
    pub(super) fn needs_trailers(&self) -> bool {
        self.list().needs_trailers()
    }

    pub(super) const fn list(&self) -> &Arc<List> {
        self.input.list()
    }

    /// The bytes that it is over.
    ///
    /// # Errors
    /// When the message has not what the signature covers.
    pub fn base(&self, message: &Message<'_>) -> Result<Vec<u8>, Fault> {
        base::of(message, self.list(), self.input.text())
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
        let name = registered_name(key.algorithm()).ok_or(Fault::WrongAlgorithm)?;
        if self.parameters().algorithm().is_some_and(|it| it != name) {
            return Err(Fault::WrongAlgorithm);
        }
        let base = self.base(message)?;
        proof::check(key, &base, self.signature.as_slice())
    }

    /// The digests of the body that it covers, to be recomputed: a digest that was signed is
    /// worth nothing until then.
    ///
    /// # Errors
    /// When a digest is covered that is not there, is malformed, or cannot be recomputed.
    pub fn digests(&self, message: &Message<'_>) -> Result<CoveredDigests, Fault> {
        let mut digests = CoveredDigests::default();
        for identity in self.list().identities() {
            let Name::Field(name) = &identity.name else {
                continue;
            };
            let place = match name.as_str() {
                "content-digest" => &mut digests.content,
                "repr-digest" => &mut digests.representation,
                _ => continue,
            };
            // One member alone counts when it is a strong one.
            let member = identity.argument.as_deref();
            let is_strong = member.is_none_or(|it| matches!(it, "sha-256" | "sha-512"));
            if identity.is_of_request() || !is_strong {
                continue;
            }
            let found = match identity.is_trailer() {
                true => message.trailers,
                false => Some(message.headers),
            };
            let found = found
                .map(|headers| Digests::of(headers, name))
                .transpose()?;
            let missing = || Fault::Missing(name.as_str().into());
            let found = found.flatten().ok_or_else(missing)?;
            // In a header and in a trailer: which one another would look at cannot be known.
            if place.as_ref().is_some_and(|before| *before != found) {
                return Err(Fault::Duplicate("a digest"));
            }
            *place = Some(found);
        }
        if digests.representation.is_some() && !is_whole(message) {
            return Err(Fault::BadValue("repr-digest".into()));
        }
        Ok(digests)
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
