//! Encrypts files, opens and verifies them, as a command.
//!
//! ```console
//! $ encrypt_file new-key my.key
//! $ encrypt_file encrypt --key-file my.key report.pdf
//! report.pdf -> report.pdf.pcf, 1234567 bytes
//! $ encrypt_file verify --key-file my.key report.pdf.pcf
//! $ encrypt_file decrypt --key-file my.key report.pdf.pcf again.pdf
//! $ encrypt_file encrypt --password-stdin notes.txt
//! password:
//! $ tar c folder | encrypt_file encrypt --key-file my.key - > folder.tar.pcf
//! ```
//!
//! With `--cobblestone` the files are bare streams of Cobblestone-256, which other tools
//! read, and the key file holds 64 hexadecimal digits.
//!
//! No output file is ever there in part: it appears under its name when it is whole. What went
//! to standard output before an error is to be thrown away.

#[path = "encrypt_file/interrupt.rs"]
mod interrupt;
#[path = "encrypt_file/password.rs"]
mod password;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use interrupt::Output;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{Existing, FileCrypt, FileKey, NewFile};
use portcullis::crypto::keyring::Keyring;
use portcullis::secret::SecretString;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What ends the name of a container.
const CONTAINER: &str = "pcf";
/// What ends the name of a bare stream.
const BARE: &str = "cobblestone";

/// The name of standard input, and of standard output.
const STANDARD: &str = "-";

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
    let input = path("input", "The file to read, or - for standard input").required(true);
    let output = path(
        "output",
        "The file to write, or - for standard output [default: from the input's name]",
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
                "Read the password, a line, from standard input; a terminal does not show it",
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
    if let Err(error) = interrupt::end_on_signals() {
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
            interrupt::clear();
            eprintln!("encrypt_file: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn encrypt(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let output = match arguments.get_one::<PathBuf>("output") {
        Some(output) => output.clone(),
        None if input.as_os_str() == STANDARD => input.to_owned(),
        None => {
            let mut name = input.as_os_str().to_owned();
            name.push(".");
            let is_bare = arguments.get_flag("cobblestone");
            name.push(if is_bare { BARE } else { CONTAINER });
            PathBuf::from(name)
        }
    };
    if output.as_os_str() == STANDARD && io::stdout().is_terminal() {
        return Err("what is encrypted is no text to show on a terminal".into());
    }
    let source = Source::open(input, arguments)?;
    let target = Target::create(&output, arguments)?;
    let failed = |error: io::Error| at(&format!("cannot encrypt {}", input.display()), &error);
    let files = lock(arguments, true)?;
    let mut writer = files.sealing_writer(target).map_err(failed)?;
    let length = writer.copy_from(source).map_err(failed)?;
    writer.finish().and_then(Target::commit).map_err(failed)?;
    say(arguments, input, &output, length);
    Ok(())
}

fn decrypt(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let output = match arguments.get_one::<PathBuf>("output") {
        Some(output) => output.clone(),
        None if input.as_os_str() == STANDARD => input.to_owned(),
        None => {
            let suffix = input.extension().and_then(|suffix| suffix.to_str());
            if !suffix.is_some_and(|suffix| [CONTAINER, BARE].contains(&suffix)) {
                return Err("say what the output is to be called".into());
            }
            input.with_extension("")
        }
    };
    let source = Source::open(input, arguments)?;
    let mut target = Target::create(&output, arguments)?;
    let failed = |error: io::Error| at(&format!("cannot decrypt {}", input.display()), &error);
    let files = lock(arguments, false)?;
    let mut reader = files.opening_reader(source).map_err(failed)?;
    let length = reader.copy_to(&mut target).map_err(failed)?;
    target.commit().map_err(failed)?;
    say(arguments, input, &output, length);
    Ok(())
}

fn verify(arguments: &ArgMatches) -> Outcome<()> {
    let input = path(arguments, "input")?;
    let source = Source::open(input, arguments)?;
    let verified = lock(arguments, false)?.verify(source);
    let length = verified.map_err(|error| at(&input.display().to_string(), &error))?;
    if !arguments.get_flag("quiet") {
        tell(
            io::stdout(),
            &format!(
                "{}: {length} bytes, all as they were encrypted",
                input.display()
            ),
        );
    }
    Ok(())
}

fn new_key(arguments: &ArgMatches) -> Outcome<()> {
    let output = path(arguments, "output")?;
    let failed = |error: io::Error| at(&format!("cannot write {}", output.display()), &error);
    let text = if arguments.get_flag("cobblestone") {
        let key = FileKey::generate();
        let digits = key.expose().iter().map(|byte| format!("{byte:02x}"));
        SecretString::from(digits.chain(["\n".to_owned()]).collect::<String>())
    } else {
        Keyring::generate().to_text()
    };
    // A key that is there is never replaced: what it encrypted would be lost.
    let mut file = NewFile::create(output, Existing::Refuse).map_err(failed)?;
    file.write_all(text.expose().as_bytes()).map_err(failed)?;
    file.commit().map_err(failed)?;
    let text = format!("{}: keep it safe, and have a copy", output.display());
    tell(io::stdout(), &text);
    Ok(())
}

/// The way that files are encrypted, as the arguments say, with a password that is new or not.
fn lock(arguments: &ArgMatches, is_new: bool) -> Outcome<FileCrypt> {
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
        None => FileCrypt::with_password(password(arguments, is_new)?),
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

fn password(arguments: &ArgMatches, is_new: bool) -> Outcome<SecretString> {
    let password = if let Some(variable) = arguments.get_one::<String>("password-env") {
        let value = std::env::var(variable);
        SecretString::from(value.map_err(|error| format!("{variable}: {error}"))?)
    } else if let Some(path) = arguments.get_one::<PathBuf>("password-file") {
        let file = File::open(path).map_err(|error| at(&path.display().to_string(), &error))?;
        password::first_line(file)?
    } else {
        password::ask(is_new)?
    };
    if password.expose().is_empty() {
        return Err("the password is empty".into());
    }
    Ok(password)
}

/// Where the output goes.
enum Target {
    File(Output),
    Standard(File),
}

impl Target {
    fn create(path: &Path, arguments: &ArgMatches) -> Outcome<Self> {
        if path.as_os_str() == STANDARD {
            return Ok(Self::Standard(standard_output()?));
        }
        let existing = if arguments.get_flag("force") {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        let new = NewFile::create(path, existing);
        let new = new.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{error}; --force replaces a file, and - is standard output").into()
            }
            _ => at(&format!("cannot write {}", path.display()), &error),
        });
        new.map(Output::new).map(Self::File)
    }

    fn commit(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.commit(),
            Self::Standard(_) => Ok(()),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(file) => file.write(bytes),
        }
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write_vectored(bytes),
            Self::Standard(file) => file.write_vectored(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(file) => file.flush(),
        }
    }
}

/// Standard input without the buffer that Rust puts before it.
fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(File::from(own))
}

/// Standard output without the buffer that Rust puts before it.
fn standard_output() -> io::Result<File> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(File::from(own))
}

/// A file that shows how far it was read.
struct Source {
    file: File,
    bar: ProgressBar,
}

impl Source {
    fn open(path: &Path, arguments: &ArgMatches) -> Outcome<Self> {
        let failed = |error: io::Error| at(&format!("cannot read {}", path.display()), &error);
        let is_standard = path.as_os_str() == STANDARD;
        let file = if is_standard {
            standard_input()
        } else {
            File::open(path)
        };
        let file = file.map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        // Drawn on standard error, and only when that is a terminal.
        let bar = if arguments.get_flag("quiet") {
            ProgressBar::hidden()
        } else if about.is_file() {
            ProgressBar::new(about.len())
        } else {
            ProgressBar::no_length()
        };
        let style = if about.is_file() {
            "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"
        } else {
            "{spinner} {bytes}  {bytes_per_sec}"
        };
        bar.set_style(ProgressStyle::with_template(style)?);
        Ok(Self { file, bar })
    }

    fn count(&self, read: usize) -> usize {
        if self.bar.position() == 0 {
            // Not since somebody was asked for a password.
            self.bar.reset();
        }
        self.bar.inc(read as u64);
        read
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        Ok(self.count(read))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.file.read_vectored(buffers)?;
        Ok(self.count(read))
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
    if arguments.get_flag("quiet") {
        return;
    }
    let text = format!(
        "{} -> {}, {length} bytes",
        input.display(),
        output.display()
    );
    if output.as_os_str() == STANDARD {
        tell(io::stderr(), &text);
    } else {
        tell(io::stdout(), &text);
    }
}

fn tell(mut to: impl Write, text: &str) {
    // All is done, whether anybody listens or not.
    let _ = writeln!(to, "{text}");
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
