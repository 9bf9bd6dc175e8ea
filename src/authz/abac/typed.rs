use super::catalog::Catalog;
use super::{
    Candidate, Condition, ConfigError, Context, EvalError, Findings, Note, PolicyHead, Resource,
    StepUp,
};
use crate::principal::Principal;
use hashbrown::HashMap;
use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The longest id of a policy, in characters.
const MAX_ID: usize = 128;

/// A condition of the principal and the circumstances alone.
type OfCaller = Box<dyn Fn(&Principal, &Context) -> Result<bool, EvalError> + Send + Sync>;
/// A condition of the resource as well.
type OfResource<R> = Box<dyn Fn(&Principal, &R, &Context) -> Result<bool, EvalError> + Send + Sync>;

enum Test<R> {
    Caller(OfCaller),
    Resource(OfResource<R>),
}

struct Rule<R> {
    label: Cow<'static, str>,
    test: Test<R>,
}

/// A policy that allows what all its conditions hold for, unless another forbids it.
///
/// `actions` are permissions as roles have them: `documents:read`, or with wildcards
/// `documents:*`, `*:read`, `*`.
pub fn permit<'a, R: Resource>(
    id: impl Into<Box<str>>,
    actions: impl IntoIterator<Item = &'a str>,
) -> Policy<R> {
    Policy::new(PolicyHead::permit(id), actions)
}

/// A policy that forbids what all its conditions hold for, whatever others allow. One without
/// conditions forbids always.
pub fn forbid<'a, R: Resource>(
    id: impl Into<Box<str>>,
    actions: impl IntoIterator<Item = &'a str>,
) -> Policy<R> {
    Policy::new(PolicyHead::forbid(id), actions)
}

/// A policy about things of one type: made by [`permit`] or [`forbid`].
///
/// ```
/// use portcullis::authz::abac::{attributes, forbid, permit};
///
/// struct Document { id: u64, department: String, is_secret: bool }
/// attributes! {
///     Document as "Document" {
///         id = document => document.id.to_string();
///         department: public text;
///         is_secret: bool;
///     }
/// }
///
/// let same_department = permit::<Document>("same-department", ["documents:read"])
///     .when("same department", |who, document, _| {
///         who.attribute_is("department", &document.department)
///     });
/// let no_secrets = forbid::<Document>("secrets-by-day", ["documents:*"])
///     .when("is secret", |_, document, _| document.is_secret)
///     .given("at night", |_, context| context.hour() < 6);
/// ```
#[must_use = "a policy counts once it is given to `Authz::builder()`"]
pub struct Policy<R> {
    head: PolicyHead,
    actions: Vec<String>,
    rules: Vec<Rule<R>>,
    is_always: bool,
}

impl<R: Resource> Policy<R> {
    fn new<'a>(head: PolicyHead, actions: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            head,
            actions: actions.into_iter().map(str::to_owned).collect(),
            rules: Vec::new(),
            is_always: false,
        }
    }

    /// Adds a condition. The label stands in explanations; it should say in a few words what is
    /// asked.
    pub fn when(
        self,
        label: impl Into<Cow<'static, str>>,
        condition: impl Fn(&Principal, &R, &Context) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.try_when(label, move |principal, resource, context| {
            Ok(condition(principal, resource, context))
        })
    }

    /// Adds a condition that may fail: where it asks something that can be out of order. A
    /// policy that fails never allows: one that permits is left out, one that forbids makes
    /// the decision [indeterminate](super::Outcome::Indeterminate).
    pub fn try_when(
        mut self,
        label: impl Into<Cow<'static, str>>,
        condition: impl Fn(&Principal, &R, &Context) -> Result<bool, EvalError> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push(Rule {
            label: label.into(),
            test: Test::Resource(Box::new(condition)),
        });
        self
    }

    /// Adds a condition of the principal and the circumstances alone, which lists judge once
    /// instead of for each row.
    pub fn given(
        self,
        label: impl Into<Cow<'static, str>>,
        condition: impl Fn(&Principal, &Context) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.try_given(label, move |principal, context| {
            Ok(condition(principal, context))
        })
    }

    /// The same for a condition that may fail.
    pub fn try_given(
        mut self,
        label: impl Into<Cow<'static, str>>,
        condition: impl Fn(&Principal, &Context) -> Result<bool, EvalError> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push(Rule {
            label: label.into(),
            test: Test::Caller(Box::new(condition)),
        });
        self
    }

    /// Says that a permit without a condition is meant: everybody may.
    pub const fn always(mut self) -> Self {
        self.is_always = true;
        self
    }

    /// Says that a stronger login may change what this decides. Where such a login would be
    /// allowed, the outcome is a step-up (401, RFC 9470), not a denial.
    pub fn or_step_up(mut self, step_up: StepUp) -> Self {
        self.head = self.head.with_step_up(step_up);
        self
    }

    /// Demands that something is done where this allows: see
    /// [`Decision::obligations`](super::Decision::obligations).
    pub fn obligation(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.head = self.head.with_obligation(Note::new(name, value));
        self
    }

    /// Tells the application something where this decides.
    pub fn advice(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.head = self.head.with_advice(Note::new(name, value));
        self
    }

    /// Whether all conditions hold. One that does not hold settles it, whatever else failed.
    #[inline]
    fn judge(&self, test: impl Fn(&Test<R>) -> Result<bool, EvalError>) -> Result<bool, EvalError> {
        let mut failure = None;
        for rule in &self.rules {
            match test(&rule.test) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if error.is_outage() || failure.is_none() => failure = Some(error),
                Err(_) => {}
            }
        }
        failure.map_or(Ok(true), Err)
    }

    fn note(&self, judged: Result<bool, EvalError>, findings: &mut Findings) {
        match judged {
            Ok(true) => findings.satisfied(&self.head),
            Ok(false) => findings.unsatisfied(&self.head),
            Err(error) => findings.failed(&self.head, error),
        }
    }

    fn candidate(&self, principal: &Principal, resource: &R, context: &Context) -> Candidate {
        let judged = self.rules.iter().map(|rule| {
            let holds = rule.test.run(principal, resource, context);
            Condition::new(rule.label.clone(), holds.ok())
        });
        Candidate::new(self.head.clone(), judged.collect())
    }
}

impl<R> Test<R> {
    #[inline]
    fn run(
        &self,
        principal: &Principal,
        resource: &R,
        context: &Context,
    ) -> Result<bool, EvalError> {
        match self {
            Self::Caller(test) => test(principal, context),
            Self::Resource(test) => test(principal, resource, context),
        }
    }
}

impl<R> fmt::Debug for Policy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("head", &self.head)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

/// A policy of some type, to be told apart later.
pub(super) trait AnyPolicy: Send {
    /// Puts the policy where it is looked for.
    fn join(
        self: Box<Self>,
        policies: &mut TypedPolicies,
        catalog: &Catalog,
    ) -> Result<(), ConfigError>;
}

impl<R: Resource> AnyPolicy for Policy<R> {
    fn join(
        self: Box<Self>,
        policies: &mut TypedPolicies,
        catalog: &Catalog,
    ) -> Result<(), ConfigError> {
        policies.admit(&self.head)?;
        let is_open = self.rules.is_empty() && self.head.effect() == super::Effect::Permit;
        if is_open && !self.is_always {
            return Err(ConfigError::Unconditional(self.head.id().to_owned()));
        }
        let mut numbers = BTreeSet::new();
        for pattern in &self.actions {
            numbers.extend(catalog.matching(pattern)?);
        }
        let policy = Arc::new(*self);
        for number in numbers {
            policies.bucket_mut(number).push(Arc::clone(&policy));
        }
        Ok(())
    }
}

/// Policies over `R` for one permission.
type Bucket<R> = Vec<Arc<Policy<R>>>;

/// Policies in the places where they are looked for: by permission and type.
#[derive(Default)]
pub(super) struct TypedPolicies {
    buckets: HashMap<(usize, TypeId), Box<dyn Any + Send + Sync>>,
    heads: Vec<PolicyHead>,
    ids: BTreeSet<Box<str>>,
}

impl fmt::Debug for TypedPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.heads).finish()
    }
}

impl TypedPolicies {
    fn admit(&mut self, head: &PolicyHead) -> Result<(), ConfigError> {
        let id = head.id();
        let is_id = (1..=MAX_ID).contains(&id.chars().count())
            && !id.contains(char::is_control)
            && id.trim() == id;
        if !is_id {
            return Err(ConfigError::MalformedPolicy(id.to_owned()));
        }
        if !self.ids.insert(id.into()) {
            return Err(ConfigError::DuplicatePolicy(id.to_owned()));
        }
        self.heads.push(head.clone());
        Ok(())
    }

    fn bucket_mut<R: Resource>(&mut self, permission: usize) -> &mut Bucket<R> {
        let made = || -> Box<dyn Any + Send + Sync> { Box::new(Bucket::<R>::new()) };
        let key = (permission, TypeId::of::<R>());
        let bucket = self.buckets.entry(key).or_insert_with(made);
        #[expect(clippy::expect_used, reason = "the key holds the type")]
        bucket.downcast_mut().expect("a bucket of this type")
    }

    #[inline]
    fn bucket<R: Resource>(&self, permission: usize) -> &[Arc<Policy<R>>] {
        let bucket = self.buckets.get(&(permission, TypeId::of::<R>()));
        let typed = bucket.and_then(|bucket| bucket.downcast_ref::<Bucket<R>>());
        typed.map_or(&[], Vec::as_slice)
    }

    pub(super) fn heads(&self) -> &[PolicyHead] {
        &self.heads
    }

    /// Adds to the findings what the policies say.
    #[inline]
    pub(super) fn evaluate<R: Resource>(
        &self,
        permission: usize,
        (principal, resource, context): (&Principal, &R, &Context),
        findings: &mut Findings,
    ) {
        for policy in self.bucket::<R>(permission) {
            let judged = policy.judge(|test| test.run(principal, resource, context));
            policy.note(judged, findings);
        }
    }

    pub(super) fn candidates<R: Resource>(
        &self,
        permission: usize,
        (principal, resource, context): (&Principal, &R, &Context),
        most: usize,
    ) -> Vec<Candidate> {
        let bucket = self.bucket::<R>(permission).iter();
        bucket
            .take(most)
            .map(|policy| policy.candidate(principal, resource, context))
            .collect()
    }

    /// The policies for a list, what depends on the caller alone judged already.
    pub(super) fn prepare<R: Resource>(
        &self,
        permission: usize,
        principal: &Principal,
        context: &Context,
    ) -> Vec<Remaining<R>> {
        let bucket = self.bucket::<R>(permission).iter();
        let open = bucket.filter_map(|policy| {
            let of_caller = policy.judge(|test| match test {
                Test::Caller(test) => test(principal, context),
                Test::Resource(_) => Ok(true),
            });
            let is_done = of_caller == Ok(false);
            let policy = Arc::clone(policy);
            (!is_done).then_some(Remaining { policy, of_caller })
        });
        open.collect()
    }
}

/// A policy whose conditions of the caller do not fail to hold.
pub(super) struct Remaining<R> {
    policy: Arc<Policy<R>>,
    of_caller: Result<bool, EvalError>,
}

impl<R: Resource> Remaining<R> {
    /// Adds to the findings what the policy says of this row.
    #[inline]
    pub(super) fn evaluate(
        &self,
        principal: &Principal,
        resource: &R,
        context: &Context,
        findings: &mut Findings,
    ) {
        let of_row = self.policy.judge(|test| match test {
            Test::Caller(_) => Ok(true),
            Test::Resource(test) => test(principal, resource, context),
        });
        // As if all had been judged together.
        let judged = match (of_row, &self.of_caller) {
            (Ok(true), of_caller) => of_caller.clone(),
            (Err(row), Err(caller)) if !row.is_outage() => Err(caller.clone()),
            (of_row, _) => of_row,
        };
        self.policy.note(judged, findings);
    }
}
