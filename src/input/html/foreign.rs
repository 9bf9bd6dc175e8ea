//! SVG, MathML and what else is no HTML, taken for elements that nobody knows.
//!
//! No policy keeps them, but the text in them is to stay: a formula that can be read, the label
//! of a drawing. Within SVG and MathML other rules hold, though, and `ammonia` drops what it
//! finds there, and what is named as if it were there, with all that is in it. So such names get
//! a prefix that makes them mean nothing, and what is in them is parsed as HTML.

use super::rules::is_html;

/// What names are prefixed with.
const PREFIX: &str = "x-portcullis-";

/// Names of HTML have fewer bytes.
const MAX_NAME: usize = 16;

/// The text with names that mean nothing; `None` where there is nothing to rename.
pub(super) fn renamed(html: &str) -> Option<String> {
    let mut renamed = String::new();
    let mut copied = 0;
    for at in memchr::memchr_iter(b'<', html.as_bytes()) {
        let rest = html.as_bytes().get(at + 1..).unwrap_or_default();
        let slash = usize::from(rest.first() == Some(&b'/'));
        let name = rest.get(slash..).unwrap_or_default();
        if is_foreign(name) {
            let name_at = at + 1 + slash;
            renamed.push_str(html.get(copied..name_at).unwrap_or_default());
            renamed.push_str(PREFIX);
            copied = name_at;
        }
    }
    if copied == 0 {
        return None;
    }
    renamed.push_str(html.get(copied..).unwrap_or_default());
    Some(renamed)
}

/// Gives back their names to what was no tag: text of an attribute, of a text area.
pub(super) fn restored(clean: String) -> String {
    if !clean.contains(PREFIX) {
        return clean;
    }
    let clean = clean.replace(&format!("&lt;{PREFIX}"), "&lt;");
    clean.replace(&format!("&lt;/{PREFIX}"), "&lt;/")
}

/// Whether a tag begins here whose name is none of HTML.
fn is_foreign(text: &[u8]) -> bool {
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let start = text.get(..text.len().min(MAX_NAME)).unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C' | b'/' | b'>');
    let Some(length) = start.iter().position(ends) else {
        return true;
    };
    let name = start.get(..length).unwrap_or_default().to_ascii_lowercase();
    !std::str::from_utf8(&name).is_ok_and(is_html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (html, expected) in [
            (
                "<svg><text>a</text></svg>",
                Some(
                    "<x-portcullis-svg><x-portcullis-text>a</x-portcullis-text></x-portcullis-svg>",
                ),
            ),
            (
                "<MATH ><mi>a",
                Some("<x-portcullis-MATH ><x-portcullis-mi>a"),
            ),
            (
                "<svg/><image/><a>",
                Some("<x-portcullis-svg/><x-portcullis-image/><a>"),
            ),
            ("<P><b>a</b><br/></P><script>x</script>", None),
            ("1 <2 < svg>", None),
            ("é<svg>é", Some("é<x-portcullis-svg>é")),
        ] {
            assert_eq!(renamed(html).as_deref(), expected, "{html}");
        }
        let clean = "a &lt;x-portcullis-svg&gt;&lt;/x-portcullis-svg&gt;";
        assert_eq!(restored(clean.to_owned()), "a &lt;svg&gt;&lt;/svg&gt;");
    }
}
