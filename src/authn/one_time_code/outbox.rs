use super::CodeError;
use super::sender::{CodeSender, Message, SendError};
#[cfg(feature = "account")]
use super::sender::{Content, Purpose};
use crate::event::{Emitter, EventKind, SecurityEvent};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages on their way at a time.
const PLACES: usize = 256;

/// How long a message may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Sends messages in the background, on the Tokio runtime of whoever asks (with its timer
/// enabled). Cheap to clone; the clones share the sender and the bound.
///
/// At most so many are on their way at a time; beyond that, asking for a code is answered 503,
/// for everybody alike. A message that fails or takes too long is told to the
/// [emitter](Self::emitter): `sys_control_degraded`, code `code_not_sent`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Outbox {
    sender: Arc<dyn CodeSender>,
    places: Arc<Semaphore>,
    deadline: Duration,
    emitter: Emitter,
}

/// A place in the outbox, taken before anything is known of the user.
#[derive(Debug)]
pub(in crate::authn) struct Place {
    permit: OwnedSemaphorePermit,
    runtime: Handle,
}

impl Outbox {
    /// Sends by this sender, at most 256 messages at a time, each within 30 seconds.
    pub fn new(sender: impl CodeSender) -> Self {
        Self {
            sender: Arc::new(sender),
            places: Arc::new(Semaphore::new(PLACES)),
            deadline: DEADLINE,
            emitter: Emitter::default(),
        }
    }

    /// Sets how many messages may be on their way at a time. At least one.
    pub fn places(mut self, places: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        self.places = Arc::new(Semaphore::new(places));
        self
    }

    /// Sets how long a message may take.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets who hears of messages that were not sent. Nobody without it.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    pub(in crate::authn) fn reserve(&self) -> Result<Place, CodeError> {
        let runtime = Handle::try_current().map_err(|_| CodeError::NoRuntime)?;
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit = permit.map_err(|_| CodeError::Busy)?;
        Ok(Place { permit, runtime })
    }

    /// Sends a notice of what the purpose says.
    #[cfg(feature = "account")]
    pub(in crate::authn) fn notify(&self, place: Place, purpose: Purpose, address: &str) {
        let message = Message {
            purpose,
            address: address.to_owned(),
            about: None,
            content: Content::Notice,
            lifetime: Duration::ZERO,
        };
        self.send(place, Some(message));
    }

    /// Sends the message, if there is one: without, the work is as far as possible the same.
    pub(super) fn send(&self, place: Place, message: Option<Message>) {
        let Place { permit, runtime } = place;
        let outbox = self.clone();
        runtime.spawn(async move {
            if let Some(message) = message
                && let Err(error) = outbox.sent(message).await
            {
                let event = SecurityEvent::new(EventKind::SysControlDegraded);
                let event = event.with_code("code_not_sent");
                outbox.emitter.emit(event.with_reason(error.to_string()));
            }
            drop(permit);
        });
    }

    async fn sent(&self, message: Message) -> Result<(), SendError> {
        if message.address.is_empty() || message.address.contains(char::is_control) {
            // A line break would let an address write headers of a mail.
            return Err(SendError::new(
                "the address is empty or has control characters",
            ));
        }
        let sending = self.sender.send(message);
        match tokio::time::timeout(self.deadline, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::new("the deadline passed")),
        }
    }
}
