use super::FileNameError;
use super::extension::{is_active, is_run};
use crate::input::unicode::{has_stray_joiner, is_bidi_control, is_hidden};
use std::fmt;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// What file systems take as the name of one file, in bytes.
const MAX_BYTES: usize = 255;

/// What is looked at of a name that comes; the name of a path may be longer than one segment.
const MAX_INPUT: usize = 16 * 1024;

/// Extensions in use have fewer.
const MAX_EXTENSION: usize = 16;

/// The name of one file, within the rules of the [module](super).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Takes a name as it is, in Normalization Form C.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(name: &str) -> Result<Self, FileNameError> {
        if name.len() > MAX_INPUT {
            return Err(FileNameError::TooLong);
        }
        let name: String = name.nfc().collect();
        check(&name)?;
        Ok(Self(name))
    }

    /// Takes what is harmless of a name: the last segment of a path, without characters that
    /// are not seen, an underscore for each that is not allowed, cut to 255 bytes before its
    /// extension.
    ///
    /// # Errors
    /// Names that nobody sends by accident are not made harmless: with a NUL, of devices and
    /// settings, with an extension that servers run before the last one, or with nothing left.
    pub fn repair(name: &str) -> Result<Self, FileNameError> {
        if name.len() > MAX_INPUT {
            return Err(FileNameError::TooLong);
        }
        if name.contains('\0') || decoded_bytes(name).any(|byte| byte == 0) {
            return Err(FileNameError::Nul);
        }
        let name: String = name.nfc().collect();
        let last = name.rsplit(is_separator).next().unwrap_or_default();
        if matches!(last, "." | "..") {
            return Err(FileNameError::Dots);
        }
        if is_settings(last) {
            return Err(FileNameError::Settings);
        }
        let joins = !has_stray_joiner(last);
        let keeps = |c: &char| !is_hidden(*c) && (joins || !matches!(c, '\u{200C}' | '\u{200D}'));
        let is_encoded = has_encoded(last);
        let clean = |c| {
            if is_forbidden(c) || (is_encoded && c == '%') {
                '_'
            } else {
                c
            }
        };
        let last: String = last.chars().filter(keeps).map(clean).collect();
        let trimmed = last.trim_start_matches(is_bad_start);
        // What was taken out may have stood between a letter and its accent.
        Self::parse(&shortened(trimmed.trim_end_matches(is_bad_end)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the last dot, as it was written.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        split(&self.0).1
    }

    /// What stands before the last dot.
    #[must_use]
    pub fn stem(&self) -> &str {
        split(&self.0).0
    }

    /// Whether the extension is one that servers, systems or browsers run: never to be stored
    /// where they would.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.extension().is_some_and(is_active)
    }

    /// The name as an owned text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(name: &str) -> Result<Self, FileNameError> {
        Self::parse(name)
    }
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks one segment, in Normalization Form C, by the rules in their order.
fn check(name: &str) -> Result<(), FileNameError> {
    let (Some(first), Some(last)) = (name.chars().next(), name.chars().next_back()) else {
        return Err(FileNameError::Empty);
    };
    if matches!(name, "." | "..") {
        return Err(FileNameError::Dots);
    }
    check_characters(name)?;
    if name.len() > MAX_BYTES {
        return Err(FileNameError::TooLong);
    }
    if is_device(name) {
        return Err(FileNameError::Device);
    }
    if is_settings(name) {
        return Err(FileNameError::Settings);
    }
    if is_bad_start(first) {
        return Err(FileNameError::Start(first));
    }
    if is_bad_end(last) {
        return Err(FileNameError::End(last));
    }
    check_extensions(name)
}

fn check_characters(name: &str) -> Result<(), FileNameError> {
    if name.contains('\0') || decoded_bytes(name).any(|byte| byte == 0) {
        return Err(FileNameError::Nul);
    }
    if name.contains(is_separator) {
        return Err(FileNameError::Separator);
    }
    if name.contains(char::is_control) {
        return Err(FileNameError::Control);
    }
    if name.chars().any(|c| is_hidden(c) || is_bidi_control(c)) || has_stray_joiner(name) {
        return Err(FileNameError::Hidden);
    }
    if has_encoded(name) {
        return Err(FileNameError::Encoded);
    }
    match name.chars().find(|c| is_forbidden(*c)) {
        Some(c) => Err(FileNameError::Character(c)),
        None => Ok(()),
    }
}

fn check_extensions(name: &str) -> Result<(), FileNameError> {
    let (stem, extension) = split(name);
    if stem.split('.').skip(1).any(is_run) {
        return Err(FileNameError::DoubleExtension);
    }
    let Some(extension) = extension else {
        return Ok(());
    };
    let is_plain = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if extension.len() > MAX_EXTENSION || !is_plain {
        return Err(FileNameError::Extension);
    }
    Ok(())
}

/// The stem and the extension: what stands on both sides of the last dot, unless that is the
/// first character, or what follows it is a sentence ("Chapter 1. The gate").
fn split(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.contains(' ') => {
            (stem, Some(extension))
        }
        _ => (name, None),
    }
}

/// Separators of paths; what looks like them, and what old systems turn into them.
const fn is_separator(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            | '\u{2044}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{29F5}'
            | '\u{29F8}'
            | '\u{29F9}'
            | '\u{FE68}'
            | '\u{FF0F}'
            | '\u{FF3C}'
    )
}

/// What Windows forbids, shells expand, and Internet Information Services cuts at; what old
/// systems turn into a dot, a quote or an angle bracket.
const fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '<' | '>'
            | ':'
            | '"'
            | '|'
            | '?'
            | '*'
            | ';'
            | '&'
            | '$'
            | '`'
            | '\u{2024}'
            | '\u{2025}'
            | '\u{FE52}'
            | '\u{FE64}'
            | '\u{FE65}'
            | '\u{FF02}'
            | '\u{FF0E}'
            | '\u{FF1C}'
            | '\u{FF1E}'
            | '\u{FFFD}'
    )
}

const fn is_bad_start(c: char) -> bool {
    matches!(c, ' ' | '.' | '-' | '~') || c.is_whitespace()
}

const fn is_bad_end(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Whether percent-encoding hides a character that matters. `100%25` and `50%20off` hide none.
fn has_encoded(name: &str) -> bool {
    let bytes: Vec<u8> = decoded_bytes(name).collect();
    let matters = |byte: &u8| byte.is_ascii_control() || b"./\\:<>\"'|;&`".contains(byte);
    // Forms of UTF-8 that are longer than need be; old decoders take them.
    let is_overlong = |pair: &[u8]| matches!(pair, [0xC0 | 0xC1, _] | [0xE0, 0x80..=0x9F]);
    bytes.iter().any(matters) || bytes.windows(2).any(is_overlong)
}

/// What percent-encoding in a name stands for, also where the percent sign is itself encoded,
/// however often.
fn decoded_bytes(name: &str) -> impl Iterator<Item = u8> {
    name.match_indices('%').filter_map(move |(at, _)| {
        let mut rest = name.get(at + 1..)?;
        while let Some(again) = rest.strip_prefix("25") {
            rest = again;
        }
        let mut digits = rest.chars().map(|c| c.to_digit(16));
        let (high, low) = (digits.next()??, digits.next()??);
        u8::try_from(high * 16 + low).ok()
    })
}

/// Windows takes these as devices whatever the extension, and whatever spaces stand before it.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let numbered = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    let is_number = |rest: &str| {
        let mut characters = rest.chars();
        let number = characters.next();
        number.is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
            && characters.next().is_none()
    };
    matches!(
        &*stem,
        "CON" | "PRN" | "AUX" | "NUL" | "CLOCK$" | "CONIN$" | "CONOUT$"
    ) || numbered.is_some_and(is_number)
}

/// Names that servers, tools and shells take as their settings.
fn is_settings(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "applicationhost.config",
        "authorized_keys",
        "clientaccesspolicy.xml",
        "crossdomain.xml",
        "desktop.ini",
        "dockerfile",
        "global.asa",
        "global.asax",
        "httpd.conf",
        "machine.config",
        "nginx.conf",
        "php.ini",
        "web.config",
        "web.xml",
        "wp-config.php",
    ];
    let lower = name.trim_end_matches(is_bad_end).to_ascii_lowercase();
    // All that servers read from a folder by itself starts with a dot and a letter.
    let is_dot_file = |prefix: &str| lower.starts_with(prefix);
    NAMES.contains(&&*lower)
        || [
            ".ht", ".user", ".env", ".git", ".svn", ".ssh", ".bash", ".profile", ".npmrc", ".aws",
        ]
        .into_iter()
        .any(is_dot_file)
}

/// Cut to the bytes that a name may have, before the extension.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let extension = extension.filter(|extension| extension.len() <= MAX_EXTENSION);
    let room = MAX_BYTES - extension.map_or(0, |extension| extension.len() + 1);
    let cut = stem
        .get(..stem.floor_char_boundary(room))
        .unwrap_or_default();
    let cut = cut.trim_end_matches(is_bad_end);
    match extension {
        Some(extension) => format!("{cut}.{extension}"),
        None => cut.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::FileNameError::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_taken() {
        for (name, stem, extension) in [
            ("a.jpg", "a", Some("jpg")),
            ("A.JPG", "A", Some("JPG")),
            ("café menu (1).png", "café menu (1)", Some("png")),
            ("archive.tar.gz", "archive.tar", Some("gz")),
            ("report v1.2.pdf", "report v1.2", Some("pdf")),
            ("example.com.pdf", "example.com", Some("pdf")),
            (
                "Introduction to Node.js.pdf",
                "Introduction to Node.js",
                Some("pdf"),
            ),
            (
                "Ann's photo, 2026 #3 [raw] {x} @ home + 50%.jpg",
                "Ann's photo, 2026 #3 [raw] {x} @ home + 50%",
                Some("jpg"),
            ),
            ("50%20off.jpg", "50%20off", Some("jpg")),
            ("no_extension", "no_extension", None),
            ("Chapter 1. The gate", "Chapter 1. The gate", None),
            ("报告（1）：终稿？.pdf", "报告（1）：终稿？", Some("pdf")),
            ("%E0%B8%81.pdf", "%E0%B8%81", Some("pdf")),
            ("50%+f.pdf", "50%+f", Some("pdf")),
            ("to.do.txt", "to.do", Some("txt")),
            ("写真.jpeg", "写真", Some("jpeg")),
            ("می\u{200C}خواهم.pdf", "می\u{200C}خواهم", Some("pdf")),
            ("❤\u{FE0F}.png", "❤\u{FE0F}", Some("png")),
            ("console.log", "console", Some("log")),
            ("com10.txt", "com10", Some("txt")),
            ("environment.txt", "environment", Some("txt")),
        ] {
            let parsed = FileName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                (parsed.stem(), parsed.extension()),
                (stem, extension),
                "{name}"
            );
            assert_eq!(FileName::repair(name), Ok(parsed), "{name}");
        }
        let composed = FileName::parse("cafe\u{301}.jpg").unwrap();
        assert_eq!(composed.as_str(), "caf\u{E9}.jpg");
    }

    #[test]
    fn names_that_are_refused() {
        // The name, why it is refused, and what repairing it gives.
        for (name, error, repaired) in [
            ("", Empty, Err(Empty)),
            (".", Dots, Err(Dots)),
            ("..", Dots, Err(Dots)),
            ("...", Start('.'), Err(Empty)),
            ("../../etc/passwd", Separator, Ok("passwd")),
            ("..\\..\\boot.jpg", Separator, Ok("boot.jpg")),
            ("/etc/a.jpg", Separator, Ok("a.jpg")),
            ("C:\\temp\\a.jpg", Separator, Ok("a.jpg")),
            ("C:a.jpg", Character(':'), Ok("C_a.jpg")),
            ("\\\\host\\share\\a.jpg", Separator, Ok("a.jpg")),
            ("a/..", Separator, Err(Dots)),
            ("a/", Separator, Err(Empty)),
            ("\u{FF0E}\u{FF0E}\u{FF0F}a.jpg", Separator, Ok("a.jpg")),
            ("a\u{2215}b.jpg", Separator, Ok("b.jpg")),
            ("a\u{FF0E}php", Character('\u{FF0E}'), Ok("a_php")),
            ("%2e%2e%2fa.jpg", Encoded, Ok("_2e_2e_2fa.jpg")),
            ("%252e%252e%252fa.jpg", Encoded, Ok("_252e_252e_252fa.jpg")),
            (
                "%c0%ae%c0%ae%c0%afa.jpg",
                Encoded,
                Ok("_c0_ae_c0_ae_c0_afa.jpg"),
            ),
            ("%e0%80%aea.jpg", Encoded, Ok("_e0_80_aea.jpg")),
            ("shell.php%00.jpg", Nul, Err(Nul)),
            ("shell.php%2500.jpg", Nul, Err(Nul)),
            ("shell.php\0.jpg", Nul, Err(Nul)),
            ("a\n.jpg", Control, Ok("a.jpg")),
            ("a\u{85}.jpg", Control, Ok("a.jpg")),
            ("photo\u{202E}gpj.exe", Hidden, Ok("photogpj.exe")),
            ("a\u{2066}.jpg", Hidden, Ok("a.jpg")),
            ("a\u{200B}.jpg", Hidden, Ok("a.jpg")),
            ("pay\u{200D}pal.jpg", Hidden, Ok("paypal.jpg")),
            (
                "\"><img src=x onerror=alert(1)>.jpg",
                Character('"'),
                Ok("___img src=x onerror=alert(1)_.jpg"),
            ),
            ("'; rm -rf x;'.jpg", Character(';'), Ok("'_ rm -rf x_'.jpg")),
            ("$(id).jpg", Character('$'), Ok("_(id).jpg")),
            ("`id`.jpg", Character('`'), Ok("_id_.jpg")),
            ("a.jpg;b.php", Character(';'), Ok("a.jpg_b.php")),
            ("a.php::$DATA", Character(':'), Err(Extension)),
            ("-rf.jpg", Start('-'), Ok("rf.jpg")),
            ("~$doc.jpg", Character('$'), Ok("_doc.jpg")),
            (" a.jpg", Start(' '), Ok("a.jpg")),
            (".hidden", Start('.'), Ok("hidden")),
            ("file.jpeg.", End('.'), Ok("file.jpeg")),
            ("a.php.", End('.'), Ok("a.php")),
            ("a.php ", End(' '), Ok("a.php")),
            ("a.jpg\u{A0}", End('\u{A0}'), Ok("a.jpg")),
            ("NUL", Device, Err(Device)),
            ("nul.jpg", Device, Err(Device)),
            ("Com1.tar.gz", Device, Err(Device)),
            ("lpt³.txt", Device, Err(Device)),
            ("aux .jpg", Device, Err(Device)),
            (".htaccess", Settings, Err(Settings)),
            (".HTACCESS.", Settings, Err(Settings)),
            (".user.ini", Settings, Err(Settings)),
            (".env.production", Settings, Err(Settings)),
            ("x/.htaccess", Separator, Err(Settings)),
            ("Web.Config", Settings, Err(Settings)),
            ("a.php.jpg", DoubleExtension, Err(DoubleExtension)),
            ("a.pHp5 .jpg", DoubleExtension, Err(DoubleExtension)),
            ("a.asp.x.jpg", DoubleExtension, Err(DoubleExtension)),
            ("setup.exe.zip", DoubleExtension, Err(DoubleExtension)),
            ("shell.php. x", DoubleExtension, Err(DoubleExtension)),
            ("photo.\u{458}pg", Extension, Err(Extension)),
            ("a.j_pg", Extension, Err(Extension)),
            ("a.abcdefghijklmnopq", Extension, Err(Extension)),
        ] {
            assert_eq!(FileName::parse(name), Err(error), "{name:?}");
            let found = FileName::repair(name).map(FileName::into_string);
            assert_eq!(found, repaired.map(str::to_owned), "{name:?}, repaired");
        }
    }

    #[test]
    fn lengths() {
        let longest = format!("{}.jpg", "a".repeat(251));
        assert!(FileName::parse(&longest).is_ok());
        let longer = format!("{}.jpg", "a".repeat(252));
        assert_eq!(FileName::parse(&longer), Err(TooLong));
        assert_eq!(FileName::repair(&longer).unwrap().as_str(), longest);
        let wide = FileName::repair(&format!("{}.jpg", "é".repeat(300))).unwrap();
        assert_eq!(wide.as_str().len(), 254);
        assert_eq!(FileName::repair(&"x".repeat(20_000)), Err(TooLong));
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_as_it_is(name in "\\PC{0,40}|[a-z./\\\\%025\\x00 ]{0,20}") {
            for taken in [FileName::parse(&name), FileName::repair(&name)].into_iter().flatten() {
                prop_assert_eq!(FileName::parse(taken.as_str()), Ok(taken.clone()));
                prop_assert_eq!(FileName::repair(taken.as_str()), Ok(taken.clone()));
                let path = std::path::Path::new(taken.as_str());
                prop_assert_eq!(path.components().count(), 1);
                prop_assert_eq!(path.file_name(), Some(taken.as_str().as_ref()));
            }
        }
    }
}
