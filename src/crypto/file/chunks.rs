use super::{CHUNK, FileError, SLOT};
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH};

/// Chunks of one stream at most, the last one included.
const MAX_CHUNKS: u64 = 1 << 38;

/// Seals and opens the chunks of one stream, in any order.
///
/// The nonce of a chunk is the stream's own, with the chunk's number XORed into its end. That
/// the last chunk is always short, and may be empty, tells where the stream ends.
pub(super) struct Chunks {
    cipher: Aes256Gcm,
    nonce: [u8; NONCE_LENGTH],
}

impl Chunks {
    pub(super) const fn new(cipher: Aes256Gcm, nonce: [u8; NONCE_LENGTH]) -> Self {
        Self { cipher, nonce }
    }

    fn nonce(&self, chunk: u64) -> Result<[u8; NONCE_LENGTH], FileError> {
        if chunk >= MAX_CHUNKS {
            return Err(FileError::TooLong);
        }
        let mut nonce = self.nonce;
        let number = chunk.to_be_bytes();
        let end = nonce.iter_mut().rev().zip(number.iter().rev());
        end.for_each(|(nonce, number)| *nonce ^= number);
        Ok(nonce)
    }

    /// Seals a slot in place: the chunk, and 16 bytes at its end for the tag.
    pub(super) fn seal(&self, chunk: u64, slot: &mut [u8]) -> Result<(), FileError> {
        let nonce = self.nonce(chunk)?;
        let (data, tag) = slot.split_last_chunk_mut().ok_or(FileError::Truncated)?;
        *tag = self
            .cipher
            .seal_in_place(&nonce, &[], data)
            .map_err(|_| FileError::TooLong)?;
        Ok(())
    }

    /// Opens a slot in place: the plaintext is then before the last 16 bytes.
    pub(super) fn open(&self, chunk: u64, slot: &mut [u8]) -> Result<(), FileError> {
        let nonce = self.nonce(chunk)?;
        let (data, tag) = slot.split_last_chunk_mut().ok_or(FileError::Truncated)?;
        self.cipher
            .open_in_place(&nonce, &[], data, tag)
            .map_err(|_| FileError::Corrupt { chunk })
    }

    /// Seals `data`, chunk by chunk, behind what is in `sealed`, which has room for it.
    ///
    /// Memory that is new has to be written once before a cipher can be given it. Chunk by chunk
    /// that is done where the cipher writes next, and not all of it is fetched twice.
    pub(super) fn append_sealed(&self, data: &[u8], sealed: &mut Vec<u8>) -> Result<(), FileError> {
        for chunk in 0..=data.len() / CHUNK {
            let end = data.len().min((chunk + 1) * CHUNK);
            let data = data.get(chunk * CHUNK..end).ok_or(FileError::Truncated)?;
            let slot = appended(sealed, data.len() + TAG_LENGTH);
            self.seal_into(chunk as u64, data, slot)?;
        }
        Ok(())
    }

    /// Opens all slots, one by one, behind what is in `data`, which has room for it.
    pub(super) fn append_opened(&self, slots: &[u8], data: &mut Vec<u8>) -> Result<(), FileError> {
        for (chunk, slot) in slots.chunks(SLOT).enumerate() {
            let data = appended(data, slot.len().saturating_sub(TAG_LENGTH));
            self.open_into(chunk as u64, slot, data)?;
        }
        Ok(())
    }

    /// Seals `data` into a slot, which has 16 bytes more.
    pub(super) fn seal_into(
        &self,
        chunk: u64,
        data: &[u8],
        slot: &mut [u8],
    ) -> Result<(), FileError> {
        let nonce = self.nonce(chunk)?;
        let (sealed, tag) = slot.split_last_chunk_mut().ok_or(FileError::Truncated)?;
        *tag = self
            .cipher
            .seal_into(&nonce, &[], data, sealed)
            .map_err(|_| FileError::TooLong)?;
        Ok(())
    }

    /// Opens a slot into `data`, which has 16 bytes less.
    pub(super) fn open_into(
        &self,
        chunk: u64,
        slot: &[u8],
        data: &mut [u8],
    ) -> Result<(), FileError> {
        let nonce = self.nonce(chunk)?;
        let (sealed, tag) = slot.split_last_chunk().ok_or(FileError::Truncated)?;
        self.cipher
            .open_into(&nonce, &[], sealed, tag, data)
            .map_err(|_| FileError::Corrupt { chunk })
    }
}

/// So many bytes more at the end of a buffer.
fn appended(buffer: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    let start = buffer.len();
    buffer.resize(start + bytes, 0);
    buffer.get_mut(start..).unwrap_or_default()
}

/// Bytes that this many bytes of plaintext seal to, without any header: a whole number of full
/// chunks and a short one.
pub(super) fn sealed_length(plain: u64) -> Result<u64, FileError> {
    let chunks = plain / CHUNK as u64 + 1;
    if chunks > MAX_CHUNKS {
        return Err(FileError::TooLong);
    }
    Ok(plain + chunks * TAG_LENGTH as u64)
}

/// Bytes of plaintext in this many sealed bytes, when that many can be sealed bytes.
pub(super) fn plain_length(sealed: u64) -> Result<u64, FileError> {
    let chunks = sealed / SLOT as u64 + 1;
    if chunks > MAX_CHUNKS {
        return Err(FileError::TooLong);
    }
    if sealed % (SLOT as u64) < TAG_LENGTH as u64 {
        return Err(FileError::Truncated);
    }
    Ok(sealed - chunks * TAG_LENGTH as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aead::Backend;

    const MAX_LEN: u64 = MAX_CHUNKS * CHUNK as u64 - 1;

    fn chunks() -> Chunks {
        Chunks::new(Aes256Gcm::new(Backend::Ring, &[1; 32]), [0x0f; 12])
    }

    #[test]
    fn numbers_are_xored_into_the_end_of_the_nonce() {
        let nonce = |chunk| chunks().nonce(chunk).unwrap();
        assert_eq!(nonce(0), [0x0f; 12]);
        assert_eq!(nonce(1)[11], 0x0e);
        assert_eq!(
            nonce(MAX_CHUNKS - 1)[6..],
            [0x0f, 0x30, 0xf0, 0xf0, 0xf0, 0xf0]
        );
        assert!(matches!(
            chunks().nonce(MAX_CHUNKS),
            Err(FileError::TooLong)
        ));
        assert!(matches!(chunks().nonce(u64::MAX), Err(FileError::TooLong)));
    }

    #[test]
    fn lengths_there_and_back() {
        for (plain, sealed) in [
            (0, 16),
            (1, 17),
            (16_383, 16_399),
            (16_384, 16_416),
            (16_385, 16_417),
            (32_768, 32_816),
            (MAX_LEN, MAX_LEN + (MAX_CHUNKS << 4)),
        ] {
            assert_eq!(sealed_length(plain).unwrap(), sealed, "{plain}");
            assert_eq!(plain_length(sealed).unwrap(), plain, "{plain}");
        }
        for impossible in [0, 15, 16_400, 16_415, 32_800, 32_815] {
            let length = plain_length(impossible);
            assert!(matches!(length, Err(FileError::Truncated)), "{impossible}");
        }
        assert!(sealed_length(MAX_LEN + 1).is_err());
        assert!(sealed_length(u64::MAX).is_err());
        assert!(plain_length(u64::MAX).is_err());
    }

    #[test]
    fn into_another_place_is_as_in_place() {
        for backend in Backend::ALL {
            let chunks = Chunks::new(Aes256Gcm::new(*backend, &[1; 32]), [0x0f; 12]);
            let (mut here, mut there, mut back) = ([5; 116], [0; 116], [0; 100]);
            chunks.seal(7, &mut here).unwrap();
            chunks.seal_into(7, &[5; 100], &mut there).unwrap();
            assert_eq!(here, there);
            chunks.open_into(7, &there, &mut back).unwrap();
            assert_eq!(back, [5; 100]);
            let wrong = chunks.open_into(8, &there, &mut back);
            assert!(matches!(wrong, Err(FileError::Corrupt { chunk: 8 })));
            assert_eq!(
                back, [0; 100],
                "nothing is left of what was not vouched for"
            );
        }
    }

    #[test]
    fn what_is_shorter_than_a_tag_is_no_chunk() {
        for length in 0..TAG_LENGTH {
            let mut slot = vec![0; length];
            assert!(matches!(
                chunks().open(0, &mut slot),
                Err(FileError::Truncated)
            ));
        }
    }
}
