//! What comes out of a policy has no tag that the policy does not allow, stays as it is when it
//! is cleaned again, and no text makes the cleaner fail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::input::html::Policy;

fuzz_target!(|html: &str| {
    for policy in [Policy::rich_text(), Policy::comment(), Policy::text_only()] {
        let Ok(clean) = policy.clean(html) else { continue };
        assert_eq!(policy.clean(&clean).as_ref(), Ok(&clean), "{html:?}");
        let lower = clean.to_ascii_lowercase();
        for tag in ["<script", "<style", "<iframe", "<svg", "<math", "<form", "<input", "<!--", "<object"] {
            assert!(!lower.contains(tag), "{html:?}: {clean}");
        }
        let report = policy.clean_with_report(html);
        assert_eq!(report.as_ref().map(|it| it.html()), Ok(&*clean), "{html:?}");
    }
    let text = Policy::text_only().clean(html).unwrap_or_default();
    assert!(!text.contains(['<', '>']), "{html:?}: {text}");
});
