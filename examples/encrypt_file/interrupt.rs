//! An end at any time that leaves nothing behind: no part of a file, and no mute terminal.

use portcullis::crypto::file::NewFile;
use std::io::{self, IoSlice, Write};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file that is being written.
static OUTPUT: Mutex<Option<NewFile>> = Mutex::new(None);

/// Has Ctrl-C, and `kill` without more, end the process at once, whatever it waits for.
pub(crate) fn end_on_signals() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let signal = {
        let _entered = runtime.enter();
        signal()?
    };
    let wait = move || {
        let number = runtime.block_on(signal);
        clear();
        process::exit(128 + number)
    };
    std::thread::Builder::new().spawn(wait)?;
    Ok(())
}

/// The number of the signal that came.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = i32> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()];
    let (mut interrupts, mut terminates) = (signal(interrupt)?, signal(terminate)?);
    Ok(async move {
        tokio::select! {
            _ = interrupts.recv() => interrupt.as_raw_value(),
            _ = terminates.recv() => terminate.as_raw_value(),
        }
    })
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = i32> + Send> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
        2
    })
}

/// Removes what was written in part, and has the terminal show again what is typed.
pub(crate) fn clear() {
    drop(output().take());
    #[cfg(unix)]
    terminal::restore();
}

fn output() -> MutexGuard<'static, Option<NewFile>> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes to the one file that there is, until the end comes.
pub(crate) struct Output;

impl Output {
    pub(crate) fn new(file: NewFile) -> Self {
        *output() = Some(file);
        Self
    }

    pub(crate) fn commit(self) -> io::Result<()> {
        let file = output().take();
        file.ok_or(io::ErrorKind::Interrupted)?.commit()
    }

    fn with<T>(&self, write: impl FnOnce(&mut NewFile) -> io::Result<T>) -> io::Result<T> {
        // The thread that took it is about to end the process.
        write(output().as_mut().ok_or(io::ErrorKind::BrokenPipe)?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.with(|file| file.write_vectored(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}

#[cfg(unix)]
pub(crate) mod terminal {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::io;
    use std::sync::{Mutex, PoisonError};

    /// How the terminal was, while it does not show what is typed.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// While it lives, the terminal does not show what is typed.
    pub(crate) struct Quiet;

    impl Quiet {
        pub(crate) fn begin() -> io::Result<Self> {
            let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
            let modes = tcgetattr(io::stdin())?;
            let mut quiet = modes.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            quiet.local_modes.insert(LocalModes::ECHONL);
            *before = Some(modes);
            tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
            Ok(Self)
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            restore();
        }
    }

    pub(crate) fn restore() {
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(modes) = before.take() {
            // There may be no terminal any more.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        }
    }
}
