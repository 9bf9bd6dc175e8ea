//! What the SQL detector can find.

use crate::waf::detect::macros::findings;

findings! {
    class Sqli, tags &["sql"];
    UNION: "sqli-union", STRONG, "a second query by union",
        ["1 union all select 1,2,3", "' UNION/**/SELECT null,version()-- -"],
        ["the union selects its leaders", "union rep"];
    TAUTOLOGY: "sqli-tautology", STRONG, "a condition that holds without any table",
        ["1 or 1=1", "x' and pi()=pi()-- ", "' or 'a'='a"],
        ["2 and 3", "is 1=1 a tautology?"];
    CONDITION: "sqli-condition", MEDIUM, "a further condition", [], [];
    QUOTE_BREAK: "sqli-quote-break", STRONG, "an expression that leaves the string it stands in",
        ["a'||'b", "x' and name='admin", "'=''or'"],
        ["rock 'n' roll", "12\" x 8\"", "O'Brien & Sons"];
    COMMENT_TAIL: "sqli-comment-tail", STRONG, "a string is closed and the rest of the query commented out",
        ["admin'-- -", "x')#"],
        ["5' -- a good height", "it's -- well"];
    COMMENTED: "sqli-commented-expression", STRONG, "an expression, and the rest of the query commented out",
        ["(1*7)-- ", "@version--"],
        ["1--", "foo--"];
    SELECT: "sqli-select", STRONG, "a query",
        ["(select @@version)", "select a,b from t where 1=1"],
        ["select the blue one from the drawer"];
    SELECT_NAMES: "sqli-select-names", MEDIUM, "a query of names that could be prose", [], [];
    QUERY_TAIL: "sqli-query-tail", MEDIUM, "what follows the table of a query", [], [];
    STACKED: "sqli-stacked", STRONG, "a second statement",
        ["1; drop table users--", "x';exec xp_cmdshell 'dir'"],
        ["war; what is it good for", "help; update me"];
    STATEMENT: "sqli-statement", STRONG, "a statement",
        ["insert into users values (1)", "waitfor delay '0:0:5'"],
        ["insert sole for running shoes", "update from the mayor"];
    STATEMENT_NAMES: "sqli-statement-names", MEDIUM, "a statement that could be prose", [], [];
    ATTACK_CALL: "sqli-attack-function", STRONG, "a function that attacks call",
        ["1 and sleep(5)", "extractvalue(1,concat(0x7e,user()))"],
        ["I sleep (8 hours) well"];
    CALL: "sqli-function", MEDIUM, "a function of SQL is the whole value", [], [];
    COMPUTED: "sqli-computed", STRONG, "a number, and functions of SQL called with each other's results",
        ["234 + (1 / ascii(substring(passwd,1,1))-4)"], ["2 + 3"];
    TELLING_CALL: "sqli-telling-function", MEDIUM, "what server or user this is, wrapped in functions", [], [];
    FRAGMENT: "sqli-fragment", STRONG, "the head of a call of a function of SQL",
        ["concat_ws("], ["count on me (always)"];
    CATALOG: "sqli-catalog", STRONG, "a name of the server's own tables or procedures",
        ["information_schema.tables", "xp_cmdshell"], ["information schema of the brain"];
    CATALOG_NAMED: "sqli-catalog-named", MEDIUM, "such a name in prose", [], [];
    SERVER_VARIABLE: "sqli-server-variable", STRONG, "a variable of the server",
        ["@@version"], ["@version"];
    INTO_FILE: "sqli-into-file", STRONG, "the result of a query goes into a file",
        ["1 into outfile '/tmp/x'"], ["into the file"];
    ANALYSE: "sqli-procedure-analyse", STRONG, "procedure analyse",
        ["1 procedure analyse()"], ["procedure to analyse"];
    CONDITIONAL_COMMENT: "sqli-conditional-comment", STRONG, "a comment that MySQL runs",
        ["/*!50000union*/"], ["/* important! */"];
    CASE: "sqli-case", STRONG, "case when ... then", ["case when 1=1 then 2 else 3 end"], ["in case, when it rains, then"];
    ORDER: "sqli-order-by", STRONG, "order by or having after a value",
        ["1' order by 3#", "1 order by 10-- "], ["order by phone", "order by 3pm"];
    CAST: "sqli-cast", STRONG, "a value cast as PostgreSQL does", ["password::int", "'1'::json"], ["std::vector"];
    JSON: "sqli-json-operator", STRONG, "strings compared as documents",
        ["'{\"b\":2}' <@ '{\"a\":1}'"], ["'a' and 'b'"];
    POSTFIX: "sqli-postfix", STRONG, "a test right after the string's end", ["' notnull-- ", "x' is null #"], ["it's notable"];
    COMMENT_SPACE: "sqli-comment-space", MEDIUM, "comments between words of SQL, where space would stand", [], [];
    LEADING: "sqli-leading-condition", STRONG, "a value that goes on where a condition stood",
        ["and name = 'x'", "|| 1=1"], ["and when the kids are old"];
}
