//! Paths and functions of XPath and XQuery.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

/// What an XML parser behind an application would resolve.
pub(super) mod entity {
    use crate::waf::detect::macros::patterns;
    use crate::waf::view::Places;

    patterns! {
        class Xxe, tags &["xml"], places Places::VALUES;
        WORDS: "xxe-entity-words", STRONG, "the declaration of an entity from outside, with or without its bracket",
            literals ["!entity"], r"!entity\s+(?:%\s*)?[\w.:-]+\s+(?:system|public)\b",
            ["!ENTITY % x SYSTEM"], ["!entity of the system"];
    }
}

patterns! {
    class Xpath, tags &["xml"], places Places::VALUES;
    AXIS: "xpath-axis", STRONG, "an axis of XPath",
        literals ["::"], r"\b(?:ancestor|child|descendant|following|parent|preceding|self|attribute|namespace)(?:-or-self|-sibling)?::(?:\*|node\b|text\b|comment\b|\w+\s*[\[/=)])",
        ["x' or ancestor::node()"], ["self::new"];
    XPATH: "xpath-function", STRONG, "functions and paths of XPath",
        literals ["//", "//*", "| /", "|/", "string-length", "count(", "count (", "name(", "name (", "text(", "node(", "position(", "position (", "last(", "last (", "doc(", "substring("], r"(?:\b(?:count|name|local-name|string|substring|doc|string-length)\s*\(\s*(?:/{1,2}[\w*@]|(?:name|text|node)\s*\()|\]\s*\|\s*/{1,2}[\w*]|//\*\s*\[|^/{0,2}//\w+\[\s*@?\w+\s*=\s*['\x22]|(?:\]|'|\x22)\s*(?:or|and)\s+(?:position|last|text|name)\s*\(\s*\)\s*[=<>])",
        ["count(/child::node())", "x'] | //user", "' or position()=1 or 'a'='b"], ["// a comment", "http://example.com/"];
}
