//! Files: in memory against the `cobblestone` crate, which has the same format, and against the
//! bare cipher; on disk against `cp`.
//!
//! Bars, with the backend `aws-lc-rs`: at most 0.30 of cobblestone's time, 1.11 of the bare
//! cipher's, 1.2 of that of `cp`; and 1.2 of a copy by reading and writing, which is the least
//! that sealing can cost where `cp` has the kernel copy.
//!
//! Each operation takes milliseconds, in which a busy machine does something else as well. So
//! these are not times of the clock but of the processor, and of each the least.

use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{Existing, FileCrypt, FileKey};
use portcullis::crypto::hazmat::Aes256Gcm;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
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

    let mut out = Vec::new();
    let mut race = Race::new("file-seal", 15, 4)
        .operation("cobblestone", || {
            black_box(cobblestone::encrypt(&peer, b"", black_box(&plain))).is_ok()
        })
        .operation("one-buffer", || {
            again.seal_into(black_box(&plain), &mut out).is_ok()
        });
    for (backend, files) in &ours {
        race = race.operation(backend, || black_box(files.seal(black_box(&plain))).is_ok());
    }
    race.run("cobblestone");

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
    race.run("cobblestone");
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
        .run("bare-cipher");
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
    let replace = Existing::Replace;
    files
        .seal_file(&plain, &sealed, replace)
        .expect("it is sealed");
    Race::new("file-to-file", 7, 4)
        .operation("cp", || {
            let copied = Command::new("cp").arg(&plain).arg(&copied).status();
            copied.is_ok_and(|status| status.success())
        })
        .operation("read-write", || read_write(&plain, &copied).is_ok())
        .operation("seal", || files.seal_file(&plain, &sealed, replace).is_ok())
        .operation("open", || {
            files.open_file(&sealed, &opened, replace).is_ok()
        })
        .run("cp");
}

/// Copies as whoever has to look at each byte does: `cp` leaves it to the kernel, which copies
/// once where this copies twice.
fn read_write(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = from.read(&mut buffer)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(()),
            Some(bytes) => to.write_all(bytes)?,
        }
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

/// Does one operation and says whether it went well.
type Operation<'a> = Box<dyn FnMut() -> bool + 'a>;

/// Contenders that take turns, each of so many operations, for some rounds.
struct Race<'a> {
    title: &'static str,
    rounds: u32,
    turn: u32,
    contenders: Vec<(&'static str, Operation<'a>)>,
}

impl<'a> Race<'a> {
    const fn new(title: &'static str, rounds: u32, turn: u32) -> Self {
        Self {
            title,
            rounds,
            turn,
            contenders: Vec::new(),
        }
    }

    fn operation(mut self, name: &'static str, operation: impl FnMut() -> bool + 'a) -> Self {
        self.contenders.push((name, Box::new(operation)));
        self
    }

    /// Prints what each needed at least, and the ratio of that to what the peer needed.
    fn run(mut self, peer: &str) {
        let (rounds, turn) = if is_in_earnest() {
            (self.rounds, self.turn)
        } else {
            (1, 1)
        };
        let mut least = vec![f64::INFINITY; self.contenders.len()];
        for _ in 0..rounds {
            for ((name, operation), least) in self.contenders.iter_mut().zip(&mut least) {
                let before = spent();
                assert!((0..turn).all(|_| operation()), "{name} failed");
                let took = (spent() - before) / f64::from(turn);
                *least = least.min(took);
            }
        }
        let names = self.contenders.iter().map(|(name, _)| *name);
        let results: Vec<_> = names.zip(least).collect();
        for (name, took) in &results {
            println!(
                "{:<40} {took:>11.1} ns/op",
                format!("{}/{name}", self.title)
            );
        }
        let base = results.iter().find(|(name, _)| *name == peer);
        let base = base.map_or(f64::NAN, |(_, took)| *took);
        for (name, took) in results.iter().filter(|(name, _)| *name != peer) {
            println!(
                "ratio {}-{peer}-{name} ours/peer {:.3}",
                self.title,
                took / base
            );
        }
    }
}

fn is_in_earnest() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Processor time of this thread and of ended children, in nanoseconds. Linux tells; elsewhere
/// it is zero, and the ratios are not a number.
fn spent() -> f64 {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    // Without a reason to, the kernel brings the account up to date every few milliseconds.
    std::thread::yield_now();
    let thread = read("/proc/thread-self/schedstat");
    let thread = thread.split_whitespace().next().map(str::parse::<f64>);
    // Behind the name, which may hold anything, cutime and cstime are the 14th and 15th field,
    // in ticks of 10 ms.
    let process = read("/proc/self/stat");
    let fields = process.rsplit(')').next().unwrap_or_default();
    let children = fields.split_whitespace().skip(13).take(2);
    let ticks: f64 = children.filter_map(|field| field.parse::<f64>().ok()).sum();
    thread.and_then(Result::ok).unwrap_or(0.0) + ticks * 10_000_000.0
}
