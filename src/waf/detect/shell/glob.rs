//! Paths with wildcards: what would a shell find?

use crate::waf::detect::text::Bytes;

/// Files that attackers read or run first.
const KNOWN: &[&[u8]] = &[
    b"/etc/passwd",
    b"/etc/shadow",
    b"/etc/hosts",
    b"/etc/group",
    b"/bin/cat",
    b"/bin/sh",
    b"/bin/bash",
    b"/bin/ls",
    b"/bin/nc",
    b"/bin/id",
    b"/bin/ping",
    b"/bin/chmod",
    b"/bin/more",
    b"/bin/less",
    b"/bin/curl",
    b"/usr/bin/id",
    b"/usr/bin/nc",
    b"/usr/bin/cat",
    b"/usr/bin/curl",
    b"/usr/bin/wget",
    b"/usr/bin/env",
    b"/usr/bin/perl",
    b"/usr/bin/python",
    b"/usr/bin/php",
    b"/usr/bin/whoami",
    b"/usr/bin/head",
    b"/usr/bin/tail",
    b"/usr/bin/base64",
    b"/usr/bin/nslookup",
    b"/usr/bin/bash",
    b"/usr/bin/sh",
    b"/bin/uname",
    b"/usr/sbin/tcpdump",
    b"/proc/version",
    b"/proc/self/environ",
    b"/usr/bin/less",
    b"/usr/bin/tee",
    b"/usr/bin/nmap",
    b"/usr/local/bin/python",
];

/// Whether the path has wildcards or quotes, and letters between them.
pub(super) fn may_name_file(path: &[u8]) -> bool {
    let wild = path.iter().skip(1).any(|byte| WILD.holds(*byte));
    let mut letters = path
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic() || **byte == b'?');
    wild && path.len() > 4 && letters.nth(1).is_some()
}

static WILD: Bytes = Bytes::of(b"?*['\"\\$");

/// Whether the path has them, and a known file is among what it stands for.
pub(super) fn names_known_file(path: &[u8]) -> bool {
    may_name_file(path) && KNOWN.iter().any(|known| matches(path, known))
}

/// Whether a pattern of a shell fits a name: `?`, `*`, `[...]`; quotes, backslashes and `$x`
/// stand for nothing. Both are short. A star is tried greedily once, which is enough.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match pattern.get(p) {
            None if n == name.len() => return true,
            None => Fit::No,
            Some(b'*') => {
                star = Some((p.saturating_add(1), n));
                Fit::Pattern(1)
            }
            Some(b'\'' | b'"' | b'\\') => Fit::Pattern(1),
            Some(b'$') => Fit::Pattern(variable(pattern, p)),
            Some(b'[') => class(pattern, p, name.get(n).copied()),
            Some(b'?') if name.get(n).is_some_and(|byte| *byte != b'/') => Fit::Both(1),
            Some(byte) if name.get(n) == Some(byte) => Fit::Both(1),
            Some(_) => Fit::No,
        };
        match fits {
            Fit::Pattern(count) => p = p.saturating_add(count),
            Fit::Both(count) => {
                p = p.saturating_add(count);
                n = n.saturating_add(1);
            }
            Fit::No => match star {
                Some((after, from)) if from < name.len() && name.get(from) != Some(&b'/') => {
                    star = Some((after, from.saturating_add(1)));
                    p = after;
                    n = from.saturating_add(1);
                }
                _ => return false,
            },
        }
    }
}

enum Fit {
    No,
    /// Goes on in the pattern alone, by so many bytes.
    Pattern(usize),
    /// Goes on in both; in the pattern by so many bytes.
    Both(usize),
}

/// `$x`, `${x}`, `$@`, `$!`.
fn variable(pattern: &[u8], at: usize) -> usize {
    let rest = pattern.get(at.saturating_add(1)..).unwrap_or_default();
    match rest.first() {
        Some(b'{') => memchr::memchr(b'}', rest).map_or(1, |close| close.saturating_add(2)),
        Some(byte) if !byte.is_ascii_alphanumeric() => 2,
        Some(_) => 2,
        None => 1,
    }
}

/// `[p]`, `[a-z]`, `[!a]`.
fn class(pattern: &[u8], at: usize, byte: Option<u8>) -> Fit {
    let rest = pattern.get(at..).unwrap_or_default();
    let (Some(close), Some(byte)) = (memchr::memchr(b']', rest), byte) else {
        return Fit::No;
    };
    let set = rest.get(1..close).unwrap_or_default();
    let (negated, set) = match set {
        [b'!' | b'^', set @ ..] => (true, set),
        _ => (false, set),
    };
    let range =
        |window: &[u8]| matches!(window, [low, b'-', high] if (*low..=*high).contains(&byte));
    let inside = set.contains(&byte) || set.windows(3).any(range);
    if inside != negated {
        Fit::Both(close.saturating_add(1))
    } else {
        Fit::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit() {
        for (name, path, fits) in [
            ("questions", &b"/bin/c?t"[..], true),
            ("all questions", b"/???/??t", true),
            ("star", b"/et*/passwd", true),
            ("class", b"/etc/[p]asswd", true),
            ("range", b"/usr/bin/[a-z]url", true),
            ("quotes", b"/et'c/pa'ss'wd", true),
            ("variable", b"/etc$u/passwd", true),
            ("variable in braces", b"/etc/${a}passwd", true),
            ("no wildcard", b"/etc/passwd", false),
            ("a page", b"/search?q=cats", false),
            ("another file", b"/srv/d*ta", false),
            ("a mime type", b"/*", false),
        ] {
            assert_eq!(names_known_file(path), fits, "{name}");
        }
    }
}
