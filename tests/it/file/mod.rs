//! Sealed files: the format, what is done to it by who should not, and all the ways in and out.

#[cfg(unix)]
mod access;
mod asynchronous;
mod disk;
#[cfg(unix)]
mod fork;
mod interop;
mod keys;
mod liars;
mod streams;
mod tamper;

use portcullis::crypto::file::{FileCrypt, FileError, FileKey};
use std::io::{self, Read};

const CHUNK: usize = 16 * 1024;
const SLOT: usize = CHUNK + 16;
/// Salt and commitment.
const HEADER: usize = 56;

/// Lengths around the boundaries of chunks, and of what is worked on at a time.
const LENGTHS: [usize; 13] = [
    0,
    1,
    15,
    16,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    2 * CHUNK,
    4 * CHUNK,
    16 * CHUNK - 1,
    16 * CHUNK,
    16 * CHUNK + 1,
    100 * CHUNK + 77,
];

const KEY: [u8; 32] = *b"a key for tests, and for no else";

fn bare() -> FileCrypt {
    FileCrypt::bare(FileKey::from_bytes(KEY)).context(b"context")
}

/// Bytes that differ from chunk to chunk.
fn text(length: usize) -> Vec<u8> {
    let byte = |at: usize| (at ^ (at >> 8) ^ (at >> 16)) as u8;
    (0..length).map(byte).collect()
}

fn code(error: &io::Error) -> &'static str {
    FileError::of(error).map_or("io", FileError::code)
}

fn read_all<R: Read>(reader: io::Result<R>) -> Result<Vec<u8>, &'static str> {
    let mut plain = Vec::new();
    let read = reader.and_then(|mut reader| reader.read_to_end(&mut plain));
    read.map(|_| plain).map_err(|error| code(&error))
}

/// All the ways to open: each gives the plaintext or the code of the error.
fn open_in_every_way(files: &FileCrypt, sealed: &[u8]) -> Vec<Result<Vec<u8>, &'static str>> {
    let mut here = sealed.to_vec();
    let in_place = files.open_in_place(&mut here).map(|()| here);
    let mut copied = Vec::new();
    let copying = files.opening_reader(sealed);
    let copying = copying.and_then(|mut reader| reader.copy_to(&mut copied));
    let mut ways = vec![
        files.open(sealed).map_err(|error| error.code()),
        in_place.map_err(|error| error.code()),
        copying.map(|_| copied).map_err(|error| code(&error)),
        read_all(files.opening_reader(sealed)),
        read_all(files.opening_seeker(io::Cursor::new(sealed))),
    ];
    if sealed.len() < 3 * SLOT {
        ways.push(read_all(files.opening_reader(OneByOne(sealed))));
    }
    let verified = files.verify(sealed).map_err(|error| code(&error));
    let length = ways[0].as_ref().map(|plain| plain.len() as u64);
    assert_eq!(verified.ok(), length.ok());
    ways
}

/// Gives and takes one byte at a time.
struct OneByOne<T>(T);

impl<R: Read> Read for OneByOne<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

impl<W: io::Write> io::Write for OneByOne<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
