use http::HeaderValue;

/// What a client must do to be let in (RFC 9110 section 11.6.1).
///
/// ```
/// use portcullis::guard::Challenge;
///
/// let challenge = Challenge::new("Bearer").with("error", "invalid_token");
/// assert_eq!(challenge.to_header().unwrap(), r#"Bearer error="invalid_token""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// A challenge of this scheme: `Bearer`, `Basic`, `DPoP`.
    #[must_use]
    pub fn new(scheme: &str) -> Self {
        Self(scheme.to_owned())
    }

    /// Adds a parameter; its value is quoted, and characters that have no place in a quoted
    /// string are left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let separator = if self.0.contains(' ') { ", " } else { " " };
        self.0.push_str(separator);
        self.0.push_str(name);
        self.0.push_str("=\"");
        for c in value.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(c, '"' | '\\') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push('"');
        self
    }

    /// The value of a `WWW-Authenticate` header; `None` when the scheme or a name is not one.
    #[must_use]
    pub fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_cannot_be_broken_out_of() {
        let challenge = Challenge::new("Bearer")
            .with("realm", "a\"b\\c\r\nSet-Cookie: x")
            .with("error", "invalid_token");
        assert_eq!(
            challenge.to_header().unwrap(),
            r#"Bearer realm="a\"b\\cSet-Cookie: x", error="invalid_token""#
        );
    }
}
