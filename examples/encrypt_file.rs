//! Encrypts files, opens and verifies them, as a command.
//!
//! ```console
//! $ encrypt_file new-key my.key
//! $ encrypt_file encrypt --key-file my.key report.pdf
//! report.pdf -> report.pdf.pcf, 1234567 bytes
//! $ encrypt_file verify --key-file my.key report.pdf.pcf
//! $ encrypt_file decrypt --key-file my.key report.pdf.pcf again.pdf
//! $ PASSWORD=... encrypt_file encrypt --password-env PASSWORD notes.txt
//! ```
//!
//! With `--cobblestone` the files are bare streams of Cobblestone-256, which other tools
//! read, and the key file holds 64 hexadecimal digits.
//!
//! No output is ever there in part: it appears under its name when it is whole.

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{Existing, FileCrypt, FileKey, NewFile};
use portcullis::crypto::keyring::Keyring;
use portcullis::secret::SecretString;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, IoSliceMut, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// What ends the name of a container.
const CONTAINER: &str = "pcf";
/// What ends the name of a bare stream.
const BARE: &str = "cobblestone";

/// Longer is no password that anybody typed.
const LONGEST_PASSWORD: u64 = 4096;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn command() -> Command {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .help(help)
            .value_parser(value_parser!(PathBuf))
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .help(help)
            .action(ArgAction::SetTrue)
    };
    let input = path("input", "The file to read").required(true);
    let output = path(
        "output",
        "The file to write [default: from the input's name]",
    );
    let force = flag("force", "Replace the output when it is there");
    let on_files = |command: Command| {
        command
            .arg(input.clone())
            .arg(path("key-file", "A file that `new-key` made").long("key-file"))
            .arg(
                Arg::new("password-env")
                    .long("password-env")
                    .value_name("VARIABLE")
                    .help("The environment variable that holds the password"),
            )
            .arg(
                path("password-file", "A file whose first line is the password")
                    .long("password-file"),
            )
            .arg(flag(
                "password-stdin",
                "Read the password, a line, from standard input",
            ))
            .group(
                ArgGroup::new("lock")
                    .args([
                        "key-file",
                        "password-env",
                        "password-file",
                        "password-stdin",
                    ])
                    .required(true),
            )
            .arg(
                Arg::new("context")
                    .long("context")
                    .default_value("")
                    .help("What the file is bound to; say the same to encrypt and to decrypt"),
            )
            .arg(
                flag(
                    "cobblestone",
                    "A bare stream of Cobblestone-256, no container",
                )
                .conflicts_with_all([
                    "password-env",
                    "password-file",
                    "password-stdin",
                ]),
            )
            .arg(flag("quiet", "Say nothing when all is well"))
    };
    let writing = |command: Command| {
        on_files(command)
            .arg(output.clone().index(2))
            .arg(force.clone())
    };
    Command::new("encrypt_file")
        .about("Encrypts files so that only the key or the password opens them")
        .subcommand_required(true)
        .subcommand(writing(
            Command::new("encrypt").about("Encrypt a file into another"),
        ))
        .subcommand(writing(
            Command::new("decrypt").about("Decrypt a file into another"),
        ))
        .subcommand(on_files(
            Command::new("verify").about("Read an encrypted file to its end, and write nothing"),
        ))
        .subcommand(
            Command::new("new-key")
                .about("Make a key, in a file that only you can read")
                .arg(path("output", "The file to write").required(true))
                .arg(flag("cobblestone", "A key for bare streams")),
        )
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let Some((name, arguments)) = matches.subcommand() else {
        return ExitCode::from(2);
    };
    if let Err(error) = stop_on_signals() {
        eprintln!("encrypt_file: cannot listen to signals: {error}");
        return ExitCode::FAILURE;
    }
    let done = match name {
        "encrypt" => encrypt(arguments),
        "decrypt" => decrypt(arguments),
        "verify" => verify(arguments),
        _ => new_key(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("encrypt_file: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn encrypt(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let output = match arguments.get_one::<PathBuf>("output") {
        Some(output) => output.clone(),
        None => {
            let mut name = input.as_os_str().to_owned();
            name.push(".");
            let is_bare = arguments.get_flag("cobblestone");
            name.push(if is_bare { BARE } else { CONTAINER });
            PathBuf::from(name)
        }
    };
    let source = Source::open(input, arguments)?;
    let new = create(&output, arguments)?;
    let failed = |error: io::Error| at(&format!("cannot encrypt {}", input.display()), &error);
    let mut writer = lock(arguments)?.sealing_writer(new).map_err(failed)?;
    let length = writer.copy_from(source).map_err(failed)?;
    writer.finish().and_then(NewFile::commit).map_err(failed)?;
    say(arguments, input, &output, length);
    Ok(())
}

fn decrypt(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let output = match arguments.get_one::<PathBuf>("output") {
        Some(output) => output.clone(),
        None => {
            let suffix = input.extension().and_then(|suffix| suffix.to_str());
            if !suffix.is_some_and(|suffix| [CONTAINER, BARE].contains(&suffix)) {
                return Err("say what the output is to be called".into());
            }
            input.with_extension("")
        }
    };
    let source = Source::open(input, arguments)?;
    let mut new = create(&output, arguments)?;
    let failed = |error: io::Error| at(&format!("cannot decrypt {}", input.display()), &error);
    let mut reader = lock(arguments)?.opening_reader(source).map_err(failed)?;
    let length = reader.copy_to(&mut new).map_err(failed)?;
    new.commit().map_err(failed)?;
    say(arguments, input, &output, length);
    Ok(())
}

fn verify(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let source = Source::open(input, arguments)?;
    let verified = lock(arguments)?.verify(source);
    let length = verified.map_err(|error| at(&input.display().to_string(), &error))?;
    if !arguments.get_flag("quiet") {
        println!(
            "{}: {length} bytes, all as they were encrypted",
            input.display()
        );
    }
    Ok(())
}

fn new_key(arguments: &ArgMatches) -> Outcome<()> {
    let output = path(arguments, "output")?;
    // A key that is there is never replaced: what it encrypted would be lost.
    let mut file = NewFile::create(output, Existing::Refuse)?;
    if arguments.get_flag("cobblestone") {
        let key = FileKey::generate();
        for byte in key.expose() {
            write!(file, "{byte:02x}")?;
        }
        file.write_all(b"\n")?;
    } else {
        file.write_all(Keyring::generate().to_text().expose().as_bytes())?;
    }
    file.commit()?;
    println!("{}: keep it safe, and have a copy", output.display());
    Ok(())
}

/// The way that files are encrypted, as the arguments say.
fn lock(arguments: &ArgMatches) -> Outcome<FileCrypt> {
    let files = match arguments.get_one::<PathBuf>("key-file") {
        Some(path) => {
            let text = fs::read_to_string(path).map(SecretString::from);
            let text = text.map_err(|error| at(&path.display().to_string(), &error))?;
            if arguments.get_flag("cobblestone") {
                FileCrypt::bare(bare_key(text.expose()).ok_or_else(|| {
                    format!("{}: a bare key is 64 hexadecimal digits", path.display())
                })?)
            } else {
                let keyring = Keyring::parse(text.expose());
                FileCrypt::with_keyring(
                    keyring.map_err(|error| format!("{}: {error}", path.display()))?,
                )
            }
        }
        None => FileCrypt::with_password(password(arguments)?),
    };
    let context = arguments.get_one::<String>("context");
    Ok(files
        .context(context.map_or("", |context| context))
        .backend(Backend::fastest()))
}

fn bare_key(text: &str) -> Option<FileKey> {
    let digits = text.trim();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(FileKey::from_bytes(key))
}

fn password(arguments: &ArgMatches) -> Outcome<SecretString> {
    let password = if let Some(variable) = arguments.get_one::<String>("password-env") {
        let value = std::env::var(variable);
        SecretString::from(value.map_err(|error| format!("{variable}: {error}"))?)
    } else if let Some(path) = arguments.get_one::<PathBuf>("password-file") {
        let file = File::open(path).map_err(|error| at(&path.display().to_string(), &error))?;
        first_line(file)?
    } else {
        if io::stdin().is_terminal() {
            eprint!("password (it will be shown): ");
        }
        first_line(io::stdin())?
    };
    if password.expose().is_empty() {
        return Err("the password is empty".into());
    }
    Ok(password)
}

fn first_line(reader: impl Read) -> io::Result<SecretString> {
    let mut line = String::with_capacity(LONGEST_PASSWORD as usize);
    io::BufReader::new(reader.take(LONGEST_PASSWORD)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(SecretString::from(line))
}

fn create(output: &Path, arguments: &ArgMatches) -> Outcome<NewFile> {
    let existing = if arguments.get_flag("force") {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    NewFile::create(output, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{error}; --force replaces it").into(),
        _ => at(&format!("cannot write {}", output.display()), &error),
    })
}

/// Set when the user or the system wants an end.
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// Has signals end the reading, so that what was written in part is removed. The second one
/// ends the process as it always does.
fn stop_on_signals() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || runtime.block_on(signal()));
    Ok(())
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    if IS_STOPPED.swap(true, Ordering::Relaxed) {
        std::process::exit(130);
    }
}

/// A file that shows how far it was read, and ends when it should.
struct Source {
    file: File,
    bar: ProgressBar,
}

impl Source {
    fn open(path: &Path, arguments: &ArgMatches) -> Outcome<Self> {
        let failed = |error: io::Error| at(&format!("cannot read {}", path.display()), &error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        // Drawn on standard error, and only when that is a terminal.
        let bar = if arguments.get_flag("quiet") {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(length)
        };
        let style = "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style)?);
        Ok(Self { file, bar })
    }

    fn count(&self, read: usize) -> io::Result<usize> {
        if IS_STOPPED.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        self.bar.inc(read as u64);
        Ok(read)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count(read)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.file.read_vectored(buffers)?;
        self.count(read)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn path<'a>(arguments: &'a ArgMatches, name: &str) -> Outcome<&'a Path> {
    let path = arguments.get_one::<PathBuf>(name);
    path.map(PathBuf::as_path)
        .ok_or_else(|| format!("{name} is missing").into())
}

fn say(arguments: &ArgMatches, input: &Path, output: &Path, length: u64) {
    if !arguments.get_flag("quiet") {
        println!(
            "{} -> {}, {length} bytes",
            input.display(),
            output.display()
        );
    }
}

fn at(what: &str, error: &io::Error) -> Box<dyn Error> {
    format!("{what}: {}", with_causes(error)).into()
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
