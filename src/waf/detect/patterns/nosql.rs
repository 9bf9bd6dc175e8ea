//! Conditions of scripts that a document database runs.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Nosql, tags &["javascript"], places Places::VALUES;
    CONDITION: "nosql-condition", STRONG, "a string of a script is left for a condition that always holds",
        literals ["==", "true//", "|| 1//", "||1//", "!0//", "true //"], r"['\x22]\s*(?:\|\||&&)\s*(?:\d+|'[^'\r\n]*'|\x22[^\x22\r\n]*\x22)\s*={2,3}\s*(?:\d|['\x22])|['\x22]\s*\|\|\s*(?:true|1|!0)\s*//",
        ["' || 1==1//", "x' && 'a'=='a"], ["'a' == 'b' || c", "if (a || 1 == b)"];
    COMMAND: "nosql-command", STRONG, "a command for a document database, or a condition in its language",
        literals ["db.", "$where"],
        r"(?:\bdb\.(?:getcollectionnames|getcollectioninfos|dropdatabase|getsiblingdb|getcollection|admincommand|runcommand|getusers|createuser|shutdownserver|serverstatus|hostinfo|version|listcommands)\s*\(|^\s*['\x22]?\$where['\x22]?\s*:\s*\S)",
        ["db.getCollectionNames()", "db.dropDatabase()", "$where: '1 == 1'"], ["the db. version (new)", "db.users", "use $where"];
}
