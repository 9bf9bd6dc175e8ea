//! The floors of the house: arrows between folders point down, and a control imports no
//! other control.

use crate::support::rust_files;
use std::fs;
use std::path::Path;

/// Floor of each folder or file of `src/`. What is on a floor may import floors below it, and
/// its own floor unless it is a control.
const FLOORS: &[(&str, u8)] = &[
    ("clock", 0),
    ("secret", 0),
    ("random", 0),
    ("principal", 0),
    ("tls", 0),
    ("error_kinds", 0),
    ("lock", 0),
    ("store", 1),
    ("event", 1),
    ("crypto", 1),
    ("guard", 2),
    ("net", 2),
    ("authn", CONTROL),
    ("authz", CONTROL),
    ("browser", CONTROL),
    ("input", CONTROL),
    ("limit", CONTROL),
    ("monitor", CONTROL),
    ("signing", CONTROL),
    ("waf", CONTROL),
];
const CONTROL: u8 = 3;

fn floor(room: &str) -> u8 {
    let known = FLOORS.iter().find(|(name, _)| *name == room);
    known
        .unwrap_or_else(|| panic!("src/{room} has no floor: add it to FLOORS in this test"))
        .1
}

fn forbidden(from: &str, to: &str) -> bool {
    from != to && (floor(to) > floor(from) || floor(to) == CONTROL)
}

/// The folders of this crate that a file names by `crate::`, unit tests included.
fn imports(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = code.collect::<Vec<_>>().join("\n");
    let word = |rest: &str| -> String {
        let word = rest.trim_start().chars();
        word.take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `macro_rules!` of this crate write `$crate::`, which is an arrow as well.
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(group) => {
                let group = group.split("};").next().unwrap_or_default();
                found.extend(group.lines().map(word));
            }
        }
    }
    found.retain(|name| FLOORS.iter().any(|(known, _)| known == name));
    found
}

#[test]
fn arrows_point_down() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut arrows = 0;
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap();
        let room = room.trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            arrows += 1;
            assert!(
                !forbidden(room, &import),
                "{}: {room} must not import {import}",
                inside.display()
            );
        }
    }
    assert!(
        arrows > 100,
        "only {arrows} imports found: does the test still read them?"
    );
}

/// ASVS 5.0 1.3.12: no engine is pulled in that takes exponential time on some expressions.
#[test]
fn no_engine_of_expressions_goes_back() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let names: Vec<_> = names.map(|name| name.trim_matches('"')).collect();
    assert!(names.contains(&"regex"), "the names are read");
    for engine in [
        "fancy-regex",
        "onig",
        "onig_sys",
        "pcre",
        "pcre2",
        "pcre2-sys",
        "regress",
    ] {
        assert!(!names.contains(&engine), "{engine}");
    }
}

#[test]
fn the_test_sees_what_it_should() {
    assert_eq!(imports("use crate::authn::jwt;"), ["authn"]);
    assert_eq!(imports("// use crate::authn::jwt;"), Vec::<String>::new());
    assert_eq!(
        imports("use crate::{\n    net::x,\n    store::Store,\n};"),
        ["net", "store"]
    );
    assert_eq!(imports("let x = crate::limit::Quota;"), ["limit"]);
    assert!(forbidden("authz", "authn"), "one control imports another");
    assert!(forbidden("guard", "limit"), "plumbing imports a control");
    assert!(forbidden("crypto", "guard"), "crypto knows http");
    assert!(!forbidden("authn", "crypto"));
    assert!(!forbidden("guard", "net"), "plumbing is one floor");
}
