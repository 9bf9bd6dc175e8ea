use crate::signing::ConfigError;
use std::fmt;
use std::str::FromStr;

/// How a webhook is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookScheme {
    /// Standard Webhooks, `v1` and `v1a`. Svix and many others send them.
    StandardWebhooks,
    /// As Stripe sends them.
    Stripe,
    /// As GitHub sends them.
    GitHub,
    /// As Slack sends them.
    Slack,
}

impl WebhookScheme {
    /// All there are.
    pub const ALL: &[Self] = &[
        Self::StandardWebhooks,
        Self::Stripe,
        Self::GitHub,
        Self::Slack,
    ];

    /// A name for configuration: `standard-webhooks`, `stripe`, `github`, `slack`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard-webhooks",
            Self::Stripe => "stripe",
            Self::GitHub => "github",
            Self::Slack => "slack",
        }
    }
}

impl fmt::Display for WebhookScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WebhookScheme {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let known = Self::ALL.iter().find(|scheme| scheme.as_str() == name);
        let known = known.copied();
        known.ok_or_else(|| ConfigError::UnknownScheme(name.to_owned()))
    }
}
