//! Phrases of SQL that need no parser.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Sqli, tags &["sql"], places Places::VALUES;
    PHRASE: "sqli-phrase", STRONG, "a statement that reads files, runs programs or gives rights",
        literals ["bulk ", "identified by", " returns ", "create or ", "handler ", "1.e.", ".e.", "mysql.", "infile", "load xml", " program", "grant ", "unionselect", ".e("],
        r"(?:\bload\s+(?:data|xml)\s+(?:(?:low_priority|concurrent|local)\s+){0,2}infile\b|;\s*copy\s+\S+\s+(?:from|to)\s+program\b|;\s*grant\s+\w[^\r\n]*\sto\s+\S|union(?:all)?select|(?:^|[^\w.])\d\.e(?:\s*\(|\.[a-z_])|\bbulk\s+insert\s+\S+\s+from\s*['\x22]|\bcreate\s+user\s+\S+\s+identified\s+by\s+\S|\bcreate\s+(?:aggregate\s+)?function\s+\w+\s*(?:\([^)]*\)\s*)?returns\s+\w|\bcreate\s+or\s+replace\s+(?:procedure|function|trigger|view|package|java)\b|;\s*handler\s+\S+\s+(?:open|read|close)\b|(?:^|[\s,(`=.])mysql`?\.`?(?:user|db|host|tables_priv|columns_priv|procs_priv|proc|func|global_priv|innodb_table_stats)\b(?:[^.\w-]|$))",
        ["1;load data infile \"foo\"", "1; grant all on *.* to eve", "1;copy t from program 'id'", "1.e(ascii)", "bulk insert foo from 'x'", "create function f returns int soname 'x.so'", "mysql.user"], ["the program grant; to whom", "reunions elect", "mysql.db.example"];
}
