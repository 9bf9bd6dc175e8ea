#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::waf::{FieldKind, Field, Limits, RawRequest, Ruleset, Waf};
use std::sync::LazyLock;

static WAF: LazyLock<[Waf; 2]> = LazyLock::new(|| {
    let rules = Ruleset::builtin().level(3).expect("there is a level 3");
    let strict = Waf::builder(rules)
        .limits(Limits::new().depth(4).fields(16).decodings(1))
        .refuse_duplicates()
        .field(Field::named("a"), FieldKind::RichText)
        .build();
    [Waf::new(Ruleset::builtin()), strict.expect("a sound policy")]
});

const TYPES: [&str; 8] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
    "multipart/form-data; boundary=b",
    "text/plain",
    "application/graphql",
    "application/x-ndjson",
    "image/png",
];

// Whatever the request: nothing panics, judging stops early only on the way to the same
// verdict, and the verdict does not change.
fuzz_target!(|input: (u8, &str, &str, &[u8], &[u8])| {
    let (content_type, target, name, value, body) = input;
    let content_type = TYPES[usize::from(content_type) % TYPES.len()];
    let request = RawRequest::new("POST", target)
        .header("content-type", content_type)
        .header(name, value)
        .body(body);
    for waf in WAF.iter() {
        let report = waf.explain(&request);
        let judged = waf.judge(&request);
        assert_eq!(judged.is_hostile(), report.is_hostile());
        assert_eq!(waf.explain(&request), report);
        for found in report.matches() {
            assert!(found.name().len() <= 256 && found.excerpt().len() <= 512);
        }
    }
});
