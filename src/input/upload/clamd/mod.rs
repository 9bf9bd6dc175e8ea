//! Malware, by ClamAV's daemon.
//!
//! [`Clamd`] sends a file to clamd as it comes (`INSTREAM`), and has its word before the file
//! is taken. The protocol is neither encrypted nor authenticated: keep the daemon on the same
//! machine, or behind something that is both.
//!
//! 1. One deadline stands over connecting, sending and the answer: 30 seconds unless told
//!    otherwise. What the file's sender takes does not count.
//! 2. Five failures in a row, and for 30 seconds the daemon is not asked, by a [`BreakerPolicy`].
//!    A daemon that hangs up on a sender who kept it waiting has not failed.
//! 3. When it cannot be asked, does not answer, or says that the file is too large for it, the
//!    file is refused. [`Clamd::insecure_accept_unscanned`] turns that round.

mod breaker;
mod scan;

pub use scan::{ClamdError, Scan, ScanVerdict};

use crate::clock::Clock;
use crate::net::circuit::BreakerPolicy;
use breaker::Breaker;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

/// A daemon of ClamAV. Cheap to clone; clones share what is known of its failures.
///
/// ```no_run
/// use portcullis::input::upload::{Clamd, ScanVerdict};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clamd = Clamd::tcp("127.0.0.1:3310".parse()?);
/// assert_eq!(clamd.scan(b"hello").await?, ScanVerdict::Clean);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Clamd {
    address: Address,
    deadline: Duration,
    breaker: Arc<Breaker>,
    accepts_unscanned: bool,
}

#[derive(Clone, Debug)]
enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Clamd {
    fn new(address: Address) -> Self {
        Self {
            address,
            deadline: DEADLINE,
            breaker: Arc::new(Breaker::new(BreakerPolicy::default(), Clock::system())),
            accepts_unscanned: false,
        }
    }

    /// A daemon that listens on a port.
    pub fn tcp(address: SocketAddr) -> Self {
        Self::new(Address::Tcp(address))
    }

    /// A daemon that listens on a socket of this machine.
    #[cfg(unix)]
    pub fn unix(path: impl Into<std::path::PathBuf>) -> Self {
        Self::new(Address::Unix(path.into()))
    }

    /// Waits for the daemon for so long, in all.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Takes the time from here, for the pause after failures.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.breaker = Arc::new(self.breaker.with_clock(clock));
        self
    }

    /// Sets when the daemon is left alone, and for how long.
    pub fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.breaker = Arc::new(self.breaker.with_policy(policy));
        self
    }

    /// Takes files that could not be scanned: whoever brings the daemon down uploads what he
    /// likes.
    pub const fn insecure_accept_unscanned(mut self) -> Self {
        self.accepts_unscanned = true;
        self
    }

    pub(super) const fn accepts_unscanned(&self) -> bool {
        self.accepts_unscanned
    }

    /// Scans what is all there.
    ///
    /// # Errors
    /// When the daemon could not be asked, or gave no verdict.
    pub async fn scan(&self, content: &[u8]) -> Result<ScanVerdict, ClamdError> {
        let mut scan = self.begin();
        scan.push(content).await;
        scan.finish().await
    }

    /// Begins with a file that comes in pieces.
    #[must_use]
    pub fn begin(&self) -> Scan {
        Scan::new(self.clone())
    }
}
