use super::{Place, RawRequest, RuleId, Waf};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most fields that are told apart: traffic with more than that is not understood field by
/// field.
const MAX_FIELDS: usize = 10_000;

/// Learns from recorded traffic which exclusions it would need.
///
/// Feed it with requests that are known to be honest, such as a day of your own tests: what an
/// attacker sent, it would let pass for ever. What it suggests is to be read, not pasted: a
/// [`FieldKind`](super::FieldKind) says more than three exclusions.
///
/// ```
/// use portcullis::waf::{Lessons, RawRequest, Ruleset, Waf};
///
/// let waf = Waf::new(Ruleset::builtin());
/// let mut lessons = Lessons::new(&waf);
/// lessons.hear(&RawRequest::new("GET", "/reports/17?q=select+name+from+users+where+id%3D1--"));
/// for lesson in lessons.needed() {
///     assert!(lesson.to_string().contains("/reports/{id}"));
/// }
/// ```
#[derive(Debug)]
pub struct Lessons<'w> {
    waf: &'w Waf,
    needed: BTreeMap<(String, Place, Box<str>), Need>,
}

#[derive(Debug, Default)]
struct Need {
    rules: BTreeSet<RuleId>,
    requests: u64,
}

/// An exclusion that honest requests would need.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lesson {
    /// The route, as far as paths show it: segments that look like ids are `{id}`.
    pub route: String,
    /// Where the field stands.
    pub place: Place,
    /// Its name; empty where it has none, and then no exclusion can help.
    pub name: Box<str>,
    /// The rules that matched in it.
    pub rules: Vec<RuleId>,
    /// In how many requests.
    pub requests: u64,
}

impl<'w> Lessons<'w> {
    /// Nothing heard yet.
    #[must_use]
    pub const fn new(waf: &'w Waf) -> Self {
        Self {
            waf,
            needed: BTreeMap::new(),
        }
    }

    /// Hears an honest request.
    pub fn hear(&mut self, request: &RawRequest<'_>) {
        let report = self.waf.explain(request);
        if !report.is_hostile() {
            return;
        }
        let route = route_of(request.path);
        let mut fields: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for found in report.matches() {
            let field = (route.clone(), found.place(), Box::from(found.name()));
            fields
                .entry(field)
                .or_default()
                .insert(found.rule().clone());
        }
        for (field, rules) in fields {
            if self.needed.len() >= MAX_FIELDS && !self.needed.contains_key(&field) {
                continue;
            }
            let need = self.needed.entry(field).or_default();
            need.rules.extend(rules);
            need.requests += 1;
        }
    }

    /// What is needed, the most frequent first.
    #[must_use]
    pub fn needed(&self) -> Vec<Lesson> {
        let lessons = self
            .needed
            .iter()
            .map(|((route, place, name), need)| Lesson {
                route: route.clone(),
                place: *place,
                name: name.clone(),
                rules: need.rules.iter().cloned().collect(),
                requests: need.requests,
            });
        let mut lessons: Vec<_> = lessons.collect();
        lessons.sort_by_key(|lesson| std::cmp::Reverse(lesson.requests));
        lessons
    }
}

/// The exclusions as code.
impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "// {} requests", self.requests)?;
        if self.name.is_empty() {
            let (route, place) = (&self.route, self.place.as_str());
            return writeln!(f, "// {route}: a {place} has no name to exclude rules in");
        }
        for rule in &self.rules {
            writeln!(
                f,
                ".exclude(Exclusion::of_rule({:?}, Field::named({:?}).on({:?}).at(Place::{:?})))",
                rule.as_str(),
                self.name,
                self.route,
                self.place
            )?;
        }
        Ok(())
    }
}

/// A path whose segments that look like ids are `{id}`.
fn route_of(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let segments = path.split('/').map(|segment| {
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        let version = segment.len() <= 3 && segment.starts_with(['v', 'V']);
        if !version && digits > 0 && digits * 3 >= segment.len() {
            "{id}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_no_part_of_a_route() {
        let cases = [
            ("/notes/17", "/notes/{id}"),
            ("/api/v1/items", "/api/v1/items"),
            ("/a/4e4b0933-bf20-42cf-a1be-b67213417c23", "/a/{id}"),
            ("/about", "/about"),
        ];
        for (path, route) in cases {
            assert_eq!(route_of(path.as_bytes()), route);
        }
    }
}
