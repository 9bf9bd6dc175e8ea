/// A configuration that could not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not the path of a request.
    #[error("{0:?} is no path to exempt: it starts with a slash, and has no query or fragment")]
    ExemptPath(String),
    /// The key is shorter than the output of its hash function (RFC 2104 section 3).
    #[error("a key of {0} bytes is too short for HMAC-SHA256: take 32 random bytes")]
    KeyTooShort(usize),
}
