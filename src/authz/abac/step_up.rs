use super::Context;
use crate::guard::{Rejection, StepUpDemand};
use crate::principal::{Assurance, Authentication, Method, Principal};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// From a login to the request that is tried again. What a policy takes for too old by then is
/// not promised: the client would log in for ever.
const RETRY: Duration = Duration::from_secs(5);

/// A login that would be strong enough.
///
/// It is the outcome of a decision only where the same request would be allowed after such a
/// login. A challenge never promises what would be refused anyway. (RFC 9470)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StepUp {
    max_age: Option<Duration>,
    assurance: Option<Assurance>,
    methods: Vec<Method>,
    acr_values: Vec<Box<str>>,
}

impl StepUp {
    /// A login by several factors.
    pub fn multi_factor() -> Self {
        Self::default().by(Method::MultiFactor)
    }

    /// A login of this strength (NIST SP 800-63B-4).
    pub fn to(assurance: Assurance) -> Self {
        Self {
            assurance: Some(assurance),
            ..Self::default()
        }
    }

    /// A login at most so long ago.
    pub fn recent(max_age: Duration) -> Self {
        Self::default().within(max_age)
    }

    /// And at most so long ago.
    pub const fn within(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// And by this method (`amr`, RFC 8176).
    pub fn by(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self
    }

    /// And of one of these classes, the best first: values of `acr` as your authorization
    /// server has them. They are what the challenge asks for.
    pub fn of_class<T: Into<Box<str>>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.acr_values.extend(values.into_iter().map(Into::into));
        self
    }

    /// How old it may be.
    #[must_use]
    pub const fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// How strong it has to be.
    #[must_use]
    pub const fn assurance(&self) -> Option<Assurance> {
        self.assurance
    }

    /// The methods it has to use.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The classes that the challenge asks for.
    pub fn acr_values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.acr_values.iter().map(AsRef::as_ref)
    }

    /// What satisfies both.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.max_age = match (self.max_age, other.max_age) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self.assurance = self.assurance.max(other.assurance);
        let asked = other.methods.iter().cloned();
        self = asked.fold(self, Self::by);
        for value in &other.acr_values {
            if !self.acr_values.contains(value) {
                self.acr_values.push(value.clone());
            }
        }
        self
    }

    /// The principal as after such a login, some seconds ago, with the context to it.
    pub(super) fn imagined(
        &self,
        principal: &Principal,
        context: &Context,
    ) -> (Principal, Context) {
        let now = principal.authentication();
        let mut login = Authentication::new(context.time().saturating_sub(RETRY));
        for method in now.methods().iter().chain(&self.methods) {
            login = login.with_method(method.clone());
        }
        if let Some(assurance) = now.assurance().max(self.assurance) {
            login = login.with_assurance(assurance);
        }
        if let Some(issuer) = now.issuer() {
            login = login.with_issuer(issuer);
        }
        if let Some(credential) = now.credential() {
            login = login.with_credential(credential);
        }
        let context = context.clone().of_login(&login);
        let mut imagined = principal.clone().with_authentication(login);
        if let Some(class) = self.acr_values.first() {
            imagined = imagined.with_attribute("acr", &**class);
        }
        (imagined, context)
    }

    /// The challenge.
    pub(super) fn rejection(&self, token_scheme: Option<&'static str>) -> Rejection {
        let acr_values = (!self.acr_values.is_empty()).then(|| self.acr_values.join(" "));
        let demand = StepUpDemand {
            text: "a stronger or more recent authentication is required",
            max_age: self.max_age,
            acr_values: acr_values.as_deref(),
        };
        demand.rejection(token_scheme)
    }
}

/// `max_age` in seconds, `assurance`, `methods` and `acr_values`: what is asked for.
impl Serialize for StepUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(age) = self.max_age {
            map.serialize_entry("max_age", &age.as_secs())?;
        }
        if let Some(assurance) = self.assurance {
            map.serialize_entry("assurance", &assurance)?;
        }
        if !self.methods.is_empty() {
            let methods: Vec<_> = self.methods.iter().map(Method::as_str).collect();
            map.serialize_entry("methods", &methods)?;
        }
        if !self.acr_values.is_empty() {
            map.serialize_entry("acr_values", &self.acr_values)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn two_demands_are_met_by_the_stronger_of_each() {
        let one = StepUp::recent(Duration::from_secs(60)).of_class(["phr"]);
        let two = StepUp::to(Assurance::Aal2)
            .within(Duration::from_secs(300))
            .by(Method::HardwareKey)
            .of_class(["phr", "mfa"]);
        let both = one.and(&two);
        assert_eq!(both.max_age(), Some(Duration::from_secs(60)));
        assert_eq!(both.assurance(), Some(Assurance::Aal2));
        assert_eq!(both.methods(), [Method::HardwareKey]);
        assert_eq!(both.acr_values().collect::<Vec<_>>(), ["phr", "mfa"]);
    }

    #[test]
    fn nothing_but_the_login_is_imagined() {
        let login = Authentication::new(Timestamp::from_unix_seconds(1))
            .with_method(Method::Password)
            .with_assurance(Assurance::Aal3)
            .with_issuer("https://a.example")
            .with_credential("s1");
        let ann = Principal::new("ann", login)
            .with_role("member")
            .with_tenant("t");
        let context = Context::new(Timestamp::from_unix_seconds(100))
            .with_client_ip([192, 0, 2, 1].into())
            .with_tenant("of the row");
        let (imagined, context) = StepUp::multi_factor()
            .and(&StepUp::to(Assurance::Aal2))
            .imagined(&ann, &context);
        let expected = Authentication::new(Timestamp::from_unix_seconds(95))
            .with_method(Method::Password)
            .with_method(Method::MultiFactor)
            .with_assurance(Assurance::Aal3)
            .with_issuer("https://a.example")
            .with_credential("s1");
        assert_eq!(imagined, ann.with_authentication(expected));
        assert_eq!(context.mfa_age(), Some(RETRY));
        assert_eq!(context.assurance(), Some(Assurance::Aal3));
        assert_eq!(context.tenant(), Some("of the row"));
        assert_eq!(context.client_ip(), Some([192, 0, 2, 1].into()));
    }
}
