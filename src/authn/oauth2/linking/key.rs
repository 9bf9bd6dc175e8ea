use super::IdentityError;
use crate::authn::jwt::Claims;
use ring::digest::{Context, Digest, SHA256};

/// The longest issuer taken, in bytes.
const MAX_ISSUER_LEN: usize = 1024;
/// The longest subject taken, in bytes (OpenID Connect Core section 2).
const MAX_SUBJECT_LEN: usize = 255;

/// Who somebody is at a provider: the issuer, and the subject, which the issuer gives to no one
/// else (OpenID Connect Core section 5.7).
///
/// Both are compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey {
    issuer: Box<str>,
    subject: Box<str>,
}

impl IdentityKey {
    /// The subject of this issuer.
    ///
    /// # Errors
    /// When either is empty or too long, has control characters, or the issuer has spaces.
    pub fn new(
        issuer: impl Into<Box<str>>,
        subject: impl Into<Box<str>>,
    ) -> Result<Self, IdentityError> {
        let (issuer, subject) = (issuer.into(), subject.into());
        if issuer.is_empty()
            || issuer.len() > MAX_ISSUER_LEN
            || issuer.contains(|it: char| it.is_control() || it.is_whitespace())
        {
            return Err(IdentityError::Issuer);
        }
        if subject.is_empty()
            || subject.len() > MAX_SUBJECT_LEN
            || subject.contains(char::is_control)
        {
            return Err(IdentityError::Subject);
        }
        Ok(Self { issuer, subject })
    }

    /// Whom a token is about that was verified.
    ///
    /// # Errors
    /// When it does not say, or [`new`](Self::new) does not take it.
    pub fn of_claims(claims: &Claims) -> Result<Self, IdentityError> {
        let issuer = claims.issuer().unwrap_or_default();
        Self::new(issuer, claims.subject().unwrap_or_default())
    }

    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the issuer calls them.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Both in one text, for the id of a principal: the issuer, a space and the subject. No two
    /// identities have the same, for no issuer has a space.
    #[must_use]
    pub fn principal_id(&self) -> String {
        format!("{} {}", self.issuer, self.subject)
    }

    /// What the identity goes by in records: it stands behind its issuer's length, so that
    /// nothing of the one is ever taken for part of the other.
    pub(super) fn key(&self) -> Digest {
        let mut hash = Context::new(&SHA256);
        let length = u64::try_from(self.issuer.len()).unwrap_or(u64::MAX);
        hash.update(b"portcullis oauth2 identity v1\0");
        hash.update(&length.to_be_bytes());
        hash.update(self.issuer.as_bytes());
        hash.update(self.subject.as_bytes());
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_an_identity_is() {
        let long = "a".repeat(256);
        for (name, issuer, subject, expected) in [
            ("usual", "https://id.example.com", "user-17", Ok(())),
            ("a subject with spaces", "https://a", "ann b", Ok(())),
            ("no issuer", "", "a", Err(IdentityError::Issuer)),
            ("no subject", "https://a", "", Err(IdentityError::Subject)),
            ("a space", "https://a b", "a", Err(IdentityError::Issuer)),
            ("a line", "https://a", "a\nb", Err(IdentityError::Subject)),
            ("too long", "https://a", &long, Err(IdentityError::Subject)),
        ] {
            assert_eq!(
                IdentityKey::new(issuer, subject).map(drop),
                expected,
                "{name}"
            );
        }
    }

    proptest! {
        /// Wherever the border between the two is, another border is another identity.
        #[test]
        fn issuer_and_subject_never_run_together(text in "[a-z ]{2,12}", at in 1_usize..11, other in 1_usize..11) {
            let cut = |at: usize| {
                let (issuer, subject) = text.split_at(at.min(text.len() - 1));
                IdentityKey::new(issuer, subject).ok()
            };
            if let (Some(one), Some(two)) = (cut(at), cut(other)) {
                let is_same = one == two;
                prop_assert_eq!(is_same, one.key().as_ref() == two.key().as_ref());
                prop_assert_eq!(is_same, one.principal_id() == two.principal_id());
            }
        }
    }
}
