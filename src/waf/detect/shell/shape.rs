//! What only commands have behind their name: options, paths, addresses, files.

use super::commands::{self, Command};
use crate::waf::detect::text::is_space;

/// Whether a line holds what only commands have behind their name.
pub(super) fn has_shape(line: &[u8], command: Command) -> bool {
    let first = line.first().copied().unwrap_or(0);
    let second = line.get(1).copied().unwrap_or(0);
    let begins = match first {
        b'-' => second.is_ascii_alphanumeric() || second == b'-',
        b'/' => second.is_ascii_alphanumeric() || matches!(second, b'?' | b'*' | b'[' | b'$'),
        b'~' | b'.' => matches!(second, b'/' | b'.'),
        b'$' => second.is_ascii_alphabetic() || matches!(second, b'(' | b'{' | b'@' | b'I'),
        b'`' | b'*' | b'{' => true,
        b'%' => {
            let rest = line
                .get(1..32)
                .unwrap_or(line)
                .strip_prefix(b"%")
                .unwrap_or(line.get(1..).unwrap_or_default());
            rest.iter()
                .take(32)
                .position(|byte| *byte == b'%')
                .is_some_and(|end| {
                    end > 2
                        && rest
                            .iter()
                            .take(end)
                            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
                })
        }
        b'\\' => second == b'\\',
        b'a'..=b'z' | b'A'..=b'Z' => second == b':' && line.get(2) == Some(&b'\\'),
        _ => false,
    };
    if begins {
        return true;
    }
    let words = || line.split(|byte| is_space(*byte));
    let word_is = |test: &dyn Fn(&[u8]) -> bool| words().take(6).any(test);
    let url = word_is(&|word| {
        word.starts_with(b"http://")
            || word.starts_with(b"https://")
            || word.starts_with(b"ftp://")
            || is_address(word)
    });
    let option = word_is(&|word| {
        word.len() > 1
            && word.len() < 20
            && word.starts_with(b"-")
            && word
                .get(1)
                .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
            && word != b"--"
    });
    let path = word_is(&|word| {
        word.len() > 4 && word.starts_with(b"/") && word.iter().skip(1).any(|byte| *byte == b'/')
    });
    let file = words().next().is_some_and(is_file_or_host);
    let script = words().take(4).any(is_script_file);
    let nested = words()
        .next()
        .is_some_and(|word| word.len() > 2 && commands::find(word) == Some(Command::Plain));
    url || path
        || script
        || nested
        || (option && (command == Command::Plain || words().count() < 6))
        || (file && command == Command::Plain)
        || (file && words().count() < 3)
}

/// `x.sh`: what nothing but a shell or an interpreter reads.
pub(super) fn is_script_file(word: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b".sh", b".py", b".pl", b".rb", b".php", b".bat", b".ps1", b".exe", b".elf", b".cmd",
        b".vbs",
    ];
    word.len() > 4 && ENDINGS.iter().any(|ending| word.ends_with(ending)) && is_file_or_host(word)
}

/// `127.0.0.1`, `10.1.1.1:80`.
fn is_address(word: &[u8]) -> bool {
    let host = word
        .split(|byte| matches!(byte, b':' | b'`' | b')'))
        .next()
        .unwrap_or_default();
    let parts = host.split(|byte| *byte == b'.');
    host.len() > 6
        && parts.clone().count() == 4
        && parts
            .clone()
            .all(|part| !part.is_empty() && part.len() < 4 && part.iter().all(u8::is_ascii_digit))
}

/// `script.sh`, `google.com`, `.htaccess`: letters on both sides of a dot.
fn is_file_or_host(word: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', word) else {
        return false;
    };
    let (stem, ending) = (
        word.get(..dot).unwrap_or_default(),
        word.get(dot.saturating_add(1)..).unwrap_or_default(),
    );
    !stem.is_empty()
        && (2..=12).contains(&ending.len())
        && ending.iter().all(u8::is_ascii_alphanumeric)
        && stem
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
}
