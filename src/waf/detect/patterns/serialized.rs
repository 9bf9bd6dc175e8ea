//! Serialized objects of Python, Ruby and .NET, and YAML that makes objects.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Generic, tags &["serialized"], places Places::VALUES;
    OBJECT: "generic-serialized", STRONG, "a serialized object that runs code when it is read",
        literals ["!!python", "!ruby/", "!!javax", "!!java.", "!!com.", "!!org.", "aaeaaad", "cos\n", "cposix\n", "csubprocess\n", "builtin", "cnt\n"],
        r"(?:!!python/(?:object|name|module)|!ruby/(?:object|hash|struct|marshalable)|!!(?:javax?|com|org)\.\w+\.|^(?-i:AAEAAAD/{5})|^\s*c(?:os|posix|nt|subprocess|__builtin__|builtins)\n\w+\n)",
        ["!!python/object/apply:os.system ['id']", "--- !ruby/object:Gem::Installer", "cos\nsystem\n(S'id'\ntR."], ["python objects!!", "ruby/object"];
}
