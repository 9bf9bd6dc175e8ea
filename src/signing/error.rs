use crate::crypto::keys::KeyError;
use std::time::Duration;

/// What is wrong with the configuration of signatures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nothing would pass, or everything for days.
    #[error("an age of {0:?} cannot be allowed: use 1 second to 24 hours, 300 seconds are usual")]
    MaxAge(Duration),
    /// Signatures of tomorrow would pass.
    #[error("clocks that differ by {0:?} cannot be allowed: 300 seconds are the most")]
    ClockSkew(Duration),
    /// Nothing would pass, or everything for hours.
    #[error("a window of {0:?} cannot be set: use 1 second to 1 hour, 300 seconds are usual")]
    Window(Duration),
    /// No signature could verify.
    #[error("none of the algorithms is registered for HTTP signatures (RFC 9421 section 6.2)")]
    NoAlgorithm,
    /// Who verifies could not find the key.
    #[error("the key has no id: name it by with_key_id, as those who verify call it")]
    NoKeyId,
    /// A text that cannot stand in a field.
    #[error("{0:?} cannot be sent: use visible ASCII characters, one at least")]
    NotVisible(String),
    /// Nobody could send a request there.
    #[error(
        "{0:?} is no origin: give https or http, and a host such as api.example.com, with its \
         port where that is not the usual one"
    )]
    Origin(String),
    /// Nobody could send a request there.
    #[error("{0:?} is no host: give it as api.example.com or api.example.com:8443")]
    Authority(String),
    /// A label that is none.
    #[error("{0:?} is not a label: use a-z, 0-9, _, - and ., and begin with a letter")]
    Label(String),
    /// A secret that can be guessed.
    #[error("a secret of {0} bytes is too short: generate one of at least {1}")]
    SecretTooShort(usize, usize),
    /// A secret that is not of the form of its scheme.
    #[error("the secret is malformed: {0}")]
    Secret(&'static str),
    /// A scheme that there is not.
    #[error("there is no scheme {0:?}; there are standard-webhooks, stripe, github and slack")]
    UnknownScheme(String),
    /// There is no secret or key to verify with.
    #[error("there is no secret or key: add one")]
    NoSecret,
    /// A component that there is not.
    #[error("the component {0:?} cannot be covered: {1}")]
    Component(String, &'static str),
    /// The key cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(#[from] KeyError),
}
