//! A child made by `fork(2)` has its parent's keys and counters: what both went on to seal
//! would be under the same nonces.

use super::{CHUNK, bare, code, text};
use crate::support::drawn_by_both;
use portcullis::crypto::file::{Existing, FileCrypt, NewFile};
use portcullis::random::Random;
use std::io::{self, Read, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// More than is sealed at a time.
const START: usize = 30 * CHUNK + 5;

/// What each process goes on with is its own.
fn rest() -> Vec<u8> {
    std::process::id().to_be_bytes().repeat(10 * CHUNK)
}

fn outcome(sealed: io::Result<Vec<u8>>) -> Vec<u8> {
    sealed.unwrap_or_else(|error| code(&error).into())
}

/// The parent's file is whole, and the child has none.
#[track_caller]
fn check(name: &str, files: &FileCrypt, [ours, theirs]: [Vec<u8>; 2], expected: &[u8]) {
    assert!(files.open(&ours).unwrap() == expected, "{name}");
    let theirs = String::from_utf8_lossy(&theirs);
    assert_eq!(theirs, "forked", "{name}");
}

#[test]
fn only_the_parent_goes_on_with_a_writer() {
    for written in [0, 5, START] {
        let mut writer = bare().sealing_writer(Vec::new()).unwrap();
        writer.write_all(&text(written)).unwrap();
        let mut writer = Some(writer);
        let both = drawn_by_both(&mut || {
            let mut writer = writer.take().unwrap();
            let sealed = writer.write_all(&rest()).and_then(|()| writer.finish());
            outcome(sealed)
        });
        let expected = [text(written), rest()].concat();
        check("writer", &bare(), both, &expected);
    }
}

#[test]
fn the_end_alone_is_not_for_the_child_either() {
    for written in [0, CHUNK, START] {
        let mut writer = bare().sealing_writer(Vec::new()).unwrap();
        writer.write_all(&text(written)).unwrap();
        let mut writer = Some(writer);
        let both = drawn_by_both(&mut || outcome(writer.take().unwrap().finish()));
        check("end", &bare(), both, &text(written));
    }
}

/// Gives what is the process's own.
struct Own(io::Cursor<Vec<u8>>, bool);

impl Own {
    fn new() -> Self {
        Self(io::Cursor::new(text(START)), false)
    }
}

impl Read for Own {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = Read::read(&mut self.0, buffer)?;
        if read == 0 && !self.1 {
            *self = Self(io::Cursor::new(rest()), true);
            return Read::read(&mut self.0, buffer);
        }
        Ok(read)
    }
}

#[test]
fn only_the_parent_goes_on_with_a_reader() {
    let mut reader = bare().sealing_reader(Own::new()).unwrap();
    let mut begun = vec![0; 20 * CHUNK];
    reader.read_exact(&mut begun).unwrap();
    let both = drawn_by_both(&mut || {
        let mut sealed = begun.clone();
        let first = reader.read_to_end(&mut sealed);
        // What failed has no end, whoever asks again.
        let again = reader.read(&mut [0; 9]);
        outcome(first.and(again).map(|_| sealed))
    });
    check("reader", &bare(), both, &[text(START), rest()].concat());
}

#[test]
fn a_reader_that_failed_has_no_end() {
    let mut reader = bare().sealing_reader(io::repeat(1).take(9)).unwrap();
    let [ours, theirs] = drawn_by_both(&mut || {
        let mut ends = || reader.read_to_end(&mut Vec::new()).is_ok();
        vec![u8::from(ends()), u8::from(ends())]
    });
    assert_eq!((ours, theirs), (vec![1, 1], vec![0, 0]));
}

#[tokio::test]
async fn only_the_parent_goes_on_with_streams_of_tokio() {
    let mut writer = bare().sealing_async_writer(Vec::new()).await.unwrap();
    writer.write_all(&text(START)).await.unwrap();
    let mut writer = Some(writer);
    // Nothing waits: what is read and written is in memory.
    let block_on = |future| futures_now(future);
    let both = drawn_by_both(&mut || {
        let mut writer = writer.take().unwrap();
        let sealed = block_on(Box::pin(async move {
            writer.write_all(&rest()).await?;
            let shut = writer.shutdown().await;
            assert_eq!(shut.is_ok(), writer.shutdown().await.is_ok());
            shut.map(|()| writer.into_inner())
        }));
        outcome(sealed)
    });
    check("writer", &bare(), both, &[text(START), rest()].concat());

    let inner = io::Cursor::new(text(START));
    let mut reader = bare().sealing_async_reader(inner).await.unwrap();
    let mut begun = vec![0; 20 * CHUNK];
    reader.read_exact(&mut begun).await.unwrap();
    let mut reader = Some(reader);
    let both = drawn_by_both(&mut || {
        let (mut reader, mut sealed) = (reader.take().unwrap(), begun.clone());
        let sealed = block_on(Box::pin(async move {
            reader.read_to_end(&mut sealed).await.map(|_| sealed)
        }));
        outcome(sealed)
    });
    check("reader", &bare(), both, &text(START));
}

type Sealed = std::pin::Pin<Box<dyn Future<Output = io::Result<Vec<u8>>>>>;

/// A future that never has to wait.
fn futures_now(mut future: Sealed) -> io::Result<Vec<u8>> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[test]
fn a_child_begins_files_of_its_own() {
    for random in [Random::secure(), Random::system()] {
        let files = bare().with_random(random);
        let _before = files.seal(b"text").unwrap();
        let [ours, theirs] = drawn_by_both(&mut || files.seal(b"text").unwrap());
        for sealed in [&ours, &theirs] {
            assert_eq!(files.open(sealed).unwrap(), b"text");
        }
        assert_ne!(ours[..24], theirs[..24], "salts");
    }
}

#[test]
fn a_child_leaves_the_parents_new_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let mut file = NewFile::create(&path, Existing::Refuse).unwrap();
    file.write_all(b"all of it").unwrap();
    let mut file = Some(file);
    let parent = std::process::id();
    drawn_by_both(&mut || {
        let file = file.take().unwrap();
        if std::process::id() == parent {
            // The child drops its copy first or last: it must not matter, and first is worse.
            while !folder.path().join("done").exists() {
                std::thread::yield_now();
            }
            file.commit().unwrap();
        } else {
            drop(file);
            std::fs::write(folder.path().join("done"), "").unwrap();
        }
        Vec::new()
    });
    assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
}
