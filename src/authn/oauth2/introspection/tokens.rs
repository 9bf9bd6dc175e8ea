use super::answer::AnswerRules;
use super::introspector::{Introspector, Limits};
use super::{Endpoint, IntrospectionConfigError};
use crate::authn::authenticate::{Attempt, Authenticator};
use crate::authn::jwt::confirmation::{self, Possession};
use crate::authn::jwt::{JwtError, JwtErrorKind, Revocations, TokenScheme, is_token68};
use crate::authn::oauth2::PrincipalRules;
use crate::clock::Clock;
use crate::guard::{Challenge, Rejection, RequestHead};
use crate::principal::Principal;
use crate::random::Random;
use std::fmt;
use std::time::Duration;

/// The longest token that is asked about, in bytes.
const MAX_TOKEN_LEN: usize = 16 * 1024;

const DEFAULT_LIMITS: Limits = Limits {
    good_for: Duration::from_secs(30),
    bad_for: Duration::from_secs(5),
    entries: 8192,
    calls: 100,
};
const MAX_REMEMBERED: Duration = Duration::from_secs(300);
const CAPACITIES: std::ops::RangeInclusive<usize> = 64..=1 << 20;
const CALLS: std::ops::RangeInclusive<usize> = 1..=10_000;

/// Authenticates requests by tokens that their provider is asked about. See the
/// [module](super) for the rules. Cheap to clone; clones share what they remember.
#[derive(Clone, Debug)]
pub struct IntrospectedTokens {
    introspector: Introspector,
    principals: PrincipalRules,
    scheme: TokenScheme,
    wants_certificate: bool,
    revocations: Option<Revocations>,
}

/// Sets up [`IntrospectedTokens`].
#[derive(Clone)]
#[must_use = "nothing is asked before `build`"]
pub struct IntrospectedTokensBuilder {
    endpoint: Endpoint,
    rules: AnswerRules,
    limits: Limits,
    takes_public_client: bool,
    principals: PrincipalRules,
    clock: Clock,
}

impl IntrospectedTokens {
    /// Begins with tokens that this issuer made for this audience, and the endpoint where it
    /// says what they are (`introspection_endpoint`).
    pub fn builder(
        issuer: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        endpoint: Endpoint,
    ) -> IntrospectedTokensBuilder {
        IntrospectedTokensBuilder {
            endpoint,
            rules: AnswerRules {
                issuer: issuer.into(),
                audience: Some(audience.into()),
                takes_any_type: false,
            },
            limits: DEFAULT_LIMITS,
            takes_public_client: false,
            principals: PrincipalRules::new(),
            clock: Clock::system(),
        }
    }

    /// Sets the `realm` of challenges (RFC 9110 section 11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.scheme.realm = Some(realm.into());
        self
    }

    /// Refuses tokens that are not bound to a certificate of the client (RFC 8705).
    #[must_use]
    pub const fn require_certificate(mut self) -> Self {
        self.wants_certificate = true;
        self
    }

    /// Asks for each token whether its login or all of its user was
    /// [ended](Revocations::revoke_login) here, by `sid` and `sub`, as back-channel logout does:
    /// also while the provider's word is remembered.
    #[must_use]
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// The principal of a token, whose sender shows this when the token is known to be good.
    pub(in crate::authn) async fn admit_proved<T: Send>(
        &self,
        token: &str,
        prove: impl FnOnce() -> Result<(Possession, T), Rejection> + Send,
    ) -> Result<(Principal, T), Rejection> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JwtError::from(JwtErrorKind::TooLong).into());
        }
        let claims = self.introspector.look(token).await?;
        let (shown, proof) = prove()?;
        confirmation::check(&claims, &shown)?;
        if self.wants_certificate && !confirmation::is_bound_to_certificate(&claims) {
            return Err(JwtError::missing("cnf: x5t#S256").into());
        }
        let issuer = self.introspector.issuer();
        let principal = self.principals.principal(issuer, &claims)?;
        if let Some(revocations) = &self.revocations {
            revocations.check_login(issuer, &claims).await?;
        }
        Ok((principal, proof))
    }

    #[cfg(feature = "dpop")]
    pub(in crate::authn) const fn scheme(&self) -> &TokenScheme {
        &self.scheme
    }
}

impl Authenticator for IntrospectedTokens {
    fn challenges(&self) -> Vec<Challenge> {
        vec![self.scheme.challenge()]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let token = match self.scheme.find(request) {
            None => return Attempt::Absent,
            Some(Err(rejection)) => return Attempt::Rejected(rejection),
            Some(Ok(token)) if !is_token68(token) => {
                return Attempt::Rejected(self.scheme.not_a_token());
            }
            Some(Ok(token)) => token.to_owned(),
        };
        let shown = Possession {
            key: None,
            certificate: request.extensions().get().cloned(),
        };
        let tokens = self.clone();
        Attempt::now_or_later(async move {
            let admitted = tokens.admit_proved(&token, || Ok((shown, ()))).await;
            let admitted = admitted.map(|(principal, ())| principal);
            admitted.map_err(|rejection| tokens.scheme.challenged(rejection, "invalid_token"))
        })
    }
}

impl IntrospectedTokensBuilder {
    /// Sets for how long answers are gone by: 30 seconds for good tokens and 5 for bad ones by
    /// default, 300 at most. Zero asks each time.
    pub const fn remember(mut self, good: Duration, bad: Duration) -> Self {
        self.limits.good_for = good;
        self.limits.bad_for = bad;
        self
    }

    /// Sets how many answers are remembered, of good tokens and of bad ones each: 8192 by
    /// default.
    pub const fn capacity(mut self, answers: usize) -> Self {
        self.limits.entries = answers;
        self
    }

    /// Sets how many calls may be under way at once: 100 by default. Who comes beyond that gets
    /// 503 at once.
    pub const fn max_calls(mut self, calls: usize) -> Self {
        self.limits.calls = calls;
        self
    }

    /// Sets how tokens become principals.
    pub fn principals(mut self, rules: PrincipalRules) -> Self {
        self.principals = rules;
        self
    }

    /// Takes tokens for any audience, or none: any service that gets a token for itself can use
    /// it here. For providers whose answers have no `aud`.
    pub fn insecure_any_audience(mut self) -> Self {
        self.rules.audience = None;
        self
    }

    /// Takes tokens whose `token_type` is another or missing, for providers whose answers have
    /// none: whatever the provider calls active, refresh tokens too.
    pub const fn insecure_any_token_type(mut self) -> Self {
        self.rules.takes_any_type = true;
        self
    }

    /// Asks as a client that shows nothing but its id: where its connection shows its
    /// certificate (RFC 8705), or on a network where everybody may ask.
    pub const fn insecure_public_client(mut self) -> Self {
        self.takes_public_client = true;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The authenticator.
    ///
    /// # Errors
    /// When a setting is out of bounds.
    pub fn build(self) -> Result<IntrospectedTokens, IntrospectionConfigError> {
        self.check()?;
        let secret = Random::secure().bytes();
        let introspector =
            Introspector::new(self.endpoint, self.rules, self.limits, self.clock, &secret);
        Ok(IntrospectedTokens {
            introspector,
            principals: self.principals,
            scheme: TokenScheme::bearer(),
            wants_certificate: false,
            revocations: None,
        })
    }

    fn check(&self) -> Result<(), IntrospectionConfigError> {
        let Limits {
            good_for,
            bad_for,
            entries,
            calls,
        } = self.limits;
        if self.rules.issuer.is_empty() {
            return Err(IntrospectionConfigError::Empty("issuer"));
        }
        if self.rules.audience.as_ref().is_some_and(|it| it.is_empty()) {
            return Err(IntrospectionConfigError::Empty("audience"));
        }
        if !self.takes_public_client && !self.endpoint.authentication().is_confidential() {
            return Err(IntrospectionConfigError::PublicClient);
        }
        if good_for > MAX_REMEMBERED || bad_for > good_for {
            return Err(IntrospectionConfigError::Remembered {
                good: good_for.as_secs(),
                bad: bad_for.as_secs(),
            });
        }
        if !CAPACITIES.contains(&entries) {
            return Err(IntrospectionConfigError::Capacity(entries));
        }
        if !CALLS.contains(&calls) {
            return Err(IntrospectionConfigError::Calls(calls));
        }
        Ok(())
    }
}

impl fmt::Debug for IntrospectedTokensBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectedTokensBuilder")
            .field("endpoint", &self.endpoint)
            .field("rules", &self.rules)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
