//! Texts that are made to be slow to read: what they cost is bounded by their size, and what
//! is honest and as large is not refused for it.

mod units;

use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};
use units::{PROSE, UNITS, body, of};

fn of_kind(kind: FieldKind) -> Waf {
    let waf = Waf::builder(Ruleset::builtin()).field(Field::named("a"), kind);
    waf.build().unwrap()
}

/// The rules that saw something in a JSON body.
fn rules(waf: &Waf, body: &str) -> Vec<String> {
    let request = RawRequest::new("POST", "/").header("content-type", "application/json");
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
        let request = RawRequest::new("POST", "/").header("content-type", "application/json");
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
    let page = "<h2 class=\"a\">Notes</h2>\n<p>It's <b>late</b> &amp; we <a href=\"https://www.example.com/a?b=c\">go</a> home; see you.</p>\n<ul><li>one</li><li>two</li></ul>\n";
    let code = "    for (let i = 0; i < items.length; i++) {\n        total += items[i].price * 1.19; // with tax\n        log(`${i}: ` + \"it's \" + total);\n    }\n";
    let table = "2024-05-01;17,5;\"Müller, Anna\";Berlin;0;;true\n";
    let notes = "# Notes & plans\n\n- call `mkdir`, then **wait**\n- see [here](https://www.example.com/x#y)\n\n    a && b || c\n";
    let log = "127.0.0.1 - - [01/May/2024:10:00:00 +0200] \"GET /a?b=c%20d HTTP/1.1\" 200 1234 \"-\" \"Mozilla/5.0\"\n";
    let cases = [
        ("prose", PROSE, FieldKind::Plain),
        ("prose of a message", PROSE, FieldKind::FreeText),
        ("a page", page, FieldKind::RichText),
        ("source code", code, FieldKind::Code),
        ("a table", table, FieldKind::FreeText),
        ("notes", notes, FieldKind::FreeText),
        ("a log", log, FieldKind::Code),
    ];
    for (name, unit, kind) in cases {
        for size in [16 << 10, 128 << 10, 900 << 10] {
            let found = rules(&of_kind(kind), &body(&of(unit, size), 0));
            assert!(
                !found.iter().any(|rule| rule == "protocol-work"),
                "{name}: {found:?}"
            );
        }
    }
}
