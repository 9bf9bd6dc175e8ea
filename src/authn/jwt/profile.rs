use std::time::Duration;

/// How much a verifier refuses beyond what RFC 7519 makes it refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Profile {
    /// Whatever is malformed, ambiguous, not for us or out of time.
    #[default]
    Default,
    /// Also what a careful issuer never makes: no end, a lifetime or age of more than 24
    /// hours, `iat` in the future, `exp` before `nbf` or `iat`, an empty, overlong (over 255
    /// bytes) or unprintable `sub`, several audiences without `azp`, `zip` in the header, a
    /// logout token without its own `typ`, and tokens of more than 8 kB.
    Strict,
}

/// Sizes in bytes, as they are in the token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) token: usize,
    pub(super) header: usize,
}

/// The longest token of the default profile. Servers take some 16 to 64 kB of headers.
pub(super) const MAX_TOKEN_LEN: usize = 16 * 1024;

/// OpenID Connect Core section 2.
pub(super) const MAX_SUBJECT_LEN: usize = 255;

/// How long a token may be good for, and how long ago it may have been issued, in the strict
/// profile.
pub(super) const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

impl Profile {
    pub(super) const fn is_strict(self) -> bool {
        matches!(self, Self::Strict)
    }

    pub(super) const fn limits(self) -> Limits {
        match self {
            Self::Default => Limits {
                token: MAX_TOKEN_LEN,
                header: 4 * 1024,
            },
            Self::Strict => Limits {
                token: 8 * 1024,
                header: 2 * 1024,
            },
        }
    }

    pub(super) const fn takes_length_of(self, token: &str) -> bool {
        token.len() <= self.limits().token
    }
}
