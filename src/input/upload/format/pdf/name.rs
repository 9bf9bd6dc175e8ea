//! Names that do something.

/// Names of actions and of what holds files or programs, with what they do.
const ACTIVE: &[(&[u8], &str)] = &[
    (b"JavaScript", "javascript"),
    (b"JS", "javascript"),
    (b"Launch", "launches a program"),
    (b"SubmitForm", "sends a form"),
    (b"ImportData", "imports data"),
    (b"GoToE", "opens an embedded file"),
    (b"GoToR", "opens another file"),
    (b"GoTo3DView", "a scene with scripts"),
    (b"EF", "an embedded file"),
    (b"FileAttachment", "an embedded file"),
    (b"EmbeddedFile", "an embedded file"),
    (b"EmbeddedFiles", "embedded files"),
    (b"RichMedia", "rich media"),
    (b"RichMediaContent", "rich media"),
    (b"RichMediaExecute", "rich media"),
    (b"Rendition", "plays media with scripts"),
    (b"Movie", "plays a movie"),
    (b"Sound", "plays a sound"),
    (b"3D", "a scene with scripts"),
    (b"XFA", "a form with scripts"),
    (b"AcroForm3D", "a scene with scripts"),
    (b"FFilter", "content that stands in another file"),
];

/// What a name does when the document is opened or used; `None` for what does nothing.
pub(super) fn deed(name: &[u8], before: &[u8]) -> Option<&'static str> {
    // The threads of articles are of this type; the action may lead to another file.
    if name == b"Thread" && before != b"Type" {
        return Some("opens a thread of another file");
    }
    let (_, deed) = ACTIVE.iter().find(|(active, _)| *active == name)?;
    Some(deed)
}

/// ISO 32000-2 section 7.3.5: `#` and two digits stand for a byte.
pub(super) fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (byte, after) {
            (b'#', [high, low, after @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    plain.push((high << 4 | low) as u8);
                    rest = after;
                }
                _ => plain.push(b'#'),
            },
            (byte, _) => plain.push(*byte),
        }
    }
    plain
}
