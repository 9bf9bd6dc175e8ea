use super::PurposeIsSet;
use std::collections::BTreeMap;

/// What a wrapped key is for, and whose it is: authenticated beside it, and no secret.
///
/// Key management services write it into their logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KekContext(BTreeMap<String, String>);

impl KekContext {
    const PURPOSE: &str = "purpose";

    /// A context for this purpose.
    #[must_use]
    pub fn new(purpose: &str) -> Self {
        Self(BTreeMap::from([(
            Self::PURPOSE.to_owned(),
            purpose.to_owned(),
        )]))
    }

    /// With this entry too; one of the same name is replaced.
    ///
    /// # Errors
    /// When the name is `purpose`: with another one, a key would be wrapped for what its caller
    /// is not.
    pub fn with(self, name: &str, value: &str) -> Result<Self, PurposeIsSet> {
        if name == Self::PURPOSE {
            return Err(PurposeIsSet(()));
        }
        Ok(self.and(name, value))
    }

    /// With an entry of this fixed name, which is not `purpose`.
    pub(in crate::crypto) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The entries by name, the purpose among them.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One text for this context and no other: names and values with their lengths before
    /// them.
    pub(super) fn encode(&self) -> String {
        let mut text = String::new();
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_purpose_stays() {
        let context = KekContext::new("subject-key");
        assert!(context.clone().with("purpose", "keyring-file").is_err());
        let context = context.with("Purpose", "other").unwrap();
        let entries: Vec<_> = context.entries().collect();
        assert_eq!(entries, [("Purpose", "other"), ("purpose", "subject-key")]);
    }

    #[test]
    fn no_two_contexts_are_encoded_alike() {
        let base = || KekContext::new("p");
        let contexts = [
            base(),
            base().and("a", ""),
            base().and("", "a"),
            base().and("a", "b").and("c", "d"),
            base().and("a", "b1:c1:d"),
            base().and("a1:b1:c", "d"),
            KekContext::new("p1:a0:"),
        ];
        let encoded: HashSet<_> = contexts.iter().map(KekContext::encode).collect();
        assert_eq!(encoded.len(), contexts.len());
        let (one, other) = (base().and("a", "1").and("b", "2"), base().and("b", "2"));
        assert_eq!(other.and("a", "1").encode(), one.encode(), "order is none");
    }
}
