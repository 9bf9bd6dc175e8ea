//! Commands of mail protocols on lines of their own, and headers of mails.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Mail, tags &["mail"], places Places::VALUES;
    SMTP: "mail-smtp", STRONG, "a command of SMTP on a line of its own",
        literals ["mail from", "rcpt to", "ehlo", "helo", "vrfy", "expn", "auth ", "data", "starttls"],
        r"[\r\n]\s*(?:mail from:\s*<?|rcpt to:\s*<?|(?:ehlo|helo) [a-z0-9.-]{1,255}\s*$|(?:vrfy|expn) \S{1,64}\s*$|starttls\s*$|data\r\n)",
        ["x\r\nMAIL FROM:<a@b.example>", "\r\nEHLO evil.example"], ["say ehlo: to all"];
    POP: "mail-pop3", STRONG, "a command of POP3 on a line of its own",
        literals ["retr", "top ", "apop", "dele", "uidl", "pass ", "auth ", "list", "quit", "stat"],
        r"[\r\n]\s*(?:(?:retr|dele|uidl) \d{1,8}\b|top \d{1,8} \d{1,8}\b|apop \S{1,64} [0-9a-f]{32}|auth [\w-]{1,20} [\w+/=]{8,}|(?:quit|noop|rset|capa)\s*[\r\n]+)",
        ["\r\nRETR 123", "x\r\nQUIT\r\n"], ["a list\nof 3 things", "please\nquit smoking"];
    IMAP: "mail-imap", STRONG, "a command of IMAP on a line of its own",
        literals ["select", "fetch", "authenticate", "append", "capability", "login", "logout", "status", "search", "store", "copy", "create", "delete", "examine", "lsub", "rename", "subscribe", "expunge", "noop"],
        r"[\r\n]\s*(?:[a-z]{1,3}\d{1,6}|\d{1,6}) (?:authenticate \w+|append \S+|capability\b|(?:select|examine|create|delete|subscribe|unsubscribe|status|lsub|rename) \S+|fetch \d+|login \S+ \S+|logout\b|expunge\b|noop\b|store \d+ [+-]?flags|copy [\d:,]+ \S+|search (?:all|text|from|flagged|subject|unseen)\b)",
        ["\r\na001 authenticate PLAIN", "\nV101 FETCH 4791"], ["room\n12 select few"];
    HEADER: "mail-header", STRONG, "a header of a mail behind a short value",
        literals ["cc:", "to:", "mime-version", "content-type", "cc :"],
        r"^[^\r\n]{0,80}[\r\n]+\s*(?:b?cc\s*:\s*[^\s@]+@|to\s*:\s*[^\s@]+@[^\s@]+\s*(?:[\r\n]|$)|mime-version\s*:\s*1|content-type\s*:\s*(?:text|multipart)/)",
        ["a@b.example\r\nBcc: c@d.example"], ["Dear all,\nto: whom"];
}
