//! `docs/asvs.md` names the tests that show each requirement. Here it is held to its word.

use crate::support::{rust_files, vectors};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(repository().join("docs/asvs.md")).unwrap()
}

/// How much of a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Partly,
    Fully,
}

impl Fit {
    fn parse(cell: &str) -> Self {
        match cell.split(':').next() {
            Some("F") => Self::Fully,
            Some("P") => Self::Partly,
            _ => panic!("neither F nor P: {cell}"),
        }
    }
}

/// Chapter, section and number.
type Number = [u32; 3];

fn number(cell: &str) -> Option<Number> {
    let parts: Result<Vec<u32>, _> = cell.split('.').map(str::parse).collect();
    parts.ok()?.try_into().ok()
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<&str> {
    let inside = line.trim().strip_prefix('|').unwrap_or_default();
    let inside = inside.strip_suffix('|').unwrap_or_default();
    inside.split('|').map(str::trim).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A requirement that is met, and what shows it.
struct Row<'a> {
    number: Number,
    level: u8,
    controls: Vec<&'a str>,
    fit: Fit,
    tests: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let cells = cells(line);
        let number = number(cells.first()?)?;
        let [_, level, _, control, fit, tests] = cells[..] else {
            panic!("not six cells: {line}");
        };
        Some(Self {
            number,
            level: level.parse().unwrap(),
            controls: quoted(control),
            fit: Fit::parse(fit),
            tests: quoted(tests),
        })
    }
}

fn rows(document: &str) -> Vec<Row<'_>> {
    document.lines().filter_map(Row::parse).collect()
}

/// How many rows there are of each level (1, 2, 3, and 0 for all) and fit.
fn counts(rows: &[Row<'_>]) -> BTreeMap<(u8, Fit), usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        for level in [row.level, 0] {
            *counts.entry((level, row.fit)).or_default() += 1;
        }
    }
    counts
}

/// The module path of a file in its root.
fn module_of(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap().with_extension("");
    let names = inside.iter().map(|name| name.to_str().unwrap());
    let names = names.filter(|name| !matches!(*name, "mod" | "main" | "lib"));
    names.collect::<Vec<_>>().join("::")
}

/// The paths of the tests of one file: functions under a test attribute, in the modules that
/// stand inside the file. The source is formatted, so that a brace ends what began as far in.
/// A test that is ignored shows nothing.
fn tests_of(module: &str, text: &str) -> Vec<String> {
    let mut path = vec![(module, usize::MAX)];
    let mut is_test = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        let inline = code
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(" {"));
        if let Some(name) = inline {
            path.push((name, indentation));
        } else if code == "}" && path.last().is_some_and(|(_, begin)| *begin == indentation) {
            path.pop();
        } else if code == "#[test]" || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if code.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(function) = function(code)
            && std::mem::take(&mut is_test)
        {
            let names = path.iter().map(|(name, _)| *name).chain([function]);
            found.push(names.collect::<Vec<_>>().join("::"));
        }
    }
    found
}

/// The name of the function that this line declares.
fn function(code: &str) -> Option<&str> {
    let rest = code.strip_prefix("async ").unwrap_or(code);
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// All tests of the source tree, as `cargo nextest list` names them, but those of this file,
/// which holds a sample.
fn all_tests() -> BTreeSet<String> {
    let roots = ["src", "tests/it"].map(|root| repository().join(root));
    let files = roots
        .iter()
        .flat_map(|root| rust_files(root).into_iter().map(move |file| (root, file)));
    let files = files.filter(|(_, file)| !file.ends_with("it/asvs.rs"));
    let tests = files.flat_map(|(root, file)| {
        tests_of(&module_of(root, &file), &fs::read_to_string(&file).unwrap())
    });
    tests.collect()
}

#[test]
fn every_test_that_is_named_is_there() {
    let document = document();
    let known = all_tests();
    assert!(known.len() > 300, "only {} tests found", known.len());
    let mut missing = BTreeSet::new();
    for row in rows(&document) {
        assert!(!row.tests.is_empty(), "{:?} names no test", row.number);
        missing.extend(row.tests.into_iter().filter(|test| !known.contains(*test)));
    }
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
}

#[test]
fn every_control_that_is_named_is_there() {
    let document = document();
    let source = repository().join("src");
    for row in rows(&document) {
        assert!(!row.controls.is_empty(), "{:?} names none", row.number);
        for control in row.controls {
            let folder = source.join(control.replace("::", "/"));
            let is_there = folder.with_extension("rs").is_file() || folder.join("mod.rs").is_file();
            assert!(is_there, "{:?}: there is no module {control}", row.number);
        }
    }
}

#[test]
fn rows_come_once_and_in_order() {
    let document = document();
    let rows = rows(&document);
    assert!(
        rows.windows(2).all(|pair| pair[0].number < pair[1].number),
        "{:?}",
        rows.iter().map(|row| row.number).collect::<Vec<_>>()
    );
}

#[test]
fn the_counts_are_those_of_the_rows() {
    let document = document();
    let counts = counts(&rows(&document));
    let count = |level, fit| counts.get(&(level, fit)).copied().unwrap_or_default();
    let mut stated = 0;
    for line in document.lines() {
        let [name, fully, partly] = cells(line)[..] else {
            continue;
        };
        let level = match name {
            "L1" => 1,
            "L2" => 2,
            "L3" => 3,
            "all" => 0,
            _ => continue,
        };
        let found = [Fit::Fully, Fit::Partly].map(|fit| count(level, fit).to_string());
        assert_eq!([fully, partly], found, "{name}");
        stated += 1;
    }
    assert_eq!(stated, 4);

    let [full, partly] = [Fit::Fully, Fit::Partly].map(|fit| count(0, fit));
    let summary = format!("{} requirements, {full} met in full", full + partly);
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(
        readme.contains(&summary),
        "README.md does not say: {summary}"
    );
}

/// Chapter, rows here, requirements in reach.
fn chapters(document: &str) -> Vec<(u32, usize, usize)> {
    let chapter = |line| {
        let [name, here, reach, _] = cells(line)[..] else {
            return None;
        };
        let number = name.strip_prefix('V')?.split(' ').next()?.parse().ok()?;
        Some((number, here.parse().unwrap(), reach.parse().unwrap()))
    };
    document.lines().filter_map(chapter).collect()
}

#[test]
fn each_chapter_says_how_much_of_it_is_met() {
    let document = document();
    let rows = rows(&document);
    let chapters = chapters(&document);
    assert!((1..=17).eq(chapters.iter().map(|(number, ..)| *number)));
    for (number, here, _) in chapters {
        let met = rows.iter().filter(|row| row.number[0] == number).count();
        assert_eq!(here, met, "V{number}");
    }
}

/// The outside table says of each requirement its level, and how much of it a middleware can
/// do at all. To claim more would be a mistake.
#[test]
fn no_more_is_claimed_than_a_middleware_can_do() {
    let Some(standard) = vectors("asvs.md") else {
        return;
    };
    let requirement = |line| {
        let cells = cells(line);
        let number = number(cells.first()?)?;
        let [_, level, _, _, fit, _] = cells[..] else {
            return None;
        };
        Some((number, (level.parse::<u8>().unwrap(), Fit::parse(fit))))
    };
    let standard: BTreeMap<_, _> = standard.lines().filter_map(requirement).collect();
    assert_eq!(standard.len(), 252);

    let document = document();
    for row in rows(&document) {
        let (level, most) = standard[&row.number];
        assert_eq!(row.level, level, "{:?}", row.number);
        assert!(row.fit <= most, "{:?} can be met partly", row.number);
    }
    for (chapter, _, reach) in chapters(&document) {
        let in_reach = standard.keys().filter(|number| number[0] == chapter);
        assert_eq!(in_reach.count(), reach, "V{chapter}");
    }
}

#[test]
fn the_test_sees_what_it_should() {
    let source = "
fn helper() {}

#[tokio::test(flavor = \"multi_thread\")]
async fn outside() {
    if true {
    }
}

mod inside {
    mod below {
        #[test]
        fn deep() {
        }
    }

    #[test]
    #[ignore = \"slow\"]
    fn ignored() {}
    #[test]
    fn within<T>() {}
    fn helper() {}
}

proptest! {
    #[test]
    fn drawn(case: u8) {
    }
}
";
    assert_eq!(
        tests_of("a::b", source),
        [
            "a::b::outside",
            "a::b::inside::below::deep",
            "a::b::inside::within",
            "a::b::drawn"
        ]
    );
    let root = Path::new("/src");
    for (file, module) in [
        ("a/b.rs", "a::b"),
        ("a/mod.rs", "a"),
        ("main.rs", ""),
        ("a/b/mod.rs", "a::b"),
    ] {
        assert_eq!(module_of(root, &root.join(file)), module);
    }
    let row = Row::parse("| 3.4.1 | 1 | HSTS | `a`, `b::c` | F: mount it | `d::e`, `f` |").unwrap();
    assert_eq!((row.number, row.level, row.fit), ([3, 4, 1], 1, Fit::Fully));
    assert_eq!(
        (row.controls, row.tests),
        (vec!["a", "b::c"], vec!["d::e", "f"])
    );
    assert!(Row::parse("| no. | L | requirement | control | fit | tests |").is_none());
}
