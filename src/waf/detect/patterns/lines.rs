//! Line breaks that something further on will make of escapes.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Crlf, tags &["header"], places Places::VALUES;
    ESCAPED: "crlf-escaped", STRONG, "an escaped line break and a header of an answer",
        literals ["\\nset-cookie", "\\rset-cookie", "\\ncontent-", "\\rcontent-", "\\nlocation", "\\rlocation", "\\n set-cookie"],
        r"(?:\\[rn])+\s?(?:set-cookie|content-(?:length|type|encoding|disposition)|location)\s*:",
        ["x\\r\\nSet-Cookie:a=b", "\\nLocation: //evil.example"], ["\\nlocation of the house"];
}
