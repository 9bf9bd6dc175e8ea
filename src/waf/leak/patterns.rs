use super::LeakKind;
use super::LeakKind::{
    Credential, DatabaseError, DirectoryListing, PrivateKey, SourceCode, StackTrace, SystemFile,
};
use regex::bytes::{Regex, RegexBuilder};

/// A pattern, and the literals of which every match holds one, compared without case.
pub(super) struct Pattern {
    pub(super) id: &'static str,
    pub(super) kind: LeakKind,
    pub(super) literals: &'static [&'static str],
    pattern: &'static str,
    /// Texts that it must be found in, and texts that it must not: its own tests.
    #[cfg(test)]
    hits: &'static [&'static str],
    #[cfg(test)]
    misses: &'static [&'static str],
}

impl Pattern {
    pub(super) fn compiled(&self) -> Option<Regex> {
        let mut builder = RegexBuilder::new(self.pattern);
        builder.unicode(false).multi_line(true).build().ok()
    }
}

macro_rules! patterns {
    ($($id:literal, $kind:ident, [$($literal:literal),+], $pattern:expr,
       hits [$($hit:literal),+], misses [$($miss:literal),+];)+) => {
        /// The gravest first.
        pub(super) static PATTERNS: &[Pattern] = &[$(Pattern {
            id: $id,
            kind: $kind,
            literals: &[$($literal),+],
            pattern: $pattern,
            #[cfg(test)]
            hits: &[$($hit),+],
            #[cfg(test)]
            misses: &[$($miss),+],
        }),+];
    };
}

// Loops in patterns have no upper end where that would only make the automaton large.
patterns! {
    "leak-private-key", PrivateKey, ["private key"],
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=\\\r\n:, -]{40}",
        hits ["-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy5AHBMN9P", "{\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\""],
        misses ["a file begins with -----BEGIN PRIVATE KEY----- and ends", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0Z3VS5JJcd"];
    "leak-aws-key", Credential, ["akia", "asia"], r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
        hits ["key: AKIAIOSFODNN7EXAMPLE"], misses ["Southeast Asia and Akiachak", "akiaiosfodnn7example"];
    "leak-forge-token", Credential, ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20}|npm_[A-Za-z0-9]{36})",
        hits ["ghp_0123456789abcdefghijABCDEFGHIJ012345", "glpat-0123456789abcdefghij"], misses ["npm_config_cache=/tmp", "ghp_short"];
    "leak-service-token", Credential, ["xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "k_live_", "accountkey="],
        r"\b(?:xox[abprs]-[0-9]{6,}-[0-9A-Za-z-]{10,}|[sr]k_live_[0-9A-Za-z]{16,}|AccountKey=[A-Za-z0-9+/]{80,}={0,2})",
        hits ["xoxb-123456789012-abcdefghijklmno", "sk_live_0123456789abcdefABCDEF"], misses ["pk_live_0123456789abcdefABCDEF", "xoxb-token", "AccountKey=..."];
    "leak-settings", Credential, ["password=", "secret_key=", "app_key=", "access_key="],
        r"^(?:export )?(?:DB_PASSWORD|DATABASE_PASSWORD|MYSQL_ROOT_PASSWORD|POSTGRES_PASSWORD|REDIS_PASSWORD|MAIL_PASSWORD|APP_KEY|SECRET_KEY|AWS_SECRET_ACCESS_KEY)=[^\s$<{]{4,}",
        hits ["APP_ENV=production\nDB_PASSWORD=hunter22\n"], misses ["set DB_PASSWORD=... in the file", "DB_PASSWORD=${secret}", "password=hunter22"];
    "leak-passwd", SystemFile, [":0:0:"], r"^root:[^:\n]*:0:0:",
        hits ["root:x:0:0:root:/root:/bin/bash\n"], misses ["the score was 1:0:0:2"];
    "leak-java-trace", StackTrace, [".java:", ".kt:", ".scala:", ".groovy:", "(native method)"],
        r"\bat [\w$.<>/@-]+\.[\w$<>]+\((?:[\w$]+\.(?:java|kt|scala|groovy):[0-9]+|Native Method)\)",
        hits ["java.lang.NullPointerException\n\tat com.example.Shop.pay(Shop.java:42)\n", "at java.base/java.lang.Thread.run(Thread.java:833)"],
        misses ["look at Shop.java: it is long", "Main.java:3: error"];
    "leak-python-trace", StackTrace, ["traceback (most recent call last)"],
        r"Traceback \(most recent call last\):[\s\\n]{1,8}File \S",
        hits ["Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>"], misses ["What does Traceback (most recent call last): mean?"];
    "leak-dotnet-trace", StackTrace, [":line ", "application.<", "stack trace:</b>", "system."],
        r"\bat [\w.`<>\[\]]+\([^)\n]*\) in [^\n]+:line [0-9]+|Server Error in '/[^'\n]*' Application|\bSystem\.(?:\w+\.)*\w+Exception: |^\s*at System\.[\w.`<>]+\(",
        hits ["   at Shop.Pay(Int32 id) in C:\\shop\\Pay.cs:line 17", "System.NullReferenceException: Object reference not set", "<h1>Server Error in '/shop' Application.<hr></h1>"],
        misses ["at noon (in Rome):line 3", "the System.Exception class"];
    "leak-node-trace", StackTrace, [".js:", ".mjs:", ".cjs:", ".ts:", "node:internal"],
        r"\bat (?:[\w.<>\[\] $#]+ \()?(?:file://)?(?:node:internal/[^\s()]+|(?:/|[A-Za-z]:\\)[^\s()]+\.[mc]?[jt]s):[0-9]+:[0-9]+\)?",
        hits ["TypeError: x is not a function\n    at Object.<anonymous> (/srv/app/index.js:17:3)", "at processTicksAndRejections (node:internal/process/task_queues:96:5)"],
        misses ["at render (app.js:17:3)", "import it at /a/b.js: it works"];
    "leak-php-error", StackTrace, [" on line ", ".php("],
        r"(?i)(?:fatal error|parse error|warning|notice|deprecated)(?:</b>)?:[^\n]* in (?:<b>)?[^\n<]+\.php(?:</b>)? on line (?:<b>)?[0-9]+|^#[0-9]+ /[^\n]+\.php\([0-9]+\): ",
        hits ["<b>Warning</b>:  include(x): failed to open in <b>/var/www/a.php</b> on line <b>3</b>", "#0 /var/www/a.php(17): pay()"],
        misses ["Warning: there is a typo on line 3", "see a.php(1)"];
    "leak-ruby-trace", StackTrace, [".rb:"], r"(?:^|[\s>'\x22])/?[\w./-]+\.rb:[0-9]+:in [`'\x22&]",
        hits ["/srv/app/shop.rb:42:in `pay'"], misses ["shop.rb: the file"];
    "leak-go-trace", StackTrace, ["goroutine "], r"\bgoroutine [0-9]+ \[[a-z ,0-9]+\]:",
        hits ["panic: boom\n\ngoroutine 1 [running]:\nmain.main()"], misses ["a goroutine 1 is"];
    "leak-rust-panic", StackTrace, ["panicked at"], r"\bthread '[^'\n]*' (?:\([0-9]+\) )?panicked at ",
        hits ["thread 'main' panicked at src/main.rs:2:5:"], misses ["he panicked at noon"];
    "leak-debug-page", StackTrace,
        ["werkzeug debugger", "debug = true", "exception caught", "whoops! there was an error", "symfony exception", "whitelabel error page"],
        r"Werkzeug Debugger|you have <code>DEBUG = True</code>|<title>Action Controller: Exception caught</title>|<title>Whoops! There was an error\.?</title>|<!-- [^\n]*Symfony Exception",
        hits ["<title>RuntimeError // Werkzeug Debugger</title>", "because you have <code>DEBUG = True</code> in your"], misses ["set debug = true in it", "an exception caught late"];
    "leak-sql-mysql", DatabaseError, ["error in your sql syntax", "server version for the right syntax", "unknown column '", "com.mysql."],
        r"(?i)you have an error in your sql syntax|(?:mysql|mariadb) server version for the right syntax|unknown column '[^'\n]+' in '(?:field list|where clause|order clause|on clause)'|\bcom\.mysql\.(?:cj\.)?jdbc\.",
        hits ["You have an error in your SQL syntax; check the manual", "Unknown column 'a' in 'where clause'"], misses ["unknown column 'a' in the sheet"];
    "leak-sql-postgres", DatabaseError, ["syntax error at or near", "unterminated quoted string", "psqlexception", "pg::", "psycopg2.", "pg_query()"],
        r#"(?i)syntax error at or near "|unterminated quoted string at or near|org\.postgresql\.util\.PSQLException|\bPG::\w{3,40}Error\b|\bpsycopg2\.(?:errors\.\w+|\w{3,40}Error)\b|pg_query\(\): "#,
        hits ["ERROR:  syntax error at or near \"'\"", "PG::SyntaxError: ERROR", "psycopg2.errors.UndefinedTable: relation"], misses ["a syntax error at or near the end"];
    "leak-sql-server", DatabaseError, ["unclosed quotation mark", "incorrect syntax near", "odbc ", "sqlexception", "ole db"],
        r"(?i)unclosed quotation mark after the character string|incorrect syntax near '|\[ODBC [^\]\n]+\]\[|System\.Data\.(?:SqlClient|OleDb)\.\w*Exception|Microsoft OLE DB Provider for",
        hits ["Unclosed quotation mark after the character string ''.", "[Microsoft][ODBC SQL Server Driver][SQL Server]"], misses ["incorrect syntax near the end"];
    "leak-sql-other", DatabaseError, ["ora-", "sqlite", "sqlstate", "db2 sql error", "mongoservererror", "mongoerror", "unrecognized token:", "java.sql."],
        r#"\bORA-[0-9]{5}: |\bSQLITE_(?:ERROR|CONSTRAINT|MISUSE)\b|sqlite3\.(?:Operational|Integrity|Programming)Error|\bSQLSTATE\[[0-9A-Z]{5}\]|DB2 SQL error:|\bMongo(?:Server)?Error: |unrecognized token: "|java\.sql\.SQL\w*Exception"#,
        hits ["ORA-00933: SQL command not properly ended", "SQLSTATE[42000]: Syntax error", "sqlite3.OperationalError: near"], misses ["aurora-12345: a color", "SQLite is a library"];
    "leak-directory-listing", DirectoryListing, ["index of /", "directory listing for", "[to parent directory]", "directory: /"],
        r"(?i)<title>index of /|<h1>index of /|<title>directory listing for /|\[to parent directory\]|<title>directory: /",
        hits ["<html><head><title>Index of /backup</title>", "<title>Directory listing for /</title>"], misses ["<title>Index of names</title>", "index of /backup"];
    "leak-php-source", SourceCode, ["<?php", "<?="], r"<\?php\s|<\?=\s*\$",
        hits ["<?php\n$db = connect();", "<?= $title ?>"], misses ["&lt;?php", "<?phpx"];
    "leak-page-source", SourceCode, ["<%@"], r"<%@\s*(?i:page|import|include|taglib|control|master|language|webhandler)\b",
        hits ["<%@ Page Language=\"C#\" %>", "<%@page import=\"java.util.*\"%>"], misses ["50<%@ home"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::Leak;

    #[test]
    fn each_pattern_finds_what_it_must() {
        for pattern in PATTERNS {
            assert!(pattern.compiled().is_some(), "{}", pattern.id);
            let found = |text: &str| {
                let leaks = Leak::find(text.as_bytes());
                leaks.iter().any(|leak| leak.rule == pattern.id)
            };
            for hit in pattern.hits {
                assert!(found(hit), "{} misses {hit:?}", pattern.id);
            }
            for miss in pattern.misses {
                assert!(!found(miss), "{} finds {miss:?}", pattern.id);
                // It is the pattern that says no, and nothing else finds it either.
                assert_eq!(Leak::find(miss.as_bytes()), [], "{miss:?}");
            }
        }
    }

    /// Whoever gets a page to repeat what he sent does not make the look at it slow.
    #[test]
    fn awkward_pages_take_little_time() {
        let begin = std::time::Instant::now();
        for pattern in PATTERNS {
            for literal in
                pattern
                    .literals
                    .iter()
                    .chain(&["warning: ", "at a.b(", "thread '", "/a"])
            {
                let page = literal.repeat((16 << 10) / literal.len());
                let _ = Leak::find(page.as_bytes());
                let page = format!("{} on line .php( at :line .js:1 panicked at", page);
                let _ = Leak::find(page.as_bytes());
            }
        }
        // Some 300 pages of 16 KiB, without optimization, on a machine that has other work.
        assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        for pattern in PATTERNS.iter().filter(|pattern| pattern.kind.is_secret()) {
            for hit in pattern.hits {
                for leak in Leak::find(hit.as_bytes()) {
                    assert_eq!(&*leak.excerpt, "(not shown)", "{}", pattern.id);
                }
            }
        }
    }

    #[test]
    fn honest_pages_leak_nothing() {
        let pages = [
            r#"{"status":"ok","items":[{"id":1,"name":"Select a size"}]}"#,
            "<!doctype html><title>How to read a stack trace</title><p>It begins with the exception.</p>",
            "<p>The index of the book is at the back; see the directory: it lists all.</p>",
            "<pre>&lt;?php echo 1; ?&gt;</pre>",
            "key=value\npassword=\n",
            "ERROR: the form is not complete. Warning: the hotel is on line 3 of the list.",
            "",
        ];
        for page in pages {
            assert_eq!(Leak::find(page.as_bytes()), [], "{page}");
        }
    }
}
