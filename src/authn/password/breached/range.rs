use super::source::parse_line;
use super::{BreachAnswer, BreachDigest, BreachError, BreachSource};
use crate::net::client::{ClientError, ClientErrorKind, HttpClient};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};

const SERVICE: &str = "https://api.pwnedpasswords.com";
/// How many digits of the hash the service is told: one of a million groups, each of some
/// hundreds of passwords.
const PREFIX: usize = 5;
const SUFFIX: usize = 35;
const ADD_PADDING: HeaderName = HeaderName::from_static("add-padding");

/// A service that is told the first five digits of a password's hash, and gives the rest of
/// all hashes it knows that begin so (k-anonymity). It learns next to nothing, and since
/// answers are padded, who listens on the way learns no more from their length.
///
/// Give it a client with a short deadline: a person waits.
#[derive(Clone, Debug)]
pub struct BreachRange {
    client: HttpClient,
    service: String,
}

impl BreachRange {
    /// The service of Have I Been Pwned.
    #[must_use]
    pub fn new(client: HttpClient) -> Self {
        Self::at(SERVICE, client)
    }

    /// Another service of the same interface: the path `/range/` and the digits follow this
    /// URL.
    #[must_use]
    pub fn at(url: impl Into<String>, client: HttpClient) -> Self {
        Self {
            client,
            service: url.into(),
        }
    }

    async fn find(&self, digest: &BreachDigest) -> Result<u64, BreachError> {
        let hex = digest.to_hex();
        let (prefix, suffix) = hex.split_at_checked(PREFIX).unwrap_or_default();
        let url = format!("{}/range/{prefix}", self.service.trim_end_matches('/'));
        let request = Request::get(url)
            .header(ADD_PADDING, HeaderValue::from_static("true"))
            .body(Bytes::new())
            .map_err(|_| ClientError::from(ClientErrorKind::InvalidUrl))?;
        let response = self.client.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(BreachError::Status(response.status().as_u16()));
        }
        times_in(response.body(), suffix)
    }
}

impl BreachSource for BreachRange {
    fn times(&self, digest: BreachDigest) -> BreachAnswer {
        let range = self.clone();
        Box::pin(async move { range.find(&digest).await })
    }
}

/// How often the hash of this rest was seen. Every line is read, also behind the right one: an
/// answer that is cut or no list at all is not to pass for one without it.
fn times_in(answer: &[u8], suffix: &str) -> Result<u64, BreachError> {
    let mut times = None;
    let mut at = 0;
    for line in answer.split(|&byte| byte == b'\n') {
        if !line.trim_ascii().is_empty() {
            let entry = parse_line(line, SUFFIX).ok_or(BreachError::Malformed(at))?;
            let is_it = entry.0.eq_ignore_ascii_case(suffix.as_bytes());
            times = times.max(Some(if is_it { entry.1 } else { 0 }));
        }
        at += line.len() as u64 + 1;
    }
    // Each group has hundreds of members: an answer without any is none.
    times.ok_or(BreachError::Malformed(0))
}
