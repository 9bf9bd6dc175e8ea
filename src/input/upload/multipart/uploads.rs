use super::file::FilePart;
use super::pieces::{Allowance, HeadTooLong, Pieces};
use crate::event::Emitter;
use crate::guard::{Rejection, RejectionKind};
use crate::input::upload::layer::{Endpoint, boundary, until};
use crate::input::upload::refusal::RefusalKind;
use crate::input::upload::{Refusal, UploadPolicy};
use http::{Request, header};
use http_body::Body;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// The parts of a multipart upload, one after the other, as they come.
///
/// An extractor for axum handlers behind an [`UploadLayer`](super::super::UploadLayer), or made
/// [from a request](Self::from_request). Nothing is read before it is asked for, and no more is
/// held than the piece at hand.
///
/// ```
/// use axum::{Router, routing::post};
/// use http::StatusCode;
/// use portcullis::guard::Rejection;
/// use portcullis::input::upload::{Part, UploadLayer, UploadPolicy, Uploads};
/// # use axum::{body::Body, extract::Request};
/// # use tower::ServiceExt;
///
/// async fn upload(mut uploads: Uploads) -> Result<StatusCode, Rejection> {
///     while let Some(part) = uploads.next().await? {
///         if let Part::File(file) = part {
///             let (accepted, content) = file.into_memory().await?;
///             println!("{}: {} bytes", accepted.stored_name(), content.len());
///         }
///     }
///     Ok(StatusCode::CREATED)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app: Router = Router::new()
///     .route("/", post(upload))
///     .layer(UploadLayer::new(UploadPolicy::documents()));
/// # let send = |name: &str, content: &str| {
/// #     let body = format!("--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{content}\r\n--x--\r\n");
/// #     Request::post("/").header("content-type", "multipart/form-data; boundary=x").body(Body::from(body)).unwrap()
/// # };
///
/// let response = app.clone().oneshot(send("note.txt", "hello")).await.unwrap();
/// assert_eq!(response.status(), 201);
/// let response = app.oneshot(send("note.txt", "<script>alert(1)</script>")).await.unwrap();
/// assert_eq!(response.status(), 415);
/// # }
/// ```
pub struct Uploads {
    pub(super) endpoint: Arc<Endpoint>,
    parser: multer::Multipart<'static>,
    allowance: Allowance,
    pub(super) until: Instant,
    pub(super) emitter: Emitter,
    files: usize,
    fields: usize,
    /// Whether a file was handed out that may not have been read to its end.
    pub(super) has_unread: bool,
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// A part of an upload.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part<'a> {
    /// A file, still to be read.
    File(Box<FilePart<'a>>),
    /// Another field of the form.
    Field(Field),
}

/// A field of a form that is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: String,
    value: String,
}

impl Field {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value: text, and as the client sent it.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value as an owned text.
    #[must_use]
    pub fn into_value(self) -> String {
        self.value
    }
}

impl Uploads {
    /// The uploads of a request that came through an
    /// [`UploadLayer`](super::super::UploadLayer).
    ///
    /// # Errors
    /// When it did not: without a policy nothing is taken.
    pub fn from_request<B>(request: Request<B>) -> Result<Self, Rejection>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let boundary = boundary(request.headers())?;
        let endpoint = request.extensions().get::<Arc<Endpoint>>().cloned();
        let endpoint = endpoint.ok_or_else(|| {
            Rejection::new(RejectionKind::Unavailable)
                .with_code("upload_policy_missing")
                .with_reason("there is no UploadLayer in front of the handler")
        })?;
        let emitter = Emitter::of(request.extensions());
        let allowance = Allowance::new();
        let pieces = Pieces::new(request.into_body(), allowance.clone());
        let limit = multer::SizeLimit::new().whole_stream(endpoint.max_body());
        let limits = multer::Constraints::new().size_limit(limit);
        Ok(Self {
            parser: multer::Multipart::with_constraints(pieces, boundary, limits),
            allowance,
            until: until(endpoint.deadline),
            emitter,
            files: 0,
            fields: 0,
            has_unread: false,
            endpoint,
        })
    }

    /// What is taken.
    pub fn policy(&self) -> &UploadPolicy {
        &self.endpoint.policy
    }

    /// The next part; `None` at the end. A file that was not read to its end is skipped.
    ///
    /// # Errors
    /// When the body is not a multipart body, has too many parts or takes too long, and when a
    /// file is refused by its name or its type.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, Rejection> {
        loop {
            let Some(mut part) = self.next_part().await? else {
                return Ok(None);
            };
            let Some(file_name) = file_name(&part)? else {
                return self.field(part).await.map(|field| Some(Part::Field(field)));
            };
            // A form with a file input in which no file was chosen.
            if file_name.is_empty() && self.is_empty(&mut part).await? {
                self.count_field()?;
                continue;
            }
            self.files += 1;
            if self.files > self.policy().settings().max_files {
                return Err(too_many("files"));
            }
            let declared = part.headers().get(header::CONTENT_TYPE);
            let declared = declared.map(|kind| String::from_utf8_lossy(kind.as_bytes()));
            let inspection = self.policy().begin(&file_name, declared.as_deref())?;
            self.has_unread = true;
            let file = FilePart::new(self, part, inspection);
            return Ok(Some(Part::File(Box::new(file))));
        }
    }

    async fn next_part(&mut self) -> Result<Option<multer::Field<'static>>, Rejection> {
        // What is left of a file that nobody read comes before the next head.
        if !self.has_unread {
            self.allowance.limit_to_head();
        }
        self.has_unread = false;
        let part = timeout_at(self.until, self.parser.next_field()).await;
        self.allowance.lift();
        part.map_err(|_| too_slow())?
            .map_err(|error| broken(&error))
    }

    /// The next piece of a part.
    pub(super) async fn read(
        &self,
        part: &mut multer::Field<'static>,
    ) -> Result<Option<bytes::Bytes>, Rejection> {
        let piece = timeout_at(self.until, part.chunk()).await;
        piece
            .map_err(|_| too_slow())?
            .map_err(|error| broken(&error))
    }

    async fn is_empty(&self, part: &mut multer::Field<'static>) -> Result<bool, Rejection> {
        while let Some(piece) = self.read(part).await? {
            if !piece.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn count_field(&mut self) -> Result<(), Rejection> {
        self.fields += 1;
        match self.fields > self.policy().settings().max_fields {
            true => Err(too_many("fields")),
            false => Ok(()),
        }
    }

    async fn field(&mut self, mut part: multer::Field<'static>) -> Result<Field, Rejection> {
        let limit = self.policy().settings().max_field_bytes;
        self.count_field()?;
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(multipart("a part without a name"));
        };
        let mut value = Vec::new();
        while let Some(piece) = self.read(&mut part).await? {
            if piece.len() > limit - value.len() {
                let reason = format!("a field of more than {limit} bytes");
                return Err(Refusal::new(RefusalKind::TooLarge, reason).into());
            }
            value.extend_from_slice(&piece);
        }
        match String::from_utf8(value) {
            Ok(value) => Ok(Field { name, value }),
            Err(_) => Err(multipart("a field that is no text in UTF-8")),
        }
    }
}

/// The name that a part gives its file, or `None` for another field. What programs read in two
/// ways is refused: one would check a name, and another one use another.
fn file_name(part: &multer::Field<'_>) -> Result<Option<String>, Rejection> {
    let mut dispositions = part.headers().get_all(header::CONTENT_DISPOSITION).iter();
    let disposition = dispositions.next().map(http::HeaderValue::as_bytes);
    let disposition = disposition.unwrap_or_default().to_ascii_lowercase();
    if dispositions.next().is_some() {
        return Err(multipart("a part with two dispositions"));
    }
    let mut keys = parameters(&disposition)
        .ok_or_else(|| multipart("a disposition with a text that does not end"))?;
    keys.sort_unstable();
    // RFC 7578 section 4.2: must not be used, and not every program reads it.
    if keys.contains(&&b"filename*"[..]) {
        return Err(multipart("a name of a file in the extended form"));
    }
    if keys
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one == other))
    {
        return Err(multipart("a parameter of a disposition that comes twice"));
    }
    let has_name = keys.contains(&&b"filename"[..]);
    let written = memchr::memmem::find_iter(&disposition, b"filename=").count();
    if written != usize::from(has_name) || part.file_name().is_some() != has_name {
        return Err(multipart("a name of a file that is read in two ways"));
    }
    Ok(part.file_name().map(str::to_owned))
}

/// The names of the parameters of a disposition; `None` where quotes stay open.
fn parameters(disposition: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = disposition.split(|byte| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match byte {
            b'"' if !was_escaped => is_quoted = !is_quoted,
            b'\\' if is_quoted && !was_escaped => is_escaped = true,
            b';' => return !is_quoted,
            _ => {}
        }
        false
    });
    // The first is `form-data`.
    let keys = parts.skip(1).map(|part| {
        let key = part.split(|byte| *byte == b'=').next();
        key.unwrap_or_default().trim_ascii()
    });
    let keys: Vec<_> = keys.collect();
    (!is_quoted).then_some(keys)
}

fn multipart(reason: &'static str) -> Rejection {
    Refusal::new(RefusalKind::Multipart, reason).into()
}

fn too_many(what: &str) -> Rejection {
    Refusal::new(RefusalKind::TooMany, format!("more {what} than are taken")).into()
}

fn too_slow() -> Rejection {
    Rejection::new(RejectionKind::Timeout).with_reason("the upload did not come in time")
}

fn broken(error: &multer::Error) -> Rejection {
    let kind = match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            RefusalKind::TooLarge
        }
        multer::Error::StreamReadFailed(source) if source.is::<HeadTooLong>() => {
            RefusalKind::TooLarge
        }
        _ => RefusalKind::Multipart,
    };
    Refusal::new(kind, error.to_string()).into()
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequest<S> for Uploads {
    type Rejection = Rejection;

    async fn from_request(
        request: axum_core::extract::Request,
        _state: &S,
    ) -> Result<Self, Rejection> {
        Self::from_request(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_dispositions() {
        for (text, expected) in [
            (
                "form-data; name=\"a\"; filename=\"b\"",
                Some(&["name", "filename"][..]),
            ),
            ("form-data; name=\"a; filename=b\"", Some(&["name"])),
            ("form-data; name=\"a\\\"; filename=b\"", Some(&["name"])),
            ("form-data; filename = a", Some(&["filename"])),
            ("form-data", Some(&[])),
            ("form-data; name=\"a", None),
        ] {
            let keys = parameters(text.as_bytes());
            let keys = keys.map(|keys| {
                keys.iter()
                    .map(|key| str::from_utf8(key).unwrap())
                    .collect::<Vec<_>>()
            });
            assert_eq!(keys.as_deref(), expected, "{text}");
        }
    }
}
