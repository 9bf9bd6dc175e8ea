//! What a whole document can do: a document type of XML, a query of GraphQL, a filter of LDAP.

use super::Detector;
use super::sampled::sampled;
use super::text::{Text, is_space};
use crate::waf::signal::Sample::{Body, Value};
use crate::waf::signal::Signals;
use crate::waf::view::{Place, Places, View};

pub(super) static XML: &Detector = &xml::DETECTOR;
pub(super) static GRAPHQL: &Detector = &graphql::DETECTOR;
pub(super) static LDAP: &Detector = &ldap::DETECTOR;

mod xml {
    use super::*;

    const TYPE: &str = "application/xml";

    sampled! {
        class Xxe;
        DOCTYPE: "xxe-doctype", STRONG @ 1, "a document type with declarations or from outside",
            [Value("<!DOCTYPE a SYSTEM \"http://x/y.dtd\">"), Body(TYPE, "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), Body(TYPE, "<?xml version='1.0'?><!doctype a SYSTEM \"http://x/y\"><a/>")],
            [Body("application/xhtml+xml", "<!DOCTYPE html><html/>"), Body(TYPE, "<a>DOCTYPE</a>"),
             Body("application/xhtml+xml", "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\"><html/>")];
        ENTITY: "xxe-entity", STRONG @ 1, "the declaration of an entity",
            [Value("<!ENTITY a SYSTEM \"file:///x\">"), Body(TYPE, "<!DOCTYPE a [<!ENTITY % b SYSTEM \"//y\"> %b;]><a/>")],
            [Value("what is <!ENTITY?")];
        INCLUDE: "xxe-include", STRONG @ 1, "the inclusion of another document",
            [Body(TYPE, "<a xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include parse=\"text\" href=\"file:///x\"/></a>"),
             Body(TYPE, "<?xml-stylesheet type=\"text/xml\" href=\"http://x/y\"?><a/>")],
            [Body(TYPE, "<a><include/></a>")];
        SCHEMA: "xxe-schema", STRONG @ 1, "a schema from outside for no namespace at all",
            [Body(TYPE, "<x xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://a.example/\"/>"),
             Body(TYPE, "<x xsi:noNamespaceSchemaLocation='https://a.example/b.xsd'/>")],
            [Body(TYPE, "<urlset xsi:schemaLocation=\"http://www.sitemaps.org/schemas/sitemap/0.9 http://www.sitemaps.org/schemas/sitemap/0.9/sitemap.xsd\"/>")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES.and(&[Place::XmlDocument, Place::File]),
        bytes: b"",
        literals: &[
            "<!doctype",
            "<!entity",
            ":include",
            "<?xml-stylesheet",
            "schemalocation",
        ],
        cost: 2,
        run,
    };

    /// How many document types are looked at: a document has one.
    const MAX_TYPES: u32 = 8;
    /// How much of a tag is looked at, in bytes, so that many open tags cost no more each.
    const MAX_TAG_LEN: usize = 512;
    /// What it costs to look at a tag, in steps.
    const STEPS_OF_TAG: usize = 24;

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let is_document = view.place == Place::XmlDocument;
        let mut types = 0;
        for open in memchr::memchr_iter(b'<', view.bytes) {
            if !signals.spend(STEPS_OF_TAG) {
                return;
            }
            let tag = text.slice(open, (open + MAX_TAG_LEN).min(text.len()));
            if types < MAX_TYPES && text.has(open, b"<!doctype") {
                types += 1;
                let end = open + tag.iter().take_while(|b| !matches!(b, b'>' | b'[')).count();
                let declares = text.at(end) == b'[' && is_document;
                if declares || is_foreign(text.slice(open, end)) {
                    signals.push(&DOCTYPE, open..end + 1);
                }
            }
            if text.has(open, b"<!entity") && is_entity(text, open + 8) {
                signals.push(&ENTITY, open..open + 40);
            }
            if text.has(open, b"<?xml-stylesheet")
                && is_document
                && memchr::memmem::find(tag, b"href").is_some()
            {
                signals.push(&INCLUDE, open..open + tag.len());
            }
            let prefix = tag.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric());
            let colon = open + 1 + prefix.count();
            if colon > open + 1
                && text.has(colon, b":include")
                && is_space(text.at(colon + 8))
                && memchr::memmem::find(tag, b"href").is_some()
            {
                signals.push(&INCLUDE, open..open + tag.len());
            }
        }
        if is_document {
            schemas(text, signals);
        }
    }

    /// Whether a document type without declarations of its own is loaded from somewhere other
    /// than where HTML has its own.
    fn is_foreign(doctype: &[u8]) -> bool {
        let lower = doctype.to_ascii_lowercase();
        let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
        (has(b" system") || has(b" public") || has(b"\tsystem") || has(b"\nsystem"))
            && !has(b"-//w3c//dtd")
    }

    /// A name, and what it stands for in quotes or outside.
    fn is_entity(text: Text<'_>, start: usize) -> bool {
        let rest = text.slice(start, start + 256);
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        let rest = rest.get(..end).unwrap_or_default();
        rest.first().is_some_and(|b| is_space(*b) || *b == b'%')
            && memchr::memchr2(b'"', b'\'', rest).is_some()
    }

    fn schemas(text: Text<'_>, signals: &mut Signals) {
        for at in memchr::memmem::find_iter(text.0, b"chemaLocation") {
            let equals = text.skip_space(at + 13);
            let quote = text.skip_space(equals + 1);
            if text.at(equals) != b'=' || !matches!(text.at(quote), b'"' | b'\'') {
                continue;
            }
            let end = text.find(quote + 1, text.at(quote));
            let value = text.slice(quote + 1, end).trim_ascii();
            let single = !value.iter().any(|b| is_space(*b));
            if single && memchr::memmem::find(value, b"://").is_some() {
                signals.push(&SCHEMA, at..end);
            }
        }
    }
}

mod graphql {
    use super::*;

    const TYPE: &str = "application/graphql";

    sampled! {
        class Graphql;
        INTROSPECTION: "graphql-introspection", STRONG @ 2, "a question about the schema",
            [Body(TYPE, "{ __schema { types { name } } }"), Body(TYPE, "query { __type(name: \"User\") { fields { name } } }")],
            [Body(TYPE, "{ user { __typename id } }")];
        ALIASES: "graphql-aliases", STRONG @ 1, "the same question under many names",
            [], [Body(TYPE, "{ a: user(id: 1) { id } b: user(id: 2) { id } }")];
        DEPTH: "graphql-depth", STRONG @ 1, "a question within questions, too deep to answer",
            [Body(TYPE, "{a{b{c{d{e{f{g{h{i{j{k{l{m{n{o{p{q{r{s{t{u{v}}}}}}}}}}}}}}}}}}}}}}")],
            [Body(TYPE, "{ a { b { c { d { e { f } } } } } }")];
        DIRECTIVES: "graphql-directives", STRONG @ 1, "more directives than a question has use for",
            [], [Body(TYPE, "{ a @include(if: true) { b @skip(if: false) } }")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::of(&[Place::GraphqlDocument]),
        bytes: b"{",
        literals: &[],
        cost: 2,
        run,
    };

    /// Deeper than what client libraries generate.
    const MAX_DEPTH: usize = 20;
    const MAX_ALIASES: usize = 100;
    const MAX_DIRECTIVES: usize = 100;

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = view.bytes;
        let span = 0..text.len();
        let introspects = memchr::memmem::find_iter(text, b"__")
            .any(|at| Text(text).has(at, b"__schema") || Text(text).has(at, b"__type("));
        if introspects {
            signals.push(&INTROSPECTION, span.clone());
        }
        let (mut depth, mut arguments, mut aliases, mut directives) = (0usize, 0usize, 0, 0);
        let mut in_string = false;
        for byte in text {
            match byte {
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'(' => arguments += 1,
                b')' => arguments = arguments.saturating_sub(1),
                b'{' if arguments == 0 => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        signals.push(&DEPTH, span.clone());
                    }
                }
                b'}' if arguments == 0 => depth = depth.saturating_sub(1),
                b':' if arguments == 0 => aliases += 1,
                b'@' => directives += 1,
                _ => {}
            }
        }
        if aliases > MAX_ALIASES {
            signals.push(&ALIASES, span.clone());
        }
        if directives > MAX_DIRECTIVES {
            signals.push(&DIRECTIVES, span);
        }
    }
}

mod ldap {
    use super::*;

    sampled! {
        class Ldap;
        BREAK: "ldap-break", STRONG @ 1, "the end of an LDAP filter and the start of another",
            [Value("*)(uid=*))(|(uid=*"), Value("printer)(uid=*)"), Value("void)(objectClass=users))(&(objectClass=void)"), Value("x)!(sn=*"), Value("val)|(uid=*"),
             Value("admin)(&)")],
            [Value("f(x)(y) is odd"), Value("(a) (b=c)"), Value("call(a)(b => c)"), Value("Ca(OH)2"), Value("(1)(a==b)"), Value("print(x)(y)")];
        FILTER: "ldap-filter", STRONG @ 1, "an LDAP filter",
            [Value("*(|(objectclass=*))"), Value("(&(uid=admin)(userPassword=*))"), Value("(!(cn=a))")],
            [Value("(|x| = 1)"), Value("if (!(a == b))"), Value("(&x=y)"), Value("if (!(a = b))")];
        MATCHING_RULE: "ldap-matching-rule", STRONG @ 1, "a matching rule of LDAP by its number",
            [Value("userPassword:2.5.13.18:=123"), Value("cn:dn:2.4.6.8.10:=x")],
            [Value("version:2.5.13.18"), Value("a:=1")];
    }

    pub(super) static DETECTOR: Detector = Detector {
        findings: ALL,
        places: Places::VALUES.without(&[Place::PartHeader]),
        bytes: b"",
        literals: &[
            ")(", ")!", ")|", ")&", "(|(", "(&(", "(!(", "(| (", "(& (", ":=",
        ],
        cost: 2,
        run,
    };

    /// What it costs to look at what stands around parentheses, in steps.
    const STEPS_OF_RUN: usize = 64;

    const fn is_attribute(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b';' | b'.' | b':')
    }

    /// The end of `name=` or `name>=`, `name~=`, `name<=`, after an opening parenthesis; no
    /// comparison and no arrow of a programming language.
    fn comparison(text: Text<'_>, start: usize) -> Option<usize> {
        let start = text.skip_space(start);
        if !text.at(start).is_ascii_alphabetic() {
            return None;
        }
        let end = text.skip(start, is_attribute).min(start + 64);
        let equals = text.skip(end, |b| matches!(b, b'~' | b'<' | b'>'));
        let sound = equals <= end + 1
            && text.at(equals) == b'='
            && !matches!(text.at(equals + 1), b'=' | b'>');
        sound.then_some(equals + 1)
    }

    fn run(view: &View<'_>, signals: &mut Signals) {
        let text = Text(view.bytes);
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b')', b'(', text.from(at)) {
            at += found;
            let closes = text.at(at) == b')';
            // `)(`, `)|(`, `))(&(` and the like, and `(|(`, `(&(`.
            let end = text.skip(at, |b| matches!(b, b'(' | b')' | b'&' | b'|' | b'!'));
            let run = text.slice(at, end);
            // Of `f(x)(y=1)` the start is no filter: something unclosed must end here.
            if !signals.spend(STEPS_OF_RUN) {
                return;
            }
            let opens = run.ends_with(b"(")
                || [&b"((|"[..], b"((&", b"((!"]
                    .iter()
                    .any(|ending| run.ends_with(ending));
            let starred = at > 0 && text.at(at - 1) == b'*' && run == b")(";
            if closes
                && opens
                && !opened_before(text, at)
                && (comparison(text, end).is_some() || (starred && is_identity(text, end)))
            {
                signals.push(&BREAK, at..end + 16);
            }
            // `)(&)`, or `)(&` where the application's own filter goes on.
            let last = run.last().is_some_and(|b| matches!(b, b'&' | b'|' | b'!'));
            let cut = end == text.len()
                && last
                && memchr::memmem::find(run, b")(").is_some_and(|at| at < 3);
            // `*()|&'`: all, an empty filter, and signs to try what follows.
            let probed = at > 1 && text.at(at - 2) == b'*' && run.starts_with(b")|");
            if closes
                && !opened_before(text, at)
                && (cut || run.ends_with(b"(&)") || run.ends_with(b"(|)"))
                || (closes && probed && matches!(text.at(at - 1), b'('))
            {
                signals.push(&BREAK, at..end);
            }
            let operator =
                !closes && matches!(run, [b'(', b'&' | b'|', b'(', ..] | [b'(', b'!', b'(']);
            if operator
                && let Some(value) = comparison(text, end)
                && !is_space(text.at(value))
            {
                // A filter is closed at once, or is compared with an asterisk.
                let close = text.skip(value, |b| !matches!(b, b'(' | b')'));
                if text.at(close) == b')' || text.at(value) == b'*' {
                    signals.push(&FILTER, at..close + 1);
                }
            }
            at = end.max(at + 1);
        }
        for at in memchr::memmem::find_iter(view.bytes, b":=") {
            let before = text.slice(at.saturating_sub(48), at);
            let digits = before
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_digit() || **b == b'.')
                .count();
            let number = before.get(before.len() - digits..).unwrap_or_default();
            let dots = number.iter().filter(|b| **b == b'.').count();
            let colon = before
                .len()
                .checked_sub(digits + 1)
                .and_then(|at| before.get(at));
            if dots >= 3 && colon == Some(&b':') {
                signals.push(&MATCHING_RULE, at.saturating_sub(digits)..at + 2);
            }
        }
    }

    /// `1=1`, where a comparison was.
    fn is_identity(text: Text<'_>, start: usize) -> bool {
        let digits = text.skip_some(start, 8, |b| b.is_ascii_digit());
        let left = text.slice(start, digits);
        !left.is_empty()
            && text.at(digits) == b'='
            && text.slice(digits + 1, digits + 1 + left.len()) == left
    }

    /// Whether the parenthesis that closes here was opened in the 64 bytes before.
    fn opened_before(text: Text<'_>, at: usize) -> bool {
        let before = text.slice(at.saturating_sub(64), at);
        let mut closed = 0;
        for byte in before.iter().rev() {
            match byte {
                b')' => closed += 1,
                b'(' if closed == 0 => return true,
                b'(' => closed -= 1,
                _ => {}
            }
        }
        false
    }
}
