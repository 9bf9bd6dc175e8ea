use crate::guard::FieldError;
use std::time::Duration;

/// What a key is asked to be.
///
/// ```
/// use portcullis::authn::api_key::NewApiKey;
/// use std::time::Duration;
///
/// let asked = NewApiKey::new("nightly build")
///     .scopes(["builds:read", "builds:start"])
///     .expires_in(Duration::from_secs(30 * 24 * 60 * 60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewApiKey {
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) lifetime: Option<Duration>,
}

impl NewApiKey {
    /// The longest name, in bytes.
    pub const MAX_NAME_LEN: usize = 100;
    /// The most scopes of one key.
    pub const MAX_SCOPES: usize = 64;
    /// The longest scope, in bytes.
    pub const MAX_SCOPE_LEN: usize = 128;

    /// A key of this name, for its owner to know it by. It may do nothing that asks for a
    /// scope, and lives 90 days.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Vec::new(),
            lifetime: None,
        }
    }

    /// What the key may be used for: permissions, such as `builds:read`.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long the key is good for.
    pub const fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// What is wrong with it, field by field.
    pub(super) fn check(&self, longest: Duration) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let name = self.name.trim();
        let is_shown = !name.is_empty() && !self.name.chars().any(char::is_control);
        if !is_shown || self.name.len() > Self::MAX_NAME_LEN {
            let message = "must be 1 to 100 bytes of visible text";
            wrong.push(FieldError::new("/name", "bad_name", message));
        }
        let fits = |scope: &String| scope.len() <= Self::MAX_SCOPE_LEN && is_scope(scope);
        if self.scopes.len() > Self::MAX_SCOPES || !self.scopes.iter().all(fits) {
            let message = "must be at most 64 scopes of at most 128 visible characters";
            wrong.push(FieldError::new("/scopes", "bad_scopes", message));
        }
        if self
            .lifetime
            .is_some_and(|lifetime| lifetime.is_zero() || lifetime > longest)
        {
            let seconds = longest.as_secs();
            let message = format!("must be 1 to {seconds} seconds");
            wrong.push(FieldError::new("/expires_in", "bad_lifetime", message));
        }
        wrong
    }
}

/// RFC 6749 section 3.3, `scope-token`.
fn is_scope(scope: &str) -> bool {
    let usual = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'\\';
    !scope.is_empty() && scope.bytes().all(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_checked() {
        let day = Duration::from_secs(24 * 60 * 60);
        let longest = 365 * day;
        let long = "x".repeat(101);
        let cases: [(&str, NewApiKey, &[&str]); 11] = [
            ("plain", NewApiKey::new("ci"), &[]),
            (
                "with all",
                NewApiKey::new("ci é")
                    .scopes(["a:read", "b"])
                    .expires_in(day),
                &[],
            ),
            ("no name", NewApiKey::new(" "), &["/name"]),
            ("a long name", NewApiKey::new(long), &["/name"]),
            ("two lines", NewApiKey::new("a\nb"), &["/name"]),
            (
                "an empty scope",
                NewApiKey::new("a").scopes([""]),
                &["/scopes"],
            ),
            (
                "two scopes in one",
                NewApiKey::new("a").scopes(["a b"]),
                &["/scopes"],
            ),
            ("a quote", NewApiKey::new("a").scopes(["a\""]), &["/scopes"]),
            (
                "too many",
                NewApiKey::new("a").scopes(vec!["a"; 65]),
                &["/scopes"],
            ),
            (
                "dead at once",
                NewApiKey::new("a").expires_in(Duration::ZERO),
                &["/expires_in"],
            ),
            (
                "for ever, and nameless",
                NewApiKey::new("").expires_in(Duration::MAX),
                &["/name", "/expires_in"],
            ),
        ];
        for (name, asked, expected) in cases {
            let wrong = asked.check(longest);
            let pointers: Vec<_> = wrong.iter().map(|field| &*field.pointer).collect();
            assert_eq!(pointers, expected, "{name}");
        }
    }
}
