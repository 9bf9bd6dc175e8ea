//! Filters of LDAP and paths of XML.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Ldap, tags &["ldap"], places Places::VALUES;
    FILTER: "ldap-filter", STRONG, "a filter is closed and another begun",
        literals [")"], r"^[^:()&|!<>~]{0,200}\)\s*(?:\(\s*[&|!]|\)\s*\(\s*[&|!]|[&|!]?\s*\(\s*[\w.;-]+\s*[><~]?=)",
        ["*)(uid=*", "x))(|(cn=*", "val)|(uid=*"], ["(a) and (b)", "User(name),Images(url)"];
    ANY: "ldap-any", STRONG, "a filter that fits everything",
        literals ["=*"], r"(?:\(\s*[|&!]\s*\(\s*[\w-]+\s*=\s*\*|\(\s*(?:objectclass|uid|cn|sn|mail|userpassword|samaccountname)\s*=\s*\*\s*\))",
        ["*(|(objectclass=*))"], ["(a=b)"];
    MATCHING_RULE: "ldap-matching-rule", STRONG, "a comparison by a rule of matching",
        literals [":="], r"^\s*[\w-]+:(?:dn:)?\d+(?:\.\d+){2,}:=", ["userPassword:2.5.13.18:=123"], ["x:=1"];
    AXIS: "xpath-axis", STRONG, "an axis of XPath",
        literals ["::"], r"\b(?:ancestor|child|descendant|following|parent|preceding|self|attribute|namespace)(?:-or-self|-sibling)?::(?:\*|node\b|text\b|comment\b|\w+\s*(?:[\[/=)]|$))",
        ["x' or ancestor::node()"], ["self::new"];
    XPATH: "xpath-function", STRONG, "functions and paths of XPath",
        literals ["(/", "//", "string-length", "()"], r"(?:\b(?:count|name|local-name|string|substring|doc|string-length)\s*\(\s*(?:/{1,2}[\w*@]|(?:name|text|node)\s*\()|\]\s*\|\s*/{1,2}[\w*]|//\*\s*\[|(?:\]|'|\x22)\s*(?:or|and)\s+(?:position|last|text|name)\s*\(\s*\)\s*[=<>])",
        ["count(/child::node())", "x'] | //user", "' or position()=1 or 'a'='b"], ["// a comment", "http://example.com/"];
}
