use crate::secret::SecretString;
use crate::store::Namespace;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// What a code or a link is for, fixed in the program: what was sent for one purpose is
/// nothing for another.
///
/// ```
/// use portcullis::authn::one_time_code::Purpose;
///
/// const RESET: Purpose = Purpose::new("password-reset");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(&'static str);

impl Purpose {
    /// The purpose of this name.
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

/// Who gets a code, and where.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    pub(super) user: &'a str,
    pub(super) address: &'a str,
    pub(super) about: Option<&'a str>,
    pub(super) is_known: bool,
}

impl<'a> Recipient<'a> {
    /// The user of this id, at this address or number: one that you know to be the user's,
    /// and never one that came with the request.
    #[must_use]
    pub const fn new(user: &'a str, address: &'a str) -> Self {
        Self {
            user,
            address,
            about: None,
            is_known: false,
        }
    }

    /// The code is asked for by a client that has shown before that it is this user's: a
    /// device that the throttle knows (`Throttle::knows`), or a session of
    /// the user. It does not share the counts of strangers, so that these cannot lock its user
    /// out, nor void the code. Never on the word of the client alone.
    #[must_use]
    pub const fn asked_by_known_client(mut self) -> Self {
        self.is_known = true;
        self
    }

    /// With what the message is about, beyond its purpose: it is there for the
    /// [message](Message::about), and of a link also at the
    /// [end](super::Redeemed::about), so that nobody agrees to one thing by a mail about
    /// another.
    #[must_use]
    pub const fn about(mut self, about: &'a str) -> Self {
        self.about = Some(about);
        self
    }
}

/// Addresses are personal data, so none is shown.
impl fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What is to be sent.
pub struct Message {
    pub(super) purpose: Purpose,
    pub(super) address: String,
    pub(super) about: Option<String>,
    pub(super) content: Content,
    pub(super) lifetime: Duration,
}

/// What a [`Message`] brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// A code to type in.
    Code(SecretString),
    /// The token of a link: base64url, 64 characters. Put it behind the `#` of a page of
    /// yours, which keeps it out of logs and `Referer`, and let the page send it by POST:
    /// mail scanners open links.
    LinkToken(SecretString),
    /// Nothing secret: the user is to know of what the purpose says, and to whom to turn if it
    /// was somebody else (ASVS 5.0 6.3.7).
    Notice,
}

impl Message {
    /// What for: decides on the words around it. Say what it is for, and that nobody of yours
    /// will ever ask for it.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Where to.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it is about, where that was [said](Recipient::about): show it. Of a change of an
    /// address, the new one.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// The code or link, where it is not a mere notice.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// How long it is good for. Zero of a notice.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

/// Addresses are personal data, so none is shown.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("purpose", &self.purpose)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// The future of a message on its way.
pub type Sending = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send>>;

/// Sends codes and links: by a mail server, an SMS gateway, a push service.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot send codes",
    note = "implement `portcullis::authn::one_time_code::CodeSender`"
)]
pub trait CodeSender: fmt::Debug + Send + Sync + 'static {
    /// Sends a message. The future is run in the background, and dropped at a deadline.
    fn send(&self, message: Message) -> Sending;
}

/// A message could not be sent. Goes into an event, so it should not name the address.
#[derive(Debug, thiserror::Error)]
#[error("a code or link could not be sent: {0}")]
pub struct SendError(#[source] Box<dyn Error + Send + Sync>);

impl SendError {
    /// For this reason.
    #[must_use]
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
