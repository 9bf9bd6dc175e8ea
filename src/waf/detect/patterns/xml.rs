//! Document types and entities of XML, includes of servers.

use crate::waf::detect::macros::patterns;
use crate::waf::view::{Place, Places};

patterns! {
    class Xxe, tags &["xml"], places Places::VALUES.and(&[Place::XmlDocument, Place::File]);
    ENTITY: "xxe-entity", STRONG, "an entity is declared",
        literals ["<!entity"], r"<!entity\s+(?:%\s*)?[\w.:-]+\s+(?:system|public|['\x22]|&|%)", ["<!ENTITY x SYSTEM \"file:///etc/passwd\">"], ["an entity"];
    DOCTYPE: "xxe-doctype", STRONG, "a document type with declarations of its own, or from elsewhere",
        literals ["<!doctype"], r"<!doctype\s+(?:[\w.:-]+\s*\[|[\w.:-]+\s+system\s*['\x22]|[\w.:-]+\s+public\s+['\x22][^'\x22]*['\x22]\s+['\x22](?:file|ftp|gopher|php|jar|netdoc|expect|data|http://[^w])|[\w.:-]+\s+%)",
        ["<!DOCTYPE x [<!ELEMENT x ANY>]>", "<!DOCTYPE x SYSTEM \"http://evil.example/x.dtd\">"], ["<!DOCTYPE html>"];
    INCLUDE: "xxe-include", STRONG, "another document is included",
        literals ["xinclude", "xi:include", "xsl:", "<xsl"], r"(?:\bhttp://www\.w3\.org/2001/xinclude\b|<xi:include\b|<xsl:(?:stylesheet|include|import|value-of|copy-of|template)\b)",
        ["<xi:include href='file:///etc/passwd'/>"], [];
    SSI: "ssi-directive", STRONG, "a directive for the server within a page",
        literals ["<!--#", "<!--", "<esi:"], r"(?:<!--\s{0,4}#\s{0,4}(?:exec|include|echo|config|printenv|set|flastmod|fsize|if|elif|else|endif)\b|<esi:(?:include|remove|comment|inline|debug|vars|try|choose)\b)",
        ["<!--#exec cmd=\"id\"-->", "<esi:include src='x'/>"], ["<!-- echo -->"];
}
