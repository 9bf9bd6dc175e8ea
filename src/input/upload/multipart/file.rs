use super::Uploads;
use crate::event::{EventKind, SecurityEvent};
use crate::guard::{Rejection, RejectionKind};
use crate::input::upload::clamd::{Scan, ScanVerdict};
use crate::input::upload::refusal::RefusalKind;
use crate::input::upload::{Accepted, Clamd, FileType, Inspection, Refusal};
use bytes::Bytes;
use std::fmt;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A file of an upload. It is judged while it is read, and what was read may be used when the
/// verdict is there: both ways of reading give it last.
pub struct FilePart<'a> {
    uploads: &'a mut Uploads,
    part: multer::Field<'static>,
    inspection: Inspection,
    scan: Option<Scan>,
}

impl fmt::Debug for FilePart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePart")
            .field("inspection", &self.inspection)
            .finish_non_exhaustive()
    }
}

impl<'a> FilePart<'a> {
    pub(super) fn new(
        uploads: &'a mut Uploads,
        part: multer::Field<'static>,
        inspection: Inspection,
    ) -> Self {
        Self {
            scan: uploads.endpoint.clamd.as_ref().map(Clamd::begin),
            uploads,
            part,
            inspection,
        }
    }

    /// The name of the form's field.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.part.name()
    }

    /// What it has to be, by its name.
    #[must_use]
    pub const fn expected_type(&self) -> FileType {
        self.inspection.expected_type()
    }

    /// Reads it into memory.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn into_memory(self) -> Result<(Accepted, Bytes), Rejection> {
        let mut content = Vec::new();
        let accepted = self.save(&mut content).await?;
        Ok((accepted, content.into()))
    }

    /// Writes what is to be stored to `writer`, as it comes. When it is refused, or the writing
    /// fails, what was written has to be thrown away.
    ///
    /// # Errors
    /// Why it is refused; 503 when the writing failed.
    pub async fn save(
        mut self,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
    ) -> Result<Accepted, Rejection> {
        let mut kept = Vec::new();
        while let Some(piece) = self.uploads.read(&mut self.part).await? {
            self.inspection.push(&piece, &mut kept)?;
            self.store(&mut kept, writer).await?;
        }
        self.uploads.has_unread = false;
        let accepted = self.inspection.finish(&mut kept)?;
        if let Some(scan) = &mut self.scan {
            scan.push(&kept).await;
        }
        writer
            .write_all(&kept)
            .await
            .map_err(|error| not_stored(&error))?;
        writer.flush().await.map_err(|error| not_stored(&error))?;
        if let Some(scan) = self.scan {
            judge(scan, self.uploads).await?;
        }
        tell(&accepted, self.uploads);
        Ok(accepted)
    }

    async fn store(
        &mut self,
        kept: &mut Vec<u8>,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
    ) -> Result<(), Rejection> {
        if let Some(scan) = &mut self.scan {
            scan.push(kept).await;
        }
        writer
            .write_all(kept)
            .await
            .map_err(|error| not_stored(&error))?;
        kept.clear();
        Ok(())
    }
}

fn not_stored(error: &std::io::Error) -> Rejection {
    Rejection::new(RejectionKind::Unavailable)
        .with_code("upload_not_stored")
        .with_reason(format!("the file could not be stored: {error}"))
}

/// Fails closed, unless the client of the daemon was told otherwise.
async fn judge(scan: Scan, uploads: &Uploads) -> Result<(), Rejection> {
    let accepts = uploads
        .endpoint
        .clamd
        .as_ref()
        .is_some_and(Clamd::accepts_unscanned);
    let error = match scan.finish().await {
        Ok(ScanVerdict::Clean) => return Ok(()),
        Ok(ScanVerdict::Found(name)) => {
            return Err(Refusal::new(RefusalKind::Malware, format!("clamd found {name}")).into());
        }
        Err(error) => error,
    };
    let degraded = SecurityEvent::new(EventKind::SysControlDegraded)
        .with_code(RefusalKind::Unscanned.code())
        .with_reason(error.to_string());
    uploads.emitter.emit(degraded);
    match accepts {
        true => Ok(()),
        false => Err(Refusal::new(RefusalKind::Unscanned, error.to_string()).into()),
    }
}

/// Tells the monitor of a file that was taken, and of what it should know.
fn tell(accepted: &Accepted, uploads: &Uploads) {
    let complete = SecurityEvent::new(EventKind::UploadComplete)
        .with_detail("name", accepted.original_name().as_str())
        .with_detail("sha256", &accepted.hash().to_string());
    uploads.emitter.emit(complete);
    for flag in accepted.flags() {
        let event = SecurityEvent::new(EventKind::UploadValidation)
            .with_code(flag.code())
            .with_level(crate::event::Level::Warn)
            .with_detail("name", accepted.original_name().as_str());
        uploads.emitter.emit(event);
    }
}
