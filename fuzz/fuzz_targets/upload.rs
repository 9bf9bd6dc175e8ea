//! Files of any type, in pieces of any size: no panic, and the same verdict however they come.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::input::upload::{FileType, UploadPolicy, detect};

fuzz_target!(|input: (u8, u8, bool, &[u8])| {
    let (kind, piece, keeps, file) = input;
    let kind = FileType::ALL[usize::from(kind) % FileType::ALL.len()];
    let policy = UploadPolicy::new(FileType::ALL.iter().copied()).max_bytes(1 << 20);
    let policy = if keeps { policy.keep_image_metadata() } else { policy };
    let name = format!("a.{}", kind.extensions()[0]);
    let _detected = detect(file);

    let whole = policy.check(&name, None, file);
    let mut kept = Vec::new();
    let mut inspection = policy.begin(&name, None).expect("a plain name");
    let pushed = file
        .chunks(usize::from(piece).max(1))
        .try_for_each(|piece| inspection.push(piece, &mut kept));
    let in_pieces = pushed.and_then(|()| inspection.finish(&mut kept));
    assert_eq!(whole.is_ok(), in_pieces.is_ok());
    if let Ok((accepted, content)) = whole {
        assert_eq!(content, kept);
        // What was taken is taken again, as it is.
        let (again, unchanged) = policy.check(&name, None, &content).expect("taken before");
        assert_eq!(content, unchanged);
        assert_eq!(again.hash(), accepted.hash());
    }
});
