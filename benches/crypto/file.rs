//! Files: in memory against the `cobblestone` crate, which has the same format, and against the
//! bare cipher; on disk against `cp`.
//!
//! Bars, with the backend `aws-lc-rs`: at most 0.30 of cobblestone's time, 1.11 of the bare
//! cipher's, 1.2 of the processor time of `cp`.

use crate::common::Race;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{Existing, FileCrypt, FileKey};
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
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

    let (again, mut out) = (files(Backend::fastest()), Vec::new());
    let mut race = Race::new("file-seal")
        .operation("cobblestone", || {
            cobblestone::encrypt(&peer, b"", black_box(&plain))
        })
        .operation("one-buffer", || {
            again.seal_into(black_box(&plain), &mut out)
        });
    for (backend, files) in &ours {
        race = race.operation(backend, || files.seal(black_box(&plain)));
    }
    let times = race.run();
    for (backend, _) in &ours {
        times.ratio(
            &format!("file-seal-cobblestone-{backend}"),
            backend,
            "cobblestone",
        );
    }
    times.ratio(
        "file-seal-cobblestone-one-buffer",
        "one-buffer",
        "cobblestone",
    );

    let mut race = Race::new("file-open").operation("cobblestone", || {
        cobblestone::decrypt(&peer, b"", black_box(&sealed))
    });
    for (backend, files) in &ours {
        race = race.operation(backend, || files.open(black_box(&sealed)));
    }
    let times = race.run();
    for (backend, _) in &ours {
        times.ratio(
            &format!("file-open-cobblestone-{backend}"),
            backend,
            "cobblestone",
        );
    }
}

/// 16 MiB sealed where they are made, against one call of the bare cipher.
pub(crate) fn raw() {
    let mut data = vec![1; LENGTH];
    let cipher = portcullis::crypto::hazmat::Aes256Gcm::new(Backend::fastest(), &KEY);
    let files = files(Backend::fastest());
    let times = Race::new("file-in-place")
        .operation("bare-cipher", || {
            cipher.seal_in_place(&[0; 12], b"", black_box(&mut data))
        })
        .operation("ours", || seal_in_room(&files))
        .run();
    times.ratio("file-bare-cipher", "ours", "bare-cipher");
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

/// 256 MiB from file to file, in memory where the system has such a folder: processor time
/// against `cp`.
pub(crate) fn to_file() {
    const FILE: usize = 256 << 20;
    const ROUNDS: usize = 9;
    let is_in_earnest = std::env::args().any(|argument| argument == "--bench");
    let (length, rounds) = if is_in_earnest {
        (FILE, ROUNDS)
    } else {
        (1 << 20, 1)
    };
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("a folder can be made");
    let at = |name| folder.path().join(name);
    let [plain, copied, sealed, opened] = ["plain", "copied", "sealed", "opened"].map(at);
    std::fs::write(&plain, vec![1; length]).expect("there is room");
    let files = files(Backend::fastest());
    let mut spent = [0_u64; 3];
    for _ in 0..rounds {
        let [copying, sealing, opening] = &mut spent;
        *copying += ticks(|| copy(&plain, &copied));
        *sealing += ticks(|| {
            files
                .seal_file(&plain, &sealed, Existing::Replace)
                .map(drop)
        });
        *opening += ticks(|| {
            files
                .open_file(&sealed, &opened, Existing::Replace)
                .map(drop)
        });
    }
    let [copying, sealing, opening] = spent.map(|ticks| ticks as f64 / rounds as f64);
    for (name, ticks) in [("cp", copying), ("seal", sealing), ("open", opening)] {
        println!("file-to-file/{name:<30} {ticks:>8.1} ticks of processor time");
    }
    println!("ratio file-seal-cp ours/peer {:.3}", sealing / copying);
    println!("ratio file-open-cp ours/peer {:.3}", opening / copying);
}

fn copy(from: &PathBuf, to: &PathBuf) -> io::Result<()> {
    let status = Command::new("cp").arg(from).arg(to).status()?;
    status
        .success()
        .then_some(())
        .ok_or(io::ErrorKind::Other.into())
}

/// Processor time of this process and its children, in ticks of the kernel (10 ms mostly).
fn ticks(work: impl FnOnce() -> io::Result<()>) -> u64 {
    let spent = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // Behind the name, which may hold anything: utime, stime, cutime and cstime are the
        // 12th to 15th fields.
        let fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let times = fields.skip(11).take(4);
        times
            .filter_map(|field| field.parse::<u64>().ok())
            .sum::<u64>()
    };
    let before = spent();
    work().expect("there is room");
    spent() - before
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
