use super::body::is_file;
use super::content_type::Parameters;
use super::{Flow, Visit};
use crate::waf::decode;
use crate::waf::protocol;
use crate::waf::view::Place;
use memchr::memmem;

/// The longest boundary (RFC 2046 section 5.1.1).
const MAX_BOUNDARY_LEN: usize = 70;

/// Reads a multipart body (RFC 7578, RFC 2046) and tells of each part, its headers and the
/// name of its file. Where parsers are known to disagree, something is wrong.
pub(super) fn document(
    text: &[u8],
    boundary: Option<&[u8]>,
    whole: bool,
    visit: &mut impl Visit,
) -> Flow {
    let broken = |visit: &mut _, text| -> Flow {
        Visit::wrong(visit, &protocol::MULTIPART_BROKEN, Place::Body, b"", text)
    };
    let Some(boundary) = boundary.filter(|boundary| is_boundary(boundary)) else {
        broken(visit, boundary.unwrap_or_default())?;
        return visit.value(Place::Body, b"", text);
    };
    if text.is_empty() {
        return Flow::Continue(());
    }
    let delimiter = [b"--", boundary].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut rest = match delimiter_at(text, &finder, delimiter.len()) {
        Some((0, rest)) => rest,
        Some((length, rest)) => {
            // A preamble: most parsers pass it over, some take it for a part.
            let preamble = text.get(..length).unwrap_or_default();
            if !preamble.trim_ascii().is_empty() {
                broken(visit, preamble)?;
            }
            rest
        }
        None => {
            broken(visit, text)?;
            return visit.value(Place::Body, b"", text);
        }
    };
    loop {
        if rest.starts_with(b"--") {
            let epilogue = rest.get(2..).unwrap_or_default();
            if !epilogue.trim_ascii().is_empty() {
                broken(visit, epilogue)?;
            }
            return Flow::Continue(());
        }
        let Some(inside) = after_line_break(rest) else {
            return broken(visit, rest);
        };
        let Some((length, next)) = delimiter_at(inside, &finder, delimiter.len()) else {
            if whole {
                broken(visit, rest)?;
            }
            return part(inside, visit);
        };
        part(inside.get(..length).unwrap_or_default(), visit)?;
        rest = next;
    }
}

/// Characters of RFC 2046 section 5.1.1, but no space at its ends, which some cut off.
fn is_boundary(boundary: &[u8]) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(b);
    !boundary.is_empty()
        && boundary.len() <= MAX_BOUNDARY_LEN
        && boundary.iter().all(fine)
        && boundary.trim_ascii().len() == boundary.len()
}

/// Where the next delimiter stands at the start of a line: how long the text before it is,
/// without its line break, and what follows the delimiter.
fn delimiter_at<'a>(
    text: &'a [u8],
    finder: &memmem::Finder<'_>,
    length: usize,
) -> Option<(usize, &'a [u8])> {
    finder.find_iter(text).find_map(|at| {
        let (before, from) = text.split_at(at);
        let rest = from.get(length..)?;
        let end = match before {
            [] => 0,
            [.., b'\r', b'\n'] => at - 2,
            [.., b'\n'] => at - 1,
            _ => return None,
        };
        let ends = after_line_break(rest).is_some() || rest.starts_with(b"--") || rest.is_empty();
        ends.then_some((end, rest))
    })
}

/// What follows a line break and the space that may stand before it.
fn after_line_break(text: &[u8]) -> Option<&[u8]> {
    let padding = text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    match text.get(padding..)? {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => Some(rest),
        _ => None,
    }
}

#[derive(Default)]
struct Head<'a> {
    dispositions: usize,
    name: Option<&'a [u8]>,
    file_name: Option<&'a [u8]>,
    /// Whether it has a name that every parser finds.
    is_file: bool,
    /// Whether it does not say that it is something else.
    is_text: bool,
}

fn part(text: &[u8], visit: &mut impl Visit) -> Flow {
    let mut head = Head {
        is_text: true,
        ..Head::default()
    };
    let mut rest = text;
    loop {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = after.get(1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        header(line, &mut head, visit)?;
        if rest.is_empty() {
            break;
        }
    }
    let name = head.name.unwrap_or_default();
    if head.dispositions != 1 || head.name.is_none() {
        visit.wrong(&protocol::MULTIPART_BROKEN, Place::PartHeader, name, text)?;
    }
    if let Some(file_name) = head.file_name {
        visit.pair(Place::FileName, name, file_name)?;
    }
    if head.is_file {
        return visit.value(Place::File, name, rest);
    }
    // Without a name that every parser reads as one, servers hand a part over as a field,
    // whatever type it says to be of: what is text in it is one, too.
    if !head.is_text && is_file(rest) {
        visit.value(Place::File, name, rest)?;
        if is_signed(rest) {
            return Flow::Continue(());
        }
        return visit.pair(Place::Multipart, name, &texts(rest));
    }
    visit.pair(Place::Multipart, name, rest)
}

/// Whether it begins as files of a known format do, which may hold texts of their own.
fn is_signed(file: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 10] = [
        b"\x89PNG\r\n\x1A\n",
        b"\xFF\xD8\xFF",
        b"GIF8",
        b"%PDF-",
        b"PK\x03\x04",
        b"\x1F\x8B",
        b"RIFF",
        b"OggS",
        b"ID3",
        b"\0asm",
    ];
    let is_film = file.get(4..8) == Some(b"ftyp");
    is_film
        || SIGNATURES
            .iter()
            .any(|signature| file.starts_with(signature))
}

/// Shorter runs of text in a file are noise, in bytes.
const MIN_TEXT_LEN: usize = 8;

/// The runs of text in what is none, spaces between them.
fn texts(file: &[u8]) -> Vec<u8> {
    let is_text = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let runs = file.split(|b| !is_text(b));
    let mut texts = Vec::new();
    for run in runs.filter(|run| run.len() >= MIN_TEXT_LEN) {
        texts.extend_from_slice(run);
        texts.push(b' ');
    }
    texts
}

fn header<'a>(line: &'a [u8], head: &mut Head<'a>, visit: &mut impl Visit) -> Flow {
    let Some(at) = memchr::memchr(b':', line) else {
        return visit.wrong(&protocol::MULTIPART_BROKEN, Place::PartHeader, b"", line);
    };
    let (name, value) = line.split_at(at);
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    // A folded line, or a name that is none.
    if name.is_empty()
        || name
            .iter()
            .any(|b| b.is_ascii_whitespace() || b.is_ascii_control())
    {
        visit.wrong(&protocol::MULTIPART_BROKEN, Place::PartHeader, b"", line)?;
    }
    if name.eq_ignore_ascii_case(b"content-disposition") {
        head.dispositions += 1;
        return disposition(value, head, visit);
    }
    if name.eq_ignore_ascii_case(b"content-type") {
        head.is_text = is_text(value);
        let mut parts = Parameters(value);
        parts.essence();
        let charsets = parts.filter(|(name, _)| name.eq_ignore_ascii_case(b"charset"));
        for (_, charset) in charsets {
            if !std::str::from_utf8(charset).is_ok_and(protocol::is_known_charset) {
                visit.wrong(&protocol::PART_HEADER, Place::PartHeader, name, value)?;
            }
        }
    } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
        // Deprecated (RFC 7578 section 4.7); the ones that change nothing do no harm.
        if ![&b"binary"[..], b"8bit", b"7bit"]
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known))
        {
            visit.wrong(&protocol::PART_HEADER, Place::PartHeader, name, value)?;
        }
    }
    visit.value(Place::PartHeader, name, value)
}

/// Whether parsers cut a name at different places. Browsers write characters that the page's
/// charset lacks as `&#233;`, and so a semicolon may end a reference.
fn is_ambiguous(name: &[u8]) -> bool {
    let ends_reference = |at: usize| {
        let before = name.get(..at).unwrap_or_default();
        let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'#';
        let length = before.iter().rev().take_while(word).count();
        length > 0
            && before
                .len()
                .checked_sub(length + 1)
                .and_then(|at| before.get(at))
                == Some(&b'&')
    };
    name.iter().enumerate().any(|(at, b)| match b {
        b';' => !ends_reference(at),
        b'\\' | b'"' => true,
        b => b.is_ascii_control(),
    })
}

fn is_text(content_type: &[u8]) -> bool {
    let top = content_type
        .split(|b| *b == b'/')
        .next()
        .unwrap_or_default();
    ![&b"image"[..], b"audio", b"video", b"font"]
        .iter()
        .any(|known| top.eq_ignore_ascii_case(known))
        && !content_type
            .to_ascii_lowercase()
            .starts_with(b"application/octet-stream")
}

fn disposition<'a>(value: &'a [u8], head: &mut Head<'a>, visit: &mut impl Visit) -> Flow {
    let mut parts = Parameters(value);
    if !parts.essence().eq_ignore_ascii_case(b"form-data") {
        visit.wrong(
            &protocol::MULTIPART_BROKEN,
            Place::PartHeader,
            b"content-disposition",
            value,
        )?;
    }
    let mut extended = Vec::new();
    for (name, text) in parts {
        let twice = if name.eq_ignore_ascii_case(b"name") {
            if is_ambiguous(text) {
                visit.wrong(
                    &protocol::PART_NAME,
                    Place::PartHeader,
                    b"content-disposition",
                    text,
                )?;
            }
            head.name.replace(text).is_some()
        } else if name.eq_ignore_ascii_case(b"filename") {
            let is_plain = name == b"filename" && memmem::find(value, b"filename=").is_some();
            head.is_file = is_plain && !text.is_empty();
            head.file_name.replace(text).is_some()
        } else if name.eq_ignore_ascii_case(b"filename*") {
            // RFC 7578 section 4.2: must not be there, browsers do not send it, and not every
            // parser reads it.
            let plain = text.rsplit(|b| *b == b'\'').next().unwrap_or_default();
            let decoded = decode::percent(plain, &mut extended);
            let plain = if decoded { &extended } else { plain };
            visit.value(Place::FileName, b"", plain)?;
            false
        } else {
            false
        };
        if twice {
            visit.wrong(
                &protocol::MULTIPART_BROKEN,
                Place::PartHeader,
                b"content-disposition",
                value,
            )?;
        }
    }
    Flow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::parse::tests::Heard;

    fn read(text: &str) -> Heard {
        let mut heard = Heard::default();
        let text = text.replace('\n', "\r\n");
        assert!(document(text.as_bytes(), Some(b"b"), true, &mut heard).is_continue());
        heard
    }

    #[test]
    fn parts_as_browsers_send_them() {
        let heard = read(
            "--b\nContent-Disposition: form-data; name=\"a\"\n\nx\n--no\n--b\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"it's; a.jpg\"\n\
             Content-Type: image/jpeg\n\n--bytes\n--b--\n",
        );
        assert!(heard.wrong.is_empty(), "{:?}", heard.wrong);
        assert_eq!(
            heard.values,
            [
                "a=x\r\n--no",
                "Content-Type=image/jpeg",
                "f=it's; a.jpg",
                "f=--bytes"
            ]
        );
    }

    #[test]
    fn what_parsers_disagree_on_is_wrong() {
        let cases = [
            (
                "no end",
                "--b\nContent-Disposition: form-data; name=\"a\"\n\nx",
                "protocol-multipart",
            ),
            (
                "a preamble",
                "x\n--b\nContent-Disposition: form-data; name=\"a\"\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "an epilogue",
                "--b\nContent-Disposition: form-data; name=\"a\"\n\nx\n--b--\nx",
                "protocol-multipart",
            ),
            (
                "no name",
                "--b\nContent-Disposition: form-data\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "two names",
                "--b\nContent-Disposition: form-data; name=a; name=b\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "two dispositions",
                "--b\nContent-Disposition: form-data; name=a\nContent-Disposition: form-data; name=b\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "a folded line",
                "--b\nContent-Disposition: form-data;\n name=a\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "an attachment",
                "--b\nContent-Disposition: attachment; name=a\n\nx\n--b--",
                "protocol-multipart",
            ),
            (
                "a transfer encoding",
                "--b\nContent-Disposition: form-data; name=a\nContent-Transfer-Encoding: base64\n\nx\n--b--",
                "protocol-part-header",
            ),
            (
                "a quote in the name",
                "--b\nContent-Disposition: form-data; name=\"a\\\"b\"\n\nx\n--b--",
                "protocol-part-name",
            ),
        ];
        for (name, text, wrong) in cases {
            assert!(
                read(text).wrong.contains(&wrong),
                "{name}: {:?}",
                read(text).wrong
            );
        }
    }

    #[test]
    fn boundaries() {
        for good in [&b"----WebKitFormBoundaryA1"[..], b"a b"] {
            assert!(is_boundary(good));
        }
        for bad in [&b""[..], b" a", b"a\"b", &[b'a'; 71]] {
            assert!(!is_boundary(bad));
        }
    }
}
