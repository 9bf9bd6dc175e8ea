//! What is wrong with a request whatever its texts say: that two parsers would read it
//! differently, or that none should read it (CWE-436, ASVS 5.0 1.1.1, 4.2.1).

use super::Class;
use super::signal::{Finding, Sample, Weight};

macro_rules! findings {
    ($($ident:ident = $id:literal, $name:literal, $weight:ident, $level:literal,
        hits: [$($hit:expr),* $(,)?], misses: [$($miss:expr),* $(,)?];)+) => {
        $(pub(super) static $ident: Finding = Finding {
            id: $id,
            name: $name,
            class: Class::Protocol,
            weight: Weight::$weight,
            level: $level,
            tags: &[],
            hits: &[$($hit),*],
            misses: &[$($miss),*],
        };)+

        /// Every finding of this kind.
        pub(super) static FINDINGS: &[&Finding] = &[$(&$ident),+];
    };
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=b";

findings! {
    METHOD = "protocol-method", "a method that only tests and attacks use", STRONG, 1,
        hits: [Sample::Sent("TRACE", ""), Sample::Sent("debug", "")],
        misses: [Sample::Sent("PATCH", ""), Sample::Sent("OPTIONS", "")];
    LENGTHS = "protocol-lengths", "more than one length of the body", STRONG, 1,
        hits: [Sample::Header("content-length", "1, 2")],
        misses: [Sample::Header("content-length", "0")];
    CONTENT_ENCODING = "protocol-content-encoding", "a compressed body, which nobody here looks into", STRONG, 1,
        hits: [Sample::Header("content-encoding", "gzip")],
        misses: [Sample::Header("content-encoding", "identity")];
    TRANSFER_ENCODING = "protocol-transfer-encoding", "a transfer coding that nobody here undoes, or two", STRONG, 1,
        hits: [
            Sample::Header("transfer-encoding", "gzip, chunked"),
            Sample::Header("transfer-encoding", "identity"),
        ],
        misses: [Sample::Header("transfer-encoding", "Chunked")];
    HOSTS = "protocol-hosts", "more than one host", STRONG, 1,
        hits: [Sample::Header("host", "other.example")],
        misses: [Sample::Header("x-forwarded-host", "other.example")];
    CHARSET = "protocol-charset", "a charset in which attacks can hide, or two", STRONG, 1,
        hits: [
            Sample::Body("application/x-www-form-urlencoded; charset=ibm037", "a=1"),
            Sample::Body("application/json; charset=utf-7", "{}"),
            Sample::Body("text/plain; charset=utf-8; charset=latin1", "a"),
        ],
        misses: [
            Sample::Body("application/json; charset=UTF-8", "{}"),
            Sample::Body("text/plain; charset=\"iso-8859-1\"", "a"),
        ];
    CONTENT_TYPE = "protocol-content-type", "a content type that is none, or more than one", STRONG, 1,
        hits: [
            Sample::Body("application", "a"),
            Sample::Body("application/x-www-form-urlencoded;boundary=\"application/json\"", "a=1"),
        ],
        misses: [Sample::Body("application/vnd.api+json", "{}")];
    NUL = "protocol-nul", "a NUL in a text", STRONG, 1,
        hits: [Sample::Query("a=x%00.jpg"), Sample::Path("/a%00b")],
        misses: [Sample::Query("a=x%2000")];
    CONTROL = "protocol-control", "a control character in a text", MEDIUM, 2,
        hits: [Sample::Query("a=x%01y")],
        misses: [Sample::Query("a=x%09y")];
    OVERLONG = "protocol-overlong", "an overlong encoding of an ASCII character", STRONG, 1,
        hits: [Sample::Query("a=%c0%af"), Sample::Query("a=%e0%80%af")],
        misses: [Sample::Query("a=%c3%a9"), Sample::Query("a=%e0%a4%85")];
    FULLWIDTH_ESCAPE = "protocol-fullwidth-escape", "a fullwidth character written as %u", STRONG, 1,
        hits: [Sample::Query("a=foo%uFF01")],
        misses: [Sample::Query("a=%u00e9"), Sample::Query("a=%EF%BC%81")];
    HIDDEN_ESCAPE = "protocol-hidden-escape", "an ASCII letter written as a Unicode escape", MEDIUM, 1,
        hits: [Sample::Query("a=%5Cu0061lert")],
        misses: [Sample::Query("a=caf%5Cu00e9")];
    NESTED = "protocol-nested-encoding", "encodings within encodings, deeper than is looked", STRONG, 1,
        hits: [Sample::Query("a=%252525252525252525253C")],
        misses: [Sample::Query("a=%25253C")];
    JSON = "protocol-json", "a body that is announced as JSON and is none", STRONG, 1,
        hits: [Sample::Body("application/json", "{\"a\":")],
        misses: [Sample::Body("application/json", "{\"a\":[1,2.5e3,true,null,\"x\"]}")];
    JSON_DUPLICATE = "protocol-json-duplicate", "a JSON object with the same key twice", STRONG, 1,
        hits: [Sample::Body("application/json", "{\"a\":1,\"a\":2}"), Sample::Body("application/json", "{\"a\":1,\"\\u0061\":2}")],
        misses: [Sample::Body("application/json", "[{\"a\":1},{\"a\":2}]")];
    DUPLICATE = "protocol-duplicate", "a parameter that was sent twice", STRONG, 1,
        hits: [Sample::Query("a=1&b=2&a=3")],
        misses: [Sample::Query("a=1&b=2&A=3")];
    DEPTH = "protocol-depth", "a body nested deeper than is looked", STRONG, 1,
        hits: [Sample::Long("application/json", ["", "[", ""], 100)],
        misses: [Sample::Body("application/json", "[[[[1]]]]")];
    FIELDS = "protocol-fields", "more fields than are looked at", STRONG, 1,
        hits: [Sample::Long("application/json", ["[", "\"x\",", "1]"], 5000)],
        misses: [Sample::Long(FORM, ["", "a=1&", ""], 500)];
    WORK = "protocol-work", "a text that takes more work to read than its size is worth", STRONG, 1,
        hits: [], misses: [Sample::Long(FORM, ["", "%252541", ""], 5000)];
    MULTIPART_BROKEN = "protocol-multipart", "a multipart body that parsers read differently", STRONG, 1,
        hits: [
            Sample::Body("multipart/form-data", "--b\r\n\r\n--b--"),
            Sample::Body(MULTIPART, "no part at all"),
            Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nopen end"),
            Sample::Body("multipart/form-data; boundary=b; boundary=c", "--b--"),
        ],
        misses: [Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n")];
    PART_NAME = "protocol-part-name", "a name of a part that parsers read differently", STRONG, 1,
        hits: [Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a;b\"\r\n\r\nx\r\n--b--\r\n")],
        misses: [
            Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a[]\"; filename=\"it's; a photo.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--b--\r\n"),
        ];
    PART_HEADER = "protocol-part-header", "a part with a charset or an encoding of its own", STRONG, 1,
        hits: [
            Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+ADw-\r\n--b--\r\n"),
            Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--\r\n"),
        ],
        misses: [Sample::Body(MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n--b--\r\n")];
    COOKIE_VERSION = "protocol-cookie-version", "a cookie of RFC 2109, whose quotes hide other cookies", STRONG, 1,
        hits: [Sample::Header("cookie", "$Version=1; session=\"a; b=c\"")],
        misses: [Sample::Header("cookie", "session=abc; theme=dark")];
    DEVICE_CHARSET = "protocol-device-charset", "a header by which ASP.NET takes another charset", STRONG, 1,
        hits: [Sample::Header("x-up-devcap-post-charset", "ibm500")],
        misses: [Sample::Header("accept-charset", "utf-8")];
    PERCENT = "protocol-percent", "a percent sign that begins no escape", MEDIUM, 2,
        hits: [Sample::Query("a=100%&b=1")],
        misses: [Sample::Query("a=100%25&b=1")];
    RANGES = "protocol-ranges", "more ranges than a client has use for", STRONG, 2,
        hits: [Sample::Header("range", "bytes=0-1,2-3,4-5,6-7,8-9,10-11")],
        misses: [Sample::Header("range", "bytes=0-499,1000-1499")];
    REQUEST_RANGE = "protocol-request-range", "a header of clients that are long gone", STRONG, 1,
        hits: [Sample::Header("request-range", "bytes=0-1")],
        misses: [Sample::Header("range", "bytes=0-1")];
    METHOD_OVERRIDE = "protocol-method-override", "another method than the request's own, in a field", STRONG, 2,
        hits: [Sample::Header("x-http-method-override", "DELETE"), Sample::Query("_method=delete")],
        misses: [Sample::Header("x-requested-with", "XMLHttpRequest"), Sample::Query("method=delete")];
    UNKNOWN_TYPE = "protocol-unknown-type", "a content type that nothing here can read", STRONG, 2,
        hits: [Sample::Body("application/x-own", "a")],
        misses: [Sample::Body("text/markdown", "a"), Sample::Body("application/json", "{}")];
    BODY_OF_GET = "protocol-body-of-get", "a body where the method has none", FAINT, 2,
        hits: [Sample::Sent("GET", "a")], misses: [Sample::Sent("POST", "a"), Sample::Sent("GET", "")];
}

/// Methods that no application wants from a client: they echo requests, open tunnels or start
/// debuggers.
pub(super) const FORBIDDEN_METHODS: [&str; 4] = ["TRACE", "TRACK", "CONNECT", "DEBUG"];

/// The most ranges of RFC 9110 section 14.2 that a request may ask for.
pub(super) const MAX_RANGES: usize = 5;

/// Charsets whose ASCII half is ASCII, as labels of the Encoding Standard.
const CHARSETS: [&str; 10] = [
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "iso-8859-1",
    "latin1",
    "iso-8859-15",
    "windows-1252",
    "cp1252",
    "utf-16",
];

/// Whether a body in this charset is read as it is meant.
pub(super) fn is_known_charset(name: &str) -> bool {
    CHARSETS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        for known in ["UTF-8", "iso-8859-1"] {
            assert!(is_known_charset(known), "{known}");
        }
        for unknown in ["", "utf-7", "ibm037", "UTF-80", "shift-jis", "utf-8 "] {
            assert!(!is_known_charset(unknown), "{unknown}");
        }
    }
}
