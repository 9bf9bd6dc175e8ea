//! Includes of servers and of caches in front of them.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Ssi, tags &["html"], places Places::VALUES;
    DIRECTIVE: "ssi-directive", STRONG, "a directive for the server within a page",
        literals ["<!--#", "<!--", "<esi:"], r"(?:<!--\s{0,4}#\s{0,4}(?:exec|include|echo|config|printenv|set|flastmod|fsize|if|elif|else|endif)\b|<esi:(?:include|remove|comment|inline|debug|vars|try|choose|assign|when|otherwise|attempt|except|eval|function|foreach|text)\b)",
        ["<!--#exec cmd=\"id\"-->", "<esi:include src='x'/>"], ["<!-- echo -->"];
}
