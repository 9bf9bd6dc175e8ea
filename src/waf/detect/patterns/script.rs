//! Scripts that leave a string and call whatever is at hand.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Xss, tags &["javascript"], places Places::VALUES;
    BREAK: "xss-string-break", STRONG, "a string of a script ends, and a function is called",
        literals ["';", "\";", "'}", "\"}", "')", "\")", "']", "\"]"],
        r"^[^'\x22\s]{0,16}['\x22][\s})\]]*;\s*[a-z_$][\w.$]*\([^)\r\n]{0,64}\)\s*;?\s*(?:['\x22]|//|/\*|<!--|$)",
        ["';x();'", "\";a.b(1)//", "'});go();//"], ["'tis; so(on)", "it's; f(x)", "\"; then (ask)"];
}
