//! Names that tell whoever planted them that somebody looked them up.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Scanner, tags &["callback"], places Places::VALUES;
    CALLBACK: "scanner-callback", STRONG, "a name under a domain of tools that wait for calls",
        literals ["interact.sh", "oastify.com", "burpcollaborator.net", "oast.", "dnslog.cn", "ceye.io", "bxss.me", "requestrepo.com", "canarytokens.com", "xss.ht", "r87.me", "eyes.sh"],
        r"[a-z0-9-]+\.(?:interact\.sh|oastify\.com|burpcollaborator\.net|oast\.(?:fun|pro|live|site|online|me)|dnslog\.cn|ceye\.io|bxss\.me|requestrepo\.com|canarytokens\.com|xss\.ht|r87\.me|eyes\.sh)(?:$|[^\w.-])",
        ["root@c1a2.interact.sh", "x.oastify.com"], ["interact.sharply", "toast.me"];
}
