//! JavaScript that a server would run.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Nodejs, tags &["javascript"], places Places::VALUES;
    SERIALIZED: "nodejs-serialized", STRONG, "a serialized function",
        literals ["nd_func", "js_function"], r"_\$\$nd_func\$\$_|__js_function", ["_$$ND_FUNC$$_function(){}"], [];
    MODULE: "nodejs-module", STRONG, "a module that reaches files or programs",
        literals ["require(", "require (", "require.", "child_process", "_load", "mainmodule", "import(", "import ("],
        r"(?:\bchild_process\b|\brequire\s*\(\s*['\x22`]?(?:child_process|fs|vm|net|os|http|dns|cluster|module|util|x)\b['\x22`]?|\brequire\.(?:main|resolve|extensions|cache)\b|\bconstructor\._load\b|\bmainmodule\b|\bimport\s*\(\s*['\x22`](?:node:|fs|child_process|os|vm))",
        ["require('child_process').exec('id')", "process.mainModule"], ["we require (at least) two"];
    PROCESS: "nodejs-process", STRONG, "the process of the server",
        literals ["process.", "process[", "process [", "process .", "global.process", "global[", "globalthis.process", "runinthiscontext", "runinnewcontext", "runincontext", "arguments.callee", "buffer.from"], r"\bglobal(?:this)?\s*(?:\.\s*process\b|\[\s*['\x22`]process)|\bvm\.runin(?:this|new)?context\b|\barguments\.callee\b|\bbuffer\.from\s*\(\s*['\x22`\[]|\bprocess\s*(?:\[\s*['\x22`\w]|\.\s*(?:env|mainmodule|binding|dlopen|kill|exit|argv|cwd|stdout|_linkedbinding)\b)", ["process.env", "process[mainModule"], ["the process. Environment"];
    CONSOLE: "nodejs-console", STRONG, "a call of the console",
        literals ["console.", "console[", "console ."], r"\bconsole\s*(?:\.\s*(?:debug|error|info|trace|warn|dir|table)(?:\s*\.\s*(?:call|apply|bind))?\s*\(|\[\s*['\x22`](?:debug|error|info|trace|warn|log|dir)['\x22`]\s*\])",
        ["console.info(1)", "console['info'](1)"], ["console.", "console table (wood)"];
    FUNCTION: "nodejs-function", STRONG, "a function without a name, or made of a string",
        literals ["new function", "function(", "function (", "this.constructor", "constructor.constructor", "constructor'", "constructor\"", "constructor`"], r"(?:\bnew\s+function\s*\(|\bfunction\s*\(\s*\)\s*\{|\bthis\.constructor\b|\bconstructor\.constructor\b|\[\s*['\x22`]constructor['\x22`]\s*\])",
        ["new Function (", "this.constructor.constructor"], ["the function (of) x"];
    SYNC: "nodejs-file-call", STRONG, "a call that reads or writes files or runs programs at once",
        literals ["filesync", "dirsync", "linksync", "execsync", "spawnsync", "renamesync", "rmsync", "statsync", "fs.read", "fs.write", "fs.unlink", "fs.rm", "fs.append"], r"\b(?:read(?:file|dir|link)|writefile|appendfile|exec(?:file)?|spawn|unlink|rename|mkdir|rm|stat)sync\b|\bfs\.(?:read|write|unlink|rm|append)\w*\s*\(",
        ["readdirSync('/')"], ["sync files"];
    LOOP: "nodejs-endless-loop", STRONG, "a loop without end",
        literals ["while(", "while ("], r"\bwhile\s*\(\s*[!+~\s-]*(?:\d+|true|false|null|nan|undefined|infinity|\x22\x22|''|``|\[\s*\]|\{\s*\})\s*\)",
        ["while(!0);", "while (true)"], ["while (you wait)"];
    FLIGHT: "nodejs-flight", STRONG, "a reference to a constructor or a prototype in a serialized tree",
        literals [":constructor", ":prototype", ":__proto__", "resolved_model"], r"\$\w{0,8}:(?:\w+:){0,4}(?:constructor|prototype|__proto__)\b|['\x22]status['\x22]\s*:\s*['\x22]resolved_model['\x22]",
        ["$1:constructor:constructor"], [];
    TIMER: "nodejs-busy-wait", STRONG, "a script that waits",
        literals ["new date"], r"\bnew\s+date\b[^\r\n]*\bwhile\s*\(|\bwhile\s*\([^\r\n]*new\s+date\b", ["var a=new Date();do{b=1}while(b-a<9)"], ["a new date while you wait"];
}
