//! Texts that are made to be slow to read: what they cost is bounded by their size, and what
//! is honest and as large is not refused for it.

mod units;

use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};
use units::{HONEST, TYPE, UNITS, body, of};

fn of_kind(kind: FieldKind) -> Waf {
    let waf = Waf::builder(Ruleset::builtin()).field(Field::named("a"), kind);
    waf.build().unwrap()
}

/// The rules that saw something in a multipart body.
fn rules(waf: &Waf, body: &str) -> Vec<String> {
    let request = RawRequest::new("POST", "/").header("content-type", TYPE);
    let report = waf.judge(&request.body(body));
    let found = report
        .matches()
        .iter()
        .map(|found| found.rule().to_string());
    found.collect()
}

/// Whoever looks to the end spends more, and must not come to another verdict by it.
#[test]
fn slow_texts_are_judged_as_they_are_explained() {
    let waf = of_kind(FieldKind::Code);
    for (unit, layers) in UNITS.iter().flat_map(|unit| [(unit, 0), (unit, 4)]) {
        let body = body(&of(unit, 8 << 10), layers);
        let request = RawRequest::new("POST", "/").header("content-type", TYPE);
        let request = request.body(&body);
        let judged = waf.judge(&request).is_hostile();
        let explained = waf.explain(&request).is_hostile();
        assert_eq!(judged, explained, "{unit:?} behind {layers}");
    }
}

#[test]
fn what_is_made_to_be_slow_is_refused() {
    let waf = of_kind(FieldKind::Code);
    for (name, unit, layers) in [
        ("continued lines, again and again", "\\\n", 4),
        ("tokens of SQL behind a quote", "'+1", 4),
        ("hosts within hosts", "http:1-", 2),
        ("paths with wildcards", "'/*a", 0),
    ] {
        let rules = rules(&waf, &body(&of(unit, 128 << 10), layers));
        assert!(
            rules.iter().any(|rule| rule == "protocol-work"),
            "{name}: {rules:?}"
        );
    }
}

#[test]
fn honest_texts_may_be_large() {
    for (name, unit, kind) in HONEST {
        for size in [16 << 10, 128 << 10, 900 << 10] {
            let found = rules(&of_kind(*kind), &body(&of(unit, size), 0));
            assert!(
                !found.iter().any(|rule| rule == "protocol-work"),
                "{name}: {found:?}"
            );
        }
    }
}
