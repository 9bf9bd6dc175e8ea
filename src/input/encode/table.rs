//! Text for the cells of a table, which a spreadsheet would run where it looks like a formula.

use crate::input::unicode::is_hidden;

/// One cell of a table in CSV (RFC 4180), always in quotes.
///
/// A spreadsheet runs a cell that looks like a formula, whatever the quotes: it calls programs,
/// and sends what stands in other cells to strangers. So such a cell begins with an apostrophe,
/// by which a spreadsheet tells a text (OWASP, CSV Injection). Numbers stay as they are.
///
/// The apostrophe is part of the text for whoever reads the table with another program: for
/// these, refuse by [`is_formula`] instead. Control characters but tabs and line breaks become
/// U+FFFD; and inside quotes neither those nor commas and semicolons end a cell.
#[must_use]
pub fn csv_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 3);
    put_cell(&mut cell, text);
    cell
}

/// One row of a table: its cells, each as by [`csv_cell`], between commas, and the end of the
/// line.
#[must_use]
pub fn csv_row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut row = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            row.push(',');
        }
        put_cell(&mut row, cell);
    }
    row.push_str("\r\n");
    row
}

/// Whether a spreadsheet may run a cell of this text: it begins with `=`, `+`, `-` or `@`, or
/// with one of their wide forms, and is no number. What stands before that and is not seen, or
/// cut off by some, does not count: spaces, tabs, line breaks, quotes.
#[must_use]
pub fn is_formula(text: &str) -> bool {
    let is_before = |c: char| c.is_whitespace() || is_hidden(c) || matches!(c, '"' | '\'');
    let text = text.trim_start_matches(is_before);
    let begins = text.starts_with([
        '=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}', '\u{2212}', '\u{FE66}',
        '\u{FE62}', '\u{FE63}', '\u{FE6B}',
    ]);
    begins && !is_number(text)
}

/// A decimal number: a sign, digits, at most one point or comma with digits behind it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    are_digits(whole) && fraction.is_none_or(are_digits)
}

fn put_cell(row: &mut String, text: &str) {
    row.push('"');
    if is_formula(text) {
        row.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => row.push_str("\"\""),
            '\t' | '\n' | '\r' => row.push(c),
            c if c.is_control() => row.push('\u{FFFD}'),
            c => row.push(c),
        }
    }
    row.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells() {
        for (name, text, expected) in [
            ("text", "Ann", "\"Ann\""),
            ("nothing", "", "\"\""),
            ("quotes", "a \"b\"", "\"a \"\"b\"\"\""),
            ("separators", "a,b;c\td\r\ne", "\"a,b;c\td\r\ne\""),
            ("a number", "-1.5", "\"-1.5\""),
            ("a number with a comma", "+1,50", "\"+1,50\""),
            ("a year", "2026", "\"2026\""),
            ("a dash alone", "-", "\"'-\""),
            ("a formula", "=1+1", "\"'=1+1\""),
            ("a program", "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("plus", "+1+1", "\"'+1+1\""),
            (
                "minus",
                "-2+3+cmd|' /C calc'!A0",
                "\"'-2+3+cmd|' /C calc'!A0\"",
            ),
            ("at", "@SUM(1,1)", "\"'@SUM(1,1)\""),
            ("behind a tab", "\t=1+1", "\"'\t=1+1\""),
            ("behind a line break", "\r\n=1+1", "\"'\r\n=1+1\""),
            ("behind a space", "  =1+1", "\"'  =1+1\""),
            (
                "behind a wide space",
                "\u{A0}\u{3000}=1",
                "\"'\u{A0}\u{3000}=1\"",
            ),
            ("behind a mark", "\u{FEFF}=1", "\"'\u{FEFF}=1\""),
            ("behind a control", "\0=1", "\"'\u{FFFD}=1\""),
            ("behind a quote", "\"=1", "\"'\"\"=1\""),
            ("behind an apostrophe", "'=1", "\"''=1\""),
            ("wide", "\u{FF1D}1+1", "\"'\u{FF1D}1+1\""),
            ("a number and more", "-1e5", "\"'-1e5\""),
            ("within", "a=1", "\"a=1\""),
        ] {
            assert_eq!(csv_cell(text), expected, "{name}");
        }
        assert_eq!(csv_row([]), "\r\n");
        assert_eq!(csv_row(["a", "b"]), "\"a\",\"b\"\r\n");
    }

    /// What a reader of CSV makes of one row.
    fn read(row: &str) -> Vec<String> {
        let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut characters = row.strip_suffix("\r\n").unwrap().chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '"' if is_quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    cell.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        assert!(!is_quoted);
        cells.push(cell);
        cells
    }

    proptest! {
        /// As many cells are read as were written, none of them begins a formula, and each is
        /// the text but for the apostrophe.
        #[test]
        fn no_cell_ends_early_or_begins_a_formula(
            texts in proptest::collection::vec("[-=+@,;'\"\t\n\r a1.\u{FEFF}\u{FF1D}]{0,6}", 1..4),
        ) {
            let cells = read(&csv_row(texts.iter().map(String::as_str)));
            prop_assert_eq!(cells.len(), texts.len());
            for (cell, text) in cells.iter().zip(&texts) {
                let plain = if is_formula(text) { cell.strip_prefix('\'') } else { Some(&**cell) };
                prop_assert_eq!(plain, Some(&**text));
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || !is_formula(cell));
            }
        }
    }
}
