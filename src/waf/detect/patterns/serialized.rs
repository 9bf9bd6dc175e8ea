//! Serialized objects of Python, Ruby and .NET, and YAML that makes objects.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Generic, tags &["serialized"], places Places::VALUES;
    OBJECT: "generic-serialized", STRONG, "a serialized object that runs code when it is read",
        literals ["!!python", "!ruby/", "!!javax", "!!java.", "!!com.", "!!org.", "aaeaaad", "cos\n", "cposix\n", "csubprocess\n", "builtin", "cnt\n", "gasv", "gajc", "gajj", "ganc", "ganj", "bahv", "objectdataprovider", "$type", "typeconfusedelegate", "cposix\\n", "cos\\n"],
        r"(?:!!python/(?:object|name|module)|!ruby/(?:object|hash|struct|marshalable)|!!(?:javax?|com|org)\.\w+\.|^(?-i:AAEAAAD/{5})|^\s*c(?:os|posix|nt|subprocess|__builtin__|builtins)(?:\n|\\n)\w+(?:\n|\\n)|^(?-i:gASV[A-Za-z0-9+/]{1,4}A{6,10}[A-Z]|gA[JN][cj][A-Za-z0-9+/]{12}|BAhv[A-Z][A-Za-z0-9+/]{8})|\bobjectdataprovider\b|\btypeconfusedelegate\b|['\x22]\$type['\x22]\s*:\s*['\x22](?:system\.(?:windows|diagnostics|configuration|management|io|security|web\.security|activities|workflow|data\.services)|microsoft\.(?:build|identity|powershell)))",
        ["!!python/object/apply:os.system ['id']", "--- !ruby/object:Gem::Installer", "cos\nsystem\n(S'id'\ntR.", "gASVHAAAAAAAAACMBXBvc2l4", "BAhvOh1BY3RpdmVTdXBw", "{\"$type\":\"System.Windows.Data.ObjectDataProvider, PresentationFramework\"}"], ["python objects!!", "ruby/object", "{\"$type\":\"Example.Shop.Order, Shop\"}", "gASVnotpickle"];
    FORMULA: "generic-formula", STRONG, "a formula of a spreadsheet that runs a program or fetches an address",
        literals ["cmd|", "cmd |", "excel|", "powershell|", "rundll32|", "mshta|", "regsvr32|", "certutil|", "importxml", "importdata", "importfeed", "importhtml", "webservice", "dde(", "ddeauto", "hyperlink("],
        r"(?:^\s*[=+@-][^\r\n]{0,40}(?:cmd|msexcel|powershell|rundll32|mshta|regsvr32|certutil)\s*\|\s*['\x22]|^\s*[=+@-]\s*(?:importxml|importdata|importfeed|importhtml|webservice)\s*\(|\bdde(?:auto)?\s*\(?\s*['\x22]?cmd\b|^\s*=\s*hyperlink\s*\([^\r\n)]*['\x22]\s*&\s*[a-z]{1,3}\d)",
        ["=cmd|'/c calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "=IMPORTXML(\"http://evil.example\",\"//a\")", "DDE(\"cmd\";\"/C calc\";\"x\")"],
        ["=SUM(A1:A10)", "=HYPERLINK(\"https://example.com\",\"here\")", "the cmd | 'key'"];
    FORMAT: "generic-format-string", STRONG, "directives of a format string, one behind the other",
        literals ["%s%s", "%n%n", "%x%x", "%p%p", "%d%d", "%n %n", "%x.%x"], r"(?:(?:%\d{0,3}\$?[nspxd][.,\s]?){5}|(?:%n){3})", ["%s%s%s%s%s%s", "%n%n%n", "%x.%x.%x.%x.%x"], ["%s of %s", "50%sale"];
}
