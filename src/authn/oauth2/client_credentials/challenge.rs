use http::{HeaderMap, Response, StatusCode, header};

/// Whether an answer says that the token is no good (RFC 6750 section 3.1): a 401 with a
/// `Bearer` challenge of `invalid_token`.
pub(super) fn refuses_token<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && says_invalid_token(response.headers())
}

fn says_invalid_token(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .any(has_invalid_token)
}

/// Reads a list of challenges (RFC 9110 section 11.6.1), in which commas stand between challenges
/// and between the parameters of one.
fn has_invalid_token(value: &str) -> bool {
    let mut is_bearer = false;
    let mut rest = value;
    while let Some((item, after)) = next_item(rest) {
        rest = after;
        let (scheme, parameter) = match item.split_once([' ', '\t']) {
            Some((scheme, parameter)) if is_token(scheme) => (Some(scheme), parameter.trim()),
            _ if is_token(item) => (Some(item), ""),
            _ => (None, item),
        };
        if let Some(scheme) = scheme {
            is_bearer = scheme.eq_ignore_ascii_case("Bearer");
        }
        if is_bearer && is_invalid_token(parameter) {
            return true;
        }
    }
    false
}

fn is_token(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_usual)
}

/// Whether a parameter is `error` with this value, quoted or not.
fn is_invalid_token(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    name.trim().eq_ignore_ascii_case("error") && quoted.unwrap_or(value) == "invalid_token"
}

/// What stands before the next comma that is not within quotes, and what after it.
fn next_item(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                let (item, after) = text.split_at_checked(at)?;
                return Some((item.trim(), after.get(1..)?));
            }
            _ => {}
        }
    }
    Some((text.trim(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn which_answers_refuse_the_token() {
        for (name, status, challenge, expected) in [
            ("plain", 401, r#"Bearer error="invalid_token""#, true),
            (
                "in whatever case",
                401,
                r#"bearer Error="invalid_token""#,
                true,
            ),
            ("not quoted", 401, "Bearer error=invalid_token", true),
            (
                "after others",
                401,
                r#"Bearer realm="a, b", error="invalid_token", scope="x""#,
                true,
            ),
            (
                "after another scheme",
                401,
                r#"Basic realm="x", Bearer realm="y", error="invalid_token""#,
                true,
            ),
            (
                "after one that is bare",
                401,
                r#"Negotiate, Bearer error="invalid_token""#,
                true,
            ),
            (
                "of another scheme",
                401,
                r#"Bearer realm="y", DPoP error="invalid_token""#,
                false,
            ),
            (
                "within quotes",
                401,
                r#"Bearer realm="x, error=\"invalid_token\"""#,
                false,
            ),
            (
                "within quotes, plain",
                401,
                r#"Bearer realm="error=invalid_token, error=invalid_token""#,
                false,
            ),
            (
                "another error",
                401,
                r#"Bearer error="insufficient_scope""#,
                false,
            ),
            (
                "another parameter",
                401,
                r#"Bearer error_description="invalid_token""#,
                false,
            ),
            ("none", 401, "Bearer", false),
            (
                "another status",
                403,
                r#"Bearer error="invalid_token""#,
                false,
            ),
            ("empty", 401, "", false),
            ("open quotes", 401, r#"Bearer error="invalid_token"#, false),
        ] {
            let response = Response::builder()
                .status(status)
                .header(header::WWW_AUTHENTICATE, challenge)
                .body(())
                .unwrap();
            assert_eq!(refuses_token(&response), expected, "{name}");
        }
        let two = Response::builder()
            .status(401)
            .header(header::WWW_AUTHENTICATE, "Negotiate")
            .header(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
            .body(())
            .unwrap();
        assert!(refuses_token(&two), "two headers");
    }

    proptest! {
        #[test]
        fn any_challenge_is_read(text in r#"[Bbearer=", \\\u{e9}invalid_token]{0,60}"#) {
            let _ = has_invalid_token(&text);
        }
    }
}
