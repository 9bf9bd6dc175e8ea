//! Text from users, put where it cannot be taken for anything else: into a page, a table, a log.
//!
//! Each place has its own characters that end a text; so each has its own encoder, and a text
//! that is encoded for one place is not safe in another.
//!
//! | where the text goes | encoder |
//! |---|---|
//! | between tags: `<p>here</p>` | [`html_text`] |
//! | a quoted attribute: `<p title="here">` | [`html_attribute`] |
//! | a quoted string of a script: `let name = "here";` | [`js_string`] |
//! | a quoted string of a style sheet: `content: "here"` | [`css_string`] |
//! | one value within a URL: `/search?q=here` | [`url_component`] |
//! | a cell of a table that a spreadsheet opens | [`csv_cell`], [`csv_row`] |
//! | the value of a header | [`header_value`] |
//! | a header of a mail, the name before an address | [`mail_header`] |
//! | a regular expression | [`regex_literal`] |
//! | a line of a log, or of a terminal | [`log_line`] |
//!
//! None makes a whole URL safe: take that as a [`Link`](super::html::Link). None is for the places
//! where no text from users belongs: names of tags, attributes and headers, event handlers,
//! styles and scripts outside of strings, attributes without quotes.
//!
//! ```
//! use portcullis::input::encode::{csv_row, html_text, js_string, log_line, url_component};
//!
//! let name = "</script><b>'Ann\"";
//! assert_eq!(html_text("1 < 2"), "1 &lt; 2");
//! assert_eq!(html_text("Ann"), "Ann");
//! assert_eq!(js_string(name), r"\x3c\x2fscript\x3e\x3cb\x3e\x27Ann\x22");
//! assert_eq!(format!("/search?q={}", url_component("a&b=c")), "/search?q=a%26b%3Dc");
//! assert_eq!(csv_row(["Ann", "-1.5", "=1+1"]), "\"Ann\",\"-1.5\",\"'=1+1\"\r\n");
//! assert_eq!(log_line("ann\n2026-01-01 root logged in"), r"ann\n2026-01-01 root logged in");
//! ```
//!
//! ASVS 5.0: 1.2.1 (HTML), 1.2.2 (URLs), 1.2.3 (JavaScript), 1.2.9 (regular
//! expressions), 1.2.10 (CSV), 1.3.11 (mail), 16.4.1 (logs).

mod line;
mod mail;
mod page;
mod pattern;
mod table;

pub use line::{header_value, log_line};
pub use mail::mail_header;
pub use page::{css_string, html_attribute, html_text, js_string, url_component};
pub use pattern::regex_literal;
pub use table::{csv_cell, csv_row, is_formula};

use std::borrow::Cow;

/// The text, with each character that matters written by `write`.
fn encoded(
    text: &str,
    matters: impl Fn(char) -> bool,
    write: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    let Some(first) = text.find(&matters) else {
        return Cow::Borrowed(text);
    };
    let (plain, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + text.len() / 4 + 8);
    out.push_str(plain);
    for c in rest.chars() {
        if matters(c) {
            write(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}
