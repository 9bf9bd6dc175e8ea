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
            literals ["!entity", "!notation", ";%", "; %"], r"(?:!(?:entity|notation)\s+(?:%\s*)?[\w.:-]+\s+(?:system|public)\b|^\s*%[a-z]\w{1,15};\s*(?:%[a-z]\w{1,15};\s*)+$)",
            ["!ENTITY % x SYSTEM", "<!NOTATION gif SYSTEM \"x\">", "%remote;%send;"], ["!entity of the system", "50%; 60%;"];
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
    CONDITION: "xpath-condition", STRONG, "a condition of XPath behind the end of a string",
        literals ["contains(", "starts-with", "normalize-space", "string-length", "translate(", "doc(", "doc-available"],
        r"(?:['\x22\])]\s*(?:or|and)\s+(?:not\s*\(\s*)?(?:contains|starts-with|normalize-space|string-length|translate|doc|doc-available)\s*\(|\bdoc(?:-available)?\s*\(\s*['\x22](?:https?|file|ftp):|\bunparsed-text\s*\()",
        ["') or contains(name,'", "' or starts-with(name(),'a", "doc('http://evil.example/x')"], ["it contains (a) or (b)", "see doc (x)"];
    STEPS: "xpath-steps", STRONG, "steps of a path of XPath, or a loop of XQuery",
        literals ["/*/*", "/*[", "/text()", "//", "for $", "return $"],
        r"(?:^\s*/{1,2}\*\s*$|/\*/\*|/\*\[\d+\]|//\w+\[\s*[\w/@:*().-]{1,40}\s*=\s*['\x22]|/text\(\)\s*(?:$|[=\]])|\bfor\s+\$\w+\s+in\s+\S{1,80}\s+return\s+\S)",
        ["/*/*[1]/text()", "//*", "//user[name/text()='admin']", "for $i in //user return $i"], ["*/*", "for $5 in cash return", "//cdn.example/a[1]"];
}
