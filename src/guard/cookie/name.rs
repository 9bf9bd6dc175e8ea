use http::HeaderValue;

/// The name of the cookie that this `Set-Cookie` sets.
pub(crate) fn name_of(set_cookie: &HeaderValue) -> Option<&[u8]> {
    set_cookie
        .as_bytes()
        .split(|byte| *byte == b'=')
        .next()
        .map(trim)
}

/// Only what browsers trim as well (RFC 6265 section 5.2). Any other white space is part of
/// the name to them, which then has no `__Host-` prefix: every subdomain may set it.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
