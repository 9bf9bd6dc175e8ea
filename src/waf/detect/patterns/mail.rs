//! Commands of POP3 and IMAP with what they act on, on a line of their own.

use crate::waf::detect::macros::patterns;
use crate::waf::view::Places;

patterns! {
    class Mail, tags &["mail"], places Places::VALUES;
    POP: "mail-pop3-command", STRONG, "a command of POP3 on a line of its own",
        literals ["\nretr ", "\ndele ", "\nuidl ", "\ntop ", "\napop ", "\nauth ", "\rretr ", "\rtop ", "\rapop ", "\rauth ", "\rdele "],
        r"[\r\n]\s*(?:(?:retr|dele|uidl) \d{1,8}\b|top \d{1,8} \d{1,8}\b|apop \S+ [0-9a-f]{32}|auth [\w-]+ [\w+/=]{8,})",
        ["\r\nRETR 123", "x\nTOP 1 2"], ["a list\nof 3 things", "the\ntop 10 list"];
    IMAP: "mail-imap-command", STRONG, "a command of IMAP on a line of its own",
        literals [" authenticate ", " append ", " select ", " examine ", " lsub ", " fetch ", " store ", " copy ", " search ", " rename ", " expunge", " subscribe "],
        r"[\r\n]\s*(?:[a-z]{1,3}\d{1,6}|\d{1,6}) (?:authenticate \w+|append \S+|(?:examine|lsub|rename|subscribe) \S+|select inbox|fetch \d+|expunge\b|store [\d:,*]+ [+-]?flags|copy [\d:,*]+ \S+|search (?:all|text|from|flagged|subject|unseen)\b)",
        ["\r\na001 authenticate PLAIN", "\nV101 FETCH 4791"], ["room\n12 select few"];
}
