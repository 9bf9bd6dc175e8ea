use super::answer::{Answer, AnswerRules, check_times};
use super::memo::{Memo, Name};
use super::{Endpoint, IntrospectionError};
use crate::authn::flight::Flight;
use crate::authn::jwt::{Claims, JwtError, JwtErrorKind};
use crate::clock::Clock;
use crate::lock::lock;
use ring::hmac;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest claims that are remembered, in bytes: longer ones are asked for each time.
const MAX_REMEMBERED_LEN: usize = 16 * 1024;

/// For how long answers are gone by, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) good_for: Duration,
    pub(super) bad_for: Duration,
    pub(super) entries: usize,
    pub(super) calls: usize,
}

/// Asks a provider what tokens are, and remembers the answers for a moment. Cheap to clone;
/// clones share what they remember and the calls under way.
#[derive(Clone)]
pub(super) struct Introspector(Arc<Inner>);

type Outcome = Result<Arc<Claims>, IntrospectionError>;

struct Inner {
    endpoint: Endpoint,
    rules: AnswerRules,
    limits: Limits,
    clock: Clock,
    names: hmac::Key,
    calls: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    good: Memo<Arc<Claims>>,
    /// Apart, so that tokens which somebody makes up push none of the good ones out.
    bad: Memo<IntrospectionError>,
    flights: HashMap<Name, Flight<Outcome>>,
}

enum Step {
    Known(Outcome),
    Wait(Flight<Outcome>),
}

impl Introspector {
    pub(super) fn new(
        endpoint: Endpoint,
        rules: AnswerRules,
        limits: Limits,
        clock: Clock,
        secret: &[u8; 32],
    ) -> Self {
        Self(Arc::new(Inner {
            endpoint,
            rules,
            limits,
            clock,
            names: hmac::Key::new(hmac::HMAC_SHA256, secret),
            calls: Arc::new(Semaphore::new(limits.calls)),
            state: Mutex::new(State {
                good: Memo::new(limits.entries),
                bad: Memo::new(limits.entries),
                flights: HashMap::new(),
            }),
        }))
    }

    /// The claims of a token that is good. However many ask for one token, one call is under way.
    pub(super) async fn look(&self, token: &str) -> Outcome {
        match Inner::step(&self.0, token) {
            Step::Known(outcome) => outcome,
            Step::Wait(flight) => flight
                .landed()
                .await
                .unwrap_or(Err(IntrospectionError::NotNow)),
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.0.rules.issuer
    }
}

impl Inner {
    fn step(self: &Arc<Self>, token: &str) -> Step {
        let name = self.name(token);
        let now = self.clock.elapsed();
        let mut state = self.lock();
        if let Some(claims) = state.good.find(&name, now) {
            // The wall clock may have been set since.
            let checked = check_times(&claims, self.clock.now());
            return Step::Known(checked.map(|()| claims).map_err(Into::into));
        }
        if let Some(refusal) = state.bad.find(&name, now) {
            return Step::Known(Err(refusal));
        }
        if let Some(flight) = state.flights.get(&name)
            && flight.is_under_way()
        {
            return Step::Wait(flight.clone());
        }
        match self.begin(name, token) {
            Ok(flight) => {
                state.flights.insert(name, flight.clone());
                Step::Wait(flight)
            }
            Err(error) => Step::Known(Err(error)),
        }
    }

    /// Begins a call, if there may be one more.
    fn begin(
        self: &Arc<Self>,
        name: Name,
        token: &str,
    ) -> Result<Flight<Outcome>, IntrospectionError> {
        let permit = Arc::clone(&self.calls).try_acquire_owned();
        let permit = permit.map_err(|_| IntrospectionError::TooMany)?;
        let inner = Arc::clone(self);
        let token = crate::secret::SecretString::from(token);
        let flight = Flight::begin(async move {
            let outcome = inner.ask(token.expose()).await;
            inner.land(name, &outcome, permit);
            outcome
        });
        flight.ok_or(IntrospectionError::NotNow)
    }

    async fn ask(&self, token: &str) -> Outcome {
        let form = [("token", token), ("token_type_hint", "access_token")];
        let response = self.endpoint.post(&form).await?;
        let answer = Answer::from_response(&response);
        let answer = answer.map_err(|error| error.at(self.endpoint.origin()))?;
        let inactive = || JwtError::from(JwtErrorKind::Inactive);
        let claims = answer.into_claims().ok_or_else(inactive)?;
        self.rules.check(&claims, self.clock.now())?;
        Ok(Arc::new(claims))
    }

    /// Remembers what is known now. What could not be asked is not known.
    fn land(&self, name: Name, outcome: &Outcome, permit: OwnedSemaphorePermit) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.flights.remove(&name);
        drop(permit);
        match outcome {
            Ok(claims) if claims.as_json().len() <= MAX_REMEMBERED_LEN => {
                let until = now.saturating_add(self.good_for(claims));
                state.good.keep(name, until, Arc::clone(claims));
            }
            Err(refusal @ IntrospectionError::Token(_)) => {
                let until = now.saturating_add(self.limits.bad_for);
                state.bad.keep(name, until, refusal.clone());
            }
            _ => {}
        }
    }

    /// Never beyond the token's own end.
    fn good_for(&self, claims: &Claims) -> Duration {
        let most = self.limits.good_for;
        let left = claims.expires_at().map(|end| end.since(self.clock.now()));
        left.map_or(most, |left| left.min(most))
    }

    fn name(&self, token: &str) -> Name {
        let tag = hmac::sign(&self.names, token.as_bytes());
        let mut name = Name::default();
        let places = name.iter_mut().zip(tag.as_ref());
        places.for_each(|(place, byte)| *place = *byte);
        name
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector")
            .field("endpoint", &self.0.endpoint)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::oauth2::ClientAuthentication;
    use crate::net::client::{FakeAnswer, FakeTransport, HttpClient};
    use http::{Response, header};

    fn introspector(transport: &FakeTransport) -> Introspector {
        let client = HttpClient::builder().build_over(transport.clone()).unwrap();
        let app = ClientAuthentication::secret_basic("app", "s").unwrap();
        let endpoint = Endpoint::new("https://id.example.com/i", client, app).unwrap();
        let rules = AnswerRules {
            issuer: "https://id.example.com".into(),
            audience: None,
            takes_any_type: true,
        };
        let limits = Limits {
            good_for: Duration::from_secs(30),
            bad_for: Duration::from_secs(5),
            entries: 64,
            calls: 1,
        };
        Introspector::new(endpoint, rules, limits, Clock::system(), &[7; 32])
    }

    fn says(body: &'static str) -> FakeAnswer {
        let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
        FakeAnswer::response(response.body(body.into()).unwrap())
    }

    #[tokio::test]
    async fn made_up_tokens_take_no_more_memory_and_no_place_of_good_ones() {
        let transport = FakeTransport::answering(|request| {
            match request.body().windows(4).any(|it| it == b"good") {
                true => says(r#"{"active":true}"#),
                false => says(r#"{"active":false}"#),
            }
        });
        let introspector = introspector(&transport);
        introspector.look("good").await.unwrap();
        for number in 0..1_000 {
            let made_up = introspector.look(&number.to_string()).await;
            assert!(matches!(made_up, Err(IntrospectionError::Token(_))));
            let state = introspector.0.lock();
            assert!(state.bad.len() <= 64 && state.good.len() == 1);
            assert!(state.flights.is_empty());
        }
        assert_eq!(transport.calls(), 1_001);
        introspector.look("good").await.unwrap();
        assert_eq!(transport.calls(), 1_001, "it was not pushed out");
    }

    #[tokio::test]
    async fn names_tell_nothing_of_tokens() {
        let transport = FakeTransport::answering(|_| says(r#"{"active":true}"#));
        let one = introspector(&transport);
        assert_eq!(one.0.name("a"), one.0.name("a"));
        assert_ne!(one.0.name("a"), one.0.name("b"));
        one.look("canary").await.unwrap();
        assert!(!format!("{one:?}").contains("canary"));
    }
}
