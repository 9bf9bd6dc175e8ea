use crate::waf::RawRequest;
use std::fmt;
use std::net::IpAddr;

/// A request that a rule must match, or must not. It stands in the rule, and is tried whenever
/// the rule is loaded.
///
/// ```
/// use portcullis::waf::{Class, Condition, Operator, Rule, RuleTest, Ruleset, Target};
///
/// let rule = Rule::new("vp-trace", Class::Generic)
///     .when(Condition::new(Target::header("x-trace"), Operator::LongerThan(32)))
///     .test(RuleTest::must_match("GET", "/").header("x-trace", &"0".repeat(33)))
///     .test(RuleTest::must_not_match("GET", "/").header("x-trace", "17"));
/// assert!(Ruleset::builtin().with(rule).is_ok());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RuleTest {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    client: Option<IpAddr>,
    pub(in crate::waf) must_match: bool,
}

impl RuleTest {
    fn new(method: &str, target: &str, must_match: bool) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            client: None,
            must_match,
        }
    }

    /// A request of this method for this target, as sent, that the rule must match.
    pub fn must_match(method: &str, target: &str) -> Self {
        Self::new(method, target, true)
    }

    /// A request of this method for this target, as sent, that the rule must not match.
    pub fn must_not_match(method: &str, target: &str) -> Self {
        Self::new(method, target, false)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body. Its content type is a header.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the client's address.
    pub const fn client_address(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    pub(in crate::waf) fn request(&self) -> RawRequest<'_> {
        let request = RawRequest::new(&self.method, &self.target).body(&self.body);
        let request = self.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        match self.client {
            Some(address) => request.client_address(address),
            None => request,
        }
    }
}

impl fmt::Display for RuleTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}
