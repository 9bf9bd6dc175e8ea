use super::{InvalidNetworkList, NetworkList};
use crate::event::{Emitter, EventKind, SecurityEvent};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Looks at the file of a [`NetworkList`] from time to time, until it is dropped.
#[derive(Debug)]
#[must_use = "the file is watched until this is dropped"]
pub struct Watch {
    _stop: Sender<()>,
}

/// Watching more often than this would only burn time.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

impl NetworkList {
    /// Reads the file again at each interval, in a thread of its own, and takes what is new.
    /// A file that is refused leaves the list as it was, and `emitter` says so once
    /// ([`SysControlDegraded`](EventKind::SysControlDegraded), `network_list_refused`).
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn watch(&self, interval: Duration, emitter: Emitter) -> io::Result<Watch> {
        let (stop, stopped) = channel();
        let list = self.clone();
        thread::Builder::new()
            .name("network-list".to_owned())
            .spawn(move || {
                let interval = interval.max(MIN_INTERVAL);
                while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    if let Some(Err(error)) = list.reload_if_changed() {
                        emitter.emit(refused(&error));
                    }
                }
            })?;
        Ok(Watch { _stop: stop })
    }
}

fn refused(error: &InvalidNetworkList) -> SecurityEvent {
    SecurityEvent::new(EventKind::SysControlDegraded)
        .with_code("network_list_refused")
        .with_reason(format!("the list of networks stays as it was: {error}"))
}
