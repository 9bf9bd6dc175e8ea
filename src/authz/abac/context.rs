use super::{AttributeSchema, AttributeType, Attributes, Facts, TypeSchema, Value};
use crate::clock::{Clock, Timestamp};
use crate::event::Emitter;
use crate::guard::{RequestHead, token_scheme};
use crate::net::client_ip::ClientIp;
use crate::principal::{Assurance, Authentication, Method, Principal};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;
/// An authentication may seem this much later than now: clocks of machines differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// The circumstances of a request, as far as this service knows them itself: nothing here is
/// what a client says.
///
/// The layers make one of each request: the time is the clock's, the client's address the one
/// that [`ClientIpLayer`](crate::net::client_ip::ClientIpLayer) made out, tenant, age of the
/// second factor and strength of the login those of the [`Principal`], and other facts those
/// that the application added to the request ([`Facts`]). In a handler it is an extractor under
/// feature `axum`.
#[derive(Clone, Debug)]
pub struct Context {
    time: Timestamp,
    client_ip: Option<IpAddr>,
    tenant: Option<Arc<str>>,
    mfa_age: Option<Duration>,
    assurance: Option<Assurance>,
    facts: BTreeMap<String, Json>,
    pub(super) token_scheme: Option<&'static str>,
    pub(super) emitter: Emitter,
}

impl Context {
    /// The circumstances at this time, of which nothing else is known.
    #[must_use]
    pub fn new(time: Timestamp) -> Self {
        Self {
            time,
            client_ip: None,
            tenant: None,
            mfa_age: None,
            assurance: None,
            facts: BTreeMap::new(),
            token_scheme: None,
            emitter: Emitter::default(),
        }
    }

    /// The circumstances of a request that went through the layers which find out the client's
    /// address, the principal, and [`Facts`].
    #[must_use]
    pub fn of_request(head: &RequestHead<'_>, clock: &Clock) -> Self {
        let extensions = head.extensions();
        let client_ip = extensions.get::<ClientIp>();
        let context = Self {
            client_ip: client_ip.map(|client| client.address()),
            token_scheme: token_scheme(head.headers()),
            emitter: Emitter::of(extensions),
            facts: Facts::of(extensions).cloned().unwrap_or_default().0,
            ..Self::new(clock.now())
        };
        match extensions.get::<Principal>() {
            Some(principal) => context.of_principal(principal),
            None => context,
        }
    }

    /// With the tenant of a principal, the strength of its login and the age of its second
    /// factor.
    #[must_use]
    pub fn of_principal(self, principal: &Principal) -> Self {
        Self {
            tenant: principal.tenant().map(Into::into),
            ..self.of_login(principal.authentication())
        }
    }

    /// With the strength of a login and the age of its second factor.
    pub(super) fn of_login(self, authentication: &Authentication) -> Self {
        Self {
            assurance: authentication.assurance(),
            mfa_age: mfa_age(authentication, self.time),
            ..self
        }
    }

    /// With this address of the client.
    #[must_use]
    pub const fn with_client_ip(mut self, address: IpAddr) -> Self {
        self.client_ip = Some(address);
        self
    }

    /// With this tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// With a login by several factors, so long ago.
    #[must_use]
    pub const fn with_mfa_age(mut self, age: Duration) -> Self {
        self.mfa_age = Some(age);
        self
    }

    /// With a login of this strength.
    #[must_use]
    pub const fn with_assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }

    /// With a fact that the service has found out itself. Where the layers are to know it as
    /// well, add it to the request: [`Facts::add`].
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.facts.insert(name.into(), value.into());
        self
    }

    /// When the request came.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The hour of the day, 0 to 23, in UTC.
    #[must_use]
    pub const fn hour(&self) -> u8 {
        (self.time.unix_seconds() % DAY / (60 * 60)) as u8
    }

    /// The day of the week in UTC: 1 is Monday, 7 is Sunday (ISO 8601).
    #[must_use]
    pub const fn weekday(&self) -> u8 {
        // The first day of the Unix epoch was a Thursday.
        ((self.time.unix_seconds() / DAY + 3) % 7 + 1) as u8
    }

    /// The client's address, where it is known.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }

    /// The tenant, where there are tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// How long ago the principal logged in by several factors; `None` when it did not.
    #[must_use]
    pub const fn mfa_age(&self) -> Option<Duration> {
        self.mfa_age
    }

    /// Whether the principal logged in by several factors, at most so long ago.
    #[must_use]
    pub fn has_mfa_within(&self, max_age: Duration) -> bool {
        self.mfa_age.is_some_and(|age| age <= max_age)
    }

    /// How strong the login was, where that is known.
    #[must_use]
    pub const fn assurance(&self) -> Option<Assurance> {
        self.assurance
    }

    /// A fact that was added.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&Json> {
        self.facts.get(name)
    }

    /// The facts that were added, in the order of their names.
    pub fn facts(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.facts
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The strength of the login as a number.
    fn level(&self) -> Option<i64> {
        self.assurance.map(|assurance| match assurance {
            Assurance::Aal1 => 1,
            Assurance::Aal2 => 2,
            Assurance::Aal3 => 3,
        })
    }

    fn mfa_seconds(&self) -> Option<i64> {
        let age = self.mfa_age?;
        Some(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
    }
}

/// For text policies: `time`, `hour` and `weekday` always; `ip`, `tenant`, `mfa_age` in seconds
/// and `assurance` from 1 to 3 where they are known. The [facts](Context::facts) come beside.
impl Attributes for Context {
    fn schema() -> TypeSchema {
        let attribute = |name, kind| AttributeSchema::new(name, kind).public();
        TypeSchema::new("Context")
            .attribute(attribute("time", AttributeType::Time))
            .attribute(attribute("hour", AttributeType::Long))
            .attribute(attribute("weekday", AttributeType::Long))
            .attribute(AttributeSchema::new("ip", AttributeType::Ip).optional())
            .attribute(attribute("tenant", AttributeType::Text).optional())
            .attribute(attribute("mfa_age", AttributeType::Long).optional())
            .attribute(attribute("assurance", AttributeType::Long).optional())
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "time" => Some(Value::Time(self.time)),
            "hour" => Some(Value::Long(self.hour().into())),
            "weekday" => Some(Value::Long(self.weekday().into())),
            "ip" => self.client_ip.map(Value::Ip),
            "tenant" => self.tenant().map(Value::Text),
            "mfa_age" => self.mfa_seconds().map(Value::Long),
            "assurance" => self.level().map(Value::Long),
            _ => None,
        }
    }

    fn visit(&self, visitor: &mut dyn FnMut(&'static str, Value<'_>)) {
        for name in [
            "time",
            "hour",
            "weekday",
            "ip",
            "tenant",
            "mfa_age",
            "assurance",
        ] {
            if let Some(value) = self.attribute(name) {
                visitor(name, value);
            }
        }
    }
}

/// How long ago a login by several factors was. One from the future was not.
fn mfa_age(authentication: &Authentication, now: Timestamp) -> Option<Duration> {
    let is_believable = authentication.time() <= now.saturating_add(LEEWAY);
    (is_believable && is_multi_factor(authentication)).then(|| now.since(authentication.time()))
}

fn is_multi_factor(authentication: &Authentication) -> bool {
    use Method::{HardwareKey, MultiFactor, OneTimePassword, Password, Sms, SoftwareKey};
    let methods = authentication.methods();
    let is_any = |of: &[Method]| methods.iter().any(|method| of.contains(method));
    authentication.assurance() >= Some(Assurance::Aal2)
        || is_any(&[MultiFactor])
        || is_any(&[Password]) && is_any(&[OneTimePassword, Sms, HardwareKey, SoftwareKey])
}

/// The context that a layer of [`Authz`](super::Authz) left; without one, it is made of the
/// request by the system's clock.
#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for Context {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        let left = parts.extensions.get::<Self>().cloned();
        Ok(left
            .unwrap_or_else(|| Self::of_request(&RequestHead::of_parts(parts), &Clock::system())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_and_of_the_week() {
        for (name, seconds, hour, weekday) in [
            ("the epoch, a Thursday", 0, 0, 4),
            ("the last second of Sunday", 3 * DAY + DAY - 1, 23, 7),
            ("the first of Monday", 4 * DAY, 0, 1),
            ("2026-11-22T22:50:00Z, a Sunday", 1_795_387_800, 22, 7),
            ("the end of time", u64::MAX, 7, 4),
        ] {
            let context = Context::new(Timestamp::from_unix_seconds(seconds));
            assert_eq!(
                (context.hour(), context.weekday()),
                (hour, weekday),
                "{name}"
            );
        }
    }

    #[test]
    fn several_factors_and_when() {
        use Method::{MultiFactor, OneTimePassword, Other, Password, Sms};
        const NOW: u64 = 1_700_000_000;
        let at = |time: u64| Authentication::new(Timestamp::from_unix_seconds(time));
        let both = |time| at(time).with_method(Password).with_method(OneTimePassword);
        for (name, login, expected) in [
            ("a password alone", at(NOW).with_method(Password), None),
            ("password and code", both(NOW - 60), Some(60)),
            (
                "said to be several",
                at(NOW).with_method(MultiFactor),
                Some(0),
            ),
            (
                "strong",
                at(NOW - 5).with_assurance(Assurance::Aal3),
                Some(5),
            ),
            ("weak", at(NOW).with_assurance(Assurance::Aal1), None),
            (
                "two codes are one factor",
                at(NOW).with_method(Sms).with_method(OneTimePassword),
                None,
            ),
            (
                "unknown",
                at(NOW).with_method(Password).with_method(Other("x".into())),
                None,
            ),
            ("clocks differ", both(NOW + 60), Some(0)),
            ("from the future", both(NOW + 61), None),
            ("the end of time", both(u64::MAX), None),
            ("time unknown", both(0), Some(NOW)),
        ] {
            let context = Context::new(Timestamp::from_unix_seconds(NOW))
                .of_principal(&Principal::new("user-17", login));
            assert_eq!(
                context.mfa_age().map(|age| age.as_secs()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_shown_is_what_the_schema_names() {
        let context = Context::new(Timestamp::default())
            .with_client_ip([192, 0, 2, 1].into())
            .with_tenant("t")
            .with_mfa_age(Duration::MAX)
            .with_assurance(Assurance::Aal2);
        let mut shown = Vec::new();
        context.visit(&mut |name, value| shown.push((name, value.kind())));
        let schema = Context::schema();
        let named: Vec<_> = schema
            .attributes()
            .iter()
            .map(AttributeSchema::name)
            .collect();
        assert_eq!(
            shown.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            named
        );
        assert!(matches!(
            context.attribute("mfa_age"),
            Some(Value::Long(i64::MAX))
        ));
    }
}
