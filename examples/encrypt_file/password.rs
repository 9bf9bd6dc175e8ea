//! Passwords, from wherever they come, with no copies left in buffers.

use crate::Outcome;
use portcullis::secret::SecretString;
use std::io::{self, IsTerminal, Read};
use zeroize::Zeroizing;

/// Longer is no password that anybody typed.
const LONGEST: usize = 4096;

/// Reads a password from standard input, or asks for it on a terminal: twice when it is new,
/// for what was sealed under a misspelled one is lost.
pub(crate) fn ask(is_new: bool) -> Outcome<SecretString> {
    let input = crate::standard_input()?;
    if !input.is_terminal() {
        return first_line(input);
    }
    #[cfg(unix)]
    let _quiet = super::interrupt::terminal::Quiet::begin()?;
    eprint!("password: ");
    let password = first_line(&input)?;
    if is_new {
        eprint!("the same again: ");
        if first_line(&input)? != password {
            return Err("the two passwords differ".into());
        }
    }
    Ok(password)
}

/// Reads a line and not a byte more: what follows may be the file.
pub(crate) fn first_line(mut reader: impl Read) -> Outcome<SecretString> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = [0];
    loop {
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) if byte == *b"\n" => break,
            Ok(_) if line.len() == LONGEST => {
                return Err(format!("the password has more than {LONGEST} bytes").into());
            }
            Ok(_) => line.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let line = line.strip_suffix(b"\r").unwrap_or(&line);
    let text = std::str::from_utf8(line).map_err(|_| "the password is not UTF-8")?;
    Ok(SecretString::from(text))
}
