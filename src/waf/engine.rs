use super::memory::Memory;
use super::policy::{Policy, Route};
use super::report::Report;
use super::rule::{Condition, Rule};
use super::scan::Scan;
use super::{Exclusion, Field, FieldKind, Limits, RawRequest, Ruleset, WafError};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a field may score before the request is refused.
const FIELD_THRESHOLD: u32 = 5;
/// What a whole request may score, each rule counted once.
const REQUEST_THRESHOLD: u32 = 10;

/// Judges requests: the decision without HTTP. Cheap to clone.
///
/// ```
/// use portcullis::waf::{Class, RawRequest, Ruleset, Waf};
///
/// let waf = Waf::new(Ruleset::builtin());
/// let search = RawRequest::new("GET", "/search?q=O'Brien+and+sons");
/// assert!(!waf.judge(&search).is_hostile());
///
/// let attack = RawRequest::new("GET", "/search?q='+UNION+SELECT+password+FROM+users--");
/// let report = waf.judge(&attack);
/// assert!(report.is_hostile());
/// assert_eq!(report.class(), Some(Class::Sqli));
/// assert_eq!(report.matches()[0].location().to_string(), "query:q");
/// ```
#[derive(Clone)]
pub struct Waf(pub(super) Arc<Engine>);

pub(super) struct Engine {
    pub(super) rules: Ruleset,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) duplicates_are_wrong: bool,
    pub(super) field_threshold: u32,
    pub(super) request_threshold: u32,
    /// None where rules of users want to see all, or the application has said something of
    /// fields outside of its parameters: what is clean hangs on more than the text then.
    pub(super) memory: Option<Memory>,
    /// How often each exclusion made a difference.
    pub(super) used: Box<[AtomicU64]>,
}

impl Waf {
    /// Judges by these rules, with the limits of [`Limits::new`] and no exclusions.
    #[must_use]
    pub fn new(rules: Ruleset) -> Self {
        Self::assemble(WafBuilder::new(rules), Policy::default())
    }

    /// Judges by these rules, and by what the builder is told of limits, fields and
    /// exclusions.
    pub fn builder(rules: Ruleset) -> WafBuilder {
        WafBuilder::new(rules)
    }

    fn assemble(builder: WafBuilder, policy: Policy) -> Self {
        let used = (0..policy.number_of_exclusions()).map(|_| AtomicU64::new(0));
        let may_remember = builder.rules.custom.is_empty() && policy.is_of_parameters();
        Self(Arc::new(Engine {
            rules: builder.rules,
            used: used.collect(),
            policy,
            limits: builder.limits,
            duplicates_are_wrong: builder.duplicates_are_wrong,
            field_threshold: builder.field_threshold,
            request_threshold: builder.request_threshold,
            memory: may_remember.then(Memory::new),
        }))
    }

    /// Judges a request, and stops as soon as it is known to be hostile.
    pub fn judge(&self, request: &RawRequest<'_>) -> Report {
        Scan::new(&self.0, request, true).run(request)
    }

    /// Judges a request to the end: everything that any rule has against it.
    pub fn explain(&self, request: &RawRequest<'_>) -> Report {
        Scan::new(&self.0, request, false).run(request)
    }

    /// The rules.
    pub fn ruleset(&self) -> &Ruleset {
        &self.0.rules
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The exclusions that made no difference to any request so far, in words. One that is
    /// still here after weeks of traffic can go.
    #[must_use]
    pub fn unused_exclusions(&self) -> Vec<String> {
        let used = self.0.used.iter().enumerate();
        let unused = used.filter(|(_, count)| count.load(Ordering::Relaxed) == 0);
        unused
            .filter_map(|(index, _)| self.0.policy.describe(index))
            .collect()
    }
}

impl From<Ruleset> for Waf {
    fn from(rules: Ruleset) -> Self {
        Self::new(rules)
    }
}

impl fmt::Debug for Waf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waf")
            .field("level", &self.0.rules.level)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// Sets up a [`Waf`].
///
/// ```
/// use portcullis::waf::{Class, Exclusion, Field, FieldKind, Ruleset, Waf};
///
/// let waf = Waf::builder(Ruleset::builtin())
///     .routes(["/login", "/notes/{id}", "/reports"])
///     .field(Field::named("password").on("/login"), FieldKind::Opaque)
///     .field(Field::named("html").on("/notes/{id}"), FieldKind::RichText)
///     .exclude(Exclusion::of_class(Class::Sqli, Field::named("q").on("/reports")))
///     .build()?;
///
/// let misspelled = Field::named("html").on("/note/{id}");
/// let error = Waf::builder(Ruleset::builtin())
///     .routes(["/notes/{id}"])
///     .field(misspelled, FieldKind::RichText)
///     .build()
///     .unwrap_err();
/// assert!(error.is_unknown());
/// # let _ = waf;
/// # Ok::<(), portcullis::waf::WafError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WafBuilder {
    rules: Ruleset,
    limits: Limits,
    routes: Vec<String>,
    kinds: Vec<(Field, FieldKind)>,
    exclusions: Vec<Exclusion>,
    duplicates_are_wrong: bool,
    field_threshold: u32,
    request_threshold: u32,
}

impl WafBuilder {
    fn new(rules: Ruleset) -> Self {
        Self {
            rules,
            limits: Limits::new(),
            routes: Vec::new(),
            kinds: Vec::new(),
            exclusions: Vec::new(),
            duplicates_are_wrong: false,
            field_threshold: FIELD_THRESHOLD,
            request_threshold: REQUEST_THRESHOLD,
        }
    }

    /// Sets how much of a request is looked at.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Names the routes that the application has. Fields and exclusions on other routes are
    /// errors then.
    pub fn routes<R: Into<String>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        self.routes.extend(routes.into_iter().map(Into::into));
        self
    }

    /// Says what a field may hold.
    pub fn field(mut self, field: Field, kind: FieldKind) -> Self {
        self.kinds.push((field, kind));
        self
    }

    /// Excludes rules from counting in a field.
    pub fn exclude(mut self, exclusion: Exclusion) -> Self {
        self.exclusions.push(exclusion);
        self
    }

    /// Refuses requests that send a parameter twice: for applications of which some parts
    /// take the first and some the last. An array that is sent as `a=1&a=2` is refused, too.
    pub fn refuse_duplicates(mut self) -> Self {
        self.duplicates_are_wrong = true;
        self
    }

    /// Sets from which score of one field, and of a whole request, a request is refused; 5
    /// and 10 without this. More lets attacks pass: prefer exclusions.
    pub fn insecure_thresholds(mut self, field: u32, request: u32) -> Self {
        self.field_threshold = field.max(1);
        self.request_threshold = request.max(1);
        self
    }

    /// The decision, ready to use.
    ///
    /// # Errors
    /// When a field or exclusion names a rule, tag or route that does not exist, would exclude
    /// nothing, or says what another one says.
    pub fn build(self) -> Result<Waf, WafError> {
        let routes = self.routes.iter().map(|route| Route::parse(route));
        let routes = routes.collect::<Result<Vec<_>, _>>()?;
        let policy = Policy::check(&self.kinds, &self.exclusions, &routes, &self.rules)?;
        Ok(Waf::assemble(self, policy))
    }
}

/// Runs the requests of a rule's own tests.
pub(super) fn test(rule: &Rule) -> Result<(), WafError> {
    let mut alone = Ruleset::empty();
    alone.builtin = rule.conditions.iter().any(Condition::asks_for_attacks);
    alone.level = 3;
    alone.custom.push(rule.clone());
    let waf = Waf::new(alone);
    for test in &rule.tests {
        let report = waf.explain(&test.request());
        let matched = report.matches.iter().any(|found| found.rule == rule.id);
        if matched != test.must_match {
            return Err(WafError::test(rule.id.as_str(), test.to_string(), matched));
        }
    }
    Ok(())
}
