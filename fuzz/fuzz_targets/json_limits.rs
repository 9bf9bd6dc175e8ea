//! JSON that passes the limits is JSON to other parsers, and cleaning fields leaves it so.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::input::fields::Fields;
use portcullis::input::json::JsonLimits;
use portcullis::input::text::TextRules;
use serde_json::Value;

fuzz_target!(|json: &[u8]| {
    let passes = JsonLimits::new().check(json).is_ok();
    match serde_json::from_slice::<Value>(json) {
        Err(error) if passes => assert!(error.to_string().contains("out of range"), "{error}"),
        Err(_) => {}
        Ok(_) => {
            let fields = Fields::new().text("/*", TextRules::lines()).text("/*/*", TextRules::line());
            if let Ok(clean) = fields.clean_json(json) {
                assert!(serde_json::from_slice::<Value>(&clean).is_ok());
                assert_eq!(fields.clean_json(&clean).ok(), Some(clean.clone()));
            }
        }
    }
});
