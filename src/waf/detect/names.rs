//! What the names of parameters and keys can do: operators of document databases, lookups of
//! object-relational mappers, prototypes of JavaScript, ids of sessions.

use super::Detector;
use super::sampled::sampled;
use super::text::{Lower, Text, is_space, is_word};
use crate::waf::signal::Sample::{Body, Header, Query, Value};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};

const JSON: &str = "application/json";

pub(super) static NOSQL: &Detector = &nosql::DETECTOR;
pub(super) static PROTOTYPE: &Detector = &prototype::DETECTOR;
pub(super) static LOOKUP: &Detector = &lookup::DETECTOR;
pub(super) static SESSION: &Detector = &session::DETECTOR;

mod nosql {
    use super::*;

    sampled! {
        class Nosql;
        OPERATOR: "nosql-operator", STRONG @ 1, "an operator of a document database in a name",
            [Query("user%5B%24ne%5D=x"), Query("a%5B%24regex%5D=.*"), Body(JSON, "{\"user\":{\"$gt\":\"\"}}"),
             Body(JSON, "{\"$where\":\"1\"}"), Query("q=%7B%22%24ne%22%3A1%7D")],
            [Query("%24filter=Price+lt+10&%24top=5"), Body(JSON, "{\"$schema\":\"x\",\"$set\":{\"a\":1}}"), Query("a%5Bb%5D=%24in")];
        IN_VALUE: "nosql-query", STRONG @ 1, "a query of a document database in a value",
            [Value("[$lte]x"), Value("', $or: [ {}, {'a':'a"), Value("{$gt: ''}"), Value("true, $where: '1 == 1'")],
            [Value("it costs $in: 5"), Value("[$5]"), Value("a [$ref] b")];
        SCRIPT: "nosql-script", STRONG @ 1, "a script for a document database",
            [Value("db.users.insert({success:1});return 1"), Value("'; return 1; var a='"), Value("0;var date=new Date(); do{cur=new Date();}while(cur-date<10000)"),
             Value("this.password.match(/.*/)//")],
            [Value("the db.users are fine"), Value("it's a return; or not"), Value("new Date() is odd")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES.without(&[Place::PartHeader]),
        bytes: b"",
        literals: &["$", "db.", "return", "new date", "this."],
        cost: 2,
        run,
    };

    /// Operators of queries. Those that other protocols have as well (`$filter` of OData,
    /// `$ref` of JSON Schema, `$set` of analytics) are left out.
    const OPERATORS: [&[u8]; 33] = [
        b"ne",
        b"gt",
        b"gte",
        b"lt",
        b"lte",
        b"eq",
        b"in",
        b"nin",
        b"all",
        b"exists",
        b"where",
        b"regex",
        b"options",
        b"or",
        b"and",
        b"nor",
        b"not",
        b"size",
        b"mod",
        b"expr",
        b"text",
        b"elemmatch",
        b"jsonschema",
        b"function",
        b"accumulator",
        b"lookup",
        b"graphlookup",
        b"unionwith",
        b"out",
        b"merge",
        b"near",
        b"geowithin",
        b"comment",
    ];

    /// What it costs to compare a name with all of them, in steps.
    const STEPS_OF_OPERATOR: usize = 48;

    /// The end of an operator whose `$` stands at `at`.
    fn operator(text: Text<'_>, at: usize) -> Option<usize> {
        let end = text.skip(at + 1, |b| b.is_ascii_alphabetic());
        let word = Lower::<12>::of(text.slice(at + 1, end))?;
        // `$type` as a key is how .NET names classes; in brackets it is nothing else.
        let bracketed = at > 0 && text.at(at - 1) == b'[' && text.at(end) == b']';
        let known = OPERATORS.iter().any(|known| *known == word.as_bytes())
            || (bracketed && word.as_bytes() == b"type");
        (known && !is_word(text.at(end))).then_some(end)
    }

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let before = |at: usize| at.checked_sub(1).map_or(0, |at| text.at(at));
        for at in memchr::memchr_iter(b'$', view.bytes) {
            if !signals.spend(STEPS_OF_OPERATOR) {
                return;
            }
            let Some(end) = operator(text, at) else {
                continue;
            };
            if view.part == Part::Name {
                if matches!(before(at), 0 | b'[' | b'.')
                    && matches!(text.at(end), 0 | b']' | b'.' | b'[')
                {
                    signals.push(&OPERATOR, at..end);
                }
                continue;
            }
            let quote = matches!(before(at), b'\'' | b'"');
            let open = text.back_space(at - usize::from(quote));
            let opener = open.checked_sub(1).map_or(0, |at| text.at(at));
            let close = text.skip(end, |b| is_space(b) || matches!(b, b'\'' | b'"'));
            let fits = match opener {
                b'[' => text.at(close) == b']',
                b'{' | b',' => text.at(close) == b':',
                _ => false,
            };
            if fits {
                signals.push(&IN_VALUE, open.saturating_sub(1)..close + 1);
            }
        }
        if view.part == Part::Value {
            scripts(text, signals);
        }
    }

    fn scripts(text: Text<'_>, signals: &mut Signals) {
        for at in memchr::memmem::find_iter(text.0, b"db.") {
            let name = text.word_end(at + 3);
            let dot = text.at(name) == b'.';
            let method = text.word_end(name + 1);
            const METHODS: [&[u8]; 14] = [
                b"find",
                b"findone",
                b"insert",
                b"insertone",
                b"insertmany",
                b"update",
                b"updatemany",
                b"remove",
                b"drop",
                b"deletemany",
                b"aggregate",
                b"mapreduce",
                b"stats",
                b"save",
            ];
            let word = Lower::<12>::of(text.slice(name + 1, method));
            let known =
                word.is_some_and(|word| METHODS.iter().any(|known| *known == word.as_bytes()));
            if name > at + 3 && dot && known && text.at(method) == b'(' {
                signals.push(&SCRIPT, at..method + 1);
            }
        }
        for at in memchr::memmem::find_iter(text.0, b"return") {
            // `'; return x`: out of a string, and out of the function.
            let semicolon = text.back_space(at);
            let quote = text.back_space(semicolon.saturating_sub(1));
            let breaks_out = semicolon > 0
                && text.at(semicolon - 1) == b';'
                && quote > 0
                && matches!(text.at(quote - 1), b'\'' | b'"' | b'}');
            let after = text.skip_space(at + 6);
            if breaks_out && after > at + 6 && text.find(after, b';') < text.len() {
                signals.push(&SCRIPT, quote - 1..after);
            }
        }
        if let Some(at) = memchr::memmem::find(text.0, b"new Date(") {
            let rest = text.from(at);
            let waits = memchr::memmem::find(rest, b"while").is_some_and(|found| {
                let paren = text.skip_space(at + found + 5);
                text.at(paren) == b'('
            });
            if waits && memchr::memchr(b';', rest).is_some() && memchr::memchr(b'-', rest).is_some()
            {
                signals.push(&SCRIPT, at..text.len());
            }
        }
        for at in memchr::memmem::find_iter(text.0, b"this.") {
            let end = text.word_end(at + 5);
            if end > at + 5 && text.has(end, b".match(/") {
                signals.push(&SCRIPT, at..end + 8);
            }
        }
    }
}

mod prototype {
    use super::*;

    sampled! {
        class ProtoPollution;
        NAME: "proto-name", STRONG @ 1, "the prototype of an object in a name",
            [Query("__proto__%5Btest%5D=x"), Query("a.__proto__.b=x"), Query("constructor%5Bprototype%5D%5Bx%5D=1"), Body(JSON, "{\"__proto__\":{\"a\":1}}"), Body(JSON, "{\"constructor\":{\"prototype\":{\"a\":1}}}"), Query("q=%7B%22constructor%22%3A%7B%22prototype%22%3A%7B%7D%7D%7D")],
            [Query("constructor=Renault"), Query("proto=1"), Query("prototype=x"), Body(JSON, "{\"constructor\":\"x\",\"prototype\":1}")];
        VALUE: "proto-value", STRONG @ 1, "the prototype of an object in a value",
            [Value("{a:1,\"__proto__\":{b:2}}"), Value("Object.__proto__.x=1"), Value("__proto__[x]"), Value("a.constructor.prototype.b = 1")],
            [Value("the constructor: prototype"), Value("what is __proto__ good for?"), Value("the constructor of a prototype")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES.without(&[Place::PartHeader]),
        bytes: b"",
        literals: &["__proto__", "constructor"],
        cost: 2,
        run,
    };

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let before = |at: usize| at.checked_sub(1).map_or(0, |at| text.at(at));
        let finding = if view.part == Part::Name {
            &NAME
        } else {
            &VALUE
        };
        for at in memchr::memmem::find_iter(view.bytes, b"__proto__") {
            let (left, right) = (before(at), text.at(at + 9));
            let alone = left == 0 && right == 0;
            let delimited = matches!(left, 0 | b'[' | b'.' | b']' | b'\'' | b'"' | b'`')
                && matches!(
                    right,
                    0 | b'[' | b'.' | b']' | b'\'' | b'"' | b'`' | b'=' | b':'
                );
            if delimited && !(alone && view.part == Part::Value) {
                signals.push(finding, at..at + 9);
            }
        }
        for at in memchr::memmem::find_iter(view.bytes, b"constructor") {
            let end = at + 11;
            let inside = text.skip(end, |b| {
                matches!(
                    b,
                    b'[' | b']' | b'.' | b'"' | b'\'' | b'`' | b'?' | b':' | b'{'
                )
            });
            if inside > end
                && text.slice(inside, inside + 9) == b"prototype"
                && !is_word(text.at(inside + 9))
            {
                signals.push(finding, at..inside + 9);
            }
        }
    }
}

mod lookup {
    use super::*;

    sampled! {
        class Generic;
        RELATION: "generic-lookup-relation", STRONG @ 1, "a lookup of an object-relational mapper across relations",
            [Query("user__profile__icontains=x"), Body(JSON, "{\"created_by__user__username__startswith\":\"p\"}"), Query("user__metadata__has_keys=is_staff")],
            [Query("price__gte=10"), Query("author__name=x"), Query("name__icontains=x")];
        LOOKUP: "generic-lookup", STRONG @ 3, "a lookup of an object-relational mapper",
            [Query("username__startswith=p"), Query("password__regex=x")],
            [Query("price__gte=10"), Query("user_name=x")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::of(&[
            Place::Query,
            Place::Form,
            Place::Multipart,
            Place::Json,
            Place::Xml,
        ]),
        bytes: b"",
        literals: &["__"],
        cost: 2,
        run,
    };

    /// Lookups by which a secret is guessed letter by letter.
    const LOOKUPS: [&[u8]; 14] = [
        b"startswith",
        b"istartswith",
        b"endswith",
        b"iendswith",
        b"contains",
        b"icontains",
        b"regex",
        b"iregex",
        b"has_key",
        b"has_keys",
        b"has_any_keys",
        b"contained_by",
        b"search",
        b"exact",
    ];

    fn run(view: &View<'_>, signals: &mut Signals) {
        if view.part != Part::Name
            || !view
                .bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        {
            return;
        }
        let Some(at) = memchr::memmem::rfind(view.bytes, b"__") else {
            return;
        };
        let (path, word) = view.bytes.split_at(at);
        if path.is_empty() || !LOOKUPS.contains(&word.get(2..).unwrap_or_default()) {
            return;
        }
        let span = 0..view.bytes.len();
        if memchr::memmem::find(path, b"__").is_some_and(|at| at > 0) {
            signals.push(&RELATION, span);
        } else {
            signals.push(&LOOKUP, span);
        }
    }
}

mod session {
    use super::*;

    sampled! {
        class SessionFixation;
        FROM_OUTSIDE: "session-from-outside", STRONG @ 1, "the id of a session in a link from another site",
            [], [Query("phpsessid=abc"), Header("referer", "https://other.example/")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::of(&[Place::Query, Place::Form]),
        bytes: b"",
        literals: &[
            "sess",
            "sid",
            "cfid",
            "cftoken",
            "zenid",
            "shiny-token",
            "koa.sess",
        ],
        cost: 2,
        run,
    };

    /// Names by which frameworks know a session.
    const NAMES: [&[u8]; 30] = [
        b"jsessionid",
        b"phpsessid",
        b"phpsession",
        b"phpsessionid",
        b"asp.net_sessionid",
        b"aspsessionid",
        b"sessionid",
        b"session_id",
        b"session-id",
        b"_session_id",
        b"sessid",
        b"weblogicsession",
        b"jservsession",
        b"jwsession",
        b"cfid",
        b"cftoken",
        b"cfsid",
        b"zenid",
        b"connect.sid",
        b"koa.sess",
        b"koa:sess",
        b"laravel_session",
        b"ci_session",
        b"cakephp",
        b"play_session",
        b"_flask_session",
        b"rack.session",
        b"symfony",
        b"shiny-token",
        b"session",
    ];

    fn run(view: &View<'_>, signals: &mut Signals) {
        if view.part != Part::Name || view.depth > 0 {
            return;
        }
        let Some(name) = Lower::<32>::of(view.bytes) else {
            return;
        };
        let name = name.as_bytes();
        let known = NAMES.contains(&name) || name.starts_with(b"aspsessionid");
        if known && is_from_outside(view.request.referer, view.request.host) {
            signals.push(&FROM_OUTSIDE, 0..view.bytes.len());
        }
    }

    /// Names have up to 253 bytes (RFC 1035, section 2.3.4), ports six more.
    const MAX_AUTHORITY_LEN: usize = 260;

    /// Whether the page that the request came from is of another site: neither the host itself
    /// nor above or below it.
    fn is_from_outside(referer: &[u8], host: &[u8]) -> bool {
        let Some(at) = memchr::memmem::find(referer, b"://") else {
            return false;
        };
        let authority = referer.get(at + 3..).unwrap_or_default();
        let authority = authority.get(..MAX_AUTHORITY_LEN).unwrap_or(authority);
        let end = authority
            .iter()
            .position(|b| matches!(b, b'/' | b'?' | b'#'));
        let authority = authority
            .get(..end.unwrap_or(authority.len()))
            .unwrap_or_default();
        let from = authority.split(|b| *b == b':').next().unwrap_or_default();
        let below = |inner: &[u8], outer: &[u8]| {
            inner.len() > outer.len()
                && inner
                    .to_ascii_lowercase()
                    .ends_with(&outer.to_ascii_lowercase())
                && inner.get(inner.len() - outer.len() - 1) == Some(&b'.')
        };
        !from.is_empty()
            && !from.eq_ignore_ascii_case(host)
            && !below(from, host)
            && !below(host, from)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn sites() {
            let cases = [
                ("https://example.com/a", "example.com", false),
                ("https://shop.example.com/", "example.com", false),
                ("https://example.com", "shop.example.com", false),
                ("https://example.com.evil.example/", "example.com", true),
                ("https://notexample.com", "example.com", true),
                ("http://EXAMPLE.com:8080/x", "example.com", false),
                ("about:blank", "example.com", false),
                ("", "example.com", false),
            ];
            for (referer, host, outside) in cases {
                assert_eq!(
                    is_from_outside(referer.as_bytes(), host.as_bytes()),
                    outside,
                    "{referer}"
                );
            }
        }
    }
}
