//! Phrases of SQL that need no parser.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Sqli, tags &["sql"], places Places::VALUES;
    PHRASE: "sqli-phrase", STRONG, "a statement that reads files, runs programs or gives rights",
        literals ["bulk ", "identified by", " returns ", "create or ", "handler ", "1.e.", ".e.", "mysql.", "infile", "load xml", " program", "grant ", "unionselect", ".e("],
        r"(?:\bload\s+(?:data|xml)\s+(?:(?:low_priority|concurrent|local)\s+){0,2}infile\b|;\s*copy\s+\S+\s+(?:from|to)\s+program\b|;\s*grant\s+\w[^\r\n]*\sto\s+\S|union(?:all)?select|(?:^|[^\w.])\d\.e(?:\s*\(|\.[a-z_])|\bbulk\s+insert\s+\S+\s+from\s*['\x22]|\bcreate\s+user\s+\S+\s+identified\s+by\s+\S|\bcreate\s+(?:aggregate\s+)?function\s+\w+\s*(?:\([^)]*\)\s*)?returns\s+\w|\bcreate\s+or\s+replace\s+(?:procedure|function|trigger|view|package|java)\b|;\s*handler\s+\S+\s+(?:open|read|close)\b|(?:^|[\s,(`=.])mysql`?\.`?(?:user|db|host|tables_priv|columns_priv|procs_priv|proc|func|global_priv|innodb_table_stats)\b(?:[^.\w-]|$))",
        ["1;load data infile \"foo\"", "1; grant all on *.* to eve", "1;copy t from program 'id'", "1.e(ascii)", "bulk insert foo from 'x'", "create function f returns int soname 'x.so'", "mysql.user"], ["the program grant; to whom", "reunions elect", "mysql.db.example"];
    ADMINISTRATION: "sqli-administration", STRONG, "a further statement that changes the server or its rights",
        literals ["set global", "set session", "set @@", "flush ", "prepare ", "merge into", "revoke ", "kill ", "backup ", "restore ", "extension", "use ", "alter system", "alter session", "alter user", "alter role", "reset ", "checkpoint", "set role", "set names", "lock table", "unlock table"],
        r"(?:;|\x3b)\s*(?:set\s+(?:(?:global|session)\s+\w+\s*(?:=|to\s)|@@|role\s+\w+\s*(?:$|[;#]|--)|names\s+\w+\s*(?:$|[;#]|--))|flush\s+(?:privileges|tables|hosts|logs|status)\b|prepare\s+\w+\s+from\s*(?:0x|[@'\x22])|merge\s+into\s+\S+(?:\s+\w+)?\s+using\b|revoke\s+[\w, ]{1,64}\s+on\s+\S+\s+from\s+\S|kill\s+(?:(?:query|connection)\s+)?\d+\s*(?:$|[;#]|--)|(?:backup|restore)\s+(?:database|log)\s+\S+\s+(?:to|from)\s+(?:disk|tape|url|database_snapshot)|create\s+extension\s+\S|use\s+(?:master|mysql|tempdb|msdb|model|information_schema)\b\s*(?:$|[;#]|--)|alter\s+(?:system|session|user|role)\s+\S+|reset\s+(?:master|slave|query\s+cache)\b|(?:un)?lock\s+tables?\b)",
        ["1;set global general_log=1", "1; flush privileges", "x';kill 5--", "1;backup database master to disk='\\\\a\\x'", "1;use master"],
        ["tea; set the table", "stop; use masters", "go; flush twice", "we kill; 5 of us"];
    TAIL: "sqli-clause-tail", STRONG, "a clause of a query right behind the end of a string or a number, and nothing more",
        literals ["for update", "offset ", "share mode", " into @", "::", "union table", "union all table", "corresponding", "\\nunion", "\\n union", "limit "],
        r"(?:['\x22]\s*\)*\s*(?:for\s+update|(?:offset|limit)\s+\d+|::\s*\w+)\s*(?:--|#|/\*|;)|^[\d'\x22)]{1,12}\s*lock\s+in\s+share\s+mode\b|^[\d'\x22)]{1,12}\s+into\s+@\w|\bunion\s+(?:all\s+|distinct\s+)?table\s+\w+\s*(?:--|#|/\*|;|order\s+by|limit\s+\d|where\s)|\bunion\s+(?:all\s+)?corresponding\s+(?:by\s*\(|select\b|\()|\\n\s*union\s*(?:all|distinct|select|\())",
        ["' for update--", "x' offset 0 #", "1 lock in share mode", "1 into @a", "' union table users-- ", "\\Nunion select 1"],
        ["the 'offset' 5", "lock in the price", "look into @home", "European union table tennis"];
}
