#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::waf::{Leak, LeakKind};

// Whatever the answer: each pattern is told of once, no key is shown, and the same is found
// again.
fuzz_target!(|text: &[u8]| {
    let leaks = Leak::find(text);
    for (index, leak) in leaks.iter().enumerate() {
        assert!(leak.excerpt.len() <= 512);
        assert!(leaks.iter().skip(index + 1).all(|other| other.rule != leak.rule));
        if matches!(leak.kind, LeakKind::PrivateKey | LeakKind::Credential) {
            assert_eq!(&*leak.excerpt, "(not shown)");
        }
    }
    assert_eq!(Leak::find(text), leaks);
});
