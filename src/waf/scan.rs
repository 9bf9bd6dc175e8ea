//! One request, looked through.

mod buffers;
mod custom;
mod odd;

use super::decode;
use super::detect::{PATTERNS, Pattern};
use super::engine::Engine;
use super::parse::{self, Ending, Flow, Visit};
use super::policy::Excluded;
use super::prefilter::{Prefilter, Seen};
use super::protocol;
use super::report::{self, Match, Report};
use super::request::RawRequest;
use super::rule::{RuleId, Subject, What};
use super::signal::{Finding, Signals};
use super::view::{Part, Place, Surroundings, View};
use super::{Class, FieldKind};
use buffers::Buffers;
use odd::{data_uri, escaped_letter_at, overlong_at};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;
use std::sync::{LazyLock, OnceLock};

/// How often a document may stand in a value of a document.
const MAX_NESTED: u8 = 3;
/// The most matches that a report keeps.
const MAX_MATCHES: usize = 64;
/// How much of the name of a field detectors see, in bytes: of a long list the values have all
/// the same, and it would be looked at again for each.
const MAX_NAME_LEN: usize = 96;
/// What may be spent on small requests, whatever their size, in steps.
const MIN_WORK: usize = 1 << 20;
/// What it takes to decode a byte and to see what it is, in steps.
const STEPS_TO_SEE: usize = 3;
/// What it takes to look up the name of a character that may be encoded, in steps.
const STEPS_OF_NAME: usize = 48;
/// What it takes to try a pattern on a byte, in steps.
const STEPS_TO_MATCH: usize = 1;
/// Rules that count whatever the field may hold: they strike those who only log or store it.
const ANYWHERE: [&str; 5] = [
    "java-jndi",
    "java-lookup",
    "java-serialized",
    "java-stream",
    "rce-shell-function",
];
/// What counts where a value stands within an attribute, and not where it is prose or markup.
const IN_ATTRIBUTES: [&str; 3] = [
    "xss-event-behind",
    "xss-attribute-behind",
    "xss-script-value",
];
/// What counts for less in prose: nothing is run of it.
const OPEN_SCRIPT: &str = "xss-open-script";
/// As many words of letters make prose.
const PROSE: usize = 4;

/// A pattern is compiled when a text first calls for it: no request waits for all of them.
static COMPILED: LazyLock<Box<[OnceLock<Option<Regex>>]>> =
    LazyLock::new(|| PATTERNS.iter().map(|_| OnceLock::new()).collect());

fn compiled(index: usize) -> Option<(&'static Pattern, &'static Regex)> {
    let pattern = PATTERNS.get(index)?;
    let compiled = COMPILED.get(index)?.get_or_init(|| {
        RegexBuilder::new(pattern.pattern)
            .unicode(false)
            .case_insensitive(true)
            .build()
            .ok()
    });
    Some((pattern, compiled.as_ref()?))
}

/// A field that is being looked at.
struct Field<'a> {
    place: Place,
    part: Part,
    name: &'a [u8],
    kind: FieldKind,
    /// Whether it holds a document: what stands under which name in it, an excerpt of the whole
    /// does not tell.
    is_document: bool,
    /// Whether it is prose that may quote code, or markup that may show it.
    may_quote: bool,
    score: u32,
    counted: Vec<&'static str>,
}

impl<'a> Field<'a> {
    const fn new(place: Place, part: Part, name: &'a [u8], kind: FieldKind) -> Self {
        Self {
            place,
            part,
            name,
            kind,
            is_document: false,
            may_quote: false,
            score: 0,
            counted: Vec::new(),
        }
    }

    const fn subject(&self) -> Subject<'a> {
        Subject {
            what: What::At(self.place, self.part),
            name: self.name,
        }
    }
}

/// The field that holds a document which is being read. What the application says of its fields
/// it says of those: the names within are the client's to choose.
struct Outer {
    place: Place,
    name: Box<[u8]>,
    kind: FieldKind,
}

pub(super) struct Scan<'e> {
    engine: &'e Engine,
    filter: &'static Prefilter,
    path: &'e [u8],
    around: Surroundings<'e>,
    report: Report,
    stops_early: bool,
    admitted: bool,
    fields_left: usize,
    nested: u8,
    outer: Option<Outer>,
    signals: Signals,
    /// How many findings were noted, counting or not.
    noted: u64,
    buffers: Buffers,
    /// Of each rule that users added, which conditions have held.
    held: Vec<u64>,
    /// And of which values were there at all.
    present: Vec<u64>,
}

impl<'e> Scan<'e> {
    pub(super) fn new(engine: &'e Engine, request: &'e RawRequest<'_>, stops_early: bool) -> Self {
        let host = request.headers.first("host").unwrap_or_default();
        let size = request.path.len()
            + request.query.map_or(0, <[u8]>::len)
            + request.headers.length()
            + request.body.len();
        Self {
            engine,
            filter: Prefilter::builtin(),
            path: request.path,
            around: Surroundings {
                host: host.split(|b| *b == b':').next().unwrap_or_default(),
                referer: request.headers.first("referer").unwrap_or_default(),
            },
            report: Report::default(),
            stops_early,
            admitted: false,
            fields_left: engine.limits.fields,
            nested: 0,
            outer: None,
            signals: Signals::with_work(
                size.saturating_mul(engine.limits.work)
                    .saturating_add(MIN_WORK),
            ),
            noted: 0,
            buffers: Buffers::of_thread(),
            held: vec![0; engine.rules.custom.len()],
            present: vec![0; engine.rules.custom.len()],
        }
    }

    pub(super) fn run(mut self, request: &RawRequest<'_>) -> Report {
        let flow = self.of_request(request);
        if flow.is_continue() {
            let engine = self.engine;
            let _stopped = parse::request(
                request,
                &engine.limits,
                engine.duplicates_are_wrong,
                &mut self,
            );
        }
        self.ask_of_absent();
        self.report.hostile &= !self.admitted;
        self.report
    }

    /// Looks at a field from end to end, and adds up.
    fn field(&mut self, place: Place, part: Part, name: &[u8], value: &[u8]) -> Flow {
        match self.fields_left.checked_sub(1) {
            Some(left) => self.fields_left = left,
            None => self.over_limit(|scan| scan.wrong(&protocol::FIELDS, place, name, b""))?,
        }
        let kind = match &self.outer {
            Some(outer) => outer.kind,
            None => self.engine.policy.kind(self.path, place, name),
        };
        let mut field = Field::new(place, part, name, kind);
        self.look(&mut field, value, 0, false)?;
        if self.outer.is_none() {
            self.signals.lower();
        }
        Flow::Continue(())
    }

    /// Looks at a text in one state of decoding, and then at the next.
    fn look(&mut self, field: &mut Field<'_>, text: &[u8], depth: u8, base64: bool) -> Flow {
        self.ask(field.subject(), text, depth == 0)?;
        if field.kind == FieldKind::Opaque {
            return Flow::Continue(());
        }
        field.may_quote = match field.kind {
            FieldKind::FreeText => is_prose(text),
            FieldKind::RichText => has_tags(text) || is_prose(text),
            _ => false,
        };
        if !self.signals.spend(text.len().saturating_mul(STEPS_TO_SEE)) {
            self.exhausted(field, text)?;
        }
        let seen = self.filter.seen(text);
        if self.filter.is_plain(text, seen) && !decode::may_be_base64(text) {
            return Flow::Continue(());
        }
        if seen.has(Seen::BRACKET) && self.is_document(field, text)? {
            if !may_break_out(text) {
                return Flow::Continue(());
            }
            field.is_document = true;
        }
        let text = match data_uri(text) {
            Some((head, payload)) => {
                self.hidden(field, payload, depth)?;
                head
            }
            None => text,
        };
        self.detect(field, text, seen, depth, base64)?;
        if matches!(
            field.place,
            Place::File | Place::XmlDocument | Place::GraphqlDocument
        ) {
            return Flow::Continue(());
        }
        self.oddities(field, text, seen, base64)?;
        self.decode(field, text, seen, depth, base64)
    }

    /// Whether the text is a document that something further on may read: then its parts have
    /// been looked at, one by one.
    fn is_document(&mut self, field: &Field<'_>, text: &[u8]) -> ControlFlow<(), bool> {
        let is_value = field.part == Part::Value
            && !matches!(
                field.place,
                Place::File
                    | Place::XmlDocument
                    | Place::GraphqlDocument
                    | Place::Body
                    | Place::Path
            );
        if !is_value || self.nested >= MAX_NESTED {
            return ControlFlow::Continue(false);
        }
        if parse::looks_like_json(text) {
            let (place, name, limits) = (field.place, field.name, &self.engine.limits);
            let ending = self.within(field, |scan| parse::json(text, place, name, limits, scan))?;
            return ControlFlow::Continue(ending == Ending::Sound);
        }
        let is_graphql =
            matches!(field.name, b"query" | b"mutation") && parse::looks_like_graphql(text);
        if is_graphql {
            self.within(field, |scan| parse::graphql(text, scan))?;
        }
        ControlFlow::Continue(is_graphql)
    }

    /// Has a document read that stands in a field.
    fn within<T>(
        &mut self,
        field: &Field<'_>,
        read: impl FnOnce(&mut Self) -> ControlFlow<(), T>,
    ) -> ControlFlow<(), T> {
        let is_outermost = self.outer.is_none();
        if is_outermost {
            self.outer = Some(Outer {
                place: field.place,
                name: field.name.into(),
                kind: field.kind,
            });
        }
        self.nested += 1;
        let read = read(self);
        self.nested -= 1;
        if is_outermost {
            self.outer = None;
        }
        read
    }

    /// Of what the application may have said something: of a part of a document, the field that
    /// holds it.
    fn said_of<'f>(&'f self, field: &Field<'f>) -> (Place, &'f [u8]) {
        let of_field = (field.place, field.name);
        self.outer
            .as_ref()
            .map_or(of_field, |outer| (outer.place, &outer.name))
    }

    fn detect(
        &mut self,
        field: &mut Field<'_>,
        text: &[u8],
        seen: Seen,
        depth: u8,
        base64: bool,
    ) -> Flow {
        if !self.engine.rules.builtin {
            return Flow::Continue(());
        }
        let live = self.filter.live(text, seen, field.place);
        if live.is_empty() {
            return Flow::Continue(());
        }
        let view = View {
            bytes: text,
            place: field.place,
            part: field.part,
            name: field.name.get(..MAX_NAME_LEN).unwrap_or(field.name),
            depth,
            from_base64: base64,
            request: &self.around,
        };
        for detector in live.detectors() {
            if self.signals.spend(text.len().saturating_mul(detector.cost)) {
                (detector.run)(&view, &mut self.signals);
            }
        }
        for index in live.patterns() {
            if let Some((pattern, regex)) = compiled(index)
                && self
                    .signals
                    .spend(text.len().saturating_mul(STEPS_TO_MATCH))
                && let Some(found) = regex.find(text)
            {
                self.signals.push(&pattern.finding, found.range());
            }
        }
        let mut signals = std::mem::take(&mut self.signals);
        let mut flow = Flow::Continue(());
        for signal in signals.drain() {
            if flow.is_continue() {
                flow = self.note(field, signal.finding, text, signal.span);
            }
        }
        self.signals = signals;
        flow?;
        if self.signals.is_exhausted() {
            self.exhausted(field, text)?;
            return self.detect(field, text, seen, depth, base64);
        }
        Flow::Continue(())
    }

    /// What is odd about a text whatever it says.
    fn oddities(&mut self, field: &mut Field<'_>, text: &[u8], seen: Seen, base64: bool) -> Flow {
        // What comes out of base64 is often UTF-16, and half of that is NULs.
        if seen.has(Seen::ODD) && !base64 {
            if memchr::memchr(0, text).is_some() {
                self.note(field, &protocol::NUL, text, 0..0)?;
            }
            if let Some(at) = overlong_at(text) {
                self.note(field, &protocol::OVERLONG, text, at..at + 2)?;
            }
        }
        if seen.has(Seen::CONTROL) && !base64 {
            self.note(field, &protocol::CONTROL, text, 0..0)?;
        }
        if seen.has(Seen::BACKSLASH)
            && let Some(at) = escaped_letter_at(text)
        {
            self.note(field, &protocol::HIDDEN_ESCAPE, text, at..at + 6)?;
        }
        Flow::Continue(())
    }

    fn decode(
        &mut self,
        field: &mut Field<'_>,
        text: &[u8],
        seen: Seen,
        depth: u8,
        base64: bool,
    ) -> Flow {
        if seen.may_be_base64() {
            return self.hidden(field, text, depth);
        }
        if !seen.may_be_encoded() {
            return Flow::Continue(());
        }
        if seen.has(Seen::AMPERSAND) {
            let names = memchr::memchr_iter(b'&', text).count();
            if !self.signals.spend(names.saturating_mul(STEPS_OF_NAME)) {
                self.exhausted(field, text)?;
            }
        }
        let (mut out, mut spare) = (self.buffers.take(), self.buffers.take());
        let mut flow = Flow::Continue(());
        // Of a text that is shown to people, references stay what they are.
        let is_shown = matches!(field.kind, FieldKind::FreeText | FieldKind::RichText);
        if decode::round(text, seen, is_shown, &mut out, &mut spare) {
            flow = self.look_deeper(field, &out, depth, base64);
        }
        self.buffers.give_back(out);
        self.buffers.give_back(spare);
        flow
    }

    /// Looks at what may be hidden in base64.
    fn hidden(&mut self, field: &mut Field<'_>, text: &[u8], depth: u8) -> Flow {
        if matches!(
            field.kind,
            FieldKind::Base64 | FieldKind::File | FieldKind::Code
        ) {
            return Flow::Continue(());
        }
        if !decode::may_be_base64(text) {
            return Flow::Continue(());
        }
        let mut out = self.buffers.take();
        let mut flow = Flow::Continue(());
        if decode::base64(text, &mut out) {
            flow = self.look_deeper(field, &out, depth, true);
        }
        self.buffers.give_back(out);
        flow
    }

    fn look_deeper(&mut self, field: &mut Field<'_>, text: &[u8], depth: u8, base64: bool) -> Flow {
        if depth >= self.engine.limits.decodings {
            return self.note(field, &protocol::NESTED, text, 0..0);
        }
        self.look(field, text, depth + 1, base64)
    }

    /// Ends a look at a request on which more would be spent than its size is worth. Where that
    /// counts for nothing, because the rule is switched off or excluded, this field is looked at
    /// whatever it costs.
    fn exhausted(&mut self, field: &mut Field<'_>, text: &[u8]) -> Flow {
        self.over_limit(|scan| scan.note(field, &protocol::WORK, text, 0..0))?;
        self.signals.lift();
        Flow::Continue(())
    }

    /// Tells that a limit is reached, and ends the look unless the request would be admitted.
    fn over_limit(&mut self, tell: impl FnOnce(&mut Self) -> Flow) -> Flow {
        tell(self)?;
        if self.report.hostile {
            return Flow::Break(());
        }
        Flow::Continue(())
    }

    /// Notes a finding in a field: unless its rule is switched off, excluded, or counts
    /// nothing there.
    fn note(
        &mut self,
        field: &mut Field<'_>,
        finding: &'static Finding,
        text: &[u8],
        span: Range<usize>,
    ) -> Flow {
        self.noted += 1;
        self.heard_of(field.subject(), finding.class)?;
        let engine = self.engine;
        if !engine.rules.builtin
            || !engine.rules.is_on(finding.id, finding.level)
            || field.counted.contains(&finding.id)
        {
            return Flow::Continue(());
        }
        let weight = weight(finding, field);
        if weight == 0 || self.is_excluded(field, finding.id, finding.tags, finding.class) {
            return Flow::Continue(());
        }
        field.counted.push(finding.id);
        field.score += u32::from(weight);
        let (place, name) = self.said_of(field);
        let found = Match {
            rule: RuleId::builtin(finding.id),
            class: finding.class,
            weight,
            place,
            name: report::name_of(name),
            excerpt: if field.is_document {
                report::not_shown()
            } else {
                report::excerpt(&[name, field.name], text, span)
            },
        };
        self.keep(found);
        self.decide(field.score)
    }

    fn is_excluded(&self, field: &Field<'_>, id: &str, tags: &[&str], class: Class) -> bool {
        let is = |excluded: &Excluded| match excluded {
            Excluded::Rule(rule) => **rule == *id,
            Excluded::Tag(tag) => tags.contains(&&**tag),
            Excluded::Class(of) => *of == class,
        };
        let (policy, (place, name)) = (&self.engine.policy, self.said_of(field));
        let by = policy.exclusion(self.path, place, name, is);
        if let Some(count) = by.and_then(|index| self.engine.used.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        by.is_some()
    }

    fn keep(&mut self, found: Match) {
        let known = self
            .report
            .matches
            .iter()
            .any(|known| known.rule == found.rule);
        if !known {
            self.report.score += u32::from(found.weight);
        }
        if self.report.matches.len() < MAX_MATCHES {
            self.report.matches.push(found);
        }
    }

    fn decide(&mut self, field_score: u32) -> Flow {
        self.report.hostile |= field_score >= self.engine.field_threshold
            || self.report.score >= self.engine.request_threshold;
        self.go_on()
    }

    const fn go_on(&self) -> Flow {
        if self.admitted || (self.report.hostile && self.stops_early) {
            return Flow::Break(());
        }
        Flow::Continue(())
    }
}

impl Visit for Scan<'_> {
    fn pair(&mut self, place: Place, name: &[u8], value: &[u8]) -> Flow {
        self.field(place, Part::Name, name, name)?;
        self.field(place, Part::Value, name, value)
    }

    fn value(&mut self, place: Place, name: &[u8], value: &[u8]) -> Flow {
        self.field(place, Part::Value, name, value)
    }

    fn name(&mut self, place: Place, name: &[u8]) -> Flow {
        self.field(place, Part::Name, name, name)
    }

    fn wrong(&mut self, finding: &'static Finding, place: Place, name: &[u8], text: &[u8]) -> Flow {
        let mut field = Field::new(place, Part::Value, name, FieldKind::Plain);
        self.note(&mut field, finding, text, 0..text.len())
    }

    /// What is around the text is hidden from those who look, but for the host: it may be other
    /// the next time.
    fn recurring(&mut self, name: &str, text: &[u8], look: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let engine = self.engine;
        let memory = engine.memory.as_ref();
        let known =
            memory.and_then(|memory| Some((memory, memory.of(name, self.around.host, text)?)));
        let Some((memory, text)) = known else {
            return look(self);
        };
        let before = (self.fields_left, self.noted);
        if let Some(left) = memory
            .knows(text)
            .and_then(|fields| before.0.checked_sub(fields))
        {
            self.fields_left = left;
            return Flow::Continue(());
        }
        let around = self.around;
        self.around = Surroundings {
            host: around.host,
            ..Surroundings::default()
        };
        let flow = look(self);
        self.around = around;
        flow?;
        if self.noted == before.1 {
            memory.keep(text, before.0 - self.fields_left);
        }
        Flow::Continue(())
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.take()
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        self.buffers.give_back(buffer);
    }
}

/// Whether a document may be an attack as a whole though its parts are none: by a quote that
/// ends the string around it, or by something encoded.
fn may_break_out(text: &[u8]) -> bool {
    text.iter()
        .any(|byte| matches!(byte, b'\'' | b'`' | b'%' | b'&' | b'\\' | b'<'))
}

/// Whether a text has words as people write them, or a block of code as they mark it.
fn is_prose(text: &[u8]) -> bool {
    if memchr::memmem::find(text, b"```").is_some() {
        return true;
    }
    let words = text.split(u8::is_ascii_whitespace).filter(|word| {
        let word = word.strip_suffix(b".").unwrap_or(word);
        let word = word.strip_suffix(b",").unwrap_or(word);
        word.len() > 1 && word.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
    });
    words.take(PROSE).count() == PROSE
}

/// Whether a text has tags, and so is markup.
fn has_tags(text: &[u8]) -> bool {
    memchr::memchr_iter(b'<', text).any(|at| text.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
}

/// What a finding counts in a field.
fn weight(finding: &Finding, field: &Field<'_>) -> u8 {
    let full = finding.weight.0;
    // That a query is source code says nothing of how deep it is.
    let of_structure = matches!(finding.class, Class::Protocol | Class::Graphql);
    if of_structure || ANYWHERE.contains(&finding.id) {
        return full;
    }
    let strong = full >= 5;
    match field.kind {
        FieldKind::Plain => full,
        FieldKind::Opaque | FieldKind::Code | FieldKind::File => 0,
        FieldKind::Base64 => full,
        FieldKind::Url => match finding.class {
            Class::Rfi => 0,
            _ => full,
        },
        // Prose quotes code, and markup shows it. What is neither and looks like code in two ways
        // is an attack; markup that acts is one anywhere.
        FieldKind::FreeText | FieldKind::RichText => match finding.class {
            _ if !strong => 0,
            _ if finding.id == OPEN_SCRIPT && field.kind == FieldKind::FreeText => 3,
            Class::Xss if IN_ATTRIBUTES.contains(&finding.id) => {
                let stands_in_text = field.may_quote || field.kind == FieldKind::RichText;
                if stands_in_text { 0 } else { full }
            }
            Class::Xss if !finding.tags.contains(&"javascript") => full,
            Class::Xss if field.kind == FieldKind::RichText => 0,
            Class::Xxe | Class::Scanner => full,
            _ if field.may_quote => 0,
            // However many functions are named.
            Class::Xss => 3_u8.saturating_sub(u8::try_from(field.score).unwrap_or(3)),
            _ => 3,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::ruleset::FINDINGS;
    use crate::waf::{Condition, Limits, Operator, Rule, RuleTest, Ruleset, Target, Waf};

    fn steps(body: &str) -> usize {
        let waf = Waf::new(Ruleset::builtin());
        let request = RawRequest::new("POST", "/").header("content-type", "application/json");
        let request = request.body(body);
        let mut scan = Scan::new(&waf.0, &request, true);
        let before = scan.signals.left();
        let flow = parse::request(&request, &waf.0.limits, false, &mut scan);
        assert!(flow.is_continue() && !scan.report.hostile);
        before - scan.signals.left()
    }

    /// Whatever their name is, each value costs the same.
    #[test]
    fn many_values_under_a_long_name_take_no_more_steps() {
        let values = |name: &str, count: usize| {
            let list = "\"https://www.example.com/a_b?c=d\",".repeat(count);
            steps(&format!("{{\"{name}\":[{list}1]}}"))
        };
        let thousand = |name: &str| values(name, 2000) - values(name, 1000);
        let long = "p".repeat(64 << 10);
        assert!(thousand("p") > 1000);
        assert_eq!(thousand(&long), thousand("p"));
    }

    /// Whatever came before, a request is judged as one that comes first.
    #[test]
    fn what_is_remembered_changes_no_judgment() {
        let paths = ["/notes/17", "/a/../../etc/passwd", "/cGFzc3dvcmQgaXMgMQ"];
        let hosts = ["example.com", "other.example"];
        let cookies = [
            "a=1; b=%7B%22c%22%3A%5B%22d%22%5D%7D",
            "a=1; include_path=http://example.com/x",
            "a=%27+or+1%3D1--%20",
            "a=1; b=2; c=3; d=4; e=5",
        ];
        let referers = [
            "https://example.com/?q=c%23+vs+java",
            "https://other.example/?q=%3Cscript%3E",
            "",
        ];
        let queries = ["?q=1", "?phpsessid=abc&q=2"];
        let new = || {
            let waf = Waf::builder(Ruleset::builtin());
            waf.limits(Limits::new().fields(16)).build().unwrap()
        };
        let known = new();
        let mut hostile = 0;
        for round in 0..2 {
            for (path, query) in paths
                .iter()
                .flat_map(|path| queries.map(|query| (path, query)))
            {
                let target = format!("{path}{query}");
                for (host, cookie) in hosts.iter().flat_map(|host| cookies.map(|c| (host, c))) {
                    for referer in referers {
                        let request = RawRequest::new("GET", &target)
                            .header("host", host)
                            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
                            .header("cookie", cookie)
                            .header("referer", referer);
                        let report = known.explain(&request);
                        assert_eq!(report, new().explain(&request), "{round} {request:?}");
                        hostile += u32::from(report.is_hostile());
                    }
                }
            }
        }
        assert!((1..288).contains(&hostile), "{hostile}");
    }

    /// Where rules of users see each part, each is shown to them each time.
    #[test]
    fn rules_of_users_see_what_came_before() {
        let long = "0".repeat(33);
        let rule = Rule::new("vp-agent", Class::Generic)
            .when(Condition::new(
                Target::header("user-agent"),
                Operator::LongerThan(32),
            ))
            .test(RuleTest::must_match("GET", "/").header("user-agent", &long))
            .test(RuleTest::must_not_match("GET", "/").header("user-agent", "17"));
        let waf = Waf::new(Ruleset::builtin().with(rule).unwrap());
        for _ in 0..2 {
            let request = RawRequest::new("GET", "/").header("user-agent", &long);
            assert_eq!(waf.judge(&request).matches().len(), 1);
        }
    }

    #[test]
    fn what_counts_anywhere_exists() {
        for id in ANYWHERE {
            let finding = FINDINGS.get(id).unwrap_or_else(|| panic!("{id}"));
            let field = Field::new(Place::Form, Part::Value, b"", FieldKind::Code);
            assert_eq!(weight(finding, &field), finding.weight.0);
        }
        for id in IN_ATTRIBUTES.iter().chain([&OPEN_SCRIPT]) {
            assert!(FINDINGS.contains_key(id), "{id}");
        }
    }
}
