//! Line breaks that begin a header, a response or a request of their own.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Crlf, tags &["http"], places Places::VALUES;
    HEADER: "crlf-header", STRONG, "a line break and a header",
        literals ["\r", "\n"],
        r"[\r\n]\s*(?:content-(?:type|length|disposition|encoding|security-policy|location)|set-cookie2?|location|transfer-encoding|access-control-allow-\w+|x-(?:forwarded-\w+|xss-protection|frame-options|injected[\w-]*|sendfile)|remote-addr|host|refresh|status|link|cache-control|proxy-\w+|authorization|clear-site-data|www-authenticate)\s*\r*\s*:",
        ["x\r\nSet-Cookie: a=b", "\nContent-Length: 0"], ["first line\nsecond: line"];
    UNICODE_BREAK: "crlf-unicode", STRONG, "a letter that becomes a line break when cut to a byte",
        literals ["\u{560a}", "\u{560d}"], r"\xe5\x98[\x8a\x8d]", ["\u{560d}Set-cookie:x"], ["\u{5610}"];
    RESPONSE: "crlf-response", STRONG, "a line break and a whole response",
        literals ["http/"], r"[\r\n]\s*http/\d(?:\.\d)?\s+\d{3}\b", ["x\r\nHTTP/1.1 200 OK"], ["HTTP/1.1 200 OK is a status line"];
    REQUEST: "crlf-request", STRONG, "a line break and a whole request",
        literals ["http/"], r"(?:^|[\r\n])\s*(?:get|post|head|options|connect|put|delete|trace|track|patch|propfind|copy|move|lock)\s+\S+\s+http/\d",
        ["x\r\nGET /admin HTTP/1.1"], ["GET /x HTTP is how it begins"];
    COOKIE: "session-cookie-set", STRONG, "a cookie that the page is made to set",
        literals [".cookie", "http-equiv"], r"(?:\.cookie\b[^\r\n]{0,200};\W{0,8}(?:expires|domain)\W{0,8}=|http-equiv\W{1,4}set-cookie\b)",
        [".cookie=x;expires=1"], ["my cookie jar"];
}
