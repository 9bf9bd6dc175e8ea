//! DEFLATE (RFC 1951) while the bytes pass, within the limits of archives.

use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::ArchiveLimits;
use crate::input::upload::refusal::{bomb, malformed};
use flate2::{Decompress, FlushDecompress, Status};

/// Less than this is never too much, however well it was compressed.
const FREE_BYTES: u64 = 64 << 10;
const OUTPUT: usize = 32 << 10;

/// What was expanded out of a file so far, held against the limits.
#[derive(Debug)]
pub(super) struct Meter {
    limits: ArchiveLimits,
    expanded: u64,
}

impl Meter {
    pub(super) const fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            expanded: 0,
        }
    }

    /// Notes bytes that came out of the `read` bytes of the file so far.
    pub(super) fn note(&mut self, length: usize, read: u64) -> Result<(), Refusal> {
        self.expanded = self.expanded.saturating_add(length as u64);
        let limits = &self.limits;
        if self.expanded > limits.max_expanded_bytes {
            let limit = limits.max_expanded_bytes;
            return Err(bomb(format!("expands to more than {limit} bytes")));
        }
        let most = read.saturating_mul(limits.max_ratio.into());
        if self.expanded > most.max(FREE_BYTES) {
            return Err(bomb(format!("expands more than {} to 1", limits.max_ratio)));
        }
        Ok(())
    }
}

/// How much was read, and how much came out.
pub(super) struct Sizes {
    pub(super) read: u64,
    pub(super) expanded: u64,
}

/// Reads compressed data to its end, and shows what comes out to `look`.
pub(super) async fn inflate(
    feed: &Feed,
    meter: &mut Meter,
    mut look: impl FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<Sizes, Refusal> {
    let mut inflater = Inflater::raw();
    let start = feed.position();
    feed.scan(Fate::Keep, |bytes| {
        let before = inflater.read();
        let is_over = inflater.push(bytes, |out, read| {
            meter.note(out.len(), start + read)?;
            look(out)
        })?;
        let read = usize::try_from(inflater.read() - before).unwrap_or(usize::MAX);
        Ok(Step(read, is_over.then_some(())))
    })
    .await?;
    Ok(Sizes {
        read: inflater.read(),
        expanded: inflater.inner.total_out(),
    })
}

pub(super) struct Inflater {
    inner: Decompress,
    output: Vec<u8>,
}

impl Inflater {
    /// For data without a header.
    pub(super) fn raw() -> Self {
        Self::of(Decompress::new(false))
    }

    /// For data with a header of zlib (RFC 1950).
    pub(super) fn zlib() -> Self {
        Self::of(Decompress::new(true))
    }

    fn of(inner: Decompress) -> Self {
        Self {
            inner,
            output: vec![0; OUTPUT],
        }
    }

    pub(super) fn read(&self) -> u64 {
        self.inner.total_in()
    }

    /// Expands a piece, and says whether that was the end. `look` is given what comes out, and
    /// how much was read up to there.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut look: impl FnMut(&[u8], u64) -> Result<(), Refusal>,
    ) -> Result<bool, Refusal> {
        let mut rest = bytes;
        loop {
            let (read, made) = (self.inner.total_in(), self.inner.total_out());
            let status = self
                .inner
                .decompress(rest, &mut self.output, FlushDecompress::None)
                .map_err(|_| malformed("compressed data that is broken"))?;
            let read = usize::try_from(self.inner.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inner.total_out() - made).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            look(
                self.output.get(..made).unwrap_or_default(),
                self.inner.total_in(),
            )?;
            match status {
                Status::StreamEnd => return Ok(true),
                _ if rest.is_empty() && made < OUTPUT => return Ok(false),
                _ if read == 0 && made == 0 => return Ok(false),
                _ => {}
            }
        }
    }
}
