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
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
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
    fn no_two_contexts_are_encoded_alike() {
        let base = || KekContext::new("p");
        let contexts = [
            base(),
            base().with("a", ""),
            base().with("", "a"),
            base().with("a", "b").with("c", "d"),
            base().with("a", "b1:c1:d"),
            base().with("a1:b1:c", "d"),
            KekContext::new("p1:a0:"),
        ];
        let encoded: HashSet<_> = contexts.iter().map(KekContext::encode).collect();
        assert_eq!(encoded.len(), contexts.len());
        let (one, other) = (base().with("a", "1").with("b", "2"), base().with("b", "2"));
        assert_eq!(other.with("a", "1").encode(), one.encode(), "order is none");
    }
}
