#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use portcullis::net::client_ip::{ProxyTrust, rate_key};
use std::net::IpAddr;

// What a trusted proxy appends decides, whatever the client wrote before it.
fuzz_target!(|lines: (Vec<Vec<u8>>, [u8; 4])| {
    let (lines, client) = lines;
    let proxy = IpAddr::from([10, 0, 0, 1]);
    let client = IpAddr::from(client);
    let names = ["x-forwarded-for", "forwarded", "x-real-ip"].map(HeaderName::from_static);
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            for name in &names {
                headers.append(name, value.clone());
            }
        }
    }
    let proxies = || ["10.0.0.0/8".parse().unwrap()];
    let [xff, forwarded, single] = names;
    for trust in [
        ProxyTrust::none(),
        ProxyTrust::x_forwarded_for(proxies()),
        ProxyTrust::forwarded(proxies()),
        ProxyTrust::header(single, proxies()),
        ProxyTrust::hops(2).unwrap(),
    ] {
        for peer in [None, Some(proxy), Some(client)] {
            if let Ok(found) = trust.client_ip(peer, &headers) {
                let _ = rate_key(found);
            }
        }
    }
    if client.to_string().starts_with("10.") {
        return;
    }
    let append = |headers: &mut HeaderMap, name, text: String| {
        headers.append(name, HeaderValue::from_str(&text).unwrap());
    };
    append(&mut headers, xff, client.to_string());
    append(&mut headers, forwarded, format!("for={client}"));
    for trust in [
        ProxyTrust::x_forwarded_for(proxies()),
        ProxyTrust::forwarded(proxies()),
    ] {
        assert_eq!(trust.client_ip(Some(proxy), &headers), Ok(client));
    }
});
