//! The mails of this example: printed, or put into a folder as files.

use portcullis::authn::one_time_code::{CodeSender, Content, Message, SendError, Sending};
use portcullis::random::Random;
use std::path::PathBuf;

/// Sends nothing anywhere. In production, this is where your mail server comes in.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    folder: Option<PathBuf>,
}

impl Mail {
    pub(crate) const fn to(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }
}

impl CodeSender for Mail {
    fn send(&self, message: Message) -> Sending {
        let text = text(&message);
        let folder = self.folder.clone();
        Box::pin(async move {
            let Some(folder) = folder else {
                println!("mail {}", text.replace('\n', " | "));
                return Ok(());
            };
            let name = u64::from_be_bytes(Random::secure().bytes());
            let file = folder.join(format!("{name:016x}.mail"));
            tokio::fs::write(file, text).await.map_err(SendError::new)
        })
    }
}

/// To whom, what about, and the token of the link that would stand here.
fn text(message: &Message) -> String {
    let (address, purpose) = (message.address(), message.purpose().name());
    match message.content() {
        Content::LinkToken(token) => format!("{address}\n{purpose}\n{}", token.expose()),
        _ => format!("{address}\n{purpose}"),
    }
}
