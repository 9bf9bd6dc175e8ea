use super::chunks::Chunks;
use super::{CHUNK, FileError, SLOT};
use std::num::NonZeroUsize;
use std::thread;

/// Chunks that are worth a thread: 1 MiB.
const MIN_CHUNKS: usize = 64;

/// Among how many threads to share so many chunks.
pub(super) fn shares(chunks: usize, threads: NonZeroUsize) -> usize {
    threads.get().min(chunks / MIN_CHUNKS).max(1)
}

/// Works on each share in a thread of its own, the first on this one. Of errors, that of the
/// first share counts.
pub(super) fn in_threads<T: Send, E: Send>(
    shares: Vec<T>,
    work: impl Fn(T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    thread::scope(|scope| {
        let work = &work;
        let mut shares = shares.into_iter();
        let first = shares.next();
        let others: Vec<_> = shares
            .map(|share| scope.spawn(move || work(share)))
            .collect();
        let mut result = first.map_or(Ok(()), work);
        for other in others {
            let other = other.join();
            let other = other.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(other);
        }
        result
    })
}

/// Some of the chunks of a file in memory, for one thread to seal or to open.
pub(super) struct Share<'a> {
    /// The number of the first of them.
    first: usize,
    from: &'a [u8],
    /// Bytes of a chunk in `from`.
    from_step: usize,
    to: &'a mut [u8],
    to_step: usize,
}

impl<'a> Share<'a> {
    pub(super) const fn to_seal(plain: &'a [u8], slots: &'a mut [u8]) -> Self {
        Self {
            first: 0,
            from: plain,
            from_step: CHUNK,
            to: slots,
            to_step: SLOT,
        }
    }

    pub(super) const fn to_open(slots: &'a [u8], plain: &'a mut [u8]) -> Self {
        Self {
            first: 0,
            from: slots,
            from_step: SLOT,
            to: plain,
            to_step: CHUNK,
        }
    }

    /// Divides it among this many threads, or fewer where it is not worth it.
    pub(super) fn divide(self, threads: NonZeroUsize) -> Vec<Self> {
        let chunks = self.from.len() / self.from_step + 1;
        let shares = shares(chunks, threads);
        let each = chunks.div_ceil(shares);
        let mut divided = Vec::with_capacity(shares);
        let mut rest = self;
        for _ in 1..shares {
            let (share, others) = rest.split(each);
            divided.push(share);
            rest = others;
        }
        divided.push(rest);
        divided
    }

    fn split(self, chunks: usize) -> (Self, Self) {
        let (from, from_rest) = self
            .from
            .split_at(self.from.len().min(chunks * self.from_step));
        let to_length = self.to.len().min(chunks * self.to_step);
        let (to, to_rest) = self.to.split_at_mut(to_length);
        let rest = Self {
            first: self.first + chunks,
            from: from_rest,
            to: to_rest,
            ..self
        };
        (Self { from, to, ..self }, rest)
    }

    pub(super) fn seal(self, chunks: &Chunks) -> Result<(), FileError> {
        for (at, slot) in self.to.chunks_mut(SLOT).enumerate() {
            let end = self.from.len().min((at + 1) * CHUNK);
            let data = self.from.get(at * CHUNK..end);
            let data = data.ok_or(FileError::Truncated)?;
            chunks.seal_into((self.first + at) as u64, data, slot)?;
        }
        Ok(())
    }

    pub(super) fn open(self, chunks: &Chunks) -> Result<(), FileError> {
        for (at, slot) in self.from.chunks(SLOT).enumerate() {
            let end = self.to.len().min((at + 1) * CHUNK);
            let data = self.to.get_mut(at * CHUNK..end);
            let data = data.ok_or(FileError::Truncated)?;
            chunks.open_into((self.first + at) as u64, slot, data)?;
        }
        Ok(())
    }
}
