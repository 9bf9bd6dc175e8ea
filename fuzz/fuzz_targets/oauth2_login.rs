//! Any callback of a login and any path to return to: no panic, nothing of the callback comes
//! twice, and no path that is taken leads anywhere but into this site.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use portcullis::authn::oauth2::{Callback, LoginErrorKind, ReturnPath};
use url::{Url, form_urlencoded};

/// Those of which two could mean two things.
const NAMES: [&str; 4] = ["code", "state", "iss", "error"];
/// What a callback that is taken may have in bytes.
const MAX_QUERY_LEN: usize = 16 * 1024;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    query: &'a str,
    /// Behind one that is good.
    is_longer: bool,
    path: &'a str,
    /// Below a path that is good.
    is_below: bool,
}

fuzz_target!(|input: Input<'_>| {
    let query = match input.is_longer {
        true => format!("code=c0de&state=st4te&{}", input.query),
        false => input.query.to_owned(),
    };
    let how_often = |name: &str| {
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(found, _)| found == name).count()
    };
    let is_good = query.len() <= MAX_QUERY_LEN
        && NAMES.iter().all(|name| how_often(name) <= 1)
        && how_often("state") == 1;
    match Callback::parse(&query) {
        Ok(_) => assert!(is_good),
        Err(error) => {
            assert!(!is_good);
            assert_eq!(error.kind(), LoginErrorKind::MalformedCallback);
        }
    }

    let path = match input.is_below {
        true => format!("/orders/{}", input.path),
        false => input.path.to_owned(),
    };
    if let Ok(taken) = ReturnPath::parse(&path) {
        assert_eq!(taken.as_str(), path);
        assert!(path.len() <= ReturnPath::MAX_LEN);
        assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!path.contains('\\'));
        let site = Url::parse("https://shop.example:8443/deep/page?x#y").expect("it is one");
        let led = site.join(&path).expect("it is taken");
        assert_eq!(led.origin(), site.origin());
        assert!(led.username().is_empty() && led.password().is_none());
        // Browsers go where it says, to the letter.
        let said = path.split(['?', '#']).next().unwrap_or_default();
        assert_eq!(led.path(), said);
        // Where a proxy undoes the encoding first, it stays here as well.
        let decoded = said.to_ascii_lowercase();
        for bad in ["%2f", "%5c", "%00", "%0a", "%0d", "//"] {
            assert!(!decoded.contains(bad), "{bad}");
        }
    }
});
