//! Line breaks that end a header, a request or a command for a mail server, and begin another.

use super::Detector;
use super::sampled::sampled;
use super::text::{Text, is_space};
use crate::waf::signal::Sample::{Header, Path, Query, Value};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};

/// What it costs to look at the beginning of a line, in steps.
const STEPS_OF_LINE: usize = 24;

/// The first line break from `start` on.
fn line_break(text: Text<'_>, start: usize) -> Option<usize> {
    let found = memchr::memchr2(b'\r', b'\n', text.from(start))?;
    Some(start.saturating_add(found))
}

mod header {
    use super::*;

    sampled! {
        class Crlf;
        INJECTED: "crlf-header", STRONG @ 1, "a line break and a header that an answer or a request must not get from a value",
            [Value("en\r\nSet-Cookie: a=b"), Value("x\nContent-Length: 0"), Value("x\r\n\r\nHTTP/1.1 200 OK"),
             Path("/%0a%0dSet-cookie:crlf=injection"), Value("\u{560d}\u{560a}Set-Cookie: a=b"), Value("\u{10d}\u{10a}Set-Cookie: a=b"), Query("a=x%0D%0AX-Any: b")],
            [Value("Dear all,\r\nlocation: the usual place"), Value("Ingredients:\nflour: 200 g"), Value("To: me\nSubject: milk")];
        IN_NAME: "crlf-name", STRONG @ 1, "a line break in the name of a parameter",
            [Query("a%0d%0a=b")], [Query("a=b%0d%0ac")];
        IN_PATH: "crlf-path", STRONG @ 1, "a line break in the path",
            [Path("/index.php/PHP%0Ainfo.php")], [Path("/a%20b")];
        IN_HEADER: "crlf-in-header", STRONG @ 1, "an encoded line break in a header",
            [Header("x-forwarded-host", "a%0d%0ab: c")], [Header("x-note", "100%25")];
        PARAMETER: "crlf-parameter", STRONG @ 1, "a line break and another parameter",
            [Query("a=test%0Anext=more")], [Query("a=one+two%0Athree+%3D+four"), Query("a=x%0Ay")];
        REQUEST: "crlf-request", STRONG @ 1, "the first line of another request",
            [Value("\nPOST / HTTP/1.1"), Value("GET http://example.com/ HTTP/1.0")],
            [Value("what does GET /index.html do in HTTP/1.1?"), Value("get out of here")];
    }

    pub(in super::super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES,
        bytes: b"\r\n",
        literals: &["set-cookie", "content-", "location:", " http/"],
        cost: 2,
        run,
    };

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let breaks = memchr::memchr2(b'\r', b'\n', view.bytes);
        if let Some(at) = breaks {
            match (view.place, view.part) {
                (Place::Path, _) => signals.push(&IN_PATH, at..at + 1),
                (Place::Query | Place::Form | Place::Cookie, Part::Name) => {
                    signals.push(&IN_NAME, at..at + 1);
                }
                (Place::Header, _) if !view.from_base64 => signals.push(&IN_HEADER, at..at + 1),
                (Place::Query, Part::Value) if is_parameter(view.bytes, at) => {
                    signals.push(&PARAMETER, at..text.len());
                }
                _ => {}
            }
        }
        let of_request = is_request_line(text, text.skip_space(0));
        if of_request {
            signals.push(&REQUEST, 0..text.len());
        }
        // In a URL, a value with a line break is no letter to anybody.
        let in_url = matches!(view.place, Place::Query | Place::Path | Place::Cookie);
        let before = view.bytes.get(..breaks.unwrap_or(0)).unwrap_or_default();
        let spaced = !in_url || before.iter().any(|byte| is_space(*byte));
        let mut start = 0;
        // A run of white space is looked past once, from its first line break.
        while let Some(at) = line_break(text, start) {
            if !signals.spend(STEPS_OF_LINE) {
                return;
            }
            start = text.skip(at, is_space);
            let word = !spaced && is_any_header(text, start);
            if word || is_header(text, start) {
                signals.push(&INJECTED, at..start + 24);
            }
            if is_request_line(text, start) || (in_url && ends_request_line(text.slice(0, at))) {
                signals.push(&REQUEST, at..start + 24);
            }
        }
        truncated(text, signals);
    }

    /// Characters whose lower bytes are a line break to whoever cuts off the upper ones: a header
    /// behind `\u{560d}` or `\u{10a}`.
    fn truncated(text: Text<'_>, signals: &mut Signals) {
        if text.0.is_ascii() {
            return;
        }
        let mut at = 0;
        for chunk in text.0.utf8_chunks() {
            for (offset, c) in chunk.valid().char_indices() {
                let breaks = matches!(u32::from(c) & 0xFF, 0x0A | 0x0D) && !c.is_ascii();
                let after = at + offset + c.len_utf8();
                let start = text.skip_some(after, 2, |b| b == b' ');
                if breaks && is_header(text, start) {
                    signals.push(&INJECTED, at + offset..after + 24);
                    return;
                }
            }
            at += chunk.valid().len() + chunk.invalid().len();
        }
    }

    /// Headers that steer an answer, a cache or a proxy. Those that letters begin with, such
    /// as `Subject`, are not among them.
    fn is_header(text: Text<'_>, start: usize) -> bool {
        const NAMES: [&[u8]; 36] = [
            b"set-cookie",
            b"content-length",
            b"content-type",
            b"content-encoding",
            b"content-disposition",
            b"transfer-encoding",
            b"location",
            b"refresh",
            b"host",
            b"x-forwarded-for",
            b"x-forwarded-host",
            b"remote-addr",
            b"remote_addr",
            b"access-control-allow-origin",
            b"x-xss-protection",
            b"x-forwarded-server",
            b"x-forwarded-proto",
            b"x-originating-ip",
            b"x-remote-ip",
            b"cookie",
            b"content-security-policy",
            b"content-location",
            b"content-range",
            b"strict-transport-security",
            b"clear-site-data",
            b"cache-control",
            b"set-cookie2",
            b"p3p",
            b"etag",
            b"x-accel-redirect",
            b"x-sendfile",
            b"x-frame-options",
            b"x-content-type-options",
            b"www-authenticate",
            b"link",
            b"http/",
        ];
        let Some(name) = NAMES.iter().find(|name| text.has(start, name)) else {
            return false;
        };
        let after = start + name.len();
        if *name == b"http/" {
            return text.at(after).is_ascii_digit();
        }
        let colon = text.skip(after, |b| matches!(b, b' ' | b'\t'));
        if text.at(colon) != b':' {
            return false;
        }
        let value = text.skip(colon + 1, |b| matches!(b, b' ' | b'\t'));
        match *name {
            b"location" | b"host" => text.has(value, b"http") || matches!(text.at(value), b'/'),
            b"refresh" => text.at(value).is_ascii_digit(),
            b"link" => text.at(value) == b'<',
            b"etag" => matches!(text.at(value), b'"' | b'W'),
            b"content-type" => text.slice(value, value + 40).contains(&b'/'),
            _ => true,
        }
    }

    /// `X-Anything: x`: a name with a dash, or a known one, and a colon.
    fn is_any_header(text: Text<'_>, start: usize) -> bool {
        let end = text.skip_some(start, 48, |b| b.is_ascii_alphanumeric() || b == b'-');
        let name = text.slice(start, end);
        let dash = memchr::memchr(b'-', name).is_some_and(|at| at > 0 && at + 1 < name.len());
        let short = [&b"host"[..], b"via", b"location", b"refresh", b"status"];
        let known = short.iter().any(|short| short.eq_ignore_ascii_case(name));
        (dash || known) && text.at(end) == b':' && text.at(start).is_ascii_alphabetic()
    }

    /// `GET /x HTTP/1.1`.
    fn is_request_line(text: Text<'_>, start: usize) -> bool {
        const METHODS: [&[u8]; 9] = [
            b"get", b"post", b"head", b"put", b"delete", b"options", b"connect", b"trace", b"patch",
        ];
        let end = text.word_end(start);
        let method = text.slice(start, end);
        if !METHODS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(method))
        {
            return false;
        }
        let target = text.skip(end, |b| b == b' ');
        if target == end || !(matches!(text.at(target), b'/' | b'*') || text.has(target, b"http")) {
            return false;
        }
        let version = text.skip(target, |b| !is_space(b));
        let version = text.skip(version, |b| b == b' ');
        text.has(version, b"http/") && text.at(version + 5).is_ascii_digit()
    }

    /// `... HTTP/1.1` at the end of a line: the value ends the line of its own request.
    fn ends_request_line(line: &[u8]) -> bool {
        let version = line.get(line.len().saturating_sub(9)..).unwrap_or_default();
        version.len() == 9
            && version.starts_with(b" ")
            && Text(version).has(1, b"http/")
            && matches!(version, [.., b'1' | b'2', b'.', b'0'..=b'9'])
    }

    /// `word`, a break, `name=word` and nothing else.
    fn is_parameter(text: &[u8], at: usize) -> bool {
        let (before, after) = text.split_at(at);
        let after = after.trim_ascii_start();
        let name = after
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let spaced = |text: &[u8]| text.iter().any(u8::is_ascii_whitespace);
        name > 0 && after.get(name) == Some(&b'=') && !spaced(before) && !spaced(after)
    }
}

mod mail {
    use super::*;

    sampled! {
        class Mail;
        COMMAND: "mail-command", STRONG @ 1, "a line break and a command of SMTP, IMAP or POP3",
            [Value("\r\nRCPT TO: test@evil.example"), Value("x\r\nV100 CAPABILITY\r\nV101 FETCH 4791"), Value("\r\nQUIT\r\n"),
             Value("a\r\nMAIL FROM:<a@b.example>")],
            [Value("first\nquit smoking\nthen"), Value("Data\nis here"), Value("we fetch 12 of them")];
        RECIPIENT: "mail-recipient", STRONG @ 1, "a line break and a recipient of a mail",
            [Value("me@example.com\nBcc: you@evil.example"), Value("x\r\ncc:a@evil.example,b@evil.example")],
            [Value("Hello\nto: do list"), Value("Bcc: nobody")];
    }

    pub(in super::super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES.without(&[Place::Path, Place::PartHeader]),
        bytes: b"\r\n",
        literals: &[],
        cost: 2,
        run,
    };

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let mut start = 0;
        while let Some(at) = line_break(text, start) {
            if !signals.spend(STEPS_OF_LINE) {
                return;
            }
            start = text.skip(at, |b| matches!(b, b'\r' | b'\n' | b' ' | b'\t'));
            let end = text.skip(start, |b| !matches!(b, b'\r' | b'\n'));
            let line = text.slice(start, end.min(start + 256)).trim_ascii();
            if is_command(line, text.at(end) != 0) {
                signals.push(&COMMAND, at..end);
            }
            if is_recipient(line) {
                signals.push(&RECIPIENT, at..end);
            }
        }
    }

    fn is_command(line: &[u8], ends: bool) -> bool {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let is = |word: &[u8], wanted: &[&[u8]]| {
            wanted.iter().any(|known| known.eq_ignore_ascii_case(word))
        };
        let starts = |word: &[u8], start: &[u8]| {
            word.get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        let address = line.contains(&b'@') || line.contains(&b'<');
        (is(first, &[b"rcpt"]) && starts(second, b"to:"))
            || (is(first, &[b"mail"]) && starts(second, b"from:") && address)
            || (is(first, &[b"ehlo", b"helo"]) && second.contains(&b'.') && words.next().is_none())
            || (ends
                && is(line, &[b"quit", b"noop", b"rset", b"stat"])
                && line.iter().all(u8::is_ascii_uppercase))
            || (is(first, &[b"retr", b"dele"])
                && !second.is_empty()
                && second.iter().all(u8::is_ascii_digit))
            || is_imap(first, second)
    }

    /// A tag of letters and digits, and a command in capitals: `V100 CAPABILITY`.
    fn is_imap(tag: &[u8], command: &[u8]) -> bool {
        const COMMANDS: [&[u8]; 25] = [
            b"CAPABILITY",
            b"FETCH",
            b"LOGIN",
            b"LOGOUT",
            b"SELECT",
            b"EXAMINE",
            b"LIST",
            b"LSUB",
            b"STORE",
            b"EXPUNGE",
            b"APPEND",
            b"AUTHENTICATE",
            b"CHECK",
            b"CLOSE",
            b"COPY",
            b"CREATE",
            b"DELETE",
            b"GETACL",
            b"NAMESPACE",
            b"NOOP",
            b"RENAME",
            b"SEARCH",
            b"STATUS",
            b"SUBSCRIBE",
            b"UID",
        ];
        let digits = tag.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let letters = tag.len() - digits;
        digits > 0
            && (1..=4).contains(&letters)
            && tag.iter().take(letters).all(u8::is_ascii_alphabetic)
            && COMMANDS.contains(&command)
    }

    fn is_recipient(line: &[u8]) -> bool {
        let text = Text(line);
        let Some(name) = [&b"bcc:"[..], b"cc:"]
            .into_iter()
            .find(|name| text.has(0, name))
        else {
            return false;
        };
        let value = text.from(name.len());
        let at = memchr::memchr(b'@', value);
        at.is_some_and(|at| at > 0 && value.get(at + 1).is_some_and(u8::is_ascii_alphanumeric))
    }
}

pub(super) static HEADER: &Detector = &header::DETECTOR;
pub(super) static MAIL: &Detector = &mail::DETECTOR;
