#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::waf::{RawRequest, Ruleset, Waf};

// Whatever the text of rules: it is refused with a reason or makes a ruleset that judges, and
// reading it a second time comes to the same.
fuzz_target!(|input: (&str, &str)| {
    let (text, value) = input;
    match (Ruleset::parse(text), Ruleset::parse(text)) {
        (Ok(rules), Ok(again)) => {
            let request = RawRequest::new("GET", "/").header("x-value", value);
            let judged = Waf::new(rules).judge(&request);
            assert_eq!(judged, Waf::new(again).judge(&request));
        }
        (Err(error), Err(again)) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(error.to_string(), again.to_string());
        }
        _ => panic!("read in two ways"),
    }
});
