use super::detect::{DETECTORS, PATTERNS};
use super::rule::{Condition, Rule, RuleId, RuleInfo, Severity};
use super::signal::Finding;
use super::{Class, WafError, protocol};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

/// Conditions of a rule are bits of a word.
const MAX_CONDITIONS: usize = 64;

/// The builtin findings, by their ids.
pub(super) static FINDINGS: LazyLock<HashMap<&'static str, &'static Finding>> =
    LazyLock::new(|| {
        let detected = DETECTORS
            .iter()
            .flat_map(|detector| detector.findings)
            .copied();
        let matched = PATTERNS.iter().map(|pattern| &pattern.finding);
        let all = detected
            .chain(matched)
            .chain(protocol::FINDINGS.iter().copied());
        all.map(|finding| (finding.id, finding)).collect()
    });

/// Which rules are there, and which of them are switched on.
///
/// ```
/// use portcullis::waf::{Class, Ruleset};
///
/// let rules = Ruleset::builtin().without_class(Class::Graphql).level(2)?;
/// assert!(Ruleset::builtin().without("no-such-rule").unwrap_err().is_unknown());
/// # Ok::<(), portcullis::waf::WafError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Ruleset {
    pub(super) builtin: bool,
    pub(super) level: u8,
    pub(super) off: HashSet<RuleId>,
    pub(super) custom: Vec<Rule>,
}

impl Ruleset {
    /// The rules of this crate, at level 1.
    pub fn builtin() -> Self {
        Self {
            builtin: true,
            level: 1,
            off: HashSet::new(),
            custom: Vec::new(),
        }
    }

    /// No rules at all: for a ruleset of your own.
    pub fn empty() -> Self {
        Self {
            builtin: false,
            ..Self::builtin()
        }
    }

    /// Switches on the rules up to this level: 1 for production, 2 and 3 for what is worth
    /// protecting at the price of exclusions.
    ///
    /// # Errors
    /// When there is no such level.
    pub fn level(mut self, level: u8) -> Result<Self, WafError> {
        if !(1..=3).contains(&level) {
            return Err(WafError::level(level));
        }
        self.level = level;
        Ok(self)
    }

    /// The builtin rules, and those of this text: TOML, of the format that `docs/waf-rules.md`
    /// describes.
    ///
    /// ```
    /// use portcullis::waf::{RawRequest, Ruleset, Waf};
    ///
    /// let waf = Waf::new(Ruleset::parse(r#"
    ///     [[rule]]
    ///     id = "vp-invoice-id"
    ///     name = "an invoice id that is no number"
    ///     class = "generic"
    ///     when = [
    ///         { in = "path", begins_with = "/invoices" },
    ///         { in = "parameter:id", regex = "[^0-9]" },
    ///     ]
    ///     tests.match = ["GET /invoices?id=17x"]
    ///     tests.pass = ["GET /invoices?id=17", "GET /orders?id=17x"]
    /// "#)?);
    /// assert!(waf.judge(&RawRequest::new("GET", "/invoices?id=17x")).is_hostile());
    /// assert!(!waf.judge(&RawRequest::new("GET", "/invoices?id=17")).is_hostile());
    ///
    /// let misspelled = Ruleset::parse("[[rule]]\nid = \"a\"\nclass = \"sql\"").unwrap_err();
    /// assert!(misspelled.to_string().starts_with("line 3: \"sql\" is none of sqli, xss"));
    /// # Ok::<(), portcullis::waf::WafError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is not of that format, and when [`with`](Self::with) or
    /// [`without`](Self::without) refuses what it says. The error names the line.
    pub fn parse(text: &str) -> Result<Self, WafError> {
        Self::builtin().with_text(text)
    }

    /// The builtin rules, and those of this file. See [`parse`](Self::parse).
    ///
    /// # Errors
    /// When the file cannot be read, and as [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, WafError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| WafError::file(path, WafError::text(error.to_string())))?;
        Self::parse(&text).map_err(|error| WafError::file(path, error))
    }

    /// Adds the rules of this text to these, and switches off what it says. See
    /// [`parse`](Self::parse).
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn with_text(self, text: &str) -> Result<Self, WafError> {
        super::rule::text::read(text, self)
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// When its id is taken or is none, when it has no condition or too many, and when it fails
    /// one of its own tests.
    pub fn with(mut self, rule: Rule) -> Result<Self, WafError> {
        if self.finds(rule.id.as_str()) {
            return Err(WafError::duplicate_rule(rule.id.as_str()));
        }
        if !is_id(rule.id.as_str()) {
            return Err(WafError::id(rule.id.as_str()));
        }
        if !rule.conditions.iter().all(Condition::is_sound) {
            return Err(WafError::negated_attack(rule.id.as_str()));
        }
        if !(1..=MAX_CONDITIONS).contains(&rule.conditions.len()) {
            return Err(WafError::conditions(
                rule.id.as_str(),
                rule.conditions.len(),
            ));
        }
        if !(1..=3).contains(&rule.level) {
            return Err(WafError::level(rule.level));
        }
        super::engine::test(&rule)?;
        self.custom.push(rule);
        Ok(self)
    }

    /// Switches off the rule of this id.
    ///
    /// # Errors
    /// When there is none.
    pub fn without(mut self, id: &str) -> Result<Self, WafError> {
        if !self.finds(id) {
            return Err(WafError::unknown_rule(id));
        }
        self.off.insert(id.into());
        Ok(self)
    }

    /// Switches off all rules with this tag.
    ///
    /// # Errors
    /// When there is none.
    pub fn without_tag(mut self, tag: &str) -> Result<Self, WafError> {
        let tagged = self.rules().filter(|rule| rule.tags.contains(&tag));
        let tagged: Vec<_> = tagged.map(|rule| rule.id).collect();
        if tagged.is_empty() {
            return Err(WafError::unknown_tag(tag));
        }
        self.off.extend(tagged);
        Ok(self)
    }

    /// Switches off all rules of this class.
    pub fn without_class(mut self, class: Class) -> Self {
        let of_class = self.rules().filter(|rule| rule.class == class);
        let of_class: Vec<_> = of_class.map(|rule| rule.id).collect();
        self.off.extend(of_class);
        self
    }

    /// The rules, switched on or off, in the order of their ids.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        let builtin = FINDINGS
            .values()
            .filter(|_| self.builtin)
            .map(|finding| RuleInfo {
                id: RuleId::builtin(finding.id),
                name: finding.name,
                class: finding.class,
                severity: Severity::of_weight(finding.weight.0),
                level: finding.level,
                tags: finding.tags.to_vec(),
                references: Vec::new(),
            });
        let custom = self.custom.iter().map(|rule| RuleInfo {
            id: rule.id.clone(),
            name: &rule.name,
            class: rule.class,
            severity: rule.severity,
            level: rule.level,
            tags: rule.tags.iter().map(|tag| &**tag).collect(),
            references: rule.references.iter().map(|text| &**text).collect(),
        });
        let mut all: Vec<_> = builtin.chain(custom).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.into_iter()
    }

    /// Whether a rule of this id is there.
    pub(super) fn finds(&self, id: &str) -> bool {
        (self.builtin && FINDINGS.contains_key(id))
            || self.custom.iter().any(|rule| rule.id.as_str() == id)
    }

    /// Whether a rule of this id and level is switched on.
    pub(super) fn is_on(&self, id: &str, level: u8) -> bool {
        level <= self.level && !self.off.contains(id)
    }

    /// Whether a rule that is switched on is of this kind.
    pub(super) fn has(&self, kind: impl Fn(&RuleInfo<'_>) -> bool) -> bool {
        self.rules()
            .any(|rule| self.is_on(rule.id.as_str(), rule.level) && kind(&rule))
    }
}

/// Whether this is an id that can stand in lists and in logs.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
}

impl Default for Ruleset {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::signal::Sample;
    use crate::waf::{Limits, RawRequest, Waf};

    type Samples = &'static [Sample];

    const FORM: &str = "multipart/form-data; boundary=b";
    const GRAPHQL: &str = "application/graphql";

    /// Samples of rules that need more than the value of a parameter, or that count only in
    /// the company of others.
    const MORE: &[(&str, Samples, Samples)] = {
        use Sample::{Body, Link, Long, Path, Query, Value};
        &[
            (
                "graphql-aliases",
                &[Long(GRAPHQL, ["{", " a: user(id: 1) { id }", "}"], 101)],
                &[],
            ),
            (
                "graphql-directives",
                &[Long(GRAPHQL, ["{ a", " @include(if: true)", "}"], 101)],
                &[],
            ),
            (
                "java-stream",
                &[Query("q=%ac%ed%00%05sr")],
                &[Query("q=%ac%ed%00")],
            ),
            ("java-xml-decoder", &[], &[Value("<java is an island>")]),
            (
                "lfi-hidden-path",
                &[Path("/a/.git/config")],
                &[Path("/.well-known/security.txt")],
            ),
            (
                "lfi-leftover-path",
                &[Path("/index.php.bak"), Path("/db.sql")],
                &[Path("/backup/plans")],
            ),
            (
                "lfi-step-up",
                &[Value("../x/y")],
                &[Value("and so on.../x")],
            ),
            ("nodejs-flight", &[], &[Value("$5: the constructor set")]),
            ("nodejs-serialized", &[], &[Value("a function of nd")]),
            (
                "php-upload",
                &[Body(
                    FORM,
                    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.phtml\"\r\n\r\nx\r\n--b--\r\n",
                )],
                &[Body(
                    FORM,
                    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.photo.jpg\"\r\n\r\nx\r\n--b--\r\n",
                )],
            ),
            (
                "rce-redirection",
                &[Value("x > /dev/null")],
                &[Value("2 > 1")],
            ),
            ("rce-substitution", &[Value("$[1]")], &[Value("$ (x)")]),
            (
                "rfi-foreign-host",
                &[Query("x=https://other.example")],
                &[Query("url=https://other.example")],
            ),
            (
                "rfi-parameter",
                &[Query("include_path=https://other.example/x")],
                &[Query("homepage=https://other.example/x")],
            ),
            (
                "session-from-outside",
                &[Link("phpsessid=abc", "https://other.example/")],
                &[Link("phpsessid=abc", "https://www.example.com/")],
            ),
            (
                "sqli-catalog-named",
                &[Value("information_schema")],
                &[Value("information and schema")],
            ),
            (
                "sqli-comment-space",
                &[Value("1/**/union/**/select/**/2")],
                &[Value("a /* remark */ b")],
            ),
            (
                "sqli-condition",
                &[Value("they said and 1=1")],
                &[Value("bread and butter")],
            ),
            (
                "sqli-function",
                &[Value("sleep(5)")],
                &[Value("sleep well")],
            ),
            (
                "sqli-query-tail",
                &[Value("select a from b where c=1 -- ")],
                &[Value("a table -- of wood")],
            ),
            (
                "sqli-select-names",
                &[Value("union select name from users")],
                &[Value("select a size")],
            ),
            (
                "sqli-statement-names",
                &[Value("drop table users")],
                &[Value("drop the table")],
            ),
            (
                "sqli-telling-function",
                &[Value("charset(user())")],
                &[Value("the charset (utf-8)")],
            ),
            (
                "ssrf-development-host",
                &[Value("http://localhost:3000/")],
                &[Value("http://www.example.com/")],
            ),
            ("xss-comment", &[Value("a<!-- b -->")], &[Value("a <- b")]),
            (
                "xss-namespaced-tag",
                &[Value("<xi:include href='x'/>")],
                &[Value("a:b > c")],
            ),
            (
                "xss-page-change",
                &[Value("p.textContent = 'x'")],
                &[Value("the document body")],
            ),
            (
                "xss-page-query",
                &[Value("document.querySelector('a')")],
                &[Value("a document query")],
            ),
            (
                "xss-page-tag",
                &[Value("<style>p{color:red}</style>")],
                &[Value("in style > out")],
            ),
        ]
    };

    /// The ids of all rules that match a sample.
    fn matched(waf: &Waf, sample: &Sample) -> Vec<String> {
        let (target, long);
        let request = match sample {
            Sample::Value(value) => {
                let encoded: String = value.bytes().map(|b| format!("%{b:02x}")).collect();
                target = format!("/?q={encoded}");
                RawRequest::new("GET", &target)
            }
            Sample::Query(query) => {
                target = format!("/?{query}");
                RawRequest::new("GET", &target)
            }
            Sample::Path(path) => RawRequest::new("GET", path),
            Sample::Header(name, value) => RawRequest::new("GET", "/").header(name, value),
            Sample::Body(content_type, body) => RawRequest::new("POST", "/")
                .header("content-type", content_type)
                .body(body),
            Sample::Long(content_type, [before, unit, after], times) => {
                long = format!("{before}{}{after}", unit.repeat(*times));
                RawRequest::new("POST", "/")
                    .header("content-type", content_type)
                    .body(&long)
            }
            Sample::Link(query, referer) => {
                target = format!("/?{query}");
                RawRequest::new("GET", &target).header("referer", referer)
            }
            Sample::Sent(method, body) => RawRequest::new(method, "/").body(body),
        };
        let report = waf.explain(&request.header("host", "www.example.com"));
        report
            .matches()
            .iter()
            .map(|found| found.rule().to_string())
            .collect()
    }

    #[test]
    fn every_rule_passes_its_own_tests() {
        let waf = Waf::builder(Ruleset::builtin().level(3).unwrap());
        let waf = waf.refuse_duplicates().build().unwrap();
        let mut wrong = Vec::new();
        for (id, ..) in MORE {
            assert!(FINDINGS.contains_key(id), "there is no rule {id}");
        }
        for finding in FINDINGS.values() {
            let more = MORE.iter().filter(|(id, ..)| *id == finding.id);
            let more: (Vec<_>, Vec<_>) = more.map(|(_, hits, misses)| (*hits, *misses)).unzip();
            let hits: Vec<_> = finding
                .hits
                .iter()
                .chain(more.0.into_iter().flatten())
                .collect();
            let misses: Vec<_> = finding
                .misses
                .iter()
                .chain(more.1.into_iter().flatten())
                .collect();
            // What a request has to be made for, byte by byte, has a test of its own below.
            if misses.is_empty() || (hits.is_empty() && finding.id != protocol::WORK.id) {
                wrong.push(format!("{} has no hits or no misses", finding.id));
            }
            for sample in hits {
                let matched = matched(&waf, sample);
                if !matched.iter().any(|id| id == finding.id) {
                    wrong.push(format!("{} misses {sample:?}: {matched:?}", finding.id));
                }
            }
            for sample in misses {
                if matched(&waf, sample).iter().any(|id| id == finding.id) {
                    wrong.push(format!("{} hits {sample:?}", finding.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_is_decoded_is_bounded() {
        let waf = Waf::builder(Ruleset::builtin());
        let body = format!("a={}", "%2541%2541".repeat(100_000));
        let request = RawRequest::new("POST", "/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(&body);
        assert!(!waf.clone().build().unwrap().judge(&request).is_hostile());
        let waf = waf.limits(Limits {
            work: 0,
            ..Limits::new()
        });
        let report = waf.build().unwrap().judge(&request);
        assert_eq!(report.matches()[0].rule().as_str(), protocol::WORK.id);
    }

    #[test]
    fn ids_are_unique_and_speak_of_their_class() {
        let detected = DETECTORS
            .iter()
            .flat_map(|detector| detector.findings)
            .copied();
        let matched = PATTERNS.iter().map(|pattern| &pattern.finding);
        let all: Vec<_> = detected
            .chain(matched)
            .chain(protocol::FINDINGS.iter().copied())
            .collect();
        assert_eq!(all.len(), FINDINGS.len(), "two findings have one id");
        for finding in all {
            assert!((1..=3).contains(&finding.level), "{}", finding.id);
            assert!(!finding.name.is_empty(), "{}", finding.id);
        }
    }
}
