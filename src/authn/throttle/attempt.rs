use crate::store::Namespace;
use std::fmt;
use std::net::IpAddr;

/// What is guessed at, fixed in the program: failures at one door are not undone by a success
/// at another. All ways to one door share its counts.
///
/// ```
/// use portcullis::authn::throttle::Door;
///
/// const PIN: Door = Door::new("card-pin");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Door(&'static str);

impl Door {
    /// Passwords, wherever they are asked for: at login, and before they are changed.
    pub const PASSWORD: Self = Self::new("password");
    /// Codes of authenticator apps.
    pub const TOTP: Self = Self::new("totp");
    /// Recovery codes.
    pub const RECOVERY_CODE: Self = Self::new("recovery-code");

    /// The door of this name.
    ///
    /// # Panics
    /// As [`Namespace::values`] does. Make it a `const`, and the compiler tells.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Namespace::values(name).name())
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Somebody wants to try.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub(super) door: Door,
    pub(super) account: &'a str,
    pub(super) client: IpAddr,
    pub(super) device: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
}

impl<'a> Attempt<'a> {
    /// A try at this door, for what was typed as the name of an account, whether there is one
    /// or not, from this address.
    ///
    /// Give the name as it is looked up, folded and trimmed alike: each spelling that is
    /// counted apart and finds the same account is one more allowance for who guesses.
    #[must_use]
    pub const fn new(door: Door, account: &'a str, client: IpAddr) -> Self {
        Self {
            door,
            account,
            client,
            device: None,
            subject: None,
        }
    }

    /// With what the client brought as its [`DeviceToken`](super::DeviceToken).
    #[must_use]
    pub fn with_device(mut self, token: impl Into<Option<&'a str>>) -> Self {
        self.device = token.into();
        self
    }

    /// About the account of this id, for events. What was typed is never told: people type
    /// their password into the wrong field.
    #[must_use]
    pub fn about(mut self, id: impl Into<Option<&'a str>>) -> Self {
        self.subject = id.into();
        self
    }
}

/// What was typed can be a password in the wrong field, so it is not shown.
impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("door", &self.door)
            .field("client", &self.client)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
