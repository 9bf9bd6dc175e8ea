//! Reading and writing by what others have implemented, who may say anything.

use std::io::{self, Read};

/// Transfers once, and once more when a signal came between.
pub(super) fn once(
    most: usize,
    mut transfer: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match transfer() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(count) => return believable(count, most),
        }
    }
}

/// As [`once`], where nothing transferred is an error.
pub(super) fn write_once(
    most: usize,
    transfer: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    match once(most, transfer)? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(written),
    }
}

/// Fills all of the room.
pub(super) fn read_exact(reader: &mut impl Read, mut room: &mut [u8]) -> io::Result<()> {
    while !room.is_empty() {
        match once(room.len(), || reader.read(room))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => room = room.get_mut(read..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// A number of bytes that somebody says to have read or written, when it can be.
pub(super) fn believable(count: usize, most: usize) -> io::Result<usize> {
    if count <= most {
        return Ok(count);
    }
    Err(io::Error::other(format!(
        "{count} bytes are said to have been read or written where there were {most} at most"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruptions_pass_and_lies_do_not() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let failed = || Err(io::ErrorKind::TimedOut.into());
        type Answers = Vec<fn() -> io::Result<usize>>;
        let cases: [(&str, Answers, Result<usize, io::ErrorKind>); 6] = [
            ("all", vec![|| Ok(5)], Ok(5)),
            ("some", vec![|| Ok(2)], Ok(2)),
            ("nothing", vec![|| Ok(0)], Ok(0)),
            (
                "interrupted twice",
                vec![interrupted, interrupted, || Ok(1)],
                Ok(1),
            ),
            (
                "failed",
                vec![interrupted, failed],
                Err(io::ErrorKind::TimedOut),
            ),
            ("a lie", vec![|| Ok(6)], Err(io::ErrorKind::Other)),
        ];
        for (name, answers, expected) in cases {
            let mut answers = answers.into_iter();
            let read = once(5, || answers.next().unwrap()());
            assert_eq!(read.map_err(|error| error.kind()), expected, "{name}");
            assert_eq!(answers.len(), 0, "{name}");
        }
        let nothing = write_once(5, || Ok(0)).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WriteZero);
    }
}
