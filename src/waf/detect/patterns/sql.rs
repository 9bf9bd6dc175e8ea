//! Phrases of SQL that need no parser.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Sqli, tags &["sql"], places Places::VALUES;
    PHRASE: "sqli-phrase", STRONG, "a statement that reads files, runs programs or gives rights",
        literals ["mysql.", "infile", "load xml", " program", "grant ", "unionselect", ".e("],
        r"(?:\bload\s+(?:data|xml)\s+(?:(?:low_priority|concurrent|local)\s+){0,2}infile\b|;\s*copy\s+\S{1,80}\s+(?:from|to)\s+program\b|;\s*grant\s+\w[^\r\n]{0,80}\sto\s+\S|union(?:all)?select|(?:^|[^\w.])\d\.e\s*\(|(?:^|[\s,(`=.])mysql`?\.`?(?:user|db|host|tables_priv|columns_priv|procs_priv|proc|func|global_priv|innodb_table_stats)\b(?:[^.\w-]|$))",
        ["1;load data infile \"foo\"", "1; grant all on *.* to eve", "1;copy t from program 'id'", "1.e(ascii)", "mysql.user"], ["the program grant; to whom", "reunions elect", "mysql.db.example"];
}
