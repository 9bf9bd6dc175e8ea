//! Conditions of scripts that a document database runs.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Nosql, tags &["javascript"], places Places::VALUES;
    CONDITION: "nosql-condition", STRONG, "a string of a script is left for a condition that always holds",
        literals ["=="], r"['\x22]\s*(?:\|\||&&)\s*(?:\d+|'[^'\r\n]*'|\x22[^\x22\r\n]*\x22)\s*={2,3}\s*(?:\d|['\x22])",
        ["' || 1==1//", "x' && 'a'=='a"], ["'a' == 'b' || c", "if (a || 1 == b)"];
}
