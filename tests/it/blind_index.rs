//! Blind indexes as a table with encrypted columns uses them: what is found, what is not, and
//! what the stored terms tell.

use portcullis::crypto::Stretch;
use portcullis::crypto::blind_index::{
    BlindIndex, Column, Distinct, IndexError, IndexKey, IndexSet, Normalizer, Plan, PlanError,
    Term, TermError,
};
use portcullis::random::Random;
use portcullis::secret::SecretBytes;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

const MILLION: Plan = Plan::for_rows(1_000_000);

/// The key 00 01 02 ... 1f.
fn key() -> IndexKey {
    IndexKey::new(&SecretBytes::from((0..32).collect::<Vec<u8>>())).unwrap()
}

fn emails(key: &IndexKey, plan: Plan, version: u8) -> BlindIndex<1> {
    let email = Column::new("email", Normalizer::email(), Distinct::PerRow);
    let index = key.index("users", "by_email", [email]);
    index.plan(plan).version(version).build().unwrap()
}

fn names(key: &IndexKey) -> BlindIndex<2> {
    let columns =
        ["first", "last"].map(|name| Column::new(name, Normalizer::lowercase(), Distinct::PerRow));
    let index = key.index("users", "by_name", columns);
    index.plan(MILLION).build().unwrap()
}

#[test]
fn known_terms() {
    // Computed by another implementation, from docs/formats.md alone.
    let exact = emails(&key(), Plan::insecure_exact(), 1);
    let term = exact.term("Ann@Example.com").unwrap();
    assert_eq!(term.to_hex(), KNOWN_EXACT);
    let short = emails(&key(), MILLION, 1).term("ann@example.com").unwrap();
    assert_eq!(short.to_hex(), KNOWN_SHORT);
    let tuple = names(&key().namespace("shop-7")).term_of(["Ann", "Lee"]);
    assert_eq!(tuple.unwrap().to_hex(), KNOWN_TUPLE);
    let last = Column::new("card", Normalizer::digits().last(4), Distinct::PerRow);
    let slow = key().index("users", "by_card", [last]).plan(MILLION);
    let slow = slow.slow(Stretch::OWASP).build().unwrap();
    assert_eq!(
        slow.term("4242 4242 4242 4242").unwrap().to_hex(),
        KNOWN_SLOW
    );
}

const KNOWN_EXACT: &str = "01a2ca63afad3101339a4f98fbf8118174e61e16ff2c3afcb346c8c467fdc7c2ef";
const KNOWN_SHORT: &str = "01a2ca40";
const KNOWN_TUPLE: &str = "01c92f80";
const KNOWN_SLOW: &str = "01d950";

#[test]
fn what_is_the_same_to_people_is_found() {
    let index = emails(&key(), MILLION, 1);
    let stored = index.term("ann.lee@example.com").unwrap();
    for (name, searched, is_found) in [
        ("the same", "ann.lee@example.com", true),
        ("by case", "Ann.Lee@EXAMPLE.com", true),
        ("by space", "\tann.lee@example.com ", true),
        ("by a last dot", "ann.lee@example.com.", true),
        ("full width", "ａｎｎ.lee@example.com", true),
        ("another person", "ann.leigh@example.com", false),
        ("another domain", "ann.lee@example.org", false),
        ("a dot less", "annlee@example.com", false),
    ] {
        let term = index.term(searched).unwrap();
        assert_eq!(term == stored, is_found, "{name}");
    }
}

#[test]
fn terms_of_other_indexes_cannot_be_compared() {
    let exact = Plan::insecure_exact();
    let column = |name| [Column::new(name, Normalizer::exact(), Distinct::PerRow)];
    let term = |key: &IndexKey, table, name, column_name, version| {
        let index = key.index(table, name, column(column_name)).plan(exact);
        let term = index.version(version).build().unwrap().term("ann").unwrap();
        // Without the version, which stands in clear.
        term.as_bytes()[1..].to_vec()
    };
    let (one, other) = (key(), IndexKey::generate());
    let terms = HashSet::from([
        term(&one, "users", "index", "email", 1),
        term(&one, "users", "index", "email", 2),
        term(&one, "users", "index2", "email", 1),
        term(&one, "users", "index", "email2", 1),
        term(&one, "users2", "index", "email", 1),
        term(&one, "usersi", "ndex", "email", 1),
        term(&one.namespace("7"), "users", "index", "email", 1),
        term(&one.namespace("8"), "users", "index", "email", 1),
        term(&other, "users", "index", "email", 1),
    ]);
    assert_eq!(terms.len(), 9);
}

#[test]
fn tuples_do_not_run_into_each_other() {
    let index = names(&key());
    let terms: HashSet<Term> = [
        ["ann", "lee"],
        ["annl", "ee"],
        ["annlee", ""],
        ["", "annlee"],
        ["lee", "ann"],
        ["ann\0", "lee"],
    ]
    .into_iter()
    .map(|values| index.term_of(values).unwrap())
    .collect();
    assert_eq!(terms.len(), 6);
    assert_eq!(index.term_of([" ", ""]), Err(TermError::Empty));
}

#[test]
fn values_that_cannot_be_searched_by() {
    let index = emails(&key(), MILLION, 1);
    assert_eq!(index.term(" \u{a0} "), Err(TermError::Empty));
    let long = "x".repeat(16 * 1024);
    assert!(index.term(&long).is_ok());
    let longer = format!("{long}x");
    assert_eq!(index.term(&longer), Err(TermError::TooLong(16 * 1024 + 1)));
    // The character that grows most when it is normalized.
    assert!(index.term(&"\u{fdfa}".repeat(16 * 1024 / 3)).is_ok());
}

#[test]
fn an_index_that_would_not_protect_is_refused() {
    let plan = |columns: Vec<(&str, Normalizer)>, plan: Plan| {
        let mut columns = columns
            .into_iter()
            .map(|(name, normalizer)| Column::new(name, normalizer, Distinct::PerRow));
        let two = [(); 2].map(|()| columns.next().unwrap());
        key().index("users", "index", two).plan(plan).build().err()
    };
    let few = |error: Option<IndexError>| {
        matches!(
            error,
            Some(IndexError::Plan {
                reason: PlanError::FewValues { .. },
                ..
            })
        )
    };
    let (letter, digits) = (
        Normalizer::lowercase().first(1),
        Normalizer::digits().last(4),
    );
    assert!(few(plan(
        vec![("a", letter.clone()), ("b", letter.clone())],
        MILLION
    )));
    assert!(few(plan(
        vec![("a", letter.clone()), ("b", letter)],
        Plan::insecure_exact()
    )));
    assert_eq!(
        plan(vec![("a", digits.clone()), ("b", digits)], MILLION),
        None
    );

    let status = || Column::new("status", Normalizer::exact(), Distinct::Values(5));
    let alone = key().index("users", "index", [status()]).plan(MILLION);
    assert!(few(alone.clone().build().err()));
    let slow = alone.slow(Stretch::insecure_fast_for_tests());
    assert!(
        few(key()
            .index(
                "u",
                "i",
                [Column::new("b", Normalizer::exact(), Distinct::Values(2))]
            )
            .plan(MILLION)
            .slow(Stretch::OWASP)
            .build()
            .err()),
        "a boolean, never"
    );
    assert!(slow.build().is_ok());

    let bits = key().index(
        "users",
        "index",
        [Column::new("a", Normalizer::exact(), Distinct::PerRow)],
    );
    let shown = bits
        .clone()
        .plan(MILLION.bits(32))
        .build()
        .unwrap_err()
        .to_string();
    assert_eq!(
        shown,
        "the index \"index\" would not protect: 32 bits tell the rows apart; use 10 to 18"
    );
    assert!(matches!(bits.build(), Err(IndexError::NoPlan(_))));
}

#[test]
fn names_are_checked() {
    let column = |name: &str| Column::new(name, Normalizer::exact(), Distinct::PerRow);
    let long = "x".repeat(129);
    for (name, table, index, columns, expected) in [
        ("no table", "", "i", ["a", "b"], IndexError::Name("table")),
        ("no name", "t", "", ["a", "b"], IndexError::Name("index")),
        ("no column", "t", "i", ["a", ""], IndexError::Name("column")),
        ("long", &long, "i", ["a", "b"], IndexError::Name("table")),
        (
            "twice",
            "t",
            "i",
            ["a", "a"],
            IndexError::DuplicateColumn {
                index: "i".into(),
                column: "a".into(),
            },
        ),
    ] {
        let built = key()
            .index(table, index, columns.map(column))
            .plan(MILLION)
            .build();
        assert_eq!(built.err(), Some(expected), "{name}");
    }
    let none = key().index::<0>("t", "i", []).plan(MILLION).build();
    assert!(matches!(none, Err(IndexError::NoColumn(_))));
}

#[test]
fn a_rotation_never_misses_a_row() {
    let (old_key, new_key) = (key(), IndexKey::generate());
    let one = emails(&old_key, MILLION, 1);
    let two = emails(&new_key, Plan::for_rows(100_000_000), 2);
    let steps = [
        IndexSet::new(one.clone()),
        IndexSet::new(one.clone())
            .also_reading(two.clone())
            .unwrap(),
        IndexSet::new(two.clone())
            .also_reading(one.clone())
            .unwrap(),
    ];
    // Machines are at most one step apart: what either writes, the other finds.
    for pair in steps.windows(2) {
        for (writer, reader) in [(0, 1), (1, 0), (0, 0), (1, 1)] {
            let stored = pair[writer].term("ann@example.com").unwrap();
            let searched = pair[reader].terms("ANN@example.com").unwrap();
            assert!(searched.contains(&stored));
        }
    }
    // The rebuild, and then version 2 alone.
    let last = IndexSet::new(two.clone());
    let mut rows = [
        steps[0].term("ann@example.com"),
        steps[2].term("bob@example.com"),
    ];
    for (row, value) in rows.iter_mut().zip(["ann@example.com", "bob@example.com"]) {
        if !last.is_current(row.unwrap().as_bytes()) {
            *row = last.term(value);
        }
    }
    assert_eq!(last.terms("ann@example.com").unwrap(), [rows[0].unwrap()]);
    assert_eq!(last.terms("bob@example.com").unwrap(), [rows[1].unwrap()]);
    assert!(!last.is_current(b"") && !last.is_current(&[2]));
}

#[test]
fn a_set_holds_versions_of_one_index() {
    let one = emails(&key(), MILLION, 1);
    let other = key().index(
        "users",
        "by_phone",
        [Column::new("email", Normalizer::email(), Distinct::PerRow)],
    );
    let other = other.plan(MILLION).version(2).build().unwrap();
    for wrong in [one.clone(), other] {
        let set = IndexSet::new(one.clone()).also_reading(wrong);
        assert!(matches!(set, Err(IndexError::NotAVersion(_))));
    }
    let two = emails(&key(), MILLION, 2);
    let set = IndexSet::new(one).also_reading(two.clone()).unwrap();
    assert!(set.also_reading(two).is_err(), "twice");
}

#[test]
fn a_term_is_shared_as_planned() {
    const ROWS: u32 = 20_000;
    let index = emails(&key(), Plan::for_rows(ROWS.into()), 1);
    let mut shared = HashMap::<Term, u32>::new();
    for row in 0..ROWS {
        *shared
            .entry(index.term(&format!("user{row}@example.com")).unwrap())
            .or_default() += 1;
    }
    // A search for a value that is there finds, on average over rows, what the plan says and
    // the row itself.
    let found: f64 = shared.values().map(|count| f64::from(*count).powi(2)).sum();
    let others = found / f64::from(ROWS) - 1.0;
    let planned = index.shape().false_positives();
    assert!((others / planned - 1.0).abs() < 0.1, "{others} {planned}");
}

#[test]
fn nothing_shows_a_key_a_value_or_a_term() {
    let canary = "canary-value@example.com";
    let bytes = Random::insecure_seeded(7).bytes::<32>();
    let key = IndexKey::new(&SecretBytes::from(&bytes[..])).unwrap();
    let text = key.to_text();
    let index = emails(&key, MILLION, 1);
    let term = index.term(canary).unwrap();
    let set = IndexSet::new(index.clone());
    let builder = key.index(
        "users",
        "by_email",
        [Column::new(
            "email",
            Normalizer::custom(str::to_owned),
            Distinct::PerRow,
        )],
    );
    let misread =
        IndexKey::parse(&format!("{}{canary}", text.expose()).as_str().into()).unwrap_err();
    let shown = format!(
        "{key:?} {text:?} {index:?} {term:?} {set:?} {builder:?} {misread} {misread:?} {:?} {}",
        index.term(&canary.repeat(1000)),
        index.term(" ").unwrap_err(),
    );
    for secret in [
        canary,
        &text.expose()[6..],
        &term.to_hex()[2..],
        &format!("{:?}", &bytes[..4]),
    ] {
        assert!(
            !shown.contains(secret.trim_matches(['[', ']'])),
            "{secret} in {shown}"
        );
    }
}

proptest! {
    #[test]
    fn any_value_has_one_term_or_an_honest_error(value in any::<String>()) {
        let index = emails(&key(), MILLION, 1);
        let term = index.term(&value);
        let normal = Normalizer::email().apply(&value);
        prop_assert_eq!(term == Err(TermError::Empty), normal.is_empty());
        prop_assert_eq!(index.term(&normal), term);
    }
}
