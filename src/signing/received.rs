use super::component::Name;
use super::digest::{DigestHasher, Digests};
use super::fields::{Input, List, Lists, SignatureBytes, Signatures};
use super::message::Head;
use super::{Component, Fault, Message, Parameters, base, proof, registered_name, work};
use crate::crypto::keys::KnownKey;
use http::{StatusCode, header};
use std::sync::Arc;

/// One signature of a message, read and **not verified**.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedSignature(pub(super) Box<Received>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Received {
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
        Ok(Self::read(message, &Lists::new())?.into_iter().collect())
    }

    /// The same, where some lists of components are known.
    pub(super) fn read(message: &Message<'_>, known: &Lists) -> Result<Signatures, Fault> {
        let all = Signatures::of(message.headers, known)?;
        work::check(message, &all)?;
        Ok(all)
    }

    /// The label. Nobody vouches for it: it is not covered.
    #[must_use]
    pub fn label(&self) -> &str {
        self.0.input.label()
    }

    /// What it says of itself.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters(&self.0.input)
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

    pub(super) fn list(&self) -> &Arc<List> {
        self.0.input.list()
    }

    /// The bytes that it is over.
    ///
    /// # Errors
    /// When the message has not what the signature covers.
    pub fn base(&self, message: &Message<'_>) -> Result<Vec<u8>, Fault> {
        base::of(message, self.list(), self.0.input.text())
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
        proof::check(key, &base, self.0.signature.as_slice())
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method, Uri};

    #[test]
    fn two_digests_of_a_body_have_to_be_one() {
        let digest = |body: &[u8]| super::super::digest::DigestAlgorithm::Sha256.field(body);
        let input = r#"a=("content-digest" "content-digest";tr)"#;
        let mut headers = HeaderMap::new();
        headers.insert("signature-input", input.parse().unwrap());
        headers.insert("signature", "a=:AA==:".parse().unwrap());
        headers.insert("content-digest", digest(b"12 apples"));
        let (method, uri) = (Method::POST, Uri::from_static("/orders"));
        let mut trailers = HeaderMap::new();
        for (name, body, expected) in [
            ("the same", b"12 apples", Ok(())),
            ("another", b"13 apples", Err(Fault::Duplicate("a digest"))),
        ] {
            trailers.insert("content-digest", digest(body));
            let message = Message::of_request(&method, &uri, &headers).with_trailers(&trailers);
            let signature = ReceivedSignature::all_of(&message).unwrap().remove(0);
            let found = signature.digests(&message);
            let found = found.and_then(|digests| digests.verify(b"12 apples"));
            assert_eq!(found, expected, "{name}");
        }
    }
}
