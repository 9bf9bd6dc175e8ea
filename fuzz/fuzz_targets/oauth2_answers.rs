//! Any answer of a provider's token endpoint or introspection endpoint: no panic, and what is
//! accepted reads the same to another reader of JSON.
#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{Response, header};
use libfuzzer_sys::fuzz_target;
use portcullis::authn::oauth2::introspection::Answer;
use portcullis::authn::oauth2::{TokenResponse, TokenType};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// After members that are good, or instead of them.
    json: &'a str,
    is_whole: bool,
    status: u16,
    content_type: &'a [u8],
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let whole = |good: &str| match input.is_whole {
        true => input.json.to_owned(),
        false => format!("{{{good}{}}}", input.json),
    };
    let json = whole(r#""access_token":"a","token_type":"Bearer""#);
    if let Ok(tokens) = TokenResponse::parse(&json) {
        let theirs: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        let token = tokens.access_token().expose();
        assert_eq!(theirs["access_token"], token);
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        let name = match tokens.token_type() {
            TokenType::Bearer => "bearer",
            _ => "dpop",
        };
        let theirs = theirs["token_type"].as_str().expect("it is text");
        assert!(theirs.eq_ignore_ascii_case(name));
    }
    let json = whole(r#""active":true"#);
    if let Ok(answer) = Answer::parse(&json) {
        let theirs: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(theirs["active"], answer.claims().is_some());
        if let Some(claims) = answer.claims() {
            assert_eq!(claims.subject(), theirs["sub"].as_str());
        }
    }
    let response = Response::builder()
        .status(input.status)
        .header(header::CONTENT_TYPE, input.content_type)
        .body(Bytes::copy_from_slice(input.body));
    if let Ok(response) = response {
        let _ = Answer::from_response(&response);
        if let Err(error) = TokenResponse::from_response(&response) {
            let code = error.provider_code().unwrap_or_default();
            assert!(code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
});
