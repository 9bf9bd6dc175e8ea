use super::{Address, Clamd};
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Answers are a line.
const MAX_ANSWER: u64 = 4096;
/// The longest chunk that is sent at once.
const MAX_CHUNK: usize = 64 << 10;
/// Daemons that hear nothing for longer may hang up: by default after 120 seconds, in the middle
/// of a file.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the daemon said of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanVerdict {
    /// It found nothing.
    Clean,
    /// It found this.
    Found(String),
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClamdError {
    /// It failed too often a moment ago.
    #[error("clamd is not asked for a while, for it failed too often")]
    Resting,
    /// It did not answer in time.
    #[error("clamd did not answer in time")]
    Timeout,
    /// The connection failed.
    #[error("clamd could not be asked: {0}")]
    Io(#[from] io::Error),
    /// The file is longer than it takes: raise `StreamMaxLength`, or take smaller files.
    #[error("the file is too large for clamd: raise its StreamMaxLength, or take smaller files")]
    TooLarge,
    /// It said something else.
    #[error("clamd answered {0:?}")]
    Answer(String),
}

trait Connection: AsyncRead + AsyncWrite + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Send + Sync> Connection for T {}

/// A file that is being sent to the daemon.
pub struct Scan {
    clamd: Clamd,
    /// What is left of the deadline.
    left: Duration,
    /// When the daemon last heard of the file.
    heard: Instant,
    /// Whether it was kept waiting, so that it is not at fault when it hangs up.
    kept_waiting: bool,
    state: State,
}

enum State {
    New,
    Sending(Pin<Box<dyn Connection>>),
    /// The daemon closed its ear: it has an answer, or is gone.
    Deaf(Pin<Box<dyn Connection>>, io::Error),
    Failed(ClamdError),
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("clamd", &self.clamd)
            .finish_non_exhaustive()
    }
}

impl Scan {
    pub(super) fn new(clamd: Clamd) -> Self {
        Self {
            left: clamd.deadline,
            heard: Instant::now(),
            kept_waiting: false,
            state: State::New,
            clamd,
        }
    }

    /// Sends the next piece. Failures are told at the end.
    pub async fn push(&mut self, piece: &[u8]) {
        self.state = match std::mem::replace(&mut self.state, State::New) {
            State::New => match self.connect().await {
                Ok(connection) => self.send(connection, piece).await,
                Err(error) => State::Failed(error),
            },
            State::Sending(connection) => {
                self.kept_waiting |= self.heard.elapsed() > PATIENCE;
                self.send(connection, piece).await
            }
            other => other,
        };
        self.heard = Instant::now();
    }

    async fn connect(&mut self) -> Result<Pin<Box<dyn Connection>>, ClamdError> {
        if self.clamd.breaker.is_open() {
            return Err(ClamdError::Resting);
        }
        let address = self.clamd.address.clone();
        Ok(self.in_time(connect(address)).await??)
    }

    async fn send(&mut self, mut connection: Pin<Box<dyn Connection>>, piece: &[u8]) -> State {
        let send = async {
            for chunk in piece.chunks(MAX_CHUNK) {
                let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                connection.write_all(&length.to_be_bytes()).await?;
                connection.write_all(chunk).await?;
            }
            Ok::<_, io::Error>(())
        };
        match self.in_time(send).await {
            Err(late) => State::Failed(late),
            Ok(Err(error)) => State::Deaf(connection, error),
            Ok(Ok(())) => State::Sending(connection),
        }
    }

    /// Waits for the daemon, within what is left of the deadline.
    async fn in_time<T>(&mut self, done: impl Future<Output = T>) -> Result<T, ClamdError> {
        let begun = Instant::now();
        let outcome = timeout(self.left, done).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        outcome.map_err(|_| ClamdError::Timeout)
    }

    /// Says that there is no more, and waits for the verdict.
    ///
    /// # Errors
    /// When the daemon could not be asked, or gave no verdict.
    pub async fn finish(mut self) -> Result<ScanVerdict, ClamdError> {
        // The end is a piece, too.
        self.push(b"").await;
        let state = std::mem::replace(&mut self.state, State::New);
        let result = self.in_time(answer(state)).await.flatten();
        match &result {
            // It is well, and the file is large; or it was not asked.
            Err(ClamdError::TooLarge | ClamdError::Resting) => {}
            Err(_) if self.kept_waiting => {}
            result => self.clamd.breaker.note(result.is_err()),
        }
        result
    }
}

async fn connect(address: Address) -> io::Result<Pin<Box<dyn Connection>>> {
    let mut connection: Pin<Box<dyn Connection>> = match address {
        Address::Tcp(address) => Box::pin(TcpStream::connect(address).await?),
        #[cfg(unix)]
        Address::Unix(path) => Box::pin(tokio::net::UnixStream::connect(path).await?),
    };
    connection.write_all(b"zINSTREAM\0").await?;
    Ok(connection)
}

async fn answer(state: State) -> Result<ScanVerdict, ClamdError> {
    let (mut connection, error) = match state {
        State::Failed(error) => return Err(error),
        State::New => return Err(ClamdError::Answer(String::new())),
        State::Deaf(connection, error) => (connection, Some(error)),
        State::Sending(mut connection) => {
            let end = connection.write_all(&[0; 4]).await;
            (connection, end.err())
        }
    };
    let mut answer = Vec::new();
    let read = (&mut connection)
        .take(MAX_ANSWER)
        .read_to_end(&mut answer)
        .await;
    if answer.is_empty() {
        read?;
        return Err(error
            .unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())
            .into());
    }
    parse(&answer)
}

/// `stream: OK`, `stream: NAME FOUND`, or what went wrong.
fn parse(answer: &[u8]) -> Result<ScanVerdict, ClamdError> {
    let line = answer
        .split(|byte| matches!(byte, 0 | b'\n'))
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim();
    if line == "stream: OK" {
        return Ok(ScanVerdict::Clean);
    }
    let found = line
        .strip_prefix("stream: ")
        .and_then(|rest| rest.strip_suffix(" FOUND"));
    match found {
        Some(name) => Ok(ScanVerdict::Found(name.to_owned())),
        None if line.contains("size limit exceeded") => Err(ClamdError::TooLarge),
        None => Err(ClamdError::Answer(line.chars().take(200).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(parse(b"stream: OK\0").unwrap(), ScanVerdict::Clean);
        let found = ScanVerdict::Found("Eicar-Test-Signature".to_owned());
        assert_eq!(
            parse(b"stream: Eicar-Test-Signature FOUND\0").unwrap(),
            found
        );
        let large = parse(b"INSTREAM size limit exceeded. ERROR\0");
        assert!(matches!(large, Err(ClamdError::TooLarge)));
        for other in [
            &b"stream: OK FOUNDATION"[..],
            b"",
            b"UNKNOWN COMMAND\0",
            b"OK",
        ] {
            assert!(matches!(parse(other), Err(ClamdError::Answer(_))));
        }
    }
}
