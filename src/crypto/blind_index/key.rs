use super::{Column, IndexBuilder, IndexError};
use crate::crypto::kdf::{LENGTH, expand, put_text};
use crate::random::Random;
use crate::secret::{SecretBytes, SecretString};
use base64ct::{Base64UrlUnpadded, Encoding};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands before the text of an index key, so that it is taken for no other.
const PREFIX: &str = "pcix1.";

/// The key that all blind indexes of a service derive theirs from.
///
/// Keep it apart from the keyring that encrypts. Who has it can test guesses against every
/// term; who has it can open nothing.
#[derive(Clone)]
pub struct IndexKey {
    root: Root,
    namespace: String,
}

/// Filled where it stays: what moves leaves a copy behind.
type Root = Arc<Zeroizing<[u8; LENGTH]>>;

impl IndexKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_with(&Random::secure())
    }

    /// A new one, from this randomness.
    #[must_use]
    pub fn generate_with(random: &Random) -> Self {
        let mut root = Root::default();
        random.fill(Arc::make_mut(&mut root).as_mut());
        Self::of(root)
    }

    /// The key of these 32 bytes, which have to be random.
    ///
    /// # Errors
    /// When there are more or fewer.
    pub fn new(bytes: &SecretBytes) -> Result<Self, IndexError> {
        let bytes = bytes.expose();
        if bytes.len() != LENGTH {
            return Err(IndexError::KeyLength(bytes.len()));
        }
        let mut root = Root::default();
        Arc::make_mut(&mut root).copy_from_slice(bytes);
        Ok(Self::of(root))
    }

    /// Reads a key as [`to_text`](Self::to_text) writes it, as from an environment variable.
    ///
    /// # Errors
    /// When it is anything else. The error does not show it.
    pub fn parse(text: &SecretString) -> Result<Self, IndexError> {
        let coded = text.expose().trim().strip_prefix(PREFIX);
        let coded = coded.ok_or(IndexError::KeyText)?;
        let mut root = Root::default();
        match Base64UrlUnpadded::decode(coded, Arc::make_mut(&mut root).as_mut()) {
            Ok(decoded) if decoded.len() == LENGTH => Ok(Self::of(root)),
            _ => Err(IndexError::KeyText),
        }
    }

    /// The key as text: `pcix1.` and 43 characters of base64url.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        // With room for all of it, so that no copy is left behind.
        let mut text = String::with_capacity(PREFIX.len() + 44);
        text.push_str(PREFIX);
        text.push_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(
            &**self.root,
        )));
        SecretString::from(text)
    }

    /// The same key for another namespace, such as one customer's: equal values of two
    /// namespaces have terms that cannot be compared.
    #[must_use]
    pub fn namespace(&self, namespace: &str) -> Self {
        Self {
            root: Arc::clone(&self.root),
            namespace: namespace.to_owned(),
        }
    }

    /// Begins an index of this name over columns of a table. Of two columns or more the index
    /// finds rows in which all of them are equal.
    pub fn index<const N: usize>(
        &self,
        table: &str,
        name: &str,
        columns: [Column; N],
    ) -> IndexBuilder<N> {
        IndexBuilder::new(self.clone(), table, name, columns)
    }

    fn of(root: Root) -> Self {
        Self {
            root,
            namespace: String::new(),
        }
    }

    /// A key for this purpose and the index of this version that these texts name.
    pub(super) fn derive<'a>(
        &self,
        purpose: &str,
        version: u8,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Zeroizing<[u8; LENGTH]> {
        let mut info = purpose.as_bytes().to_vec();
        info.push(version);
        put_text(&mut info, &self.namespace);
        names.into_iter().for_each(|name| put_text(&mut info, name));
        expand(&self.root, &[&info])
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexKey")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_back_and_nothing_else() {
        let key = IndexKey::generate();
        let text = key.to_text();
        let again = IndexKey::parse(&text).unwrap();
        assert_eq!(again.root, key.root);
        let with_newline = SecretString::from(format!("{}\n", text.expose()));
        assert!(IndexKey::parse(&with_newline).is_ok());
        let text = text.expose();
        let (short, long) = (&text[..text.len() - 1], format!("{text}A"));
        let unprefixed = text.strip_prefix(PREFIX).unwrap();
        for wrong in ["", PREFIX, short, &long, unprefixed, "pcix2.AAAA"] {
            let error = IndexKey::parse(&SecretString::from(wrong)).unwrap_err();
            assert_eq!(error, IndexError::KeyText);
        }
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        for length in [0, 16, 31, 33] {
            let error = IndexKey::new(&SecretBytes::from(vec![1; length])).unwrap_err();
            assert_eq!(error, IndexError::KeyLength(length));
        }
        assert!(IndexKey::new(&SecretBytes::from(vec![1; 32])).is_ok());
    }
}
