//! Operators of document databases, and lookups of object mappers.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Nosql, tags &["nosql"], places Places::VALUES;
    OPERATOR: "nosql-operator", STRONG, "an operator of a document database",
        literals ["$"],
        r"(?:\[\s*['\x22]?\$(?:ne|eq|gte?|lte?|n?in|n?or|and|not|where|regex|exists|elemmatch|all|size|mod|type|expr|jsonschema|function|options)['\x22]?\s*\]|(?:^|[{,\s'\x22(.])\$(?:ne|eq|gte?|lte?|n?in|n?or|and|not|where|regex|exists|elemmatch|mod|expr|jsonschema|function|accumulator|lookup)['\x22]?\s*:|^\$(?:ne|eq|gte?|lte?|nin|n?or|not|where|regex|exists|elemmatch|mod|expr|jsonschema|function|accumulator)$)",
        ["user[$ne]=x", "{\"$gt\":\"\"}", "x', $or: [ {}"], ["$existingUser", "$100: a price", "$filter"];
    SCRIPT: "nosql-script", STRONG, "a script for a document database",
        literals ["db.", "this.", "tojson", "return"],
        r"(?:\bdb\.\w+\.(?:find|insert|drop|remove|update|delete|mapreduce|aggregate|count|distinct)\w*\s*\(|\bthis\.\w+\s*(?:==|!=|\.match\s*\()|['\x22]\s*(?:\|\||&&)\s*this\.|;\s*return\s+(?:true|1|!0|\w+\s*==)|['\x22]\s*;\s*return\b)",
        ["db.users.drop()", "'; return true; var x='"], ["a happy return; true story"];
    COMPARISON: "nosql-comparison", STRONG, "strings compared as JavaScript does",
        literals ["=="], r"['\x22]\s*(?:\|\||&&)\s*['\x22]?\w*['\x22]?\s*={2,3}\s*['\x22]?\w*", ["' || 'a'=='a"], ["a == b"];
    ORM_LOOKUP: "generic-orm-lookup", STRONG, "a lookup through the relations of an object mapper",
        literals ["__"],
        r"^(?:\w+?__\w+?(?:__\w+?)*|(?:user(?:name)?|password|passwd|token|secret|email|api_?key|is_staff|is_superuser)\w{0,16})__(?:i?contains|i?startswith|i?endswith|i?regex|i?exact|has_keys?|has_any_keys|contained_by|isnull|gte?|lte?)$",
        ["user__profile__icontains", "password__startswith"], ["created__gte", "__schema"];
}
