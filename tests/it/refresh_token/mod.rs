//! Refresh tokens: their life, theft, races in memory and on Redis, and a store that fails.

mod life;
mod races;
mod theft;

use portcullis::authn::refresh_token::{
    Grant, NewRefreshToken, Presented, RefreshError, RefreshTokens, RefreshTokensBuilder, Refusal,
};
use portcullis::clock::{Clock, FakeClock};
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::principal::{Assurance, Authentication, Method, Principal};
use portcullis::store::{MemoryStore, Store};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Refresh tokens, with a time and events of their own.
struct House {
    time: FakeClock,
    tokens: RefreshTokens,
    events: Arc<RecentEvents>,
}

impl House {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(configure: impl FnOnce(RefreshTokensBuilder) -> RefreshTokensBuilder) -> Self {
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
        Self::on(store, time, configure)
    }

    fn on(
        store: Store,
        time: FakeClock,
        configure: impl FnOnce(RefreshTokensBuilder) -> RefreshTokensBuilder,
    ) -> Self {
        let events = Arc::new(RecentEvents::new(10_000));
        let builder = RefreshTokens::builder(store).clock(time.clock());
        let tokens = configure(builder).build().unwrap();
        let emitter = Emitter::new(events.clone(), Clock::system());
        Self {
            time,
            tokens: tokens.telling(emitter),
            events,
        }
    }

    /// What somebody gets who has just typed the password and a code.
    fn grant(&self, user: &str) -> Grant {
        let proof = Authentication::new(self.time.clock().now())
            .with_method(Method::Password)
            .with_method(Method::OneTimePassword)
            .with_assurance(Assurance::Aal2);
        Grant::of(&Principal::new(user, proof))
    }

    async fn issue(&self, user: &str) -> NewRefreshToken {
        self.tokens.issue(self.grant(user)).await.unwrap()
    }

    async fn refresh(&self, token: &NewRefreshToken) -> Result<NewRefreshToken, RefreshError> {
        let presented = Presented::new(token.token().expose());
        self.tokens.refresh(presented).await
    }

    /// `ok`, or the code of the refusal.
    async fn outcome(&self, token: &NewRefreshToken) -> &'static str {
        outcome(&self.refresh(token).await)
    }

    fn heard(&self, kind: EventKind) -> Vec<SecurityEvent> {
        let mut events = self.events.snapshot();
        events.retain(|event| event.kind() == kind);
        events
    }
}

fn outcome(found: &Result<NewRefreshToken, RefreshError>) -> &'static str {
    match found {
        Ok(_) => "ok",
        Err(error) => error.refusal().map_or("failed", Refusal::code),
    }
}
