use super::detect::{DETECTORS, PATTERNS};
use super::rule::{Rule, RuleId, RuleInfo, Severity};
use super::signal::Finding;
use super::{Class, WafError, protocol};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Conditions of a rule are bits of a word.
const MOST_CONDITIONS: usize = 64;

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

    /// Adds a rule.
    ///
    /// # Errors
    /// When its id is taken, or it has no condition or too many.
    pub fn with(mut self, rule: Rule) -> Result<Self, WafError> {
        if self.finds(rule.id.as_str()) {
            return Err(WafError::duplicate_rule(rule.id.as_str()));
        }
        if !(1..=MOST_CONDITIONS).contains(&rule.conditions.len()) {
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

impl Default for Ruleset {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::signal::Sample;
    use crate::waf::{RawRequest, Waf};

    /// The ids of all rules that match a sample.
    fn matched(waf: &Waf, sample: &Sample) -> Vec<String> {
        let target;
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
        let waf = Waf::new(Ruleset::builtin().level(3).unwrap());
        let mut wrong = Vec::new();
        for finding in FINDINGS.values() {
            for sample in finding.hits {
                let matched = matched(&waf, sample);
                if !matched.iter().any(|id| id == finding.id) {
                    wrong.push(format!("{} misses {sample:?}: {matched:?}", finding.id));
                }
            }
            for sample in finding.misses {
                if matched(&waf, sample).iter().any(|id| id == finding.id) {
                    wrong.push(format!("{} hits {sample:?}", finding.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
