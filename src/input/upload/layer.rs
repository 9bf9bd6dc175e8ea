use super::refusal::{Refusal, RefusalKind};
use super::{Clamd, UploadPolicy};
use crate::guard::{Check, Rejection, RejectionKind, impl_layer};
use http::{HeaderMap, Request, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a body may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(300);
/// The clock of the runtime knows no moment that is too far away.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);
/// What boundaries and headers of parts may take beside their content.
const MAX_HEADS: u64 = 64 << 10;

/// Lets multipart uploads through to [`Uploads`](super::Uploads), and nothing else.
///
/// It looks at the head alone: another type than `multipart/form-data` is refused with 415, a
/// body that is announced as larger than all files and fields together with 413. The files are
/// judged as the handler reads them, by the policy that this hands on.
#[derive(Clone, Debug)]
#[must_use]
pub struct UploadLayer(Arc<Endpoint>);

/// What the handler's [`Uploads`](super::Uploads) need to know.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) policy: UploadPolicy,
    pub(super) clamd: Option<Clamd>,
    pub(super) deadline: Duration,
}

impl UploadLayer {
    /// Takes what this policy takes.
    pub fn new(policy: UploadPolicy) -> Self {
        Self(Arc::new(Endpoint {
            policy,
            clamd: None,
            deadline: DEADLINE,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Has files scanned for malware before they are taken.
    pub fn scanned_by(self, clamd: Clamd) -> Self {
        self.with(|endpoint| endpoint.clamd = Some(clamd))
    }

    /// Refuses with 408 when a body has not arrived within `deadline`; five minutes without
    /// this.
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|endpoint| endpoint.deadline = deadline)
    }
}

impl Check for UploadLayer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        boundary(request.headers())?;
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let limit = self.0.max_body();
        if length.is_some_and(|length| length > limit) {
            let reason = format!("the body is announced as longer than {limit} bytes");
            return Err(Refusal::new(RefusalKind::TooLarge, reason).into());
        }
        request.extensions_mut().insert(Arc::clone(&self.0));
        Ok(())
    }
}

impl_layer!(UploadLayer);

impl Endpoint {
    /// The longest body that may hold what the policy takes.
    pub(super) fn max_body(&self) -> u64 {
        let settings = self.policy.settings();
        let [files, fields] = [settings.max_files as u64, settings.max_fields as u64];
        let files = files.saturating_mul(settings.max_bytes.saturating_add(MAX_HEADS));
        let each = (settings.max_field_bytes as u64).saturating_add(MAX_HEADS);
        files.saturating_add(fields.saturating_mul(each))
    }
}

/// When a deadline that begins now is over. A day is the longest.
pub(super) fn until(deadline: Duration) -> Instant {
    Instant::now() + deadline.min(MAX_DEADLINE)
}

/// The boundary of a multipart body: one content type, which is `multipart/form-data`.
pub(super) fn boundary(headers: &HeaderMap) -> Result<String, Rejection> {
    let refused = |reason| {
        Rejection::new(RejectionKind::UnsupportedMediaType)
            .with_code("upload_not_multipart")
            .with_reason(reason)
    };
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else {
        return Err(refused("not one content type"));
    };
    let kind = kind
        .to_str()
        .map_err(|_| refused("a content type that is no text"))?;
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| refused("the content type is not multipart/form-data with a boundary"))?;
    // RFC 2046 section 5.1.1.
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    match (1..=70).contains(&boundary.len()) && boundary.bytes().all(is_allowed) {
        true => Ok(boundary),
        false => Err(refused("a boundary that is none")),
    }
}
