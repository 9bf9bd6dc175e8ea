/// Common passwords of at least four characters, in lower case, sorted by byte, one a line.
/// Where they come from stands in `common.md` beside them.
pub(super) const COMMON: &str = include_str!("common.txt");

/// Whether `password`, in lower case, is one that guessers try first.
///
/// A binary search over the text itself: nothing is built at start, and nothing is kept twice.
pub(super) fn is_common(password: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low.midpoint(high);
        let line = line_around(middle);
        match COMMON.get(line.clone()) {
            Some(found) if found == password => return true,
            Some(found) if found < password => low = line.end + 1,
            _ => high = line.start,
        }
    }
    false
}

/// The line that `position` is in, without its line feed. A line feed belongs to the line it
/// ends.
fn line_around(position: usize) -> std::ops::Range<usize> {
    let (before, after) = COMMON.split_at_checked(position).unwrap_or((COMMON, ""));
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = after.find('\n').map_or(COMMON.len(), |end| position + end);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_as_the_search_needs_it() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.len() > 19_000, "{}", lines.len());
        assert!(lines.is_sorted_by(|a, b| a < b));
        assert!(lines.iter().all(|line| line.is_ascii() && line.len() >= 4));
        assert!(lines.iter().all(|line| *line == line.to_lowercase()));
    }

    #[test]
    fn each_entry_is_found_and_its_neighbors_are_not() {
        let all: std::collections::HashSet<_> = COMMON.lines().collect();
        for line in COMMON.lines() {
            assert!(is_common(line), "{line}");
            for neighbor in [format!("{line}\u{1}"), line[..line.len() - 1].to_owned()] {
                assert_eq!(is_common(&neighbor), all.contains(&*neighbor), "{neighbor}");
            }
        }
        for absent in ["", "\n", "\u{7f}", "password\nx", "é"] {
            assert!(!is_common(absent), "{absent:?}");
        }
    }
}
