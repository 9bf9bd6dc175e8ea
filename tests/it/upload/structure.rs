//! What is whole is taken, and what is not is refused: on files of our own.

use super::files::*;
use portcullis::input::upload::{
    Accepted, ArchiveLimits, Cleaning, FileType, Flag, Refusal, RefusalKind, UploadPolicy,
};

fn policy() -> UploadPolicy {
    UploadPolicy::new(FileType::ALL.iter().copied())
}

/// Judges a file that comes in one piece, and in pieces of every small size: the same comes
/// out.
fn check(policy: &UploadPolicy, name: &str, file: &[u8]) -> Result<(Accepted, Vec<u8>), Refusal> {
    let whole = policy.check(name, None, file);
    for size in [1, 7, 4096] {
        let in_pieces = || {
            let mut kept = Vec::new();
            let mut inspection = policy.begin(name, None)?;
            for piece in file.chunks(size) {
                inspection.push(piece, &mut kept)?;
            }
            Ok::<_, Refusal>((inspection.finish(&mut kept)?, kept))
        };
        match (&whole, in_pieces()) {
            (Ok((one, kept)), Ok((other, kept_in_pieces))) => {
                assert_eq!(*kept, kept_in_pieces, "{name} in pieces of {size}");
                assert_eq!(one.hash(), other.hash());
                assert_eq!(one.cleaning(), other.cleaning());
            }
            (Err(_), Err(_)) => {}
            (whole, in_pieces) => {
                panic!("{name} in pieces of {size}: {in_pieces:?}, as a whole {whole:?}")
            }
        }
    }
    whole
}

fn good_files() -> Vec<(&'static str, Vec<u8>)> {
    let catalog = "<< /Type /Catalog /Pages 2 0 R >>";
    let pages = "<< /Type /Pages /Kids [] /Count 0 >>";
    let stream = "<< /Length 5 >>\nstream\nhello\nendstream";
    let referred =
        "<< /Length 5 0 R /Filter /ASCIIHexDecode >>\r\nstream\r\n68656C6C6F>\r\nendstream";
    vec![
        ("a.jpg", jpeg(b"")),
        ("a.png", png(b"")),
        ("a.gif", GIF.to_vec()),
        (
            "a.webp",
            riff(b"WEBP", &riff_chunk(b"VP8L", b"\x2F\0\0\0\0\x07")),
        ),
        ("a.bmp", bmp()),
        ("a.tif", tiff(&[])),
        ("a.avif", avif(b"av01")),
        (
            "a.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>".to_vec(),
        ),
        ("a.pdf", pdf(&[catalog, pages, stream, referred, "12"])),
        ("a.docx", docx(MAIN, &[])),
        (
            "a.zip",
            zip(&[Entry::deflated("a.txt", b"hello"), Entry::stored("b/", b"")]),
        ),
        ("a.gz", gzip(b"hello")),
        ("a.mp4", mp4(b"")),
        ("a.wav", wav(b"")),
        ("a.txt", "caf\u{e9}\n".into()),
        ("a.csv", b"a,b\n1,-2\n".to_vec()),
        ("a.json", b"{\"a\": [1, 2]}".to_vec()),
    ]
}

#[test]
fn what_is_whole_is_taken_as_it_is() {
    for (name, file) in good_files() {
        let (accepted, kept) =
            check(&policy(), name, &file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(kept, file, "{name}");
        assert_eq!(accepted.cleaning(), None, "{name}");
        assert_eq!(accepted.length(), file.len() as u64, "{name}");
        assert!(accepted.flags().is_empty(), "{name}");
    }
}

#[test]
fn what_is_cut_off_is_refused() {
    for (name, file) in good_files() {
        // A text is whole wherever it ends, but for half a character.
        let is_text = name.ends_with(".txt") || name.ends_with(".csv");
        // What is only white space may be missing.
        let end = file.trim_ascii_end().len();
        for length in 0..end {
            if is_text && length != 4 && length != 0 {
                continue;
            }
            let result = policy().check(name, None, &file[..length]);
            assert!(
                result.is_err() || is_text && length == 4,
                "{name} cut to {length}"
            );
        }
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let archive = zip(&[Entry::stored("a.txt", b"x")]);
    for (name, file) in good_files() {
        if name.ends_with(".txt") || name.ends_with(".csv") {
            continue;
        }
        for tail in [
            &b"<script>alert(1)</script>"[..],
            &archive,
            b"PK",
            b"MZ\x90\0\x01",
        ] {
            let longer = [&file, tail].concat();
            assert!(
                check(&policy(), name, &longer).is_err(),
                "{name} and {}",
                tail.escape_ascii()
            );
        }
    }
}

#[test]
fn what_was_taken_is_taken_again_as_it_is() {
    let dirty = [
        ("a.jpg", jpeg(&jpeg_segment(0xE1, b"Exif\0\0MM\0\x2A"))),
        ("a.png", png(&png_chunk(b"tEXt", b"Author\0Ann"))),
        ("a.gif", gif(b"!\xFE\x05hello\0")),
        ("a.webp", webp(&riff_chunk(b"EXIF", b"MM\0\x2Aodd"))),
    ];
    for (name, file) in dirty {
        let (accepted, kept) = check(&policy(), name, &file).unwrap();
        assert_eq!(accepted.cleaning(), Some(Cleaning::Metadata), "{name}");
        for word in [&b"Exif"[..], b"EXIF", b"Ann", b"hello", b"MM"] {
            assert!(
                !kept.windows(word.len()).any(|window| window == word),
                "{name}"
            );
        }
        let (again, unchanged) = check(&policy(), name, &kept).unwrap();
        assert_eq!(again.cleaning(), None, "{name}");
        assert_eq!(kept, unchanged, "{name}");

        let keeping = policy().keep_image_metadata();
        let (_, kept) = check(&keeping, name, &file).unwrap();
        assert_eq!(kept, file, "{name}");
    }
}

#[test]
fn code_in_metadata_is_taken_out_or_refused() {
    const CODE: &[u8] = b"<?php system($_GET[0]); ?>";
    let block = [b"!\xFE\x1A", CODE, b"\0"].concat();
    let files = [
        ("a.jpg", jpeg(&jpeg_segment(0xFE, CODE))),
        ("a.png", png(&png_chunk(b"tEXt", CODE))),
        ("a.gif", gif(&block)),
        ("a.webp", webp(&riff_chunk(b"XMP ", CODE))),
    ];
    for (name, file) in files {
        let (accepted, kept) = check(&policy(), name, &file).unwrap();
        assert_eq!(accepted.cleaning(), Some(Cleaning::Code), "{name}");
        assert!(!kept.windows(5).any(|window| window == b"<?php"), "{name}");
        let refusal = check(&policy().keep_image_metadata(), name, &file).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Polyglot, "{name}");
    }
}

#[test]
fn metadata_that_cannot_be_taken_out_is_refused() {
    let artist = *b"\x3B\x01\x02\0\x04\0\0\0Ann\0";
    let image = tiff(&[artist]);
    assert_eq!(
        check(&policy(), "a.tif", &image).unwrap_err().kind(),
        RefusalKind::Metadata
    );
    assert_eq!(
        check(&policy(), "a.avif", &avif(b"Exif"))
            .unwrap_err()
            .kind(),
        RefusalKind::Metadata
    );
    assert!(check(&policy().keep_image_metadata(), "a.tif", &image).is_ok());
}

#[test]
fn images_that_are_too_large_to_decode_are_refused() {
    let wide = png(b"");
    let wide = [
        &wide[..8],
        &png_chunk(b"IHDR", b"\0\0\xC3\x50\0\0\xC3\x50\x08\0\0\0\0"),
        &wide[33..],
    ]
    .concat();
    assert_eq!(
        check(&policy(), "a.png", &wide).unwrap_err().kind(),
        RefusalKind::TooManyPixels
    );
    let one = policy().max_pixels(0);
    for (name, file) in good_files().iter().take(7) {
        assert_eq!(
            check(&one, name, file).unwrap_err().kind(),
            RefusalKind::TooManyPixels,
            "{name}"
        );
    }
}

fn refused_as(name: &str, file: &[u8]) -> RefusalKind {
    match check(&policy(), name, file) {
        Ok(_) => panic!("{name} was taken"),
        Err(refusal) => refusal.kind(),
    }
}

/// Code and words that no decoder looks at, in places that are the image's own.
#[test]
fn nothing_hides_where_decoders_do_not_look() {
    use RefusalKind::{Malformed, Metadata, Polyglot};
    let code = b"<?php system($_GET[1]); ?><script>alert(1)</script>";
    let person = b"Ann Smith, 52N 13E";
    let frame = |tail: &[u8]| {
        let content = [&b"\x08\0\x08\0\x08\x01\x01\x11\0"[..], tail].concat();
        let whole = jpeg(b"");
        let at = whole.windows(2).position(|it| it == [0xFF, 0xC0]).unwrap();
        [
            &whole[..at],
            &jpeg_segment(0xC0, &content),
            &whole[at + 13..],
        ]
        .concat()
    };
    assert!(check(&policy(), "a.jpg", &frame(b"")).is_ok());
    let entropy = {
        let whole = jpeg(b"");
        let end = whole.len() - 2;
        [&whole[..end], code, &whole[end..]].concat()
    };
    let frame_of_gif = |data: &[u8]| {
        let length = u8::try_from(data.len()).unwrap();
        let end = GIF.len() - 2;
        [&GIF[..end], &[length], data, b"\0;"].concat()
    };
    let loops = |blocks: &[u8]| gif(&[b"!\xFF\x0BNETSCAPE2.0", blocks, b"\0"].concat());
    let split_at = [
        &b"\x05aaa<?"[..],
        b"\x70hp system($_GET[1]); ?>",
        &[b' '; 90],
    ]
    .concat();
    let split_at = &split_at[..7 + 0x70];
    let extended =
        |chunks: &[u8]| riff(b"WEBP", &[&riff_chunk(b"VP8X", &[0; 10]), chunks].concat());
    let picture = riff_chunk(b"VP8L", b"\x2F\0\0\0\0\x07");
    let plain = |chunks: &[u8]| riff(b"WEBP", &[&picture, chunks].concat());
    let format = b"\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0";
    let sound = |format: &[u8], data: &[u8]| {
        let chunks = [riff_chunk(b"fmt ", format), riff_chunk(b"data", data)];
        riff(b"WAVE", &chunks.concat())
    };
    let gap = |gap: &[u8]| {
        let mut file = tiff(&[]);
        file.extend(gap);
        file.extend([0; 18]);
        let last = u32::try_from(file.len() - 18).unwrap();
        // The link to the next directory, which is empty.
        let at = file.len() - 18 - gap.len() - 4;
        file[at..at + 4].copy_from_slice(&last.to_le_bytes());
        file.truncate(file.len() - 12);
        file
    };
    assert!(check(&policy(), "a.tif", &gap(&[0; 8])).is_ok());
    let private = {
        let mut entry = [0; 12];
        entry[..8].copy_from_slice(&[0xE8, 0xFD, 2, 0, 4, 0, 0, 0]);
        entry[8..].copy_from_slice(b"Ann\0");
        tiff(&[entry])
    };
    let second = png_chunk(b"IDAT", code);
    let png_data = {
        let whole = png(b"");
        let end = whole.len() - 12;
        [&whole[..end], &second, &whole[end..]].concat()
    };
    let pixels = {
        let mut file = bmp();
        let (width, bytes) = (17_u32, 52_u32);
        file[18..22].copy_from_slice(&width.to_le_bytes());
        file[2..6].copy_from_slice(&(54 + bytes).to_le_bytes());
        file.truncate(54);
        file.extend(code.iter().chain(&[0; 8]).take(52));
        file
    };
    for (name, what, file, expected) in [
        (
            "a.jpg",
            "number of lines",
            jpeg(&jpeg_segment(0xDC, code)),
            Polyglot,
        ),
        (
            "a.jpg",
            "number of lines",
            jpeg(&jpeg_segment(0xDC, person)),
            Malformed,
        ),
        (
            "a.jpg",
            "restart interval",
            jpeg(&jpeg_segment(0xDD, person)),
            Malformed,
        ),
        (
            "a.jpg",
            "conditions",
            jpeg(&jpeg_segment(0xCC, &[7; 40])),
            Malformed,
        ),
        (
            "a.jpg",
            "table",
            jpeg(&jpeg_segment(0xDB, &[1; 70])),
            Malformed,
        ),
        ("a.jpg", "frame", frame(person), Malformed),
        ("a.jpg", "data", entropy, Polyglot),
        ("a.gif", "data", frame_of_gif(code), Polyglot),
        (
            "a.gif",
            "control",
            gif(b"!\xF9\x04\0\0\0\0\x01x\0"),
            Malformed,
        ),
        (
            "a.webp",
            "alpha of nothing",
            plain(&riff_chunk(b"ALPH", code)),
            Malformed,
        ),
        (
            "a.webp",
            "alpha",
            extended(&[riff_chunk(b"ALPH", code), picture.clone()].concat()),
            Polyglot,
        ),
        (
            "a.webp",
            "animation",
            extended(&[riff_chunk(b"ANIM", person), picture.clone()].concat()),
            Malformed,
        ),
        ("a.webp", "second picture", plain(&picture), Malformed),
        (
            "a.wav",
            "format",
            sound(&[&format[..], &code[..30]].concat(), &[0; 4]),
            Polyglot,
        ),
        (
            "a.wav",
            "long format",
            sound(&[&format[..], &[0; 60]].concat(), &[0; 4]),
            Malformed,
        ),
        ("a.wav", "data", sound(format, code), Polyglot),
        ("a.tif", "gap", gap(person), Polyglot),
        ("a.tif", "private tag", private, Metadata),
        ("a.png", "second data", png_data, Polyglot),
        ("a.bmp", "pixels", pixels, Polyglot),
    ] {
        let refusal = check(&policy(), name, &file).map(|_| ()).expect_err(what);
        assert_eq!(refusal.kind(), expected, "{name} {what}: {refusal}");
    }
    // What is no loop and no plain header is metadata, and goes.
    let preview = [&b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x02"[..], person].concat();
    for (name, file) in [
        ("a.jpg", jpeg(&jpeg_segment(0xE0, &preview))),
        ("a.gif", loops(&[&[18][..], person].concat())),
        ("a.gif", loops(split_at)),
    ] {
        let (accepted, kept) = check(&policy(), name, &file).unwrap();
        assert!(accepted.cleaning().is_some(), "{name}");
        for word in [&b"Ann Smith"[..], b"system"] {
            assert!(!kept.windows(word.len()).any(|it| it == word), "{name}");
        }
    }
    let (_, kept) = check(&policy(), "a.gif", &loops(b"\x03\x01\0\0")).unwrap();
    assert!(kept.windows(8).any(|it| it == b"NETSCAPE"));
}

#[test]
fn documents_that_do_something_are_refused() {
    use RefusalKind::{Active, Malformed, Opaque, Polyglot};
    let packed = |text: &str| {
        let content = zlib(text.as_bytes());
        let head = format!(
            "<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {} >>\nstream\n",
            content.len()
        );
        let mut file = b"%PDF-1.7\n1 0 obj\n".to_vec();
        file.extend(head.bytes());
        file.extend(content);
        file.extend(b"\nendstream\nendobj\nstartxref\n0\n%%EOF\n");
        file
    };
    let in_stream = |text: &str| {
        let length = text.len();
        pdf(&[&format!(
            "<< /Length {length} >>\nstream\n{text}\nendstream"
        )])
    };
    let object_stream = |keys: &str, text: &str| {
        pdf(&[&format!(
            "<< /Type /ObjStm {keys} >>\nstream\n{text}\nendstream"
        )])
    };
    for harmless in [
        packed("1 0 << /Type /Catalog >>"),
        packed("1 1  (a string) % and a comment"),
        object_stream("/N 1 /First 4 /Length 6", "1 0 12"),
        in_stream("BT (an object) Tj ET\nobj"),
        pdf(&[
            "<< /S /URI /URI (https://example.com/) >>",
            "<< /Type /Thread >>",
        ]),
    ] {
        assert_eq!(check(&policy(), "a.pdf", &harmless).map(|_| ()), Ok(()));
    }
    let cases = [
        (
            "a script",
            pdf(&["<< /S /JavaScript /JS (app.alert\\(1\\)) >>"]),
            Active,
        ),
        (
            "an escaped script",
            pdf(&["<< /S /J#61vaScript >>"]),
            Active,
        ),
        ("a launch", pdf(&["<</S/Launch/F(cmd.exe)>>"]), Active),
        (
            "a form that is sent",
            pdf(&["<< /S /SubmitForm >>"]),
            Active,
        ),
        (
            "an embedded file",
            pdf(&["<< /Names << /EmbeddedFiles 2 0 R >> >>"]),
            Active,
        ),
        (
            "a packed script",
            packed("1 0 << /S /JavaScript >>"),
            Active,
        ),
        (
            "a script packed unknowably",
            pdf(&[
                "<< /Type /ObjStm /N 1 /First 4 /Filter /LZWDecode /Length 1 >>\nstream\nx\nendstream",
            ]),
            Opaque,
        ),
        ("encrypted", pdf(&["<< /Encrypt 2 0 R >>"]), Opaque),
        (
            "an object in a stream",
            pdf(&["<< /Length 24 >>\nstream\n9 0 obj << /S /Launch >>\nendstream"]),
            Polyglot,
        ),
        (
            "a length that lies",
            pdf(&["<< /Length 2 >>\nstream\nhello\nendstream"]),
            Malformed,
        ),
        (
            "text between objects",
            pdf(&["1\nendobj\n<html>\n2 0 obj"]),
            Polyglot,
        ),
        ("code in a comment", pdf(&["1 % <script>"]), Polyglot),
        (
            "an object in a comment",
            pdf(&["1\n% 9 0 obj << /S /Launch >>"]),
            Polyglot,
        ),
        (
            "an object in the header",
            [
                b"%PDF-1.7 0 obj<</S/Launch>>".to_vec(),
                pdf(&["1"])[8..].to_vec(),
            ]
            .concat(),
            Polyglot,
        ),
        (
            "an object in a string",
            pdf(&["(9 0 obj << /S /Launch >>)"]),
            Polyglot,
        ),
        (
            "an object with a long head in a stream",
            in_stream(&format!("9 0{}obj << /S /Launch >>", " ".repeat(5_000))),
            Polyglot,
        ),
        (
            "an object with a comment in its head in a stream",
            in_stream("9 0 %\nobj << /S /Launch >>"),
            Polyglot,
        ),
        (
            "objects of which the filter stands elsewhere",
            object_stream("/Filter 4 0 R /N 1 /First 4 /Length 6", "1 0 12"),
            Opaque,
        ),
        (
            "with two filters",
            object_stream(
                "/Filter [] /Filter /FlateDecode /N 1 /First 4 /Length 6",
                "1 0 12",
            ),
            Opaque,
        ),
        (
            "with two lengths",
            object_stream("/N 1 /First 4 /Length 50 /Length 6", "1 0 12"),
            Malformed,
        ),
        (
            "that end in a string, and not for a reader",
            object_stream(
                "/N 1 /First 4 /Length 5 0 R",
                "1 0 (endstream endobj 3 0 obj null %)<</S/Launch>>",
            ),
            Opaque,
        ),
        (
            "that end within one",
            object_stream("/N 1 /First 4 /Length 6", "1 0 (x"),
            Malformed,
        ),
        (
            "a packed object in a string",
            object_stream("/N 1 /First 4 /Length 19", "1 1 (<</S/Launch>>)"),
            Malformed,
        ),
        (
            "a packed object in a comment",
            packed("1 1 %<</S/Launch>>\n"),
            Malformed,
        ),
        ("a table that is none", packed("1 (0) << >>"), Malformed),
        (
            "an attached file",
            pdf(&["<< /FS << /Type /Filespec /EF << /F 5 0 R >> >> >>"]),
            Active,
        ),
        (
            "a thread of another file",
            pdf(&["<< /S /Thread /F (x.pdf) >>"]),
            Active,
        ),
        ("a sound", pdf(&["<< /S /Sound >>"]), Active),
        (
            "a stream that stands elsewhere",
            pdf(&["<< /Length 0 /F (\\\\\\\\evil.example\\\\x) >>\nstream\n\nendstream"]),
            Active,
        ),
        (
            "a link to a file",
            pdf(&["<< /S /URI /URI (file:///c:/x) >>"]),
            Active,
        ),
        (
            "a link to a script",
            pdf(&["<< /S /URI /URI <6A6176617363726970743A> >>"]),
            Active,
        ),
        (
            "a link that stands elsewhere",
            pdf(&["<< /S /URI /URI 5 0 R >>"]),
            Active,
        ),
        (
            "links that start at a share",
            pdf(&["<< /URI << /Base (\\\\\\\\evil.example) >> >>"]),
            Active,
        ),
    ];
    for (name, file, expected) in cases {
        let refusal = check(&policy(), "a.pdf", &file)
            .map(|_| ())
            .expect_err(name);
        assert_eq!(refusal.kind(), expected, "{name}: {refusal}");
    }
}

#[test]
fn office_documents_that_do_something_are_refused() {
    use RefusalKind::{Active, Malformed, Mismatch};
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\" TargetMode=\"External\"/></Relationships>"
        )
    };
    let with = |name: &str, content: &str| docx(MAIN, &[(name, content)]);
    let link = relation("hyperlink", "https://example.com/");
    assert!(
        check(
            &policy(),
            "a.docx",
            &with("word/_rels/document.xml.rels", &link)
        )
        .is_ok()
    );
    let cases = [
        (
            "macros by type",
            docx(
                "application/vnd.ms-word.document.macroEnabled.main+xml",
                &[],
            ),
            Active,
        ),
        ("macros by part", with("word/vbaProject.bin", "x"), Active),
        (
            "an embedded object",
            with("word/embeddings/oleObject1.bin", "x"),
            Active,
        ),
        ("a control", with("word/activeX/activeX1.xml", "x"), Active),
        (
            "a template from outside",
            with(
                "word/_rels/settings.xml.rels",
                &relation("attachedTemplate", "https://example.com/t.dotm"),
            ),
            Active,
        ),
        (
            "an image from outside",
            with(
                "word/_rels/document.xml.rels",
                &relation("image", "https://example.com/i.png"),
            ),
            Active,
        ),
        (
            "a link that runs",
            with(
                "word/_rels/document.xml.rels",
                &relation("hyperlink", "javascript:alert(1)"),
            ),
            Active,
        ),
        (
            "an exchange of data",
            with(
                "word/header1.xml",
                "<w:fldSimple w:instr=' DDEAUTO c:\\cmd.exe \"/k calc\" '/>",
            ),
            Active,
        ),
        (
            "a formula that fetches",
            with("xl/worksheets/sheet1.xml", "<f>WEBSERVICE(A1)</f>"),
            Active,
        ),
        (
            "data from outside",
            with("xl/connections.xml", "<connections/>"),
            Active,
        ),
        (
            "a page in it",
            with(
                "word/_rels/document.xml.rels",
                "<Relationships><Relationship Type=\"x/aFChunk\" Target=\"c.htm\"/></Relationships>",
            ),
            Active,
        ),
        (
            "a program",
            with("word/media/a.png", "MZ\u{0}\u{3}"),
            Active,
        ),
        (
            "entities",
            with(
                "word/styles.xml",
                "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>",
            ),
            Active,
        ),
        (
            "no main part",
            zip(&[
                Entry::stored(
                    "[Content_Types].xml",
                    format!(
                        "<Types><Override PartName=\"/x.xml\" ContentType=\"{MAIN}\"/></Types>"
                    )
                    .as_bytes(),
                ),
                Entry::stored("_rels/.rels", b"<Relationships/>"),
            ]),
            Malformed,
        ),
        ("an archive", zip(&[Entry::stored("a.txt", b"x")]), Mismatch),
    ];
    for (name, file, expected) in cases {
        let refusal = check(&policy(), "a.docx", &file)
            .map(|_| ())
            .expect_err(name);
        assert_eq!(refusal.kind(), expected, "{name}: {refusal}");
    }
    assert_eq!(refused_as("a.xlsx", &docx(MAIN, &[])), Mismatch);
    assert_eq!(refused_as("a.zip", &docx(MAIN, &[])), Mismatch);
}

#[test]
fn archives_that_are_traps_are_refused() {
    use RefusalKind::{Bomb, Malformed, Opaque};
    let text = || Entry::deflated("a.txt", b"hello");
    let named = |name: &str| zip(&[Entry::stored(name, b"x")]);
    let changed = |change: fn(&mut Entry)| {
        let mut entry = text();
        change(&mut entry);
        zip(&[entry])
    };
    let zeros = vec![0; 1 << 20];
    let overlapping = {
        let mut file = zip(&[text(), Entry::deflated("b.txt", b"hello")]);
        let at = file
            .windows(4)
            .rposition(|window| window == b"PK\x01\x02")
            .unwrap();
        file[at + 42..at + 46].fill(0);
        file
    };
    let cases = [
        ("a path upwards", named("../a"), RefusalKind::Entry),
        ("an absolute path", named("/etc/passwd"), RefusalKind::Entry),
        ("a backslash", named("..\\a"), RefusalKind::Entry),
        ("a drive", named("C:a"), RefusalKind::Entry),
        ("a device", named("x/NUL.txt"), RefusalKind::Entry),
        (
            "a link",
            changed(|entry| entry.attributes = 0o120_777 << 16),
            RefusalKind::Entry,
        ),
        (
            "another name in the directory",
            changed(|entry| entry.central_name = b"b.exe".to_vec()),
            RefusalKind::Entry,
        ),
        (
            "two of one name",
            zip(&[text(), Entry::stored("A.TXT", b"x")]),
            RefusalKind::Entry,
        ),
        ("two headers for one entry", overlapping, RefusalKind::Entry),
        (
            "an archive within",
            zip(&[Entry::deflated("b.zip", &zip(&[text()]))]),
            RefusalKind::Entry,
        ),
        (
            "an archive by another name",
            zip(&[Entry::stored("b.txt", &gzip(b"x"))]),
            RefusalKind::Entry,
        ),
        ("encrypted", changed(|entry| entry.flags = 1), Opaque),
        (
            "packed otherwise",
            changed(|entry| entry.method = 12),
            Opaque,
        ),
        ("a bomb", zip(&[Entry::deflated("a", &zeros)]), Bomb),
        (
            "a wrong checksum",
            changed(|entry| entry.content = b"hallo".to_vec()),
            Malformed,
        ),
        (
            "something between",
            [&b"PK\x03\x04"[..], &zip(&[text()])].concat(),
            Malformed,
        ),
    ];
    for (name, file, expected) in cases {
        let refusal = check(&policy(), "a.zip", &file)
            .map(|_| ())
            .expect_err(name);
        let is_expected = refusal.kind() == expected || name == "something between";
        assert!(is_expected, "{name}: {refusal}");
    }
    let many: Vec<_> = (0..4).map(|n| Entry::stored(&n.to_string(), b"")).collect();
    let limited = |limits| policy().archive_limits(limits);
    let refusal = check(
        &limited(ArchiveLimits::new().max_entries(3)),
        "a.zip",
        &zip(&many),
    );
    assert_eq!(refusal.unwrap_err().kind(), Bomb);
    let limits = ArchiveLimits::new().max_expanded_bytes(4);
    assert_eq!(
        check(&limited(limits), "a.gz", &gzip(b"hello"))
            .unwrap_err()
            .kind(),
        Bomb
    );
    assert_eq!(refused_as("a.gz", &gzip(&zeros)), Bomb);
    assert_eq!(refused_as("a.gz", &gzip(&gzip(b"x"))), RefusalKind::Entry);
}

#[test]
fn an_archive_within_an_image_is_found() {
    let archive = zip(&[Entry::stored("a.txt", b"x")]);
    let profile = [b"ICC_PROFILE\0\x01\x01", &archive[..]].concat();
    let refused = [
        ("a.jpg", jpeg(&jpeg_segment(0xE2, &profile))),
        ("a.png", png(&png_chunk(b"iCCP", &archive))),
        ("a.mp4", mp4(&mp4_box(b"free", &archive))),
        ("a.wav", wav(&riff_chunk(b"LIST", &archive))),
    ];
    for (name, file) in refused {
        assert_eq!(refused_as(name, &file), RefusalKind::Polyglot, "{name}");
    }
    assert_eq!(
        refused_as("a.mp4", &mp4(&mp4_box(b"free", b"<html>"))),
        RefusalKind::Polyglot
    );
}

#[test]
fn tables_that_run_are_flagged() {
    let (accepted, _) = check(
        &policy(),
        "a.csv",
        b"a,=HYPERLINK(\"http://example.com\")\n",
    )
    .unwrap();
    assert_eq!(accepted.flags(), [Flag::Formula]);
    let (accepted, _) = check(&policy(), "a.txt", b"use <script> here").unwrap();
    assert_eq!(accepted.flags(), [Flag::Markup]);
}
