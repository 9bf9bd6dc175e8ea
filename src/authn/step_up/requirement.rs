use crate::clock::{Clock, Timestamp};
use crate::guard::Challenge;
use crate::principal::{Assurance, Method, Principal};
use std::sync::Arc;
use std::time::Duration;

/// An authentication may seem this much later than now: clocks of machines differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// What an authentication must be like: a layer, and in axum an
#[cfg_attr(feature = "axum", doc = "[extractor](super::Recent)")]
#[cfg_attr(not(feature = "axum"), doc = "extractor")]
/// too. See the [module](super) for the rules. Cheap to clone.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireRecent {
    max_age: Duration,
    methods: Arc<[Method]>,
    assurance: Option<Assurance>,
    acr_values: Arc<[Box<str>]>,
    challenge: Challenge,
    clock: Clock,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unmet {
    /// The authentication was too long ago, or is said to be of the future.
    Age,
    /// It was by none of the methods.
    Method,
    /// It is weaker, or says nothing of its strength.
    Assurance,
    /// Its class (`acr`) is none of those asked for.
    Class,
}

impl Unmet {
    pub(in crate::authn) const fn text(self) -> &'static str {
        match self {
            Self::Age => "a more recent authentication is required",
            Self::Method => "an authentication by another method is required",
            Self::Assurance | Self::Class => "a stronger authentication is required",
        }
    }
}

impl RequireRecent {
    /// Asks for an authentication that is at most so old.
    pub fn within(max_age: Duration) -> Self {
        Self {
            max_age,
            methods: Arc::default(),
            assurance: None,
            acr_values: Arc::default(),
            challenge: Challenge::new("Bearer"),
            clock: Clock::system(),
        }
    }

    /// Asks that it was by at least one of these methods (`amr`, RFC 8176). None, the default,
    /// asks for nothing.
    pub fn by_any(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Asks that it was at least so strong (NIST SP 800-63B-4). One that says nothing of its
    /// strength is not strong enough.
    pub const fn at_least(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }

    /// Asks that its class is one of these, the best first: values of `acr` as your
    /// authorization server has them, read from the principal's attribute of that name.
    pub fn of_class<T: Into<Box<str>>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the challenge for requests without a principal: `Bearer` by default.
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether a principal's authentication is so, and if not, what is missing.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn met_by(&self, principal: &Principal) -> Result<(), Unmet> {
        self.met_at(self.clock.now(), principal)
    }

    fn met_at(&self, now: Timestamp, principal: &Principal) -> Result<(), Unmet> {
        let authentication = principal.authentication();
        let time = authentication.time();
        if time > now.saturating_add(LEEWAY) || now.since(time) > self.max_age {
            return Err(Unmet::Age);
        }
        let mut used = authentication.methods().iter();
        if !self.methods.is_empty() && !used.any(|method| self.methods.contains(method)) {
            return Err(Unmet::Method);
        }
        if authentication.assurance() < self.assurance {
            return Err(Unmet::Assurance);
        }
        let class = principal.attribute("acr").and_then(|class| class.as_str());
        let is_asked_for = |class: &str| self.acr_values.iter().any(|value| **value == *class);
        if !self.acr_values.is_empty() && !class.is_some_and(is_asked_for) {
            return Err(Unmet::Class);
        }
        Ok(())
    }

    pub(in crate::authn) const fn max_age(&self) -> Duration {
        self.max_age
    }

    pub(super) const fn anonymous_challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The classes asked for, as `acr_values` has them: apart by spaces.
    pub(super) fn acr_values(&self) -> Option<String> {
        (!self.acr_values.is_empty()).then(|| self.acr_values.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Authentication;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn what_is_asked_for_is_there_or_not() {
        use Assurance::{Aal1, Aal2, Aal3};
        use Method::{HardwareKey, OneTimePassword, Password};
        let recent = || RequireRecent::within(Duration::from_secs(300));
        let at = |time: u64| Authentication::new(Timestamp::from_unix_seconds(time));
        let strong = recent().at_least(Aal2);
        let by = recent().by_any([OneTimePassword, HardwareKey]);
        let class = recent().of_class(["phr", "mfa"]);
        for (name, required, login, acr, expected) in [
            ("now", recent(), at(NOW), None, Ok(())),
            ("just in time", recent(), at(NOW - 300), None, Ok(())),
            ("too old", recent(), at(NOW - 301), None, Err(Unmet::Age)),
            ("no time", recent(), at(0), None, Err(Unmet::Age)),
            ("clocks differ", recent(), at(NOW + 60), None, Ok(())),
            (
                "from the future",
                recent(),
                at(NOW + 61),
                None,
                Err(Unmet::Age),
            ),
            (
                "the end of time",
                recent(),
                at(u64::MAX),
                None,
                Err(Unmet::Age),
            ),
            (
                "as strong",
                strong.clone(),
                at(NOW).with_assurance(Aal2),
                None,
                Ok(()),
            ),
            (
                "stronger",
                strong.clone(),
                at(NOW).with_assurance(Aal3),
                None,
                Ok(()),
            ),
            (
                "weaker",
                strong.clone(),
                at(NOW).with_assurance(Aal1),
                None,
                Err(Unmet::Assurance),
            ),
            (
                "of unknown strength",
                strong,
                at(NOW),
                None,
                Err(Unmet::Assurance),
            ),
            (
                "one of the methods",
                by.clone(),
                at(NOW).with_method(Password).with_method(HardwareKey),
                None,
                Ok(()),
            ),
            (
                "another method",
                by.clone(),
                at(NOW).with_method(Password),
                None,
                Err(Unmet::Method),
            ),
            ("no method", by, at(NOW), None, Err(Unmet::Method)),
            (
                "the second class",
                class.clone(),
                at(NOW),
                Some("mfa"),
                Ok(()),
            ),
            (
                "two classes in one",
                class.clone(),
                at(NOW),
                Some("phr mfa"),
                Err(Unmet::Class),
            ),
            ("no class", class, at(NOW), None, Err(Unmet::Class)),
        ] {
            let mut principal = Principal::new("user-17", login);
            if let Some(acr) = acr {
                principal = principal.with_attribute("acr", acr);
            }
            let found = required.met_at(Timestamp::from_unix_seconds(NOW), &principal);
            assert_eq!(found, expected, "{name}");
        }
    }
}
