//! Files: in memory against the `cobblestone` crate, which has the same format, and against the
//! bare cipher; on disk against `cp`.
//!
//! Bars, with the backend `aws-lc-rs`: at most 0.30 of cobblestone's time, 1.11 of the bare
//! cipher's, 1.2 of that of `cp`. What no cipher can be faster than stands beside them: a copy
//! from memory to memory; and from file to file reading and writing alone, where `cp` has the
//! kernel copy once, and the same with one bare call of the cipher for each piece between. Where
//! the memory is slow, these alone may be beyond the bars.
//!
//! Processor time is what files cost; how long they take, by one thread and by two, is told by
//! the clock.

use crate::common::Race as Clock;
use crate::processor::{Race, is_in_earnest};
use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{Existing, FileCrypt, FileKey};
use portcullis::crypto::hazmat::Aes256Gcm;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

const LENGTH: usize = 16 << 20;
const KEY: [u8; 32] = [7; 32];

fn files(backend: Backend) -> FileCrypt {
    FileCrypt::bare(FileKey::from_bytes(KEY)).backend(backend)
}

/// 16 MiB from memory to memory.
pub(crate) fn memory() {
    let plain = vec![1; LENGTH];
    let sealed = files(Backend::Ring).seal(&plain).expect("it is sealed");
    let peer = cobblestone::Key256::from_bytes(&KEY);
    let ours = Backend::ALL
        .iter()
        .map(|backend| (name(*backend), files(*backend)));
    let ours: Vec<_> = ours.collect();
    let again = files(Backend::fastest());

    let (mut copy, mut out) = (plain.clone(), Vec::new());
    let mut here = plain.clone();
    let cipher = Aes256Gcm::new(Backend::fastest(), &KEY);
    let mut race = Race::new("file-seal", 15, 4)
        .operation("cobblestone", || {
            black_box(cobblestone::encrypt(&peer, b"", black_box(&plain))).is_ok()
        })
        .operation("bare-cipher", || {
            let sealed = cipher.seal_in_place(&[0; 12], b"", black_box(&mut here));
            sealed.is_ok()
        })
        .operation("memory-copy", || {
            copy.copy_from_slice(black_box(&plain));
            black_box(&copy).len() == LENGTH
        })
        .operation("one-buffer", || {
            again.seal_into(black_box(&plain), &mut out).is_ok()
        });
    for (backend, files) in &ours {
        race = race.operation(backend, || black_box(files.seal(black_box(&plain))).is_ok());
    }
    race.run(&["cobblestone", "bare-cipher"]);

    let mut out = Vec::new();
    let mut race = Race::new("file-open", 15, 4)
        .operation("cobblestone", || {
            black_box(cobblestone::decrypt(&peer, b"", black_box(&sealed))).is_ok()
        })
        .operation("one-buffer", || {
            again.open_into(black_box(&sealed), &mut out).is_ok()
        });
    for (backend, files) in &ours {
        race = race.operation(backend, || {
            black_box(files.open(black_box(&sealed))).is_ok()
        });
    }
    race.run(&["cobblestone"]);
}

/// 16 MiB sealed where they are made, a window at a time, against one call of the bare cipher
/// on as much memory as a window has, again and again.
pub(crate) fn in_place() {
    const WINDOW: usize = 256 << 10;
    let mut window = vec![1; WINDOW];
    let cipher = Aes256Gcm::new(Backend::fastest(), &KEY);
    let files = files(Backend::fastest());
    Race::new("file-in-place", 15, 16)
        .operation("bare-cipher", || {
            let mut seal = || cipher.seal_in_place(&[0; 12], b"", black_box(&mut window));
            (0..LENGTH / WINDOW).all(|_| seal().is_ok())
        })
        .operation("ours", || seal_in_room(&files).is_ok())
        .run(&["bare-cipher"]);
}

/// Seals whatever lies in the room, as if a producer had just put it there.
fn seal_in_room(files: &FileCrypt) -> io::Result<()> {
    let mut writer = files.sealing_writer(io::sink())?;
    let mut rest = LENGTH;
    while rest > 0 {
        let room = writer.room()?.len().min(rest);
        writer.fill(room)?;
        rest -= room;
    }
    writer.finish().map(drop)
}

/// 256 MiB from file to file, in memory where the system has such a folder.
pub(crate) fn to_file() {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("a folder can be made");
    let at = |name| folder.path().join(name);
    let [plain, copied, sealed, opened] = ["plain", "copied", "sealed", "opened"].map(at);
    let length = if is_in_earnest() { 256 << 20 } else { 1 << 20 };
    std::fs::write(&plain, vec![1; length]).expect("there is room");
    let files = files(Backend::fastest());
    let cipher = Aes256Gcm::new(Backend::fastest(), &KEY);
    let replace = Existing::Replace;
    files
        .seal_file(&plain, &sealed, replace)
        .expect("it is sealed");
    Race::new("file-to-file", 7, 4)
        .operation("cp", || cp(&plain, &copied))
        .operation("read-write", || {
            read_write(&plain, &copied, |_| true).is_ok()
        })
        .operation("floor", || {
            let seal = |piece: &mut [u8]| cipher.seal_in_place(&[0; 12], b"", piece).is_ok();
            read_write(&plain, &copied, seal).is_ok()
        })
        .operation("seal", || files.seal_file(&plain, &sealed, replace).is_ok())
        .operation("open", || {
            files.open_file(&sealed, &opened, replace).is_ok()
        })
        .run(&["cp", "floor"]);

    let two = NonZeroUsize::new(2).expect("it is not zero");
    let by_two = files.clone().threads(two);
    let times = Clock::new("file-to-file-clock")
        .operation("cp", || assert!(cp(&plain, &copied)))
        .operation("seal", || {
            let done = files.seal_file(&plain, &sealed, replace);
            done.expect("it is sealed")
        })
        .operation("seal-by-two", || {
            let done = by_two.seal_file(&plain, &sealed, replace);
            done.expect("it is sealed")
        })
        .operation("open-by-two", || {
            let done = by_two.open_file(&sealed, &opened, replace);
            done.expect("it is opened")
        })
        .run();
    times.ratio("file-to-file-clock-seal", "seal", "cp");
    times.ratio("file-to-file-clock-seal-by-two", "seal-by-two", "cp");
    times.ratio("file-to-file-clock-open-by-two", "open-by-two", "cp");
}

fn cp(from: &Path, to: &Path) -> bool {
    let copied = Command::new("cp").arg(from).arg(to).status();
    copied.is_ok_and(|status| status.success())
}

/// Copies as whoever has to look at each byte does: `cp` leaves it to the kernel, which copies
/// once where this copies twice.
fn read_write(from: &Path, to: &Path, look: impl Fn(&mut [u8]) -> bool) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut buffer = vec![0; 112 << 10];
    loop {
        let read = from.read(&mut buffer)?;
        let piece = buffer.get_mut(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok(());
        }
        if !look(piece) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        to.write_all(piece)?;
    }
}

const fn name(backend: Backend) -> &'static str {
    match backend {
        Backend::Ring => "ring",
        #[cfg(feature = "aws-lc-rs")]
        Backend::AwsLcRs => "aws-lc-rs",
        #[cfg(feature = "aes-gcm")]
        Backend::AesGcm => "aes-gcm",
        _ => "another",
    }
}
