//! Readers and writers of the standard library.

use super::{CHUNK, HEADER, LENGTHS, OneByOne, SLOT, bare, code, text};
use portcullis::crypto::aead::Backend;
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;

#[test]
fn a_writer_seals_what_is_written_in_any_pieces() {
    for length in LENGTHS {
        for piece in [7_777, CHUNK, length + 1] {
            let mut writer = bare().sealing_writer(Vec::new()).unwrap();
            for piece in text(length).chunks(piece) {
                writer.write_all(piece).unwrap();
            }
            let sealed = writer.finish().unwrap();
            assert!(
                bare().open(&sealed).unwrap() == text(length),
                "{length} {piece}"
            );
        }
    }
}

#[test]
fn a_writer_reads_by_itself_and_lends_its_room() {
    for length in LENGTHS {
        let mut writer = bare().sealing_writer(Vec::new()).unwrap();
        assert_eq!(writer.copy_from(&text(length)[..]).unwrap(), length as u64);
        let mut lent = bare().sealing_writer(Vec::new()).unwrap();
        let mut rest = &text(length)[..];
        while !rest.is_empty() {
            let room = lent.room().unwrap();
            let taken = rest.read(room).unwrap();
            lent.fill(taken).unwrap();
        }
        for writer in [writer, lent] {
            let sealed = writer.finish().unwrap();
            assert!(bare().open(&sealed).unwrap() == text(length), "{length}");
        }
    }
}

#[test]
fn no_more_room_is_filled_than_there_is() {
    let mut writer = bare().sealing_writer(Vec::new()).unwrap();
    assert!(writer.fill(0).is_err(), "the header comes first");
    let room = writer.room().unwrap().len();
    assert!(writer.fill(room + 1).is_err());
    writer.fill(room).unwrap();
    let sealed = writer.finish().unwrap();
    assert_eq!(bare().open(&sealed).unwrap().len(), room);
}

#[test]
fn what_was_not_finished_does_not_open() {
    for length in [0, 100, CHUNK, 20 * CHUNK] {
        let mut sealed = Vec::new();
        let mut writer = bare().sealing_writer(&mut sealed).unwrap();
        writer.write_all(&text(length)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        assert_eq!(
            bare().open(&sealed).unwrap_err().code(),
            "truncated",
            "{length}"
        );
    }
}

#[test]
fn flushing_writes_what_is_full_and_keeps_the_rest() {
    let mut writer = bare().sealing_writer(Vec::new()).unwrap();
    let plain = text(5 * CHUNK + 9);
    for piece in plain.chunks(CHUNK / 2 + 1) {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
        writer.flush().unwrap();
    }
    assert_eq!(writer.get_ref().len(), HEADER + 5 * SLOT);
    assert!(bare().open(&writer.finish().unwrap()).unwrap() == plain);
}

#[test]
fn one_byte_at_a_time() {
    let plain = text(2 * CHUNK + 5);
    let mut sealed = Vec::new();
    let mut writer = bare().sealing_writer(OneByOne(&mut sealed)).unwrap();
    OneByOne(&mut writer).write_all(&plain).unwrap();
    writer.finish().unwrap();

    let mut again = Vec::new();
    let mut reader = bare().sealing_reader(OneByOne(&plain[..])).unwrap();
    OneByOne(&mut reader).read_to_end(&mut again).unwrap();
    for sealed in [sealed, again] {
        let mut opened = Vec::new();
        let mut reader = bare().opening_reader(OneByOne(&sealed[..])).unwrap();
        OneByOne(&mut reader).read_to_end(&mut opened).unwrap();
        assert!(opened == plain);
    }
}

#[test]
fn a_reader_seals_what_it_reads() {
    for length in LENGTHS {
        let mut sealed = Vec::new();
        let plain = text(length);
        let mut reader = bare().sealing_reader(&plain[..]).unwrap();
        reader.read_to_end(&mut sealed).unwrap();
        assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0);
        assert!(bare().open(&sealed).unwrap() == text(length), "{length}");
    }
}

#[test]
fn a_writer_that_fails_can_be_tried_again() {
    struct Full {
        bytes: Vec<u8>,
        fails: bool,
    }
    impl Write for &mut Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.fails = !self.fails;
            if self.fails {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut full = Full {
        bytes: Vec::new(),
        fails: false,
    };
    let plain = text(50 * CHUNK);
    let mut writer = bare().sealing_writer(&mut full).unwrap();
    let mut rest = &plain[..];
    while !rest.is_empty() {
        if let Ok(written) = writer.write(rest) {
            rest = &rest[written..];
        }
    }
    while writer.flush().is_err() {}
    let failed = writer.finish();
    assert!(failed.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull));
    let sealed = full.bytes;
    assert_eq!(bare().open(&sealed).unwrap_err().code(), "truncated");
    assert_eq!(
        sealed.len(),
        HEADER + 50 * SLOT,
        "all but the end was written once"
    );
}

#[test]
fn a_reader_gives_whole_chunks_before_the_one_that_fails_and_stays_failed() {
    let mut sealed = bare().seal(&text(5 * CHUNK)).unwrap();
    sealed[HEADER + 3 * SLOT] ^= 1;
    // Slot by slot, so that the chunks before are given.
    let mut reader = bare().opening_reader(Slots(&sealed)).unwrap();
    let mut plain = Vec::new();
    let error = reader.read_to_end(&mut plain).unwrap_err();
    assert!(plain == text(3 * CHUNK));
    assert_eq!(
        error.to_string(),
        "chunk 3 of the file was changed, moved or cut off"
    );
    for _ in 0..3 {
        let again = reader.read(&mut [0; 10]).unwrap_err();
        assert_eq!(code(&again), "corrupt");
    }
}

struct Slots<'a>(&'a [u8]);

impl Read for Slots<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(SLOT);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_whole_file_is_read_and_nothing_behind_the_header_before() {
    let sealed = bare().seal(&text(CHUNK)).unwrap();
    let mut source = Cursor::new(&sealed);
    bare().opening_reader(&mut source).unwrap();
    assert_eq!(source.position(), HEADER as u64);
}

#[test]
fn a_seeker_begins_where_the_source_stands() {
    let sealed = bare().seal(&text(3 * CHUNK)).unwrap();
    let mut source = Cursor::new([b"something before", &sealed[..]].concat());
    source.set_position(16);
    let mut seeker = bare().opening_seeker(source).unwrap();
    assert_eq!(seeker.length(), 3 * CHUNK as u64);
    let mut part = [0; 10];
    seeker.seek(SeekFrom::Start(CHUNK as u64 - 5)).unwrap();
    seeker.read_exact(&mut part[..5]).unwrap();
    seeker.read_exact(&mut part[5..]).unwrap();
    assert_eq!(part, text(3 * CHUNK)[CHUNK - 5..CHUNK + 5]);
}

#[test]
fn a_seeker_seeks_as_a_file_does() {
    let sealed = bare().seal(&text(100)).unwrap();
    let mut seeker = bare().opening_seeker(Cursor::new(sealed)).unwrap();
    let mut model = Cursor::new(text(100));
    for to in [
        SeekFrom::Start(50),
        SeekFrom::Current(-50),
        SeekFrom::Current(-1),
        SeekFrom::End(-100),
        SeekFrom::End(-101),
        SeekFrom::End(5),
        SeekFrom::Start(u64::MAX),
        SeekFrom::Current(1),
        SeekFrom::End(0),
    ] {
        assert_eq!(seeker.seek(to).ok(), model.seek(to).ok(), "{to:?}");
        let mut parts = [[0; 7]; 2];
        let read = parts.each_mut();
        let [ours, expected] = read;
        assert_eq!(seeker.read(ours).unwrap(), model.read(expected).unwrap());
        assert_eq!(ours, expected, "{to:?}");
    }
}

#[test]
fn a_seeker_opens_what_is_whole_of_a_file_that_is_not() {
    let mut sealed = bare().seal(&text(3 * CHUNK)).unwrap();
    sealed[HEADER + SLOT] ^= 1;
    let mut seeker = bare().opening_seeker(Cursor::new(&sealed)).unwrap();
    let mut part = vec![0; CHUNK];
    seeker.read_exact(&mut part).unwrap();
    assert!(part == text(CHUNK));
    assert_eq!(code(&seeker.read(&mut part).unwrap_err()), "corrupt");
    seeker.seek(SeekFrom::Start(2 * CHUNK as u64)).unwrap();
    seeker.read_exact(&mut part).unwrap();
    assert!(part == text(3 * CHUNK)[2 * CHUNK..]);
}

#[test]
fn threads_change_nothing() {
    for length in [
        0,
        CHUNK,
        64 * CHUNK,
        128 * CHUNK,
        200 * CHUNK - 3,
        256 * CHUNK,
    ] {
        let plain = text(length);
        for threads in [2, 3, 7] {
            let files = bare().threads(NonZeroUsize::new(threads).unwrap());
            let sealed = files.seal(&plain).unwrap();
            assert!(bare().open(&sealed).unwrap() == plain, "{length} {threads}");
            assert!(files.open(&sealed).unwrap() == plain, "{length} {threads}");
            if length > CHUNK {
                let mut corrupt = sealed.clone();
                for chunk in [length / CHUNK - 1, length / CHUNK / 2] {
                    corrupt[HEADER + chunk * SLOT] ^= 1;
                }
                let error = files.open(&corrupt).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    bare().open(&corrupt).unwrap_err().to_string()
                );
            }
        }
    }
}

#[test]
fn in_place_is_as_elsewhere() {
    for length in LENGTHS {
        for backend in Backend::ALL {
            let files = bare().backend(*backend);
            let (mut tight, mut roomy) = (text(length), text(length));
            roomy.reserve(length + 100 * 1024);
            for data in [&mut tight, &mut roomy] {
                files.seal_in_place(data).unwrap();
                assert!(files.open(data).unwrap() == text(length), "{length}");
                files.open_in_place(data).unwrap();
                assert!(*data == text(length), "{length}");
            }
        }
    }
}

#[test]
fn buffers_are_used_again() {
    let (mut sealed, mut plain) = (vec![9; 1_000_000], vec![8; 1_000_000]);
    let places = (sealed.as_ptr(), plain.as_ptr());
    bare().seal_into(&text(CHUNK), &mut sealed).unwrap();
    bare().open_into(&sealed, &mut plain).unwrap();
    assert!(plain == text(CHUNK));
    assert_eq!((sealed.as_ptr(), plain.as_ptr()), places);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_are_slices(
        length in 0..3 * CHUNK,
        reads in prop::collection::vec((0..4 * CHUNK as u64, 0..2 * CHUNK), 1..8),
    ) {
        let plain = text(length);
        let sealed = bare().seal(&plain).unwrap();
        let mut seeker = bare().opening_seeker(Cursor::new(sealed)).unwrap();
        let mut model = Cursor::new(&plain);
        for (position, length) in reads {
            seeker.seek(SeekFrom::Start(position)).unwrap();
            model.set_position(position);
            let (mut ours, mut expected) = (Vec::new(), Vec::new());
            seeker.by_ref().take(length as u64).read_to_end(&mut ours).unwrap();
            model.by_ref().take(length as u64).read_to_end(&mut expected).unwrap();
            prop_assert!(ours == expected);
        }
    }
}
