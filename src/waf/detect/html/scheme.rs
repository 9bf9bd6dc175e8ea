//! URLs that are scripts.

use crate::waf::detect::text::Text;

const SCHEMES: &[&[u8]] = &[
    b"javascript:",
    b"vbscript:",
    b"livescript:",
    b"jscript:",
    b"vbs:",
    b"mocha:",
    b"feed:javascript:",
    b"view-source:javascript:",
];
const DOCUMENTS: &[&[u8]] = &[
    b"data:text/html",
    b"data:text/xml",
    b"data:text/javascript",
    b"data:application/x",
    b"data:application/javascript",
    b"data:image/svg",
    b"data:,",
    b"data:text/css",
    b"data:;base64,",
    b"data:*/*",
    b"data:text/vbs",
    b"data:text/ecmascript",
];

/// Whether the value of an attribute is a URL that runs a script. Browsers skip what is white
/// space or control within a scheme, and before it.
pub(in crate::waf::detect) fn script_scheme(value: &[u8]) -> bool {
    let mut folded = [0_u8; 28];
    let mut len = 0;
    let kept = value
        .iter()
        .take(80)
        .filter(|byte| **byte > b' ' && **byte < 0x7f);
    for (slot, byte) in folded.iter_mut().zip(kept) {
        *slot = byte.to_ascii_lowercase();
        len += 1;
    }
    let folded = folded.get(..len).unwrap_or_default();
    let folded = folded.strip_prefix(b"url=").unwrap_or(folded);
    SCHEMES
        .iter()
        .chain(DOCUMENTS)
        .any(|scheme| folded.starts_with(scheme))
        || has_refresh(value)
}

/// Whether a URL leads to another host: `//x`, `\\x`, `https:`, and whatever has a scheme.
/// Browsers skip white space and controls.
pub(super) fn leads_elsewhere(value: &[u8]) -> bool {
    let mut kept = value
        .iter()
        .filter(|byte| **byte > b' ')
        .take(24)
        .peekable();
    let slash = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'/' | b'\\'));
    if kept.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        let is_scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        return kept.find(|byte| !is_scheme(byte)) == Some(&b':');
    }
    slash(kept.next()) && slash(kept.next())
}

/// `0;url=javascript:...` of `<meta http-equiv=refresh>`.
fn has_refresh(value: &[u8]) -> bool {
    let head = Text(value.get(..120).unwrap_or(value));
    let digit = head.at(0).is_ascii_digit() || head.at(0) == b' ';
    digit
        && (0..head.len()).any(|at| {
            head.at(at) == b';' && head.has(head.skip_space(at.saturating_add(1)), b"url=")
        })
}

/// A script URL where no markup is: the whole value, or in the middle with code behind it.
pub(super) fn script_url(text: Text<'_>) -> Option<std::ops::Range<usize>> {
    let start = text.skip(0, |byte| byte <= b' ' || matches!(byte, b'"' | b'\''));
    if script_at(text, start) {
        return Some(start..text.len().min(start.saturating_add(40)));
    }
    // Elsewhere only the schemes of scripts count, with code right behind them.
    for at in memchr::memchr_iter(b':', text.0) {
        let word = text.slice(at.saturating_sub(16), at);
        let scheme = ends_scheme(word);
        if scheme && is_code(text, at.saturating_add(1)) {
            return Some(at.saturating_sub(10)..at.saturating_add(1));
        }
    }
    None
}

fn script_at(text: Text<'_>, start: usize) -> bool {
    let colon = memchr::memchr(b':', text.slice(start, start.saturating_add(40)));
    let Some(colon) = colon else {
        return false;
    };
    let at = start.saturating_add(colon);
    let scheme = text.slice(start, at);
    if ends_scheme(scheme) {
        let disguised = scheme.iter().any(|byte| *byte <= b' ');
        return disguised || is_code(text, at.saturating_add(1));
    }
    let head = text.slice(start, start.saturating_add(30));
    [
        &b"data:text/html"[..],
        b"data:text/xml",
        b"data:text/javascript",
        b"data:application/xhtml",
        b"data:image/svg+xml",
    ]
    .iter()
    .any(|document| {
        head.len() >= document.len()
            && head
                .get(..document.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(document))
    })
}

/// Whether this ends in `javascript` or `vbscript`, white space and controls aside.
fn ends_scheme(word: &[u8]) -> bool {
    const NAMES: &[&[u8]] = &[b"javascript", b"vbscript", b"livescript"];
    NAMES.iter().any(|name| {
        let mut letters = word
            .iter()
            .rev()
            .filter(|byte| **byte > b' ' && **byte != 0x7f);
        let same = name.iter().rev().all(|expected| {
            letters
                .next()
                .is_some_and(|byte| byte.to_ascii_lowercase() == *expected)
        });
        same && letters
            .next()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_' && *byte != b'.')
    })
}

/// Whether code stands here and no prose: `javascript: the good parts` has none.
fn is_code(text: Text<'_>, start: usize) -> bool {
    let at = text.skip(start, |byte| byte == b' ');
    let encoded = text.has(at, b"%20");
    let spaced = at > start || encoded;
    let line = text.slice(at, at.saturating_add(100));
    let code = line.iter().any(|byte| {
        matches!(byte, b'(' | b'=' | b'`' | b'[' | b'\\') || (*byte == b'%' && !encoded)
    });
    let comment = text.has(at, b"//") || text.has(at, b"/*");
    if spaced {
        comment
            || (code
                && line
                    .iter()
                    .take(24)
                    .any(|byte| matches!(byte, b'(' | b'`' | b'=')))
    } else {
        code || comment
    }
}
