//! Files and streams of any size, sealed so that only the key opens them: against who reads
//! the disk, the backup or the bucket, and against who changes what lies there.
//!
//! What is sealed is a stream of Cobblestone-256 ([C2SP chunked-encryption][spec] with
//! HKDF-SHA-512 and AES-256-GCM), which other implementations read and write as well:
//!
//! 1. Each file has a key of its own, derived from yours, 24 random bytes and a context.
//! 2. A commitment of 32 bytes tells a wrong key, password or context before anything is
//!    opened, and keeps a file from opening under two keys to two texts.
//! 3. Chunks of 16 KiB are sealed one by one. Each is opened whole or not at all, can be
//!    opened without those before it, and cannot be moved, dropped, doubled or cut off unseen.
//!
//! Around it stands, unless you ask for the bare stream, a small container whose header says
//! which key it was, from which password and how the key was derived, or how it was wrapped.
//! The header is bound to all that follows.
//!
//! ```
//! use portcullis::crypto::file::FileCrypt;
//! use portcullis::crypto::keyring::Keyring;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = FileCrypt::with_keyring(Keyring::generate()).context(b"invoices/2026/17");
//! let sealed = files.seal(b"three crates of apples")?;
//! assert_eq!(files.open(&sealed)?, b"three crates of apples");
//!
//! // Neither half a file nor a changed one, and not in the place of another.
//! assert!(files.open(&sealed[..40]).is_err());
//! let mut changed = sealed.clone();
//! changed[80] ^= 1;
//! assert!(files.open(&changed).is_err());
//! let elsewhere = files.context(b"invoices/2026/18");
//! assert_eq!(elsewhere.open(&sealed).unwrap_err().code(), "wrong_key");
//! # Ok(())
//! # }
//! ```
//!
//! # What to call
//!
//! | you have | to seal | to open |
//! |---|---|---|
//! | bytes in memory | [`seal`](FileCrypt::seal), [`seal_in_place`](FileCrypt::seal_in_place) | [`open`](FileCrypt::open), [`open_in_place`](FileCrypt::open_in_place) |
//! | a file | [`seal_file`](FileCrypt::seal_file), [`seal_file_in_place`](FileCrypt::seal_file_in_place) | [`open_file`](FileCrypt::open_file), [`open_file_in_place`](FileCrypt::open_file_in_place), [`verify_file`](FileCrypt::verify_file) |
//! | a stream | [`SealingWriter`], [`SealingReader`] | [`OpeningReader`], [`OpeningSeeker`] for parts |
//! | a stream of tokio | [`AsyncSealingWriter`], [`AsyncSealingReader`] | [`AsyncOpeningReader`] |
//!
//! # Caveats
//!
//! - A reader gives each chunk when it has been vouched for, so that what it gave may be the
//!   start of a file whose end is missing. Act on what you read when it has ended without an
//!   error, or write it to a [`NewFile`], which appears when it is whole.
//! - The length of a file can be told from that of the sealed one.
//! - Who can write to the place where a file lies can put an older version of it there. Put
//!   what tells versions apart into the context, and keep it elsewhere.
//! - Sealing a file in place does not wipe the plaintext from the disk.
//! - A stream is sealed by the process that began it: in the child of a `fork(2)` it fails.
//!   Nobody notices when a virtual machine is restored twice from a snapshot that was taken in
//!   the middle of a file; what both then seal is under the same nonces. On such hosts, begin
//!   files [with the system's randomness](FileCrypt::with_random), and none before a snapshot.
//! - Passwords are for what people carry about. A service has a key.
//!
//! [spec]: https://c2sp.org/chunked-encryption

mod access;
mod asynchronous;
mod buffer;
mod chunks;
mod crypt;
mod disk;
mod error;
mod header;
mod key;
mod new_file;
mod opening;
#[cfg(unix)]
mod parallel;
mod password;
mod read;
mod sealing;
mod seek;
mod share;
mod transfer;
mod window;
mod write;

pub use asynchronous::{AsyncOpeningReader, AsyncSealingReader, AsyncSealingWriter};
pub use crypt::FileCrypt;
pub use error::{ConfigError, FileError};
pub use key::FileKey;
pub use new_file::{Existing, NewFile};
pub use password::PasswordLimits;
pub use read::{OpeningReader, SealingReader};
pub use seek::OpeningSeeker;
pub use write::SealingWriter;

use crate::crypto::aead::TAG_LENGTH;

/// Bytes of plaintext in each chunk but the last, which has fewer.
const CHUNK: usize = 16 * 1024;
/// Bytes of a sealed chunk.
const SLOT: usize = CHUNK + TAG_LENGTH;
/// Chunks that a stream works on at a time. They stay in the second-level cache; and from
/// 128 KiB on, allocators have each stream's memory mapped anew, page by page.
const SLOTS: usize = 7;
/// Random bytes that a stream begins with.
const SALT_LENGTH: usize = 24;
/// Bytes of the commitment that follows.
const COMMITMENT_LENGTH: usize = 32;
/// Bytes before the first chunk.
const STREAM_HEADER: usize = SALT_LENGTH + COMMITMENT_LENGTH;
