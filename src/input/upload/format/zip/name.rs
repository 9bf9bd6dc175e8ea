use crate::input::upload::Refusal;
use crate::input::upload::refusal::{entry, malformed};

/// File systems take no more for one segment.
const MAX_SEGMENT: usize = 255;
const MAX_NAME: usize = 1024;

/// Checks the name of an entry: a path within the folder that somebody unpacks it in, on every
/// system. Gives the name without cases.
pub(super) fn check(name: &[u8], max_depth: usize) -> Result<String, Refusal> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(malformed("an entry without a name, or with a long one"));
    }
    if name.iter().any(u8::is_ascii_control) {
        return Err(entry("control characters in the name of an entry"));
    }
    if name.contains(&b'\\') || name.contains(&b':') {
        return Err(entry("a backslash or a drive in the name of an entry"));
    }
    if name.starts_with(b"/") {
        return Err(entry("an absolute path"));
    }
    // What is no UTF-8 is in a code page, in which ASCII is the same.
    let name = String::from_utf8_lossy(name);
    let path = name.strip_suffix('/').unwrap_or(&name);
    let mut depth = 0;
    for segment in path.split('/') {
        depth += 1;
        let bare = segment.trim_end_matches(['.', ' ']);
        if segment == ".." || bare.is_empty() {
            return Err(entry("a path that escapes, or that is none"));
        }
        if segment.len() > MAX_SEGMENT {
            return Err(entry("a segment of a path that is too long"));
        }
        let stem = bare.split('.').next().unwrap_or_default();
        if is_device(stem.trim_end()) {
            return Err(entry("the name of a device"));
        }
    }
    if depth > max_depth {
        return Err(entry(format!("a path of more than {max_depth} segments")));
    }
    Ok(path.to_lowercase())
}

/// Names that Windows keeps for devices, whatever extension follows.
fn is_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    match &*lower {
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" => true,
        lower => {
            let number = lower
                .strip_prefix("com")
                .or_else(|| lower.strip_prefix("lpt"));
            number.is_some_and(|number| {
                matches!(number, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "a.txt",
            "a/b/c.txt",
            "a/",
            "[Content_Types].xml",
            "caf\u{e9}",
            ".x",
            "a..b",
        ] {
            assert!(check(good.as_bytes(), 8).is_ok(), "{good}");
        }
        let bad = [
            "",
            "..",
            "../a",
            "a/../b",
            "/a",
            "a//b",
            "\\a",
            "a\\..\\b",
            "C:a",
            "c:/a",
            "a\0b",
            "a\nb",
            "nul",
            "x/NUL.txt",
            "com1",
            "a/. /b",
            "a/.../b",
            "//",
            "1/2/3/4/5/6/7/8/9",
        ];
        for bad in bad {
            assert!(check(bad.as_bytes(), 8).is_err(), "{bad:?}");
        }
        assert_eq!(check(b"A/", 8), check(b"a", 8));
    }
}
