//! What no browser's own page sends never passes, whatever the other headers say; and tokens
//! that were not made here are never good.
#![no_main]

use http::{Method, Request};
use libfuzzer_sys::fuzz_target;
use portcullis::browser::Origin;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::cross_origin::token::CsrfTokens;
use portcullis::guard::RequestHead;
use std::sync::LazyLock;

#[derive(Debug, arbitrary::Arbitrary)]
struct Input<'a> {
    method: u8,
    uri: &'a str,
    site: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    upgrade: bool,
    trusted: &'a str,
    token: &'a str,
    cookie: &'a str,
}

static TOKENS: LazyLock<CsrfTokens> = LazyLock::new(CsrfTokens::with_random_key);

fuzz_target!(|input: Input<'_>| {
    assert!(TOKENS.check(input.token, input.cookie, None).is_err());

    let methods = [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::POST,
        Method::CONNECT,
    ];
    let method = methods[usize::from(input.method) % methods.len()].clone();
    let is_read = !matches!(method, Method::POST | Method::CONNECT);
    let mut request = Request::builder().method(method).uri(input.uri);
    for (name, value) in [
        ("sec-fetch-site", input.site),
        ("origin", input.origin),
        ("host", input.host),
        ("upgrade", input.upgrade.then_some(b"websocket".as_slice())),
    ] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else {
        return;
    };
    let mut layer = CrossOriginLayer::new();
    let trusted = input.trusted.parse::<Origin>().ok();
    layer = layer.trusting(trusted.clone());
    let decided = layer.decide(&RequestHead::of(&request));

    let site = input.site.unwrap_or_default();
    let origin = input.origin.unwrap_or_default();
    let is_trusted = trusted.is_some_and(|trusted| trusted.as_str().as_bytes() == origin);
    let is_vouched_for = matches!(site, b"same-origin" | b"none");
    if is_vouched_for || is_trusted || (site.is_empty() && origin.is_empty()) {
        assert_eq!(decided, Ok(()));
    } else if !is_read || input.upgrade {
        // An origin that does not name the target's host in so many bytes cannot be its own.
        let target = request.uri().authority().map(|a| a.as_str().as_bytes());
        let target = target
            .or(input.host)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let name = origin.split(|b| *b == b'/').nth(2).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let related =
            !target.is_empty() && (name.starts_with(&target) || target.starts_with(&name));
        if !site.is_empty() || !related {
            assert!(decided.is_err());
        }
    }
});
