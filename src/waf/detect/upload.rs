//! Names of uploaded files that a server would run.

use super::Detector;
use super::macros::findings;
use super::text::{Lower, Text, Words, is_space, listed, words};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};

findings! {
    class Php, tags &["upload"];
    SCRIPT: "php-upload", STRONG, "the name of a file that a server runs", [], [];
}

pub(super) static DETECTOR: Detector = Detector {
    findings: ALL,
    places: Places::of(&[Place::FileName, Place::Header]),
    bytes: b"",
    literals: &[
        ".ph",
        ". ph",
        ".  ph",
        ".js",
        ". js",
        ".  js",
        ".as",
        ". as",
        ".cer",
        ".cfm",
        ".cgi",
        ".pl",
        ".sh",
        ".htaccess",
        ".war",
        ".ear",
        ".jar",
    ],
    cost: 2,
    run,
};

/// Endings of scripts and pages that servers run, in ASCII order.
static ENDINGS: Words = Words::new(|| {
    words(&[
        "asa", "ashx", "asmx", "asp", "aspx", "cer", "cfm", "cgi", "htaccess", "jsp", "jspf",
        "jspx", "jsv", "jsw", "phar", "php", "phps", "phpt", "pht", "phtm", "phtml", "pl",
    ])
});

fn run(view: &View<'_>, signals: &mut Signals) {
    if view.part != Part::Value || (view.place == Place::Header && !names_a_file(view.name)) {
        return;
    }
    let text = Text(view.bytes);
    for dot in memchr::memchr_iter(b'.', view.bytes) {
        let start = text.skip_space(dot.saturating_add(1));
        let end = text.skip(start, |byte| byte.is_ascii_alphanumeric());
        let ending = text.slice(start, end);
        let complete = end == text.len()
            || text.at(end) == b'.'
            || is_space(text.at(end))
            || text.at(end) == 0;
        if complete && dot > 0 && runs(ending) {
            signals.push(&SCRIPT, dot..end);
            return;
        }
    }
}

/// `php`, and `php` with whatever version.
fn runs(ending: &[u8]) -> bool {
    let php = ending
        .get(..3)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"php"))
        && ending.iter().skip(3).all(u8::is_ascii_digit);
    php || listed(&ENDINGS, ending)
}

/// `x-filename`, `x_file.name`: headers by which scripts send the name of a file.
fn names_a_file(name: &[u8]) -> bool {
    Lower::<32>::of(name).is_some_and(|lower| {
        let name = lower.as_str();
        name.starts_with('x') && name.contains("file") && name.ends_with("name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_from_files() {
        for (name, ending, script) in [
            ("php", "PHP", true),
            ("a version", "php907", true),
            ("a page", "jspx", true),
            ("an image", "png", false),
            ("a photo", "phot", false),
        ] {
            assert_eq!(runs(ending.as_bytes()), script, "{name}");
        }
    }
}
